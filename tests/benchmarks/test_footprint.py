"""Start, memory and size: reading import times, failures, the report, and what the import pulls."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import footprint
from benchmarks.fresh import attempt, call, parse_import_times
from benchmarks.options import Options

if TYPE_CHECKING:
    from pathlib import Path

TOLD = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 | _io
import time:       200 |        300 | site
import time:        10 |         10 |     numpy.core
import time:        20 |         30 |   numpy
import time:        40 |         40 |   onnxruntime
import time:         5 |         75 | ours
"""


def spread(value: float) -> dict[str, float]:
    return {"median": value, "least": value, "most": value}


def steps(seconds: float, memory: float) -> dict[str, Any]:
    times = {key: spread(seconds) for key in ("import_seconds", "load_seconds", "first_seconds")}
    bytes_ = {key: spread(memory) for key in ("memory_loaded", "memory_first", "memory_all", "memory_peak")}
    return times | bytes_ | {"modules": spread(300), "texts": spread(1_000)}


@pytest.fixture
def figures() -> dict[str, Any]:
    return {
        "quick": False,
        "runs": 10,
        "install": {
            "python": "python",
            "wheel": 28e6,
            "packages": {"lapor-route": "1", "numpy": "2"},
            "installed": 229e6,
            "with_pip": 251e6,
            "largest": {"numpy": 43e6},
        },
        "start": {"interpreter": spread(0.03), "import lapor_route": spread(0.2), "route": spread(0.6)},
        "imports": {"seconds": spread(0.15), "modules": 333, "forbidden": [], "dearest": {"numpy": 0.08}},
        "memory": steps(0.2, 205e6),
        "unseen": steps(0.2, 350e6),
        "peer": {"start": spread(6.0), "memory": steps(2.0, 820e6)},
    }


def test_import_times_are_those_below_the_module() -> None:
    found = parse_import_times(TOLD, "ours")
    assert found == pytest.approx({"ours": 75e-6, "onnxruntime": 40e-6, "numpy": 30e-6, "numpy.core": 10e-6})
    assert parse_import_times(TOLD, "numpy") == pytest.approx({"numpy": 30e-6, "numpy.core": 10e-6})
    assert parse_import_times(TOLD, "torch") == {}


def test_failures_say_what_was_tried() -> None:
    found = attempt(lambda: {"said": call([sys.executable, "-c", "raise SystemExit('no wheel')"])})
    assert "no wheel" in found["failed"]
    assert sys.executable in found["failed"]


def test_report_sets_figures_beside_goals(figures: dict[str, Any]) -> None:
    told = footprint.report(figures)
    assert "| wheel with the model | <= 45 MB | 28 MB | yes |" in told
    assert "| process start to first answer (CLI) | <= 1.2 s | 0.60 s | yes |" in told
    assert "transformers takes 10.0 times as long to the first answer and 4.0 times the memory" in told
    assert "**" not in told


def test_report_says_misses_plainly(figures: dict[str, Any]) -> None:
    figures["install"] |= {"packages": {str(number): "1" for number in range(21)}, "installed": 251e6}
    figures["imports"]["forbidden"] = ["torch"]
    figures["unseen"] = {"failed": "it broke"}
    told = footprint.report(figures | {"quick": True})
    assert "| <= 20  | 21  | **no** |" in told
    assert "| <= 250 MB | 251 MB | **no** |" in told
    assert "**among them torch.**" in told
    assert "**Not measured: unseen.** it broke" in told
    assert "of no worth" in told


def test_report_without_anything(figures: dict[str, Any], tmp_path: Path) -> None:
    failed = {part: {"failed": "no"} for part in ("install", "start", "imports", "memory", "unseen", "peer")}
    told = footprint.report(figures | failed)
    assert told.count("not measured") == len(footprint.GOALS)
    assert footprint.plots(figures | failed, tmp_path) == []


def test_plots_are_written(figures: dict[str, Any], tmp_path: Path) -> None:
    (path,) = footprint.plots(figures, tmp_path)
    assert path.read_text(encoding="utf-8").startswith("<?xml")


def test_quick_run_and_what_the_import_pulls(tmp_path: Path) -> None:
    figures = footprint.run(Options(tmp_path, quick=True), lambda what, share: None)
    assert figures["imports"]["forbidden"] == []
    assert figures["imports"]["dearest"]
    assert figures["start"]["route"]["median"] > figures["start"]["interpreter"]["median"]
    assert figures["memory"]["memory_peak"]["median"] > 50e6
    json.dumps(figures, allow_nan=False)


def test_broken_probe_is_told(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        call([sys.executable, footprint._PROBE, "ours", tmp_path / "missing.json"])
