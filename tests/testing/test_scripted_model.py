"""The model that answers by patterns."""

import re
from collections.abc import AsyncIterable

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import AgentStreamEvent, ModelMessage, ModelRequest, ModelResponse, TextPart

from antiphon.testing import ScriptedModel, ToolCall, run


def add(left: int, right: int) -> str:
    """Add two numbers."""
    return f"{left + right}"


def answer(model: ScriptedModel, said: str, history: list[ModelMessage] | None = None, instructions: str = "") -> str:
    """What an agent with the tool `add` answers."""
    agent = Agent(model, tools=[add], instructions=instructions)

    async def take(context: object, events: AsyncIterable[AgentStreamEvent]) -> None:
        async for _ in events:
            pass

    async def scenario() -> str:
        return (await agent.run(said, message_history=history, event_stream_handler=take)).output

    return run(scenario()).strip()


def test_the_first_pattern_that_is_found_answers() -> None:
    """Anywhere in the sentence, in capitals or not; groups are filled in."""
    model = ScriptedModel({r"table for (\w+)": r"For \1.", "table": "For how many?"})
    assert answer(model, "A TABLE for four, please") == "For four."
    assert answer(model, "a table, please") == "For how many?"


def test_a_tool_is_called_and_its_result_is_said() -> None:
    """As it is, or within an answer; arguments are given as the tool wants them."""
    sum_of = ToolCall("add", left=r"\1", right=2)
    assert answer(ScriptedModel({r"(\d) and two": sum_of}), "3 and two") == "5"
    said = answer(ScriptedModel({r"(\d) and two": [sum_of, r"\1 and 2 is {result}."]}), "3 and two")
    assert said == "3 and 2 is 5."


def test_several_rounds_of_tools() -> None:
    """Calls that stand together are one round; a text between them begins the next one."""
    sums = [ToolCall("add", left=number, right=number) for number in (1, 2, 4)]
    script = [*sums[:2], "So far {result}.", sums[2]]
    requests: list[int] = []

    class Counted(ScriptedModel):
        def _find(self, said):  # type: ignore[no-untyped-def]
            requests.append(1)
            return super()._find(said)

    assert answer(Counted({"sums": script}), "sums") == "8"
    assert len(requests) == 3


def test_only_what_was_said_last_counts() -> None:
    """What was said before is history."""
    history: list[ModelMessage] = [ModelRequest.user_text_prompt("first"), ModelResponse(parts=[TextPart("1")])]
    assert answer(ScriptedModel({"first": "One.", "second": "Two."}), "second", history) == "Two."


def test_it_knows_its_instructions() -> None:
    """A test can see what the agent tells its model."""
    model = ScriptedModel({"hello": "Hi."})
    answer(model, "hello", instructions="Be kind.")
    assert model.instructions == ["Be kind."]


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("what", "the script has no answer to 'what', only to 'hello', 'sum'"),
        ("sum", "the agent has no tool 'subtract', only add"),
    ],
)
def test_what_the_script_lacks_is_an_error(said: str, says: str) -> None:
    """It names what there is."""
    with pytest.raises(LookupError, match=re.escape(says)):
        answer(ScriptedModel({"hello": "Hi.", "sum": ToolCall("subtract")}), said)
