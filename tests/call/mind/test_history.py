from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from server.call.mind.history import CUT, History, cut
from server.speech.clauses import Clauses
from server.speech.speakable import speakable


def ask(text: str) -> ModelRequest:
    return ModelRequest.user_text_prompt(text)


def say(*texts: str) -> ModelResponse:
    return ModelResponse(parts=[TextPart(text) for text in texts])


def call(number: str, text: str = "") -> ModelResponse:
    said = [TextPart(text)] if text else []
    return ModelResponse(parts=[*said, ToolCallPart("find_order", {"number": number}, tool_call_id=number)])


def result(number: str) -> ModelRequest:
    return ModelRequest(parts=[ToolReturnPart("find_order", "shipped", tool_call_id=number)])


def said(messages: Sequence[ModelMessage]) -> list[str]:
    """The text parts of the agent's messages."""
    return [
        part.content
        for message in messages
        if isinstance(message, ModelResponse)
        for part in message.parts
        if isinstance(part, TextPart)
    ]


def ids(messages: Sequence[ModelMessage], kind: type[ToolCallPart] | type[ToolReturnPart]) -> list[str]:
    return [part.tool_call_id for message in messages for part in message.parts if isinstance(part, kind)]


EXCHANGE: list[ModelMessage] = [
    ask("where is it"),
    call("42", "Let me look."),
    result("42"),
    say("It has been shipped. Anything else?"),
]


def test_an_exchange_that_was_heard_is_kept_as_it_is() -> None:
    """A reply that the caller heard to its end is kept whole."""
    history = History()
    history.add(EXCHANGE)
    assert history.messages == EXCHANGE
    assert history.last_said == "It has been shipped. Anything else?"


def test_what_is_read_from_the_history_is_a_copy() -> None:
    """A change of the messages that were read does not change the history."""
    history = History()
    history.messages.append(ask("hello"))
    assert history.messages == []


def test_nothing_was_said_at_first() -> None:
    """Before the agent has spoken, there are no last words of the agent."""
    history = History()
    assert history.last_said == ""
    history.add([ask("hello")])
    assert history.last_said == ""


def test_an_interrupted_answer_ends_at_the_word_that_was_heard_last() -> None:
    """An interrupted reply is cut after the last word that the caller heard, and the cut is marked."""
    history = History()
    history.add_interrupted(EXCHANGE, "Let me look. It has been")
    assert said(history.messages) == ["Let me look.", f"It has been{CUT}"]
    assert history.last_said == f"It has been{CUT}"


def test_a_tool_that_ran_stays_when_its_announcement_was_cut() -> None:
    """Tool calls and their results stay in the history, however little of the reply was heard."""
    messages = cut(EXCHANGE, "Let")
    assert said(messages) == [f"Let{CUT}"]
    assert ids(messages, ToolCallPart) == ids(messages, ToolReturnPart) == ["42"]
    assert len(messages) == 3


def test_an_answer_of_which_nothing_was_heard_vanishes() -> None:
    """When nothing of a reply was heard, its words vanish. The caller's words and the tools stay."""
    assert len(cut([ask("hello"), say("Hi there.")], "")) == 1
    assert said(cut(EXCHANGE, "")) == []


def test_thoughts_without_words_are_not_an_answer() -> None:
    """A response that has neither words nor tool calls left is removed, with its thoughts."""
    thought = ModelResponse(parts=[ThinkingPart("A greeting."), TextPart("Hi there.")])
    assert len(cut([ask("hello"), thought], "")) == 1
    assert cut([ask("hello"), thought], "Hi there.")[1] == thought


def test_an_answer_in_a_script_without_spaces_is_cut_where_it_was_heard() -> None:
    """The cut is found by counting letters, because some scripts have no spaces between words."""
    story = "很久以前有一家书店。店里有各种各样的书！人们从远方来。"
    first, second, third = Clauses().receive(story)
    assert said(cut([ask("?"), say(story)], first)) == [f"{first}{CUT}"]
    assert said(cut([ask("?"), say(story)], f"{first} {second}")) == [f"{first}{second}{CUT}"]
    assert said(cut([ask("?"), say(story)], f"{first} {second} {third}")) == [story]


def test_marks_for_the_eye_are_not_counted() -> None:
    """Markdown, links and emoji are not spoken. They do not count, and the cut text is without them."""
    messages = cut([ask("?"), say("**Two** [books](https://example.com/a b) 📚 are - here.")], "Two books are")
    assert said(messages) == [f"Two books are{CUT}"]


def test_a_refused_call_is_answered() -> None:
    """A tool's request to try again counts as its result."""
    retry = ModelRequest(parts=[ToolReturnPart("find_order", "There is none.", tool_call_id="42", outcome="retried")])
    history = History()
    history.add([ask("where is it"), call("42"), retry, say("There is none.")])
    assert len(history.messages) == 4


WORDS = st.lists(st.sampled_from(["one", "two,", "*three*", "four.", "📚", "five!", "-", "it's"]), max_size=6).map(
    " ".join
)


@given(st.lists(st.tuples(WORDS, st.booleans()), max_size=5), st.integers(0, 40))
def test_any_answer_cut_anywhere(steps: list[tuple[str, bool]], count: int) -> None:
    """Wherever a reply is cut, the words that were heard stay in order, and each tool call has its result."""
    messages: list[ModelMessage] = [ask("hello")]
    for number, (text, calls) in enumerate(steps):
        messages.append(call(str(number), text) if calls else say(text))
        if calls:
            messages.append(result(str(number)))
    spoken = " ".join(speakable(text) for text in said(messages)).split()
    heard = spoken[:count]
    history = History()
    history.add_interrupted(messages, " ".join(heard))
    kept = " ".join(speakable(text.removesuffix(CUT)) for text in said(history.messages)).split()
    assert [word for word in kept if word != "-"] == [word for word in heard if word != "-"]
    assert ids(history.messages, ToolCallPart) == ids(history.messages, ToolReturnPart) == ids(messages, ToolReturnPart)
    assert all(message.parts for message in history.messages)
    assert [m for m in history.messages if isinstance(m.parts[0], UserPromptPart)] == messages[:1]


@given(
    st.lists(st.sampled_from(["Hello.", "Well,", "it", "is", "**open**", "until", "6 p.m.", "No. 5", "—"]), max_size=40)
)
def test_words_are_counted_as_the_clauses_have_them(words: list[str]) -> None:
    """A reply of which all clauses were heard is kept whole, however it was divided into clauses."""
    text = " ".join(words)
    clauses = Clauses()
    heard = " ".join([*clauses.receive(text), *clauses.finish()])
    messages: list[ModelMessage] = [ask("hello"), say(text)]
    assert said(cut(messages, heard)) == [text]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("We are open. When will you come?", "When will you come?"),
        ("We are open.", ""),
        ("好的。几点？", "几点？"),
        ("नमस्ते। क्या आप आएँगे?", "क्या आप आएँगे?"),
        ("نحن هنا. متى تأتي؟", "متى تأتي؟"),
        ("几点？好的。", ""),
    ],
)
def test_the_last_question_is_known_in_any_script(text: str, question: str) -> None:
    """The agent asks it again when the caller is back."""
    history = History()
    history.add([ask("hello"), say(text)])
    assert history.last_question == question
