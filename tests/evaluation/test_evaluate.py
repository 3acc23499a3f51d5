from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lapor_route import Router
from lapor_route.bodies import Registry
from lapor_route.decisions.rules import Rules
from lapor_route.errors import InputError
from lapor_route.evaluation import evaluate_file
from tests.conftest import SHARED, needs_shared

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROWS: list[dict[str, Any]] = [
    {"id": "a", "text": "satu satu satu", "body_id": "pln", "names_body": True},
    {"id": "b", "text": "dua dua dua", "body_id": "ojk", "acceptable": "pln;bi", "names_body": False},
    {"id": "c", "text": "jalan di Kab. Sleman", "body_id": "pemkab-sleman"},
    {"id": "d", "text": "tiga tiga tiga", "body_id": "bi"},
    {"id": "e", "text": "jalan rusak sekali", "body_id": "pemkab-klaten", "decision": "ask"},
    {"id": "f", "text": "halo halo halo", "body_id": None, "decision": "review"},
]


class Always:
    """Says PLN at 0.6, OJK at 0.3, and the kabupaten for "jalan"."""

    labels = ("pln", "ojk", "kabupaten_kota")

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[0, 0, 1.0] if "jalan" in text else [0.6, 0.3, 0] for text in texts])


@pytest.fixture
def figures(tmp_path: Path) -> dict[str, Any]:
    data = tmp_path / "data.jsonl"
    data.write_text("\n".join(json.dumps(row) for row in ROWS))
    return evaluate_file(Router(Always()), data, tmp_path / "out")


def test_accuracy(figures: dict[str, Any]) -> None:
    overall = figures["overall"]
    assert (overall["rows"], overall["bodies"]) == (5, 5)
    assert overall["top1"] == pytest.approx(3 / 5)
    assert overall["macro"] == pytest.approx(3 / 5)
    assert overall["region_found"] == pytest.approx(1 / 2)
    assert overall["top1_interval"][0] <= 0.6 <= overall["top1_interval"][1]


def test_slices(figures: dict[str, Any]) -> None:
    assert figures["slices"]["kind"]["national"]["top1"] == pytest.approx(2 / 3, abs=1e-3)
    assert figures["slices"]["names_body"]["True"]["rows"] == 1
    assert figures["slices"]["tier"]["kabupaten/kota"]["rows"] == 2


def test_decisions_and_calibration(figures: dict[str, Any]) -> None:
    decisions = figures["decisions"]
    assert (decisions["ask_rows"], decisions["ask_recall"]) == (1, 1.0)
    assert (decisions["unroutable_rows"], decisions["unroutable_forwarded"]) == (1, 0.0)
    assert 0 <= figures["calibration"]["ece"] <= 1
    assert sum(row["rows"] for row in figures["calibration"]["bins"]) == 5
    assert figures["risk_coverage"]["curve"][-1] == [1.0, 0.4]


def test_a_forward_by_rule_counts_by_where_it_goes(tmp_path: Path) -> None:
    data, own = tmp_path / "data.jsonl", tmp_path / "rules.toml"
    data.write_text(json.dumps({"text": "satu dua tiga", "body_id": "ombudsman"}))
    own.write_text('[[rule]]\nname = "satu"\nwhen.text = ["satu"]\nthen.forward = "ombudsman"')
    router = Router(Always(), rules=Rules.load(own, Registry.load()))
    decisions = evaluate_file(router, data, tmp_path / "out", plots=False)["decisions"]
    assert (decisions["forward_coverage"], decisions["forward_precision"]) == (1.0, 1.0)


def test_reasons_and_copies_where_they_are_known(tmp_path: Path) -> None:
    rows = [
        {"text": "jalan rusak sekali", "body_id": "pemkab-klaten", "reasons": ["place_missing"], "also": []},
        {"text": "satu satu satu", "body_id": "pln", "reasons": ["topic_ambiguous"], "also": ["ombudsman"]},
        {"text": "jalan desa Sukamaju rusak", "body_id": "pemkab-klaten", "reasons": ["place_missing"]},
        {"text": "jalan rusak parah", "body_id": "pemkab-klaten"},
    ]
    data = tmp_path / "data.jsonl"
    data.write_text("\n".join(json.dumps(row) for row in rows))
    figures = evaluate_file(Router(Always()), data, tmp_path / "out", plots=False)
    missing = figures["reasons"]["place_missing"]
    assert missing == {"given": 2, "precision": 1.0, "recall": 0.5}
    assert figures["reasons"]["out_of_scope"] == {"given": 0, "precision": None, "recall": None}
    assert figures["copies"] == {"copied_share": 0.0, "precision": None, "recall": 0.0}
    report = (tmp_path / "out" / "report.md").read_text()
    assert "| place_missing | 2 | 1.000 | 0.500 |" in report


def test_effort_under_stated_assumptions(figures: dict[str, Any]) -> None:
    effort = figures["effort"]
    assert effort["minutes_by_hand"] == (1000 * 4 + 330 * 15)
    assert effort["misroutes_by_hand"] == 330
    assert effort["minutes_saved"] == effort["minutes_by_hand"] - effort["minutes_with_router"]
    forwarded, right = figures["decisions"]["forward_coverage"], figures["decisions"]["forward_precision"]
    assert right == 1.0
    assert effort["misroutes_with_router"] == pytest.approx(330 * (1 - forwarded), abs=1)
    assert set(effort["assumptions"]) == {"by_hand", "review", "ask", "misroute", "officer_right"}


def test_what_is_written(figures: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    names = {path.name for path in folder.iterdir()}
    plots = {f"{name}.{suffix}" for name in ("reliability", "risk_coverage") for suffix in ("svg", "png")}
    assert names == {"metrics.json", "report.md", "answers.jsonl", *plots}
    assert json.loads((folder / "metrics.json").read_text()) == json.loads(json.dumps(figures))
    assert "| all | 5 | 5 | 0.600 |" in (folder / "report.md").read_text()
    answers = (folder / "answers.jsonl").read_text()
    assert "satu" not in answers
    assert len(answers.splitlines()) == 6


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no rows"),
        ("{", "isn't JSON"),
        ('{"body_id": "pln"}', "needs a string 'text'"),
        ('{"text": "x", "body_id": "nobody"}', "no body of the registry"),
        ('{"text": "x", "body_id": "pln", "acceptable": "nobody"}', "no body of the registry"),
        ('{"text": "x"}', "needs a 'body_id'"),
        ('{"text": "x", "decision": "zzz"}', "none of forward, review, ask"),
        ('{"text": "x", "body_id": 5}', "'body_id' that is no string"),
        ('{"text": "x", "body_id": "pln", "acceptable": 5}', "neither"),
        ('{"text": "x", "body_id": "pln", "reasons": "too_short"}', "'reasons' that is no list"),
        ('{"text": "x", "body_id": "pln", "reasons": ["bored"]}', "reason 'bored', which is none of"),
        ('{"text": "x", "body_id": "pln", "also": [5]}', "'also' that is no list"),
    ],
)
def test_unusable_data_is_refused(tmp_path: Path, content: str, message: str) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(content)
    with pytest.raises(InputError, match=message):
        evaluate_file(Router(Always()), data, tmp_path / "out")
    with pytest.raises(InputError, match="can't be read"):
        evaluate_file(Router(Always()), tmp_path / "none", tmp_path / "out")


@needs_shared
def test_the_embedded_bundle_keeps_what_it_reached(tmp_path: Path, router: Router) -> None:
    figures = evaluate_file(router, SHARED / "data" / "dev.jsonl", tmp_path, plots=False)
    overall = figures["overall"]
    assert overall["top1"] >= 0.66
    assert overall["top3"] >= 0.78
    assert figures["slices"]["kind"]["national"]["top1"] >= 0.80
    assert overall["region_found"] >= 0.72
