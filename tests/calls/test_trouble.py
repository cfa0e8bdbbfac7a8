"""Engines and clients that fail, in whole calls on virtual time: the caller hears what happened."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace

import pytest

from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.speech.protocols import ANYBODY, Asker, Pcm
from tests.fakes.engines import COUGH, LetterSpeechStream, LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import Mind, last_said
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


@pytest.mark.parametrize("broken", ["speech-to-text", "model", "text-to-speech"])
def test_a_failing_engine_is_an_apology(broken: str) -> None:
    """When an engine fails once, the client is told, the caller hears an apology, and the next request is answered."""

    async def scenario() -> None:
        mind = Mind(failures=int(broken == "model"))
        stt = LetterSpeechToText(failures=int(broken == "speech-to-text"))
        tts = SteadyTextToSpeech(failures=int(broken == "text-to-speech"))
        async with Caller(mind, stt, tts) as caller:
            await caller.say("what time is it")
            await caller.until_silent()
            assert [type(m) for m in caller.of(messages.Error)] == [messages.Error]
            assert caller.answers[-1].text.startswith("Sorry, something went wrong")
            await caller.say("and now again please")
            await caller.until_silent()
        assert "and now again please" in caller.answers[-1].text

    run_virtual(scenario())


def test_the_log_tells_what_failed_where(caplog: pytest.LogCaptureFixture) -> None:
    """The log names a failure once, with its call and line; only debug adds the traceback, which may quote people."""

    async def scenario() -> None:
        for level in (logging.INFO, logging.DEBUG):
            caplog.set_level(level)
            async with Caller(Mind(failures=1)) as caller:
                await caller.say("what time is it")
                await caller.until_silent()

    run_virtual(scenario())
    lines = [record for record in caplog.records if record.levelno == logging.WARNING]
    said = "x call call: model failed: The model failed: RuntimeError. RuntimeError at mind.py:"
    assert [record.getMessage().startswith(said) for record in lines] == [True, True]
    assert [bool(record.exc_info) for record in lines] == [False, True]


def test_a_worker_that_is_away_for_a_while_does_not_silence_the_apology() -> None:
    """The apology is tried again if text-to-speech is what failed."""

    async def scenario() -> None:
        async with Caller(Mind(), tts=SteadyTextToSpeech(failures=3)) as caller:
            await caller.say("what time is it")
            await caller.until_silent()
        assert caller.answers[-1].text.startswith("Sorry")

    run_virtual(scenario())


def test_a_cough_does_not_silence_an_apology() -> None:
    """If something fails during a cough, the apology follows when the cough is known as one."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=1_500, failures=1)) as caller:
            await caller.say("where is my order")
            await caller.wait(1_250)
            await caller.say(COUGH, word_ms=400)
            await caller.until_silent(limit_ms=10_000)
        assert caller.answers[-1].text.startswith("Sorry")

    run_virtual(scenario())


def test_a_late_apology_does_not_cut_off_an_answer() -> None:
    """An apology that is tried again does not interrupt the answer to a later question."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind."
        async with Caller(Mind(answers={"story": story}), tts=SteadyTextToSpeech(failures=2)) as caller:
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.wait(600)
            caller.session.receive_text(messages.Text(text="story").to_json())
            await caller.until_silent(2_000)
        assert (caller.answers[-1].text, caller.answers[-1].interrupted) == (story, False)

    run_virtual(scenario())


def test_a_late_apology_does_not_cut_off_the_goodbye() -> None:
    """An apology that is tried again does not interrupt the goodbye."""

    async def scenario() -> None:
        async with Caller(Mind(), tts=SteadyTextToSpeech(failures=2)) as caller:
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.wait(800)
            caller.session.leave()
            await caller.until_silent()
        assert (caller.answers[-1].text, caller.answers[-1].interrupted) == ("Goodbye.", False)

    run_virtual(scenario())


def test_a_client_that_stops_sending_is_answered() -> None:
    """When the client stops sending after its voice, playout counts the silence, and the caller is answered."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("what time is it")
            await caller.wait(40)
            caller.sending = False
            await caller.until_silent()
        assert caller.captions == ["what time is it"]

    run_virtual(scenario())


def test_broken_sound_is_an_apology() -> None:
    """An engine that breaks its protocol is treated like one that reports a failure."""

    class Odd(SteadyTextToSpeech):
        async def synthesize(
            self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
        ) -> AsyncGenerator[Pcm, None]:
            if not text.startswith("Sorry"):
                yield Pcm(22_050, b"\0\0\0")
            async for pcm in super().synthesize(text, voice, language, asker):
                yield pcm

    async def scenario() -> None:
        async with Caller(Mind(), tts=Odd()) as caller:
            await caller.say("what time is it")
            await caller.until_silent(limit_ms=20_000)
        assert caller.answers[-1].text.startswith("Sorry")

    run_virtual(scenario())


def test_a_fault_in_speech_to_text_is_an_apology() -> None:
    """An engine that raises an unexpected exception is treated like one that reports a failure."""

    class Faulty(LetterSpeechStream):
        async def transcript(self) -> str:
            if "time" in await super().transcript():
                raise RuntimeError("a bug")
            return await super().transcript()

    class Odd(LetterSpeechToText):
        def listen(
            self,
            phrases: Sequence[str],
            on_partial: Callable[[str], None],
            language: str = "",
            others: Sequence[str] = (),
            asker: Asker = ANYBODY,
        ) -> LetterSpeechStream:
            super().listen(phrases, on_partial, language, others, asker)
            return Faulty(self, on_partial)

    async def scenario() -> None:
        async with Caller(Mind(), Odd()) as caller:
            await caller.say("what time is it")
            await caller.until_silent(limit_ms=20_000)
            assert caller.answers[-1].text.startswith("Sorry")
            await caller.say("never mind")
            await caller.until_silent()
        assert caller.answers[-1].text == "You said never mind."

    run_virtual(scenario())


def test_an_agent_whose_state_cannot_be_kept_goes_on() -> None:
    """If the agent's state cannot be dumped, the call goes on; only another server would miss the state."""

    class Forgetful(Mind):
        def agent(self, greeting: str = "") -> VoiceAgent:
            return replace(super().agent(greeting), dump_deps=json.dumps)  # fails, because a Desk is not JSON

    async def scenario() -> None:
        async with Caller(Forgetful()) as caller:
            for words in ("hello", "hello again"):
                await caller.say(words)
                await caller.until_silent()
            assert [answer.text for answer in caller.answers] == ["You said hello.", "You said hello again."]
            assert caller.notebook.records["call"].agent_state == ""

    run_virtual(scenario())


def test_after_an_apology_the_question_is_asked_once() -> None:
    """The words whose answer failed are not put in front of what the caller says next."""

    async def scenario() -> None:
        mind = Mind(failures=1)
        async with Caller(mind) as caller:
            await caller.say("where is my order")
            await caller.until_silent()
            await caller.say("where is my order")
            await caller.until_silent()
        assert last_said(mind.seen[-1]) == "where is my order"

    run_virtual(scenario())


def test_a_tool_that_waits_for_something_cancelled_is_an_apology() -> None:
    """A tool that dies of its client's own CancelledError fails like others, and the call goes on."""

    class Unlucky(Mind):
        async def book(self, what: str) -> str:
            """Book something."""
            answer = asyncio.get_running_loop().create_future()
            answer.cancel()
            return str(await answer)

    async def scenario() -> None:
        async with Caller(Unlucky()) as caller:
            await caller.say("book a table")
            await caller.until_silent(2_000)
            assert [answer.text for answer in caller.answers] == ["One moment.", caller.answers[-1].text]
            assert caller.answers[-1].text.startswith("Sorry")
            await caller.say("never mind")
            await caller.until_silent()
        assert caller.answers[-1].text == "You said never mind."

    run_virtual(scenario())


def test_an_answer_without_words_is_silence() -> None:
    """If a model answers with an emoji alone, nothing is heard and nothing has failed. The history has it."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"smile": "😀"})) as caller:
            await caller.say("smile")
            await caller.wait(3_000)
            said = [part.content for part in caller.session.dialogue.history.messages[-1].parts]
        assert ([answer.text for answer in caller.answers], caller.of(messages.Error), said) == ([""], [], ["😀 "])

    run_virtual(scenario())
