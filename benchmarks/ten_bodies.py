"""Ten bodies, as published: ten folds, and a model of the older crawl on younger complaints.

    python -m benchmarks.ten_bodies ../shared/data training/configs/ten_bodies.toml --folds 1 2 3 --younger

`annurkhozin.jsonl` holds ten national bodies and the ten folds of the study that reached 0.857 with an LSTM. For
each fold the linear model and BERT are trained on the other nine (a tenth of which is held out for temperatures
and the weights of both), and tested on it. `--younger` trains on all of that crawl and tests on the complaints of
2020 and later in `kbdp1305.jsonl` whose body is among the ten, as one of the ten. Figures go into RESULTS as they
come, so that a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lapor_route.classifiers.bert import BertClassifier
from lapor_route.classifiers.linear import LinearClassifier
from training.calibrate import fit_temperature, fit_weights, log_softmax
from training.config import load_config
from training.data import Example
from training.finetune import ENCODER_FOLDER, finetune
from training.fit import LINEAR_FOLDER, fit_linear
from training.prepare import Prepared, write_prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.config import RunConfig

OLDER, YOUNGER = "annurkhozin", "kbdp1305"
INNER_SHARE = 0.1
RESULTS = Path("build/ten_bodies.json")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with train/annurkhozin.jsonl")
    parser.add_argument("config", type=Path, help="a TOML file; its [data] isn't used")
    parser.add_argument("--folds", type=int, nargs="*", default=[], help="folds to test on")
    parser.add_argument("--younger", action="store_true", help="test on the younger complaints")
    options = parser.parse_args()
    config = load_config(options.config)
    older = _rows(options.data / "train" / f"{OLDER}.jsonl")
    done: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    trials = {
        f"fold {fold}": ([r for r in older if r["fold"] != fold], [r for r in older if r["fold"] == fold])
        for fold in options.folds
    }
    if options.younger:
        bodies = {row["body_id"] for row in older}
        younger = [r for r in _rows(options.data / "train" / f"{YOUNGER}.jsonl") if r["body_id"] in bodies]
        trials["younger"] = (older, younger)
    for name, (train, test) in trials.items():
        if name not in done:
            done[name] = _trial(replace(config, work=config.work / name.replace(" ", "-")), train, test)
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            RESULTS.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
        print(name, done[name], flush=True)
    folds = [figures for name, figures in done.items() if name.startswith("fold")]
    for engine in ("linear", "bert", "joint"):
        if folds:
            print(f"mean of {len(folds)} folds, {engine}: {np.mean([found[engine] for found in folds]):.4f}")


def _trial(config: RunConfig, train: list[dict[str, Any]], test: list[dict[str, Any]]) -> dict[str, float]:
    """Accuracy of both models and of their pool, trained on some rows and tested on others."""
    shuffled = [_example(row) for row in train]
    random.Random(config.seed).shuffle(shuffled)
    inner = int(len(shuffled) * INNER_SHARE)
    labels = tuple(sorted({example.target for example in shuffled}))
    prepared = Prepared(shuffled[inner:], shuffled[:inner], labels)
    shutil.rmtree(config.work, ignore_errors=True)
    write_prepared(config, prepared)
    fit_linear(config)
    finetune(config)
    models: dict[str, LinearClassifier | BertClassifier] = {
        "linear": LinearClassifier.load(config.work / LINEAR_FOLDER, labels),
        "bert": BertClassifier.load(config.work / ENCODER_FOLDER, labels, backend="torch"),
    }
    targets, held = _columns(prepared.validation, labels), [example.text for example in prepared.validation]
    weight = np.ones(len(targets))
    logs, tested = {}, {}
    for name, model in models.items():
        scores = model.decision_function(held)
        temperature = fit_temperature(scores, targets)
        logs[name] = log_softmax(scores / temperature)
        tested[name] = log_softmax(model.decision_function([row["text"] for row in test]) / temperature)
    weights = fit_weights(logs, targets, weight)
    tested["joint"] = np.sum([weights[name] * tested[name] for name in logs], axis=0)
    right = _columns([_example(row) for row in test], labels)
    accuracy = {name: round(float((log.argmax(axis=1) == right).mean()), 4) for name, log in tested.items()}
    shutil.rmtree(config.work)
    return accuracy | {"rows": len(test)} | {f"weight_{name}": value for name, value in weights.items()}


def _columns(examples: Sequence[Example], labels: Sequence[str]) -> np.ndarray:
    return np.array([labels.index(example.target) for example in examples])


def _example(row: dict[str, Any]) -> Example:
    return Example(row["text"], row["body_id"], source=row["source"], key=row["id"], body_id=row["body_id"])


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [row for row in map(json.loads, file) if row["body_id"]]


if __name__ == "__main__":
    main()
