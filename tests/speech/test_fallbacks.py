"""Several engines: the next one goes on when one fails, and nothing is lost."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from server.agent.breakers import PAUSE_S, Breaker
from server.errors import EngineError
from server.media.frame import SPOKEN_RATE
from server.speech.fallbacks import Candidate, SpeechToTextFallbacks, TextToSpeechFallbacks
from server.speech.protocols import ANYBODY, Asker, Pcm
from tests.fakes.engines import LetterSpeechStream, LetterSpeechToText, SteadyTextToSpeech, sound
from tests.virtual_time import run_virtual


def heard(*engines: LetterSpeechToText) -> SpeechToTextFallbacks:
    return SpeechToTextFallbacks([Candidate(f"engine {n}", engine, Breaker()) for n, engine in enumerate(engines)])


def spoken(*engines: SteadyTextToSpeech) -> TextToSpeechFallbacks:
    return TextToSpeechFallbacks([Candidate(f"engine {n}", engine, Breaker()) for n, engine in enumerate(engines)])


def words(text: str) -> bytes:
    return b"".join(sound(word, frame, 5) for word in text.split() for frame in range(5))


async def transcript(stt: SpeechToTextFallbacks, text: str = "one two", language: str = "") -> str:
    stream = stt.listen([], lambda text: None, language, (), Asker("call 7"))
    stream.feed(words(text))
    try:
        return await stream.transcript()
    finally:
        await stream.close()


async def said(tts: TextToSpeechFallbacks, text: str = "Hello there.", voice: str = "", language: str = "") -> int:
    """How many samples."""
    chunks = [pcm async for pcm in tts.synthesize(text, voice, language, Asker("call 7"))]
    assert {pcm.rate for pcm in chunks} <= {SPOKEN_RATE}
    return sum(len(pcm.data) for pcm in chunks) // 2


def test_an_utterance_goes_whole_to_the_next_engine(caplog: pytest.LogCaptureFixture) -> None:
    """All that the failing engine had heard, before and after a transcript, and what comes later."""

    async def scenario() -> None:
        first, second = LetterSpeechToText(), LetterSpeechToText()
        stt = heard(first, second)
        partials: list[str] = []
        stream = stt.listen(["yes"], partials.append, "de", ("en",), Asker("call 7"))
        stream.feed(words("one two"))
        assert await stream.transcript() == "one two"
        first.failures = 1
        stream.feed(words("three"))
        assert await stream.transcript() == "one two three"
        stream.feed(words("four"))
        assert await stream.transcript() == "one two three four"
        assert second.asked == [(["yes"], "de")]
        assert second.open_to == [("en",)]
        assert partials[-1] == "one two three four"
        assert stt.served == {("engine 0", "served"): 1, ("engine 0", "failed"): 1, ("engine 1", "served"): 2}
        await stream.close()
        assert (first.opened, first.closed, second.opened, second.closed) == (1, 1, 1, 1)

    run_virtual(scenario())
    assert (
        "speech-to-text engine engine 0 failed: call=call 7 The speech-to-text server cannot be reached." in caplog.text
    )


def test_an_utterance_that_is_closed_while_an_engine_fails_leaves_nothing_open() -> None:
    """Closing what has failed may take time, in which the call ends, or another transcript is asked for."""

    class Slow(LetterSpeechStream):
        async def close(self) -> None:
            await asyncio.sleep(0.3)
            await super().close()

    class SlowToClose(LetterSpeechToText):
        def listen(self, *args: Any, **more: Any) -> LetterSpeechStream:
            super().listen(*args, **more)
            return Slow(self, args[1])

    async def scenario() -> None:
        first, second = SlowToClose(failures=2), LetterSpeechToText()
        stream = heard(first, second).listen([], lambda text: None)
        stream.feed(words("one two"))
        asked = [asyncio.create_task(stream.transcript()) for _ in range(2)]
        await asyncio.sleep(0.1)
        await stream.close()
        await asyncio.gather(*asked, return_exceptions=True)
        assert second.opened == second.closed == 1

    run_virtual(scenario())


def test_a_long_utterance_keeps_its_first_words() -> None:
    """What was said before a long pause is not kept as sound, but its words stand in front of those of the next one."""

    async def scenario() -> None:
        first, second = LetterSpeechToText(), LetterSpeechToText()
        stream = heard(first, second).listen([], lambda text: None)
        story = " ".join(f"word{number}" for number in range(100))
        stream.feed(words(story))
        assert await stream.transcript() == story
        stream.feed(bytes(6_400 + 640) + words("and"))
        first.failures = 1
        assert await stream.transcript() == f"{story} and"
        stream.feed(words("so"))
        assert await stream.transcript() == f"{story} and so"
        await stream.close()

    run_virtual(scenario())


@pytest.mark.parametrize("hangs", [True, False])
def test_only_when_all_fail_it_is_an_error(hangs: bool) -> None:
    """An engine that hangs is waited for no longer than 3 s while there is another. The next transcript tries again."""

    async def scenario() -> None:
        first, second = LetterSpeechToText(), LetterSpeechToText(failures=1)
        if hangs:
            first.final_ms = 60_000
        else:
            first.failures = 1
        stt = heard(first, second)
        stream = stt.listen([], lambda text: None)
        stream.feed(words("one two"))
        began = asyncio.get_running_loop().time()
        with pytest.raises(EngineError):
            await stream.transcript()
        assert asyncio.get_running_loop().time() - began < 3.1
        assert await stream.transcript() == "one two"
        await stream.close()

    run_virtual(scenario())


def test_a_failing_engine_is_passed_over_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """After three failures in a row it is not asked; after a pause it is tried again, and used when it works."""

    async def scenario() -> None:
        first, second = LetterSpeechToText(failures=3), LetterSpeechToText()
        stt = heard(first, second)
        for _ in range(5):
            assert await transcript(stt) == "one two"
        assert (first.opened, second.opened) == (3, 5)
        await asyncio.sleep(PAUSE_S)
        await transcript(stt)
        await transcript(stt)
        assert (first.opened, second.opened) == (5, 5)

    run_virtual(scenario())
    assert caplog.text.count("is passed over for a while") == 1


def test_an_engine_gets_only_its_languages() -> None:
    """One that does not know the language is not asked, even when the others fail. Their languages are joined."""

    async def scenario() -> None:
        english, both = LetterSpeechToText(languages=("en-US",)), LetterSpeechToText(languages=("en", "de"), failures=1)
        stt = heard(english, both)
        assert stt.languages == ("en-US", "en", "de")
        with pytest.raises(EngineError):
            await transcript(stt, language="de")
        assert (english.opened, await transcript(stt, language="de")) == (0, "one two")
        assert heard(english, LetterSpeechToText(languages=())).languages == ()

    run_virtual(scenario())


def test_closing_ends_a_wait_and_blames_no_engine() -> None:
    """A transcript that waits raises EngineError, also from an engine that is slow; no engine counts as failed."""

    async def scenario() -> None:
        class Hanging(LetterSpeechToText):
            def listen(self, *args, **named):  # type: ignore[no-untyped-def]
                stream = super().listen(*args, **named)
                closed = asyncio.Event()

                async def wait() -> str:
                    await closed.wait()
                    raise EngineError("speech-to-text", "The utterance is closed.")

                async def close() -> None:
                    closed.set()

                stream.transcript, stream.close = wait, close
                return stream

        stt = heard(Hanging(), LetterSpeechToText())
        stream = stt.listen([], lambda text: None)
        stream.feed(words("one"))
        waiting = asyncio.create_task(stream.transcript())
        await asyncio.sleep(0.1)
        await stream.close()
        with pytest.raises(EngineError):
            await waiting
        assert not stt.served

    run_virtual(scenario())


@pytest.mark.parametrize("hangs", [True, False])
def test_a_text_without_sound_is_spoken_by_the_next_engine(hangs: bool) -> None:
    """The whole text, in the language, within 3 s, and in the next engine's own voice."""

    async def scenario() -> None:
        first = SteadyTextToSpeech(first_ms=60_000 if hangs else 30, failures=0 if hangs else 1)
        second = SteadyTextToSpeech()
        tts = spoken(first, second)
        assert await said(tts, voice="ann", language="de") == SPOKEN_RATE * 12 // 15
        assert (first.said, second.said, second.manners) == ([], ["Hello there."], [("", "de")])
        assert second.askers == [Asker("call 7")]
        assert tts.served == {("engine 0", "failed"): 1, ("engine 1", "served"): 1}

    run_virtual(scenario())


class Breaking(SteadyTextToSpeech):
    """Hangs up after one second of sound, at another rate than the others."""

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        for _ in range(5):
            yield Pcm(16_000, bytes(6_400))
        raise EngineError("text-to-speech", "The text-to-speech server hung up.")


def test_the_caller_is_told_which_engine_has_served() -> None:
    """Whoever asks is told the name of the engine that has given the words or the sound, and not of one that failed."""

    async def scenario() -> None:
        served: list[str] = []
        asker = Asker("call 7", served=served.append)
        tts = spoken(SteadyTextToSpeech(failures=1), SteadyTextToSpeech())
        assert [pcm async for pcm in tts.synthesize("Hello.", "", "", asker)]
        stt = SpeechToTextFallbacks([Candidate("letters", LetterSpeechToText(), Breaker())])
        stream = stt.listen([], lambda text: None, "", (), asker)
        stream.feed(words("one two"))
        await stream.transcript()
        await stream.close()
        assert served == ["engine 1", "letters"]

    run_virtual(scenario())


def test_a_text_that_breaks_off_is_continued() -> None:
    """The next engine says it from about the word where it broke off, at the rate with which it began."""

    async def scenario() -> None:
        second = SteadyTextToSpeech()
        chunks = [pcm async for pcm in spoken(Breaking(), second).synthesize("One two three four five six.", "")]
        assert second.said == ["three four five six."]
        assert {pcm.rate for pcm in chunks} == {16_000}
        seconds = sum(len(pcm.data) for pcm in chunks) / 2 / 16_000
        assert abs(seconds - (1 + 20 / 15)) < 0.05

    run_virtual(scenario())


def test_a_text_that_breaks_off_at_its_end_is_over() -> None:
    """Nothing is left to say, so nobody fails."""

    async def scenario() -> None:
        second = SteadyTextToSpeech()
        assert await count(spoken(Breaking(), second)) == 5
        assert second.said == []

    async def count(tts: TextToSpeechFallbacks) -> int:
        return len([pcm async for pcm in tts.synthesize("Hello.", "")])

    run_virtual(scenario())


def test_a_text_that_nobody_can_speak_is_an_error() -> None:
    """The error is that of the last engine; the first one keeps its voice."""

    async def scenario() -> None:
        tts = spoken(SteadyTextToSpeech(failures=1), SteadyTextToSpeech(failures=1))
        with pytest.raises(EngineError):
            await said(tts)
        assert await said(tts, voice="ann")

    run_virtual(scenario())


def test_an_interrupted_text_counts_as_served() -> None:
    """The caller interrupts: the engine has done nothing wrong, and no other one goes on."""

    async def scenario() -> None:
        first, second = SteadyTextToSpeech(), SteadyTextToSpeech()
        tts = spoken(first, second)
        speaking = tts.synthesize("One two three four five six.", "")
        await anext(speaking)
        await speaking.aclose()
        assert (tts.served, second.said) == ({("engine 0", "served"): 1}, [])

    run_virtual(scenario())


def test_a_wish_that_an_engine_refuses_does_not_take_it_from_others() -> None:
    """A caller asks for a voice that is not there, again and again: another engine speaks, and other calls notice
    nothing."""

    class Choosy(SteadyTextToSpeech):
        async def synthesize(
            self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
        ) -> AsyncGenerator[Pcm, None]:
            if voice:
                raise EngineError("text-to-speech", "It has no such voice.", refused=True)
            async for pcm in super().synthesize(text, voice, language, asker):
                yield pcm

    async def scenario() -> None:
        first, second = Choosy(), SteadyTextToSpeech()
        tts = spoken(first, second)
        for _ in range(5):
            assert await said(tts, voice="nobody")
        assert await said(tts)
        assert (len(first.said), len(second.said)) == (1, 5)

    run_virtual(scenario())
