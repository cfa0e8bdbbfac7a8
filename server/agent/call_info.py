"""CallInfo: what an agent is told about a call when it begins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from server.agent.passing_on import HandOver

Transport = Literal["", "webrtc", "websocket", "sip", "telephone"]
"""What carries a call: a WebRTC client, a WebSocket client, a SIP phone, or a telephone line by a telephone system."""


@dataclass(frozen=True, slots=True)
class CallInfo:
    """Who calls, and what whoever sent the caller says about them."""

    caller: str = ""
    """The subject of the caller's token (`sub`); "" where calls need no token."""
    context: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The claim `context` of the token, with the `context` of a wish to call a phone: an object of JSON, as the backend
    has written it."""
    language: str = ""
    """The language in which the call begins (BCP 47). It may change in the call."""
    transport: Transport = ""
    """What carries the call when the agent is told; "" in a test without a network."""
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What the client has sent with its offer or its `start` that the server does not read itself: an object of JSON.
    The caller may have written anything into it, and it may not be true."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The headers of the request that began or resumed the call, by their names in lower case, without those that carry
    secrets. Whoever sent the request may have written anything into them."""
    dialled: str = ""
    """The name or the telephone number under which the caller has asked for the agent; "" when the caller has not."""
    number: str = ""
    """The caller's telephone number or SIP address, as the line tells it; "" where it tells none. It may be forged.
    Where we have called a phone, it is the address that was called."""
    handed_over: HandOver | None = field(default=None, repr=False)
    """What the agent before has said, when it has handed the call over to this one."""


NOTHING_KNOWN = CallInfo()
"""Of a call of which nothing is told."""
