"""A Piper voice of a few kilobytes with the parts of a real one: prior, flow, vocoder, and speakers. Its weights are
noise, so it hisses."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

RATE = 16_000
HOP = 8
"""Samples for one step of the latent."""
STEPS = 3
"""How many steps each phoneme id lasts, at speed 1."""
_CHANNELS = 4


def make_vits(directory: Path, speakers: tuple[str, ...] = ()) -> Path:
    """Write `en_US-tiny-medium.onnx` and its config, and return the path of the first."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "en_US-tiny-medium.onnx"
    onnx.save(_Voice(len(speakers)).model(), path)
    config = {
        "audio": {"sample_rate": RATE},
        "espeak": {"voice": "en-us"},
        "inference": {},
        "num_symbols": 256,
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": {name: number for number, name in enumerate(speakers)},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
    }
    path.with_name(path.name + ".json").write_text(json.dumps(config))
    return path


class _Voice:
    def __init__(self, speakers: int) -> None:
        self._speakers = speakers
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[TensorProto] = []
        self._noise = np.random.default_rng(7)

    def model(self) -> onnx.ModelProto:
        self._front()
        speaker = self._speaker()
        flow = self._conv("prior", 3, 1, "in")
        if speaker:
            flow = self._node("Add", [flow, self._conv(speaker, 1, 1, "flow_speaker")])
        latent = self._node("Mul", [self._node("Add", ["prior", self._node("Tanh", [flow])]), "mask"])
        sound = self._conv(latent, 7, 1, "pre")
        if speaker:
            sound = self._node("Add", [sound, self._conv(speaker, 1, 1, "vocoder_speaker")])
        for stage, stride in enumerate((4, 2)):
            sound = self._node("LeakyRelu", [sound], alpha=0.1)
            weights = [self._random(f"up{stage}", (_CHANNELS, _CHANNELS, 2 * stride))]
            pads = [stride // 2, stride // 2]
            sound = self._node(
                "ConvTranspose", [sound, *weights], strides=[stride], kernel_shape=[2 * stride], pads=pads
            )
            sound = self._node("Add", [sound, self._conv(sound, 3, 2, f"block{stage}")])
        sound = self._node("Tanh", [self._conv(sound, 7, 1, "post", 1)])
        self._node("Unsqueeze", [sound, self._constant("one", np.array([1]))], "output")
        inputs = [("input", TensorProto.INT64, [1, "n"]), ("input_lengths", TensorProto.INT64, [1])]
        inputs.append(("scales", TensorProto.FLOAT, [3]))
        if self._speakers:
            inputs.append(("sid", TensorProto.INT64, [1]))
        values = [helper.make_tensor_value_info(*each) for each in inputs]
        output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 1, "samples"])
        graph = helper.make_graph(self._nodes, "voice", values, [output], self._weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)

    def _front(self) -> None:
        """Each phoneme id becomes ceil(STEPS * length) steps of its embedding, with noise."""
        self._random("embedding", (256, _CHANNELS))
        embedded = self._node("Gather", ["embedding", "input"])  # [1, n, channels]
        length = self._node("Gather", ["scales", self._constant("second", np.array(1))])
        ones = self._node("Cast", [self._node("Equal", ["input", "input"])], to=TensorProto.FLOAT)
        steps = self._node("Mul", [self._node("Mul", [ones, length]), self._constant("steps", np.float32(STEPS))])
        steps = self._node("Ceil", [steps])  # [1, n]
        ends = self._node("CumSum", [steps, self._constant("along", np.array(1))])
        total = self._node("ReduceSum", [steps], keepdims=0)
        zero, one = self._constant("zero_f", np.float32(0)), self._constant("one_f", np.float32(1))
        times = self._node(
            "Unsqueeze", [self._node("Range", [zero, total, one]), self._constant("last", np.array([1]))]
        )
        past = self._node("Cast", [self._node("GreaterOrEqual", [times, ends])], to=TensorProto.INT64)  # [steps, n]
        place = self._node("ReduceSum", [past, self._constant("columns", np.array([1]))], keepdims=0)
        spread = self._node("Transpose", [self._node("Gather", [embedded, place], axis=1)], perm=[0, 2, 1])
        scale = self._node("Gather", ["scales", self._constant("first", np.array(0))])
        noise = self._node("Mul", [self._node("Mul", [self._node("RandomNormalLike", [spread]), scale]), one])
        self._node("Add", [spread, noise], "prior")
        ones = self._node("Cast", [self._node("Equal", [spread, spread])], to=TensorProto.FLOAT)
        self._node("ReduceMax", [ones], "mask", axes=[1], keepdims=1)

    def _speaker(self) -> str:
        if not self._speakers:
            return ""
        self._random("speakers", (self._speakers, _CHANNELS))
        return self._node(
            "Unsqueeze", [self._node("Gather", ["speakers", "sid"]), self._constant("end", np.array([2]))]
        )

    def _conv(self, name: str, width: int, dilation: int, weights: str, channels: int = _CHANNELS) -> str:
        self._random(weights, (channels, _CHANNELS, width))
        pad = dilation * (width - 1) // 2
        sizes = {"kernel_shape": [width], "dilations": [dilation], "pads": [pad, pad]}
        return self._node("Conv", [name, weights], **sizes)

    def _node(self, operator: str, inputs: list[str], output: str = "", **attributes: object) -> str:
        output = output or f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def _random(self, name: str, shape: tuple[int, ...]) -> str:
        return self._constant(name, self._noise.standard_normal(shape).astype(np.float32) / 3)

    def _constant(self, name: str, value: np.ndarray) -> str:
        self._weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name
