"""Rows of a Parquet file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lapor_route.batch.rows import InputFile, Row, Slice, Source
from lapor_route.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS = 1024


class ParquetSource(Source):
    """A Parquet file.

    Args:
        file: The file.

    Raises:
        InputError: It can't be read.
        MissingExtraError: pyarrow isn't installed.
    """

    __slots__ = ()

    def __init__(self, file: InputFile) -> None:
        super().__init__(file)
        with self._reader() as reader:
            self.schema = _readable(reader.schema_arrow)
            self.size = reader.metadata.num_rows
        self.columns = list(self.schema.names)

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        parquet = import_parquet()
        with self.file.open() as opened:
            try:
                reader = parquet.ParquetFile(opened)
            except Exception as error:  # pyarrow has no common base for what a broken file raises
                raise InputError(f"{self.file.name} can't be read as Parquet: {error}") from error
            with reader:
                yield reader

    def rows(self, part: Slice | None = None) -> Iterator[Row]:
        """Iterates over the rows of a slice, by default over all; decodes the row groups that hold them."""
        self._begin(part)
        with self._reader() as reader:
            try:
                for batch in _batches(reader, self.cursor.offset, part.rows if part else self.size):
                    yield from _rows(batch, self.schema)
                    self.cursor.offset += batch.num_rows
            except (OSError, ValueError) as error:
                raise InputError(f"{self.file.name} can't be read as Parquet: {error}") from error

    def slices(self, most: int) -> Iterator[Slice]:
        """Cuts the file into slices of `most` rows, by its metadata alone."""
        for start in range(0, self.size, most):
            yield Slice(start, 0, min(most, self.size - start))


def _batches(reader: Any, first: int, left: int) -> Iterator[Any]:
    """The `left` rows from row `first` on."""
    groups, before, skipped = [], 0, 0
    for number in range(reader.metadata.num_row_groups):
        behind = before + reader.metadata.row_group(number).num_rows
        if behind <= first:
            skipped = behind
        elif before < first + left:
            groups.append(number)
        before = behind
    skip = first - skipped
    for batch in reader.iter_batches(batch_size=_ROWS, row_groups=groups) if groups else ():
        wanted = batch.slice(skip, left)
        skip = max(skip - batch.num_rows, 0)
        left -= wanted.num_rows
        if wanted.num_rows:
            yield wanted
        if not left:
            return


def _readable(schema: Any) -> Any:
    """The schema with text for times: not every Parquet time has a value in Python."""
    import pyarrow as pa

    fields = [field.with_type(pa.string()) if pa.types.is_temporal(field.type) else field for field in schema]
    return pa.schema(fields)


def _rows(batch: Any, schema: Any) -> Iterator[Row]:
    import pyarrow as pa

    errors: list[str | None] = [None] * batch.num_rows
    columns = []
    for target, column in zip(schema, batch.columns, strict=True):
        if pa.types.is_duration(column.type):
            column = column.cast(pa.int64())
        if column.type != target.type:
            column = column.cast(target.type)
        columns.append(_values(column, target.name, errors))
    for number, values in enumerate(zip(*columns, strict=True)):
        yield Row(dict(zip(schema.names, values, strict=True)), errors[number])


def _values(column: Any, name: str, errors: list[str | None]) -> list[Any]:
    """A column's values; one that Python can't hold is None, and its row's error set."""
    import pyarrow as pa

    try:
        found: list[Any] = column.to_pylist()
        return found
    except Exception:  # pyarrow has no common base for what a value raises
        pass
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        raw = column.cast(pa.large_binary()).to_pylist()
        for number, value in enumerate(raw):
            if value is not None and value.decode("utf-8", "ignore").encode() != value:
                errors[number] = f"column {name!r} isn't UTF-8"
        return [value if value is None else value.decode("utf-8", "replace") for value in raw]
    values = []
    for number in range(len(column)):
        value, flaw = _value(column, number)
        values.append(value)
        if flaw:
            errors[number] = f"column {name!r} can't be read: {flaw}"
    return values


def _value(column: Any, number: int) -> tuple[Any, str | None]:
    """One value, or what is wrong with it."""
    try:
        return column[number].as_py(), None
    except Exception as error:
        return None, type(error).__name__


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
