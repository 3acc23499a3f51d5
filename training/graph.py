"""An encoder as an ONNX graph, of the operators that ONNX Runtime is quick at on a CPU.

torch's exporter knows none of them, so each is a function of torch here: `forward` computes what the operator does,
`symbolic` writes the operator. A network built of them answers in torch as its graph does in ONNX Runtime.

Two things make the graph of a BERT quick beside its 8-bit products:

- its layers read tokens before texts, (n_tokens, n_texts, hidden): ONNX Runtime's FusedMatMul then takes queries,
  keys and values where they lie, and attention copies none of them;
- sums and layer norms stay apart: ONNX Runtime's LayerNormalization uses AVX2 (pull request 31973), its
  SkipLayerNormalization doesn't and took six times as long.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lapor_route.classifiers.encoder import EncoderClassifier

OPSET = 17
DOMAIN = "com.microsoft"
"""Where ONNX Runtime keeps its own operators."""
BERTS = ("albert", "bert", "camembert", "electra", "roberta", "xlm-roberta")
"""Model types whose layers know positions only from the embeddings, so that texts and tokens can change places."""
STACK = "encoder.stack."
"""How the names of these layers begin once they have."""
_TOKENS_FIRST = "lapor_route_tokens_first"
_KEPT = ("MatMulIntegerToFloat", "Transpose")
"""Operators whose output has these two axes when it is reshaped: into heads, and back."""
_HIDDEN = -10000.0
"""Added to the score of a padding token: its share after the softmax is 0 exactly."""


def to_onnx(module: EncoderClassifier, target: Path) -> None:
    """Writes a network as it is as an ONNX graph of any number and length of texts."""
    ids = torch.ones((2, 16), dtype=torch.int64)
    dynamic = {name: {0: "texts", 1: "tokens"} for name in ("input_ids", "attention_mask")}
    with _quiet():
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
    model = onnx.load(str(target))
    fix_shapes(model.graph)
    unshare_weights(model.graph)
    if all(opset.domain != DOMAIN for opset in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(DOMAIN, 1))
    onnx.save(model, str(target))


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


def fix_shapes(graph: onnx.GraphProto) -> None:
    """Lets reshapes around attention keep the first two axes, in place of computing their lengths at every run."""
    makers = {name: node for node in graph.node for name in node.output}
    fixed = {
        name: numpy_helper.to_array(node.attribute[0].t)
        for name, node in makers.items()
        if node.op_type == "Constant"
    }

    def axis(name: str) -> int | None:
        """Which axis of some tensor a name is the length of."""
        node = makers.get(name)
        while node is not None and node.op_type == "Unsqueeze":
            node = makers.get(node.input[0])
        if node is None or node.op_type != "Gather" or makers[node.input[0]].op_type != "Shape":
            return None
        return int(fixed[node.input[1]])

    for node in [node for node in graph.node if node.op_type == "Reshape"]:
        shape, source = makers.get(node.input[1]), makers.get(node.input[0])
        if source is None or source.op_type not in _KEPT or shape is None or shape.op_type != "Concat":
            continue
        if [axis(name) for name in shape.input[:2]] == [0, 1] and all(name in fixed for name in shape.input[2:]):
            lengths = [0, 0, *(int(fixed[name].item()) for name in shape.input[2:])]
            name = f"{node.output[0]}_shape"
            graph.initializer.append(numpy_helper.from_array(np.array(lengths, np.int64), name))
            node.input[1] = name
    _drop_unread(graph)


def unshare_weights(graph: onnx.GraphProto) -> None:
    """Gives each 8-bit product weights of its own, where layers share them as ALBERT's do.

    Where a processor's products saturate (see `OnnxBackend`), ONNX Runtime can't make shared ones exact.
    """
    weights = {constant.name: constant for constant in graph.initializer}
    taken: set[str] = set()
    for number, node in enumerate(node for node in graph.node if node.op_type == "MatMulIntegerToFloat"):
        weight = node.input[1]
        if weight in taken:
            node.input[1] = f"{weight}_{number}"
            graph.initializer.add().CopyFrom(weights[weight])
            graph.initializer[-1].name = node.input[1]
        taken.add(weight)


def _drop_unread(graph: onnx.GraphProto) -> None:
    """Removes nodes whose output nobody reads."""
    while True:
        read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
        unread = [node for node in graph.node if not read.intersection(node.output)]
        if not unread:
            return
        for node in unread:
            graph.node.remove(node)


def product(
    values: torch.Tensor,
    weight: torch.Tensor,
    weight_step: torch.Tensor,
    bias: torch.Tensor,
    step: torch.Tensor,
    zero: torch.Tensor,
) -> torch.Tensor:
    """A linear layer in 8 bits.

    Args:
        values: float tensor (..., n_inputs).
        weight: int8 tensor (n_inputs, n_outputs).
        weight_step: What 1 stands for in each column of it, float tensor (n_outputs,).
        bias: float tensor (n_outputs,).
        step: What 1 stands for in the rounded values, float tensor ().
        zero: What stands for 0 in them, uint8 tensor ().

    Returns:
        float tensor (..., n_outputs).
    """
    return _written(_Product, values, weight, weight_step, bias, step, zero)


def _written(operator: Any, *arguments: Any) -> torch.Tensor:
    """What an operator gives; torch's own functions have no types."""
    found: torch.Tensor = operator.apply(*arguments)
    return found


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Any, weight: Any, weight_step: Any, bias: Any, step: Any, zero: Any) -> Any:
        rounded = (torch.round(values / step) + zero).clamp(0, 255) - zero
        return rounded @ weight.float() * (step * weight_step) + bias

    @staticmethod
    def symbolic(g: Any, values: Any, weight: Any, weight_step: Any, bias: Any, step: Any, zero: Any) -> Any:
        rounded = g.op("QuantizeLinear", values, step, zero)
        no_zero = g.op("prim::Constant")
        no_zero.setType(torch._C.OptionalType.ofTensor())
        inputs = (rounded, weight, step, weight_step, zero, no_zero, bias)
        width = weight.type().sizes()[1]
        lengths = [*(values.type().varyingSizes() or [None] * 3)[:-1], width]
        return g.op(f"{DOMAIN}::MatMulIntegerToFloat", *inputs).setType(values.type().with_sizes(lengths))


class TokensFirst(nn.Module):
    """A stack of layers that gets (n_tokens, n_texts, hidden) where its caller has (n_texts, n_tokens, hidden)."""

    def __init__(self, stack: nn.Module) -> None:
        super().__init__()
        self.stack = stack

    def forward(self, states: torch.Tensor, *arguments: Any, **options: Any) -> Any:
        """What the stack returns, texts first."""
        found = self.stack(states.transpose(0, 1), *arguments, **options)
        found.last_hidden_state = found.last_hidden_state.transpose(0, 1)
        return found


def tokens_first(module: EncoderClassifier) -> None:
    """Lets the layers of a BERT read tokens before texts; other networks stay as they are."""
    encoder = module.encoder
    if encoder.config.model_type in BERTS:
        encoder.encoder = TokensFirst(encoder.encoder)
        encoder.set_attn_implementation(_TOKENS_FIRST)


def _attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    scaling: float,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention over float tensors (n_tokens, n_heads, n_texts, size), and a mask added to the scores."""
    query, key, value = (part.transpose(1, 2) for part in (query, key, value))
    weights = torch.softmax(_written(_Scores, query, key, scaling) + attention_mask, dim=-1)
    return _written(_Mixture, weights, value).permute(2, 0, 1, 3), None


def _padding(*_: Any, attention_mask: torch.Tensor, **__: Any) -> torch.Tensor:
    """What is added to the scores, float tensor (n_texts, 1, 1, n_tokens), from a bool one (n_texts, n_tokens)."""
    return (1 - attention_mask[:, None, None].float()) * _HIDDEN


AttentionInterface.register(_TOKENS_FIRST, _attention)
AttentionMaskInterface.register(_TOKENS_FIRST, _padding)


class _Scores(torch.autograd.Function):
    """Queries times keys, float tensor (n_texts, n_heads, n_tokens, n_tokens)."""

    @staticmethod
    def forward(ctx: Any, query: Any, key: Any, scaling: float) -> Any:
        return torch.einsum("qbhd,kbhd->bhqk", query, key) * scaling

    @staticmethod
    def symbolic(g: Any, query: Any, key: Any, scaling: float) -> Any:
        switches = {"transB_i": 1, "transBatchA_i": 1, "transBatchB_i": 1, "alpha_f": scaling}
        return g.op(f"{DOMAIN}::FusedMatMul", query, key, **switches).setType(query.type().with_sizes([None] * 4))


class _Mixture(torch.autograd.Function):
    """Attention weights times values, float tensor (n_texts, n_heads, n_tokens, size)."""

    @staticmethod
    def forward(ctx: Any, weights: Any, value: Any) -> Any:
        return torch.einsum("bhqk,kbhd->bhqd", weights, value)

    @staticmethod
    def symbolic(g: Any, weights: Any, value: Any) -> Any:
        return g.op(f"{DOMAIN}::FusedMatMul", weights, value, transBatchB_i=1).setType(
            weights.type().with_sizes([None] * 4)
        )
