"""Labelled rows: read, sampled, and written for a peer's process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lapor_route.bodies import Registry
from lapor_route.errors import InputError
from training.examples.measure import tail_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def tail() -> list[dict[str, Any]]:
    """The held-out fifth of the written complaints, which no model was trained on."""
    return [*tail_rows(Registry.load())]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file; what they lack is told where they are routed.

    Raises:
        InputError: It can't be read, or a line is no object.
    """
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read as JSON lines: {error}") from error
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path} has no rows, or a line that is no object")
    return rows


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Writes rows as JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def has_folds(rows: Sequence[dict[str, Any]]) -> bool:
    """Whether every labelled row says which fold it belongs to."""
    labelled = [row for row in rows if row.get("body_id")]
    return bool(labelled) and all(isinstance(row.get("fold"), int) for row in labelled)


def sample(rows: Sequence[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """So many rows at most, evenly from the whole."""
    step = max(1, -(-len(rows) // number))
    return [*rows[::step]]
