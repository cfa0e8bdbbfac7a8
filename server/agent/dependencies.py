"""Makes the dependencies of an agent for one call, by the author's functions, which may take time and may fail."""

import logging
from collections.abc import Callable
from typing import Any

from server.agent.call_info import CallInfo
from server.agent.functions import Functions, needed
from server.agent.voice_agent import VoiceAgent
from server.errors import AgentUnavailable, raised_at

log = logging.getLogger(__name__)


async def dependencies(agent: VoiceAgent, functions: Functions, state: str, info: CallInfo) -> Any:
    """The dependencies of a call in that state; "" is a new call. `functions` runs what the author has written.

    When the state cannot be loaded, that is logged and the call begins anew. Raises AgentUnavailable when the
    dependencies cannot be made, which is logged, too.
    """
    if state and agent.load_deps is not None:
        try:
            return await _call(functions, agent.load_deps, info, state)
        except Exception as error:  # another version of the agent wrote it
            log_failure(f"load_deps of {agent.name}", error)
    try:
        return await _call(functions, agent.make_deps, info)
    except Exception as error:  # the agent's own fault
        log_failure(f"make_deps of {agent.name}", error)
        raise AgentUnavailable("The agent cannot take this call. Please try again later.") from error


async def _call(functions: Functions, function: Callable[..., Any], info: CallInfo, *given: str) -> Any:
    """Call `function` with `given`, and with `info` if it needs one parameter more."""
    return await functions.call(function, *given, *((info,) if needed(function) > len(given) else ()))


def log_failure(what: str, error: Exception) -> None:
    """One line about a function of the author that has failed. The message of the error is left out, because it may
    quote people; at the level debug it is there."""
    traceback = error if log.isEnabledFor(logging.DEBUG) else None
    log.warning("x %s failed: %s", what, raised_at(error), exc_info=traceback)
