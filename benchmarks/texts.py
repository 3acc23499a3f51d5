"""Complaints of the length mix of real ones, made of those written for training."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

EXAMPLES = Path(__file__).parent.parent / "training" / "examples"
MEDIAN_WORDS, P90_WORDS = 46, 136
"""Of real complaints (goals.md); between and beyond, a log-normal distribution."""
_LEAST, _MOST = 3, 600
_P90 = 1.2815515655446004
"""The standard normal's quantile at 0.9."""


def mixed_texts(number: int, seed: int) -> list[str]:
    """Texts with a median of 46 words and 136 at the ninth decile; the same for the same seed.

    Written complaints are cut or joined to the length that is drawn, so that words and places are lively; such a
    text needn't make sense as a whole, and its label is of no use.
    """
    random = np.random.default_rng(seed)
    written = _written()
    spread = np.log(P90_WORDS / MEDIAN_WORDS) / _P90
    lengths = np.exp(random.normal(np.log(MEDIAN_WORDS), spread, number)).clip(_LEAST, _MOST).astype(int)
    texts = []
    for length in lengths:
        words: list[str] = []
        while len(words) < length:
            words.extend(written[random.integers(len(written))].split())
        texts.append(" ".join(words[:length]))
    return texts


@cache
def _written() -> tuple[str, ...]:
    files = sorted(EXAMPLES.glob("*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return tuple(row["text"] for row in rows if row.get("text"))
