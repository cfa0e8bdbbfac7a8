"""What authors import to test an agent or an engine: `from antiphon.testing import call, run`. See docs/agents.md."""

from server.testing.account import Answer
from server.testing.caller import Caller, call
from server.testing.engine_contract import check_speech_to_text, check_text_to_speech
from server.testing.persona import Persona
from server.testing.scripted_model import ScriptedModel, ToolCall
from server.testing.virtual_time import run
from server.testing.watched import ToolRun

__all__ = [
    "Answer",
    "Caller",
    "Persona",
    "ScriptedModel",
    "ToolCall",
    "ToolRun",
    "call",
    "check_speech_to_text",
    "check_text_to_speech",
    "run",
]
