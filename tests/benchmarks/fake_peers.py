"""Peers for the tests: one that works, one that lacks a package, one that breaks."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers.engine import Engine, package
from lapor_route.decisions import Calibration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lapor_route import Classifier

LABELS = ("pln", "kabupaten_kota")


class Quick(Engine):
    """Says `pln` where the text has "listrik"; its setting is how long it sleeps first."""

    packages = ("numpy",)

    def __init__(self, folder: Path, threads: int, variant: str) -> None:
        super().__init__(folder, threads, variant)
        self.made = (folder / "model.txt").read_text(encoding="utf-8")
        self.wait = 0.0
        self.labels = LABELS

    @classmethod
    def make(cls, folder: Path, variant: str, threads: int) -> None:
        (folder / "model.txt").write_text(f"{variant} on {threads}", encoding="utf-8")

    def choices(self) -> Sequence[Mapping[str, Any]]:
        return [{"wait": wait} for wait in (0.03, 0.0, 0.02)]

    def use(self, **choice: Any) -> None:
        self.wait = choice.get("wait", 0.0)

    def answer(self, texts: Sequence[str]) -> list[str]:
        time.sleep(self.wait)
        return [LABELS[int("listrik" not in text.casefold())] for text in texts]

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[0.9, 0.1] if label == "pln" else [0.1, 0.9] for label in self.answer(texts)])

    def classifier(self) -> Classifier:
        return self

    def calibration(self) -> Calibration:
        return Calibration()


class Lacking(Quick):
    """Needs what isn't installed."""

    @classmethod
    def make(cls, folder: Path, variant: str, threads: int) -> None:
        package("no_such_package_here", "pip install no-such-package-here")


class Breaking(Quick):
    """Works once, then ends its process, or raises."""

    def answer(self, texts: Sequence[str]) -> list[str]:
        if len(texts) > 1:
            if self.variant == "ends":
                os._exit(3)
            raise ValueError("broke\nhere")
        return super().answer(texts)
