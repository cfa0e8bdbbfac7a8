"""Clients that send more than a person could, on virtual time: what it costs is limited, and the call goes on."""

import logging
from collections.abc import Iterable
from typing import Any

import pytest

from server.call import messages
from server.call.ears.keyboard import MAX_CHARS, PROMPTS_A_SECOND, PROMPTS_AT_ONCE
from server.call.inbox import ERRORS_A_SECOND, ERRORS_AT_ONCE, MESSAGES_A_SECOND, MESSAGES_AT_ONCE
from server.call.mind.answers import REQUESTS_A_SECOND, REQUESTS_AT_ONCE
from server.call.mind.owed import MAX_WORDS_CHARS
from tests.fakes.engines import SteadyTextToSpeech
from tests.fakes.mind import Mind, last_said
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


async def flood(caller: Caller, texts: Iterable[str | bytes], a_second: int = 200) -> None:
    """Send each of `texts`, as it is, so many in a second."""
    for text in texts:
        caller.session.receive_text(text)
        await caller.wait(1000 / a_second)


def most(a_second: float, at_once: float, seconds: float) -> float:
    """The most that a limit lets pass."""
    return at_once + a_second * seconds + 1


def errors(caller: Caller, code: str) -> list[messages.Error]:
    return [m for m in caller.of(messages.Error) if isinstance(m, messages.Error) and m.code == code]


def test_typed_text_in_a_loop_costs_few_requests() -> None:
    """200 typed messages a second begin a request in two seconds, and none with more than the limits of its words.

    The client is told that words are lost, but not each time. When it has stopped, the caller is answered.
    """

    async def scenario() -> None:
        mind = Mind(first_token_ms=400)
        async with Caller(mind) as caller:
            await flood(caller, [messages.Text(text="where is my order").to_json()] * 6_000)
            asked = [len(last_said(history)) for history in mind.seen]
            assert 10 <= len(asked) <= most(PROMPTS_A_SECOND, PROMPTS_AT_ONCE, 30)
            assert max(asked) <= MAX_WORDS_CHARS + 1 + MAX_CHARS
            assert 1 <= len(errors(caller, "too_many")) <= most(ERRORS_A_SECOND, ERRORS_AT_ONCE, 30)
            assert len(caller.told) < 400
            await caller.wait(60_000)
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.until_silent()
        assert caller.answers[-1].text == "You said hello."

    run_virtual(scenario())


def test_typed_words_that_wait_are_answered_together() -> None:
    """Words that are typed too fast are captioned and answered together, as soon as their time has come."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=2_500)) as caller:
            words = [f"word{number}" for number in range(PROMPTS_AT_ONCE + 3)]
            for word in words:
                caller.session.receive_text(messages.Text(text=word).to_json())
            assert caller.of(messages.Error) == []
            await caller.until_silent()
        assert caller.answers[-1].text == f"You said {' '.join(words)}."
        assert caller.captions == [*words[:PROMPTS_AT_ONCE], " ".join(words[PROMPTS_AT_ONCE:])]
        assert caller.mind.requests <= PROMPTS_AT_ONCE + 1

    run_virtual(scenario())


def test_the_button_forgets_typed_words_that_wait() -> None:
    """After `interrupt` nothing that was typed before is answered."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=1_000)) as caller:
            for number in range(PROMPTS_AT_ONCE + 3):
                caller.session.receive_text(messages.Text(text=f"word{number}").to_json())
            caller.session.receive_text(messages.Interrupt().to_json())
            await caller.wait(10_000)
        assert not any(answer.text for answer in caller.answers)

    run_virtual(scenario())


def test_typed_words_that_wait_are_not_lost_with_the_server() -> None:
    """When the server stops while typed words wait, the next server knows that they are owed an answer."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=1_000)) as caller:
            words = [f"word{number}" for number in range(PROMPTS_AT_ONCE + 3)]
            for word in words:
                caller.session.receive_text(messages.Text(text=word).to_json())
            caller.session.move()
            await caller.wait(100)
        assert caller.notebook.records["call"].standing.unanswered == " ".join(words)

    run_virtual(scenario())


def test_the_caller_is_told_what_is_left_out() -> None:
    """Of more words than may be owed an answer the oldest are left out, and the client is told so."""

    async def scenario() -> None:
        mind = Mind(first_token_ms=60_000)
        async with Caller(mind) as caller:
            for number in range(6):
                caller.session.receive_text(messages.Text(text=f"{number}" * 1_500).to_json())
                await caller.wait(3_000)
            prompts = [last_said(history) for history in mind.seen]
            assert [prompt[0] for prompt in prompts] == ["0", "0", "0", "1", "2", "3"]
            assert max(map(len, prompts)) <= MAX_WORDS_CHARS + 1 + 1_500
            assert len(errors(caller, "too_many")) == 3

    run_virtual(scenario())


def test_no_caller_causes_requests_faster_than_the_limit() -> None:
    """However the replies of a call come about, its model is asked at a limited rate. The last one is made."""

    async def scenario() -> None:
        mind = Mind(first_token_ms=500)
        async with Caller(mind, tts=SteadyTextToSpeech(chars_per_s=200)) as caller:
            for _ in range(500):
                caller.session.dialogue.type("hello")
                await caller.wait(20)
            assert REQUESTS_AT_ONCE <= mind.requests <= most(REQUESTS_A_SECOND, REQUESTS_AT_ONCE, 10)
            await caller.until_silent()
        assert caller.answers[-1].text.startswith("You said hello")

    run_virtual(scenario())


def test_invalid_messages_are_told_at_a_limited_rate(caplog: pytest.LogCaptureFixture) -> None:
    """A client that sends only nonsense is told a few times, and the log has one line at the end."""
    caplog.set_level(logging.INFO)
    nonsense: list[str | bytes] = ["no JSON", "[]", '{"type":"dance"}', b"\xff\xfe", '{"type":"start"}', "[" * 30_000]

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await flood(caller, nonsense * 500)
            assert 5 <= len(caller.of(messages.Error)) <= most(ERRORS_A_SECOND, ERRORS_AT_ONCE, 15)
            await caller.wait(10_000)
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.until_silent()
        assert "You said hello." in [answer.text for answer in caller.answers]

    run_virtual(scenario())
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("server.call.inbox")]
    assert ours == ["x call call: 3000 messages of the client were not taken"]


def test_pings_are_answered_at_a_limited_rate() -> None:
    """A client that sends pings in a loop gets no more pongs than the limit of messages."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await flood(caller, [messages.Ping(t=1).to_json()] * 2_000)
            assert len(caller.of(messages.Pong)) <= most(MESSAGES_A_SECOND, MESSAGES_AT_ONCE, 10)

    run_virtual(scenario())


def test_a_gap_is_reported_once_for_each_answer_that_was_heard(caplog: pytest.LogCaptureFixture) -> None:
    """A report about an answer that was never heard, or about one a second time, is not counted and not logged."""
    caplog.set_level(logging.INFO)
    observed: list[Any] = []

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session._inbox._observe = observed.append
            for text in ("hello", "and again"):
                caller.session.receive_text(messages.Heard(reply=99, gap_ms=1).to_json())
                caller.session.receive_text(messages.Text(text=text).to_json())
                await caller.until_silent()
                newest = caller.answers[-1].reply
                await flood(caller, [messages.Heard(reply=newest, gap_ms=300).to_json()] * 50)
                await flood(caller, [messages.Heard(reply=newest + 1, gap_ms=300).to_json()] * 50)

    run_virtual(scenario())
    heard = [message.reply for message in observed if isinstance(message, messages.Heard)]
    assert heard == [1, 2]
    assert [record.getMessage() for record in caplog.records if "heard answer" in record.getMessage()] == [
        "> call call heard answer 1 after 300 ms",
        "> call call heard answer 2 after 300 ms",
    ]


def test_keys_in_a_loop_cost_few_requests() -> None:
    """A caller whose telephone sends # without end is answered at the pace of typed words."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind) as caller:
            for _ in range(2_000):
                caller.session.digit("#")
                await caller.wait(5)
            assert mind.requests <= most(PROMPTS_A_SECOND, PROMPTS_AT_ONCE, 10)
            assert max(len(last_said(history)) for history in mind.seen) <= MAX_WORDS_CHARS + 1 + MAX_CHARS

    run_virtual(scenario())


def test_a_message_with_a_name_is_refused_by_its_name() -> None:
    """However many were refused before: its client waits for what becomes of it."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            nameless = ('{"type": "say", "text": "Hello."}', '{"type": "say", "ref": 5}', "[]", '{"ref": "a"')
            await flood(caller, nameless * 5)
            named = ['{"type": "say", "text": "Hello.", "ref": "a"}', '{"type": "none", "ref": "b"}']
            await flood(caller, [*named, '{"type": "respond", "instructions": "Sing.", "ref": "c"}'])
            refused = errors(caller, "bad_request")
            assert [each.ref for each in refused if each.ref] == ["a", "b", "c"]
            assert len(refused) <= 3 + most(ERRORS_A_SECOND, ERRORS_AT_ONCE, 1)

    run_virtual(scenario())


def test_interrupts_in_a_loop_change_nothing() -> None:
    """A client that sends `interrupt` in a loop is told nothing by it, and may ask afterwards."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await flood(caller, [messages.Interrupt().to_json()] * 2_000)
            assert {type(told.message) for told in caller.told} == {messages.Hello, messages.State, messages.Error}
            assert len(caller.told) < 30
            await caller.wait(3_000)
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.until_silent()
        assert caller.answers[-1].text == "You said hello."

    run_virtual(scenario())


def test_reports_of_playing_with_wild_numbers_change_nothing() -> None:
    """`played` may have any number. The answer that is interrupted then still ends at a word that was sent."""

    async def scenario() -> None:
        story = "One two three four five six seven eight nine ten eleven twelve."
        async with Caller(Mind(answers={"tell me": story})) as caller:
            caller.session.receive_text(messages.Text(text="tell me").to_json())
            await caller.wait(2_000)
            wild = ("1e308", "-1", "NaN", "1e9999", "86400000", "0.000001")
            await flood(caller, [f'{{"type":"played","reply":1,"ms":{ms}}}' for ms in wild])
            await flood(caller, [f'{{"type":"played","reply":{reply},"ms":1}}' for reply in ("-1", "9" * 400, "7")])
            caller.session.receive_text(messages.Interrupt().to_json())
            await caller.wait(100)
        assert caller.answers[0].interrupted
        assert story.startswith(caller.answers[0].text)

    run_virtual(scenario())


def test_the_caption_of_a_long_answer_does_not_flood_the_client() -> None:
    """Captions have the whole text each time. Over an answer of 12,000 characters they stay within 12 KB a second."""

    async def scenario() -> None:
        story = "There was a shop that sold everything but time. " * 250
        mind = Mind(answers={"tell": story}, token_ms=0)
        async with Caller(mind, tts=SteadyTextToSpeech(chars_per_s=100)) as caller:
            caller.session.receive_text(messages.Text(text="tell").to_json())
            await caller.wait(100_000)
            caller.session.receive_text(messages.Interrupt().to_json())
        captions = [told for told in caller.told if isinstance(told.message, messages.Response)]
        assert len(captions[-1].message.text) > 8_000  # type: ignore[union-attr]
        chars = [0] * 11
        for told in captions[:-1]:
            chars[int(told.at_ms // 10_000)] += len(told.message.to_json())
        assert max(chars) <= 120_000

    run_virtual(scenario())
