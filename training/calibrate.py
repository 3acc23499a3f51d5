"""Step `calibrate`: temperatures, the weights of both models, and the router's calibration, on held-out rows.

Everything here is fitted on rows that neither model was trained on.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from lapor_route.bodies import Registry
from lapor_route.classifiers.bert import BertClassifier
from lapor_route.classifiers.joint import JointSettings, pool
from lapor_route.classifiers.linear import LinearClassifier
from lapor_route.classifiers.protocol import softmax
from lapor_route.complaint import MAX_CHARACTERS
from lapor_route.decisions import Calibration
from lapor_route.errors import BundleError, InputError
from lapor_route.places import PlaceResolver
from training.calibration import FOLDS, SOURCE_WEIGHTS, fit_calibration, fold_of
from training.data import CAPS
from training.finetune import ENCODER_FOLDER
from training.fit import LINEAR_FOLDER
from training.prepare import TRAINED_FILE, VALIDATION_FILE, check_trained, read_prepared
from training.priors import STRENGTHS, log_ratios

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from training.config import RunConfig
    from training.data import Example
    from training.prepare import Prepared

OWN_SOURCE_WEIGHT = 1.0
"""Of held-out rows from a source that isn't this project's: a user's own."""


@dataclass(frozen=True)
class Calibrated:
    """What the bundle gets beside the weights.

    Attributes:
        temperatures: Of each model, ``linear`` and/or ``bert``.
        weights: Of each model's log-probabilities; 1 for a model alone.
        bias: Added to each label's log-probability: a move towards the natural mix.
        calibration: Of the router.
        figures: Measured on the held-out rows.
    """

    temperatures: dict[str, float]
    weights: dict[str, float]
    bias: tuple[float, ...]
    calibration: Calibration
    figures: dict[str, Any]


@dataclass(frozen=True)
class Remembered:
    """A classifier that answers from a table, so that trials of a calibration cost no inference."""

    labels: tuple[str, ...]
    table: dict[str, np.ndarray]

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities, float array (n_texts, n_labels)."""
        return np.array([self.table[text] for text in texts]).reshape(len(texts), len(self.labels))


def calibrate(config: RunConfig) -> Calibrated:
    """Fits what `Calibrated` holds and writes it as `calibrated-ENGINE.json` into the work folder.

    Raises:
        InputError: An earlier step wasn't run.
    """
    prepared = read_prepared(config)
    rows = prepared.validation
    targets = np.array([prepared.labels.index(row.target) for row in rows])
    weight = row_weights(rows)
    scores = validation_scores(config, prepared)
    temperatures = {name: fit_temperature(found, targets, weight) for name, found in scores.items()}
    logs = {name: log_softmax(found / temperatures[name]) for name, found in scores.items()}
    weights = fit_weights(logs, targets, weight)
    registry = Registry.load()
    resolver = PlaceResolver(registry)
    # What is counted on a row may not shift the row itself: each fold's ratios leave it out.
    folds = np.array([fold_of(row) for row in rows])
    ratios = log_ratios(prepared.labels, prepared.train, [*prepared.train, *rows])
    without = np.stack(
        [
            log_ratios(prepared.labels, prepared.train, [*prepared.train, *_outside(rows, folds, fold)])
            for fold in range(FOLDS)
        ]
    )
    together = joined(logs, weights)
    best: Calibrated | None = None
    for strength in STRENGTHS if ratios.any() else STRENGTHS[:1]:
        bias = strength * ratios
        probabilities = softmax(together + strength * without[folds])
        read = (row.text[:MAX_CHARACTERS] for row in rows)
        remembered = Remembered(prepared.labels, dict(zip(read, probabilities, strict=True)))
        calibration, figures = fit_calibration(remembered, rows, weight, registry, resolver)
        right = probabilities.argmax(axis=1) == targets
        figures |= {
            "prior_shift": strength,
            "held_out_target_top1": round(float(np.average(right, weights=weight)), 4),
            "target_top1_by_source": by_source(rows, right),
        }
        if best is None or figures["held_out_log_loss"] < best.figures["held_out_log_loss"]:
            best = Calibrated(temperatures, weights, tuple(bias.tolist()), calibration, figures)
    assert best is not None
    path = config.work / f"calibrated-{config.engine}.json"
    path.write_text(json.dumps(asdict(best), indent=1) + "\n", encoding="utf-8")
    return best


def _outside(rows: Sequence[Example], folds: np.ndarray, fold: int) -> list[Example]:
    return [row for row, its in zip(rows, folds, strict=True) if its != fold]


def read_calibrated(config: RunConfig) -> Calibrated:
    """What `calibrate` wrote.

    Raises:
        InputError: It wasn't run, or by another version.
    """
    path = config.work / f"calibrated-{config.engine}.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no {path}; run the step calibrate first") from None
    try:
        calibration = Calibration.from_dict(data.pop("calibration"))
    except BundleError as error:
        raise InputError(f"{path} is another version's ({error}); run the step calibrate again") from error
    return Calibrated(calibration=calibration, bias=tuple(data.pop("bias")), **data)


def fit_temperature(scores: np.ndarray, targets: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The temperature that gives held-out targets the highest likelihood.

    Args:
        scores: Float array (n_texts, n_labels), before the softmax.
        targets: Int array (n_texts,); column of the right label.
        weight: Float array (n_texts,).
    """
    row = np.arange(len(targets))

    def loss(log_temperature: float) -> float:
        logs = log_softmax(scores / math.exp(log_temperature))
        return -float(np.average(logs[row, targets], weights=weight))

    return math.exp(float(minimize_scalar(loss, bounds=(-4.0, 2.0), method="bounded").x))


def fit_weights(logs: dict[str, np.ndarray], targets: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """The weights of a logarithmic opinion pool that give held-out targets the highest likelihood.

    Args:
        logs: Log-probabilities of each model, float arrays (n_rows, n_labels).
        targets: int array (n_rows,); column of the right label.
        weight: float array (n_rows,).
    """
    names = list(logs)
    if len(names) == 1:
        return {names[0]: 1.0}
    row = np.arange(len(targets))

    def loss(parameters: np.ndarray) -> float:
        pooled = np.sum([share * logs[name] for share, name in zip(parameters, names, strict=True)], axis=0)
        return -float(np.average(log_softmax(pooled)[row, targets], weights=weight))

    found = minimize(loss, np.full(len(names), 0.7), bounds=[(0.0, 2.0)] * len(names), method="L-BFGS-B")
    return {name: round(float(share), 4) for name, share in zip(names, found.x, strict=True)}


def joined(logs: dict[str, np.ndarray], weights: dict[str, float]) -> np.ndarray:
    """Log-probabilities of all models together, before any bias, float array (n_rows, n_labels)."""
    if len(logs) == 1:
        return next(iter(logs.values()))
    settings = JointSettings(weights["linear"], weights["bert"], (0.0,) * logs["linear"].shape[1])
    together: np.ndarray = np.log(pool(np.exp(logs["linear"]), np.exp(logs["bert"]), settings))
    return together


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """Log-probabilities, float array (n_rows, n_labels)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def by_source(rows: Sequence[Example], right: np.ndarray) -> dict[str, list[float]]:
    """Share right and number of rows of each source."""
    sources = np.array([row.source for row in rows])
    return {
        source: [round(float(right[sources == source].mean()), 4), int((sources == source).sum())]
        for source in sorted(set(sources.tolist()))
    }


def validation_scores(config: RunConfig, prepared: Prepared) -> dict[str, np.ndarray]:
    """Scores of the run's models on the held-out rows, before any softmax; kept in the work folder.

    Returns:
        ``linear`` and/or ``bert``: float32 arrays (n_rows, n_labels).
    """
    texts = [row.text for row in prepared.validation]
    models: dict[str, Callable[[], LinearClassifier | BertClassifier]] = {
        "linear": lambda: LinearClassifier.load(config.work / LINEAR_FOLDER, prepared.labels),
        "bert": lambda: BertClassifier.load(config.work / ENCODER_FOLDER, prepared.labels, backend="torch"),
    }
    wanted = [name for name, has in (("linear", config.has_linear), ("bert", config.has_encoder)) if has]
    found: dict[str, np.ndarray] = {}
    for name in wanted:
        check_trained(config, name)
        path = config.work / f"validation-{name}.npy"
        newest = max((config.work / file).stat().st_mtime_ns for file in (TRAINED_FILE, VALIDATION_FILE))
        if not path.exists() or path.stat().st_mtime_ns < newest:
            np.save(path, models[name]().decision_function(texts))
        found[name] = np.load(path, allow_pickle=False)
    return found


def row_weights(rows: Sequence[Example]) -> np.ndarray:
    """How much each held-out row counts, so that together they resemble what LAPOR! gets; float array (n_rows,).

    The fillings of one text share its weight.
    """
    fillings = Counter(row.key.partition("#")[0] for row in rows if "#" in row.key)
    weights = [SOURCE_WEIGHTS.get(row.source, 0.0 if row.source in CAPS else OWN_SOURCE_WEIGHT) for row in rows]
    shares = [1 / fillings.get(row.key.partition("#")[0], 1) for row in rows]
    together: np.ndarray = np.array(weights) * np.array(shares)
    return together
