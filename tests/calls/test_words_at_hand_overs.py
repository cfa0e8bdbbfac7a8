"""Words that come, and restarts that happen, around the moment in which a call is passed on. On virtual time."""

from dataclasses import replace

import pytest

from server.call import messages
from server.call.switchboard import STAYED
from server.media.frame import FRAME_MS
from tests.calls.house import House, call, present, type_in, until
from tests.fakes.engines import LetterSpeechToText
from tests.fakes.mind import last_said
from tests.fakes.people import CALM
from tests.virtual_time import run_virtual


@pytest.mark.parametrize("final_ms", [10, 3_000])
def test_words_that_speech_to_text_still_owes_are_answered(final_ms: int) -> None:
    """Nothing is passed on before they have come."""

    async def scenario() -> None:
        house = House(says="They will help you with that, and I tell you so in a sentence that takes its time.")
        stt = LetterSpeechToText(final_ms=final_ms, partial_ms=None)
        overlap = CALM.overlap.model_copy(update={"words": 30, "words_ms": 60_000, "voiced_ms": 60_000})
        settings = replace(CALM, overlap=overlap, max_utterance_ms=1_000)
        async with call(house, settings, stt) as caller:
            type_in(caller, "go to second")
            while caller.states[-1] != "speaking":
                await caller.wait(FRAME_MS)
            while caller.session.dialogue.delivery.current.reply.speech.left_ms > 1_500:  # type: ignore[union-attr]
                await caller.wait(FRAME_MS)
            await caller.say("aa bb cc", 360)
            assert caller.states[-1] != "hearing"
            await caller.wait(15_000)
            asked = " ".join(last_said(history) for history in house.seen)
        assert "aa bb" in asked

    run_virtual(scenario())


def test_typed_words_before_the_call_is_passed_on_keep_it() -> None:
    """As spoken ones do: the model is told that it was not passed on."""

    async def scenario() -> None:
        house = House()
        async with call(house) as caller:
            type_in(caller, "go to second")
            await caller.wait(200)
            caller.session.control.say("This comes when it is quiet.", "idle")
            await until(caller, "They will help you")
            await caller.wait(500)
            assert present(caller) == "first"
            type_in(caller, "one more thing")
            await until(caller, "first heard one more thing")
            assert "was not passed on" in house.told[-1]
            await caller.wait(8_000)
            assert present(caller) == "first"

    run_virtual(scenario())


@pytest.mark.parametrize("heard_ms", [0, 500])
def test_a_restart_before_the_call_is_passed_on(heard_ms: int) -> None:
    """The other server does not know the wish, so the model is told that it came to nothing."""

    async def scenario() -> None:
        house = House()
        async with call(house) as caller:
            type_in(caller, "go to second")
            while caller.states[-1] != "speaking":
                await caller.wait(FRAME_MS)
            await caller.wait(heard_ms)
            caller.session.move()
            await caller.session.over.wait()
            record = caller.notebook.records["call"]
            assert record.standing.agent == "first"
            assert STAYED in str(record.messages[-1])

    run_virtual(scenario())


def test_a_restart_of_another_call() -> None:
    """Where nothing was to be passed on, nothing is said about it."""

    async def scenario() -> None:
        async with call(House()) as caller:
            type_in(caller, "go to second")
            await until(caller, "second heard")
            caller.session.move()
            await caller.session.over.wait()
            assert STAYED not in str(caller.notebook.records["call"].messages)

    run_virtual(scenario())


async def handed_over_ms(house: House) -> float:
    """When the call is handed over, in a call in which nobody says anything more."""
    async with call(house) as caller:
        type_in(caller, "go to second")
        await until(caller, "second heard")
        return next(told.at_ms for told in caller.told if isinstance(told.message, messages.Agent))


@pytest.mark.parametrize("how", ["spoken", "typed", "dropped", "moved"])
def test_words_around_the_hand_over_are_answered(how: str) -> None:
    """Whether they come some frames before it, in its frame or after it, and if the connection is lost there."""

    at_ms = run_virtual(handed_over_ms(House()))

    async def scenario(offset_ms: int) -> None:
        house = House()
        async with call(house) as caller:
            type_in(caller, "go to second")
            await caller.wait(at_ms + offset_ms - (300 if how == "spoken" else 0))
            if how == "spoken":
                await caller.say("aa bb", 300)
            elif how == "typed":
                type_in(caller, "aa bb")
            elif how == "dropped":
                await caller.drop(60)
                await caller.wait(2_000)
                caller.come_back()
                await caller.wait(15_000)
                assert present(caller) == "second", offset_ms
                heard = " ".join(each.text for each in caller.notebook.records["call"].said)
                assert "They will help you with that now." in heard, (offset_ms, heard)
                assert "second heard" in heard, (offset_ms, heard)
                return
            else:
                caller.session.move()
                await caller.session.over.wait()
                record = caller.notebook.records["call"]
                handed = "hands the call over" in str(record.messages)
                assert record.standing.agent == ("second" if handed else "first"), offset_ms
                assert handed or STAYED in str(record.messages), offset_ms
                return
            await caller.wait(12_000)
            asked = " ".join(last_said(history) for history in house.seen)
            assert "aa bb" in asked, offset_ms
            assert caller.session.dialogue.standing.unanswered == ""
            last = "second" if present(caller) == "second" else "first"
            assert f"{last} heard" in caller.answers[-1].text, offset_ms

    for offset_ms in (*range(-400, -100, 60), *range(-100, 120, 20), *range(120, 700, 80)):
        run_virtual(scenario(offset_ms))
