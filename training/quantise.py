"""An encoder in 8 bits: an ONNX graph whose answers stay those of torch, whatever other texts are in a batch.

Weights are rounded once, activations by ranges that training texts showed. Three things go wrong when a small BERT
is simply rounded, and each has its remedy:

- single channels are far larger than the rest: they are scaled down and the weights behind them up (SmoothQuant,
  Xiao et al., 2023);
- single tokens have huge values between the two feed-forward products: the second product, whose weight has more
  rows than columns, is quantised in blocks of each row (ONNX Runtime's MatMulNBits), not by tensor;
- a rare piece's embedding is small beside a frequent one's: every row of the embeddings gets its own scale.

Ranges are fixed, not taken from each batch as `quantize_dynamic` does: there, a text's answer changes with its
neighbours.
"""

from __future__ import annotations

import copy
import logging
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers import optimizer
from torch import nn

from lapor_route.classifiers.bert import batches, pad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lapor_route.classifiers.encoder import EncoderClassifier

OPSET = 17
SMOOTHING = 0.7
"""Share of a channel's size that moves from the activations into the weights."""
BLOCK = 128
OUTLIERS = 1e-5
"""Share of the values at either end of a range that is cut off."""
_TOKEN_BUDGET = 4096
_LEAST = 1e-5


def to_int8(module: EncoderClassifier, target: Path, inputs: Sequence[Sequence[int]], padding: int) -> None:
    """Writes an encoder in 8 bits.

    Args:
        module: The fine-tuned network, on the CPU; it isn't changed.
        target: The `.onnx` file, for any number and length of texts.
        inputs: Token ids of some training texts, to see how large its activations get.
        padding: Id of the padding token.
    """
    module = copy.deepcopy(module).eval()
    smooth(module, largest_inputs(module, inputs, padding))
    embeddings = module.encoder.get_input_embeddings()
    module.encoder.set_input_embeddings(RowwiseEmbedding(embeddings))
    with tempfile.TemporaryDirectory() as folder, _quiet():
        exact = Path(folder) / "exact.onnx"
        to_onnx(module, exact)
        fuse(module, exact)
        graph = onnx.load(str(exact))
        wide = wide_products(graph)
        round_products(graph, wide, observe(exact, sorted({node.input[0] for node in wide}), inputs, padding))
        in_blocks(graph, target)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences the exporter: it tells every node at the level INFO, and warns of what the parity gate checks."""
    logging.disable(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def to_onnx(module: EncoderClassifier, target: Path) -> None:
    """Writes a network as it is, in float32, as an ONNX graph of any number and length of texts."""
    ids = torch.ones((2, 16), dtype=torch.int64)
    dynamic = {name: {0: "texts", 1: "tokens"} for name in ("input_ids", "attention_mask")}
    torch.onnx.export(
        module,
        (ids, torch.ones_like(ids)),
        str(target),
        input_names=["input_ids", "attention_mask"],
        output_names=["scores"],
        dynamic_axes=dynamic | {"scores": {0: "texts"}},
        opset_version=OPSET,
        dynamo=False,
    )


def fuse(module: EncoderClassifier, path: Path) -> None:
    """Joins layer norms, activations and residuals of a graph into single operators, in place."""
    config = module.encoder.config
    fused = optimizer.optimize_model(
        str(path),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        opt_level=0,
    )
    fused.save_model_to_file(str(path))


def largest_inputs(
    module: EncoderClassifier, inputs: Sequence[Sequence[int]], padding: int
) -> dict[str, torch.Tensor]:
    """The largest absolute input of each linear layer's channels, by the layer's name in the encoder."""
    largest: dict[str, torch.Tensor] = {}

    def watch(name: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
        def hook(_: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
            size = arguments[0].reshape(-1, arguments[0].shape[-1]).abs().amax(dim=0)
            largest[name] = torch.maximum(largest[name], size) if name in largest else size

        return hook

    hooks = [
        layer.register_forward_pre_hook(watch(name))
        for name, layer in module.encoder.named_modules()
        if isinstance(layer, nn.Linear)
    ]
    with torch.inference_mode():
        for rows in batches([len(ids) for ids in inputs], _TOKEN_BUDGET):
            ids, mask = pad([inputs[row] for row in rows], padding)
            module(torch.from_numpy(ids), torch.from_numpy(mask))
    for hook in hooks:
        hook.remove()
    return largest


def smooth(module: EncoderClassifier, largest: dict[str, torch.Tensor]) -> None:
    """Puts a scale before each linear layer and its inverse into the weights: the network stays the same."""
    for name, size in largest.items():
        layer = module.encoder.get_submodule(name)
        weight = layer.weight.detach().abs().amax(dim=0).clamp(min=_LEAST)
        scale = size.clamp(min=_LEAST) ** SMOOTHING / weight ** (1 - SMOOTHING)
        scale = scale / scale.mean()
        with torch.no_grad():
            layer.weight.mul_(scale)
        parent, _, leaf = name.rpartition(".")
        setattr(module.encoder.get_submodule(parent), leaf, nn.Sequential(Scale(1 / scale), layer))


class Scale(nn.Module):
    """Multiplies each channel by a number."""

    factors: torch.Tensor

    def __init__(self, factors: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("factors", factors)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """The values, float tensor (..., n_channels), scaled."""
        return values * self.factors


class RowwiseEmbedding(nn.Module):
    """Embeddings in 8 bits, each row with its own scale."""

    rows: torch.Tensor
    scale: torch.Tensor

    def __init__(self, embeddings: nn.Embedding) -> None:
        super().__init__()
        weight = embeddings.weight.detach()
        scale = (weight.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-12)
        self.register_buffer("rows", torch.round(weight / scale).to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The rows of some ids, float32 tensor (..., hidden)."""
        flat = ids.reshape(-1)
        rows = self.rows.index_select(0, flat).float() * self.scale.index_select(0, flat)
        return rows.reshape(*ids.shape, -1)


def wide_products(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The matrix products with a constant weight, but for those with a tall one, of more rows than columns."""
    shapes = {constant.name: tuple(constant.dims) for constant in model.graph.initializer}
    weighed = [
        node for node in model.graph.node if node.op_type == "MatMul" and len(shapes.get(node.input[1], ())) == 2
    ]
    return [node for node in weighed if shapes[node.input[1]][0] <= shapes[node.input[1]][1]]


def observe(
    path: Path, names: Sequence[str], inputs: Sequence[Sequence[int]], padding: int
) -> dict[str, tuple[float, float]]:
    """The range of some values of a graph over some texts, all but the outermost `OUTLIERS` at either end."""
    model = onnx.load(str(path))
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    ranges: dict[str, tuple[float, float]] = dict.fromkeys(names, (0.0, 0.0))
    for rows in batches([len(ids) for ids in inputs], _TOKEN_BUDGET):
        ids, mask = pad([inputs[row] for row in rows], padding)
        for name, found in zip(
            names, session.run(list(names), {"input_ids": ids, "attention_mask": mask}), strict=True
        ):
            low, high = np.quantile(found[mask > 0], [OUTLIERS, 1 - OUTLIERS])
            ranges[name] = min(ranges[name][0], float(low)), max(ranges[name][1], float(high))
    return ranges


def round_products(
    model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], ranges: dict[str, tuple[float, float]]
) -> None:
    """Replaces matrix products by 8-bit ones: uint8 activations by tensor, int8 weights by column.

    Args:
        model: The graph, changed in place.
        nodes: Its products to replace.
        ranges: Least and largest value of each product's first input.
    """
    graph = model.graph
    weights = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    quantised: set[str] = set()
    for node in nodes:
        source, weight = node.input
        scale, zero = f"{source}_scale", f"{source}_zero"
        if source not in quantised:
            quantised.add(source)
            low, high = ranges[source]
            step = max(high - low, 1e-6) / 255
            _constant(graph, scale, np.array(step, np.float32))
            _constant(graph, zero, np.array(np.clip(round(-low / step), 0, 255), np.uint8))
            quantise = helper.make_node("QuantizeLinear", [source, scale, zero], [f"{source}_uint8"])
            graph.node.insert(list(graph.node).index(node), quantise)
        steps = np.maximum(np.abs(weights[weight]).max(axis=0), 1e-12) / 127
        _constant(graph, f"{weight}_int8", np.round(weights[weight] / steps).astype(np.int8))
        _constant(graph, f"{weight}_scale", steps.astype(np.float32))
        inputs = [f"{source}_uint8", f"{weight}_int8", scale, f"{weight}_scale", zero]
        product = helper.make_node(
            "MatMulIntegerToFloat", inputs, node.output, name=node.name, domain="com.microsoft"
        )
        place = list(graph.node).index(node)
        graph.node.remove(node)
        graph.node.insert(place, product)
    used = {name for node in graph.node for name in node.input}
    for constant in [constant for constant in graph.initializer if constant.name not in used]:
        graph.initializer.remove(constant)
    if all(opset.domain != "com.microsoft" for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def in_blocks(model: onnx.ModelProto, target: Path) -> None:
    """Quantises the products that are still in float32, in blocks of each row, and writes the graph."""
    quantizer = MatMulNBitsQuantizer(model, bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=4)
    quantizer.process()
    quantizer.model.save_model_to_file(str(target))


def _constant(graph: onnx.GraphProto, name: str, value: np.ndarray) -> None:
    graph.initializer.append(numpy_helper.from_array(value, name))
