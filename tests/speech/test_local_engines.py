"""What is particular to an engine."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from server.errors import ConfigError
from server.speech.engines import piper, whisper
from server.speech.supervisor import Supervisor
from server.speech.wyoming_tts import WyomingTextToSpeech
from tests.tiny_models import PIPER_RATE, WORD, make_piper, make_whisper
from tests.voices import silence, speak


@pytest.fixture(scope="module")
def ears(tmp_path_factory: pytest.TempPathFactory) -> whisper.Engine:
    return whisper.Engine(str(make_whisper(tmp_path_factory.mktemp("models") / "whisper")))


@pytest.fixture
async def mouth() -> AsyncIterator[WyomingTextToSpeech]:
    """eSpeak in a process of its own: here `tests/voices.py` has the library, which serves one user a process."""
    supervisor = Supervisor("espeak")
    await supervisor.start()
    client = WyomingTextToSpeech(supervisor.uri)
    await client.learn()
    yield client
    await supervisor.close()


@pytest.mark.parametrize("pcm", [b"", silence(5), b"\x05\0" * 16_000, speak("hi")[3200:6000]])
def test_whisper_invents_nothing_from_nothing(ears: whisper.Engine, pcm: bytes) -> None:
    """No sound, silence, hiss and a click have no words."""
    utterance = ears.start([])
    utterance.feed(pcm)
    assert utterance.finish() == ""


def test_whisper_hears_more_than_its_window(ears: whisper.Engine) -> None:
    """Speech longer than half a minute is heard in pieces."""
    utterance = ears.start(["go left"])
    utterance.feed((speak("hello there my friend") * 60)[: 2 * 16_000 * 61])
    assert utterance.finish() == f"{WORD} {WORD} {WORD}"


def test_whisper_drafts_when_there_is_enough_new_to_hear(ears: whisper.Engine) -> None:
    """A draft needs 0.7 s more than the last one, and words that have not changed are not told again."""
    utterance = ears.start([])
    speech = speak("hello there my friend, how are you today")
    utterance.feed(speech[:16_000])
    assert utterance.draft() is None
    utterance.feed(speech[16_000:32_000])
    assert utterance.draft() == WORD
    utterance.feed(speech[32_000:64_000])
    assert utterance.draft() is None
    assert utterance.finish() == WORD
    utterance.discard()
    utterance.discard()


class Result:
    """What CTranslate2 says of one hypothesis."""

    def __init__(self, words: str, logprob: float, no_speech_prob: float, ears: whisper.Engine) -> None:
        self.sequences_ids = [ears._model.hf_tokenizer.encode(words).ids]
        self.scores = [logprob]
        self.no_speech_prob = no_speech_prob


@pytest.mark.parametrize(
    ("short", "full", "expected"),
    [
        (("yes", -0.1, 0.1), None, "yes"),
        (("yes", -0.1, 0.9), None, "yes"),  # sure of its words, whatever the chance of silence
        (("yes no", -2.0, 0.9), None, ""),
        (("yes " * 50, -0.1, 0.1), ("no", -0.1, 0.1), "no"),
        (("yes", -3.0, 0.1), ("no", -3.0, 0.1), "no"),
        (("yes " * 50, -0.1, 0.1), ("yes " * 50, -0.1, 0.1), ""),
    ],
)
def test_whisper_is_not_believed_at_once(  # type: ignore[no-untyped-def]
    ears: whisper.Engine, monkeypatch: pytest.MonkeyPatch, short, full, expected: str
) -> None:
    """Silence is no words; a loop or a guess is tried again with the full window; a loop in both is no words."""
    answers = [Result(*answer, ears) for answer in (short, full) if answer]  # type: ignore[misc]
    windows: list[int] = []

    class Scripted:
        is_multilingual = False

        def generate(self, *arguments, **options):  # type: ignore[no-untyped-def]
            return [answers.pop(0)]

    monkeypatch.setattr(ears._model, "model", Scripted())
    monkeypatch.setattr(ears._model, "encode", lambda features: windows.append(features.shape[1]))
    utterance = ears.start([])
    utterance.feed(speak("hello"))
    assert utterance.finish() == expected
    assert not answers
    assert windows == [1000, 3000][: len(windows)]


async def test_espeak_starts_with_sound(mouth: WyomingTextToSpeech) -> None:
    """The first 5 ms are not silent."""
    sound = await said(mouth, "Hello there.")
    assert np.max(np.abs(np.frombuffer(sound[: 2 * 22_050 // 200], "<i2"))) > 64


async def test_espeak_has_voices(mouth: WyomingTextToSpeech) -> None:
    """A voice that is there is used, for one text; one that is not is the default."""
    default, british, woman, nobody, again = [
        colour(await said(mouth, "Hello there.", voice)) for voice in ("", "en-gb", "en-us+f3", "nobody", "")
    ]
    alike = [np.corrcoef(default, other)[0, 1] for other in (british, woman, nobody, again)]
    assert [each > 0.95 for each in alike] == [False, False, True, True]


async def test_espeak_says_nothing_for_nothing(mouth: WyomingTextToSpeech) -> None:
    """An empty text and one of signs only are no error."""
    for text in ("", " ", "\0", "…"):
        await said(mouth, text)


async def test_espeak_speaks_other_languages(mouth: WyomingTextToSpeech) -> None:
    """Words are read as the chosen language reads them, by the voice wished for if it speaks that."""
    word = "Ich heiße Jürgen und wohne in Zwickau."
    english, german, austrian, woman, wrong_voice = [
        await said(mouth, word, voice, language)
        for voice, language in (("", ""), ("", "de"), ("", "de-AT"), ("de+f3", "de"), ("en-gb", "de"))
    ]
    alike = [np.corrcoef(colour(german), colour(other))[0, 1] for other in (austrian, wrong_voice, english, woman)]
    assert [each > 0.95 for each in alike] == [True, True, False, False]


async def test_espeak_knows_languages_by_all_their_tags(mouth: WyomingTextToSpeech) -> None:
    """Those whose voices go by other names, too."""
    assert {"en-gb", "en-us", "zh", "no", "fr", "pt-br", "es-mx"} <= set(mouth.languages)


async def said(mouth: WyomingTextToSpeech, text: str, voice: str = "", language: str = "") -> bytes:
    return b"".join([pcm.data async for pcm in mouth.synthesize(text, voice, language)])


def colour(pcm: bytes) -> np.ndarray:
    """How loud each of 60 bands is: one voice says a text a little differently each time, but in its own colour."""
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2"), 1 << 16))
    return np.log([band.mean() for band in np.array_split(spectrum[:15_000], 60)])


def test_piper_speaks_a_sentence_at_a_time(tmp_path: Path) -> None:
    """Each sentence is a chunk at the voice's own rate."""
    engine = piper.Engine(str(make_piper(tmp_path)))
    assert engine.rate == PIPER_RATE
    assert len(list(engine.synthesize("Hello there. How are you?", "nobody"))) == 2
    assert list(engine.synthesize("", "")) == []


def test_piper_has_the_language_of_its_voice(tmp_path: Path) -> None:
    """As the voice says; an old one that does not say speaks what its phonemes are made for."""
    old, new = make_piper(tmp_path, "old"), make_piper(tmp_path, "new")
    config = new.with_name("new.onnx.json")
    config.write_text(json.dumps(json.loads(config.read_text()) | {"language": {"code": "de_DE", "family": "de"}}))
    assert piper.Engine(str(old)).languages == ("en-us",)
    assert piper.Engine(str(new)).languages == ("de-DE",)


def test_piper_tells_its_speakers(tmp_path: Path) -> None:
    """Those of a voice that has several; each may be wished for."""
    one, several = make_piper(tmp_path, "one"), make_piper(tmp_path, "several")
    config = several.with_name("several.onnx.json")
    speakers = {"num_speakers": 2, "speaker_id_map": {"amy": 0, "joe": 1}}
    config.write_text(json.dumps(json.loads(config.read_text()) | speakers))
    assert (piper.Engine(str(one)).speakers, piper.Engine(str(several)).speakers) == ((), ("amy", "joe"))


def test_whisper_asks_no_model_which_language_was_chosen(ears: whisper.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It decodes in the one that was chosen, and finds out only when none was."""
    asked = []
    monkeypatch.setattr(ears, "_language", lambda encoded: "en")
    monkeypatch.setattr(ears, "_words", lambda encoded, hotwords, language, heard_s: asked.append(language) or ("a", 0))
    for language in ("de", ""):
        utterance = ears.start([], language)
        utterance.feed(speak("hello"))
        utterance.finish()
    assert asked == ["de", "en"]


@pytest.mark.parametrize("make", [whisper.Engine, piper.Engine])
def test_an_engine_without_its_model(make: type, tmp_path: Path) -> None:
    """No model, one that is not there and one that is broken are ConfigErrors."""
    (tmp_path / "model.bin").write_bytes(b"not a model")
    (tmp_path / "voice.onnx").write_bytes(b"not a voice")
    (tmp_path / "voice.onnx.json").write_text("{}")
    for model in (None, "/nowhere", str(tmp_path), str(tmp_path / "voice.onnx")):
        with pytest.raises(ConfigError):
            make(model)
