"""Cuts an archive into parts, the same ones every time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lapor_route.batch.readers import open_source
from lapor_route.batch.rows import Slice
from lapor_route.batch.run import WINDOW
from lapor_route.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lapor_route.scale.storage import FoundFile, Storage

ROWS_PER_PART = 16 * WINDOW
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the work: some rows of one file, and the output file they become.

    Attributes:
        name: Of the output file; sorted, the names give the order of the input.
        file: Which of the input's files.
        slice: Which of its rows.
    """

    name: str
    file: int
    slice: Slice

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "file": self.file, **asdict(self.slice)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Part:
        """From `to_dict`."""
        return cls(data["name"], data["file"], Slice(data["start"], data["line"], data["rows"]))


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What one pass over a file finds.

    Attributes:
        columns: Its columns.
        slices: Its slices, in order.
        schema: The Parquet schema, as text; empty for other kinds.
    """

    columns: tuple[str, ...]
    slices: tuple[Slice, ...]
    schema: str


def aligned(rows: int) -> int:
    """Rows of a part, rounded up to whole windows.

    So each text shares its batch with the same others as in the local engine, and has the same numbers to the last
    digit, whatever the classifier.
    """
    return -(-rows // WINDOW) * WINDOW


def plan_file(storage: Storage, found: FoundFile, rows: int) -> FilePlan:
    """Cuts one file: by its metadata for Parquet, else by one pass over it.

    Args:
        storage: Where the input lies.
        found: One of its files.
        rows: Rows of a slice, at most.

    Raises:
        InputError: The file can't be read.
    """
    try:
        source = open_source(storage.input(found), list_columns=False)
        slices = tuple(source.slices(rows))
    except OSError as error:
        raise InputError(f"{found.name} can't be read: {error}") from error
    schema = ""
    if source.schema is not None:
        schema = source.schema.to_string(show_field_metadata=False, show_schema_metadata=False)
    return FilePlan(tuple(source.columns), slices, schema)


def join_columns(files: Sequence[FoundFile], plans: Sequence[FilePlan]) -> list[str]:
    """The columns of all files: those of JSONL together, those of tables the same in each.

    Raises:
        InputError: Two tables differ.
    """
    if files[0].name.lower().endswith(".jsonl"):
        return list(dict.fromkeys(column for plan in plans for column in plan.columns))
    for file, plan in zip(files, plans, strict=True):
        if (plan.columns, plan.schema) != (plans[0].columns, plans[0].schema):
            raise InputError(
                f"{file.name} and {files[0].name} have other columns or types; route each kind of table on its own"
            )
    return list(plans[0].columns)


def make_parts(plans: Iterable[FilePlan]) -> list[Part]:
    """The parts of all files, in their order; one without rows if there are none, as a table has its columns."""
    slices = [(file, part) for file, plan in enumerate(plans) for part in plan.slices] or [(0, Slice(0, 0, 0))]
    digits = max(_DIGITS, len(str(len(slices))))
    return [Part(f"part-{number:0{digits}}.parquet", file, part) for number, (file, part) in enumerate(slices)]
