"""Rows of a CSV file."""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING

from lapor_route.batch.rows import Cursor, InputFile, Row, Slice, Source
from lapor_route.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Line = tuple[str, int]
    """A line and its bytes in the file."""

_LONGEST_FIELD = 2**31 - 1
_MOST_LINES = 400
"""Lines that a quoted field may span."""


class CsvSource(Source):
    """A CSV file with a header line; blank lines are rows only where there is a single column.

    Args:
        file: The file.

    Raises:
        InputError: It is empty.
    """

    __slots__ = ()

    def __init__(self, file: InputFile) -> None:
        csv.field_size_limit(_LONGEST_FIELD)
        super().__init__(file, size=file.size)
        header = next((fields for fields, _, _ in _records(file, Cursor()) if fields), None)
        if not header:
            raise InputError(f"{file.name} is empty; a CSV file needs a header line")
        self.columns = [column.encode("utf-8", "replace").decode() for column in header]

    def rows(self, part: Slice | None = None) -> Iterator[Row]:
        """Iterates over the rows of a slice, by default over all."""
        return islice(self._rows(part), part.rows if part else None)

    def _rows(self, part: Slice | None) -> Iterator[Row]:
        self._begin(part)
        has_header = self.cursor.offset == 0
        records = _records(self.file, self.cursor)
        if has_header:
            for fields, _, _ in records:
                if fields:
                    break
        for fields, number, error in records:
            if fields or len(self.columns) == 1:
                yield _row(self.columns, fields or [""], number, error)


def _records(file: InputFile, cursor: Cursor) -> Iterator[tuple[list[str], int, str | None]]:
    """Fields, first line number and error of every record from the cursor on, which is moved behind each.

    A quote that is never closed would swallow the rest of the file: after `_MOST_LINES` lines, or at the end,
    its first line becomes a row with an error, and reading goes on behind it. What a record is depends on nothing
    before it, so reading can begin at any.
    """
    with file.open() as opened:
        opened.seek(cursor.offset)
        pending: list[Line] = []
        lines = _decoded(opened, at_start=cursor.offset == 0)
        while True:
            line = pending.pop() if pending else next(lines, None)
            if line is None:
                return
            record = [line]
            while (parsed := _parse(record)) is None:
                following = (pending.pop() if pending else next(lines, None)) if len(record) < _MOST_LINES else None
                if following is None:
                    break
                record.append(following)
            if parsed is None:
                pending += reversed(record[1:])
                record = record[:1]
                parsed = next(csv.reader([line[0]])), "opens a quote that is not closed"
            fields, flaw = parsed
            number = cursor.line + 1
            error = f"line {number} {flaw}" if flaw else None
            cursor.line += len(record)
            cursor.offset += sum(size for _, size in record)
            yield fields, number, error


def _decoded(file: Iterable[bytes], *, at_start: bool) -> Iterator[Line]:
    for line in file:
        content = line.removeprefix(b"\xef\xbb\xbf") if at_start else line
        at_start = False
        yield content.decode("utf-8", "surrogateescape").replace("\0", ""), len(line)


def _parse(record: list[Line]) -> tuple[list[str], str | None] | None:
    """The fields of a record's lines, and what is wrong with them; None where a quote is still open."""
    lines = [line for line, _ in record]
    try:
        return next(csv.reader(lines, strict=True), []), None
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
    try:
        return next(csv.reader(lines), []), None
    except csv.Error:  # the only thing that it doesn't read
        whole = [line.replace("\r", " ") for line in lines]
        return next(csv.reader(whole), []), "has a carriage return outside quotes"


def _row(columns: list[str], fields: list[str], line: int, error: str | None) -> Row:
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
