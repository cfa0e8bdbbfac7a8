from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.usage import RequestUsage

from server.agent.memory import Memory, used_tokens

GREETING = ModelResponse(parts=[TextPart("Good morning.")])


def exchange(number: int, chars: int) -> list[ModelMessage]:
    """An exchange of so many characters, with a tool call and its result."""
    call = ToolCallPart("look", "x" * (chars // 4), tool_call_id=str(number))
    result = ToolReturnPart("look", "x" * (chars // 4), tool_call_id=str(number))
    said = TextPart("x" * (chars - chars // 4 * 3))
    return [
        ModelRequest.user_text_prompt("x" * (chars // 4)),
        ModelResponse(parts=[call]),
        ModelRequest(parts=[result]),
        ModelResponse(parts=[said]),
    ]


def test_a_call_that_fits_is_given_whole() -> None:
    """The model gets the history from the greeting on."""
    history = [GREETING, *exchange(1, 40), *exchange(2, 40)]
    assert Memory(100).recall(history) == history


def test_what_is_forgotten_goes_by_halves() -> None:
    """The beginning of the prompt then stays the same for some exchanges, and the provider can cache it."""
    memory, history = Memory(100), [GREETING]
    given = []
    for number in range(6):
        history += exchange(number, 30)
        given.append(len(memory.recall(history)) // 4)
    assert given == [1, 2, 1, 2, 3, 1]


def test_the_newest_exchange_stays_if_it_fits() -> None:
    """It may be over half the limit. An exchange that is over the limit is forgotten, so that the call goes on."""
    fits = [*exchange(1, 60), *exchange(2, 80)]
    assert Memory(100).recall(fits) == fits[4:]
    assert Memory(100).recall([*exchange(1, 60), *exchange(2, 120)]) == []


@given(st.integers(1, 500), st.lists(st.integers(0, 300), max_size=12))
def test_no_call_outgrows_its_model(limit: int, sizes: list[int]) -> None:
    """The model gets the end of the history, beginning with words of the caller, and never more than the limit."""
    memory = Memory(limit)
    history: list[ModelMessage] = []
    for number, size in enumerate(sizes):
        history += exchange(number, size)
        given = memory.recall(history)
        assert given == history[len(history) - len(given) :]
        assert not given or isinstance(given[0].parts[0], UserPromptPart)
        assert sum(sizes[number + 1 - len(given) // 4 : number + 1]) <= limit


def test_a_provider_that_counts_wrongly_gives_no_budget_back() -> None:
    """A count below zero is estimated, as one that is missing."""
    asked = [ModelRequest.user_text_prompt("What time is it, please?")]
    estimate = used_tokens(RequestUsage(), True, asked)
    assert estimate > 0
    assert used_tokens(RequestUsage(input_tokens=-500), True, asked) == estimate
    assert used_tokens(RequestUsage(input_tokens=2), True, asked) == 2
