"""Cutting a voice into pieces, with a tiny voice that has speakers."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from server.speech.engines import piper
from server.speech.engines.stepwise import session
from server.speech.engines.vits import LEAD_IDS, LEAD_MARGIN, Floats, Manner, Vits
from server.speech.engines.vits_graph import split
from tests.tiny_models import make_piper
from tests.tiny_vits import HOP, STEPS, make_vits

SPEAKERS = ("amy", "joe")
IDS = [1, *(20 + number % 90 for number in range(LEAD_IDS + LEAD_MARGIN + 40)), 2]


def unsplit(path: Path, ids: list[int], speaker: int | None) -> Floats:
    inputs = {"input": np.array([ids]), "input_lengths": np.array([len(ids)])}
    inputs["scales"] = np.array([0, 1, 0], np.float32)
    if speaker is not None:
        inputs["sid"] = np.array([speaker])
    return session(str(path), 1).run(None, inputs)[0].ravel()


@pytest.mark.parametrize("speaker", [None, 0, 1])
@pytest.mark.parametrize("length", [1, 3, LEAD_IDS, len(IDS)])
def test_all_chunks_are_the_unsplit_sound(tmp_path: Path, speaker: int | None, length: int) -> None:
    """The chunks together are the sound of the unsplit voice, for every speaker and for short and long texts."""
    path = make_vits(tmp_path, () if speaker is None else SPEAKERS)
    sound = np.concatenate(list(Vits(path).speak(IDS[:length], Manner(0, 1, 0, speaker))))
    assert len(sound) == length * STEPS * HOP
    np.testing.assert_allclose(sound, unsplit(path, IDS[:length], speaker), atol=1e-6)


def test_the_reach_of_the_pieces(tmp_path: Path) -> None:
    """How far each piece looks, and how much it lengthens, is read from its convolutions."""
    parts = split(make_vits(tmp_path, SPEAKERS))
    assert [(piece.margin, piece.scale) for piece in parts.pieces] == [(1, 1), (6, 4), (5, 2)]
    assert [len(piece.shared) for piece in parts.pieces] == [2, 1, 0]  # mask and speaker; speaker; nothing


def test_what_mixes_steps_of_time_cannot_be_cut(tmp_path: Path) -> None:
    """A voice whose flow looks at all steps at once, and one with another graph, are refused."""
    path = make_vits(tmp_path)
    model = onnx.load(path)
    next(node for node in model.graph.node if node.op_type == "Tanh").op_type = "Softmax"
    onnx.save(model, path)
    for each in (path, make_piper(tmp_path / "other")):
        with pytest.raises(LookupError):
            split(each)


def test_a_voice_that_cannot_be_cut_speaks_by_sentences(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Then the engine says so in its log, and each sentence is one chunk."""
    engine = piper.Engine(str(make_piper(tmp_path)))
    assert "whole sentence" in caplog.text
    assert len(list(engine.synthesize("Hello there. How are you?", ""))) == 2


def test_speakers_have_voices_of_their_own(tmp_path: Path) -> None:
    """The name of a speaker chooses the voice; the first one speaks for a name that is unknown."""
    engine = piper.Engine(str(make_vits(tmp_path, SPEAKERS)))
    engine._voice.config.noise_scale = 0
    amy, joe, nobody = (b"".join(engine.synthesize("Hello there.", name)) for name in (*SPEAKERS, "nobody"))
    assert engine.speakers == SPEAKERS
    assert amy == nobody != joe
