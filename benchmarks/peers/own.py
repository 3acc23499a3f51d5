"""This project as its users get it, whole and in parts, and with the torch backend."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.peers.engine import BUNDLE, Engine, MissingError, torch_bundle
from lapor_route import Router
from lapor_route.bundle import Bundle
from lapor_route.classifiers.bert import BertClassifier
from lapor_route.classifiers.linear import LinearClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lapor_route import Classifier
    from lapor_route.decisions import Calibration

BUNDLED = "bundle:"
BUDGETS = (512, 1024, 2048, 4096)
"""Tokens of a batch among which the torch backend gets its best; ONNX keeps the package's."""


class RouterEngine(Engine):
    """The router: classifier, places, join, decision and reasons.

    Variants: ``embedded`` (the package's bundle), ``onnx`` and ``torch`` (our encoder alone, in either backend),
    ``bundle:`` and the folder of another bundle.
    """

    packages: tuple[str, ...] = ("lapor-route",)

    def __init__(self, folder: Path, threads: int, variant: str) -> None:
        super().__init__(folder, threads, variant)
        if variant == "torch" and not find_spec("torch"):
            raise MissingError("torch can't be imported", "pip install 'lapor-route[torch]'")
        if variant == "torch":
            self.packages = ("lapor-route", "torch", "transformers")
        self._bundle = _folder(variant)
        # A bundle without an encoder has neither a backend nor threads.
        encoder = Bundle.open(self._bundle).manifest["engine"] != "linear"
        given: dict[str, Any] = {"backend": "torch" if variant == "torch" else "onnx", "threads": threads}
        self.router = Router.load(self._bundle, **(given if encoder else {}))

    def choices(self) -> Sequence[Mapping[str, Any]]:
        """The token budgets, for torch."""
        return [{"token_budget": budget} for budget in BUDGETS] if self.variant == "torch" else ({},)

    def use(self, **choice: Any) -> None:
        """Sets the token budget."""
        classifier = self.router.classifier
        if choice and isinstance(classifier, BertClassifier):
            classifier.token_budget = choice["token_budget"]

    def answer(self, texts: Sequence[str]) -> list[str]:
        """The first body of each text."""
        routings = self.router.route_many(texts, top_k=1)
        return [routing.candidates[0].body_id if routing.candidates else "" for routing in routings]

    def classifier(self) -> Classifier:
        """The bundle's."""
        return self.router.classifier

    def calibration(self) -> Calibration:
        """The bundle's."""
        return self.router.calibration

    def files(self) -> list[Path]:
        """Those of the bundle that the backend reads."""
        other = "bert.onnx" if self.variant == "torch" else "bert.safetensors"
        return [path for path in Bundle.open(self._bundle).folder.iterdir() if path.name != other]


def _folder(variant: str) -> Path | None:
    """The bundle of a variant; None for the embedded one."""
    if variant == "embedded":
        return None
    return Path(variant.removeprefix(BUNDLED)) if variant.startswith(BUNDLED) else torch_bundle()


class PartEngine(Engine):
    """One of our classifiers without places and join: text in, topic out, as the peers do.

    Variants: ``encoder``, ``linear``.
    """

    packages: tuple[str, ...] = ("lapor-route",)
    model: BertClassifier | LinearClassifier

    def __init__(self, folder: Path, threads: int, variant: str) -> None:
        super().__init__(folder, threads, variant)
        bundled = BUNDLE if variant == "encoder" and BUNDLE.exists() else None
        self._bundle = Bundle.open(bundled)
        labels = self._bundle.manifest["labels"]
        if variant == "linear":
            self.model = LinearClassifier.load(self._bundle.folder, labels)
        else:
            self.model = BertClassifier.load(self._bundle.folder, labels, threads=threads)

    def answer(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text."""
        return [self.model.labels[i] for i in self.model.predict_proba(texts).argmax(axis=1)]

    def classifier(self) -> Classifier:
        """The part."""
        return self.model

    def files(self) -> list[Path]:
        """Those of the bundle that this part reads."""
        names = {"linear": ("linear.safetensors", "tokenizer.json")}
        read = names.get(self.variant, ("bert.onnx", "bert.json", "sentencepiece.model"))
        return [self._bundle.folder / name for name in read]
