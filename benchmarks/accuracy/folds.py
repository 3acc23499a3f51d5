"""Cross-validation over the folds of a file, and the training of one trial.

`trial` is also what `python -m benchmarks.ten_bodies` runs.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.accuracy.rows import sample
from benchmarks.peers.classical import fit_svm
from lapor_route.classifiers.bert import BertClassifier
from lapor_route.classifiers.linear import LinearClassifier
from training.config import load_config
from training.data import Example
from training.fit import LINEAR_FOLDER, fit_linear, fit_rows
from training.prepare import Prepared, write_prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.options import Options
    from training.config import RunConfig

    Rows = Sequence[dict[str, Any]]

ROOT = Path(__file__).parent.parent.parent
CONFIG = ROOT / "training" / "configs" / "ten_bodies.toml"
INNER_SHARE = 0.1
QUICK_ROWS, QUICK_FOLDS = 800, 2


def cross_validate(options: Options, progress: Callable[[str, float], None], rows: Rows) -> dict[str, Any]:
    """Each engine trained on all folds but one and tested on that one; the label alone counts as right.

    Args:
        options: Of the run; a quick one takes few rows and folds, and BERT only comes with `encoder`.
        progress: Told what is done next, and the share that is done.
        rows: With `text`, `body_id` and `fold`.

    Returns:
        `rows`, `folds`: by number, accuracies by engine and the rows tested on.
    """
    labelled = [row for row in rows if row.get("body_id")]
    chosen = sample(labelled, QUICK_ROWS) if options.quick else labelled
    folds = sorted({row["fold"] for row in chosen})
    config = load_config(CONFIG)
    found: dict[str, dict[str, float]] = {}
    for number, fold in enumerate(folds[:QUICK_FOLDS] if options.quick else folds):
        train = [row for row in chosen if row["fold"] != fold]
        test = [row for row in chosen if row["fold"] == fold]
        progress(f"fold {fold}", number / len(folds))
        found[str(fold)] = {"rows": len(test)} | _ngrams(config, train, test)
        if options.encoder:
            progress(f"fold {fold}, BERT", (number + 0.1) / len(folds))
            own = replace(config, work=options.work / f"fold-{fold}")
            kept = options.work / f"fold-{fold}-{_key(train, test)}.json"
            both = _remembered(kept, lambda own=own, train=train, test=test: trial(own, train, test))  # type: ignore[misc]
            found[str(fold)] |= {name: both[name] for name in ("bert", "joint")}
    return {"rows": len(chosen), "of": len(labelled), "folds": found}


def _ngrams(config: RunConfig, train: Rows, test: Rows) -> dict[str, float]:
    """Accuracy of the two linear models, trained on all of the rows, each row counting the same."""
    examples = [_example(row) for row in train]
    texts, targets = [row["text"] for row in test], [row["body_id"] for row in test]
    ours = fit_rows(config, examples)
    first = [ours.labels[i] for i in ours.decision_function(texts).argmax(axis=1)]
    theirs = fit_svm(examples, np.ones(len(examples))).predict(texts)
    return {"linear": _share(first, targets), "svm": _share(theirs, targets)}


def _share(answers: Sequence[str], targets: Sequence[str]) -> float:
    return round(float(np.mean([a == b for a, b in zip(answers, targets, strict=True)])), 4)


def trial(config: RunConfig, train: Rows, test: Rows) -> dict[str, float]:
    """Accuracy of the linear model, BERT and their pool, trained on some rows and tested on others.

    A tenth of the training rows is held out for temperatures and the weights of both.

    Args:
        config: Says what is trained; its work folder is emptied.
        train: Rows with `id`, `text`, `body_id` and `source`.
        test: Such rows.
    """
    # These pull torch, which the n-grams don't need.
    from training.calibrate import fit_temperature, fit_weights, log_softmax
    from training.finetune import ENCODER_FOLDER, finetune

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
    return Example(
        row["text"], row["body_id"], source=row.get("source") or "", key=row.get("id") or "", body_id=row["body_id"]
    )


def _remembered(path: Path, work: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What hours of training found, kept in a file so that a stopped run goes on where it was."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(work()), encoding="utf-8")
    found: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _key(train: Rows, test: Rows) -> str:
    """Of the rows, the configuration and the code that trains."""
    digest = hashlib.sha256(json.dumps([train, test]).encode())
    code = [CONFIG, Path(__file__), *sorted((ROOT / "training").glob("*.py"))]
    for path in [*code, *sorted((ROOT / "src" / "lapor_route" / "classifiers").glob("*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
