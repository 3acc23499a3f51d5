"""Step `train`: fits the run's models on the prepared rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from training.linear import fit
from training.prepare import mark_trained, read_prepared

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lapor_route.classifiers.linear import LinearClassifier
    from training.config import RunConfig
    from training.data import Example

LINEAR_FOLDER = "linear"


def fit_linear(config: RunConfig) -> Path:
    """Fits the linear model into the folder `linear/` of the work folder.

    Raises:
        InputError: The rows aren't prepared.
    """
    folder = config.work / LINEAR_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    fit_rows(config, read_prepared(config).train).save(folder)
    mark_trained(config, "linear")
    return folder


def fit_rows(config: RunConfig, rows: Sequence[Example]) -> LinearClassifier:
    """The linear model of some rows; one copy of each text is enough for it."""
    settings = {name: value for name, value in asdict(config.linear).items() if name != "refit"}
    return fit([row for row in rows if not row.copy], **settings)
