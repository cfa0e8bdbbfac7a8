"""The dialect of mod_audio_stream for FreeSWITCH. Pure.

Binary frames are 16-bit PCM, in both directions. The first text frame is whatever the operator has written as the
metadata of the stream; it may be missing. It knows no flush, so what is interrupted ends when what was sent ahead
has been played.
"""

from collections.abc import Sequence

from server.call.line.telephone import Begun, Event, Key, Order, Say, Sound
from server.errors import PeerError
from signaling.telephony.reading import json_object, pcm16, text_of


class FreeSwitch:
    """One stream. Nothing in it tells the sample rate, so the address does."""

    def __init__(self, rate_hz: str = "8000") -> None:
        """`rate_hz` is what the stream was started with. 8000 is the default of the module."""
        self._rate = rate_hz
        self._begun = False

    def read(self, item: str | bytes) -> Sequence[Event]:
        if isinstance(item, bytes):
            return (Sound(item),) if self._begun else (*self._begin("{}"), Sound(item))
        if not self._begun:
            return self._begin(item if item.strip() else "{}")
        message = json_object(item)
        return (Key(text_of(message, "digit")),) if message.get("event") == "dtmf" else ()

    def write(self, order: Order) -> Sequence[str | bytes]:
        return (order.payload,) if isinstance(order, Say) else ()

    def _begin(self, metadata: str) -> Sequence[Event]:
        try:
            about = json_object(metadata)
        except PeerError:
            about = {"metadata": metadata[:1_000]}
        audio = pcm16(self._rate)
        self._begun = True
        call_id, number, dialled = (text_of(about, name) for name in ("call", "number", "dialled"))
        own = {name: value for name, value in about.items() if name not in ("call", "number", "dialled")}
        return (Begun(call_id, audio, number, dialled, own),)
