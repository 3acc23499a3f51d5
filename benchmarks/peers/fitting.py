"""Trains a peer on the rows of our linear model, and calibrates it as ours is: same code, same held-out rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from benchmarks.peers.engine import CONFIG, MissingError
from lapor_route.bodies import Registry
from lapor_route.classifiers.protocol import softmax
from lapor_route.complaint import MAX_CHARACTERS
from lapor_route.decisions import Calibration
from lapor_route.errors import InputError
from lapor_route.places import PlaceResolver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from training.data import Example
    from training.prepare import Prepared

FITTED_FILE = "fitted.json"


class Scorer(Protocol):
    """A trained peer."""

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Scores before the softmax, float array (n_texts, n_labels), a column a label in sorted order."""
        ...


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is fitted on held-out rows.

    Attributes:
        labels: One a column.
        temperature: Divides the scores before the softmax.
        bias: Added to them after that.
        calibration: Of the router.
    """

    labels: tuple[str, ...]
    temperature: float
    bias: tuple[float, ...]
    calibration: Calibration

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """From scores, float array (n_texts, n_labels)."""
        return softmax(scores / self.temperature + np.array(self.bias, np.float32))

    def save(self, folder: Path) -> None:
        """Writes `fitted.json`."""
        content = {
            "labels": self.labels,
            "temperature": self.temperature,
            "bias": self.bias,
            "calibration": self.calibration.to_dict(),
        }
        (folder / FITTED_FILE).write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Fitted:
        """Reads `fitted.json`."""
        data = json.loads((folder / FITTED_FILE).read_text(encoding="utf-8"))
        calibration = Calibration.from_dict(data["calibration"])
        return cls(tuple(data["labels"]), data["temperature"], tuple(data["bias"]), calibration)


def prepared_rows() -> Prepared:
    """The rows of the embedded model.

    Raises:
        MissingError: They aren't prepared.
    """
    from training.config import load_config
    from training.prepare import read_prepared

    try:
        return read_prepared(load_config(CONFIG))
    except InputError as error:
        raise MissingError(str(error), "python -m training prepare training/configs/default.toml") from error


def fit_and_calibrate(fit: Callable[[Sequence[Example]], Scorer]) -> tuple[Scorer, Fitted]:
    """Trains without the held-out rows, calibrates on them, and trains again with them, as ours is.

    Args:
        fit: Trains on rows, one copy of each text.
    """
    prepared = prepared_rows()
    train = [row for row in prepared.train if not row.copy]
    scores = fit(train).scores([row.text for row in prepared.validation])
    fitted = fit_on_held_out(prepared, scores)
    return fit([*train, *prepared.validation]), fitted


def fit_on_held_out(prepared: Prepared, scores: np.ndarray) -> Fitted:
    """Temperature, move towards the natural mix and the router's calibration, as `training.calibrate` fits them."""
    from training.calibrate import Remembered, fit_temperature, log_softmax, row_weights
    from training.calibration import FOLDS, fit_calibration, fold_of
    from training.priors import STRENGTHS, log_ratios

    rows, labels = prepared.validation, prepared.labels
    targets, weight = np.array([labels.index(row.target) for row in rows]), row_weights(rows)
    temperature = fit_temperature(scores, targets, weight)
    logs = log_softmax(scores / temperature)
    registry = Registry.load()
    resolver = PlaceResolver(registry)
    folds = np.array([fold_of(row) for row in rows])
    ratios = log_ratios(labels, prepared.train, [*prepared.train, *rows])
    outside = [[row for row, its in zip(rows, folds, strict=True) if its != fold] for fold in range(FOLDS)]
    without = np.stack([log_ratios(labels, prepared.train, [*prepared.train, *some]) for some in outside])
    found: list[tuple[float, Fitted]] = []
    for strength in STRENGTHS:
        probabilities = softmax(logs + strength * without[folds])
        read = (row.text[:MAX_CHARACTERS] for row in rows)
        remembered = Remembered(labels, dict(zip(read, probabilities, strict=True)))
        calibration, figures = fit_calibration(remembered, rows, weight, registry, resolver)
        fitted = Fitted(labels, temperature, tuple((strength * ratios).tolist()), calibration)
        found.append((figures["held_out_log_loss"], fitted))
    return min(found, key=lambda pair: pair[0])[1]
