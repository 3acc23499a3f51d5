"""Trains the embedded default bundle: `python -m training.build`.

Steps: read the dispositions and first texts; swap place names; train on four fifths, fit the temperature and
the decision thresholds on the rest; train again on everything; write `src/lapor_route/model`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lapor_route.bodies import Registry
from lapor_route.bundle import write_manifest
from lapor_route.places import PlaceResolver
from training.augment import swap_places
from training.calibration import fit_calibration
from training.card import model_card
from training.data import Example, read_dispositions, remit_texts, split
from training.examples import read_examples
from training.linear import fit, fit_temperature
from training.priors import STRENGTHS, log_ratios, shifted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.classifiers.linear import LinearClassifier

TARGET = Path(__file__).parent.parent / "src/lapor_route/model"
SWAPPED_SHARE = 0.9
VERSION = "2026.11.1"


def main() -> None:
    """Command line: trains, calibrates, exports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--out", type=Path, default=TARGET)
    parser.add_argument(
        "--only", choices=["dispositions", "examples"], help="train on one kind of text, to see what each is worth"
    )
    options = parser.parse_args()
    registry = Registry.load()
    dispositions = read_dispositions(options.data, registry)
    examples = [*dispositions, *remit_texts(registry), *read_examples(registry)]
    swapped = swap(examples)
    train, held_out = split(swapped)
    train, swapped = select(train, options.only), select(swapped, options.only)
    print(f"{len(swapped)} texts, {len(held_out)} held out", flush=True)
    first = fit(train)
    first.temperature, accuracy = temperature(first, select(held_out, options.only))
    print(f"held-out top-1 {accuracy:.4f}, temperature {first.temperature:.3f}", flush=True)
    originals = {example.key: example for example in examples}
    ratios = log_ratios(first.labels, swapped, dispositions)
    resolver = PlaceResolver(registry)
    trials = [
        fit_calibration(shifted(first, ratios, strength), [originals[e.key] for e in held_out], registry, resolver)
        for strength in STRENGTHS
    ]
    strength, (calibration, figures) = min(
        zip(STRENGTHS, trials, strict=True), key=lambda trial: trial[1][1]["held_out_brier"]
    )
    figures |= {"held_out_target_top1": accuracy, "prior_shift": strength}
    print(f"{figures}\n{calibration}", flush=True)
    final = fit(swapped)
    final.temperature = first.temperature
    final = shifted(final, log_ratios(final.labels, swapped, dispositions), strength)
    export(options.out, final, asdict(calibration), figures, swapped, registry)
    print(f"{options.out}: {sum(p.stat().st_size for p in options.out.iterdir()):,} bytes")


def select(examples: Sequence[Example], only: str | None) -> list[Example]:
    """The examples of one kind; first texts belong to both."""
    if only is None:
        return list(examples)
    return [e for e in examples if e.source == "remits" or (e.source == "examples") == (only == "examples")]


def swap(examples: Sequence[Example], seed: int = 3) -> list[Example]:
    """The examples with most of their place names swapped; first texts stay as they are."""
    rng = random.Random(seed)
    return [
        example
        if example.source == "remits"
        else replace(example, text=swap_places(example.text, rng, SWAPPED_SHARE))
        for example in examples
    ]


def temperature(classifier: LinearClassifier, held_out: Sequence[Example]) -> tuple[float, float]:
    """The temperature of the softmax, and top-1 over the targets, on held-out texts."""
    known = [example for example in held_out if example.target in classifier.labels]
    scores = classifier.decision_function([example.text for example in known])
    targets = np.array([classifier.labels.index(example.target) for example in known])
    weight = np.array([example.weight for example in known])
    right = scores.argmax(axis=1) == targets
    return fit_temperature(scores, targets, weight), round(float(np.average(right, weights=weight)), 4)


def export(
    folder: Path,
    classifier: LinearClassifier,
    calibration: dict[str, Any],
    metrics: dict[str, Any],
    examples: Sequence[Example],
    registry: Registry,
) -> None:
    """Writes the bundle."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    classifier.save(folder)
    (folder / "calibration.json").write_text(json.dumps(calibration, indent=1) + "\n", encoding="utf-8")
    digest = hashlib.sha256()
    for example in sorted(examples, key=lambda example: example.key):
        digest.update(f"{example.key}\t{example.target}\t{example.text}\n".encode())
    manifest = {
        "name": "lapor-route-linear",
        "version": VERSION,
        "engine": "linear",
        "encoder": None,
        "labels": list(classifier.labels),
        "registry_version": registry.version,
        "licence": "MIT",
        "thresholds": calibration,
        "metrics": metrics,
        "training_data": {
            "rows": len(examples),
            "sources": dict(Counter(example.source for example in examples)),
            "sha256": digest.hexdigest(),
        },
    }
    (folder / "README.md").write_text(model_card(manifest), encoding="utf-8")
    write_manifest(folder, manifest)
    for path in folder.iterdir():
        path.chmod(0o644)


if __name__ == "__main__":
    main()
