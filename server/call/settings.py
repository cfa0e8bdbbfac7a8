"""How a call behaves: every figure of the conversation, with its reason."""

from dataclasses import dataclass, field

from server.agent.limits import RunLimits
from server.agent.spoken.settings import SpokenSettings
from server.call.budget import BudgetSettings
from server.call.ears.voicing import VoicingSettings
from server.call.mouth.waiting import WaitingSettings
from server.call.turns.endpoint import EndpointSettings
from server.call.turns.overlap import OverlapSettings


@dataclass(frozen=True, slots=True)
class CallSettings:
    """The figures of one call."""

    voicing: VoicingSettings = field(default_factory=VoicingSettings)
    endpoint: EndpointSettings = field(default_factory=EndpointSettings)
    overlap: OverlapSettings = field(default_factory=OverlapSettings)
    run: RunLimits = field(default_factory=RunLimits)
    spoken: SpokenSettings = field(default_factory=SpokenSettings)
    max_utterance_ms: int = 28_000
    """After this an utterance is answered as it is. Speech-to-text keeps 30 s, which is also Whisper's window."""
    waiting: WaitingSettings = field(default_factory=WaitingSettings)
    idle_prompt_s: float = 12.0
    """After this much silence on both sides the agent asks whether the caller is still there."""
    idle_prompts: int = 2
    """How often the agent asks. After as much silence again the call ends."""
    longest_call_min: float = 120.0
    """After this many minutes with a connection the agent says goodbye; 0 is no limit."""
    budget: BudgetSettings = field(default_factory=BudgetSettings)
    apologies: int = 3
    """How often the apology for one failure is tried, a second apart. A worker that has died is back within about a
    second."""
    failed_turns: int = 4
    """After so many failures in a row to answer the caller the agent gives up and ends the call; 0 is no limit."""
    resume_s: float = 60.0
    """How long a call that has lost its connection waits for another one; 0 ends it at once."""
    hold_s: float = 900.0
    """How long a caller may keep the call on hold. No time passes in the conversation meanwhile, but the call keeps its
    place."""
