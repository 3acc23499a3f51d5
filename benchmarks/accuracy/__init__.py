"""How right: ours, its parts, other bundles and the peers on the same labelled rows; and folds."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.accuracy.report import plot, to_markdown
from benchmarks.accuracy.rows import has_folds, read_rows, tail, write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.options import Options

NAME = "accuracy"
TITLE = "How right it is"


def run(options: Options, progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Measures each file; the held-out written complaints where there is none.

    Returns:
        `files`: by name, either `sides` (all engines side by side; `missing`: those that this machine lacks) or,
        for a file with a column `fold`, `folds`.

    Raises:
        InputError: A file isn't usable.
    """
    # Imported here: the report is to be written without what measuring needs.
    from benchmarks.accuracy.folds import cross_validate
    from benchmarks.accuracy.sides import measure

    found: dict[str, Any] = {}
    with _files(options) as files:
        for number, path in enumerate(files):

            def part(what: str, done: float, name: str = path.stem, number: int = number) -> None:
                progress(f"{name}: {what}", (number + done) / len(files))

            rows = read_rows(path)
            measure_one = cross_validate if has_folds(rows) else measure
            found[path.stem] = measure_one(options, part, rows)
    progress("done", 1.0)
    return {"quick": options.quick, "files": found}


@contextmanager
def _files(options: Options) -> Iterator[list[Path]]:
    """The files of the options, or the written tail, which is no file yet."""
    if options.data:
        yield [*options.data]
        return
    with TemporaryDirectory() as folder:
        yield [write_rows(Path(folder) / "tail.jsonl", tail())]


def report(figures: dict[str, Any]) -> str:
    """A table a file, what is more right than ours, and what wasn't measured."""
    return to_markdown(figures)


def plots(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Top-1 of all sides with their intervals."""
    return plot(figures, folder)
