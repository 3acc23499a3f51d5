"""Fits the place resolver's weights by coordinate search: `python -m training.places`.

The objective is the mean log-probability of the right region, over real regional complaints (every file counts
alike, the mixed one of many regions more) and over made-up sentences that name every region in the usual ways.
"The text doesn't tell" is scored as a draw from all regions. Weights may move only stepwise from where they are.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapor_route.bodies import Registry
from lapor_route.places import PlaceResolver
from lapor_route.places.mentions import find_matches
from lapor_route.places.resolver import load_weights
from training.phrases import place_sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = Path(__file__).parent.parent / "src/lapor_route/places/weights.json"
ROWS = {
    "lapor_2017": (1000, 3.0),
    "surabaya": (150, 0.7),
    "surabaya_2015": (120, 0.7),
    "bandung_tweets": (100, 0.5),
    "purbalingga": (150, 0.7),
    "jakarta_mixed": (120, 0.4),
    "dinsos_jatim": (100, 0.4),
}
"""Rows per file, and their weight."""
SENTENCES = 700
KEPT = (
    "priors",
    "unknown_prior",
    "place_field",
    "province",
    "commonness_with_level",
    "in",
    "area",
    "street",
    "landmark",
    "nickname",
    "official",
    "utility",
)
"""Set by hand: most rows come from a handful of cities, whose streets and landmarks are listed best."""
STEPS = (0.8, -0.8, 0.3, -0.3)


class Objective:
    """Mean log-probability of the right region over fixed texts."""

    def __init__(self, registry: Registry, rows: list[tuple[str, str, float]]) -> None:
        self.registry = registry
        self.resolver = PlaceResolver(registry)
        self.rows = [
            (
                text,
                body_id,
                weight,
                [(match, "text") for match in find_matches(text, self.resolver.gazetteer)],
            )
            for text, body_id, weight in rows
        ]

    def __call__(self, weights: dict[str, Any]) -> float:
        """The objective at some weights; higher is better."""
        resolver = self.resolver
        resolver.use_weights(weights)
        total = mass = 0.0
        for text, body_id, weight, found in self.rows:
            resolution = resolver.weigh(found, {"text": text})
            if body_id in resolver.local_ids:
                ids, probabilities = resolver.local_ids, resolution.local
            else:
                ids, probabilities = resolver.province_ids, resolution.provinces
            probability = float(probabilities[ids.index(body_id)]) + resolution.unknown / len(ids)
            total += weight * math.log(max(probability, 1e-9))
            mass += weight
        return total / mass


def real_rows(folder: Path, seed: int = 5) -> Iterator[tuple[str, str, float]]:
    """(text, body id, weight) of real regional complaints."""
    for name, (most, weight) in ROWS.items():
        lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [row for row in map(json.loads, lines) if row["kind"] == "regional" and row["body_id"]]
        random.Random(seed).shuffle(rows)
        for row in rows[:most]:
            yield row["text"], row["body_id"], weight


def slots(weights: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where the single numbers stand in the nested weights."""
    for key, value in weights.items():
        if key in KEPT:
            continue
        if isinstance(value, dict):
            yield from slots(value, (*path, key))
        else:
            yield (*path, key)


def changed(weights: dict[str, Any], path: tuple[str, ...], step: float) -> dict[str, Any]:
    """A copy of the weights with one number moved."""
    weights = copy.deepcopy(weights)
    table = weights
    for key in path[:-1]:
        table = table[key]
    small = path[-1] in ("commonness", "commonness_with_level", "sharpness", "repetition")
    table[path[-1]] = round(table[path[-1]] + step * (0.25 if small else 1.0), 3)
    return weights


def main() -> None:
    """Command line: sweeps over all weights, keeps every step that helps, and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--sweeps", type=int, default=2)
    options = parser.parse_args()
    registry = Registry.load()
    sentences = [(text, body_id, 0.6) for text, body_id in place_sentences(registry, SENTENCES, seed=7)]
    objective = Objective(registry, [*real_rows(options.data), *sentences])
    weights = load_weights()
    best = objective(weights)
    print(f"start {best:.4f} over {len(objective.rows)} texts", flush=True)
    for sweep in range(options.sweeps):
        for path in slots(weights):
            for step in STEPS:
                trial = changed(weights, path, step)
                score = objective(trial)
                if score > best + 1e-4:
                    weights, best = trial, score
                    print(f"{sweep} {'.'.join(path)} {step:+} -> {best:.4f}", flush=True)
        TARGET.write_text(json.dumps(weights, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
