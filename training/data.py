"""Reads complaints with known dispositions, as weighted (text, target) rows for training a classifier.

A target is a central body's id, ``provinsi``, ``kabupaten_kota`` or ``out_of_scope``; for a flat model it is the
body itself. Files are read in place.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lapor_route.batch.readers import open_source
from lapor_route.bodies.registry import DKI, Registry
from lapor_route.classifiers.protocol import LOCAL, OUT_OF_SCOPE, PROVINCE
from lapor_route.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HERE = Path(__file__).parent

# Most rows of one body from one file, and their weight: some files come from one office's channel or hold
# app reviews, which are many, alike, and labelled by where they were found.
CAPS: dict[str, tuple[int, float]] = {
    "surabaya": (2500, 0.7),
    "surabaya_2015": (700, 0.7),
    "bandung_tweets": (700, 0.5),
    "purbalingga": (600, 0.7),
    "jakarta_mixed": (437, 0.5),
    "dinsos_jatim": (250, 0.3),
    "app_and_account": (350, 0.3),
}
POPULATION_PAPERS = re.compile(r"(?i)\bk\W?t\W?p|kartu keluarga|\bkk\b|\bakta\b|\bakte\b|dukcapil|blan[gk]k?o")
POPULATION_PAPERS_WEIGHT = 0.15
"""Identity cards, family cards and deeds are the kabupaten/kota's business (UU 24/2013). The national crawls hold
only the few such complaints that went to the ministry; unweighted, they'd teach that all of them go there."""
MIXED_SOURCE = "lapor_2017"
"""The one file with LAPOR!'s own mix of bodies and regions: what is chosen and calibrated, is so on it."""
ADJUDICATIONS = HERE / "adjudications.json"
"""Row id -> other defensible bodies, for rows of the mixed file on which officers and a first model disagreed."""
DISTRUSTED_BASES = frozenset({"topic"})


@dataclass(frozen=True, slots=True)
class Example:
    """One training text.

    Attributes:
        text: The complaint.
        target: Label of the classifier.
        weight: How much it counts.
        source: The file it comes from.
        key: Its id, stable between runs; fillings of one text differ behind a ``#``.
        body_id: The body of the disposition.
        acceptable: Other bodies that a reader found defensible.
        copy: Number of the copy, where a text comes several times with other place names.
    """

    text: str
    target: str
    weight: float = 1.0
    source: str = ""
    key: str = ""
    body_id: str = ""
    acceptable: frozenset[str] = frozenset()
    copy: int = 0

    def is_held_out(self, share: float) -> bool:
        """Whether it belongs to the validation part: a share by a hash of its key, and the mixed file whole."""
        key = self.key.partition("#")[0]
        return (
            self.source == MIXED_SOURCE or int(hashlib.sha256(key.encode()).hexdigest(), 16) % 1000 < share * 1000
        )


def target_of(body_id: str, registry: Registry) -> str:
    """The classifier's target for a body: itself, or the tier of a regional one.

    All of DKI Jakarta's affairs belong to its one body; most are those of a kabupaten/kota elsewhere.
    """
    if body_id == OUT_OF_SCOPE:
        return body_id
    body = registry[body_id]
    if not body.is_regional:
        return body.id
    return PROVINCE if body.kind == "province" and body.id != DKI else LOCAL


def read_sources(
    sources: Iterable[str], registry: Registry, *, caps: bool = True, flat: bool = False
) -> list[Example]:
    """All usable rows of the sources, in a fixed order.

    Args:
        sources: Folders of `.jsonl` files; `.jsonl`, `.csv` or `.parquet` files; or ``hub:owner/name`` for a data
            set of the Hugging Face hub (its split ``train``, or ``hub:owner/name:split``). Columns: `text` and
            `body_id`; optional `id`, `source`, `weight`, `acceptable` ("id;id"), `basis`.
        registry: The bodies that rows may name.
        caps: Whether the rows of a body in one file are capped and weighted as in `CAPS`, and population papers
            by `POPULATION_PAPERS_WEIGHT`.
        flat: Whether the target is the body itself, for regional bodies too.

    Raises:
        InputError: A source is missing or unreadable, or a row names no body of the registry.
    """
    examples: list[Example] = []
    for source in sources:
        for name, rows in _tables(source):
            examples.extend(_usable(name, rows, registry, caps=caps, flat=flat))
    return examples


def _tables(source: str) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """(name, rows) of each table behind a source."""
    if source.startswith("hub:"):
        name, _, part = source.removeprefix("hub:").partition(":")
        yield name.rpartition("/")[2], _hub_rows(name, part or "train")
        return
    path = Path(source)
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"the folder {path} holds no .jsonl files")
    for file in files:
        yield file.stem, _file_rows(file)


def _hub_rows(name: str, part: str) -> Iterator[dict[str, Any]]:
    from datasets import load_dataset

    try:
        rows = load_dataset(name, split=part)
    except Exception as error:
        raise InputError(f"the data set {name!r}, split {part!r}, can't be loaded from the hub: {error}") from error
    yield from rows


def _file_rows(path: Path) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(open_source(path, list_columns=False).rows(), 1):
        if row.error:
            raise InputError(f"{path}, row {number}: {row.error}")
        yield row.values


def _usable(
    name: str, rows: Iterator[dict[str, Any]], registry: Registry, *, caps: bool, flat: bool
) -> Iterator[Example]:
    cap, weight = CAPS.get(name, (10**9, 1.0)) if caps else (10**9, 1.0)
    adjudications = {key: set(ids) for key, ids in json.loads(ADJUDICATIONS.read_text("utf-8")).items()}
    by_body: dict[str, list[Example]] = defaultdict(list)
    for number, row in enumerate(rows, 1):
        if row.get("body_id") in (None, "") or row.get("basis") in DISTRUSTED_BASES:
            continue
        where = f"{name}, row {number}"
        body_id = _checked(row, registry, where)
        papers = POPULATION_PAPERS_WEIGHT if caps and _is_misplaced(name, row) else 1.0
        given = row.get("id")
        key = str(f"{name}-{number - 1}" if given in (None, "") else given).replace("#", "-")
        example = Example(
            text=row["text"],
            target=body_id if flat else target_of(body_id, registry),
            weight=weight * papers * _weight(row, where),
            source=name,
            key=key,
            body_id=body_id,
            acceptable=_acceptable(row, where) | adjudications.get(key, set()),
        )
        by_body[body_id].append(example)
    for found in by_body.values():
        random.Random(1).shuffle(found)
        yield from found[:cap]


def _checked(row: dict[str, Any], registry: Registry, where: str) -> str:
    """The row's body id.

    Raises:
        InputError: The row has no text, or names a body that the registry doesn't know.
    """
    body_id = row["body_id"]
    if not isinstance(body_id, str) or (body_id not in registry and body_id != OUT_OF_SCOPE):
        raise InputError(
            f"{where}: {str(body_id)[:60]!r} is no body of registry {registry.version}; "
            "`lapor-route bodies QUERY` finds the right id"
        )
    if not isinstance(row.get("text"), str):
        raise InputError(f"{where}: the column text must hold a string, found {type(row.get('text')).__name__}")
    return body_id


def _weight(row: dict[str, Any], where: str) -> float:
    """How much a row counts, 1 where it doesn't say."""
    given = row.get("weight")
    if given in (None, ""):
        return 1.0
    try:
        weight = float(given)
    except (TypeError, ValueError):
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise InputError(f"{where}: the column weight must hold a positive number, found {given!r}")
    return weight


def _acceptable(row: dict[str, Any], where: str) -> frozenset[str]:
    """The other bodies that count as right."""
    given = row.get("acceptable") or ""
    if not isinstance(given, str):
        raise InputError(f"{where}: the column acceptable must hold ids with ; between them, found {given!r}")
    return frozenset(part.strip() for part in given.split(";") if part.strip())


def remit_texts(registry: Registry) -> Iterator[Example]:
    """First texts for every target: its remit, typical complaints, names and services, in short sentences."""
    frames = ("{}", "Mohon tindak lanjut soal {}", "Kenapa {}? Sudah lama belum ada tanggapan", "Keluhan: {}")
    for row in _file_rows(HERE / "remits.jsonl"):
        names: list[str] = []
        if row["target"] in registry:
            body = registry[row["target"]]
            names = [body.name, body.abbreviation, *body.aliases]
        phrases = [*row["complaints"], *row["complaints"], *row["topics"], *row["keywords"], *names]
        for number, phrase in enumerate(phrases):
            yield Example(
                text=frames[number % len(frames)].format(phrase),
                target=row["target"],
                weight=1.0,
                source="remits",
                key=f"remit-{row['target']}-{number}",
            )


def split(examples: Iterable[Example], share: float = 0.2) -> tuple[list[Example], list[Example]]:
    """Training and validation parts, the latter a share of the rows; remits are always for training."""
    train: list[Example] = []
    held_out: list[Example] = []
    for example in examples:
        (held_out if example.is_held_out(share) and example.source != "remits" else train).append(example)
    return train, held_out


def _is_misplaced(source: str, row: dict[str, Any]) -> bool:
    """Whether a row is about population papers that a crawl without regional bodies shows at the ministry."""
    national_only = source in ("annurkhozin", "kbdp1305")
    return national_only and row["body_id"] == "kemendagri" and bool(POPULATION_PAPERS.search(row["text"]))


def balanced_weights(targets: np.ndarray, weights: np.ndarray, number_of_labels: int, balance: float) -> np.ndarray:
    """Row weights, those of a rare label raised.

    Args:
        targets: int array (n_rows,).
        weights: float array (n_rows,); what each row counts by itself.
        number_of_labels: Columns.
        balance: 0 leaves the weights as they are, 1 gives every label the same sum.
    """
    total = np.bincount(targets, weights=weights, minlength=number_of_labels)
    balanced: np.ndarray = weights * (total[total > 0].mean() / total[targets]) ** balance
    return balanced
