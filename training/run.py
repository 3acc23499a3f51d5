"""The steps of a training run, one by one or all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapor_route.errors import InputError, MissingExtraError
from training.processes import processes, rank

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.config import RunConfig


def prepare(config: RunConfig) -> str:
    """Reads the sources, splits them, swaps place names."""
    from training.prepare import prepare as run

    prepared = run(config)
    return (
        f"{len(prepared.train):,} rows to train on, {len(prepared.validation):,} held out, "
        f"{len(prepared.labels)} targets: {config.work}"
    )


def train(config: RunConfig) -> str:
    """Fine-tunes the encoder and fits the linear model.

    By torchrun every process fine-tunes; then the first one alone fits the linear model, while none waits for it.
    """
    done = []
    if config.has_encoder:
        from training.finetune import finetune

        done.append(str(finetune(config)))
    if config.has_linear and rank() == 0:
        from training.fit import fit_linear

        done.append(str(fit_linear(config)))
    return "trained: " + ", ".join(done)


def calibrate(config: RunConfig) -> str:
    """Fits temperatures, weights and the router's calibration on held-out rows."""
    from training.calibrate import calibrate as run

    found = run(config)
    return json.dumps({"weights": found.weights, "temperatures": found.temperatures, **found.figures}, indent=1)


def export(config: RunConfig) -> str:
    """Writes the bundle, its encoder as 8-bit ONNX, if that answers as torch does."""
    from training.export import export as run

    manifest = run(config)
    size = sum(path.stat().st_size for path in config.out.iterdir())
    parity = manifest["metrics"].get("parity")
    return f"{config.out}: {size:,} bytes" + (f", parity {parity}" if parity else "")


def evaluate(config: RunConfig) -> str:
    """Measures the bundle on the config's labelled files."""
    from training.evaluate import evaluate as run

    return json.dumps({name: figures["overall"] for name, figures in run(config).items()}, indent=1)


def card(config: RunConfig) -> str:
    """Writes the model card and its loss curves into the bundle."""
    from training.card import write_card

    return str(write_card(config))


STEPS: dict[str, Callable[[RunConfig], str]] = {
    "prepare": prepare,
    "train": train,
    "calibrate": calibrate,
    "export": export,
    "evaluate": evaluate,
    "card": card,
}


def run_steps(config: RunConfig, steps: list[str]) -> None:
    """Runs steps in their order and prints what each gave.

    Raises:
        InputError: There are several processes, and steps that one must do alone.
    """
    if processes() > 1 and steps != ["train"]:
        raise InputError(
            "only the step train runs on several processes; run prepare before it and the others after it on one: "
            "python -m training STEP CONFIG"
        )
    for step in steps:
        if rank() == 0:
            print(f"== {step}", flush=True)
        done = STEPS[step](config)
        if rank() == 0:
            print(done, flush=True)


def check(config: RunConfig) -> dict[str, Any]:
    """A dry run: reads the sources and the base model, trains nothing, writes nothing.

    Raises:
        InputError: Something would stop the run.
        MissingExtraError: A package is missing.
    """
    from lapor_route.bodies import Registry
    from training.prepare import collect, facts_of

    missing = [file for file in config.evaluate if not Path(file).is_file()]
    if missing:
        raise InputError(f"evaluate names files that aren't there: {', '.join(missing)}")
    prepared = collect(config, Registry.load(), swap=False)
    found: dict[str, Any] = {key: value for key, value in facts_of(prepared).items() if key != "sha256"}
    if config.has_encoder:
        from training.finetune import check_encoder

        found |= check_encoder(config, prepared)
    return found


def need_extra() -> None:
    """Refuses to go on without the packages of the extra `train`.

    Raises:
        MissingExtraError: One of them is missing.
    """
    from importlib.util import find_spec

    names = ("torch", "transformers", "datasets", "onnx", "sklearn", "lokal")
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"training needs {', '.join(missing)}: run pip install -e '.[train]' in a clone of the repository"
        )
