"""Cuts an ONNX graph into several smaller models."""

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a model. It takes results of the parts before it, or inputs of the model, by their names."""

    model: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class Graph:
    """A graph whose parts can be taken out."""

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self.nodes: Sequence[NodeProto] = list(model.graph.node)
        """In an order in which they can be computed."""
        self.weights = {weight.name: weight for weight in model.graph.initializer}
        self.maker = {output: node for node in self.nodes for output in node.output}
        self.outputs = [value.name for value in model.graph.output]
        self._inputs = [value.name for value in model.graph.input]
        self._varying = self.after(self._inputs)

    def parts(self, ends: Sequence[str], count: int) -> Iterator[Part]:
        """The nodes before `ends`, in at most `count` models, to be run one after another. Each has about the same
        share of the weights."""
        nodes = [node for node in self.before(ends) if self._varying & set(node.output)]
        made = dict.fromkeys(self._inputs, -1)
        made |= {name: place for place, node in enumerate(nodes) for name in node.output}
        used = {name: place for place, node in enumerate(nodes) for name in node.input}  # the last use
        used |= dict.fromkeys(ends, len(nodes))
        types = self._types()
        start = 0
        for end in (*self._places(nodes, made, used, count), len(nodes)):
            before, after = (
                [name for name in made if made[name] < place <= used.get(name, -1)] for place in (start, end)
            )
            needed = [name for name in before if any(name in node.input for node in nodes[start:end])]
            results = [name for name in after if made[name] >= start]
            values = [helper.make_tensor_value_info(name, types[name], None) for name in needed]
            part = self.with_constants(nodes[start:end])
            yield Part(self.model_of(part, values, results, types), tuple(needed), tuple(results))
            start = end

    def _places(
        self, nodes: Sequence[NodeProto], made: Mapping[str, int], used: Mapping[str, int], count: int
    ) -> list[int]:
        """Between which nodes to cut: where few results pass, near equal shares of the weights."""
        weights = [
            sum(math.prod(self.weights[name].dims) for name in node.input if name in self.weights) for node in nodes
        ]
        done = list(itertools.accumulate(weights))
        passing = [0] * (len(nodes) + 2)
        for name in made.keys() & used.keys():
            passing[made[name] + 1] += 1
            passing[used[name] + 1] -= 1
        passing = list(itertools.accumulate(passing))  # how many results are needed from before each place on
        cuts = []
        for part in range(1, count):
            share, slack = done[-1] * part / count, done[-1] / (3 * count)
            near = [place for place in range(1, len(nodes)) if abs(done[place - 1] - share) <= slack]
            cuts += [min(near, key=lambda place: passing[place])] if near else []
        return cuts

    def before(self, ends: Sequence[str]) -> list[NodeProto]:
        """The nodes that `ends` depend on."""
        needed, nodes = set(ends), []
        for node in reversed(self.nodes):
            if needed & set(node.output):
                nodes.append(node)
                needed.update(node.input)
        return nodes[::-1]

    def with_constants(self, nodes: Sequence[NodeProto]) -> list[NodeProto]:
        """`nodes`, after the nodes with the same result for every text that they use."""
        used = [name for node in nodes for name in node.input if name not in self._varying]
        return [*self.before(used), *nodes]

    def model_of(
        self,
        nodes: Sequence[NodeProto],
        inputs: Sequence[onnx.ValueInfoProto],
        ends: Sequence[str],
        types: Mapping[str, int] | None = None,
    ) -> bytes:
        """A model of these nodes. Its results `ends` are floats, unless `types` says otherwise."""
        used = dict.fromkeys(name for node in nodes for name in node.input)
        weights = [self.weights[name] for name in used if name in self.weights]
        floats = dict.fromkeys(ends, TensorProto.FLOAT)
        outputs = [helper.make_tensor_value_info(name, (types or floats)[name], None) for name in ends]
        graph = helper.make_graph(nodes, "piece", inputs, outputs, weights)
        versions = {"opset_imports": self._model.opset_import, "ir_version": self._model.ir_version}
        return bytes(helper.make_model(graph, **versions).SerializeToString())

    def after(self, names: Collection[str]) -> set[str]:
        """`names`, and all tensors that depend on one of them."""
        found = set(names)
        for node in self.nodes:
            if found.intersection(node.input):
                found.update(node.output)
        return found

    def _types(self) -> dict[str, int]:
        """The type of each tensor's elements. It follows from the types of the weights, without their values."""
        weights = [
            helper.make_tensor_value_info(each.name, each.data_type, each.dims) for each in self.weights.values()
        ]
        light = helper.make_graph(self.nodes, "types", [*self._model.graph.input, *weights], self._model.graph.output)
        model = helper.make_model(light, opset_imports=self._model.opset_import, ir_version=self._model.ir_version)
        graph = onnx.shape_inference.infer_shapes(model).graph
        return {each.name: each.type.tensor_type.elem_type for each in (*graph.input, *graph.value_info, *graph.output)}
