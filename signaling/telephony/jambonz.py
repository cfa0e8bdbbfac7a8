"""The dialect of the verb `listen` of jambonz. Pure.

The first text frame has the attributes of the call, with the sample rate. Binary frames are 16-bit PCM of that rate, in
both directions.
"""

import json
from collections.abc import Sequence
from typing import Any

from server.call.line.telephone import Begun, Event, Flush, HangUp, Key, Mark, Marked, Order, Say, Sound
from server.errors import NotAcceptable, PeerError
from signaling.telephony.reading import json_object, part_of, pcm16, text_of

NOT_FOR_THE_AGENT = ("from", "to", "sampleRate", "mixType", "sip")
"""The attributes of a call that the agent is not given. `sip` has all headers of the INVITE."""


class Jambonz:
    """One call."""

    def __init__(self) -> None:
        self._begun = False

    def read(self, item: str | bytes) -> Sequence[Event]:
        if isinstance(item, bytes):
            if not self._begun:
                raise PeerError("sound came before the attributes of the call")
            return (Sound(item),)
        message = json_object(item)
        if not self._begun:
            return (self._begin(message),)
        if message.get("event") == "dtmf":
            return (Key(text_of(message, "dtmf")),)
        if message.get("type") == "mark" and (data := part_of(message, "data")).get("event") != "cleared":
            return (Marked(text_of(data, "name")),)
        return ()

    def write(self, order: Order) -> Sequence[str | bytes]:
        match order:
            case Say(payload):
                return (payload,)
            case Mark(name):
                return (_message("mark", data={"name": name}),)
            case Flush():
                return (_message("killAudio"), _message("clearMarks"))
            case HangUp():
                return (_message("disconnect"),)
        return ()

    def _begin(self, message: dict[str, Any]) -> Begun:
        if message.get("mixType", "mono") != "mono":
            raise NotAcceptable('the sound has two channels or two people: set mixType to "mono"')
        audio = pcm16(text_of(message, "sampleRate"))
        self._begun = True
        told = {**message, **part_of(message, "metadata")}  # jambonz itself writes them beside the attributes
        about = {name: value for name, value in told.items() if name not in NOT_FOR_THE_AGENT}
        return Begun(text_of(message, "callSid"), audio, text_of(message, "from"), text_of(message, "to"), about)


def _message(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, separators=(",", ":"))
