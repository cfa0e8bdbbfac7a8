"""Smart Turn with real weights, where its judgement is the point, and with a model of a few hundred bytes otherwise."""

from pathlib import Path

import numpy as np
import pytest

from server.errors import ConfigError
from server.media.frame import HEARD_RATE
from server.speech.engines.smart_turn import SECONDS, Engine, features
from tests.natural_voice import say
from tests.real_models import real_model
from tests.tiny_models import make_piper, make_smart_turn
from tests.voices import hum, silence


def judged(engine: Engine, pcm: bytes) -> float:
    judgement = engine.start(())
    for at in range(0, len(pcm), 3_200):
        judgement.feed(pcm[at : at + 3_200])
    return float(judgement.finish())


def test_a_sentence_that_stops_in_the_middle_is_not_done() -> None:
    """A whole question is done, and one that is cut off in its middle, at two places, is not."""
    engine = Engine(str(real_model("smart-turn")))
    whole = say("Could you tell me what time the shop opens on Sunday?")
    assert judged(engine, whole + silence(0.1)) > 0.5
    for share in (0.4, 0.6):
        beginning = whole[: 2 * int(share * len(whole) / 2)]
        assert judged(engine, beginning + silence(0.1)) < 0.5


def test_it_tells_a_probability(tmp_path: Path) -> None:
    """It is a number from 0 to 1, and other sound has another."""
    engine = Engine(str(make_smart_turn(tmp_path)))
    assert 0 <= judged(engine, silence(1.0)) < judged(engine, hum([120] * 400)) <= 1


@pytest.mark.parametrize("wrong", ["missing", "text", "piper", "frames"])
def test_a_wrong_file_is_refused(tmp_path: Path, wrong: str) -> None:
    """A file that is not a Smart Turn model is a ConfigError when the server starts."""
    (tmp_path / "text.onnx").write_text("no model")
    path = {
        "missing": tmp_path / "none.onnx",
        "text": tmp_path / "text.onnx",
        "piper": make_piper(tmp_path),
        "frames": make_smart_turn(tmp_path, "other", frames=3_000),
    }[wrong]
    with pytest.raises(ConfigError, match="is not a Smart Turn model"):
        Engine(str(path))


def test_the_end_of_the_sound_is_at_the_end_of_the_features() -> None:
    """One second of voice fills the last eighth, after silence. Of more than eight seconds the last eight are used."""
    voice = np.frombuffer(hum([120] * 50), "<i2").astype(np.float32) / 32768
    short = features(voice)
    assert short.shape == (80, 800)
    assert short.dtype == np.float32
    assert short[:, :690].max() < short[:, 710:].mean()
    story = np.concatenate([np.ones(HEARD_RATE, np.float32), np.zeros((SECONDS - 1) * HEARD_RATE, np.float32), voice])
    assert np.array_equal(features(story), features(story[-SECONDS * HEARD_RATE :]))


def test_loudness_does_not_matter() -> None:
    """Loud and soft sound give the same features, normalised as in Whisper: eight decades of power below the loudest
    are visible."""
    voice = np.frombuffer(hum([120] * 400), "<i2").astype(np.float32) / 32768
    loud, soft = features(voice), features(voice / 10)
    assert np.abs(loud - soft).max() < 0.01
    assert loud.max() - loud.min() <= 2.0001
