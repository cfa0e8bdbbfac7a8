"""RunSetup: what the runs of one call have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai.messages import ToolReturnPart
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings
from pydantic_ai.toolsets import AbstractToolset

from server.agent.background import Background
from server.agent.breakers import Breakers
from server.agent.limits import Meter, NoMeter, RunLimits
from server.agent.run_watcher import UNWATCHED, RunWatcher
from server.agent.tool_calls import PassOn, Start, start_task, to_nobody
from server.agent.voice_agent import VoiceAgent


@dataclass(frozen=True, slots=True)
class RunSetup:
    """What stays the same for every run of one call."""

    agent: VoiceAgent
    model: Model | None = None
    """None leaves the agent its own model."""
    deps: Any = None
    """The agent's dependencies in this call."""
    limits: RunLimits = field(default_factory=RunLimits)
    model_settings: ModelSettings | None = None
    """What the call has chosen."""
    language: Callable[[], str] = lambda: ""
    """Gives the tag (BCP 47) of the language to answer in, which may change during a run; "" leaves it to the agent."""
    meter: Meter = field(default_factory=NoMeter)
    start: Start = start_task
    """Starts a tool."""
    on_late_result: Callable[[ToolReturnPart], None] = lambda returned: None
    """Is told of each tool that returns when its answer is over already."""
    background: Background = field(default_factory=Background)
    """The tools that run while the talk goes on."""
    orders: Callable[[], str] = lambda: ""
    """Gives instructions of an operator for the next request to the model; "" when there are none."""
    fallbacks: Sequence[Model] = ()
    """Asked one after the other when the model fails before it begins to answer."""
    breakers: Breakers = field(default_factory=Breakers)
    """Shared by all calls of the server."""
    call: str = ""
    """The id of the call, for the log."""
    pass_on: PassOn = to_nobody
    """Makes ready to pass the call on, for a tool that asks for it."""
    instructions: str = ""
    """What the client tells the model, beside the agent's own instructions."""
    toolsets: Sequence[AbstractToolset[Any]] = ()
    """The tools that the client runs, beside the agent's own."""
    asks_early: bool = True
    """The model is asked in a pause, before it is known that the caller is done. A speech-to-speech model is not: its
    provider would keep in its conversation what nobody has heard."""
    watcher: RunWatcher = UNWATCHED
    """Is told what models and tools are asked for. Shared by all calls of the server."""
