"""Rows of a JSONL file."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

from lapor_route.batch.rows import InputFile, Row, Slice, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOM = b"\xef\xbb\xbf"


class JsonlSource(Source):
    """A JSONL file: an object a line; blank lines are no rows.

    Args:
        file: The file.
        list_columns: Whether to list its columns at once, which takes a pass over it; `slices` lists them, too.
    """

    __slots__ = ()

    def __init__(self, file: InputFile, list_columns: bool) -> None:
        super().__init__(file, size=file.size)
        if list_columns:
            for _ in self.slices(file.size + 1):
                pass
            self.cursor.offset = 0

    def rows(self, part: Slice | None = None) -> Iterator[Row]:
        """Iterates over the rows of a slice, by default over all."""
        return islice(self._rows(part), part.rows if part else None)

    def slices(self, most: int) -> Iterator[Slice]:
        """Cuts the file into slices of `most` rows, and lists its columns."""
        columns: dict[str, None] = {}
        yield from self._cut(self._listing(columns), most)
        self.columns = list(columns)

    def _listing(self, columns: dict[str, None]) -> Iterator[Row]:
        for row in self.rows():
            columns.update(dict.fromkeys(row.values))
            yield row

    def _rows(self, part: Slice | None) -> Iterator[Row]:
        self._begin(part)
        cursor = self.cursor
        with self.file.open() as file:
            file.seek(cursor.offset)
            for line in file:
                cursor.offset += len(line)
                cursor.line += 1
                if line.strip():
                    yield _row(line.removeprefix(_BOM), cursor.line)


def _row(line: bytes, number: int) -> Row:
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
