"""Measures what the goals are about, and writes a report.

    python -m benchmarks [PART ...] [--quick] [--out DIR] [--data FILE] [--bundle NAME=DIR]
    python -m benchmarks --report [--readme]

Each part's figures are written to DIR/PART.json as soon as it ends, beside those of earlier runs; then the report
DIR/README.md is written from all of them. A part that fails or is stopped leaves its older figures as they were.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from benchmarks.options import Options
from benchmarks.parts import PARTS
from benchmarks.results import COMMITTED, measure, save
from benchmarks.summary import fill_readme, write_report

if TYPE_CHECKING:
    from collections.abc import Sequence

OUT = Path("build/benchmarks")
INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line.

    Returns:
        0; 1 when a part failed or nothing can be reported, 130 when it was interrupted.
    """
    told = _parser().parse_args(arguments)
    out = told.out or (COMMITTED if told.readme else OUT)
    console = Console(stderr=True)
    status = 0
    if not told.report:
        options = _options(told)
        names = [name for name in PARTS if name in (told.parts or PARTS)]
        status = _measure(names, options, out, console)
    try:
        console.print(f"report: {write_report(out)}", highlight=False, soft_wrap=True)
        if told.readme:
            fill_readme()
    except (FileNotFoundError, ValueError) as error:
        console.print(str(error), markup=False, soft_wrap=True)
        return status or 1
    return status


def _measure(names: Sequence[str], options: Options, out: Path, console: Console) -> int:
    """Runs the parts; the exit status."""
    failed = []
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        for name in names:
            task = bar.add_task(name, total=1.0)

            def tell(what: str, done: float, name: str = name, task: object = task) -> None:
                bar.update(task, description=f"{name}: {what}", completed=done)  # type: ignore[arg-type]

            try:
                record = measure(name, options, tell)
            except KeyboardInterrupt:
                console.print(f"{name}: interrupted, nothing written", markup=False, soft_wrap=True)
                return INTERRUPTED
            except (Exception, SystemExit):
                failed.append(name)
                console.print(traceback.format_exc(), markup=False, highlight=False, soft_wrap=True)
                continue
            finally:
                bar.remove_task(task)
            path = save(out, record)
            console.print(
                f"{name}: {record['seconds']:.0f} s, {path}", markup=False, highlight=False, soft_wrap=True
            )
    if failed:
        console.print(f"failed: {', '.join(failed)}", markup=False, soft_wrap=True)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; by default all")
    parser.add_argument("--quick", action="store_true", help="only check that everything works, in minutes")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"folder of the results (default: {OUT})")
    parser.add_argument("--work", type=Path, default=OUT / "work", metavar="DIR", help="folder for scratch files")
    parser.add_argument("--threads", type=int, default=Options(Path()).threads, help="of all sides")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--data", type=Path, nargs="+", default=[], metavar="FILE", help="labelled files for the part accuracy"
    )
    parser.add_argument(
        "--bundle", action="append", default=[], metavar="NAME=DIR", help="a bundle whose accuracy is measured too"
    )
    parser.add_argument("--encoder", action="store_true", help="train BERT in each fold of such a file (hours)")
    parser.add_argument("--report", action="store_true", help="measure nothing, write the report again")
    parser.add_argument(
        "--readme", action="store_true", help=f"fill the README's block from {COMMITTED.name}; --out is then that"
    )
    return parser


def _options(told: argparse.Namespace) -> Options:
    wrong = [name for name in told.parts if name not in PARTS]
    wrong += [pair for pair in told.bundle if "=" not in pair]
    wrong += [str(path) for path in told.data if not path.is_file()]
    if wrong:
        _parser().error(f"neither a part, nor NAME=DIR, nor a file: {', '.join(wrong)}")
    bundles = tuple((name, Path(folder)) for name, _, folder in (pair.partition("=") for pair in told.bundle))
    return Options(
        work=told.work,
        quick=told.quick,
        seed=told.seed,
        threads=told.threads,
        data=tuple(told.data),
        bundles=bundles,
        encoder=told.encoder,
    )


if __name__ == "__main__":
    sys.exit(main())
