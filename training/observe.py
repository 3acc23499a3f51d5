"""What the linear layers of an encoder read, seen on training texts: sizes, examples, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from lapor_route.classifiers.bert import batches, pad
from training.graph import STACK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.classifiers.encoder import EncoderClassifier

ROWS = 12_000
"""Inputs of each layer that are kept, at least, of texts that have so many tokens."""
_TOKEN_BUDGET = 4096


@dataclass
class Seen:
    """What was seen of a tensor that linear layers read, and what was made of that.

    Attributes:
        largest: Largest absolute value of each channel, float tensor (n_inputs,).
        rows: Some of its rows, float tensors (n_rows, n_inputs).
        norm: Name of the layer norm whose output it is, if it is one's.
        value: Name of the layer whose output attention mixed, if it is that.
        unit: Name of the layer whose output went through an activation, if it is that.
        limit: At which the layers' inputs are to saturate, if at any.
        scale: What the layers expect it to be divided by, float tensor (n_inputs,), if by anything.
    """

    largest: torch.Tensor
    rows: list[torch.Tensor] = field(default_factory=list)
    norm: str = ""
    value: str = ""
    unit: str = ""
    limit: float | None = None
    scale: torch.Tensor | None = None

    def inputs(self) -> torch.Tensor:
        """The rows as the layers expect them, float tensor (n_rows, n_inputs)."""
        rows = torch.cat(self.rows)
        return rows if self.scale is None else rows / self.scale


def observe(module: EncoderClassifier, inputs: Sequence[Sequence[int]], padding: int) -> dict[str, Seen]:
    """Runs a network on some texts and watches the linear layers of its encoder.

    Args:
        module: The network, on the CPU.
        inputs: Token ids of the texts.
        padding: Id of the padding token.

    Returns:
        What each layer reads, by the layer's name in the encoder, in the order in which they run; layers that read
        the same tensor share one.
    """
    watch = _Watch(step=max(1, sum(map(len, inputs)) // ROWS))
    hooks = []
    for name, layer in module.encoder.named_modules():
        if isinstance(layer, nn.LayerNorm) and layer.weight is not None:
            hooks.append(layer.register_forward_hook(partial(watch.normed, name)))
        if isinstance(layer, nn.Linear):
            hooks.append(layer.register_forward_pre_hook(partial(watch.read, name)))
            hooks.append(layer.register_forward_hook(partial(watch.multiplied, name)))
    with torch.inference_mode():
        for rows in batches([len(ids) for ids in inputs], _TOKEN_BUDGET):
            ids, mask = (torch.from_numpy(array) for array in pad([inputs[row] for row in rows], padding))
            watch.mask = mask > 0
            module(ids, mask)
    for hook in hooks:
        hook.remove()
    return watch.seen


class _Watch:
    """Follows an encoder from layer to layer; of the last norm, reader and product it knows name and tensor.

    Args:
        step: Of so many rows one is kept.
    """

    def __init__(self, step: int) -> None:
        self.step = step
        self.mask = torch.ones((0, 0))
        self.seen: dict[str, Seen] = {}
        self.norm: tuple[str, Any] = ("", None)
        self.reader: tuple[str, Any] = ("", None)
        self.product: tuple[str, Any] = ("", None)

    def normed(self, name: str, _: nn.Module, __: Any, output: torch.Tensor) -> None:
        self.norm = name, output

    def multiplied(self, name: str, layer: nn.Linear, _: Any, output: torch.Tensor) -> None:
        self.product = (name, output) if layer.bias is not None else ("", None)

    def read(self, name: str, _: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        (values,) = arguments
        if values is self.reader[1]:
            self.seen[name] = self.seen[self.reader[0]]
            return
        self.reader = name, values
        kept = values[self.mask.T if name.startswith(STACK) else self.mask]
        seen = self.seen.setdefault(name, Seen(torch.zeros(kept.shape[1])))
        seen.largest = torch.maximum(seen.largest, kept.abs().amax(dim=0))
        seen.rows.append(kept[:: self.step].clone())
        before, output = self.product
        if values is self.norm[1]:
            seen.norm = self.norm[0]
        elif before and output.shape == values.shape:
            if before.endswith("value"):
                seen.value = before
            elif torch.allclose(functional.gelu(output), values, atol=0.01):
                seen.unit = before
