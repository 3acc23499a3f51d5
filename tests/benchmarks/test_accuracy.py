"""The part on accuracy: the figures of a side, all sides side by side, folds, the report."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import accuracy
from benchmarks.__main__ import main
from benchmarks.accuracy import folds, sides
from benchmarks.accuracy.figures import macro_interval, of_side, share_interval, side_by_side
from benchmarks.accuracy.rows import has_folds, read_rows, sample, tail, write_rows
from benchmarks.options import Options
from benchmarks.peers.catalogue import OURS, PEERS, Peer
from benchmarks.peers.own import RouterEngine
from lapor_route.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

FAKES = "tests.benchmarks.fake_peers"
ROWS: list[dict[str, Any]] = [
    *({"id": f"l{i}", "text": f"listrik padam nomor {i}", "body_id": "pln"} for i in range(6)),
    *({"id": f"s{i}", "text": f"sampah {i} di Kota Malang", "body_id": "pemkot-malang"} for i in range(3)),
    {"id": "x", "text": "halo", "body_id": None, "decision": "review"},
]


def quietly(what: str, done: float) -> None:
    assert what
    assert 0 <= done <= 1


def test_intervals_hold_their_share_and_narrow_with_the_rows() -> None:
    low, high = share_interval(0.7, 100)
    assert low < 0.7 < high
    narrow = share_interval(0.7, 1_000)
    assert high - low > narrow[1] - narrow[0]
    low, high = macro_interval(["a"] * 90 + ["b"] * 10, [True] * 90 + [False, True] * 5)
    assert low < 0.75 < high  # 1.0 of a, 0.5 of b; top-1 would be 0.95
    assert macro_interval(["a", "b"], [True, True]) == [1.0, 1.0]


def test_a_side_has_every_figure_with_its_interval() -> None:
    evaluation = {
        "overall": {"rows": 4, "top1": 0.5, "top1_interval": [0.0, 1.0], "top3": 0.75, "macro": 0.5},
        "decisions": {
            "unroutable_rows": 1,
            "forward_precision": 1.0,
            "forward_precision_interval": [1.0, 1.0],
            "forward_coverage": 0.2,
        },
        "calibration": {"ece": 0.1},
    }
    answers = [{"body_id": name, "right": right} for name, right in zip("aabb", (1, 0, 1, 0), strict=True)]
    found = of_side(evaluation, answers)
    assert (found["rows"], found["labelled"]) == (5, 4)
    assert found["right"] == [True, False, True, False]
    for key in ("top1", "top3", "macro", "forward_precision", "forward_coverage"):
        low, high = found[f"{key}_interval"]
        assert low <= found[key] <= high


def test_sides_are_compared_row_by_row() -> None:
    some, few = [True, True, True, False] * 25, [False, False, True, False] * 25
    ours = {"join": "fitted", "right": some, "plain_right": few}
    worse = {"join": "fitted", "right": few, "plain_right": some}
    plain = {"join": "as it comes", "right": few, "plain_right": few}
    found = side_by_side({OURS: ours, "same": ours, "worse": worse, "plain": plain}, OURS)
    assert found["plain"]["less_than_ours"]["mean"] == 0.0
    assert found["same"]["less_than_ours"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert found["worse"]["less_than_ours"]["mean"] == 0.5
    assert found["worse"]["less_than_ours"]["low"] > 0.3
    assert "less_than_ours" not in found[OURS]
    assert not any("right" in key for side in found.values() for key in side)


def test_the_peers_to_judge_exist_and_bundles_come_behind_the_embedded_router(tmp_path: Path) -> None:
    assert set(sides.JUDGED) <= {peer.name for peer in PEERS}
    assert set(sides.QUICK_JUDGED) <= set(sides.JUDGED)
    found = sides.engines_of(Options(work=tmp_path, bundles=(("linear", tmp_path),)))
    assert [peer.name for peer in found[:2]] == [OURS, "linear"]
    assert found[1].variant == f"bundle:{tmp_path}"


def test_a_linear_bundle_is_a_side_too(tiny_bundle: Path, tmp_path: Path) -> None:
    router = RouterEngine(tmp_path, 1, f"bundle:{tiny_bundle}")
    assert router.answer(["listrik padam dari pagi"]) == ["pln"]
    assert router.calibration().shortlist_at == 0.02


def test_rows_are_read_sampled_and_refused(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", ROWS)
    assert read_rows(path) == ROWS
    assert [row["id"] for row in sample(ROWS, 4)] == ["l0", "l3", "s0", "x"]
    assert sample(ROWS, 100) == ROWS
    assert not has_folds(ROWS)
    assert has_folds([row | {"fold": 1} if row["body_id"] else row for row in ROWS])
    for content in ("", "[]\n", "{\n"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InputError):
            read_rows(path)
    with pytest.raises(InputError):
        read_rows(tmp_path / "nothing.jsonl")
    assert len(tail()) > 1_000
    assert not has_folds(tail())


@pytest.fixture
def fake_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A router whose classifier knows two words, and one that can't be made here."""
    fakes = (
        Peer(OURS, "ours", "This project", f"{FAKES}:Quick", "", quick=True),
        Peer("lacking", "lacks a package", "Others", f"{FAKES}:Lacking", "", quick=True),
    )
    monkeypatch.setattr(sides, "PEERS", fakes)
    monkeypatch.setattr(sides, "QUICK_JUDGED", (OURS, "lacking"))


@pytest.mark.usefixtures("fake_sides")
def test_sides_are_measured_in_their_processes(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "labelled.jsonl", ROWS)
    figures = accuracy.run(Options(work=tmp_path / "work", quick=True, threads=1, data=(path,)), quietly)
    found = figures["files"]["labelled"]
    assert (found["rows"], found["of"]) == (10, 10)
    assert found["sides"][OURS]["top1"] == 1.0
    assert found["sides"][OURS]["join"] == "fitted"
    assert found["missing"]["lacking"]["command"] == "pip install no-such-package-here"
    kept = "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "work").rglob("*") if p.is_file())
    assert "nomor" not in kept
    assert "nomor" not in json.dumps(figures)
    report = accuracy.report(figures)
    assert "| ours | 1.000 (1.000 to 1.000) |" in report
    assert "Needed: `pip install no-such-package-here`" in report
    assert "Quick run" in report
    (plot,) = accuracy.plots(figures, tmp_path)
    assert plot.read_text(encoding="utf-8").startswith("<?xml")


@pytest.fixture
def folded() -> list[dict[str, Any]]:
    words = {"pln": "listrik padam token tiang", "kai": "kereta stasiun tiket gerbong", "bri": "bank atm tabungan"}
    rng = random.Random(1)
    return [
        {
            "id": str(number),
            "text": " ".join(rng.choices(words[body].split(), k=6)),
            "body_id": body,
            "source": "made",
            "fold": number % 3 + 1,
        }
        for number, body in enumerate(rng.choices([*words], k=90))
    ]


def test_folds_are_left_out_in_turn(
    folded: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def counted(config: Any, train: Any, test: Any) -> dict[str, float]:
        seen.append(({row["id"] for row in train}, {row["id"] for row in test}))
        return real(config, train, test)

    real = folds._ngrams
    monkeypatch.setattr(folds, "_ngrams", counted)
    found = folds.cross_validate(Options(work=tmp_path, threads=1), quietly, [*folded, {"text": "x", "fold": 1}])
    assert [*found["folds"]] == ["1", "2", "3"]
    assert all(fold["linear"] == fold["svm"] == 1.0 for fold in found["folds"].values())
    every = {row["id"] for row in folded}
    assert all(train | test == every and not train & test for train, test in seen)
    assert set().union(*(test for _, test in seen)) == every
    assert sum(fold["rows"] for fold in found["folds"].values()) == found["rows"] == 90


def test_what_a_label_is_not_learned_from_is_not_found(folded: list[dict[str, Any]], tmp_path: Path) -> None:
    """A body that is in one fold only can't be right."""
    for row in folded:
        row["fold"] = 1 if row["body_id"] == "bri" else 2 + int(row["id"]) % 2
    found = folds.cross_validate(Options(work=tmp_path, threads=1), quietly, folded)["folds"]
    assert found["1"]["linear"] == found["1"]["svm"] == 0.0
    assert found["2"]["linear"] == found["2"]["svm"] == 1.0


def test_bert_is_trained_when_asked_for_and_remembered(
    folded: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []

    def trial(config: Any, train: Any, test: Any) -> dict[str, float]:
        trained.append(config.work)
        return {"linear": 0.1, "bert": len(trained) / 10, "joint": 0.9, "rows": len(test)}

    monkeypatch.setattr(folds, "trial", trial)
    options = Options(work=tmp_path, threads=1, encoder=True)
    first = folds.cross_validate(options, quietly, folded)
    assert [fold["bert"] for fold in first["folds"].values()] == [0.1, 0.2, 0.3]
    assert all(fold["linear"] == 1.0 for fold in first["folds"].values())
    assert len(set(trained)) == 3
    assert folds.cross_validate(options, quietly, folded) == first
    folded[0]["text"] += " lagi"
    folds.cross_validate(options, quietly, folded)
    assert len(trained) == 6


def test_the_report_on_folds_has_mean_least_most_and_the_published_figure() -> None:
    each = [{"rows": 10, "linear": share, "svm": 0.9} for share in (0.90, 0.95, 1.00)]
    found = {"rows": 30, "of": 30, "folds": {str(i): fold for i, fold in enumerate(each)}}
    report = accuracy.report({"quick": False, "files": {"annurkhozin": found, "other": found}})
    assert report.count("| our linear model | 0.9500 | 0.9000 | 1.0000 |") == 2
    assert report.count("*0.857*") == 1
    assert "Not measured: BERT" in report
    assert accuracy.plots({"quick": False, "files": {"other": found}}, None) == []  # type: ignore[arg-type]


def test_the_embedded_router_runs_on_the_written_tail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "QUICK_ROWS", 40)
    monkeypatch.setattr(sides, "QUICK_JUDGED", (OURS, "ours-linear"))
    out = tmp_path / "results"
    assert main(["accuracy", "--quick", "--out", str(out), "--work", str(tmp_path / "work")]) == 0
    found = json.loads((out / "accuracy.json").read_text(encoding="utf-8"))["figures"]["files"]["tail"]
    assert 0.4 < found["sides"][OURS]["top1"] < 1
    assert 0.4 < found["sides"]["ours-linear"]["top1"] < 1
    low, high = (found["sides"]["ours-linear"]["less_than_ours"][key] for key in ("low", "high"))
    assert -1 < low <= high < 1
    assert "its linear model alone" in (out / "README.md").read_text(encoding="utf-8")
