"""First weights for the last layer: a linear probe on the untrained encoder's means.

Fine-tuning that begins from a probe keeps more of what the encoder knows, and needs fewer passes (Kumar et al.,
2022, "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from lapor_route.classifiers.bert import batches, pad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.classifiers.encoder import EncoderClassifier

_TOKEN_BUDGET = 4096
_ITERATIONS = 100
_UNSEEN = -8.0
"""Bias of a label without a row."""


def start_from_probe(
    module: EncoderClassifier,
    inputs: Sequence[Sequence[int]],
    targets: np.ndarray,
    weights: np.ndarray,
    *,
    c: float,
    padding: int,
    bf16: bool,
) -> None:
    """Sets the last layer to a logistic regression on the encoder's means.

    Args:
        module: The network; its encoder stays as it is.
        inputs: Token ids of each text.
        targets: int array (n_texts,).
        weights: float array (n_texts,).
        c: Inverse strength of the regression's penalty.
        padding: Id of the padding token.
        bf16: Whether matrix products run in bfloat16.
    """
    features = means(module, inputs, padding=padding, bf16=bf16)
    centre, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    probe = LogisticRegression(C=c, max_iter=_ITERATIONS, tol=1e-3)
    probe.fit((features - centre) / spread, targets, sample_weight=weights)
    weight, bias = probe.coef_ / spread, probe.intercept_
    if len(probe.classes_) == 2:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    with torch.no_grad():
        module.head.weight.zero_()
        module.head.bias.fill_(_UNSEEN)
        module.head.weight[probe.classes_] = torch.from_numpy(weight.astype(np.float32))
        module.head.bias[probe.classes_] = torch.from_numpy((bias - weight @ centre).astype(np.float32))


def means(module: EncoderClassifier, inputs: Sequence[Sequence[int]], *, padding: int, bf16: bool) -> np.ndarray:
    """What the last layer reads of each text, float32 array (n_texts, hidden)."""
    device = next(module.parameters()).device
    found = np.empty((len(inputs), module.head.in_features), dtype=np.float32)
    training = module.training
    module.eval()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for rows in batches([len(ids) for ids in inputs], _TOKEN_BUDGET):
            ids, mask = (
                torch.from_numpy(array).to(device) for array in pad([inputs[row] for row in rows], padding)
            )
            found[rows] = module.mean(ids, mask).float().cpu().numpy()
    module.train(training)
    return found
