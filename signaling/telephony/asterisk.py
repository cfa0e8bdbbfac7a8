"""The dialect of Asterisk's channel driver chan_websocket (Asterisk 20.16, 21.11, 22.6, 23.0). Pure.

Binary frames are sound in the format of the channel. Text frames are control messages, as JSON where the dial string
says `f(json)`, otherwise as a line of plain text. Asterisk's first message says which; it is answered in the same way.
"""

import json
from collections.abc import Sequence
from typing import Any

from server.call.line.telephone import (
    Begun,
    Event,
    Flush,
    HangUp,
    Key,
    Late,
    Mark,
    Marked,
    Order,
    Rest,
    Say,
    Sound,
    silence,
)
from server.call.messages import AudioFormat
from server.errors import NotAcceptable, PeerError
from signaling.telephony.pieces import Pieces
from signaling.telephony.reading import json_object, text_of

FORMATS = {
    "slin": AudioFormat(encoding="pcm16", sample_rate=8000),
    "slin16": AudioFormat(encoding="pcm16", sample_rate=16000),
    "slin24": AudioFormat(encoding="pcm16", sample_rate=24000),
    "slin48": AudioFormat(encoding="pcm16", sample_rate=48000),
    "ulaw": AudioFormat(encoding="pcmu", sample_rate=8000),
    "alaw": AudioFormat(encoding="pcma", sample_rate=8000),
}
"""The sound of a channel, by Asterisk's names."""
MAX_PIECE_FRAMES = 10
"""How large a piece a channel may want: 200 ms. The packets of most telephones have 20 to 60 ms."""
MAX_COMMAND_BYTES = 128
"""Asterisk ignores longer commands. Ours have about 60 bytes, with the name of a mark in them."""


class Asterisk:
    """One channel."""

    def __init__(self) -> None:
        self._begun = False
        self._json = True
        self._pieces: Pieces | None = None
        self._full = False
        """Asterisk takes no more sound until it says MEDIA_XON."""

    def read(self, item: str | bytes) -> Sequence[Event]:
        if isinstance(item, bytes):
            if not self._begun:
                raise PeerError("sound came before MEDIA_START")
            return (Sound(item),)
        message = json_object(item) if item.lstrip().startswith("{") else _plain(item)
        event = message.get("event")
        if event == "MEDIA_START":
            self._json = item.lstrip().startswith("{")
            return (self._begin(message),)
        if event == "DTMF_END":
            return (Key(text_of(message, "digit")),)
        if event == "MEDIA_MARK_PROCESSED":
            return (Marked(text_of(message, "correlation_id")),)
        if event in ("MEDIA_XOFF", "MEDIA_XON"):
            self._full = event == "MEDIA_XOFF"
            return (Late(),) if self._full else ()
        return ()

    def write(self, order: Order) -> Sequence[str | bytes]:
        match order:
            case Say() | Rest() if self._full:
                return ()
            case Say(payload) if self._pieces is not None:
                return self._pieces.add(payload)
            case Rest() if self._pieces is not None:
                return self._pieces.fill()
            case Mark(name):
                return (self._command("MARK_MEDIA", correlation_id=name),)
            case Flush():
                if self._pieces is not None:
                    self._pieces.clear()
                return (self._command("FLUSH_MEDIA"),)
            case HangUp():
                return (self._command("HANGUP"),)
        return ()

    def _begin(self, message: dict[str, Any]) -> Begun:
        if self._begun:
            raise PeerError("MEDIA_START came twice")
        if not (name := text_of(message, "format")):
            raise PeerError("MEDIA_START does not tell the format of the channel")
        if (audio := FORMATS.get(name)) is None:
            raise NotAcceptable(
                f"the channel's format is none of {', '.join(FORMATS)}: put c(slin16) into the dial string"
            )
        self._begun = True
        self._pieces = Pieces(_piece_bytes(message, len(silence(audio))), silence(audio))
        variables = message.get("channel_variables")
        about = {"channel_variables": variables} if isinstance(variables, dict) and variables else {}
        return Begun(text_of(message, "connection_id"), audio, about=about)

    def _command(self, name: str, **parameters: str) -> str:
        if self._json:
            return json.dumps({"command": name, **parameters}, separators=(",", ":"))
        return " ".join([name, *parameters.values()])


def _piece_bytes(message: dict[str, Any], frame_bytes: int) -> int:
    """How large the pieces are in which the channel takes sound. It drops the remainder of others. If 20 ms are a whole
    number of such pieces, they are sent as they are."""
    told = text_of(message, "optimal_frame_size")
    size = int(told) if told.isdecimal() else 0
    fits = 0 < size <= MAX_PIECE_FRAMES * frame_bytes and size % 2 == 0 and frame_bytes % size
    return size if fits else frame_bytes


def _plain(line: str) -> dict[str, Any]:
    """`NAME key:value key:value` as a dict. A value without a key is the id of a mark."""
    event, *rest = line.split() or [""]
    pairs = [word.partition(":") for word in rest]
    return {
        "event": event,
        **{key if colon else "correlation_id": value if colon else key for key, colon, value in pairs},
    }
