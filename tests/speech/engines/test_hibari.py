"""hibari with its own voice, which is in its package."""

import itertools
import socket
from pathlib import Path

import numpy as np
import pytest
from hibari import dsp
from hibari.tts import ASSETS

from server.errors import ConfigError
from server.speech.engines.hibari import LEAD_IDS, LEAD_MARGIN, Engine
from server.speech.engines.hibari_frames import RATE, Frames, Renderer

SHORT = "Yes, of course."
LONG = (
    "I can see that your order left our warehouse this morning and should arrive at your house before the weekend "
    "starts and if nobody is at home then the driver will leave it with one of your neighbours down the road."
)
ODD = [
    *(
        "😀",
        "…",
        "\0",
        "a\0b",
        "\x01\x07\x1b[31m",
        "日本語のテキスト",
        "עברית",
        "[a](/b/",
        "[x](/x/) ok",
        "hello [] ()",
    ),
    *("\ud800", "a" * 1_000, "Yes" + "!" * 300, "- " * 200, "1" * 80, "$.99 no. €1,000,000.5m approx. e.g.", "\u202e‏"),
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture
def frames(engine: Engine) -> Frames:
    ids = [0, *(engine._numbers[each] for each in engine._phonemes(SHORT)), 0]
    reading = engine._read(ids)
    while True:
        try:
            next(reading)
        except StopIteration as read:
            return read.value[0]


def sound_of(engine: Engine, text: str) -> np.ndarray:
    return np.frombuffer(b"".join(engine.synthesize(text, "")), "<i2").astype(int)


class NoChance:
    """A source of noise that has none."""

    def standard_normal(self, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        return np.zeros(shape, dtype)


def test_the_chunks_are_the_packages_own_sound(frames: Frames) -> None:
    """However the frames are cut, the chunks together are what the package itself makes of them."""
    whole = dsp.synth(*(getattr(frames, name) for name in Frames.__slots__), NoChance())
    for size in (1, 17, 48, 10_000):
        renderer = Renderer()
        renderer._chance = NoChance()  # type: ignore[assignment]
        renderer.extend(frames)
        chunks = []
        while renderer.waiting:
            chunks.append(renderer.make(size))
        np.testing.assert_allclose(np.concatenate(chunks), whole, atol=1e-5)


def test_frames_that_come_later(frames: Frames) -> None:
    """When the rest of the frames comes later, the sound goes on in step: nothing jumps."""
    renderer = Renderer()
    whole = Renderer()
    renderer._chance = whole._chance = NoChance()  # type: ignore[assignment]
    whole.extend(frames)
    count = len(frames.pitch)
    renderer.extend(frames.part(0, 60))
    first = renderer.make(40)
    renderer.extend(frames.part(60, count))
    sound = np.concatenate((first, renderer.make(count)))
    np.testing.assert_allclose(sound, whole.make(count), atol=1e-3)


def test_no_step_where_chunks_join(engine: Engine) -> None:
    """Between two chunks of a long sentence the sound does not move further than inside them."""
    chunks = [np.frombuffer(chunk, "<i2").astype(int) for chunk in engine.synthesize(LONG, "") if chunk]
    assert len(chunks) > 10
    inside = max(np.abs(np.diff(chunk)).max() for chunk in chunks)
    assert max(abs(after[0] - before[-1]) for before, after in itertools.pairwise(chunks)) <= inside


def test_work_before_the_first_sound(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first sound of a long sentence only its first words are read."""
    read: list[int] = []
    real = engine._read
    monkeypatch.setattr(engine, "_read", lambda ids: read.append(len(ids)) or real(ids))
    chunks = engine.synthesize(LONG, "")
    assert next(chunk for chunk in chunks if chunk)
    assert read == [LEAD_IDS]
    list(chunks)
    assert len(read) == 2
    assert read[1] > LEAD_IDS + LEAD_MARGIN


def test_speech_is_without_silence(engine: Engine) -> None:
    """The voice begins within 20 ms and rises from silence, and only a short pause follows it."""
    sound = sound_of(engine, SHORT)
    assert abs(sound[0]) < 50
    loud = np.flatnonzero(np.abs(sound) > 200)
    assert loud[0] < RATE // 50
    assert 0.1 < (len(sound) - loud[-1]) / RATE < 0.3


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_no_text_is_an_error(engine: Engine, text: str) -> None:
    """A text of strange characters, or with a very long word, is no error."""
    list(engine.synthesize(text, ""))


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_nothing_to_say(engine: Engine, text: str) -> None:
    """An empty text has no sound."""
    assert list(engine.synthesize(text, "")) == []


def test_what_cannot_be_read_is_left_out(engine: Engine) -> None:
    """Words around a number that the package cannot read are spoken."""
    assert len(sound_of(engine, f"Yes, of {'1' * 80} course.")) > 0.8 * len(sound_of(engine, SHORT))


def test_a_fast_voice(engine: Engine) -> None:
    """At speed 1.25 a text is a fifth shorter. A speed that nobody understands is refused."""
    assert 0.7 < len(sound_of(Engine(speed=1.25), LONG)) / len(sound_of(engine, LONG)) < 0.9
    with pytest.raises(ConfigError):
        Engine(speed=3)


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading the engine and speaking opens no connection."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert len(sound_of(Engine(), "Zyxquorp, hello."))


def test_another_voice_on_disk(tmp_path: Path) -> None:
    """A file with the name of another voice has the language of that voice. A file that is no voice is refused."""
    british = tmp_path / "bf_emma.int8.onnx"
    british.write_bytes((Path(ASSETS) / "hibari.onnx").read_bytes())
    engine = Engine(str(british))
    assert engine.languages == ("en-GB",)
    assert len(sound_of(engine, SHORT))
    british.write_bytes(b"not a voice")
    for model in (str(british), str(tmp_path / "emma.onnx")):
        with pytest.raises(ConfigError):
            Engine(model)
