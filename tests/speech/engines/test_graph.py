from pathlib import Path

import numpy as np
import onnx
import pytest

from server.speech.engines.graph import Graph
from server.speech.engines.stepwise import Stepwise, session
from tests.tiny_vits import make_vits


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_parts_together_are_the_whole(tmp_path: Path, count: int) -> None:
    """A model that is run in parts gives the results of the whole model, and a turn to others after each part."""
    path = make_vits(tmp_path, ("amy", "joe"))
    inputs = {"input": np.array([[1, 20, 30, 2]]), "input_lengths": np.array([4])}
    inputs |= {"scales": np.array([0, 1, 0], np.float32), "sid": np.array([1])}
    parts = list(Graph(onnx.load(path)).parts(["output"], count))
    steps, results = 0, {}
    running = Stepwise(parts, 1).run(inputs)
    try:
        while True:
            next(running)
            steps += 1
    except StopIteration as end:
        results = end.value
    assert steps == len(parts) <= count
    assert len(parts) > 1 or count == 1
    np.testing.assert_allclose(results["output"], session(str(path), 1).run(None, inputs)[0], atol=1e-6)
