"""Rehearsal: what a model would be asked now, without asking any model. So a session can be opened beforehand."""

from collections.abc import AsyncIterator, Sequence

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelRequest
from pydantic_ai.models.function import AgentInfo, FunctionModel

from server.agent.notices import TAKES_NOTICES
from server.agent.run_setup import RunSetup
from server.agent.spoken.request import Request

PROMPT = "(The call begins.)"


async def rehearse(setup: RunSetup, history: Sequence[ModelMessage]) -> Request:
    """What the agent of a call would ask its model after this history. Raises what the agent's own code raises."""
    asked: list[Request] = []

    async def take_note(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        asked.append(Request(messages, info.model_request_parameters))
        yield "."

    agent, model = setup.agent.agent, FunctionModel(stream_function=take_note, profile=TAKES_NOTICES)
    system = await agent.system_prompt_parts(deps=setup.deps, model=model, message_history=history, prompt=PROMPT)
    before: list[ModelMessage] = [ModelRequest(parts=system)] if system else []
    async with agent.iter(
        PROMPT,
        message_history=[*before, *history],
        deps=setup.deps,
        model=model,
        instructions=setup.instructions or None,
        toolsets=setup.toolsets,
    ) as run:
        node = run.next_node
        while not asked and not Agent.is_end_node(node):
            if Agent.is_model_request_node(node):
                async with node.stream(run.ctx) as stream:
                    async for _ in stream:
                        pass
                break
            node = await run.next(node)
    if not asked:
        raise RuntimeError("the agent has asked no model")
    return asked[0]
