"""Caller: who calls, as far as the server knows it, and what this caller may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.agent.call_info import Transport
from server.call.options import CallOptions


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request. The address comes from the network, `dialled`, `transport` and `request` from the request
    itself, and everything else from the caller's token.

    Without a token the server knows only the address, and nothing beyond its own settings limits the call.
    """

    address: str = ""
    """The network address that the caller's limits count by: an IPv4 address, or the /64 network of an IPv6 address. ""
    is a program on this machine that has not come through a proxy: it is not limited by its address."""
    here: bool = False
    """The request comes from this machine and through no proxy. Such a caller may have local addresses."""
    name: str = ""
    """The subject of the token (`sub`): the same person, whatever the address. "" without a token."""
    agent: str = ""
    """The name of the agent that the token is for; "" is any."""
    max_s: float | None = None
    """How long one call may last, in seconds. None leaves it to the server."""
    max_calls: int | None = None
    """How many calls may be live at the same time. None leaves it to the server."""
    options: CallOptions = field(default_factory=CallOptions)
    """What the token chooses for the call. The caller cannot choose otherwise."""
    context: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What the token tells the agent about the caller."""
    dialled: str = ""
    """The agent for which this request asks, by name or telephone number; "" if it asks for none."""
    number: str = ""
    """The caller's telephone number or SIP address, as the line tells it."""
    transport: Transport = ""
    """What carries the call that this request begins or resumes."""
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What the client has sent for the agent. The server itself believes nothing of it."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The headers of the request, by their names in lower case, without those that carry secrets."""
    record: bool | None = None
    """Whether the sound of the call is recorded. None leaves it to the server."""
    expired: bool = False
    """The token was valid once. It still goes on with a call that it has begun, and begins none."""
    once: str = ""
    """The id of a token that begins one call only (`jti`); "" for a token that may be used again."""
    good_until_ms: int = 0
    """When the token expires, in Unix milliseconds; 0 without a token."""

    def choose(self, wanted: CallOptions) -> CallOptions:
        """The options of a call for which the caller wants `wanted`: what the token sets wins.

        Of two limits to the length of a reply, the smaller one holds.
        """
        chosen = wanted.model_dump(include=set(CallOptions.model_fields))
        chosen |= self.options.model_dump(include=set(CallOptions.model_fields), exclude_defaults=True)
        lengths = [each.max_tokens for each in (wanted, self.options) if each.max_tokens is not None]
        return CallOptions(**chosen | {"max_tokens": min(lengths, default=None)})
