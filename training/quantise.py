"""An encoder in 8 bits: an ONNX graph whose answers stay those of torch, whatever other texts are in a batch.

Weights are rounded once, activations by ranges that training texts showed. Four things go wrong when a small BERT
is simply rounded, and each has its remedy, none of which costs the graph any time worth naming:

- single channels are far larger than the rest: they are scaled down and the weights behind them up (SmoothQuant,
  Xiao et al., 2023). What comes before a product takes the scale in: a layer norm, whose residual is scaled back,
  or the weights of the values that attention mixes;
- between the two feed-forward products, a few units are huge for a few tokens: they saturate, and copies of them,
  each of which starts where the one before saturates, hold the rest;
- the errors of a weight's columns add up: each column makes up for those before it (GPTQ, Frantar et al., 2022);
- a rare piece's embedding is small beside a frequent one's: every row of the embeddings gets its own scale.

Ranges are fixed, not taken from each batch as `quantize_dynamic` does: there, a text's answer changes with its
neighbours.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.graph import product, to_onnx, tokens_first
from training.observe import observe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lapor_route.classifiers.encoder import EncoderClassifier
    from training.observe import Seen

SMOOTHING = 0.8
"""Share of a channel's size that moves from the activations into the weights."""
OUTLIERS = 1e-5
"""Share of the values at either end of a range that is cut off."""
LARGE_UNITS = 20
"""So many feed-forward units of a layer may be larger than the limit at which they saturate ..."""
_FAR = 1.5
"""... and those that are so many times larger get copies for the rest."""
_WIDTH = 16
"""Feed-forward units come in multiples of this, the floats of an AVX-512 register."""
_DAMPING = 0.01
"""Share of the inputs' mean square that is added to each of their squares before they are inverted."""
_LEAST = 1e-5


def to_int8(module: EncoderClassifier, target: Path, inputs: Sequence[Sequence[int]], padding: int) -> None:
    """Writes an encoder in 8 bits.

    Args:
        module: The fine-tuned network, on the CPU; it isn't changed.
        target: The `.onnx` file, for any number and length of texts.
        inputs: Token ids of some training texts, to see how large its activations get.
        padding: Id of the padding token.
    """
    to_onnx(rounded(module, inputs, padding), target)


def rounded(module: EncoderClassifier, inputs: Sequence[Sequence[int]], padding: int) -> EncoderClassifier:
    """A network that answers in torch as the graph made of it does in 8 bits; for the arguments see `to_int8`."""
    module = copy.deepcopy(module).eval()
    tokens_first(module)
    encoder = module.encoder
    seen = observe(module, inputs, padding)
    spread_units(encoder, seen)
    smooth(encoder, seen)
    for name, read in seen.items():
        layer: nn.Module = RoundedLinear(encoder.get_submodule(name), read.inputs(), read.limit)
        if read.scale is not None and not read.value:
            layer = Smoothed(layer, read.scale, encoder.get_submodule(read.norm) if read.norm else None)
        _replace(encoder, name, layer)
    encoder.set_input_embeddings(RowwiseEmbedding(encoder.get_input_embeddings()))
    return module


def spread_units(encoder: Any, seen: dict[str, Seen]) -> None:
    """Adds units to feed-forward layers, so that none has to be larger than its layer's limit.

    With a limit t, gelu(y) of a y far above it is nearly min(gelu(y), t) + min(gelu(y - t), t) + ..., and of a y
    far below it, too.

    Args:
        encoder: Its feed-forward layers get wider.
        seen: What its layers read; gets limits.
    """
    for name, read in seen.items():
        if not read.unit:
            continue
        first, second = encoder.get_submodule(read.unit), encoder.get_submodule(name)
        limit = float(read.largest.sort(descending=True).values[min(LARGE_UNITS, len(read.largest) - 1)])
        copies = [
            (unit, limit * place)
            for unit in torch.nonzero(read.largest > _FAR * limit).flatten().tolist()
            for place in range(1, math.ceil(float(read.largest[unit]) / limit))
        ]
        units, starts = [unit for unit, _ in copies], torch.tensor([start for _, start in copies])
        filling = (0, -len(units) % _WIDTH)
        with torch.no_grad():
            first.weight = _joined(first.weight, functional.pad(first.weight[units], (0, 0, *filling)), 0)
            first.bias = _joined(first.bias, functional.pad(first.bias[units] - starts, filling), 0)
            second.weight = _joined(second.weight, functional.pad(second.weight[:, units], filling), 1)
        rest = [functional.pad((rows[:, units] - starts).clamp(min=0), filling) for rows in read.rows]
        read.rows = [torch.cat(both, dim=1) for both in zip(read.rows, rest, strict=True)]
        read.limit = limit


def _joined(first: torch.Tensor, second: torch.Tensor, axis: int) -> nn.Parameter:
    return nn.Parameter(torch.cat([first, second], dim=axis))


def smooth(encoder: Any, seen: dict[str, Seen]) -> None:
    """Multiplies weights channel by channel, and divides what is read where that costs nothing.

    Args:
        encoder: The weights of its layers, norms and values change.
        seen: What its layers read; gets scales. Feed-forward units get none, an activation lets no scale pass.
    """
    readers: dict[int, list[str]] = {}
    for name, read in seen.items():
        if not read.unit:
            readers.setdefault(id(read), []).append(name)
    for names in readers.values():
        read, layers = seen[names[0]], [encoder.get_submodule(name) for name in names]
        weight = torch.stack([layer.weight.detach().abs().amax(dim=0) for layer in layers]).amax(dim=0)
        scale = read.largest.clamp(min=_LEAST) ** SMOOTHING / weight.clamp(min=_LEAST) ** (1 - SMOOTHING)
        read.scale = scale
        with torch.no_grad():
            for layer in layers:
                layer.weight.mul_(scale)
            if read.value:
                value = encoder.get_submodule(read.value)
                value.weight.div_(scale[:, None])
                value.bias.div_(scale)
        if read.norm:
            _replace(encoder, read.norm, SmoothedNorm(encoder.get_submodule(read.norm), scale))


def _replace(encoder: Any, name: str, module: nn.Module) -> None:
    parent, _, leaf = name.rpartition(".")
    setattr(encoder.get_submodule(parent), leaf, module)


def round_weight(weight: torch.Tensor, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rounds a weight so that later columns make up for the errors of earlier ones.

    Args:
        weight: float tensor (n_outputs, n_inputs).
        inputs: Some inputs, float tensor (n_rows, n_inputs).

    Returns:
        int8 tensor (n_outputs, n_inputs), and what 1 stands for in each of its rows, float tensor (n_outputs,).
    """
    step = weight.abs().amax(dim=1).clamp(min=1e-12) / 127
    squares = (inputs.T @ inputs).double()
    squares += torch.eye(len(squares)) * (_DAMPING * squares.diagonal().mean() + 1e-12)
    order = squares.diagonal().argsort(descending=True)
    passed_on = torch.linalg.cholesky(torch.linalg.inv(squares[order][:, order]), upper=True).float()
    left, found = weight[:, order].clone(), torch.empty_like(weight)
    for column in range(left.shape[1]):
        found[:, column] = torch.round(left[:, column] / step).clamp(-127, 127)
        error = (left[:, column] - found[:, column] * step) / passed_on[column, column]
        left[:, column + 1 :] -= error[:, None] * passed_on[column, column + 1 :]
    return found[:, order.argsort()].to(torch.int8), step


class RoundedLinear(nn.Module):
    """A linear layer in 8 bits: uint8 inputs by tensor, int8 weights by output.

    Args:
        layer: The layer in float32.
        inputs: Some of its inputs, float tensor (n_rows, n_inputs).
        limit: At which its inputs are to saturate, if at any.
    """

    weight: torch.Tensor
    weight_step: torch.Tensor
    bias: torch.Tensor
    step: torch.Tensor
    zero: torch.Tensor

    def __init__(self, layer: nn.Linear, inputs: torch.Tensor, limit: float | None = None) -> None:
        super().__init__()
        low, high = (float(bound) for bound in np.quantile(inputs.flatten().numpy(), [OUTLIERS, 1 - OUTLIERS]))
        low, high = min(low, 0.0), max(high, 0.0)
        step = max((high if limit is None else min(high, limit)) - low, 1e-6) / 255
        zero = round(-low / step)
        read = ((torch.round(inputs / step) + zero).clamp(0, 255) - zero) * step
        weight, weight_step = round_weight(layer.weight.detach(), read)
        bias = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach()
        self.register_buffer("weight", weight.T.contiguous())
        self.register_buffer("weight_step", weight_step)
        self.register_buffer("bias", bias)
        self.register_buffer("step", torch.tensor(step, dtype=torch.float32))
        self.register_buffer("zero", torch.tensor(zero, dtype=torch.uint8))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """The layer's output, float32 tensor (..., n_outputs)."""
        return product(values, self.weight, self.weight_step, self.bias, self.step, self.zero)


class SmoothedNorm(nn.Module):
    """A layer norm that gives the layers behind it what they read, and the residual what it was.

    Args:
        norm: Is changed.
        scale: What its output is to be divided by, float tensor (hidden,).
    """

    scale: torch.Tensor
    smooth: torch.Tensor | None = None
    whole: torch.Tensor | None = None

    def __init__(self, norm: nn.LayerNorm, scale: torch.Tensor) -> None:
        super().__init__()
        self.norm = norm
        with torch.no_grad():
            for part in norm.parameters():
                part.div_(scale)
        self.register_buffer("scale", scale)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """The norm's output as if it weren't smoothed, float tensor (..., hidden); `smooth` holds the other."""
        self.smooth = self.norm(values)
        self.whole = self.smooth * self.scale
        return self.whole


class Smoothed(nn.Module):
    """A layer that reads smoothed inputs.

    Args:
        layer: The layer.
        scale: What its inputs are to be divided by, float tensor (n_inputs,).
        norm: Has done that already, if it is where they come from.
    """

    factors: torch.Tensor

    def __init__(self, layer: nn.Module, scale: torch.Tensor, norm: SmoothedNorm | None) -> None:
        super().__init__()
        self.layer = layer
        self.norms = (norm,)  # in a tuple, it is no part of this module
        self.register_buffer("factors", 1 / scale)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """The layer's output, float tensor (..., n_outputs)."""
        (norm,) = self.norms
        smooth = norm.smooth if norm is not None and values is norm.whole else values * self.factors
        found: torch.Tensor = self.layer(smooth)
        return found


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
        rows, scale = (functional.embedding(ids, table) for table in (self.rows, self.scale))
        return rows.float() * scale
