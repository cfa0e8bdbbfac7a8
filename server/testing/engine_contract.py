"""The contract of speech engines: what every SpeechToText and every TextToSpeech keeps, whatever is behind it.

Each promise is a function that raises AssertionError with a sentence when it is broken. Antiphon's own engines are
tested with the same functions.
"""

import asyncio
import wave
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from server.errors import EngineError
from server.media.frame import HEARD_BYTES, HEARD_RATE
from server.speech.own_engine import OwnSpeechToText, OwnTextToSpeech
from server.speech.protocols import SpeechStream, SpeechToText, TextToSpeech

LIMIT_S = 60.0
"""How long a promise may take to be kept. An engine that hangs fails in its own time limits long before."""
PHRASES = ["yes please", "no thank you"]
SENTENCE = "Hello there, how are you?"
LONG = "Hello there, how are you today? " * 100


class Closing(Protocol):
    async def close(self) -> None: ...


class ClosingSpeechToText(SpeechToText, Closing, Protocol): ...


class ClosingTextToSpeech(TextToSpeech, Closing, Protocol): ...


def check_speech_to_text(engine: object, speech: bytes | str | Path) -> None:
    """Check a speech-to-text engine of your own, as the server runs it. Raises AssertionError, or ConfigError.

    `engine` is what `--stt file.py:name` names. `speech` is some words in the first of its languages, a second or two:
    the path of a WAV file with 16 kHz, mono, 16 bit, or such samples.
    """
    sound = speech if isinstance(speech, bytes) else _samples(Path(speech))
    for promise in SPEECH_TO_TEXT:
        asyncio.run(_keeps(OwnSpeechToText(engine, "under test"), lambda stt, kept=promise: kept(stt, sound)))


def check_text_to_speech(engine: object) -> None:
    """Check a text-to-speech engine of your own, as the server runs it. Raises AssertionError, or ConfigError.

    `engine` is what `--tts file.py:name` names.
    """
    for promise in TEXT_TO_SPEECH:
        asyncio.run(_keeps(OwnTextToSpeech(engine, "under test"), promise))


async def _keeps(own, promise) -> None:  # type: ignore[no-untyped-def]
    await own.start()
    try:
        async with asyncio.timeout(LIMIT_S):
            await promise(own)
    finally:
        await own.close()


def _samples(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (HEARD_RATE, 1, 2):
            raise ValueError(f"{path} is not 16 kHz, mono, 16 bit")
        return bytes(file.readframes(file.getnframes()))


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * HEARD_RATE))


def feed_in_frames(stream: SpeechStream, pcm: bytes) -> None:
    for at in range(0, len(pcm), HEARD_BYTES):
        stream.feed(pcm[at : at + HEARD_BYTES])


def _nobody(text: str) -> None:
    """Takes partial words, and forgets them."""


async def speech_in_frames_gives_words(stt: ClosingSpeechToText, speech: bytes) -> None:
    """Speech that is fed in frames of 20 ms gives words."""
    stream = stt.listen(PHRASES, _nobody)
    feed_in_frames(stream, speech)
    assert await stream.transcript(), "speech gives no words"
    await stream.close()


async def every_named_language_is_understood(stt: ClosingSpeechToText, speech: bytes) -> None:
    """Speech gives words in the first language that the engine names, and in another region of it. An utterance may be
    told the others, too."""
    for number, language in enumerate((*stt.languages[:1], *stt.languages[-1:])):
        stream = stt.listen([], _nobody, language if number else f"{language.partition('-')[0]}-NZ")
        feed_in_frames(stream, speech)
        assert await stream.transcript() or number, f"speech in {language} gives no words"
        await stream.close()


async def an_utterance_in_one_of_several_languages(stt: ClosingSpeechToText, speech: bytes) -> None:
    """Where the language is open, there are words all the same. It is one that was possible, or unknown."""
    possible = ["en", "de", "fr"]
    stream = stt.listen([], _nobody, possible[0], possible[1:])
    feed_in_frames(stream, speech)
    assert await stream.transcript(), "speech in one of several languages gives no words"
    assert stream.language.partition("-")[0] in ("", *possible), f"{stream.language} was not possible"
    await stream.close()


async def silence_gives_no_words(stt: ClosingSpeechToText, speech: bytes) -> None:
    """No sound, and silence, give an empty text and no error."""
    stream = stt.listen(PHRASES, _nobody)
    assert await stream.transcript() == "", "no sound gives words"
    stream.feed(silence(1))
    assert await stream.transcript() == "", "silence gives words"
    await stream.close()


async def more_may_be_said_after_a_transcript(stt: ClosingSpeechToText, speech: bytes) -> None:
    """A second transcript covers the whole utterance. Without new sound the same transcript is given again."""
    stream = stt.listen(PHRASES, _nobody)
    feed_in_frames(stream, speech)
    first = await stream.transcript()
    assert await stream.transcript() == first, "the transcript of the same sound is another one"
    feed_in_frames(stream, silence(0.3) + speech)
    second = await stream.transcript()
    assert len(second.split()) >= len(first.split()) > 0, "the second transcript has fewer words than the first"
    await stream.close()


async def utterances_side_by_side(stt: ClosingSpeechToText, speech: bytes) -> None:
    """Of two utterances at the same time, one with speech and one silent, each gets its own words."""
    loud, quiet = (stt.listen(PHRASES, _nobody) for _ in range(2))
    loud.feed(speech)
    quiet.feed(bytes(len(speech)))
    words, nothing = await asyncio.gather(loud.transcript(), quiet.transcript())
    assert words, "of two utterances the one with speech has no words"
    assert nothing == "", "of two utterances the silent one has words"
    await loud.close()
    await quiet.close()


async def waiting_may_be_cancelled(stt: ClosingSpeechToText, speech: bytes) -> None:
    """After a wait for a transcript was cancelled, the next one gives the words."""
    stream = stt.listen(PHRASES, _nobody)
    stream.feed(speech)
    waiting = await _begun(stream)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert await stream.transcript(), "after a cancelled wait there are no words"
    await stream.close()


async def close_ends_a_waiting_transcript(stt: ClosingSpeechToText, speech: bytes) -> None:
    """Close is idempotent. A transcript that waits raises EngineError, and later sound is ignored."""
    stream = stt.listen(PHRASES, _nobody)
    stream.feed(speech)
    waiting = await _begun(stream)
    await stream.close()
    await _raises_engine_error(waiting)
    stream.feed(speech)
    await stream.close()


async def closing_the_client_ends_its_utterances(stt: ClosingSpeechToText, speech: bytes) -> None:
    """Closing the client also ends an utterance that was not closed."""
    stream = stt.listen(PHRASES, _nobody)
    feed_in_frames(stream, speech)
    waiting = await _begun(stream)
    await stt.close()
    await _raises_engine_error(waiting)


async def _begun(stream: SpeechStream) -> "asyncio.Task[str]":
    """A call of `transcript` that has begun to wait."""
    waiting = asyncio.create_task(stream.transcript(), name="a waiting transcript of the contract")
    await asyncio.sleep(0)
    return waiting


async def _raises_engine_error(waiting: "asyncio.Task[str]") -> None:
    await asyncio.wait({waiting})
    assert not waiting.cancelled(), "a waiting transcript is cancelled by close"
    assert isinstance(waiting.exception(), EngineError), "a waiting transcript raises no EngineError when it is closed"


async def a_text_gives_sound(tts: ClosingTextToSpeech) -> None:
    """A sentence gives sound of one rate, in whole samples, that is about as long as speaking it takes."""
    rates, sound = set(), b""
    async for pcm in tts.synthesize(SENTENCE, ""):
        assert len(pcm.data) % 2 == 0, "a piece of sound ends within a sample"
        rates.add(pcm.rate)
        sound += pcm.data
    assert len(rates) == 1, f"the rate of the sound is not one: {rates}"
    (rate,) = rates
    assert 8_000 <= rate <= 48_000, f"a rate of {rate} Hz"
    assert 0.2 < len(sound) / 2 / rate < 5, f"{len(sound) / 2 / rate:.1f} s for a short sentence"
    assert np.max(np.abs(np.frombuffer(sound, "<i2").astype(int))) > 2_000, "the sound is hardly to be heard"


async def every_named_language_is_spoken(tts: ClosingTextToSpeech) -> None:
    """A text gives sound in each language that the engine names, and also in another region of the language."""
    for number, language in enumerate((*tts.languages[:1], *tts.languages[-1:])):
        tag = language if number else f"{language.partition('-')[0]}-NZ"
        assert [pcm async for pcm in tts.synthesize("Hello there.", "", tag)], f"a text in {tag} gives no sound"


async def texts_side_by_side(tts: ClosingTextToSpeech) -> None:
    """Of two texts at the same time, the longer one gives more sound."""

    async def count(text: str) -> int:
        return sum([len(pcm.data) async for pcm in tts.synthesize(text, "")])

    short, long = await asyncio.gather(count("Yes."), count("Yes, and that is what I would like to say."))
    assert 0 < short < long, "of two texts at the same time the longer one has no more sound"


async def closing_the_iterator_cancels(tts: ClosingTextToSpeech) -> None:
    """When a long text is left after its first chunk, the next text is spoken."""
    speaking = tts.synthesize(LONG, "")
    assert (await anext(speaking)).data, "the first piece of sound is empty"
    await speaking.aclose()
    assert [pcm async for pcm in tts.synthesize("Yes.", "")], "after a text that was left, the next one gives no sound"


SPEECH_TO_TEXT: Sequence[Callable[[ClosingSpeechToText, bytes], Awaitable[None]]] = (
    speech_in_frames_gives_words,
    every_named_language_is_understood,
    an_utterance_in_one_of_several_languages,
    silence_gives_no_words,
    more_may_be_said_after_a_transcript,
    utterances_side_by_side,
    waiting_may_be_cancelled,
    close_ends_a_waiting_transcript,
    closing_the_client_ends_its_utterances,
)
"""The promises of a SpeechToText. The last one closes it."""

TEXT_TO_SPEECH: Sequence[Callable[[ClosingTextToSpeech], Awaitable[None]]] = (
    a_text_gives_sound,
    every_named_language_is_spoken,
    texts_side_by_side,
    closing_the_iterator_cancels,
)
"""The promises of a TextToSpeech."""
