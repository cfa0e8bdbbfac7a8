"""Cuts the graph of a VITS voice, such as Piper's, into pieces, so that sound can be made before a sentence is done.

The first piece needs the whole sentence: it reads the phonemes, chooses how long each one is, and draws the noise that
makes every reading a little different. Its result has one step for each 11.6 ms of sound (256 samples at 22,050 Hz).
The pieces after it only have convolutions along time. So each step of their output depends only on a few steps of their
input on both sides, the margin, and they can be run on one window of the input after another. With the margins the
result is the same as that of the whole graph.

    phonemes --front--> noisy prior --flow--> latent --upsampler--> 8 steps for each --vocoder--> sound

Source: VITS (Kim et al. 2021), HiFi-GAN (Kong et al. 2020). Nodes are found by their operators, not by their names.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import NodeProto, TensorProto, helper

from server.speech.engines.graph import Graph, Part

FRONT_PARTS = 6
"""The front takes 150 ms for 40 words; a part of it takes 25 ms."""

_LOCAL = frozenset(
    "Add Cast Concat Constant ConstantOfShape Conv ConvTranspose Div Exp Expand Gather Identity LeakyRelu Mul Neg Pow "
    "Reshape Shape Sigmoid Slice Split Squeeze Sub Tanh Transpose Unsqueeze".split()
)
"""Operators that do not mix steps of time, and the two convolutions, whose reach is known."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A model that may be run on windows of its input, which is [1, channels, steps]."""

    model: bytes
    input: str
    shared: tuple[str, ...]
    """Names of the other inputs: results of the front that are the same at every step of time."""
    margin: int
    """How many steps of input it needs on each side of a window."""
    scale: int
    """How many steps of output it makes from one step of input."""


@dataclass(frozen=True, slots=True)
class SplitVits:
    front: tuple[Part, ...]
    lengths: str
    """The result of the front that says how many steps each phoneme id lasts."""
    pieces: tuple[Piece, ...]
    """The first one's input is a result of the front, as all that they share."""

    @property
    def hop(self) -> int:
        """How many samples of sound come from one step of the front's result."""
        return math.prod(piece.scale for piece in self.pieces)


def split(path: Path) -> SplitVits:
    """Cut the voice in the file `path` into pieces. Raises LookupError when its graph is not the one that Piper makes.

    It raises the exceptions of `onnx` and of the file system too.
    """
    return _Vits(Graph(onnx.load(path))).split()


class _Vits:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def split(self) -> SplitVits:
        lengths = [node.output[0] for node in self._graph.nodes if node.op_type == "Ceil"]
        if len(lengths) != 1:
            raise LookupError(f"its graph has {len(lengths)} nodes that round up and not one")
        cuts = self._cuts()
        pieces = [self._piece(*ends) for ends in itertools.pairwise([*cuts, self._graph.outputs[0]])]
        shared = tuple(dict.fromkeys(name for piece in pieces for name in piece.shared))
        front = self._graph.parts([cuts[0], *lengths, *shared], FRONT_PARTS)
        return SplitVits(tuple(front), lengths[0], tuple(pieces))

    def _cuts(self) -> list[str]:
        """The tensors where the pieces begin: the noisy prior, the latent, and what the vocoder's second
        upsampling takes. Two thirds of the work are after that, and its margin is short."""
        nodes, maker = self._graph.nodes, self._graph.maker
        noise = [node for node in nodes if node.op_type == "RandomNormalLike"]  # for durations, then for the prior
        upsamplings = [node for node in nodes if node.op_type == "ConvTranspose"]
        if not noise or len(upsamplings) < 2:
            raise LookupError("its graph has no prior or no vocoder")
        prior, before = noise[-1], maker[upsamplings[0].input[0]]
        while prior.op_type != "Add":
            prior = next((node for node in nodes if prior.output[0] in node.input), nodes[-1])
            if prior.op_type not in ("Mul", "Add"):
                raise LookupError("its prior is not a sum")
        while before.op_type != "Conv":
            if before.op_type not in ("Add", "LeakyRelu"):
                raise LookupError("its vocoder does not begin with a convolution")
            before = maker[before.input[0]]
        return [prior.output[0], before.input[0], upsamplings[1].input[0]]

    def _piece(self, start: str, end: str) -> Piece:
        """The nodes between the tensors `start` and `end`, with all constants that they use."""
        graph = self._graph
        here = graph.after([start]) - {start}
        nodes = graph.with_constants([node for node in graph.before([end]) if here & set(node.output)])
        made = {output for node in nodes for output in node.output}
        shared = sorted({name for node in nodes for name in node.input} - made - graph.weights.keys() - {start, ""})
        margin, scale = _reach(nodes, start, end)
        inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in (start, *shared)]
        return Piece(graph.model_of(nodes, inputs, [end]), start, tuple(shared), margin, scale)


def _reach(nodes: Sequence[NodeProto], start: str, end: str) -> tuple[int, int]:
    """How many steps of `start` on each side one step of `end` depends on, and how many steps of `end` come from one
    step of `start`."""
    reach, rate = {start: 0.0}, {start: 1}
    for node in nodes:
        if node.op_type not in _LOCAL:
            raise LookupError(f"the operator {node.op_type} may mix steps of time")
        inputs = [name for name in node.input if name in reach]
        if not inputs:
            continue
        far, fast = max(reach[name] for name in inputs), max(rate[name] for name in inputs)
        numbers = {each.name: list(each.ints) for each in node.attribute}
        if node.op_type == "Conv":
            width = (numbers["kernel_shape"][0] - 1) * numbers.get("dilations", [1])[0]
            far += math.ceil(width / 2) / fast
        elif node.op_type == "ConvTranspose":
            far += math.ceil(numbers["kernel_shape"][0] / numbers["strides"][0]) / fast
            fast *= numbers["strides"][0]
        reach.update(dict.fromkeys(node.output, far))
        rate.update(dict.fromkeys(node.output, fast))
    return math.ceil(reach[end]), rate[end]
