"""What every input is read as: rows, in slices that can be read on their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from lapor_route.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(slots=True)
class Row:
    """One row of the input.

    Attributes:
        values: The columns as they came in.
        error: Why the row can't be used, in words; nothing if it can.
    """

    values: dict[str, Any]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """Some rows of a file, one after the other, that can be read without those before them.

    Attributes:
        start: Where they begin: in bytes, or in rows of a Parquet file.
        line: Lines before them; 0 in a Parquet file.
        rows: How many they are.
    """

    start: int
    line: int
    rows: int


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to read, wherever it lies.

    Attributes:
        name: What messages call it; its suffix says its kind.
        size: Its bytes.
        open: Opens it to read bytes.
    """

    name: str
    size: int
    open: Callable[[], BinaryIO]

    @classmethod
    def local(cls, path: Path) -> InputFile:
        """A file of this machine.

        Raises:
            InputError: There is none.
        """
        if not path.is_file():
            raise InputError(f"there is no file {path}")
        return cls(str(path), path.stat().st_size, lambda: cast("BinaryIO", path.open("rb")))

    @property
    def kind(self) -> str:
        """Its suffix in small letters: `.jsonl`."""
        return Path(self.name).suffix.lower()


@dataclass(slots=True)
class Cursor:
    """Where reading is: behind the last row that was handed out.

    Attributes:
        offset: In bytes, or in rows of Parquet.
        line: Lines so far; 0 in a Parquet file.
    """

    offset: int = 0
    line: int = 0


@dataclass(slots=True)
class Source(ABC):
    """An input file.

    Attributes:
        file: The file.
        columns: Names of the columns, in their order; for JSONL the keys of all its rows, once they were listed.
        size: What `cursor.offset` counts up to: bytes, or rows of Parquet.
        schema: The Parquet schema, if it is such a file.
        cursor: Where reading is.
    """

    file: InputFile
    columns: list[str] = field(default_factory=list)
    size: int = 0
    schema: Any = None
    cursor: Cursor = field(default_factory=Cursor)

    @abstractmethod
    def rows(self, part: Slice | None = None) -> Iterator[Row]:
        """Iterates over the rows of a slice, by default over all."""

    def slices(self, most: int) -> Iterator[Slice]:
        """Cuts the file into slices of `most` rows, the last one of what is left; reads all of it once."""
        return self._cut(self.rows(), most)

    def _cut(self, rows: Iterator[Row], most: int) -> Iterator[Slice]:
        start, line, count = 0, 0, 0
        for _ in rows:
            count += 1
            if count == most:
                yield Slice(start, line, count)
                start, line, count = self.cursor.offset, self.cursor.line, 0
        if count:
            yield Slice(start, line, count)

    def _begin(self, part: Slice | None) -> None:
        self.cursor.offset, self.cursor.line = (part.start, part.line) if part else (0, 0)
