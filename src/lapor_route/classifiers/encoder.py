"""The network that is fine-tuned: an encoder, the mean over its tokens, and one linear layer. Needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence


class EncoderClassifier(nn.Module):
    """Scores the labels of a text from the mean of an encoder's token vectors.

    Args:
        encoder: Any `transformers.AutoModel` that returns `last_hidden_state`.
        number_of_labels: Columns of the scores.
        dropout: Before the last layer, in training.
    """

    def __init__(self, encoder: Any, number_of_labels: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        if getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None  # the mean is taken instead, and unused weights stop multi-GPU training
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, number_of_labels)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Scores before the softmax.

        Args:
            input_ids: int64 tensor (n_texts, n_tokens).
            attention_mask: int64 tensor (n_texts, n_tokens); 1 for a token, 0 for padding.

        Returns:
            float32 tensor (n_texts, n_labels).
        """
        scores: torch.Tensor = self.head(self.dropout(self.mean(input_ids, attention_mask)))
        return scores.float()

    def mean(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """The mean over each text's token vectors, padding left out, float tensor (n_texts, hidden)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(1).to(states.dtype)
        # A product: ONNX Runtime's sum adds in another order for a batch of one, and so gives another last digit.
        mean: torch.Tensor = torch.bmm(mask, states).squeeze(1) / mask.sum(dim=2)
        return mean


def keep_layers(encoder: Any, layers: Sequence[int]) -> None:
    """Leaves only some of a BERT's layers, in the order given (0 is the first).

    Raises:
        ValueError: The encoder has no such layers.
    """
    stack = getattr(getattr(encoder, "encoder", None), "layer", None)
    if not isinstance(stack, nn.ModuleList):
        raise ValueError(
            f"a {type(encoder).__name__} has no list of layers to choose from; leave `layers` out of the config"
        )
    if not layers or not all(0 <= layer < len(stack) for layer in layers):
        raise ValueError(
            f"layers {list(layers)} aren't all among the encoder's {len(stack)} (0 to {len(stack) - 1})"
        )
    encoder.encoder.layer = nn.ModuleList([stack[layer] for layer in layers])
    encoder.config.num_hidden_layers = len(layers)
