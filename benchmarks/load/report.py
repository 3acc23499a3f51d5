"""The goals, and the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.load.verdict import Tally

COLUMNS = (
    "requests",
    "offered_per_second",
    "ok",
    "shed",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "p999_ms",
    "max_ms",
    "goodput_per_second",
    "server_cores",
    "other_cores",
    "generator_cpu",
    "generator_late_p99_ms",
    "memory_mb",
)
MOST_OTHERS = 0.2
"""Cores that other processes may take before figures of speed are suspect."""
MOST_MEMORY = 400
MOST_GROWTH = 1.1
"""Of the memory at the end, over that after the steady load."""


def correctness(tally: Tally, kept: tuple[int, int] | None) -> dict[str, Any]:
    """The counts of what was right and wrong; `kept` is what `unrecorded` found, None where it couldn't look."""
    return {
        "asked": tally.asked,
        "accepted": tally.accepted,
        "equal_to_the_library": tally.exact,
        "differing_in_numbers_only": tally.near,
        "largest_difference": tally.largest_gap,
        "wrong": tally.wrong,
        "shed": tally.refused,
        "lost": tally.lost,
        "errors": dict(tally.errors),
        "strays": tally.strays,
        "not_in_the_store": kept[0] if kept else None,
        "rows_too_many": kept[1] if kept else None,
        "examples": tally.examples,
    }


def sound(right: dict[str, Any]) -> bool:
    """Whether nothing was lost, wrong, answered twice or not kept; says nothing of speed."""
    faults = ("wrong", "lost", "strays", "not_in_the_store", "rows_too_many")
    return right["accepted"] > 0 and not any(right[fault] for fault in faults) and not right["errors"]


def goals(found: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Each goal with what it asks, what was found, and whether that keeps it."""
    steady, overload = found["scenarios"]["steady"], found["scenarios"]["overload"]
    right, memory = found["correctness"], found["memory"]
    recovered = found["recovery_seconds"]
    bad = steady["shed"] + steady["lost"] + sum(steady["errors"].values())
    rows = [
        ("steady: p99", "<= 100 ms", f"{steady['p99_ms']} ms", (steady["p99_ms"] or 1e9) <= 100),
        ("steady: neither shed nor failed", "0", str(bad), bad == 0),
        (
            "overload: p99 of the accepted",
            "<= 500 ms",
            f"{overload['p99_ms']} ms",
            (overload["p99_ms"] or 1e9) <= 500,
        ),
        (
            "overload: lost, or failed otherwise than by shedding",
            "0",
            str(_failed(overload)),
            not _failed(overload),
        ),
        ("recovery", "<= 5 s", f"{recovered} s", recovered is not None and recovered <= 5),
        (
            "answers equal to the library's",
            "all",
            f"{right['equal_to_the_library']} of {right['accepted']}",
            _equal(right),
        ),
        ("lost, wrong, answered twice, not kept", "0", str(_faults(right)), sound(right)),
    ]
    if memory["peak_mb"]:
        growth = memory["last_mb"] / memory["after_steady_mb"]
        rows += [
            (
                "memory at its peak",
                f"<= {MOST_MEMORY} MB",
                f"{memory['peak_mb']:.0f} MB",
                memory["peak_mb"] <= MOST_MEMORY,
            ),
            (
                "memory at the end over that after the steady load",
                f"<= {MOST_GROWTH}",
                f"{growth:.2f}",
                growth <= MOST_GROWTH,
            ),
        ]
    return rows


def _failed(scenario: dict[str, Any]) -> int:
    return int(scenario["lost"] + sum(scenario["errors"].values()))


def _equal(right: dict[str, Any]) -> bool:
    return bool(right["accepted"]) and right["equal_to_the_library"] == right["accepted"]


def _faults(right: dict[str, Any]) -> int:
    counts = (right[key] or 0 for key in ("wrong", "lost", "strays", "not_in_the_store"))
    return int(sum(counts) + abs(right["rows_too_many"] or 0))


def markdown(found: dict[str, Any]) -> str:
    """The report to read."""
    lines = [
        "An open loop over loopback, client and service on the same cores; latency counts from the intended time."
        + (" **Quick run: the times are of no worth.**" if found["quick"] else ""),
        "",
        "| goal | asked | found | |",
        "| --- | ---: | ---: | --- |",
        *(
            f"| {name} | {asked} | {got} | {'kept' if kept else '**missed**'} |"
            for name, asked, got, kept in goals(found)
        ),
        "",
        f"Capacity: {found['capacity_per_second']:.0f} requests/s (p99 <= 500 ms, nothing shed).",
        *_warning(found["scenarios"]),
        "",
        "| scenario | " + " | ".join(name.replace("_", " ") for name in COLUMNS) + " |",
        "| --- |" + " ---: |" * len(COLUMNS),
    ]
    for name, figures in found["scenarios"].items():
        lines.append(f"| {name} | " + " | ".join(_cell(figures[column]) for column in COLUMNS) + " |")
    lines += ["", "| correctness | |", "| --- | ---: |"]
    lines += [
        f"| {key.replace('_', ' ')} | {value} |" for key, value in found["correctness"].items() if key != "examples"
    ]
    lines += ["", *(f"- {example}" for example in found["correctness"]["examples"])]
    return "\n".join(lines).rstrip() + "\n"


def _warning(scenarios: dict[str, dict[str, Any]]) -> list[str]:
    others = max(scenario["other_cores"] for scenario in scenarios.values())
    if others <= MOST_OTHERS:
        return []
    return ["", f"**Other processes took up to {others} cores meanwhile: figures of speed are suspect.**"]


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:,}"
