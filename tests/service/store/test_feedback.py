from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from lapor_route.service.store import DuplicateRecordError, Store, StoreError, UnknownRecordError, export
from tests.service.store.samples import NOON, feedback, record, record_id
from training.data import read_sources

if TYPE_CHECKING:
    from pathlib import Path

    from lapor_route.bodies import Registry


def test_feedback_comes_back_as_it_went_in_oldest_first(store: Store) -> None:
    store.add_routings([record(1), record(2, "forward")])
    later = feedback(2, 1, "changed", "kai", note="Palang pintu kereta, bukan tiang listrik", officer=None)
    for given in (later, feedback(1, 1), feedback(3, 2, "out_of_scope", None)):
        store.add_feedback(given)
    assert store.feedback(record_id(1)) == [feedback(1, 1), later]
    assert store.feedback(record_id(2)) == [feedback(3, 2, "out_of_scope", None)]
    assert store.feedback("unknown") == []


def test_feedback_needs_a_routing(store: Store) -> None:
    with pytest.raises(UnknownRecordError, match=f"no routing has the id '{record_id(7)}'"):
        store.add_feedback(feedback(1, 7))
    assert store.feedback(record_id(7)) == []


def test_the_same_feedback_twice_is_refused(store: Store) -> None:
    store.add_routings([record(1)])
    store.add_feedback(feedback(1, 1))
    with pytest.raises(DuplicateRecordError, match="stored already"):
        store.add_feedback(feedback(1, 1, "changed", "kai"))
    assert store.feedback(record_id(1)) == [feedback(1, 1)]


@pytest.mark.parametrize(
    ("verdict", "body_id", "message"),
    [
        ("maybe", "pln", "'maybe' is no verdict; known: accepted, changed, out_of_scope"),
        ("changed", None, "names its body_id"),
        ("accepted", None, "names its body_id"),
        ("out_of_scope", "pln", "unless it is out_of_scope"),
    ],
)
def test_feedback_that_says_nothing_clear_is_refused(
    store: Store, verdict: str, body_id: str | None, message: str
) -> None:
    store.add_routings([record(1)])
    with pytest.raises(StoreError, match=message):
        store.add_feedback(feedback(1, 1, verdict, body_id))
    assert store.waiting() == 1


def test_characters_that_postgresql_refuses_are_replaced(store: Store) -> None:
    store.add_routings([record(1)])
    store.add_feedback(feedback(1, 1, note="lihat\0 \ud800", officer="Sa\0ri"))
    (found,) = store.feedback(record_id(1))
    assert (found.note, found.officer) == ("lihat\ufffd \ufffd", "Sa\ufffdri")


def test_the_latest_feedback_is_exported_as_training_rows(store: Store) -> None:
    night = datetime(2026, 3, 10, 18, 30, tzinfo=timezone.utc)
    store.add_routings([record(1, at=night, place=None), record(2, "forward", "kai"), record(3), record(4)])
    store.add_feedback(feedback(1, 1))
    store.add_feedback(feedback(2, 2, "changed", "pln"))
    store.add_feedback(feedback(3, 2, "out_of_scope", None))
    store.add_feedback(feedback(4, 3, "changed", "kai", note="Jangan diekspor"))
    rows = list(store.export_feedback())
    assert rows[0] == {
        "id": record_id(1),
        "text": record(1).text,
        "place": None,
        "body_id": "pln",
        "date": "2026-03-11",
        "source": "feedback",
        "verdict": "accepted",
        "decision": "review",
        "first_body_id": "pln",
        "model_version": "embedded 3",
    }
    said = [(row["id"], row["verdict"], row["body_id"], row["decision"], row["first_body_id"]) for row in rows[1:]]
    assert said == [
        (record_id(2), "out_of_scope", "out_of_scope", "forward", "kai"),
        (record_id(3), "changed", "kai", "review", "pln"),
    ]
    assert {field for row in rows for field in row} == set(rows[0])


def test_feedback_of_one_moment_counts_by_its_id(store: Store) -> None:
    store.add_routings([record(1)])
    store.add_feedback(feedback(2, 1, "changed", "kai", created_at=NOON))
    store.add_feedback(feedback(1, 1, created_at=NOON))
    assert [row["body_id"] for row in store.export_feedback()] == ["kai"]
    assert [given.body_id for given in store.feedback(record_id(1))] == ["pln", "kai"]


def test_more_feedback_than_is_read_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "ROWS_AT_ONCE", 4)
    store.add_routings([record(number) for number in range(30)])
    for number in range(0, 30, 2):
        store.add_feedback(feedback(number, number, created_at=NOON + timedelta(minutes=number)))
    rows = store.export_feedback()
    first = next(rows)
    assert [row["id"] for row in (first, *rows)] == [record_id(number) for number in range(0, 30, 2)]


def test_an_export_left_early_lets_go(store: Store) -> None:
    store.add_routings([record(1), record(2)])
    store.add_feedback(feedback(1, 1))
    store.add_feedback(feedback(2, 2))
    rows = store.export_feedback()
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert store.purge(NOON + timedelta(days=1)) == 2


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_the_training_kit_reads_the_export(store: Store, registry: Registry, tmp_path: Path, ending: str) -> None:
    regional = next(body.id for body in registry if body.kind == "province" and body.id != "dki-jakarta")
    store.add_routings([record(1), record(2, text='Kata "kutip",\nbaris kedua'), record(3), record(4)])
    store.add_feedback(feedback(1, 1))
    store.add_feedback(feedback(2, 2, "changed", regional))
    store.add_feedback(feedback(3, 3, "out_of_scope", None))
    file = tmp_path / f"feedback.{ending}"
    rows = list(store.export_feedback())
    with file.open("w", encoding="utf-8", newline="") as stream:
        if ending == "jsonl":
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    read = {
        example.key: (example.text, example.target, example.body_id)
        for example in read_sources([str(file)], registry)
    }
    assert read == {
        record_id(1): (record(1).text, "pln", "pln"),
        record_id(2): ('Kata "kutip",\nbaris kedua', "provinsi", regional),
        record_id(3): (record(3).text, "out_of_scope", "out_of_scope"),
    }
