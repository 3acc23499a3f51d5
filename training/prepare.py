"""Step `prepare`: from sources to the rows that are trained on and the rows that are held out."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from lapor_route.bodies import Registry
from lapor_route.classifiers.protocol import OUT_OF_SCOPE
from lapor_route.errors import InputError
from training.augment import swap_places
from training.data import Example, read_sources, remit_texts, split, target_of
from training.examples import every_region, read_examples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from training.config import DataConfig, RunConfig

TRAIN_FILE, VALIDATION_FILE, FACTS_FILE = "train.jsonl", "validation.jsonl", "data.json"
TRAINED_FILE = "trained.json"


@dataclass(frozen=True)
class Prepared:
    """What the later steps read.

    Attributes:
        train: Rows to train on, place names swapped, each text as often as `data.copies` says.
        validation: Rows held out, as they came.
        labels: All targets, sorted.
    """

    train: list[Example]
    validation: list[Example]
    labels: tuple[str, ...]


def prepare(config: RunConfig, registry: Registry | None = None) -> Prepared:
    """Reads the sources and writes `train.jsonl`, `validation.jsonl` and `data.json` into the work folder.

    The files hold citizens' texts; the work folder is therefore kept out of the repository and of packages.

    Raises:
        InputError: A source can't be used, or a target would have nothing to learn from.
    """
    prepared = collect(config, registry or Registry.load())
    write_prepared(config, prepared)
    return prepared


def write_prepared(config: RunConfig, prepared: Prepared) -> None:
    """Writes rows where the later steps read them."""
    config.work.mkdir(parents=True, exist_ok=True)
    _write(config.work / TRAIN_FILE, prepared.train)
    _write(config.work / VALIDATION_FILE, prepared.validation)
    facts = {"labels": list(prepared.labels), "config": _fingerprint(config), **facts_of(prepared)}
    (config.work / FACTS_FILE).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def collect(config: RunConfig, registry: Registry, *, swap: bool = True) -> Prepared:
    """The rows of a run, before anything is written; without swapped place names they come quicker."""
    data = config.data
    flat = data.labels == "flat"
    examples = read_sources(data.sources, registry, caps=data.caps, flat=flat)
    if data.examples:
        written = read_examples(registry)
        examples += [*_flat(written)] if flat else written
    if data.regions:
        examples += _regional(registry, data)
    train, validation = split(examples, data.held_out)
    if data.validation:
        train, validation = examples, read_sources([data.validation], registry, caps=data.caps, flat=flat)
    if data.remits:
        train += [e for e in remit_texts(registry) if not flat or e.target in registry]
    if swap:
        train = [copy for example in train for copy in _copies(example, data, config.seed)]
    labels = sorted({example.target for example in train})
    validation = [example for example in validation if example.target in set(labels)]
    if len(labels) < 2 or not validation:
        raise InputError(
            f"the sources give {len(train)} rows of {len(labels)} targets to train on and {len(validation)} to "
            "validate on; name more of them in data.sources, or a file in data.validation"
        )
    return Prepared(train, validation, tuple(labels))


def read_prepared(config: RunConfig) -> Prepared:
    """What `prepare` wrote.

    Raises:
        InputError: It wasn't run, or for another `[data]` or seed.
    """
    facts = read_facts(config)
    if facts["config"] != _fingerprint(config):
        raise InputError(f"{config.work} was prepared for another [data] or seed; run the step prepare again")
    return Prepared(
        list(_read(config.work / TRAIN_FILE)), list(_read(config.work / VALIDATION_FILE)), tuple(facts["labels"])
    )


def read_facts(config: RunConfig) -> dict[str, Any]:
    """Labels, counts and hash of the prepared rows.

    Raises:
        InputError: The step `prepare` wasn't run.
    """
    try:
        facts: dict[str, Any] = json.loads((config.work / FACTS_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there are no prepared rows in {config.work}; run the step prepare first") from None
    return facts


def mark_trained(config: RunConfig, model: str) -> None:
    """Writes down which rows a model was trained on."""
    path = config.work / TRAINED_FILE
    trained = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(trained | {model: read_facts(config)["sha256"]}) + "\n", encoding="utf-8")


def check_trained(config: RunConfig, model: str) -> None:
    """Refuses a model that wasn't trained, or on other rows than those prepared.

    Raises:
        InputError: It is such a model.
    """
    path = config.work / TRAINED_FILE
    trained = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if trained.get(model) != read_facts(config)["sha256"]:
        raise InputError(f"there is no {model} model of these rows in {config.work}; run the step train first")


def _copies(example: Example, data: DataConfig, seed: int) -> Iterator[Example]:
    for number in range(data.copies):
        rng = random.Random(f"{seed}/{example.key}/{number}")
        swapped = example.source != "remits" and data.swap_places > 0
        text = swap_places(example.text, rng, data.swap_places) if swapped else example.text
        yield replace(example, text=text, copy=number)


def _flat(examples: Iterable[Example]) -> Iterator[Example]:
    """The examples that name their body, with it as the target."""
    for example in examples:
        if example.body_id or example.target == OUT_OF_SCOPE:
            yield replace(example, target=example.body_id or example.target)


def _regional(registry: Registry, data: DataConfig) -> list[Example]:
    """Written texts for every kabupaten/kota, its own places in them."""
    return [
        Example(
            text=row["text"],
            target=row["body_id"] if data.labels == "flat" else target_of(row["body_id"], registry),
            source="regions",
            key=f"region-{number}",
            body_id=row["body_id"],
        )
        for number, row in enumerate(every_region(registry, data.regions))
    ]


def facts_of(prepared: Prepared) -> dict[str, Any]:
    """Counts and hash of prepared rows."""
    digest = hashlib.sha256()
    for example in sorted(prepared.train, key=lambda example: (example.key, example.copy)):
        digest.update(f"{example.key}\t{example.target}\t{example.text}\n".encode())
    originals = [example for example in prepared.train if not example.copy]
    return {
        "rows": len(originals),
        "rows_with_copies": len(prepared.train),
        "validation_rows": len(prepared.validation),
        "sources": dict(Counter(example.source for example in originals)),
        "targets": dict(Counter(example.target for example in originals).most_common()),
        "sha256": digest.hexdigest(),
    }


def _fingerprint(config: RunConfig) -> dict[str, Any]:
    return json.loads(json.dumps(asdict(config.data) | {"seed": config.seed}))  # type: ignore[no-any-return]


def _write(path: Path, examples: Sequence[Example]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for example in examples:
            row = asdict(example) | {"acceptable": sorted(example.acceptable)}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _read(path: Path) -> Iterator[Example]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield Example(**row | {"acceptable": frozenset(row["acceptable"])})
