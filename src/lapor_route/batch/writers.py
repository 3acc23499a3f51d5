"""Rows with their routings, written to a file by its suffix."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Protocol

from lapor_route.batch.parquet import import_parquet

if TYPE_CHECKING:
    from pathlib import Path

    from lapor_route.batch.rows import Row, Source
    from lapor_route.routing import Routing

ADDED = ("decision", "body_id", "probability", "candidates", "reasons", "error")
"""Columns that a table gets; one that the input has already is written as `routing_...`."""
_PARQUET_ROWS = 1024


class Writer(Protocol):
    """Takes rows one at a time."""

    def write(self, row: Row, routing: Routing | None) -> None:
        """Appends a row."""
        ...

    def close(self) -> None:
        """Writes what is left and ends the file."""
        ...

    def abort(self) -> None:
        """Lets go of the file, unfinished."""
        ...


def open_writer(path: Path, kind: str, source: Source) -> Writer:
    """A writer for `.jsonl`, `.csv` or `.parquet` (`kind`) to a path."""
    if kind == ".jsonl":
        return _JsonlWriter(path)
    if kind == ".csv":
        return _CsvWriter(path, source)
    return _ParquetWriter(path, source)


class _JsonlWriter:
    def __init__(self, path: Path) -> None:
        self.file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, row: Row, routing: Routing | None) -> None:
        values = {_kept(key, row.values): value for key, value in row.values.items()}
        if routing is not None:
            values["routing"] = routing.to_dict()
        if row.error is not None:
            values["error"] = row.error
        line = json.dumps(values, ensure_ascii=False, default=str)
        try:
            self.file.write(line + "\n")
        except UnicodeEncodeError:
            self.file.write(json.dumps(values, default=str) + "\n")

    def close(self) -> None:
        self.file.close()

    abort = close


def _kept(key: str, values: dict[str, Any]) -> str:
    """The name under which an input's key is kept: `input_...` where the output has that key itself."""
    name = key
    while name in ("routing", "error") or (name != key and name in values):
        name = f"input_{name}"
    return name


def _flat(row: Row, routing: Routing | None) -> dict[str, Any]:
    """The added columns of a table."""
    if routing is None:
        return dict.fromkeys(ADDED) | {"error": row.error}
    data = routing.to_dict()
    best = routing.candidates[0].probability if routing.candidates else None
    return {
        "decision": routing.decision,
        "body_id": routing.body_id,
        "probability": best,
        "candidates": json.dumps(data["candidates"], ensure_ascii=False),
        "reasons": ";".join(routing.reasons),
        "error": row.error,
    }


def added_names(columns: list[str]) -> dict[str, str]:
    """What the added columns are called beside the input's: `routing_...` where a name is taken."""
    names = {}
    for name in ADDED:
        new = name
        while new in columns:
            new = f"routing_{new}"
        names[name] = new
    return names


def _text(value: Any) -> str:
    """A value as a cell of text."""
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


class _CsvWriter:
    def __init__(self, path: Path, source: Source) -> None:
        self.names = added_names(source.columns)
        self.columns = [*source.columns, *self.names.values()]
        self.file = path.open("w", encoding="utf-8", errors="replace", newline="")
        self.writer = csv.writer(self.file)
        self.writer.writerow(self.columns)

    def write(self, row: Row, routing: Routing | None) -> None:
        values = row.values | {self.names[key]: value for key, value in _flat(row, routing).items()}
        self.writer.writerow([_text(values.get(column)) for column in self.columns])

    def close(self) -> None:
        self.file.close()

    abort = close


class _ParquetWriter:
    def __init__(self, path: Path, source: Source) -> None:
        import_parquet()
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.pa = pa
        self.names = added_names(source.columns)
        self.typed = source.schema is not None
        fields = list(source.schema) if self.typed else [(_encodable(c), pa.string()) for c in source.columns]
        fields += [
            pa.field(self.names[name], pa.float64() if name == "probability" else pa.string()) for name in ADDED
        ]
        self.schema = pa.schema(fields)
        self.writer = pq.ParquetWriter(path, self.schema)
        self.rows: list[dict[str, Any]] = []

    def write(self, row: Row, routing: Routing | None) -> None:
        values = row.values
        if not self.typed:
            values = {key: None if value is None else _text(value) for key, value in values.items()}
        added = {self.names[key]: value for key, value in _flat(row, routing).items()}
        self.rows.append({_encodable(key): _encodable(value) for key, value in (values | added).items()})
        if len(self.rows) >= _PARQUET_ROWS:
            self._flush()

    def _flush(self) -> None:
        self.writer.write_table(self.pa.Table.from_pylist(self.rows, schema=self.schema))
        self.rows.clear()

    def close(self) -> None:
        if self.rows:
            self._flush()
        self.writer.close()

    def abort(self) -> None:
        self.rows.clear()
        self.writer.close()


def _encodable(value: Any) -> Any:
    """A string without lone surrogates, which Parquet can't hold; anything else as it is."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) and not value.isascii() else value
