"""Runs a model in several short steps, so that other texts can have a turn between them."""

from collections.abc import Generator, Iterable
from typing import Any

from onnxruntime import InferenceSession, SessionOptions

from server.speech.engines.graph import Part


def session(model: bytes | str, threads: int) -> InferenceSession:
    """Load a model for `threads` threads, which sleep while they have no work."""
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])


class Stepwise:
    """A model in parts, as `Graph.parts` makes them."""

    def __init__(self, parts: Iterable[Part], threads: int) -> None:
        self._parts = [(part, session(part.model, threads)) for part in parts]

    def run(self, inputs: dict[str, Any]) -> Generator[None, None, dict[str, Any]]:
        """Yields after each step. Returns the arrays of inputs and results by their names."""
        values = dict(inputs)
        for part, run in self._parts:
            results = run.run(part.outputs, {name: values[name] for name in part.inputs})
            values.update(zip(part.outputs, results, strict=True))
            yield
        return values
