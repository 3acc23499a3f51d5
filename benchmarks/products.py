"""Matrix products: how many an encoder's graph holds, and how fast a machine's kernels do them."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

INT8, INT8_RAW, BLOCKS, FP32 = "MatMulIntegerToFloat", "MatMulInteger", "MatMulNBits", "MatMul"
KERNELS = {
    INT8: "int8, scaled to float",
    INT8_RAW: "int8 to int32",
    BLOCKS: "int8 in blocks of a row",
    FP32: "fp32",
}
"""ONNX Runtime's operators for a product, and what they do: unsigned activations times signed weights, 8 bits both;
`MatMulNBits` rounds float activations itself."""
_BLOCK = 128
_WEIGHT_INPUT = {INT8: 1, INT8_RAW: 1, BLOCKS: 1, FP32: 1, "Gemm": 1, "FusedMatMul": 1, "DynamicQuantizeMatMul": 1}
_AT_ONCE = 4
"""Products of different weights in one run, so that calling the run costs little beside them."""


@dataclass(frozen=True, slots=True)
class Products:
    """The products of an encoder's graph.

    Attributes:
        per_token: Multiply-adds a token, by operator, of the products with a weight.
        per_text: Those of the last layer, once a text.
        per_pair: Those of the attention for every token that a token looks at, over all layers.
        shapes: Rows and columns of the weights, by operator, and how many there are of each.
    """

    per_token: dict[str, int]
    per_text: int
    per_pair: int
    shapes: dict[str, dict[tuple[int, int], int]] = field(default_factory=dict)

    @property
    def weights(self) -> int:
        """Multiply-adds a token with the weights."""
        return sum(self.per_token.values())


def products_of(path: Path) -> Products:
    """Counts the products of a BERT's graph.

    A product without a weight is the attention's; it multiplies each token with all tokens of its text, over the
    width of the layer, which is the rows of the first weight.

    Args:
        path: An ONNX file with the weights inside.

    Raises:
        ValueError: It has no product with a weight.
    """
    graph = onnx.load(str(path)).graph
    initializers = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    per_token: dict[str, int] = {}
    shapes: dict[str, dict[tuple[int, int], int]] = {}
    per_text = between = 0
    for node in graph.node:
        if node.op_type not in _WEIGHT_INPUT:
            continue
        weight = initializers.get(node.input[_WEIGHT_INPUT[node.op_type]])
        if weight is None:
            between += 1
            continue
        rows, columns = _shape(node, weight)
        if node.op_type == "Gemm":
            per_text += rows * columns
            continue
        per_token[node.op_type] = per_token.get(node.op_type, 0) + rows * columns
        of_kind = shapes.setdefault(node.op_type, {})
        of_kind[rows, columns] = of_kind.get((rows, columns), 0) + 1
    if not shapes:
        raise ValueError(f"{path} has no product with a weight")
    width = next(iter(next(iter(shapes.values()))))[0]
    return Products(per_token, per_text, between * width, shapes)


def _shape(node: Any, weight: tuple[int, ...]) -> tuple[int, int]:
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type == BLOCKS:
        return int(attributes["K"]), int(attributes["N"])
    rows, columns = weight
    return (columns, rows) if attributes.get("transB") else (rows, columns)


class Kernel:
    """One of ONNX Runtime's kernels on random numbers.

    Args:
        operator: One of `KERNELS`.
        shape: Tokens, rows and columns of the weight.
        threads: Threads that it may use.
        seed: Of the numbers.
    """

    def __init__(self, operator: str, shape: tuple[int, int, int], threads: int, seed: int = 1) -> None:
        tokens, rows, columns = shape
        self.work = _AT_ONCE * tokens * rows * columns
        random = np.random.default_rng(seed)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            _model(operator, shape, random).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._binding = self._session.io_binding()
        floating = operator in (BLOCKS, FP32)
        values = (
            random.normal(size=(tokens, rows)).astype(np.float32)
            if floating
            else random.integers(0, 256, (tokens, rows)).astype(np.uint8)
        )
        self._binding.bind_cpu_input("x", values)
        for output in self._session.get_outputs():
            made = np.zeros((tokens, columns), np.int32 if operator == INT8_RAW else np.float32)
            self._binding.bind_ortvalue_output(output.name, onnxruntime.OrtValue.ortvalue_from_numpy(made))

    def run(self) -> None:
        """All products once."""
        self._session.run_with_iobinding(self._binding)


def rate(run: Callable[[], None], work: int, seconds: float) -> float:
    """Multiply-adds a second: the median over runs that take so many seconds together, after two to warm up."""
    run()
    run()
    times: list[float] = []
    end = perf_counter() + seconds
    while not times or perf_counter() < end:
        started = perf_counter()
        run()
        times.append(perf_counter() - started)
    return work / median(times)


def _model(operator: str, shape: tuple[int, int, int], random: np.random.Generator) -> onnx.ModelProto:
    tokens, rows, columns = shape
    floating = operator in (BLOCKS, FP32)
    made = TensorProto.INT32 if operator == INT8_RAW else TensorProto.FLOAT
    nodes, weights = [], []
    for number in range(_AT_ONCE):
        tensors = dict(_weights(operator, rows, columns, random))
        names = [f"{name}{number}" for name in tensors]
        weights += [
            onnx.numpy_helper.from_array(tensor, name) for name, tensor in zip(names, tensors.values(), strict=True)
        ]
        attributes: dict[str, Any] = (
            {"K": rows, "N": columns, "bits": 8, "block_size": _BLOCK, "accuracy_level": 4}
            if operator == BLOCKS
            else {}
        )
        domain = "com.microsoft" if operator in (INT8, BLOCKS) else ""
        nodes.append(
            helper.make_node(operator, _inputs(operator, names), [f"y{number}"], domain=domain, **attributes)
        )
    graph = helper.make_graph(
        nodes,
        operator,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT if floating else TensorProto.UINT8, [tokens, rows])],
        [helper.make_tensor_value_info(f"y{number}", made, [tokens, columns]) for number in range(_AT_ONCE)],
        weights,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _inputs(operator: str, weights: list[str]) -> list[str]:
    """The activations and the weights in the operator's order."""
    if operator == INT8:
        weight, x_scale, scale, x_zero = weights
        return ["x", weight, x_scale, scale, x_zero]
    return ["x", *weights]


def _weights(
    operator: str, rows: int, columns: int, random: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    if operator == FP32:
        yield "w", random.normal(size=(rows, columns)).astype(np.float32)
    elif operator == BLOCKS:
        blocks = -(-rows // _BLOCK)
        yield "w", random.integers(0, 256, (columns, blocks, _BLOCK)).astype(np.uint8)
        yield "scales", random.random((columns, blocks)).astype(np.float32)
    else:
        yield "w", random.integers(-127, 128, (rows, columns)).astype(np.int8)
        if operator == INT8:
            yield "x_scale", np.array(0.05, np.float32)
            yield "scale", random.random(columns).astype(np.float32)
        yield "x_zero", np.array(128, np.uint8)
