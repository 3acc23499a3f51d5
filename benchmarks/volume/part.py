"""The part on volume: everything measured, one after the other."""

from __future__ import annotations

import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.arrivals import A_DAY, steady
from benchmarks.host import Busy
from benchmarks.load.letters import letters, library_answers
from benchmarks.load.report import correctness
from benchmarks.load.runner import Load, saturation
from benchmarks.load.server import Watch, started
from benchmarks.load.verdict import OK, SHED, outcome, percentile, spread, unrecorded
from benchmarks.texts import mixed_texts
from benchmarks.volume import year
from benchmarks.volume.cost import Assumed
from benchmarks.volume.library import Library, effort_figures
from benchmarks.volume.limits import crossed
from benchmarks.volume.stretches import WINDOW, busiest, chosen, loads_like
from lapor_route.classifiers.backends import usable_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.load.letters import Letter
    from benchmarks.options import Options
    from benchmarks.volume.stretches import Stretch

    Progress = Callable[[str, float], None]

NAME = "volume"
TITLE = "At 331 complaints a day and far above"

OVERLOAD = 2.0
"""Times the capacity, to see what gives way beyond it."""
_LIBRARY, _SERVICE = 0.2, 0.5
"""Shares of the time at which the library and the service are done."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done.

    Attributes:
        letters: Different complaints that arrive.
        single: Texts that the library routes one by one.
        bulk: Texts that it routes at once.
        first: Requests a second at which the search for the service's capacity begins.
        growth: Factor to the next rate, until one is too much.
        close: The search ends when what is too much is that factor above what is not.
        trial: Seconds at each rate.
        confirm: Seconds at the rate found.
    """

    letters: int = 600
    single: int = 300
    bulk: int = 1_024
    first: float = 40
    growth: float = 1.5
    close: float = 1.08
    trial: float = 6
    confirm: float = 15


QUICK = Plan(letters=48, single=24, bulk=48, first=40, growth=2, close=1.5, trial=1, confirm=1)


def run(options: Options, progress: Progress) -> dict[str, Any]:
    """Replays life at multiples of today's volume, finds the ends of both sides, and routes a year.

    Returns:
        `stretches` (each with `library` and `service`), `single` and `bulk` (the library at its end) with
        `library_others` (cores that other processes took), `trials`, `capacity_per_second`, `limits` and
        `correctness` (of the service), `year`, `assumed`, `estimates`.
    """
    options.work.mkdir(parents=True, exist_ok=True)
    plan, stretches = QUICK if options.quick else Plan(), chosen(options.quick)
    asked = letters(plan.letters)
    rows = [_described(stretch, stretch.times(options.seed)) for stretch in stretches]
    ends = _library(plan, stretches, rows, asked, options, progress)
    served = _service(plan, stretches, rows, asked, options, progress)
    per_second = ends["bulk"]["per_second"]
    number = year.rows_that_fit(per_second, options.quick)
    progress(f"a year's batch, {number:,} rows", _SERVICE)
    routed = year.batch(
        number,
        options,
        lambda share: progress("a year's batch", _SERVICE + (1 - _SERVICE) * share),
        number / per_second,
    )
    progress("done", 1.0)
    figures = {
        "quick": options.quick,
        "cores": usable_cores(),
        "threads": options.threads,
        "per_day": A_DAY,
        "stretches": rows,
        **ends,
        **served,
        "year": routed,
    }
    return figures | estimates(figures, Assumed())


def _described(stretch: Stretch, times: Sequence[float]) -> dict[str, Any]:
    return {
        **asdict(stretch),
        "span": stretch.span,
        "requests": len(times),
        "loads_like": loads_like(len(times), stretch.seconds),
        "busiest": busiest(times, min(WINDOW, stretch.seconds)),
    }


def _library(
    plan: Plan,
    stretches: Sequence[Stretch],
    rows: list[dict[str, Any]],
    asked: Sequence[Letter],
    options: Options,
    progress: Progress,
) -> dict[str, Any]:
    """Fills in `library` of each row; gives `single` and `bulk`."""
    progress("the library loads", 0.0)
    texts, before = [letter.text for letter in asked], Busy.now()
    with Library(options.threads) as library:
        for i, (stretch, row) in enumerate(zip(stretches, rows, strict=True)):
            progress(f"library: {stretch.multiple:,} times the volume", _LIBRARY * i / (len(rows) + 1))
            done = library.replay(texts, stretch.times(options.seed))
            row["library"] = {
                **spread(done.latencies),
                "answered": len(done.latencies),
                "shed": 0,
                "lost": done.lost,
                "cpu_per_1000": 1_000 * done.cpu / len(done.latencies) if done.latencies else None,
                "memory_mb": round(done.memory / 2**20),
                "deepest": done.deepest,
                "late_p99_ms": round(1_000 * percentile(done.late, 0.99), 1),
            }
        progress("library: one by one, then at once", _LIBRARY * len(rows) / (len(rows) + 1))
        single = library.single(mixed_texts(plan.single, options.seed + 1))
        bulk = library.bulk(mixed_texts(plan.bulk, options.seed + 2))
    return {
        "single": {**effort_figures(single), **spread(single.calls)},
        "bulk": effort_figures(bulk),
        "library_others": round(before.others_until(Busy.now()), 2),
    }


def _service(
    plan: Plan,
    stretches: Sequence[Stretch],
    rows: list[dict[str, Any]],
    asked: list[Letter],
    options: Options,
    progress: Progress,
) -> dict[str, Any]:
    """Fills in `service` of each row; gives the trials of the search for its capacity, and what was right."""
    progress("the library's own answers, to compare with", _LIBRARY)
    expected = library_answers(asked)
    phase = [0.0]

    def tell(scenario: str, share: float) -> None:
        done = min(1.0, (phase[0] + share) / (len(rows) + 2))
        progress(f"service: {scenario}", _LIBRARY + (_SERVICE - _LIBRARY) * done)

    with (
        tempfile.TemporaryDirectory(prefix="volume-") as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        with started(Path(folder), threads=options.threads) as server, Watch(server) as watch:
            load = Load(server, watch, pool, asked, expected, tell)
            load.run("warm-up", steady(20, 1.0 if options.quick else 3.0, seed=1))
            for stretch, row in zip(stretches, rows, strict=True):
                row["service"] = _replayed(load, f"x{stretch.multiple}", stretch.times(options.seed))
                phase[0] += 1
            before = set(load.scenarios)
            capacity = saturation(load.bears, plan.first, plan.growth, plan.close, plan.trial, plan.confirm)
            phase[0] += 1
            load.run("overload", steady(OVERLOAD * capacity, plan.trial, seed=options.seed))
        kept = unrecorded(Path(folder) / "store.db", load.tally)
    return {
        "capacity_per_second": capacity,
        "trials": {name: found for name, found in load.scenarios.items() if name not in before},
        "limits": crossed([load.scenarios[name] for name in load.scenarios if name not in before], usable_cores()),
        "correctness": correctness(load.tally, kept),
    }


def _replayed(load: Load, name: str, times: Sequence[float]) -> dict[str, Any]:
    volley = load.run(name, times)
    outcomes = [outcome(answer) for answer in volley.answers]
    scenario = load.scenarios[name]
    answered = outcomes.count(OK)
    return {
        **{key: scenario[key] for key in ("p50_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms", "memory_mb")},
        "answered": answered,
        "shed": outcomes.count(SHED),
        "lost": len(outcomes) - answered - outcomes.count(SHED),
        "cpu_per_1000": 1_000 * scenario["server_cpu_seconds"] / answered if answered else None,
        "late_p99_ms": scenario["generator_late_p99_ms"],
        "other_cores": scenario["other_cores"],
    }


def estimates(figures: dict[str, Any], assumed: Assumed) -> dict[str, Any]:
    """Money and energy of a million complaints, by the way they are routed; `assumed` and `estimates`."""
    found, routed = {}, figures["year"]
    per_1000 = {
        "library, one by one": figures["single"]["cpu_per_1000"],
        "library, at once": figures["bulk"]["cpu_per_1000"],
        "service at its capacity": at_capacity(figures["trials"]),
    }
    if "failed" not in routed:
        per_1000["a year's batch"] = 1_000 * routed["cpu_seconds"] / routed["rows"]
    for name, seconds in per_1000.items():
        if seconds is not None:
            found[name] = {"cpu_seconds": seconds / 1_000, **assumed.busy(seconds / 1_000)}
    alone = figures["stretches"][0]["service"]["cpu_per_1000"]
    if alone is not None:
        always_on = assumed.always_on(alone / 1_000, A_DAY)
        found[f"service, always on, {A_DAY} a day"] = {"cpu_seconds": alone / 1_000, **always_on}
    return {"assumed": assumed.to_dict(), "estimates": found}


def at_capacity(trials: dict[str, dict[str, Any]]) -> float | None:
    """CPU seconds of 1,000 requests at the highest rate of which all were answered."""
    whole = [trial for trial in trials.values() if trial["ok"] == trial["requests"]]
    if not whole:
        return None
    highest = max(whole, key=lambda trial: float(trial["offered_per_second"]))
    return float(1_000 * highest["server_cpu_seconds"] / highest["ok"])
