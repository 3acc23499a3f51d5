"""Opens an input file by its suffix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lapor_route.batch.jsonl import JsonlSource
from lapor_route.batch.parquet import ParquetSource
from lapor_route.batch.rows import InputFile
from lapor_route.batch.table import CsvSource
from lapor_route.errors import InputError

if TYPE_CHECKING:
    from lapor_route.batch.rows import Source

KINDS = (".jsonl", ".csv", ".parquet")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def open_source(file: Path | InputFile, *, list_columns: bool) -> Source:
    """Opens a file by its suffix.

    Args:
        file: A `.jsonl`, `.csv` or `.parquet` file.
        list_columns: Whether the columns of a JSONL file are needed (that takes a pass over it).

    Raises:
        InputError: The file is missing, of another kind, or not readable as what its suffix says.
        MissingExtraError: It is Parquet and pyarrow isn't installed.
    """
    if isinstance(file, Path):
        file = InputFile.local(file)
    if file.kind not in KINDS:
        raise InputError(f"{file.name} must end in .jsonl, .csv or .parquet")
    with file.open() as opened:
        if opened.read(2) in _UTF16_MARKS:
            raise InputError(f"{file.name} is UTF-16; save it as UTF-8 first")
    source: Source
    if file.kind == ".jsonl":
        source = JsonlSource(file, list_columns)
    else:
        source = CsvSource(file) if file.kind == ".csv" else ParquetSource(file)
    if len(set(source.columns)) < len(source.columns):
        raise InputError(f"{file.name} names a column twice; rename one")
    return source
