"""What authors of agents import: `from antiphon import VoiceAgent`. See docs/agents.md.

All other modules are private: they may change with every version.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = [
    "CallControl",
    "CallEnd",
    "CallExchange",
    "CallInfo",
    "CallLanguage",
    "CallTool",
    "ControlsCall",
    "EndsCalls",
    "HandOver",
    "Lines",
    "SpeaksLanguages",
    "Transfer",
    "VoiceAgent",
    "__version__",
    "switch_language",
]

if TYPE_CHECKING:
    from server.agent.call_control import CallControl, ControlsCall
    from server.agent.call_info import CallInfo
    from server.agent.call_language import CallLanguage, SpeaksLanguages, switch_language
    from server.agent.hooks import CallEnd, CallExchange, CallTool
    from server.agent.lines import Lines
    from server.agent.passing_on import HandOver, Transfer
    from server.agent.voice_agent import EndsCalls, VoiceAgent
else:

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for (PEP 562): `antiphon --help` need not load pydantic-ai.

        Type checkers do not see this function. To them a name that is not public is an error.
        """
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from server.agent import call_control, call_info, call_language, hooks, lines, passing_on, voice_agent

        modules = (voice_agent, lines, call_language, call_info, call_control, hooks, passing_on)
        return next(getattr(module, name) for module in modules if hasattr(module, name))
