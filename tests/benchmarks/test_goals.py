"""The goals: what keeps them, what misses them, what doesn't tell."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from benchmarks.goals import GOALS, table, verdicts


def spread(value: float) -> dict[str, float]:
    return {"median": value, "least": value, "most": value, "min": value, "max": value}


def record(figures: dict[str, Any], *, quick: bool = False) -> dict[str, Any]:
    return {"figures": figures, "options": {"quick": quick}}


PEERS = {
    "ours": {"p50_ms": 9.0, "p99_ms": 29.0, "times_torch": spread(9.0)},
    "ours-bert": {"times_torch": spread(4.5)},
    "indobert-fp32": {"ours_times": spread(16.0)},
}
STEADY = {"p99_ms": 90.0, "shed": 0, "lost": 0, "errors": {}}
OVERLOAD = {"p99_ms": 400.0, "shed": 900, "lost": 0, "errors": {}}
KEPT: dict[str, dict[str, Any]] = {
    "peers": record({"peers": PEERS}),
    "accuracy": record(
        {"files": {"tail": {"sides": {"ours-torch": {"top1": 0.702}, "ours-bert": {"top1": 0.7}}}, "f": {}}}
    ),
    "machine": record(
        {
            "encoder": [{"share": spread(0.1)}, {"share": spread(0.6)}],
            "stages": {"bulk": {"places+join+tokenise": spread(0.1)}},
        }
    ),
    "places": record(
        {
            "speed": {"times": spread(40.0)},
            "right": {
                "a": {"rows": 10, "ours": 0.9, "theirs": 0.7},
                "b": {"rows": 10, "ours": 1.0, "theirs": 1.0},
            },
        }
    ),
    "volume": record(
        {
            "year": {
                "rows": 113_989,
                "seconds": 590.0,
                "errors": 0,
                "memory_tenth": 250e6,
                "memory_end": 260e6,
                "memory_most": 270e6,
            }
        }
    ),
    "service": record(
        {
            "scenarios": {"steady": STEADY, "overload": OVERLOAD},
            "recovery_seconds": 2.0,
            "memory": {"peak_mb": 380},
        }
    ),
    "footprint": record(
        {
            "install": {"wheel": 28e6, "packages": {"a": "1"}, "installed": 229e6},
            "start": {"route": spread(0.6)},
            "memory": {"memory_peak": spread(205e6)},
            "unseen": {"memory_peak": spread(390e6)},
        }
    ),
}


def verdict_of(records: dict[str, Any], figure: str) -> tuple[str, bool | None]:
    (found,) = [verdict for verdict in verdicts(records) if verdict.goal.figure.startswith(figure)]
    return found.measured, found.kept


def changed(part: str, *path: str | int, value: Any) -> dict[str, Any]:
    records = deepcopy(KEPT)
    inner = records[part]["figures"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return records


def test_good_figures_keep_every_goal() -> None:
    assert [verdict.goal.figure for verdict in verdicts(KEPT) if not verdict.kept] == []


def test_without_results_nothing_is_kept_or_missed() -> None:
    assert {verdict.kept for verdict in verdicts({})} == {None}
    assert f"0 missed, {len(GOALS)} not measured, 0 kept" in table({})


@pytest.mark.parametrize("part", KEPT)
def test_figures_of_another_form_are_not_measured(part: str) -> None:
    found = verdicts({part: record({"quick": True, "failed": "it broke"})})
    assert {verdict.kept for verdict in found} == {None}


@pytest.mark.parametrize(
    ("figure", "records"),
    [
        ("texts/s against `transf", changed("peers", "peers", "indobert-fp32", "ours_times", value=spread(14.9))),
        ("texts/s against our own", changed("peers", "peers", "ours-bert", "times_torch", value=spread(3.9))),
        ("accuracy lost", changed("accuracy", "files", "tail", "sides", "ours-torch", "top1", value=0.704)),
        ("share of the machine", changed("machine", "encoder", 1, "share", value=spread(0.49))),
        ("places, join", changed("machine", "stages", "bulk", "places+join+tokenise", value=spread(0.16))),
        ("place resolution", changed("places", "speed", "times", value=spread(29.0))),
        ("the same, share right", changed("places", "right", "a", "ours", value=0.7)),
        ("one year", changed("volume", "year", "seconds", value=601.0)),
        ("one year", changed("volume", "year", "rows", value=100_000)),
        ("one year", changed("volume", "year", "errors", value=1)),
        ("memory of that", changed("volume", "year", "memory_end", value=280e6)),
        ("one text, library, p50", changed("peers", "peers", "ours", "p50_ms", value=10.1)),
        ("one text, library, p99", changed("peers", "peers", "ours", "p99_ms", value=30.1)),
        ("process start", changed("footprint", "start", "route", value=spread(1.3))),
        ("resident memory, library", changed("footprint", "memory", "memory_peak", value=spread(401e6))),
        ("the same after", changed("footprint", "unseen", "memory_peak", value=spread(401e6))),
        ("resident memory, service", changed("service", "memory", "peak_mb", value=401)),
        ("package with", changed("footprint", "install", "wheel", value=46e6)),
        ("packages of", changed("footprint", "install", "packages", value=dict.fromkeys(map(str, range(21)), "1"))),
        ("their size", changed("footprint", "install", "installed", value=251e6)),
        ("service at 100", changed("service", "scenarios", "steady", "p99_ms", value=100.1)),
        ("service at 100", changed("service", "scenarios", "steady", "errors", value={"500 error": 1})),
        ("service at 3", changed("service", "scenarios", "overload", "p99_ms", value=501.0)),
        ("service at 3", changed("service", "scenarios", "overload", "shed", value=0)),
        ("service at 3", changed("service", "scenarios", "overload", "lost", value=1)),
        ("service at 3", changed("service", "recovery_seconds", value=5.25)),
        ("service at 3", changed("service", "recovery_seconds", value=None)),
    ],
)
def test_each_goal_can_be_missed(figure: str, records: dict[str, Any]) -> None:
    measured, kept = verdict_of(records, figure)
    assert (bool(measured), kept) == (True, False)


def test_a_batch_that_was_cut_short_counts_by_its_rate() -> None:
    records = deepcopy(KEPT)
    records["volume"]["figures"]["year"] |= {"rows": 56_994, "seconds": 280.0}
    assert verdict_of(records, "one year") == ("9.3 min, from 56,994 rows", True)


def test_the_joint_router_stands_in_for_the_encoder_alone_and_says_so() -> None:
    records = changed("peers", "peers", "ours-bert", value={})
    assert verdict_of(records, "texts/s against our own") == ("9.0x (9.0 to 9.0), with the linear model", True)


def test_misses_come_first_and_quick_runs_are_named() -> None:
    records = changed("machine", "encoder", 1, "share", value=spread(0.4)) | {"peers": {}}
    del records["peers"]
    records["places"] = record(records["places"]["figures"], quick=True)
    rows = table(records).splitlines()[4:]
    assert "40% | **missed** |" in rows[0]
    states = [row.split("|")[4].strip() for row in rows]
    assert [state.split()[0] for state in states] == ["**missed**", *["not"] * 4, *["kept"] * (len(GOALS) - 5)]
    assert states.count("kept (quick run)") == 2
