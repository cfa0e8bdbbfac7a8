"""What the provider of a speech-to-speech model is told before it answers."""

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RetryFeedbackPart,
    RetryInfo,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from server.agent.spoken.known import Known, Returned, Update, standing


def asked(*parts: str | SystemPromptPart) -> ModelRequest:
    return ModelRequest(parts=[UserPromptPart(part) if isinstance(part, str) else part for part in parts])


def said(text: str) -> ModelResponse:
    return ModelResponse(parts=[TextPart(text)])


GREETING: list[ModelMessage] = [asked("(The call begins.)"), said("Hello.")]


def test_what_it_has_not_seen_is_told_in_words() -> None:
    """A greeting that text-to-speech has spoken is context; the caller's words are the prompt."""
    update = Known().update([*GREETING, asked("what time is it")], "")
    assert update.context == ("(The call begins.)", "(You have said to the caller: Hello.)")
    assert update.prompt == "what time is it"


def test_nothing_is_told_twice() -> None:
    """What it was told, has said itself, or began with is known."""
    known = Known()
    known.update([*GREETING, asked("one")], "")
    known.said("The answer is one, and more.")
    history = [*GREETING, asked("one"), said("The answer —")]  # the caller heard this much
    assert known.update([*history, asked("two")], "") == Update(prompt="two")
    seeded = Known()
    seeded.seed(history)
    assert seeded.update([*history, asked("two")], "") == Update(prompt="two")


def test_what_another_model_has_answered_is_told() -> None:
    """The answers of a model that took its place are told with their questions."""
    known = Known()
    known.seed(GREETING)
    update = known.update([*GREETING, asked("one"), said("It is one."), asked("two")], "")
    assert update.context == ("one", "(You have said to the caller: It is one.)")


def test_results_are_given_for_calls_of_its_own() -> None:
    """A result answers a call that is open. Without it the provider gives no other answer."""
    known = Known()
    known.called("c1")
    called = ModelResponse(parts=[ToolCallPart("book", {}, "c1")])
    returned = ModelRequest(parts=[ToolReturnPart("book", "booked", "c1")])
    assert not known.answered([asked("what else")])
    assert known.answered([asked("book"), called, returned])
    assert known.update([asked("book"), called, returned], "").returned == (Returned("c1", "booked"),)
    assert known.answered([asked("what else")])


def test_the_result_of_a_call_from_a_lost_line_is_told() -> None:
    """The new conversation has no such call, so its result is context."""
    called = ModelResponse(parts=[ToolCallPart("book", {}, "c1")])
    update = Known().update([asked("book"), called, ModelRequest(parts=[ToolReturnPart("book", "booked", "c1")])], "")
    assert update == Update(context=("book", "(For you, and not from the caller: the tool book has returned booked)"))


def test_a_refused_call_and_a_refused_answer_are_told() -> None:
    """A tool's word to the model is a result; other reasons to try again are a prompt."""
    known = Known()
    known.called("c1")
    retry = ToolReturnPart("book", "no such day", "c1", outcome="retried")
    assert "no such day" in known.update([ModelRequest(parts=[retry])], "").returned[0].output
    again = RetryFeedbackPart("say something", retry=RetryInfo(cause="no_output"))
    assert "say something" in known.update([ModelRequest(parts=[again])], "").prompt


def test_a_prompt_is_given_once() -> None:
    """When the provider fails and is asked again, or another model has answered, it has the caller's words already."""
    known = Known()
    assert known.update([asked("one")], "").prompt == "one"
    known.asked("one")
    assert known.update([asked("one")], "").prompt == ""
    assert known.update([asked("one"), said("It is one."), asked("one")], "") == Update(
        context=("(You have said to the caller: It is one.)",), prompt="one"
    )


def test_a_notice_is_told_when_it_is_new() -> None:
    """What stands at the end of each request is told once, until it changes."""
    known = Known()

    def notice(text: str) -> SystemPromptPart:
        return SystemPromptPart(text, scope="request")

    assert known.update([asked("one", notice("Be brief."))], "").context == (
        "(For you, and not from the caller: Be brief.)",
    )
    assert known.update([asked("two", notice("Be brief."))], "").context == ()
    assert known.update([asked("three", notice("Be kind."))], "").context != ()


def test_only_new_lines_of_the_instructions_are_told() -> None:
    """Instructions with the present time do not come as a whole with each request."""
    known = Known("You are Ada.\nIt is noon.")
    assert known.update([asked("one")], "You are Ada.\nIt is one.").context == (
        "(Your instructions have changed. From now on: It is one.)",
    )
    assert known.update([asked("two")], "You are Ada.\nIt is one.").context == ()


def test_a_note_before_the_words_is_context() -> None:
    """pydantic-ai joins requests that follow each other; the caller's words are the last."""
    update = Known().update([asked("(The tool has returned late.)", "and now")], "")
    assert update.context == ("(The tool has returned late.)",)
    assert update.prompt == "and now"


def test_a_session_begins_with_the_system_prompt() -> None:
    """The system prompt stays, and the request does not."""
    system = SystemPromptPart("You are Ada.")
    assert standing([asked(system, "hello")]) == [ModelRequest(parts=[system])]
    assert standing([*GREETING, asked("hello")]) == GREETING


def test_lines_of_the_instructions_that_have_gone_are_told() -> None:
    """The provider still has them: it was given them when its conversation began."""
    known = Known("You are Ada.\nSpeak like a pirate.\nBe short.")
    assert known.update([asked("one")], "You are Ada.\nBe kind.").context == (
        "(These of your instructions hold no longer: Speak like a pirate.\nBe short.)",
        "(Your instructions have changed. From now on: Be kind.)",
    )
    assert known.update([asked("two")], "You are Ada.").context == (
        "(These of your instructions hold no longer: Be kind.)",
    )
