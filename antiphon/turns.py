"""What authors of a judge of their own import: `from antiphon.turns import Judge`. See docs/agents.md."""

from server.call.events import Backchannel, Endpoint, Interruption, NoWords
from server.call.turns.judge import HeardVoice, Judge, JudgeSetup, Prepare, Verdict, View
from server.call.turns.overlap import AgentState
from server.call.turns.turn_judge import TurnJudge

__all__ = [
    "AgentState",
    "Backchannel",
    "Endpoint",
    "HeardVoice",
    "Interruption",
    "Judge",
    "JudgeSetup",
    "NoWords",
    "Prepare",
    "TurnJudge",
    "Verdict",
    "View",
]
