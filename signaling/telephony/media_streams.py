"""The dialect of Twilio Media Streams, and of those who have taken it over: SignalWire, Telnyx, Exotel, Plivo. Pure.

Everything is JSON in text frames, and sound is in base64. The providers differ in the names of a few fields, in their
sound, and in how much sound a message needs; `Provider` has what differs.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.call.line.telephone import Begun, Event, Flush, HungUp, Key, Mark, Marked, Order, Rest, Say, Sound, silence
from server.call.messages import AudioFormat
from server.errors import NotAcceptable, PeerError
from signaling.telephony.pieces import Pieces
from signaling.telephony.reading import json_object, parameters_of, part_of, pcm16, sound_of, text_of

ENCODINGS = {"audio/x-mulaw": "pcmu", "PCMU": "pcmu", "audio/x-alaw": "pcma", "PCMA": "pcma"}
"""The kinds of G.711, by the providers' names."""
CONTENT_TYPES = {"pcmu": "audio/x-mulaw", "pcma": "audio/x-alaw", "pcm16": "audio/x-l16"}
"""What Plivo is told of the sound that it is to play."""
LINEAR = ("audio/x-raw", "audio/x-l16", "raw/slin", "base64")
"""16-bit little-endian PCM, by the providers' names."""


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider writes the messages."""

    stream: str
    """The field with the id of the stream."""
    call: str
    """The field of `start` with the id of the call."""
    format: str = "media_format"
    parameters: str = "custom_parameters"
    rate: str = "sample_rate"
    media: str = "media"
    mark: str = "mark"
    marked: str = "mark"
    clear: str = "clear"
    names_stream: bool = True
    """What is sent has to name the stream."""
    piece_frames: int = 1
    """How many frames of 20 ms a message with sound has. Exotel asks for 100 ms, which have 3,200 bytes at 16 kHz."""


_TWILIO = Provider("streamSid", "callSid", "mediaFormat", "customParameters", "sampleRate")
PROVIDERS: Mapping[str, Provider] = {
    "twilio": _TWILIO,
    "signalwire": _TWILIO,
    "telnyx": Provider("stream_id", "call_control_id", names_stream=False),
    "exotel": Provider("stream_sid", "call_sid", piece_frames=5),
    "plivo": Provider(
        "streamId", "callId", "mediaFormat", "extra_headers", "sampleRate", "playAudio", "checkpoint", "playedStream",
        "clearAudio",
    ),
}  # fmt: skip
"""By the name of each provider's dialect."""


class MediaStreams:
    """One stream."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._stream: dict[str, str] = {}
        self._audio: AudioFormat | None = None
        self._pieces: Pieces | None = None

    def read(self, item: str | bytes) -> Sequence[Event]:
        if isinstance(item, bytes):
            raise PeerError("a binary frame came, and this dialect has none")
        message = json_object(item)
        event = message.get("event")
        if event == "start":
            return (self._begin(message),)
        if event == "media":
            if self._audio is None:
                raise PeerError("sound came before start")
            media = part_of(message, "media")
            return (Sound(sound_of(media.get("payload"))),) if media.get("track") != "outbound" else ()
        if event == "dtmf":
            return (Key(text_of(part_of(message, "dtmf"), "digit")),)
        if event == self._provider.marked:
            return (Marked(text_of(part_of(message, "mark"), "name") or text_of(message, "name")),)
        return (HungUp(),) if event == "stop" else ()

    def write(self, order: Order) -> Sequence[str | bytes]:
        match order:
            case Say(payload) if self._pieces is not None:
                return [self._say(piece) for piece in self._pieces.add(payload)]
            case Rest() if self._pieces is not None:
                return [self._say(piece) for piece in self._pieces.fill()]
            case Mark(name):
                mark = {"name": name} if self._provider.mark == "checkpoint" else {"mark": {"name": name}}
                return (self._message(self._provider.mark, **mark),)
            case Flush():
                if self._pieces is not None:
                    self._pieces.clear()
                return (self._message(self._provider.clear),)
        return ()

    def _begin(self, message: dict[str, Any]) -> Begun:
        if self._audio is not None:
            raise PeerError("start came twice")
        provider, start = self._provider, part_of(message, "start")
        stream = text_of(message, provider.stream) or text_of(start, provider.stream)
        if not stream:
            raise PeerError(f"start has no {provider.stream}")
        audio = _format(part_of(start, provider.format) or part_of(message, provider.format), provider.rate)
        self._audio = audio
        self._pieces = Pieces(len(silence(audio)) * provider.piece_frames, silence(audio))
        self._stream = {provider.stream: stream} if provider.names_stream else {}
        given = parameters_of(start, provider.parameters) or parameters_of(message, provider.parameters)
        number, dialled = (text_of(start, name) or text_of(given, name) for name in ("from", "to"))
        about = {name: value for name, value in given.items() if name not in ("from", "to")}
        return Begun(text_of(start, provider.call), audio, number, dialled, about)

    def _say(self, piece: bytes) -> str:
        media: dict[str, Any] = {"payload": b64encode(piece).decode()}
        if self._provider.media == "playAudio" and self._audio is not None:
            kind = CONTENT_TYPES[self._audio.encoding]
            media = {"contentType": kind, "sampleRate": self._audio.sample_rate, **media}
        return self._message(self._provider.media, media=media)

    def _message(self, event: str, **fields: Any) -> str:
        return json.dumps({"event": event, **self._stream, **fields}, separators=(",", ":"))


def _format(described: Mapping[str, Any], rate: str) -> AudioFormat:
    """The sound of a stream, as `start` describes it. Raises PeerError, and NotAcceptable for one that no call has."""
    encoding, rate_hz = text_of(described, "encoding"), text_of(described, rate)
    if encoding in ENCODINGS and rate_hz == "8000":
        return AudioFormat.model_validate({"encoding": ENCODINGS[encoding], "sample_rate": 8000})
    if encoding in LINEAR:
        return pcm16(rate_hz)
    if not encoding:
        raise PeerError("start does not tell the format of the sound")
    raise NotAcceptable("the sound of the stream is neither G.711 at 8000 Hz nor PCM")
