"""What using it costs before the first complaint: start, memory, disk, packages."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.fresh import attempt, call, import_times, install
from benchmarks.texts import mixed_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.options import Options

NAME = "footprint"
TITLE = "Start, memory and size"

GOALS: dict[str, tuple[str, float, float, str]] = {
    "wheel": ("wheel with the model", 45e6, 1e6, "MB"),
    "packages": ("packages of the base install, itself included, pip not", 20, 1, ""),
    "installed": ("their size on disk, pip not counted", 250e6, 1e6, "MB"),
    "start": ("process start to first answer (CLI)", 1.2, 1, "s"),
    "memory": ("largest resident memory, the texts routed", 400e6, 1e6, "MB"),
    "unseen": ("the same after 200,000 words that nobody has seen", 400e6, 1e6, "MB"),
}
"""What must stay below what: words, limit, and by what and as what it is shown; a MB is 10^6 bytes."""
FORBIDDEN = frozenset(
    "torch transformers fastapi ray pandas sklearn scipy matplotlib uvicorn pydantic sqlalchemy tokenizers".split()
)
"""Modules that `import lapor_route` must not pull."""
COMPLAINT = "Jalan berlubang di Kec. Depok, Sleman, sudah tiga bulan tidak diperbaiki"
_PROBE = Path(__file__).parent / "probe.py"
_PEER_TEXTS = 64
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
_DEAREST = 8
"""Imports that are named."""


def run(options: Options, progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Builds, installs into a fresh environment, starts there.

    Returns:
        `install`, `start`, `imports`, `memory`, `unseen` (memory at worst), `peer`. A part that can't be done has
        `failed`, with the command and what it said; without an installation, this interpreter is measured.
    """
    runs, texts = (2, 40) if options.quick else (10, 1_000)
    file = options.work / "texts.json"
    options.work.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(mixed_texts(texts, options.seed)), encoding="utf-8")
    skipped = {"failed": "A quick run leaves it out."}
    progress("wheel and installation", 0.0)
    installed = skipped if options.quick else attempt(lambda: install(options.work))
    python = installed.get("python", sys.executable)
    progress("command line", 0.3)
    start = attempt(lambda: _start(python, runs))
    progress("imports", 0.5)
    imports = attempt(lambda: _imports(python, runs))
    progress("memory", 0.6)
    memory = attempt(lambda: _probe(python, 1 if options.quick else 3, "ours", str(file)))
    unseen = skipped if options.quick else attempt(lambda: _probe(python, 1, "unseen", str(file)))
    progress("transformers", 0.7)
    peer = skipped if options.quick else attempt(lambda: _peer(options, file))
    progress("done", 1.0)
    return {
        "quick": options.quick,
        "runs": runs,
        "install": installed,
        "start": start,
        "imports": imports,
        "memory": memory,
        "unseen": unseen,
        "peer": peer,
    }


def _start(python: str, runs: int) -> dict[str, Any]:
    """Seconds of whole processes, in turns: the bare interpreter, the import, the command line's first answer."""
    commands = {
        "interpreter": [python, "-c", "pass"],
        "import lapor_route": [python, "-c", "import lapor_route"],
        "route": [*_command(python), "route", COMPLAINT],
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        call(command)  # warms the page cache and writes what was not yet compiled
    for _ in range(runs):
        for name, command in commands.items():
            started = perf_counter()
            call(command)
            found[name].append(perf_counter() - started)
    return {name: _spread(seconds) for name, seconds in found.items()}


def _command(python: str) -> list[str]:
    """The command line of an interpreter's environment."""
    script = Path(python).parent / "lapor-route"
    return [str(script)] if script.exists() else [python, "-m", "lapor_route.cli"]


def _imports(python: str, runs: int) -> dict[str, Any]:
    """What `import lapor_route` takes and pulls, by `-X importtime`."""
    found = [import_times(python, "lapor_route") for _ in range(runs)]
    listed = "import sys, lapor_route; print('\\n'.join(sys.modules))"
    modules = call([python, "-c", listed]).split()
    tops = {name.partition(".")[0] for name in modules}
    dearest = {name: median([times.get(name, 0.0) for times in found]) for name in found[0]}
    return {
        "seconds": _spread([times["lapor_route"] for times in found]),
        "modules": len(modules),
        "forbidden": sorted(tops & FORBIDDEN),
        "dearest": dict(sorted(dearest.items(), key=lambda pair: -pair[1])[1 : 1 + _DEAREST]),
    }


def _probe(python: str, runs: int, *arguments: str) -> dict[str, Any]:
    """Medians over fresh interpreters."""
    command = [python, str(_PROBE), *arguments]
    found = [json.loads(call(command, _OFFLINE).splitlines()[-1]) for _ in range(runs)]
    return {key: _spread([figures[key] for figures in found]) for key in found[0]}


def _peer(options: Options, file: Path) -> dict[str, Any]:
    """The same steps by `transformers.pipeline`, with a model of IndoBERT-base's shape and random weights."""
    from benchmarks.peers.engine import MissingError
    from benchmarks.peers.pipelines import save_indobert

    folder, few = options.work / "indobert", options.work / "few.json"
    try:
        save_indobert(folder)
    except MissingError as error:
        return {"failed": str(error)}
    few.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8"))[:_PEER_TEXTS]), encoding="utf-8")
    script = (
        "from transformers import pipeline\n"
        f"print(pipeline('text-classification', model={str(folder)!r}, top_k=5)({COMPLAINT!r}))"
    )
    seconds = []
    for _ in range(4):
        started = perf_counter()
        call([sys.executable, "-c", script], _OFFLINE)
        seconds.append(perf_counter() - started)
    # The first one warms the page cache.
    memory = _probe(sys.executable, 2, "transformers", str(few), str(folder))
    return {"start": _spread(seconds[1:]), "memory": memory}


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "least": min(values), "most": max(values)}


def reached(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """The figure for each of `GOALS`; None where it couldn't be measured."""
    install = figures["install"]
    return {
        "wheel": install.get("wheel"),
        "packages": len(install["packages"]) if "packages" in install else None,
        "installed": install.get("installed"),
        "start": figures["start"].get("route", {}).get("median"),
        "memory": figures["memory"].get("memory_peak", {}).get("most"),
        "unseen": figures["unseen"].get("memory_peak", {}).get("most"),
    }


def report(figures: dict[str, Any]) -> str:
    """The tables: the goals, the start by steps beside transformers', imports, packages, and what failed."""
    install, start, memory, peer = (figures[part] for part in ("install", "start", "memory", "peer"))
    quick = " **Quick run: the times are of no worth.**" if figures["quick"] else ""
    where = "a fresh environment with the wheel alone" if "python" in install else "this environment"
    lines = [
        f"Measured in {where}; {figures['runs']} fresh processes each, files in the page cache; medians (least to "
        f"most). A MB is 10^6 bytes.{quick}",
        "",
        "| figure | goal | measured | reached |",
        "| --- | ---: | ---: | --- |",
        *(_goal(name, value) for name, value in reached(figures).items()),
        "",
    ]
    for part in ("install", "start", "imports", "memory", "unseen", "peer"):
        if "failed" in figures[part]:
            lines += [f"**Not measured: {part}.** {figures[part]['failed']}", ""]
    if "failed" not in start and "failed" not in memory:
        lines += [*_steps(start, memory, peer), ""]
    if "failed" not in figures["imports"]:
        lines += [*_import_table(figures["imports"]), ""]
    if "failed" not in install:
        names = ", ".join(f"{name} {version}" for name, version in sorted(install["packages"].items()))
        largest = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in install["largest"].items())
        lines += [
            f"Installed ({len(install['packages'])}): {names}. With pip {install['with_pip'] / 1e6:.0f} MB. "
            f"Largest folders, MB: {largest}."
        ]
    return "\n".join(lines)


def _goal(name: str, value: float | None) -> str:
    words, limit, unit, shown = GOALS[name]
    if value is None:
        return f"| {words} | <= {limit / unit:g} {shown} | not measured | |"
    digits = 2 if shown == "s" else 0
    held = "yes" if value <= limit else "**no**"
    return f"| {words} | <= {limit / unit:g} {shown} | {value / unit:.{digits}f} {shown} | {held} |"


def _steps(start: dict[str, Any], memory: dict[str, Any], peer: dict[str, Any]) -> list[str]:
    theirs = {} if "failed" in peer else {"start": peer["start"], **peer["memory"]}
    whole = "transformers.pipeline, IndoBERT-base's shape"
    rows = [
        ("bare interpreter, s", start["interpreter"], None, 1),
        ("process start to first answer, s", start["route"], theirs.get("start"), 1),
        *(
            (f"{words}, s", memory[key], theirs.get(key), 1)
            for words, key in (
                ("- import", "import_seconds"),
                ("- load", "load_seconds"),
                ("- first text", "first_seconds"),
            )
        ),
        ("modules that the import pulls", memory["modules"], theirs.get("modules"), 1),
        *(
            (f"resident memory {words}, MB", memory[key], theirs.get(key), 1e6)
            for words, key in (
                ("when loaded", "memory_loaded"),
                ("after the first text", "memory_first"),
                (f"after {memory['texts']['median']:,.0f} texts", "memory_all"),
                ("at most", "memory_peak"),
            )
        ),
    ]
    lines = [f"| step | lapor-route | {whole} |", "| --- | ---: | ---: |"]
    lines += [f"| {words} | {_cell(ours, unit)} | {_cell(other, unit)} |" for words, ours, other, unit in rows]
    if theirs:
        times = theirs["start"]["median"] / start["route"]["median"]
        less = theirs["memory_peak"]["median"] / memory["memory_peak"]["median"]
        lines += [
            "",
            f"transformers takes {times:.1f} times as long to the first answer and {less:.1f} times the memory "
            f"(after {theirs['texts']['median']:,.0f} texts).",
        ]
    return lines


def _cell(spread: dict[str, float] | None, unit: float) -> str:
    if spread is None:
        return ""
    middle, least, most = (spread[key] / unit for key in ("median", "least", "most"))
    digits = 0 if middle >= 20 else 3
    return f"{middle:,.{digits}f} ({least:,.{digits}f} to {most:,.{digits}f})"


def _import_table(imports: dict[str, Any]) -> list[str]:
    pulled = ", ".join(imports["forbidden"])
    lines = [
        f"`import lapor_route` takes {_cell(imports['seconds'], 1e-3)} ms by `-X importtime` and leaves "
        f"{imports['modules']} modules loaded; "
        + (f"**among them {pulled}.**" if pulled else f"none of {', '.join(sorted(FORBIDDEN))} is among them."),
        "",
        "| dearest imports, with what they pull | ms |",
        "| --- | ---: |",
    ]
    return lines + [f"| {name} | {1000 * seconds:.1f} |" for name, seconds in imports["dearest"].items()]


def plots(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Steps of the start, ours and transformers'."""
    memory, peer = figures["memory"], figures["peer"]
    if "failed" in memory:
        return []
    import matplotlib as mpl
    from matplotlib.figure import Figure

    sides = {"lapor-route": memory} | ({} if "failed" in peer else {"transformers.pipeline": peer["memory"]})
    path = folder / "footprint-start.svg"
    with mpl.rc_context({"svg.hashsalt": "lapor-route", "font.size": 8}):
        figure = Figure(figsize=(8, 2.2), layout="constrained")
        seconds, megabytes = figure.subplots(1, 2)
        for row, found in enumerate(sides.values()):
            left = 0.0
            for color, key in enumerate(("import_seconds", "load_seconds", "first_seconds")):
                seconds.barh(
                    row, found[key]["median"], left=left, color=f"C{color}", label=key if row == 0 else None
                )
                left += found[key]["median"]
            megabytes.barh(row, found["memory_peak"]["median"] / 1e6, color="C3")
            for axes in (seconds, megabytes):
                axes.set_yticks(range(row + 1), [*sides][: row + 1])
        seconds.set(xlabel="seconds from import to first answer")
        seconds.legend(fontsize=6)
        megabytes.set(xlabel="largest resident memory, MB")
        megabytes.axvline(GOALS["memory"][1] / 1e6, color="black", lw=0.7, ls=":")
        figure.savefig(path, metadata={"Date": None})
    return [path]
