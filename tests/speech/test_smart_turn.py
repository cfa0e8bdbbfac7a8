"""Smart Turn with a model of a few hundred bytes: its input and its limits are real, only its judgements are not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from server.errors import ConfigError
from server.media.frame import HEARD_RATE
from server.speech import smart_turn
from server.speech.smart_turn import SECONDS, SmartTurn, features
from tests.tiny_models import make_piper, make_smart_turn
from tests.voices import hum, silence

DEADLINE_S = 5.0


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[SmartTurn]:
    model = SmartTurn(make_smart_turn(tmp_path))
    yield model
    model.close()
    await asyncio.sleep(0)


async def judged(model: SmartTurn, pcm: bytes) -> float:
    told = asyncio.get_running_loop().create_future()
    model.judge(pcm, told.set_result)
    assert not told.done()  # the answer comes later: `judge` itself computes nothing
    return await asyncio.wait_for(told, DEADLINE_S)


async def test_it_tells_a_probability(model: SmartTurn, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tell` gets a probability on the loop, and other sound gives another probability."""
    monkeypatch.setattr(smart_turn, "DEADLINE_S", DEADLINE_S)
    humming, nothing = await judged(model, hum([120] * 400)), await judged(model, silence(1.0))
    assert 0 <= nothing < humming <= 1


async def test_an_answer_that_begins_too_late_is_not_told(model: SmartTurn, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the deadline passes before the model runs, `tell` is not called."""
    monkeypatch.setattr(smart_turn, "DEADLINE_S", -1.0)
    told: list[float] = []
    model.judge(silence(1.0), told.append)
    model.close()  # waits for the work
    await asyncio.sleep(0)
    assert told == []


async def test_a_limited_number_of_pauses_waits(model: SmartTurn, monkeypatch: pytest.MonkeyPatch) -> None:
    """When too many pauses wait, new ones are not judged. When the queue is empty, they are judged again."""
    monkeypatch.setattr(smart_turn, "DEADLINE_S", DEADLINE_S)
    told: asyncio.Queue[int] = asyncio.Queue()
    for number in range(3 * smart_turn.MAX_WAITING):
        model.judge(silence(0.1), lambda probability, number=number: told.put_nowait(number))
    taken = [await asyncio.wait_for(told.get(), DEADLINE_S) for _ in range(smart_turn.MAX_WAITING)]
    assert taken == list(range(smart_turn.MAX_WAITING))
    await judged(model, silence(0.1))
    assert told.empty()


async def test_an_answer_that_takes_too_long_is_not_told(model: SmartTurn, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the deadline passes while the model runs, `tell` is not called."""
    monkeypatch.setattr(smart_turn, "DEADLINE_S", DEADLINE_S)

    def slow(samples: np.ndarray) -> np.ndarray:
        monkeypatch.setattr(smart_turn, "DEADLINE_S", -1.0)  # as if the deadline passed now
        return np.zeros((80, 800), np.float32)

    monkeypatch.setattr(smart_turn, "features", slow)
    told: list[float] = []
    model.judge(silence(1.0), told.append)
    model.close()
    await asyncio.sleep(0)
    assert smart_turn.DEADLINE_S == -1.0
    assert told == []


async def test_a_failure_is_logged_once(
    model: SmartTurn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A model that fails is logged once, and `tell` is not called."""
    monkeypatch.setattr(smart_turn, "DEADLINE_S", DEADLINE_S)
    monkeypatch.setattr(smart_turn, "features", lambda samples: np.zeros((80, 3), np.float32))
    told: list[float] = []
    for _ in range(3):
        model.judge(silence(0.1), told.append)
    model.close()
    await asyncio.sleep(0)
    assert told == []
    assert [record.message for record in caplog.records] == [
        "the endpoint model failed; calls go on without its judgement"
    ]


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
        SmartTurn(path)


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
