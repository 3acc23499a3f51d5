"""The service under load: a day of complaints, bursts, steady load, saturation, overload and recovery.

    python -m benchmarks.service_load --out build/service_load
    python -m benchmarks.service_load --out build/service_load --quick
    python -m benchmarks.service_load --out build/service_load --url http://127.0.0.1:8000

An open loop: requests leave at their times in a process of their own, whatever the answers do, and latency counts
from the intended time. Without `--url` it starts a service with an empty SQLite store, and counts what that keeps.
Every accepted answer is compared with the library's own. Ends with 1 if one was lost, wrong, answered twice or not
kept; whether the goals for speed are kept is in the report, since that depends on the machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from benchmarks.arrivals import A_DAY, SECONDS, Burst, arrivals, steady
from benchmarks.load import report
from benchmarks.load.generator import Request, fire, post
from benchmarks.load.letters import letters, library_answers
from benchmarks.load.runner import Load, saturation
from benchmarks.load.server import Watch, attach, started
from benchmarks.load.trivial import trivial_server
from benchmarks.load.verdict import figures, recovery, unrecorded

if TYPE_CHECKING:
    from benchmarks.load.letters import Letter

CALM_MS = 100
"""A 99th percentile at which all goes well."""
STEADY_RATE = 100.0
OVERLOAD = 3
"""Times the capacity."""
BURST = 10
"""Times an average day's rate."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long everything takes.

    Attributes:
        letters: Different complaints.
        day: Seconds of an average day.
        bursts: Seconds of bursts.
        steady: Seconds of steady load.
        trial: Seconds at each rate of the search for the capacity.
        first: First rate of that search.
        growth: Factor to the next rate, until one is too much.
        close: The search ends when what is too much is that factor above what is not.
        confirm: Seconds at the rate found.
        overload: Seconds of overload.
        aftermath: Seconds of moderate load after it.
    """

    letters: int = 1_500
    day: float = 120
    bursts: float = 60
    steady: float = 30
    trial: float = 8
    first: float = 60
    growth: float = 1.4
    close: float = 1.06
    confirm: float = 20
    overload: float = 20
    aftermath: float = 15


QUICK = Plan(
    letters=160,
    day=8,
    bursts=6,
    steady=4,
    trial=2,
    first=100,
    growth=1.6,
    close=1.3,
    confirm=2,
    overload=4,
    aftermath=7,
)


def main() -> int:
    """Command line: runs everything, writes `service_load.json` and `service_load.md`, prints the latter."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--url", help="a service that runs already on this machine, with the embedded bundle")
    parser.add_argument("--workers", type=int, default=1, help="of the service that is started (default: 1)")
    parser.add_argument("--quick", action="store_true", help="everything in less than a minute, to try the harness")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    plan = QUICK if options.quick else Plan()
    console = Console(stderr=True)
    found = measure(plan, options.url, options.workers, options.out, console)
    found["quick"] = options.quick
    (options.out / "service_load.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = report.markdown(found)
    (options.out / "service_load.md").write_text(text, encoding="utf-8")
    print(text)
    return 0 if report.sound(found["correctness"]) else 1


def measure(plan: Plan, url: str | None, workers: int, out: Path, console: Console) -> dict[str, Any]:
    """All scenarios, and what became of them as JSON-ready data."""
    host = report.machine()
    console.print(f"the library's own answers to {plan.letters} complaints ...")
    asked = letters(plan.letters)
    expected = library_answers(asked)
    with (
        tempfile.TemporaryDirectory(prefix="service_load-") as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        generator = _generator_alone(pool, asked[0])
        service = nullcontext(attach(url)) if url else started(Path(folder), ["--workers", str(workers)])
        with service as server, Watch(server) as watch, _progress(console) as progress:
            load = Load(server, watch, pool, asked, expected, progress)
            capacity, recovered = scenarios(load, plan)
        kept = None if url else unrecorded(Path(folder) / "store.db", load.tally)
        if not url:
            (out / "server.log").write_bytes((Path(folder) / "server.log").read_bytes())
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "machine": host,
        "generator": generator,
        "workers": workers if not url else None,
        "capacity_per_second": capacity,
        "recovery_seconds": recovered,
        "scenarios": load.scenarios,
        "memory": load.memory(),
        "correctness": report.correctness(load.tally, kept),
    }


def scenarios(load: Load, plan: Plan) -> tuple[float, float | None]:
    """Runs them one after the other; the capacity (requests a second) and the seconds until it recovered."""
    load.run("warm-up", steady(20, 3, seed=1))
    load.run("day", arrivals(1, seed=2, compression=SECONDS / plan.day))
    load.run("bursts", burst_times(plan.bursts))
    load.run("steady", steady(STEADY_RATE, plan.steady, seed=4))
    capacity = saturation(load.bears, plan.first, plan.growth, plan.close, plan.trial, plan.confirm)
    times = steady(OVERLOAD * capacity, plan.overload, seed=5)
    moderate = steady(min(STEADY_RATE, capacity / 2), plan.aftermath, seed=6)
    volley = load.run("overload", times, [plan.overload + time for time in moderate])
    recovered = recovery(volley.answers, plan.overload, CALM_MS / 1000, calm=min(5.0, plan.aftermath / 2))
    load.run("afterwards", steady(min(STEADY_RATE, capacity / 2), plan.trial, seed=7))
    return capacity, recovered


def burst_times(seconds: float) -> list[float]:
    """Hours from eight in the morning on, a day in two minutes; three bursts begin at ten times the mean."""
    compression, start = SECONDS / 120, 8 * 3_600
    span = seconds * compression
    fades = span / 12
    size = round((BURST - 1) * A_DAY / SECONDS * fades)
    bursts = [Burst(start + span * part, size, fades) for part in (0.1, 0.4, 0.7)]
    times = arrivals((start + span) / SECONDS, seed=3, bursts=bursts)
    return [(time - start) / compression for time in times if time >= start]


def _generator_alone(pool: ProcessPoolExecutor, letter: Letter, rate: float = 2_000.0) -> dict[str, float]:
    """What the generator does against a server that only answers: its share of a core, and how many it could do."""
    content = post("/v1/route", letter.body("alone"))
    with trivial_server() as port:
        pool.submit(fire, "127.0.0.1", port, [Request(0.0, content)] * 20).result()
        requests = [Request(at, content) for at in steady(rate, 2, seed=1)]
        volley = pool.submit(fire, "127.0.0.1", port, requests).result()
    alone = figures(volley)
    return {
        "requests_per_second": alone["goodput_per_second"],
        "cpu": alone["generator_cpu"],
        "p99_ms": alone["p99_ms"],
        "late_p99_ms": alone["generator_late_p99_ms"],
        "most_per_second": round(rate / volley.cpu, -2),
    }


def _progress(console: Console) -> Progress:
    columns = (*Progress.get_default_columns()[:-1], TimeElapsedColumn())
    return Progress(*columns, console=console, refresh_per_second=2, disable=not console.is_terminal)


if __name__ == "__main__":
    sys.exit(main())
