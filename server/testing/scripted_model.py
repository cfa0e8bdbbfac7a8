"""ScriptedModel: a model that answers as a test has written it, so that no test needs a provider."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RetryPromptPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.notices import TAKES_NOTICES, notice_of

FIRST_WORD_S = 0.3
"""How long the model takes to begin, as a fast hosted one does."""
WORD_S = 0.02
"""How long it takes for each word."""
RESULT = "{result}"
"""Stands in an answer for what the tools have returned."""


class ToolCall:
    """Calls a tool of the agent: `ToolCall("book", what="a table")`."""

    def __init__(self, tool: str, /, **arguments: Any) -> None:
        r"""In arguments that are texts, `\1` is what the first group of the pattern has matched."""
        self.tool = tool
        self.arguments = arguments


Script = str | ToolCall | Sequence[str | ToolCall]
"""What the model says and calls, in order. When it ends with a call, the model repeats what the tool returns."""


class ScriptedModel(FunctionModel):
    r"""Answers by patterns.

    `answers` has regular expressions, which are looked for in what the caller has said, whether in capitals or not. The
    first one that is found has the answer: a text, a ToolCall, or several of them. `\1` in a text is what the first
    group has matched, and `{result}` what the tools before it have returned. When none is found, the model fails.
    """

    def __init__(self, answers: Mapping[str, Script]) -> None:
        super().__init__(stream_function=self._answer, profile=TAKES_NOTICES)
        self._answers = {re.compile(pattern, re.IGNORECASE): _rounds(script) for pattern, script in answers.items()}
        self.instructions: list[str] = []
        """What the model was told with each request: the agent's instructions, and what the server has added."""

    async def _answer(self, messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        self.instructions.append("\n\n".join(filter(None, (info.instructions, notice_of(messages)))))
        said, answered = _asked(messages)
        match, rounds = self._find(said)
        steps = rounds[min(answered, len(rounds) - 1)]
        await asyncio.sleep(FIRST_WORD_S)
        for number, step in enumerate(steps):
            if isinstance(step, ToolCall):
                yield {number: _called(step, match, info, f"{len(messages)}-{number}")}
            else:
                for word in _filled(step, match, _results(messages)).split(" "):
                    yield f"{word} "
                    await asyncio.sleep(WORD_S)

    def _find(self, said: str) -> tuple[re.Match[str], "list[list[str | ToolCall]]"]:
        for pattern, rounds in self._answers.items():
            if match := pattern.search(said):
                return match, rounds
        known = ", ".join(repr(pattern.pattern) for pattern in self._answers)
        raise LookupError(f"the script has no answer to {said!r}, only to {known or 'nothing'}")


def _rounds(script: Script) -> list[list[str | ToolCall]]:
    """What the model answers to each request of an exchange. A request ends with the calls of tools."""
    steps = [script] if isinstance(script, str | ToolCall) else list(script)
    rounds: list[list[str | ToolCall]] = [[]]
    for step in steps:
        if isinstance(step, str) and rounds[-1] and isinstance(rounds[-1][-1], ToolCall):
            rounds.append([])
        rounds[-1].append(step)
    if rounds[-1] and isinstance(rounds[-1][-1], ToolCall):
        rounds.append([RESULT])
    return rounds


def _asked(messages: Sequence[ModelMessage]) -> tuple[str, int]:
    """What the caller has said last, and how many answers the model has given to it."""
    answered = 0
    for message in reversed(messages):
        if isinstance(message, ModelResponse):
            answered += 1
        elif words := [str(part.content) for part in message.parts if isinstance(part, UserPromptPart)]:
            return " ".join(words), answered
    return "", answered


def _results(messages: Sequence[ModelMessage]) -> str:
    """What the tools have returned that the model has called last."""
    last = messages[-1]
    if not isinstance(last, ModelRequest):
        return ""
    returned = [part for part in last.parts if isinstance(part, ToolReturnPart | RetryPromptPart)]
    return " ".join(
        part.model_response_str() if isinstance(part, ToolReturnPart) else part.model_response() for part in returned
    )


def _called(step: ToolCall, match: re.Match[str], info: AgentInfo, call_id: str) -> DeltaToolCall:
    """Raises LookupError when the agent has no such tool."""
    tools = [tool.name for tool in info.function_tools]
    if step.tool not in tools:
        raise LookupError(f"the agent has no tool {step.tool!r}, only {', '.join(tools) or 'none'}")
    arguments = {name: _expanded(value, match) for name, value in step.arguments.items()}
    return DeltaToolCall(step.tool, _json(arguments), tool_call_id=call_id)


def _expanded(value: Any, match: re.Match[str]) -> Any:
    return match.expand(value) if isinstance(value, str) else value


def _filled(text: str, match: re.Match[str], results: str) -> str:
    return match.expand(text).replace(RESULT, results)


def _json(arguments: Mapping[str, Any]) -> str:
    return TypeAdapter(Any).dump_json(dict(arguments)).decode()
