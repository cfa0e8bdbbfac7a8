"""A run of a mind's agent."""

from server.agent.limits import RunLimits
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from tests.fakes.mind import Desk, Mind


def begin(mind: Mind, prompt: str, limits: RunLimits | None = None) -> AgentRun:
    return AgentRun(RunSetup(mind.agent(), deps=Desk(), limits=limits or RunLimits()), prompt, list)
