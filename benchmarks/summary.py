"""The report of all parts, and the block of figures in the README: both from the JSON files alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.goals import table, verdicts
from benchmarks.parts import part
from benchmarks.results import COMMITTED, MOST_OTHERS, load, same_machine

if TYPE_CHECKING:
    from collections.abc import Mapping

    Record = Mapping[str, Any]

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- benchmarks:begin -->", "<!-- benchmarks:end -->"
REPORT = "README.md"
TIMELESS = "accuracy"
"""The part whose figures don't depend on what else the machine does."""
_README_SIDES = (
    "ours",
    "ours-bert",
    "ours-torch",
    "ours-linear",
    "indobert-fp32",
    "indobert-int8",
    "openvino-int8",
    "svm",
)
"""Of the peers, those that the README names."""


def write_report(folder: Path) -> Path:
    """Writes the report and its plots into a folder of results.

    Raises:
        FileNotFoundError: There are no results.
    """
    records = load(folder)
    if not records:
        raise FileNotFoundError(f"{folder} has no results; `python -m benchmarks --out {folder}` measures")
    path = folder / REPORT
    path.write_text(to_markdown(records, folder), encoding="utf-8")
    return path


def to_markdown(records: Mapping[str, Record], folder: Path) -> str:
    """The report: machine, warnings, goals, then a section a part.

    Args:
        records: Of the parts.
        folder: Where the plots go, and the report.
    """
    one = same_machine(records)
    parts = ["# Benchmarks", "Written by `python -m benchmarks --report` from the JSON files beside it."]
    if one:
        parts.append(machine(next(iter(records.values()))["machine"]))
    parts += [*warnings(records), "## Goals", table(records)]
    for name, record in records.items():
        parts += _section(name, record, folder, with_machine=not one)
    return "\n\n".join(parts) + "\n"


def _section(name: str, record: Record, folder: Path, *, with_machine: bool) -> list[str]:
    """A part's heading, what its module makes of the figures, and its plots."""
    module = part(name)
    lines = [f"## {module.TITLE}", _measured(record)]
    if with_machine:
        lines.append(machine(record["machine"]))
    try:
        images = module.plots(record["figures"], folder)
        lines.append(module.report(record["figures"]).rstrip())
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        # Results of an older version of the part, say; the others are still of use.
        return [*lines, f"**Can't be reported: {type(error).__name__}: {error}. Measure it again.**"]
    return [*lines, *(f"![{path.stem}]({path.name})" for path in images)]


def _measured(record: Record) -> str:
    told, host = record["options"], record["machine"]
    quick = ", a quick run" if told["quick"] else ""
    return (
        f"Measured {host['date'][:10]} at {host['commit']} in {record['seconds']:,.0f} s{quick}; "
        f"{told['threads']} threads, seed {told['seed']}; other processes took {record['others']:.2f} cores."
    )


def machine(found: Mapping[str, Any]) -> str:
    """A machine in a sentence or two."""
    packages = ", ".join(f"{name} {version}" for name, version in found["packages"].items())
    flags = ", ".join(found["flags"]) or "no vector flags"
    return (
        f"Machine: {found['processor']}, {found['cores']} cores ({flags}), {found['memory_gb']} GB, "
        f"{found['system']}, Python {found['python']}; {packages}; commit {found['commit']}."
    )


def warnings(records: Mapping[str, Record]) -> list[str]:
    """What makes the figures doubtful: quick runs, and other processes."""
    quick = [name for name, record in records.items() if record["options"]["quick"]]
    busy = [
        f"{name} ({r['others']:.2f} cores)"
        for name, r in records.items()
        if r["others"] > MOST_OTHERS and name != TIMELESS
    ]
    found = []
    if quick:
        found.append(f"**Quick runs, whose times are of no worth: {', '.join(quick)}.**")
    if busy:
        found.append(f"**Suspect, as other processes took more than {MOST_OTHERS} cores: {', '.join(busy)}.**")
    if not same_machine(records):
        found.append("**The parts were measured on different machines, packages or commits.**")
    return found


def readme_block(records: Mapping[str, Record]) -> str:
    """What stands between the marks in the README; nothing without the part `peers`."""
    if "peers" not in records:
        return ""
    found, told = records["peers"]["figures"], records["peers"]["machine"]
    sides = {name: found["peers"][name] for name in _README_SIDES if name in found["peers"]}
    lines = [
        f"{found['threads']} threads of {told['processor']}, the length mix of real complaints, all sides in turns "
        "on the same texts. [The whole report](benchmarks/results/README.md), by `make bench`:",
        "",
        "| | texts a second | the router is ... times as fast | one text, p50 / p99 ms | start, s | memory, MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(_side(name, side) for name, side in sides.items()),
        "",
        _kept(records),
    ]
    return "\n".join(lines)


def _side(name: str, side: Mapping[str, Any]) -> str:
    title = side["title"] if side["group"] == "This project" else f"{side['group']}: {side['title']}"
    cells = [
        title,
        f"{side['texts_per_second']['median']:.0f}",
        f"{side['ours_times']['median']:.1f}" if name != "ours" and "ours_times" in side else "",
        f"{side['p50_ms']:.1f} / {side['p99_ms']:.0f}",
        f"{side['load_seconds']['median']:.1f}",
        f"{side['resident_mb']:.0f}",
    ]
    return "| " + " | ".join(f"**{cell}**" if name == "ours" and cell else cell for cell in cells) + " |"


def _kept(records: Mapping[str, Record]) -> str:
    """How many goals are kept, and each that is missed."""
    judged = verdicts(records)
    missed = [f"{v.goal.figure}: {v.measured} ({v.goal.goal})" for v in judged if v.kept is False]
    measured = sum(verdict.kept is not None for verdict in judged)
    return f"{measured - len(missed)} of {measured} measured goals are kept. Missed: {'; '.join(missed) or 'none'}."


def with_block(page: str, block: str) -> str:
    """A page with another block between the marks.

    Raises:
        ValueError: It hasn't got the marks once each, in order.
    """
    if not (page.count(BEGIN) == page.count(END) == 1 and page.index(BEGIN) < page.index(END)):
        raise ValueError(f"the page needs {BEGIN} and {END}, once each")
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{block}\n{END}", page, flags=re.DOTALL)


def fill_readme(readme: Path = README, results: Path = COMMITTED) -> None:
    """Writes the block of the committed results into the README.

    Raises:
        FileNotFoundError: There are no results of the part `peers`.
        ValueError: The README has no marks.
    """
    block = readme_block(load(results))
    if not block:
        raise FileNotFoundError(
            f"{results} has no peers.json; `python -m benchmarks peers --out {results}` measures"
        )
    readme.write_text(with_block(readme.read_text(encoding="utf-8"), block), encoding="utf-8")
