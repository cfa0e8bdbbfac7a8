"""The agent presses keys of the telephone in a call, on virtual time: as tones, between lines, and each key once."""

from itertools import pairwise

import pytest

from server.agent.call_control import When
from server.call import messages
from server.errors import PeerError, TooMany
from server.media.frame import SPOKEN_BYTES
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.tone_reader import read_tones
from tests.virtual_time import run_virtual

NOTE = "(The agent pressed these keys of the telephone: {})"


def pressed(caller: Caller) -> str:
    """The keys that are in what the caller has heard."""
    return read_tones(b"".join(pcm or bytes(SPOKEN_BYTES) for pcm in caller.heard))


def said(caller: Caller) -> list[tuple[str, bool]]:
    return [(answer.text, answer.interrupted) for answer in caller.answers if answer.text]


def test_keys_are_heard_as_tones_and_written_down() -> None:
    """They are no speech. The client, the record and the model learn which keys they were, and the model goes on."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind) as caller:
            caller.session.control.press("12 3b#*0")
            await caller.until_silent()
            assert pressed(caller) == "123B#*0"
            assert caller.tts.said == []
            await caller.say("hello")
            await caller.until_silent()
            assert caller.session.dialogue.history.messages[0].parts[0].content == NOTE.format("1 2 3 B # * 0")
        assert said(caller) == [("Keys: 1 2 3 B # * 0", False), ("You said hello.", False)]
        record = caller.notebook.records["call"]
        assert [each.text for each in record.said] == ["Keys: 1 2 3 B # * 0", "hello", "You said hello."]
        assert [len(each.messages) for each in record.exchanges] == [1, 2]
        assert NOTE.format("1 2 3 B # * 0") in str(mind.seen[-1])

    run_virtual(scenario())


def test_keys_take_their_place_among_the_lines() -> None:
    """They come in the order in which they were asked for, after the present answer."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("hello")
            caller.session.control.say("One.", "next")
            caller.session.control.press("12")
            caller.session.control.say("Two.", "next")
            caller.session.control.press("3", "now")
            await caller.until_silent(1_500)
        assert [text for text, _ in said(caller)] == ["Keys: 3", "You said hello.", "One.", "Keys: 1 2", "Two."]

    run_virtual(scenario())


def test_nothing_cuts_keys_off() -> None:
    """Neither the voice, which does not make them softer either, nor typed words, nor Stop, nor a line."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.control.press("0123456789")
            await caller.wait(300)
            caller.session.control.say("A line.", "now")
            caller.session.receive_text(messages.Interrupt().to_json())
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.say("stop it please")
            await caller.until_silent(2_000)
        assert pressed(caller) == "0123456789"
        assert said(caller)[0] == ("Keys: 0 1 2 3 4 5 6 7 8 9", False)

    run_virtual(scenario())


def test_pauses_are_silent() -> None:
    """The keys after a pause come that much later."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.control.press("1,2w3")
            await caller.wait(4_000)
            loud = [number for number, pcm in enumerate(caller.heard) if pcm and any(pcm)]
            gaps = [after - before for before, after in pairwise(loud) if after - before > 10]
            assert [gap * 20 for gap in gaps] == [2_100, 600]
        assert pressed(caller) == "123"

    run_virtual(scenario())


def test_keys_that_a_lost_connection_has_swallowed_are_pressed_again() -> None:
    """The others are not: each key is heard once."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.control.press("1234567890")
            await caller.wait(960)
            await caller.drop(400)
            await caller.wait(1_000)
            caller.come_back()
            await caller.until_silent(1_000)
        assert pressed(caller) == "1234567890"

    run_virtual(scenario())


@pytest.mark.parametrize("when", ["now", "next", "idle"])
def test_keys_that_the_line_lost_at_their_end(when: When) -> None:
    """Keys that had all left are pressed again, too, if the caller did not hear them."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.control.press("12345", when)
            while not any(caller.heard):  # time is virtual
                await caller.wait(20)
            await caller.wait(580)
            await caller.drop(600)
            assert caller.session.dialogue.delivery.current is None
            caller.come_back()
            await caller.until_silent(1_000)
        assert pressed(caller) == "12345"
        assert caller.tts.said == []

    run_virtual(scenario())


@pytest.mark.parametrize("keys", ["", "  ", "12x", "1" * 65, "+49", "①", "1" * 10_000])
def test_what_is_no_key_is_refused(keys: str) -> None:
    """With a sentence, and nothing is pressed."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            with pytest.raises(PeerError, match=r"[Kk]eys .*\."):
                caller.session.control.press(keys)
            await caller.wait(500)
        assert caller.answers == []

    run_virtual(scenario())


def test_keys_count_among_the_lines_that_wait() -> None:
    """There is room for 16."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            for _ in range(16):
                caller.session.control.press("1", "idle")
            with pytest.raises(TooMany):
                caller.session.control.press("1")

    run_virtual(scenario())
