"""What operators and tools have told the agent goes with the call to another server, on virtual time."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from server.agent.call_control import When
from server.call import messages
from server.call.control import Control
from server.errors import Conflict
from server.media.frame import SPOKEN_BYTES
from server.record.conversation import Conversation
from server.record.orders import Orders
from server.record.stores.codec import Stored, decode_header, encode_header
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.tone_reader import read_tones
from tests.virtual_time import run_virtual

NOTICE = "This call is recorded."
LONG = "It was shipped on Monday by train, and it crossed the river at noon. It will be with you tomorrow morning."


def said(caller: Caller) -> list[str]:
    return [answer.text for answer in caller.answers if answer.text]


def pressed(*callers: Caller) -> str:
    return read_tones(b"".join(pcm or bytes(SPOKEN_BYTES) for caller in callers for pcm in caller.heard))


def stored(record: Conversation) -> Conversation:
    """The record as another server reads it from a store."""
    header = Stored(encode_header(record), record.epoch, record.revision, record.token_hash)
    return replace(decode_header(header), exchanges=record.exchanges)


async def move(caller: Caller, killed: bool = False) -> Conversation:
    """The server stops, or is `killed`. Returns the record that is left."""
    left = caller.notebook.records["call"]
    caller.session.move()
    await caller.session.over.wait()
    return stored(left if killed else caller.notebook.records["call"])


@pytest.mark.parametrize("killed", [False, True])
def test_lines_that_wait_are_said_by_the_next_server(killed: bool) -> None:
    """In their order, and then the call ends if that was wanted. Nothing is said twice, also where a server dies."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"hello": LONG})) as first:
            await first.say("hello")
            await first.wait(1_500)
            first.session.control.say("Two.", "idle")
            first.session.control.say(NOTICE, "next", interruptible=False)
            first.session.control.press("12#")
            first.session.control.hang_up()
            record = await move(first, killed)
        assert len(record.standing.orders.lines) == 3
        async with Caller(Mind(), record=record) as second:
            await second.until_silent(5_000)
            assert second.hung_up
        heard = [text for text in said(second) if text not in LONG]
        assert heard == [NOTICE, "Keys: 1 2 #", "Two.", "Goodbye."]
        assert pressed(second) == "12#"
        assert second.notebook.records["call"].ended_ms is not None

    run_virtual(scenario())


@pytest.mark.parametrize("killed", [False, True])
def test_instructions_and_muting_go_on(killed: bool) -> None:
    """The model of the next server has the instructions, and its agent does not hear the caller."""

    async def scenario() -> None:
        async with Caller(Mind()) as first:
            await first.say("hello")
            await first.until_silent()
            first.session.control.instruct("Offer a discount.")
            first.session.control.instruct("Be brief.")
            first.session.control.mute(True)
            record = await move(first, killed)
        mind = Mind()
        async with Caller(mind, record=record) as second:
            assert second.session.control.about.muted
            await second.say("my card is four two")
            await second.wait(2_000)
            assert second.captions == []
            second.session.control.mute(False)
            await second.say("how much")
            await second.until_silent()
            for number in range(14):
                second.session.control.instruct(f"Rule {number}.")
            with pytest.raises(Conflict):
                second.session.control.instruct("One more.")
        assert mind.told
        assert all(each.endswith("Offer a discount.\nBe brief.") for each in mind.told)

    run_virtual(scenario())


@pytest.mark.parametrize("interruptible", [False, True])
@pytest.mark.parametrize("when", ["now", "next", "idle"])
@pytest.mark.parametrize("cut_ms", [20, 1_000, 3_200, 6_000])
def test_a_line_that_the_move_cuts_off_is_said_from_its_unheard_rest(
    interruptible: bool, when: When, cut_ms: int
) -> None:
    """It is what it was: nothing cuts it off if nothing might before. What was heard in whole is not said again."""

    async def scenario() -> None:
        async with Caller(Mind()) as first:
            first.session.control.say(LONG, when, interruptible)
            while not any(first.heard):
                await first.wait(20)
            await first.wait(cut_ms)
            record = await move(first)
        heard = " ".join(said(first))
        async with Caller(Mind(), record=record) as second:
            await second.wait(12_000)
        rest = said(second)
        if heard == LONG:
            assert rest == []
            return
        assert len(rest) == 1
        assert LONG.endswith(rest[0])
        assert len(heard) + len(rest[0]) >= len(LONG) - 1
        assert (rest[0] == LONG) is (cut_ms < 2_000)

    run_virtual(scenario())


def test_nothing_cuts_the_rest_of_a_legal_notice_off() -> None:
    """The next server knows that the line has to be heard."""

    async def scenario() -> None:
        async with Caller(Mind()) as first:
            first.session.control.say(LONG, "now", interruptible=False)
            await first.wait(1_000)
            record = await move(first)
        async with Caller(Mind(), record=record) as second:
            await second.wait(500)
            second.session.receive_text(messages.Interrupt().to_json())
            await second.say("stop it please")
            await second.until_silent(2_000)
        assert next((each.text, each.interrupted) for each in second.answers if each.text) == (LONG, False)

    run_virtual(scenario())


@pytest.mark.parametrize("cut_ms", [100, 560, 940])
def test_each_key_is_pressed_once(cut_ms: int) -> None:
    """The next server goes on with the next key, and the model is told of each key once."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(Mind()) as first:
            first.session.control.press("12345678")
            await first.wait(cut_ms)
            record = await move(first)
        async with Caller(mind, record=record) as second:
            await second.until_silent()
            await second.say("hello")
            await second.until_silent()
        assert pressed(first, second) == "12345678"
        notes = [part.content for part in mind.seen[-1][0].parts]
        told = "".join(str(note).partition(":")[2].strip(" )") for note in notes if "pressed" in str(note))
        assert "".join(told.split()) == "12345678"

    run_virtual(scenario())


def test_a_record_of_an_older_server_is_read() -> None:
    """It has no orders, and so nothing waits or holds."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("hello")
            await caller.until_silent()
            record = caller.notebook.records["call"]
        header = json.loads(encode_header(record))
        del header["standing"]["orders"]
        old = decode_header(Stored(json.dumps(header), 1, 1, None))
        assert old.standing == replace(record.standing, orders=Orders())

    run_virtual(scenario())


TELLS: list[Callable[[Control], None]] = [
    lambda control: control.say("Too late."),
    lambda control: control.press("12"),
    lambda control: control.instruct("Be brief."),
]


async def goodbye(caller: Caller) -> None:
    caller.session.control.hang_up(at_once=True)
    await caller.wait(100)


async def over(caller: Caller) -> None:
    caller.session.end()
    await caller.session.over.wait()


@pytest.mark.parametrize("tell", TELLS)
@pytest.mark.parametrize("end", [goodbye, over])
def test_what_comes_after_the_goodbye_has_begun_is_refused(
    tell: Callable[[Control], None], end: Callable[[Caller], Awaitable[None]]
) -> None:
    """Nobody would hear it, so the operator and the tool are told so."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            tell(caller.session.control)
            await caller.until_silent(500) if caller.session.dialogue.lines_wait else None
            await end(caller)
            with pytest.raises(Conflict, match=r"goodbye|over"):
                tell(caller.session.control)
            written = len(caller.notebook.written)
            caller.session.control.mute(True)
            if end is over:
                assert len(caller.notebook.written) == written
            await caller.wait(5_000)
        assert said(caller).count("Goodbye.") == (end is goodbye)
        assert len(said(caller)) <= 2

    run_virtual(scenario())
