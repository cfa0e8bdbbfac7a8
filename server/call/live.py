"""LiveCall: what an operator sees of a call that is live."""

from dataclasses import dataclass

from server.agent.call_info import Transport


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that lives in this process."""

    id: str
    agent: str
    """The name of the agent."""
    caller: str
    """The subject of the caller's token; "" without a token."""
    since_ms: int
    """When the conversation began, in Unix milliseconds."""
    state: str
    """Who has the floor, as the client is told."""
    transport: Transport | None
    """What carries the call at present; None while it waits for another connection."""
    muted: bool
    """The agent does not hear the caller."""
    waited_ms: float | None = None
    """How long the caller waited for the last answer; None before the first."""
    lost_percent: float | None = None
    """How much of what we send gets lost lately; None where the client does not report it, as over a WebSocket."""
    round_trip_ms: float | None = None
    """The round trip to the client; None where it is not measured."""
