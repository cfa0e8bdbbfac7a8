"""How a call gets its speech-to-speech model, and the models that answer in its place."""

import logging
from collections.abc import Callable, Sequence

from pydantic_ai.agent import WrapperAgent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from pydantic_ai.realtime import RealtimeModel

from server.agent.output import has_functions
from server.agent.run_setup import RunSetup
from server.agent.spoken.keeper import Keeper
from server.agent.spoken.mind import SpokenMind
from server.agent.spoken.rehearsal import rehearse
from server.agent.spoken.settings import SpokenSettings
from server.agent.tool_calls import Start

log = logging.getLogger(__name__)


def spoken_mind(
    model: RealtimeModel | None,
    settings: SpokenSettings,
    runs: Callable[[], RunSetup],
    start: Start,
    history: Callable[[], Sequence[ModelMessage]],
) -> SpokenMind | None:
    """The mind of a call. `runs` gives what its runs have now, and `start` begins its tasks.

    None where the call has no such model, or cannot use it.
    """
    if model is None:
        return None
    call = runs().call
    if _checks_answers(runs()):
        log.warning("- call %s: the agent checks its answers before they are heard, so they are not spoken", call)
        return None
    return SpokenMind(model, Keeper(model, settings, call, start, lambda: rehearse(runs(), history())))


def text_models(runs: RunSetup) -> list[Model]:
    """The models that answer by words, in the order in which they are asked."""
    own = runs.agent.agent.model
    first = runs.model or (own if isinstance(own, Model) else None)
    return [*([first] if first else []), *runs.fallbacks]


def _checks_answers(runs: RunSetup) -> bool:
    """An answer has to be complete before anybody may hear it."""
    agent = runs.agent.agent
    while isinstance(agent, WrapperAgent):
        agent = agent.wrapped
    return has_functions(agent.output_type) or bool(getattr(agent, "_output_validators", ()))
