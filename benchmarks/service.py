"""The service under load: a day of complaints, bursts, steady load, saturation, overload and recovery.

An open loop: requests leave at their times in a process of their own, whatever the answers do, and latency counts
from the intended time. The service starts with an empty SQLite store, and what that keeps is counted. Every
accepted answer is compared with the library's own.
"""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.arrivals import A_DAY, SECONDS, Burst, arrivals, steady
from benchmarks.load import report as tables
from benchmarks.load.generator import Request, fire, post
from benchmarks.load.letters import letters, library_answers
from benchmarks.load.picture import by_rate
from benchmarks.load.runner import Load, saturation
from benchmarks.load.server import Watch, attach, started
from benchmarks.load.trivial import trivial_server
from benchmarks.load.verdict import figures, recovery, unrecorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.load.letters import Letter
    from benchmarks.options import Options

    Progress = Callable[[str, float], None]

NAME = "service"
TITLE = "The service under load"

CALM_MS = 100
"""A 99th percentile at which all goes well."""
STEADY_RATE = 100.0
OVERLOAD = 3
"""Times the capacity."""
BURST = 10
"""Times an average day's rate."""
_TRIALS = 10
"""About how many the search for the capacity takes."""


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

    @property
    def seconds(self) -> float:
        """About how long it takes."""
        return sum((self.day, self.bursts, self.steady, self.confirm, self.overload, self.aftermath)) + (
            (1 + _TRIALS) * self.trial
        )


QUICK = Plan(
    letters=64,
    day=4,
    bursts=3,
    steady=2,
    trial=1,
    first=60,
    growth=1.6,
    close=1.3,
    confirm=1,
    overload=3,
    aftermath=6,
)


def run(options: Options, progress: Progress) -> dict[str, Any]:
    """Measures a service of its own with one worker; what `measure` gives.

    Args:
        options: `work` gets the service's log; the service chooses its threads itself.
        progress: Told the scenario that goes on, and about which share of all is done.
    """
    plan, start = QUICK if options.quick else Plan(), time.monotonic()
    options.work.mkdir(parents=True, exist_ok=True)

    def of_all(scenario: str, _: float) -> None:
        progress(scenario, min(0.99, (time.monotonic() - start) / plan.seconds))

    found = measure(plan, None, 1, options.work, of_all)
    progress("done", 1.0)
    return {"quick": options.quick, **found}


def report(figures: dict[str, Any]) -> str:
    """The goals, the capacity, a table of the scenarios and one of what was right."""
    return tables.markdown(figures)


def plots(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Latency and shedding by the rate offered: the trials of the search for the capacity, and the overload."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    known = ("warm-up", "day", "bursts", "afterwards")
    path = folder / "service-rates.svg"
    with mpl.rc_context({"svg.hashsalt": "lapor-route", "font.size": 8}):
        figure = Figure(figsize=(5, 3), layout="constrained")
        by_rate(figure.subplots(), (found for name, found in figures["scenarios"].items() if name not in known))
        figure.savefig(path, metadata={"Date": None})
    return [path]


def measure(plan: Plan, url: str | None, workers: int, out: Path, progress: Progress) -> dict[str, Any]:
    """All scenarios, and what became of them as JSON-ready data.

    Args:
        plan: How long everything takes.
        url: A service that runs already; None starts one.
        workers: Of the service that is started.
        out: Folder that gets the log of the service that is started.
        progress: Told the scenario that goes on, and the share of it that is done.
    """
    progress(f"the library's own answers to {plan.letters} complaints", 0.0)
    asked = letters(plan.letters)
    expected = library_answers(asked)
    with (
        tempfile.TemporaryDirectory(prefix="service_load-") as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        generator = _generator_alone(pool, asked[0])
        service = nullcontext(attach(url)) if url else started(Path(folder), ["--workers", str(workers)])
        with service as server, Watch(server) as watch:
            load = Load(server, watch, pool, asked, expected, progress)
            capacity, recovered = scenarios(load, plan)
        kept = None if url else unrecorded(Path(folder) / "store.db", load.tally)
        if not url:
            (out / "server.log").write_bytes((Path(folder) / "server.log").read_bytes())
    return {
        "generator": generator,
        "workers": workers if not url else None,
        "capacity_per_second": capacity,
        "recovery_seconds": recovered,
        "scenarios": load.scenarios,
        "memory": load.memory(),
        "correctness": tables.correctness(load.tally, kept),
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
    compression = SECONDS / 120
    span = seconds * compression
    fades = span / 12
    size = round((BURST - 1) * A_DAY / SECONDS * fades)
    bursts = [Burst(span * part, size, fades) for part in (0.1, 0.4, 0.7)]
    return arrivals(span / SECONDS, seed=3, start=8 * 3_600, bursts=bursts, compression=compression)


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
