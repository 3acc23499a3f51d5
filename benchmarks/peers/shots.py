"""Few and no examples: an embedding by the base model, and a logistic regression or the bodies' descriptions."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers.engine import BASE, MAX_TOKENS, ROOT, Engine, MissingError, package
from benchmarks.peers.fitting import prepared_rows
from lapor_route.bodies import Registry
from lapor_route.classifiers.bert import batches, pad
from lapor_route.classifiers.protocol import SPECIAL_LABELS, softmax
from lapor_route.classifiers.tokens import SENTENCEPIECE_FILE, SentencePieceSegmenter, encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lapor_route import Classifier

BUDGETS = (512, 1024, 2048, 4096)
PREFIX = "query: "
"""What the base model's family, E5, was trained with before each text."""
TEMPERATURE = 0.01
"""Of cosines; E5's own in training (Wang et al., 2022)."""
_FILE = "labels.npz"


class ShotsEngine(Engine):
    """Variants: ``0`` (the label whose description is nearest), ``8`` or so (examples a label, regression)."""

    packages = ("torch", "transformers", "sentencepiece")

    @classmethod
    def make(cls, folder: Path, variant: str, threads: int) -> None:
        """Embeds the descriptions, or n training rows a label, and fits the regression."""
        embed = Embedder(threads)
        if variant == "0":
            labels, texts = zip(*descriptions(), strict=True)
            np.savez(folder / _FILE, labels=labels, weight=embed(texts).T / TEMPERATURE, bias=np.zeros(len(labels)))
            return
        from sklearn.linear_model import LogisticRegression

        texts, targets = zip(*shots(int(variant)), strict=True)
        model = LogisticRegression(C=10.0, max_iter=1000).fit(embed(texts), targets)
        np.savez(folder / _FILE, labels=model.classes_, weight=model.coef_.T, bias=model.intercept_)

    def __init__(self, folder: Path, threads: int, variant: str) -> None:
        super().__init__(folder, threads, variant)
        data = np.load(folder / _FILE)
        self.labels: Sequence[str] = data["labels"].tolist()
        self._weight, self._bias = data["weight"], data["bias"]
        self._embed = Embedder(threads)

    def choices(self) -> Sequence[Mapping[str, Any]]:
        """The token budgets."""
        return [{"token_budget": budget} for budget in BUDGETS]

    def use(self, **choice: Any) -> None:
        """Sets the token budget."""
        self._embed.token_budget = choice.get("token_budget", BUDGETS[0])

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities, float array (n_texts, n_labels)."""
        return softmax(self._embed(texts) @ self._weight + self._bias)

    def answer(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text."""
        return [self.labels[i] for i in self.predict_proba(texts).argmax(axis=1)]

    def classifier(self) -> Classifier:
        """Itself."""
        return self

    def files(self) -> list[Path]:
        """The labels' file and the base model's."""
        return [self.folder / _FILE, BASE / "model.safetensors", BASE / "sentencepiece.model"]


class Embedder:
    """The base model's mean over a text's tokens, of length 1, by torch in float32.

    Args:
        threads: Of torch.

    Raises:
        MissingError: The base model isn't there.
    """

    def __init__(self, threads: int) -> None:
        if not BASE.exists():
            raise MissingError("build/base isn't there", "make build/base")
        self._torch = package("torch", "pip install 'lapor-route[torch]'")
        transformers = package("transformers", "pip install 'lapor-route[torch]'")
        self._torch.set_num_threads(threads)
        self._model = transformers.AutoModel.from_pretrained(BASE, add_pooling_layer=False).eval()
        self._segmenter = SentencePieceSegmenter((BASE / SENTENCEPIECE_FILE).read_bytes())
        self.token_budget = BUDGETS[0]

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings, float32 array (n_texts, hidden)."""
        inputs = encode(self._segmenter, [PREFIX + text for text in texts], MAX_TOKENS)
        found = np.empty((len(texts), self._model.config.hidden_size), np.float32)
        with self._torch.inference_mode():
            for rows in batches([len(ids) for ids in inputs], self.token_budget):
                ids, mask = map(self._torch.from_numpy, pad([inputs[row] for row in rows], self._segmenter.pad))
                states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
                wide = mask.unsqueeze(-1).float()
                mean = (states * wide).sum(1) / wide.sum(1)
                found[rows] = self._torch.nn.functional.normalize(mean).numpy()
        return found


def descriptions() -> list[tuple[str, str]]:
    """(label, what it is for) of every target in `training/remits.jsonl`."""
    registry = Registry.load()
    found = []
    for line in (ROOT / "training" / "remits.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["target"] in registry or row["target"] in SPECIAL_LABELS:
            name = registry[row["target"]].name if row["target"] in registry else row["target"].replace("_", " ")
            found.append((row["target"], f"{name}: {', '.join([*row['topics'], *row['complaints']])}"))
    return found


def shots(number: int, seed: int = 1) -> list[tuple[str, str]]:
    """(text, label): that many training rows of each label, or all that it has."""
    by_label: dict[str, list[str]] = defaultdict(list)
    for row in prepared_rows().train:
        if not row.copy:
            by_label[row.target].append(row.text)
    chance = random.Random(seed)
    return [
        (text, label)
        for label, texts in sorted(by_label.items())
        for text in chance.sample(texts, min(number, len(texts)))
    ]
