"""Reads complaints with known dispositions, as (text, target) rows for fine-tuning a classifier.

A target is a central body's id, ``provinsi``, ``kabupaten_kota`` or ``out_of_scope``. The data folder
(`../shared/data/train` here, any folder of JSONL files with `text` and `body_id` elsewhere) is read in place.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapor_route.bodies.registry import DKI, Registry
from lapor_route.classifiers.protocol import LOCAL, PROVINCE

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
        key: Its id, stable between runs.
        body_id: The body of the disposition.
        acceptable: Other bodies that a reader found defensible.
    """

    text: str
    target: str
    weight: float = 1.0
    source: str = ""
    key: str = ""
    body_id: str = ""
    acceptable: frozenset[str] = frozenset()

    @property
    def held_out(self) -> bool:
        """Whether it belongs to the validation part: a fifth by a hash of its key, and the mixed file whole."""
        return self.source == MIXED_SOURCE or int(hashlib.sha256(self.key.encode()).hexdigest(), 16) % 5 == 0


def target_of(body_id: str, registry: Registry) -> str:
    """The classifier's target for a body: itself, or the tier of a regional one.

    All of DKI Jakarta's affairs belong to its one body; most are those of a kabupaten/kota elsewhere.
    """
    body = registry[body_id]
    if not body.is_regional:
        return body.id
    return PROVINCE if body.kind == "province" and body.id != DKI else LOCAL


def read_dispositions(folder: Path, registry: Registry, seed: int = 1) -> list[Example]:
    """All usable rows of a data folder, capped per body and file as in `CAPS`."""
    adjudications = {key: set(ids) for key, ids in json.loads(ADJUDICATIONS.read_text("utf-8")).items()}
    examples: list[Example] = []
    for path in sorted(folder.glob("*.jsonl")):
        cap, weight = CAPS.get(path.stem, (10**9, 1.0))
        by_body: dict[str, list[Example]] = defaultdict(list)
        for number, row in enumerate(_rows(path)):
            if row.get("body_id") is None or row.get("basis") in DISTRUSTED_BASES:
                continue
            example = Example(
                text=row["text"],
                target=target_of(row["body_id"], registry),
                weight=weight * (POPULATION_PAPERS_WEIGHT if _is_misplaced(path.stem, row) else 1.0),
                source=path.stem,
                key=str(row.get("id", f"{path.stem}-{number}")),
                body_id=row["body_id"],
                acceptable=frozenset((row.get("acceptable") or "").split(";"))
                | adjudications.get(row.get("id"), set()),
            )
            by_body[row["body_id"]].append(example)
        for rows in by_body.values():
            random.Random(seed).shuffle(rows)
            examples.extend(rows[:cap])
    return examples


def remit_texts(registry: Registry) -> Iterator[Example]:
    """First texts for every target: its remit, typical complaints, names and services, in short sentences."""
    frames = ("{}", "Mohon tindak lanjut soal {}", "Kenapa {}? Sudah lama belum ada tanggapan", "Keluhan: {}")
    for row in _rows(HERE / "remits.jsonl"):
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


def split(examples: Iterable[Example]) -> tuple[list[Example], list[Example]]:
    """Training and validation parts; remits are always for training."""
    train: list[Example] = []
    held_out: list[Example] = []
    for example in examples:
        (held_out if example.held_out and example.source != "remits" else train).append(example)
    return train, held_out


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _is_misplaced(source: str, row: dict[str, Any]) -> bool:
    """Whether a row is about population papers that a crawl without regional bodies shows at the ministry."""
    national_only = source in ("annurkhozin", "kbdp1305")
    return national_only and row["body_id"] == "kemendagri" and bool(POPULATION_PAPERS.search(row["text"]))
