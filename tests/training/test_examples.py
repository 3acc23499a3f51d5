from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

import training.examples
from tests.conftest import SHARED
from training.examples import SLOTS, body_of, every_region, fill, is_tail, read_examples, rows
from training.examples.check import check
from training.examples.measure import tail_rows

if TYPE_CHECKING:
    from pathlib import Path

    from lapor_route.bodies import Registry

GOOD: dict[str, Any] = {
    "text": "Listrik di rumah saya padam sejak pagi dan petugas belum datang juga",
    "target": "pln",
    "also": [],
    "style": "formal",
    "names_body": False,
    "topic": "padam",
    "places": [],
    "note": "",
}


def test_the_written_examples_have_no_problems(registry: Registry) -> None:
    assert check(registry, SHARED / "data").problems == []


def problems(folder: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, *changes: dict[str, Any]) -> str:
    (folder / "x.jsonl").write_text("\n".join(json.dumps(GOOD | change) for change in changes))
    monkeypatch.setattr(training.examples, "HERE", folder)
    return "\n".join(check(registry, folder / "shared").problems)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "nobody"}, "target 'nobody' is no body"),
        ({"also": ["nobody"]}, "also 'nobody'"),
        ({"style": "poem"}, "style 'poem'"),
        ({"text": " "}, "the text is empty"),
        ({"text": 3}, "text must be a str"),
        ({"extra": 1}, "extra is unknown"),
        ({"decision": "ask"}, "an ask needs its question"),
        ({"text": "jalan di {kota} rusak", "target": "kabupaten_kota"}, "unknown slots ['kota']"),
    ],
)
def test_wrong_rows_are_named(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], message: str
) -> None:
    assert f"x.jsonl:1: {message}" in problems(tmp_path, registry, monkeypatch, change)


def test_gaps_leaks_and_copies_are_found(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    real = "satu dua tiga empat lima enam tujuh delapan sembilan sepuluh sebelas"
    (shared / "real.jsonl").write_text(json.dumps({"text": f"Yth. {real} selesai"}))
    found = problems(
        tmp_path,
        registry,
        monkeypatch,
        {},
        {"text": GOOD["text"] + "!"},
        {"text": "token PLN saya tidak masuk ke meteran sejak kemarin"},
        {"text": f"Ini {real} titik"},
        {"text": "Semua sebut nama badan ini jelas sekali", "names_body": True, "target": "bmkg"},
        {"text": "Badan ini lagi disebut tanpa malu", "names_body": True, "target": "bmkg"},
        {"text": "tiang roboh", "contrast": "a-b", "pair": 1},
        {"text": "pohon roboh", "contrast": "a-b", "pair": 1, "target": "kabupaten_kota"},
    )
    assert "pln has 5 examples, needs 24" in found
    assert "provinsi has 0 examples, needs 250" in found
    assert "contrast a-b has 1 whole pairs, needs 6" in found
    assert "x.jsonl:1 and x.jsonl:2 are nearly the same" in found
    assert "x.jsonl:3: names its body (pln)" in found
    assert "x.jsonl:4: shares 10 words in a row" in found
    assert "bmkg: 2 of 2 name the body" in found
    assert "x.jsonl:7 and x.jsonl:8" not in found


def test_monotony_is_found(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    same = [{"text": f"Saya ingin melaporkan hal nomor {i} {'abcdefghij'[i]} lain yang berbeda"} for i in range(8)]
    assert "8 of 8 texts begin 'saya ingin melaporkan'" in problems(tmp_path, registry, monkeypatch, *same)


def test_slots_are_filled_with_places_of_one_region() -> None:
    text = fill("Ds {desa}, Kec. {kec}, {kabkota} ({kab}), {prov}", "34.04", random.Random(1))
    assert "Kabupaten Sleman (Sleman), Daerah Istimewa Yogyakarta" in text
    assert "{" not in text
    assert fill("warga {kab}", "34.04", random.Random(1)) == "warga sleman"


def test_filled_texts_know_their_body(registry: Registry) -> None:
    local = {"target": "kabupaten_kota", "text": "di {kec}"}
    assert body_of(local, "34.04", registry) == "pemkab-sleman"
    assert body_of({"target": "provinsi", "text": "di {kec}"}, "34.04", registry) == "pemprov-di-yogyakarta"
    assert body_of({"target": "provinsi", "text": "di {kec}"}, "31.74", registry) == "pemprov-dki-jakarta"
    assert body_of(local | {"text": "jalan rusak"}, "34.04", registry) == ""
    assert body_of(local | {"decision": "ask"}, "34.04", registry) == ""
    assert body_of({"target": "pln", "text": "x"}, "34.04", registry) == "pln"
    assert body_of({"target": "out_of_scope", "text": "x"}, "34.04", registry) == ""


def test_every_region_gets_texts_with_its_own_places(registry: Registry) -> None:
    generated = list(every_region(registry, 2))
    assert len(generated) == 2 * 514
    reached = {row["body_id"] for row in generated}
    assert sum(registry[body_id].kind != "province" for body_id in reached) > 430
    assert not any(slot in row["text"] for row in generated for slot in SLOTS)


def test_the_tail_is_a_fixed_fifth_and_never_trained_on(registry: Registry) -> None:
    everything = [row for _, _, row in rows()]
    tail = [row["text"] for row in everything if is_tail(row)]
    assert 0.17 < len(tail) / len(everything) < 0.23
    trained = {example.text for example in read_examples(registry)}
    assert trained.isdisjoint(text for text in tail if not any(slot in text for slot in SLOTS))
    assert len(read_examples(registry, tail=True)) == len(tail)


def test_a_contrast_pair_is_in_one_part() -> None:
    parts: dict[tuple[str, int], set[bool]] = {}
    for _, _, row in rows():
        if "contrast" in row:
            parts.setdefault((row["contrast"], row["pair"]), set()).add(is_tail(row))
    assert all(len(part) == 1 for part in parts.values())


def test_tail_rows_have_a_body_or_a_decision(registry: Registry) -> None:
    for row in tail_rows(registry):
        assert row["body_id"] in registry if row["body_id"] else row["decision"] in ("ask", "review")
