"""What the hooks of an agent are told about a call: an exchange, and the end."""

from dataclasses import dataclass
from typing import Literal

EndReason = Literal["caller", "agent", "idle", "lost", "server", "transferred", "handed_over"]
"""Why a call is over. caller: the caller has hung up. agent: the agent has, because of a tool, an operator or the
budget. idle: the caller was silent for too long. lost: the connection was lost, and the caller did not come back.
server: the server has stopped and keeps no conversations, or had a fault. transferred: a person has taken the call.
handed_over: another agent has it now, so it is over for this one only."""


@dataclass(frozen=True, slots=True)
class CallTool:
    """A tool that has run."""

    name: str
    arguments: str
    """As JSON."""
    result: str
    """As the model has read it."""


@dataclass(frozen=True, slots=True)
class CallExchange:
    """What the caller has said and what the agent has answered, as far as each has been heard."""

    caller: str
    """What the caller has said or typed; "" when the agent has spoken without being asked."""
    agent: str
    """What the caller has heard of the answer; "" when that is nothing."""
    interrupted: bool
    """The caller has cut in on the answer."""
    tools: tuple[CallTool, ...]
    """The tools that have run for the answer, with their results."""
    start_ms: int
    """When it began, in ms since the call did."""
    end_ms: int


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How a call has ended, and what it has used up, on all servers that it was held on."""

    reason: EndReason
    exchanges: int
    """How many there were."""
    connected_s: float
    """How long the caller was connected."""
    requests: int
    """To the agent's model."""
    tokens: int
    """That the model has read and written."""
    speech_s: float
    """Of speech that text-to-speech has made."""
    transcription_s: float
    """Of sound that speech-to-text has put into words."""
