"""From an input file to an output file, through the router."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from lapor_route.batch.readers import KINDS, open_source
from lapor_route.batch.writers import open_writer
from lapor_route.complaint import Complaint
from lapor_route.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from lapor_route.batch.rows import Row, Source
    from lapor_route.router import Router
    from lapor_route.routing import Routing

WINDOW = 512
"""Rows that are routed together, counted from the start of a file.

With torch, or a classifier of one's own, which texts share a batch can change a probability's last digits; whoever
begins within a file, and wants the same numbers, begins at a multiple of it.
"""
_FIRST_ROWS = 100
_MOST_SHOWN = 12
_NAME = re.compile(r"(?!.*\d{4})[^\W\d](?:[ .-]?\w){0,29}")
"""What looks like a column's name, and not like a complaint or a person's data: that is told to nobody."""


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How rows are routed.

    Attributes:
        text_column: Column with the complaint.
        place_column: Column with the place; not required to exist.
        top_k: Candidates to write for each row.
    """

    text_column: str = "text"
    place_column: str | None = "place"
    top_k: int = 5


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What a batch did.

    Attributes:
        rows: Rows written, as many as were read.
        errors: Rows among them that carry an `error`.
        decisions: Rows per decision.
    """

    rows: int
    errors: int
    decisions: dict[str, int]


def route_file(
    router: Router,
    source_path: Path,
    target_path: Path,
    *,
    text_column: str = "text",
    place_column: str | None = "place",
    top_k: int = 5,
    progress: Callable[[int, int], None] | None = None,
) -> BatchSummary:
    """Routes every row of a file, in constant memory.

    The output appears under its name only when it is complete.

    Args:
        router: The router.
        source_path: `.jsonl`, `.csv` or `.parquet`.
        target_path: The same kinds; the suffixes may differ.
        text_column: Column with the complaint.
        place_column: Column with the place; not required to exist.
        top_k: Candidates to write for each row.
        progress: Called now and then with the position and the size of the input.

    Raises:
        InputError: The input can't be read, lacks the text column, or is the output.
        OutputError: The output can't be written.
        MissingExtraError: Parquet is asked for and pyarrow isn't installed.
    """
    kind = target_path.suffix.lower()
    if kind not in KINDS:
        raise InputError(f"{target_path} must end in .jsonl, .csv or .parquet")
    if target_path.exists() and source_path.exists() and target_path.samefile(source_path):
        raise InputError("the output would overwrite the input; name another file")
    source = open_source(source_path, list_columns=kind != ".jsonl")
    check_columns(source_path, source.columns or _first_keys(source), text_column)
    partial = target_path.with_name(f".{target_path.name[:200]}.partial")
    try:
        writer = open_writer(partial, kind, source)
        try:
            options = BatchOptions(text_column, place_column, top_k)
            report = (lambda: progress(source.cursor.offset, source.size)) if progress else None
            summary = route_rows(router, source.rows(), writer.write, options, after_window=report)
        except BaseException:
            writer.abort()
            raise
        writer.close()
        os.replace(partial, target_path)
    except OSError as error:
        raise OutputError(f"{target_path} can't be written: {error}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return summary


def _first_keys(source: Source) -> list[str]:
    """The keys of the first usable rows of a file without a header."""
    keys = {key: None for row in islice(source.rows(), _FIRST_ROWS) if row.error is None for key in row.values}
    return list(keys)


def check_columns(name: object, columns: Sequence[str], text_column: str) -> None:
    """Looks for the column with the complaint.

    Args:
        name: What messages call the input.
        columns: The columns it has; none, if they aren't known.
        text_column: The one that it needs.

    Raises:
        InputError: It isn't there.
    """
    if not columns or text_column in columns:
        return
    if list(columns) == ["raw"]:
        raise InputError(
            f"{name} has no column {text_column!r}: no line is a JSON object. Is it packed, or of another kind?"
        )
    shown = [column for column in columns if _NAME.fullmatch(column)]
    found = ", ".join(map(repr, shown[:_MOST_SHOWN])) or "none that looks like a name"
    missing = "" if len(shown) == len(columns) else " Is its first line a header?"
    raise InputError(
        f"{name} has no column {text_column!r}; it has {found}. Name the right one with --text-column.{missing}"
    )


def route_rows(
    router: Router,
    rows: Iterable[Row],
    write: Callable[[Row, Routing | None], None],
    options: BatchOptions,
    *,
    after_window: Callable[[], None] | None = None,
) -> BatchSummary:
    """Routes rows, `WINDOW` at a time, and hands each on with its routing; a bad one gets its error and none.

    Every engine's way from rows to routings.

    Args:
        router: The router.
        rows: The rows, in order.
        write: Takes each row, in the same order.
        options: How they are routed.
        after_window: Called after every window.
    """
    number = errors = 0
    decisions: dict[str, int] = {}
    stream = iter(rows)
    while window := list(islice(stream, WINDOW)):
        for row, routing in _route_window(router, window, options):
            write(row, routing)
            number += 1
            errors += row.error is not None
            if routing is not None:
                decisions[routing.decision] = decisions.get(routing.decision, 0) + 1
        if after_window:
            after_window()
    return BatchSummary(number, errors, decisions)


def _route_window(router: Router, window: list[Row], options: BatchOptions) -> Iterator[tuple[Row, Routing | None]]:
    complaints = [
        _complaint(row, options.text_column, options.place_column) if row.error is None else None for row in window
    ]
    routings = router.route_many((c for c in complaints if c is not None), top_k=options.top_k)
    for row, complaint in zip(window, complaints, strict=True):
        yield row, next(routings) if complaint is not None else None


def _complaint(row: Row, text_column: str, place_column: str | None) -> Complaint | None:
    """The row as a complaint; nothing, and the row's error set, where it isn't one."""
    if text_column not in row.values:
        row.error = f"the row has no {text_column!r}"
        return None
    text = row.values[text_column]
    place = row.values.get(place_column) if place_column else None
    if not isinstance(text, str):
        row.error = f"{text_column!r} must be text, found {type(text).__name__}"
        return None
    if place is not None and not isinstance(place, str):
        row.error = f"{place_column!r} must be text, found {type(place).__name__}"
        return None
    return Complaint(text, place or None)
