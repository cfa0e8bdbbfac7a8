"""Each exchange of a call is stored with its figures. On virtual time."""

from dataclasses import dataclass

import pytest

from server.call import messages
from server.media.counters import MediaCounters
from server.media.line import Line
from server.record.conversation import Conversation
from server.record.figures import Failure, Figures, LineFigures
from server.speech.protocols import Asker
from tests.fakes.engines import LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

STORY = {"story": "Once upon a time there was a king. He had three daughters, and they all lived far away."}


def kept(record: Conversation) -> list[Figures]:
    """The figures of all exchanges."""
    return [each.figures or Figures() for each in record.exchanges]


def written(caller: Caller) -> list[Figures]:
    """Those in the newest record that was given to the store."""
    return kept(caller.notebook.records["call"])


def heard(caller: Caller, gap_ms: float) -> None:
    """The client reports the gap before the newest reply."""
    reply = caller.session.dialogue.delivery.newest_heard
    caller.session.receive_text(messages.Heard(reply=reply, gap_ms=gap_ms).to_json())


def test_an_answer_is_stored_with_its_stages() -> None:
    """The figures are those that the client was told, with the gap that the caller heard, and who answered."""

    async def scenario() -> None:
        async with Caller(Mind(tool_s=0.25), greeting="Hello.") as caller:
            await caller.until_silent()
            await caller.say("book tea")
            await caller.wait(1_000)
            heard(caller, 812.34)
            await caller.until_silent()
            greeting, booking = written(caller)
        assert (greeting.reply, greeting.attempts, greeting.waited_ms, greeting.model) == (1, 0, None, "")
        (told,) = caller.of(messages.Metrics)
        assert isinstance(told, messages.Metrics)
        assert told.model_dump(exclude={"type", "reply", "attempts"}) == {
            name: getattr(booking, name)
            for name in ("endpoint_ms", "transcript_ms", "first_token_ms", "first_clause_ms", "first_packet_ms")
        }
        assert (booking.reply, booking.attempts, booking.gap_ms) == (told.reply, told.attempts, 812.3)
        assert (booking.agent, booking.transport, booking.language) == ("Test", "webrtc", "en")
        assert booking.model.startswith("function:")
        assert booking.input_tokens > 0 < booking.output_tokens
        ((name, ms, outcome),) = [(run.name, run.ms, run.outcome) for run in booking.tools]
        assert (name, outcome) == ("book", "returned")
        assert ms == pytest.approx(250, abs=5)
        assert booking.line is None

    run_virtual(scenario())


def test_what_comes_late_costs_no_write() -> None:
    """A gap that is reported when the exchange is written already, and what happens after the last exchange, are in
    the next record, and no record is written for them alone."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"hi": "Yes."})) as caller:
            await caller.say("hi")
            await caller.until_silent()
            before = len(caller.notebook.written)
            heard(caller, 700)
            assert len(caller.notebook.written) == before
            assert written(caller)[0].gap_ms is None
            await caller.say("hi")
            await caller.until_silent()
            assert [each.gap_ms for each in written(caller)] == [700, None]
            assert len(caller.notebook.written) == before + 1
            heard(caller, 900)
        assert [each.gap_ms for each in written(caller)] == [700, 900]

    run_virtual(scenario())


def test_an_interruption_and_a_backchannel_are_told_apart() -> None:
    """An answer that went on after a backchannel has resumed; one that the caller cut off was interrupted."""

    async def scenario() -> None:
        async with Caller(Mind(answers=STORY)) as caller:
            await caller.say("story")
            await caller.wait(2_000)
            await caller.say("mhm")
            await caller.until_silent()
            await caller.say("story")
            await caller.wait(2_500)
            await caller.say("stop it please")
            await caller.until_silent()
            first, second, *_ = written(caller)
            _, story = caller.notebook.written[-1].exchanges[0].said
        assert (first.resumed, first.interrupted) == (1, False)
        (resumed_ms,) = first.resumed_ms
        assert story.start_ms + 2_000 < resumed_ms < story.end_ms
        assert second.interrupted

    run_virtual(scenario())


def test_a_failure_belongs_to_the_exchange_that_it_has_cost() -> None:
    """The failure is with the words that got no answer, and not with the apology after them."""

    async def scenario() -> None:
        async with Caller(Mind(failures=3, answers={"hi": "Yes."})) as caller:
            await caller.say("hi")
            await caller.until_silent()
            await caller.wait(2_000)
        failed, *others = written(caller)
        assert failed.failures == (Failure("model", "The model failed: RuntimeError."),)
        assert others
        assert not any(each.failures for each in others)

    run_virtual(scenario())


def test_a_tool_that_failed_is_told_with_its_time() -> None:
    """A tool that raises is stored as one that failed, and one that is too slow as one that timed out."""

    @dataclass
    class Clumsy(Mind):
        async def book(self, what: str) -> str:
            await super().book(what)
            raise RuntimeError("no table is free")

    async def scenario() -> None:
        async with Caller(Clumsy(tool_s=0.1)) as caller:
            await caller.say("book tea")
            await caller.until_silent()
            await caller.wait(1_000)
        runs = [run for each in written(caller) for run in each.tools]
        assert [(run.name, run.outcome) for run in runs] == [("book", "failed")]
        assert runs[0].ms == pytest.approx(100, abs=5)
        assert [failure.stage for each in written(caller) for failure in each.failures] == ["tool"]

    run_virtual(scenario())


def test_sounds_without_words_are_counted() -> None:
    """A sound that had no words is counted with the next exchange, or with the last one if no other follows."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"hi": "Yes."})) as caller:
            await noise(caller)
            await caller.say("hi")
            await caller.until_silent()
            await noise(caller)
        assert [each.false_starts for each in written(caller)] == [2]

    run_virtual(scenario())


async def noise(caller: Caller) -> None:
    """The caller clears their throat."""
    number = caller.session.dialogue.utterances.number()
    caller.session.send(messages.Transcription(utterance=number, text="", final=True))
    await caller.wait(20)


def test_the_connection_is_measured_for_each_exchange() -> None:
    """Losses are those since the exchange before. A new connection begins anew."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"hi": "Yes."})) as caller:
            line = caller.line = Line("opus", MediaCounters(received=100, sent=1), 0.0)  # type: ignore[assignment]
            await caller.say("hi")
            await caller.until_silent()
            counters = line.counters  # type: ignore[attr-defined]
            counters.received, counters.lost, counters.recovered, counters.concealed_ms = 190, 10, 5, 100
            counters.reports, counters.round_trip_ms, counters.lost_percent, counters.jitter_ms = 1, 40.0, 0.0, 4.0
            await caller.say("hi")
            await caller.until_silent()
            caller.line = Line("pcmu", MediaCounters(received=10, lost=10))  # type: ignore[assignment]
            await caller.say("hi")
            await caller.until_silent()
            first, second, third = written(caller)
        assert first.line == LineFigures("opus", 0.0)
        assert second.line == LineFigures("opus", 5.0, 0.0, 4.0, 40.0, 100, 5, 77.4, 93.2)
        assert third.line is not None
        assert third.line.lost_in_percent == 50.0

    run_virtual(scenario())


def test_the_engine_that_served_is_told() -> None:
    """Where several engines are configured, those that have really heard and spoken are stored."""

    @dataclass
    class First(LetterSpeechToText):
        def listen(self, phrases, on_partial, language="", others=(), asker=Asker()):  # type: ignore[no-untyped-def]  # noqa: B008
            asker.served("first")
            return super().listen(phrases, on_partial, language, others, asker)

    @dataclass
    class Second(SteadyTextToSpeech):
        async def synthesize(self, text, voice, language="", asker=Asker()):  # type: ignore[no-untyped-def]  # noqa: B008
            asker.served("second")
            async for pcm in super().synthesize(text, voice, language, asker):
                yield pcm

    async def scenario() -> None:
        async with Caller(Mind(answers={"hi": "Yes."}), First(), tts=Second()) as caller:
            await caller.say("hi")
            await caller.until_silent()
        assert [(each.speech_to_text, each.text_to_speech) for each in written(caller)] == [("first", "second")]

    run_virtual(scenario())
