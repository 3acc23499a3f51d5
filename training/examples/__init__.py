"""Complaints written for this project: for bodies without public data, the tiers, and what isn't for forwarding.

The schema is described in `README.md` beside this file.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.data import Example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lapor_route.bodies import Registry

HERE = Path(__file__).parent


def rows() -> Iterator[tuple[Path, int, dict[str, Any]]]:
    """(file, line number, row) of everything that is written."""
    for path in sorted(HERE.glob("*.jsonl")):
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                yield path, number, json.loads(line)


def is_tail(text: str) -> bool:
    """Whether a text belongs to the held-out fifth, which no model is ever trained on."""
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % 5 == 0


def read_examples(registry: Registry, *, tail: bool = False) -> list[Example]:
    """The written examples as training rows: without the held-out fifth, or that fifth alone."""
    return [
        Example(
            text=row["text"],
            target=row["target"],
            source="examples",
            key=f"{path.stem}-{number}",
            body_id=row["target"] if row["target"] in registry else "",
        )
        for path, number, row in rows()
        if is_tail(row["text"]) == tail
    ]
