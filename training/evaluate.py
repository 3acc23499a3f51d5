"""Step `evaluate`: measures a run's bundle on labelled files, as `lapor-route evaluate` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapor_route import Router
from lapor_route.evaluation import evaluate_file

if TYPE_CHECKING:
    from training.config import RunConfig


def evaluate(config: RunConfig) -> dict[str, dict[str, Any]]:
    """Figures by file; reports lie in `evaluation-ENGINE/FILE` of the work folder.

    Raises:
        InputError: A file isn't usable.
        BundleError: The bundle wasn't exported.
    """
    router = Router.load(config.out)
    return {file: evaluate_file(router, Path(file), evaluation_folder(config, file)) for file in config.evaluate}


def evaluation_folder(config: RunConfig, file: str) -> Path:
    """Where the report on a file lies."""
    number = config.evaluate.index(file)
    return config.work / f"evaluation-{config.engine}" / f"{number}-{Path(file).stem}"
