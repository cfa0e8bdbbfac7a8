from collections.abc import AsyncIterator

import numpy as np
import pytest

from server.speech.supervisor import Supervisor
from server.speech.wyoming_tts import WyomingTextToSpeech


@pytest.fixture
async def tts() -> AsyncIterator[WyomingTextToSpeech]:
    """eSpeak in a process of its own: `tests/voices.py` uses the library in this process, and it can have only one user
    in a process."""
    supervisor = Supervisor("espeak")
    await supervisor.start()
    client = WyomingTextToSpeech(supervisor.uri)
    await client.learn()
    yield client
    await supervisor.close()


async def test_speech_starts_with_sound(tts: WyomingTextToSpeech) -> None:
    """The first 5 ms are not silent."""
    sound = await said(tts, "Hello there.")
    assert np.max(np.abs(np.frombuffer(sound[: 2 * 22_050 // 200], "<i2"))) > 64


async def test_a_voice_is_for_one_text(tts: WyomingTextToSpeech) -> None:
    """A voice is used for one text. A voice that does not exist is replaced by the default voice."""
    default, british, woman, nobody, again = [
        colour(await said(tts, "Hello there.", voice)) for voice in ("", "en-gb", "en-us+f3", "nobody", "")
    ]
    alike = [np.corrcoef(default, other)[0, 1] for other in (british, woman, nobody, again)]
    assert [each > 0.95 for each in alike] == [False, False, True, True]


async def test_an_empty_text_is_no_error(tts: WyomingTextToSpeech) -> None:
    """A text that is empty, or that has only signs, is no error."""
    for text in ("", " ", "\0", "…"):
        await said(tts, text)


async def test_a_language_is_spoken_by_a_voice_for_it(tts: WyomingTextToSpeech) -> None:
    """A text is spoken in the chosen language, by the given voice if that speaks the language."""
    word = "Ich heiße Jürgen und wohne in Zwickau."
    english, german, austrian, woman, wrong_voice = [
        await said(tts, word, voice, language)
        for voice, language in (("", ""), ("", "de"), ("", "de-AT"), ("de+f3", "de"), ("en-gb", "de"))
    ]
    alike = [np.corrcoef(colour(german), colour(other))[0, 1] for other in (austrian, wrong_voice, english, woman)]
    assert [each > 0.95 for each in alike] == [True, True, False, False]


async def test_english_without_a_region_has_the_default_voice(tts: WyomingTextToSpeech) -> None:
    """A call in "en" sounds as one that chooses no language; "en-gb" does not."""
    default, plain, british = [
        colour(await said(tts, "Hello there.", "", language)) for language in ("", "en", "en-gb")
    ]
    assert np.corrcoef(default, plain)[0, 1] > 0.95 > np.corrcoef(default, british)[0, 1]


async def test_languages_are_known_by_all_their_tags(tts: WyomingTextToSpeech) -> None:
    """A language is known by each of its tags, also when its voice has another name."""
    assert {"en-gb", "en-us", "zh", "no", "fr", "pt-br", "es-mx"} <= set(tts.languages)


async def said(tts: WyomingTextToSpeech, text: str, voice: str = "", language: str = "") -> bytes:
    return b"".join([pcm.data async for pcm in tts.synthesize(text, voice, language)])


def colour(pcm: bytes) -> np.ndarray:
    """How loud each of 60 frequency bands is. A voice varies a little each time, but its colour stays."""
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2"), 1 << 16))
    return np.log([band.mean() for band in np.array_split(spectrum[:15_000], 60)])
