"""Lines that nobody has asked for, on virtual time: they take no turn of the caller's, and lose no words."""

from tests.fakes.engines import LetterSpeechToText
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


def test_a_line_while_the_caller_speaks_forgets_nothing() -> None:
    """A line that comes while the caller speaks is not said, and the words before it are still answered."""

    async def scenario() -> None:
        async with Caller(Mind(), LetterSpeechToText(final_ms=2_500, partial_ms=None)) as caller:
            await caller.say("i want a book")
            await caller.wait(700)
            await caller.say("about")
            caller.session.dialogue.unasked.say("Are you still there?", "A test.")
            await caller.say("green birds")
            await caller.until_silent()
        assert [answer.text for answer in caller.answers] == ["You said i want a book about green birds."]

    run_virtual(scenario())


def test_a_line_while_the_answer_is_made_does_not_cancel_it() -> None:
    """A line that comes while the caller waits for an answer is not said."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=2_000)) as caller:
            await caller.say("where is my order")
            await caller.wait(800)
            assert caller.states[-1] == "thinking"
            caller.session.dialogue.unasked.say("Are you still there?", "A test.")
            await caller.until_silent()
        assert [answer.text for answer in caller.answers] == ["You said where is my order."]

    run_virtual(scenario())


def test_a_line_over_the_agents_answer_does_not_cut_it_off() -> None:
    """A line that comes while the agent speaks is not said."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("where is my order")
            await caller.wait(1_000)
            assert caller.states[-1] == "speaking"
            caller.session.dialogue.unasked.say("Are you still there?", "A test.")
            await caller.until_silent()
        assert [(answer.text, answer.interrupted) for answer in caller.answers] == [
            ("You said where is my order.", False)
        ]

    run_virtual(scenario())
