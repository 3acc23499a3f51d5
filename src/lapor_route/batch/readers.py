"""Rows of a file, one at a time, bad ones included."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lapor_route.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_LONGEST_FIELD = 2**31 - 1
_PARQUET_ROWS = 1024
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(slots=True)
class Row:
    """One row of the input.

    Attributes:
        values: The columns as they came in.
        error: Why the row can't be used, in words; nothing if it can.
    """

    values: dict[str, Any]
    error: str | None = None


@dataclass(slots=True)
class Source:
    """An input file.

    Attributes:
        columns: Names of the columns, in their order; for JSONL the keys of all its rows.
        rows: Iterates over the rows; can be called once.
        size: How many units `progress` counts up to (bytes, or rows of Parquet).
        schema: The Parquet schema, if it is such a file.
    """

    columns: list[str]
    rows: Callable[[], Iterator[Row]]
    size: int
    schema: Any = None
    position: list[int] = field(default_factory=lambda: [0])


def open_source(path: Path, *, list_columns: bool) -> Source:
    """Opens a file by its suffix.

    Args:
        path: A `.jsonl`, `.csv` or `.parquet` file.
        list_columns: Whether the columns of a JSONL file are needed (that takes a pass over it).

    Raises:
        InputError: The file is missing, of another kind, or not readable as what its suffix says.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    openers = {".jsonl": _open_jsonl, ".csv": _open_csv, ".parquet": _open_parquet}
    try:
        opener = openers[path.suffix.lower()]
    except KeyError:
        raise InputError(f"{path} must end in .jsonl, .csv or .parquet") from None
    with path.open("rb") as file:
        if file.read(2) in _UTF16_MARKS:
            raise InputError(f"{path} is UTF-16; save it as UTF-8 first")
    return opener(path, list_columns)


def _open_jsonl(path: Path, list_columns: bool) -> Source:
    source = Source([], lambda: iter(()), path.stat().st_size)

    def rows() -> Iterator[Row]:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                source.position[0] += len(line)
                if line.strip():
                    yield _jsonl_row(line.removeprefix(b"\xef\xbb\xbf"), number)

    if list_columns:
        columns: dict[str, None] = {}
        for row in rows():
            columns.update(dict.fromkeys(row.values))
        source.columns = list(columns)
        source.position[0] = 0
    source.rows = rows
    return source


def _jsonl_row(line: bytes, number: int) -> Row:
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Row({"raw": line.decode("utf-8", "replace").rstrip("\n")}, f"line {number} isn't UTF-8: {error}")
    except (json.JSONDecodeError, RecursionError) as error:
        raw = line.decode("utf-8", "replace").rstrip("\n")
        return Row({"raw": raw}, f"line {number} isn't JSON: {str(error)[:80]}")
    if not isinstance(value, dict):
        return Row({"raw": value}, f"line {number} must be a JSON object, found {type(value).__name__}")
    return Row(value)


def _open_csv(path: Path, list_columns: bool) -> Source:
    csv.field_size_limit(_LONGEST_FIELD)
    source = Source([], lambda: iter(()), path.stat().st_size)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            source.columns = next(csv.reader(line.replace("\0", "") for line in file), [])
        except csv.Error as error:
            raise InputError(f"{path} can't be read as CSV: {error}") from error
    if not source.columns:
        raise InputError(f"{path} is empty; a CSV file needs a header line")
    if len(set(source.columns)) < len(source.columns):
        raise InputError(f"{path} names a column twice in its header; rename one")

    def rows() -> Iterator[Row]:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(_counted(file, source.position))
            next(reader)
            for fields in reader:
                if fields:
                    yield _csv_row(source.columns, fields, reader.line_num)

    source.rows = rows
    return source


def _counted(lines: Iterator[str] | Any, position: list[int]) -> Iterator[str]:
    for line in lines:
        position[0] += len(line)
        yield line.replace("\0", "")


def _csv_row(columns: list[str], fields: list[str], line: int) -> Row:
    values = dict(zip(columns, fields, strict=False))
    if len(fields) == len(columns):
        return Row(values)
    error = f"line {line} has {len(fields)} fields, the header has {len(columns)}"
    if len(fields) > len(columns):
        values[columns[-1]] = ",".join(fields[len(columns) - 1 :])
    return Row(values, error)


def _open_parquet(path: Path, list_columns: bool) -> Source:
    parquet = import_parquet()
    try:
        file = parquet.ParquetFile(path)
    except Exception as error:  # pyarrow has no common base for what a broken file raises
        raise InputError(f"{path} can't be read as Parquet: {error}") from error
    schema = file.schema_arrow
    source = Source(list(schema.names), lambda: iter(()), file.metadata.num_rows, schema)

    def rows() -> Iterator[Row]:
        for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
            for values in batch.to_pylist():
                source.position[0] += 1
                yield Row(values)

    source.rows = rows
    return source


def import_parquet() -> Any:
    """The module `pyarrow.parquet`.

    Raises:
        MissingExtraError: pyarrow isn't installed.
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("Parquet needs pyarrow: pip install 'lapor-route[parquet]'") from None
    return pyarrow.parquet
