"""CallSetup: what one call is held with. It is put together once, when the call begins."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai.models import Model
from pydantic_ai.realtime import RealtimeModel

from server.agent.breakers import Breakers
from server.agent.functions import Functions
from server.agent.limits import RunLimits
from server.agent.passing_on import HandOver
from server.agent.run_watcher import UNWATCHED, RunWatcher
from server.agent.voice_agent import VoiceAgent
from server.call.caller import Caller
from server.call.control_token import ControlTokens
from server.call.options import CallOptions
from server.call.settings import CallSettings
from server.call.trace import UNTRACED, CallTrace
from server.errors import NotFound
from server.speech.protocols import EndpointModel, SpeechToText, TextToSpeech, VoiceActivity


@dataclass(frozen=True, slots=True)
class EngineNames:
    """The engines for speech and their models; of several, the first ones."""

    speech_to_text: str = ""
    text_to_speech: str = ""


@dataclass(frozen=True, slots=True)
class Engines:
    """What one call hears, thinks and speaks with. All calls share the models behind them."""

    speech_to_text: SpeechToText
    text_to_speech: TextToSpeech
    voice_activity: VoiceActivity
    endpoint_model: EndpointModel | None = None
    """None: the words alone decide whether the caller is done."""
    model: Model | None = None
    """None: the agent uses the model of its own."""
    fallbacks: Sequence[Model] = ()
    """Asked one after the other when that model fails before it begins to answer."""
    breakers: Breakers = field(default_factory=Breakers)
    """They know which models have failed in any call."""
    spoken: RealtimeModel | None = None
    """The speech-to-speech model that answers. The other models answer in its place when it fails."""
    names: EngineNames = EngineNames()
    watcher: RunWatcher = UNWATCHED
    """Is told what models and tools are asked for, in all calls."""


Colleague = Callable[[HandOver, str], Awaitable["CallSetup"]]
"""Makes the setup with which another agent goes on with a call that is held in this language (BCP 47).

Raises NotFound when there is no such agent, and AgentUnavailable."""


async def no_colleague(wish: HandOver, language: str) -> "CallSetup":
    """Where one agent is all there is."""
    raise NotFound(f"There is no agent {wish.agent!r}.")


@dataclass(frozen=True, slots=True)
class CallSetup:
    """One call: who answers, by which engines, in which way, and what the caller has chosen."""

    agent: VoiceAgent
    deps: Any
    """The agent's dependencies for this call, by `dependencies`."""
    engines: Engines
    settings: CallSettings = field(default_factory=CallSettings)
    options: CallOptions = field(default_factory=CallOptions)
    caller: Caller = field(default_factory=Caller)
    functions: Functions = field(default_factory=lambda: Functions(RunLimits().functions_s))
    """Runs the agent's hooks. All calls share it, and so the limit to its threads."""
    name: str = ""
    """The name by which the server knows the agent."""
    colleague: Colleague = no_colleague
    settings_for: Callable[[CallOptions], CallSettings] | None = None
    """Gives the settings where the caller has chosen otherwise. None: they stay as they are."""
    control_tokens: ControlTokens = field(default_factory=lambda: ControlTokens(""))
    """Know the token with which this call may be controlled."""
    trace: CallTrace = UNTRACED
    """Follows the call, whichever agent has it."""
