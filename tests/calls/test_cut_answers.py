"""Answers whose writer was stopped, by its limit of tokens or by a content filter, in whole calls on virtual time."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import FinishReason, ModelMessage, ModelResponse, ModelResponseStreamEvent
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings

from server.agent.lines import DEFAULT_LINES
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.settings import CallSettings
from tests.fakes.mind import Desk, Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

CUT = "The model's answer was cut off."
SENTENCES = "We are open from nine to five. On Saturday we close at four."


class Stopped(StreamedResponse):
    """A text, a word every `word_s`, and why it ends."""

    model_name, provider_name, provider_url = "stopped", None, None
    timestamp = datetime(2026, 1, 1, tzinfo=UTC)

    def __init__(
        self, parameters: ModelRequestParameters, text: str, reason: FinishReason | None, word_s: float
    ) -> None:
        super().__init__(model_request_parameters=parameters)
        self._words, self._reason, self._word_s = text.split(" "), reason, word_s

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        for word in self._words:
            await asyncio.sleep(self._word_s)
            for event in self._parts_manager.handle_text_delta(vendor_part_id=None, content=f"{word} "):
                yield event
        self.finish_reason = self._reason


class Writer(Model, Mind):
    """A mind with a model that always writes the same text, and is stopped then."""

    model_name, system = "writer", "test"

    def __init__(self, text: str, reason: FinishReason | None, word_s: float = 0.0, thinks_s: float = 0.0) -> None:
        Model.__init__(self)
        Mind.__init__(self)
        self._text, self._reason, self._word_s, self._thinks_s = text, reason, word_s, thinks_s
        self.given: list[list[ModelMessage]] = []

    def write(self, text: str, reason: FinishReason | None) -> None:
        """What it writes from now on."""
        self._text, self._reason = text, reason

    def agent(self, greeting: str = "") -> VoiceAgent:
        return VoiceAgent(Agent(self, deps_type=Desk), greeting=greeting, make_deps=Desk)

    async def request(self, *given: object) -> ModelResponse:
        raise NotImplementedError

    @asynccontextmanager
    async def request_stream(
        self,
        history: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: object = None,
    ) -> AsyncIterator[StreamedResponse]:
        self.given.append(history)
        await asyncio.sleep(self._thinks_s)
        yield Stopped(model_request_parameters, self._text, self._reason, self._word_s)


@pytest.mark.parametrize(("reason", "word_s"), [("length", 0.0), ("length", 0.05), ("content_filter", 0.0)])
@pytest.mark.parametrize(
    ("written", "heard"),
    [
        (f"{SENTENCES} On Sunday we", SENTENCES),
        (f"{SENTENCES} On Sunday, which is the day after Saturday, as you may know, or may not know, we", SENTENCES),
        (SENTENCES, SENTENCES),
        ("We are open from nine", "We are open from nine"),
        ("Yes, of course, we are open from", "Yes, of course, we are open from"),
    ],
    ids=["half a sentence", "clauses of a sentence", "whole", "only half a sentence", "only clauses"],
)
def test_whole_sentences_are_heard(reason: FinishReason, word_s: float, written: str, heard: str) -> None:
    """The unfinished sentence at the end is not said, unless there is no other one. It does not matter whether it has
    been made into speech already."""

    async def scenario() -> None:
        async with Caller(Writer(written, reason, word_s)) as caller:
            await caller.say("when are you open")
            await caller.until_silent()
            answer, *apology = [answer.text for answer in caller.answers]
            assert answer == heard
            assert [error.message for error in caller.of(messages.Error)] == [CUT] * (heard != SENTENCES)
            assert apology == [DEFAULT_LINES["en"].apology] * (heard != SENTENCES)

    run_virtual(scenario())


def test_a_model_that_just_ends() -> None:
    """A model that has said before why it ends, and says nothing now, was cut off, if that is in mid-sentence."""

    async def scenario() -> None:
        writer = Writer(SENTENCES, "stop")
        async with Caller(writer) as caller:
            for text in (SENTENCES, f"{SENTENCES} On Sunday we", "We are open from", SENTENCES):
                writer.write(text, None if text != SENTENCES or len(caller.answers) > 1 else "stop")
                await caller.say("when are you open")
                await caller.until_silent()
            sorry = DEFAULT_LINES["en"].apology
            assert [answer.text for answer in caller.answers] == [
                SENTENCES,
                SENTENCES,
                "We are open from",
                sorry,
                SENTENCES,
            ]

    run_virtual(scenario())


def test_a_model_that_never_says_why_it_ends() -> None:
    """What it writes is said to its end: many write no full stop."""

    async def scenario() -> None:
        async with Caller(Writer("We are open from nine", None)) as caller:
            await caller.say("when are you open")
            await caller.until_silent()
            assert [answer.text for answer in caller.answers] == ["We are open from nine"]

    run_virtual(scenario())


def test_a_sentence_that_has_begun_is_not_broken_off_in_a_clause() -> None:
    """When the model is stopped so late that the caller hears the unfinished sentence, its clause is said."""

    async def scenario() -> None:
        text = "Yes. On Saturday, on Sunday and on all the other days that there are in a week, we are open from"
        async with Caller(Writer(text, "length", word_s=0.3)) as caller:
            await caller.say("when are you open")
            await caller.until_silent(8_000)
            assert caller.answers[0].text.endswith("in a week,")
            assert caller.answers[1].text == DEFAULT_LINES["en"].apology

    run_virtual(scenario())


def test_the_history_has_what_was_heard() -> None:
    """The model reads in the next turn that its answer was broken off, and where."""

    async def scenario() -> None:
        writer = Writer(f"{SENTENCES} On Sunday we", "length")
        async with Caller(writer) as caller:
            for words in ("when are you open", "go on please"):
                await caller.say(words)
                await caller.until_silent()
        (before,) = [message.text for message in writer.given[1] if isinstance(message, ModelResponse)]
        assert before == f"{SENTENCES} —"

    run_virtual(scenario())


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_the_log_says_why_an_answer_was_cut_off(reason: FinishReason, caplog: pytest.LogCaptureFixture) -> None:
    """It has the call, the model and the reason, and no word of the answer."""

    async def scenario() -> None:
        async with Caller(Writer(f"{SENTENCES} On Sunday we", reason)) as caller:
            await caller.say("when are you open")
            await caller.until_silent()

    caplog.set_level(logging.WARNING)
    run_virtual(scenario())
    assert [record.getMessage() for record in caplog.records] == [
        f"x call call: the answer of model test:writer was cut off: {reason}"
    ]


def test_what_is_said_while_the_caller_waits_is_no_sentence_of_the_answer() -> None:
    """All whole sentences of a model that thinks for long are heard after the line that fills the silence."""

    async def scenario() -> None:
        writer = Writer(f"{SENTENCES} On Sunday we", "length", thinks_s=3.0)
        async with Caller(writer, settings=CallSettings()) as caller:
            await caller.say("when are you open")
            await caller.wait(15_000)
            assert caller.answers[-1].text == f"One moment, please. {SENTENCES}"
        assert caller.tts.said[1:] == ["We are open from nine to five.", "On Saturday we close at four."]

    run_virtual(scenario())
