"""Lines of operators and tools where something comes between: a noise, a drop, a failure, the end. On virtual time."""

import pytest

from server.agent.call_control import When
from server.call import messages
from server.errors import Conflict, PeerError, TooMany
from tests.calls.test_announcements import LONG, NOTICE, said
from tests.calls.test_other_voices import radio
from tests.fakes.engines import COUGH
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


def test_a_line_outlives_a_drop() -> None:
    """Lines that wait, and one that was being said, are heard after the caller is back."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.control.say(LONG, "now")
            await caller.wait(1_500)
            caller.session.control.say("One.", "next")
            await caller.drop(400)
            caller.session.control.say("Two.", "now")
            await caller.wait(5_000)
            caller.come_back()
            await caller.until_silent(1_500)
        assert [text for text, _ in said(caller)] == [LONG, "Two.", "One."]

    run_virtual(scenario())


def test_a_cough_before_a_line_is_heard_does_not_lose_it() -> None:
    """Cut off before its first sound, a line comes again."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.tts.first_ms = 900
            caller.session.control.say(NOTICE, "next")
            await caller.wait(100)
            await caller.say("wait a moment")
            await caller.until_silent(3_000)
        texts = [text for text, _ in said(caller)]
        assert sorted(texts) == sorted([NOTICE, "You said wait a moment."])

    run_virtual(scenario())


def test_a_line_whose_speech_fails_is_tried_again() -> None:
    """A worker that dies takes no line with it."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.tts.failures = 1
            caller.session.control.say(NOTICE, "next")
            await caller.until_silent(3_000)
        assert NOTICE in [text for text, _ in said(caller)]

    run_virtual(scenario())


def test_the_end_of_the_call_ends_the_lines() -> None:
    """Nothing is said after the end, and nothing is left over."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.control.say(LONG, "next")
            caller.session.control.say(NOTICE, "next")
            await caller.wait(500)
            caller.session.end()
            await caller.session.over.wait()
            with pytest.raises(Conflict):
                caller.session.control.say("Too late.", "now")
            await caller.wait(500)
        assert NOTICE not in caller.tts.said
        assert "Too late." not in caller.tts.said

    run_virtual(scenario())


def test_there_is_room_for_so_many_lines() -> None:
    """What finds no room is refused, and what is no line, too."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            control = caller.session.control
            for number in range(16):
                control.say(f"Line {number}.", "idle")
            with pytest.raises(TooMany):
                control.say("One more.", "now")
            with pytest.raises(PeerError):
                control.say("  ")
            with pytest.raises(PeerError):
                control.say("x" * 1_001)

    run_virtual(scenario())


def test_the_end_of_a_line_that_a_drop_has_swallowed_is_said_again() -> None:
    """The line was over for the server, and the caller had missed its last words. It comes before anything else."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.control.say(NOTICE, "next", interruptible=False)
            await caller.wait(1_500)
            await caller.drop(600)
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.wait(500)
            caller.come_back()
            await caller.until_silent(1_500)
        assert said(caller)[-1] == (NOTICE, False)

    run_virtual(scenario())


def test_a_line_whose_speech_always_fails_is_given_up() -> None:
    """It is tried three times, a second apart, and does not hold the others back for ever."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.tts.failures = 1_000
            caller.session.control.say(NOTICE, "next")
            await caller.wait(20_000)
            assert caller.tts.failures > 990
            assert not caller.session.dialogue.lines_wait
            caller.tts.failures = 0
            caller.session.control.say("It works again.", "next")
            await caller.wait(3_000)
        assert said(caller)[-1] == ("It works again.", False)

    run_virtual(scenario())


def test_the_stop_button_ends_one_line() -> None:
    """It is not said again, and the next one comes."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.control.say(LONG, "now")
            caller.session.control.say(NOTICE, "now")
            await caller.wait(40)
            caller.session.receive_text(messages.Interrupt().to_json())
            await caller.until_silent(2_000)
        assert said(caller) == [(NOTICE, False)]

    run_virtual(scenario())


def test_a_caller_may_cut_a_line_off() -> None:
    """Words that ask for something are answered, and the rest of the line is not said. After a cough it is."""

    async def scenario(sound: str) -> list[str]:
        async with Caller(Mind()) as caller:
            caller.session.control.say(LONG, "next")
            await caller.wait(2_000)
            await caller.say(sound, word_ms=1_200 if sound == COUGH else 300)
            await caller.until_silent(2_000)
        return [text for text, _ in said(caller)]

    assert run_virtual(scenario("where is my order"))[1:] == ["You said where is my order."]
    assert run_virtual(scenario(COUGH))[-1].endswith("tomorrow morning.")


@pytest.mark.parametrize("when", ["now", "next"])
def test_other_voices_do_not_hold_a_line_back(when: When) -> None:
    """A radio that never pauses is no caller for whom the agent waits."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.radio = radio(0, 0)
            while not caller.session.dialogue.in_company:
                await caller.wait(1_000)
                assert caller.now_ms < 120_000
            caller.session.control.say(NOTICE, when)
            await caller.wait(60_000)
        assert (NOTICE, False) in said(caller)

    run_virtual(scenario())
