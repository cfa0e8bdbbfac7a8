"""Whole calls on virtual time, from the caller's frames to the agent's frames."""

import pytest

from server.agent.limits import RunLimits
from server.call import messages
from server.call.settings import CallSettings
from server.call.turns.endpoint import EndpointSettings
from tests.fakes.engines import LetterSpeechToText
from tests.fakes.mind import Mind, last_said
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


def test_a_question_is_heard_and_answered() -> None:
    """What the caller says is captioned, answered aloud and written down."""

    async def scenario() -> None:
        mind = Mind(answers={"where is my order": "It has been sent. It comes tomorrow."})
        async with Caller(mind) as caller:
            await caller.say("where is my order")
            await caller.until_silent()
        assert caller.captions == ["where is my order"]
        assert [answer.text for answer in caller.answers] == ["It has been sent. It comes tomorrow."]
        assert caller.states == ["listening", "hearing", "thinking", "speaking", "listening", "closed"]
        assert caller.session.dialogue.history.last_said.strip() == "It has been sent. It comes tomorrow."
        assert caller.stt.opened == caller.stt.closed == 1

    run_virtual(scenario())


def test_the_answer_is_ready_when_the_person_is_done() -> None:
    """The answer is prepared during the pause, so that the gap is only the wait for the endpoint."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=60), LetterSpeechToText(final_ms=40)) as caller:
            await caller.say("what time is it")
            end_ms = caller.now_ms
            await caller.until_silent()
            sound_ms = caller.first_sound_ms(end_ms)
        assert sound_ms is not None
        assert 350 <= sound_ms - end_ms <= 430

    run_virtual(scenario())


def test_a_call_does_not_outgrow_its_model() -> None:
    """The model gets only the newest part of a long call; the history keeps everything."""

    async def scenario() -> None:
        mind = Mind()
        settings = CallSettings(run=RunLimits(history_chars=60))
        async with Caller(mind, settings=settings) as caller:
            for word in ("one", "two", "three", "four", "five", "six"):
                caller.session.receive_text(messages.Text(text=word).to_json())
                await caller.until_silent()
        assert [len(given) - 1 for given in mind.seen] == [0, 2, 4, 6, 2, 4]
        assert len(caller.session.dialogue.history.messages) == 12

    run_virtual(scenario())


@pytest.mark.parametrize("final_ms", [40, 700])
def test_an_answer_that_is_ready_need_not_wait_for_a_tick(final_ms: int) -> None:
    """The connection is told once to hurry: at the endpoint if the answer is ready, else at its first sound."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=60), LetterSpeechToText(final_ms=final_ms)) as caller:
            await caller.say("what time is it")
            await caller.until_silent()
        thinking, speaking = (told.at_ms for told in caller.told if _shows(told.message, "thinking", "speaking"))
        (hurried_ms,) = caller.hurried_ms
        assert speaking - 20 <= hurried_ms <= speaking
        assert (hurried_ms == thinking) is (final_ms == 40)

    run_virtual(scenario())


def _shows(message: messages.ServerMessage, *states: str) -> bool:
    return isinstance(message, messages.State) and message.state in states


async def gap_ms(caller: Caller, text: str) -> float:
    """Say the text; returns the time from its end to the first sound of the answer."""
    await caller.say(text)
    end_ms = caller.now_ms
    await caller.until_silent(2_000)
    return (caller.first_sound_ms(end_ms) or 0) - end_ms


def test_nothing_ends_before_it_may_be_prepared() -> None:
    """Silence shorter than `prepare_ms` never ends an utterance, however complete the words are."""

    async def scenario(prepare_ms: int) -> float:
        settings = CallSettings(endpoint=EndpointSettings(prepare_ms=prepare_ms))
        async with Caller(Mind(), settings=settings) as caller:
            return await gap_ms(caller, "what time is it")

    assert run_virtual(scenario(80)) < 500
    assert run_virtual(scenario(900)) >= 900


def test_a_pause_inside_a_sentence_leaves_no_trace() -> None:
    """A caller who goes on after a pause is answered once, for everything; the prepared answer is dropped."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind) as caller:
            await caller.say("i like books")
            await caller.wait(200)
            await caller.say("with green covers")
            await caller.until_silent()
        assert caller.captions == ["i like books with green covers"]
        assert [answer.text for answer in caller.answers] == ["You said i like books with green covers."]
        assert len(caller.session.dialogue.history.messages) == 2
        assert mind.requests == 2

    run_virtual(scenario())


def test_no_answer_is_prepared_where_more_must_come() -> None:
    """A short pause after words that cannot be complete costs no request to the model."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind) as caller:
            await caller.say("i would like")
            await caller.wait(400)
            await caller.say("a green book")
            await caller.until_silent()
        assert [answer.text for answer in caller.answers] == ["You said i would like a green book."]
        assert mind.requests == 1

    run_virtual(scenario())


def test_a_tool_waits_for_the_commit() -> None:
    """A tool that was called for half a sentence does not run."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind) as caller:
            await caller.say("book a table")
            await caller.wait(200)
            await caller.say("for four")
            await caller.until_silent()
        assert mind.booked == ["a table for four"]
        assert caller.answers[-1].tools == ["book"]
        assert caller.answers[-1].text == "One moment. Done: booked a table for four."

    run_virtual(scenario())


def test_words_said_while_the_answer_is_made_are_answered_together() -> None:
    """A caller who goes on before the answer is heard is answered once, for both parts."""

    async def scenario() -> None:
        mind = Mind(first_token_ms=900)
        async with Caller(mind) as caller:
            await caller.say("i want a book")
            await caller.wait(500)
            await caller.say("about green birds")
            await caller.until_silent()
        assert [answer.text for answer in caller.answers if answer.text] == [
            "You said i want a book about green birds."
        ]
        prompts = [last_said([message]) for message in caller.session.dialogue.history.messages[::2]]
        assert prompts == ["i want a book about green birds"]

    run_virtual(scenario())


def test_typing_is_speaking() -> None:
    """A typed message is captioned and answered aloud."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.receive_text(messages.Text(text="hello there").to_json())
            await caller.until_silent()
        assert caller.captions == ["hello there"]
        assert caller.answers[0].text == "You said hello there."

    run_virtual(scenario())


def test_the_greeting_comes_at_once() -> None:
    """The agent speaks first, within 300 ms of the connection."""

    async def scenario() -> None:
        async with Caller(Mind(), greeting="Hello, this is the shop.") as caller:
            await caller.until_silent()
        sound_ms = caller.first_sound_ms(0)
        assert sound_ms is not None
        assert sound_ms <= 300
        assert caller.answers[0].text == "Hello, this is the shop."

    run_virtual(scenario())


def test_what_comes_before_a_slow_tool_is_said_while_it_runs() -> None:
    """Words that the agent says before a slow tool are heard at once, not when the tool has ended."""

    async def scenario() -> None:
        async with Caller(Mind(tool_s=6)) as caller:
            await caller.say("book a table")
            end_ms = caller.now_ms
            await caller.wait(3000)
            assert caller.tts.said == ["One moment."]
            await caller.until_silent()
        sound_ms = caller.first_sound_ms(end_ms)
        assert sound_ms is not None
        assert sound_ms - end_ms < 500
        assert caller.answers[-1].text == "One moment. Done: booked a table."

    run_virtual(scenario())


def test_two_quick_messages_are_answered_together() -> None:
    """A message that is typed right after another one is answered together with it, once."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.receive_text(messages.Text(text="hello").to_json())
            caller.session.receive_text(messages.Text(text="there").to_json())
            await caller.until_silent()
        assert caller.answers[-1].text == "You said hello there."

    run_virtual(scenario())


def test_an_endless_utterance_is_answered_in_time() -> None:
    """A caller who talks without end is answered before speech-to-text runs out of memory."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            for _ in range(20):
                await caller.say("and then and")
                await caller.wait(900)
                if caller.captions:
                    break
            assert caller.now_ms < 33_000

    run_virtual(scenario())
