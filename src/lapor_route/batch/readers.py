"""Rows of a file, one at a time, bad ones included."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lapor_route.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_LONGEST_FIELD = 2**31 - 1
_PARQUET_ROWS = 1024
_MOST_LINES = 400
"""Lines that a quoted CSV field may span."""
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
    source = opener(path, list_columns)
    if len(set(source.columns)) < len(source.columns):
        raise InputError(f"{path} names a column twice; rename one")
    return source


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
    except (ValueError, RecursionError) as error:
        raw = line.decode("utf-8", "replace").rstrip("\n")
        return Row({"raw": raw}, f"line {number} isn't JSON: {str(error)[:80]}")
    if not isinstance(value, dict):
        return Row({"raw": value}, f"line {number} must be a JSON object, found {type(value).__name__}")
    return Row(value)


def _open_csv(path: Path, list_columns: bool) -> Source:
    csv.field_size_limit(_LONGEST_FIELD)
    source = Source([], lambda: iter(()), path.stat().st_size)
    header = next((fields for fields, _, _ in _csv_records(path, [0]) if fields), None)
    if not header:
        raise InputError(f"{path} is empty; a CSV file needs a header line")
    source.columns = [column.encode("utf-8", "replace").decode() for column in header]

    def rows() -> Iterator[Row]:
        records = _csv_records(path, source.position)
        for fields, _, _ in records:
            if fields:
                break
        for fields, number, error in records:
            if fields or len(source.columns) == 1:
                yield _csv_row(source.columns, fields or [""], number, error)

    source.rows = rows
    return source


def _csv_records(path: Path, position: list[int]) -> Iterator[tuple[list[str], int, str | None]]:
    """Fields, first line number and error of every record.

    A quote that is never closed would swallow the rest of the file: after `_MOST_LINES` lines, or at the end,
    its first line becomes a row with an error, and reading goes on behind it.
    """
    with path.open("rb") as file:
        pending: list[str] = []
        number = 0
        lines = _decoded(file, position)
        while True:
            line = pending.pop() if pending else next(lines, None)
            if line is None:
                return
            number += 1
            record = [line]
            while (fields := _parse(record)) is None:
                following = (pending.pop() if pending else next(lines, None)) if len(record) < _MOST_LINES else None
                if following is None:
                    break
                record.append(following)
            if fields is None:
                pending += reversed(record[1:])
                yield next(csv.reader([line])), number, f"line {number} opens a quote that is not closed"
                continue
            yield fields, number, None
            number += len(record) - 1


def _decoded(file: Iterable[bytes], position: list[int]) -> Iterator[str]:
    for count, line in enumerate(file):
        position[0] += len(line)
        content = line.removeprefix(b"\xef\xbb\xbf") if count == 0 else line
        yield content.decode("utf-8", "surrogateescape").replace("\0", "")


def _parse(record: list[str]) -> list[str] | None:
    """The fields of a record's lines; None where a quote is still open."""
    try:
        return next(csv.reader(record, strict=True), [])
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
        return next(csv.reader(record), [])


def _csv_row(columns: list[str], fields: list[str], line: int, error: str | None) -> Row:
    clean = [field.encode("utf-8", "replace").decode() if _escaped(field) else field for field in fields]
    values = dict(zip(columns, clean, strict=False))
    if error is None and any(map(_escaped, fields)):
        error = f"line {line} isn't UTF-8"
    if len(fields) != len(columns):
        error = error or f"line {line} has {len(fields)} fields, the header has {len(columns)}"
    if len(fields) > len(columns):
        values[columns[-1]] = ",".join(clean[len(columns) - 1 :])
    return Row(values, error)


def _escaped(field: str) -> bool:
    """Whether bytes that aren't UTF-8 were read."""
    return any("\udc80" <= character <= "\udcff" for character in field) if not field.isascii() else False


def _open_parquet(path: Path, list_columns: bool) -> Source:
    parquet = import_parquet()
    try:
        file = parquet.ParquetFile(path)
    except Exception as error:  # pyarrow has no common base for what a broken file raises
        raise InputError(f"{path} can't be read as Parquet: {error}") from error
    schema = _readable(file.schema_arrow)
    source = Source(list(schema.names), lambda: iter(()), file.metadata.num_rows, schema)

    def rows() -> Iterator[Row]:
        try:
            for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
                yield from _parquet_rows(batch, schema)
                source.position[0] += batch.num_rows
        except (OSError, ValueError) as error:
            raise InputError(f"{path} can't be read as Parquet: {error}") from error

    source.rows = rows
    return source


def _readable(schema: Any) -> Any:
    """The schema with text for times: not every Parquet time has a value in Python."""
    import pyarrow as pa

    fields = [field.with_type(pa.string()) if pa.types.is_temporal(field.type) else field for field in schema]
    return pa.schema(fields)


def _parquet_rows(batch: Any, schema: Any) -> Iterator[Row]:
    import pyarrow as pa

    errors: list[str | None] = [None] * batch.num_rows
    columns = []
    for target, column in zip(schema, batch.columns, strict=True):
        if pa.types.is_duration(column.type):
            column = column.cast(pa.int64())
        if column.type != target.type:
            column = column.cast(target.type)
        try:
            columns.append(column.to_pylist())
        except UnicodeDecodeError:
            raw = column.cast(pa.binary()).to_pylist()
            columns.append([value if value is None else value.decode("utf-8", "replace") for value in raw])
            for number, value in enumerate(raw):
                if value is not None and value.decode("utf-8", "ignore").encode() != value:
                    errors[number] = f"column {target.name!r} isn't UTF-8"
    for number, values in enumerate(zip(*columns, strict=True)):
        yield Row(dict(zip(schema.names, values, strict=True)), errors[number])


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
