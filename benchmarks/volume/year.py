"""A year in one batch: `lapor-route batch`, watched from outside."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.host import Busy
from benchmarks.texts import mixed_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.options import Options

YEAR = 113_989
"""Complaints of 2022 at SP4N-LAPOR!."""
FITS = 14.5 * 60
"""Seconds that the batch may take."""
LEAST = 300
"""Rows of a quick run."""
FLAT = 1.1
"""Memory at the end over that after a tenth, at most."""
TELLING = 60.0
"""Seconds from which on a batch tells whether memory is flat."""
_EVERY = 0.5
_NOTES = 400
"""Of memory, that are kept."""
_CHUNK = 10_000


def rows_that_fit(per_second: float, quick: bool) -> int:
    """The whole year if its batch ends in time at a rate of texts a second, else as many as do."""
    return LEAST if quick else min(YEAR, max(LEAST, int(per_second * FITS)))


def batch(rows: int, options: Options, tell: Callable[[float], None], expected: float) -> dict[str, Any]:
    """Writes so many complaints, routes the file, and counts what came out; both files are deleted then.

    Args:
        rows: Lines of the file.
        options: `work` gets the files.
        tell: Told the share that is about done.
        expected: Seconds that it will about take.

    Returns:
        `rows`, `written`, `errors` (not routed, out of place or missing), `seconds`, `cpu_seconds`, `others` (cores
        that other processes took) and what `memory_figures` gives; or `failed`, what the command said.
    """
    source, target = options.work / "volume-year.jsonl", options.work / "volume-year-routed.jsonl"
    write_complaints(source, rows, options.seed)
    program = str(Path(sys.executable).with_name("lapor-route"))
    command = [program, "batch", str(source), str(target), "--threads", str(options.threads)]
    found = _watched(command, tell, expected)
    source.unlink()
    if "failed" in found:
        return found
    written, errors = count(target)
    target.unlink()
    return {"rows": rows, "written": written, "errors": errors + abs(rows - written), **found}


def _watched(command: Sequence[str], tell: Callable[[float], None], expected: float) -> dict[str, Any]:
    """Runs a command to its end; seconds, CPU seconds and memory."""
    used, busy, start = resource.getrusage(resource.RUSAGE_CHILDREN), Busy.now(), time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    notes = []
    try:
        while process.poll() is None:
            notes.append((time.monotonic() - start, _memory(process.pid)))
            tell(min(0.99, notes[-1][0] / expected))
            time.sleep(min(_EVERY, expected / 50))
    except BaseException:
        process.kill()
        raise
    finally:
        _, told = process.communicate()
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        end = told.decode(errors="replace")[-500:]
        return {"failed": f"`{' '.join(command)}` ended with {process.returncode}: {end}"}
    return {
        "seconds": seconds,
        "cpu_seconds": after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime,
        "others": round(busy.others_until(Busy.now()), 2),
        **memory_figures([note for note in notes if note[1]]),
    }


def write_complaints(path: Path, rows: int, seed: int) -> None:
    """JSONL with `id` and `text`."""
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, rows, _CHUNK):
            for i, text in enumerate(mixed_texts(min(_CHUNK, rows - start), seed + start), start):
                file.write(json.dumps({"id": str(i), "text": text}, ensure_ascii=False) + "\n")


def count(path: Path) -> tuple[int, int]:
    """Rows of an output, and those among them without a routing or out of their place."""
    rows = errors = 0
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            errors += not row.get("routing") or row["id"] != str(rows)
            rows += 1
    return rows, errors


def memory_figures(notes: Sequence[tuple[float, int]]) -> dict[str, Any]:
    """Resident memory (bytes) after a tenth of the time, at the end and at most, and its course.

    Args:
        notes: Seconds and bytes, as they were noted.
    """
    if not notes:
        return {"memory_tenth": None, "memory_end": None, "memory_most": None, "memory": []}
    last = notes[-1][0]
    tenth = [bytes_ for at, bytes_ in notes if 0.08 * last <= at <= 0.12 * last]
    end = [bytes_ for at, bytes_ in notes if at >= 0.96 * last]
    step = -(-len(notes) // _NOTES)
    return {
        "memory_tenth": median(tenth) if tenth else None,
        "memory_end": median(end),
        "memory_most": max(bytes_ for _, bytes_ in notes),
        "memory": [[round(at, 1), bytes_] for at, bytes_ in notes[::step]],
    }


def _memory(pid: int) -> int:
    """Resident bytes of a process; 0 when it has ended."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
