"""Why complaints aren't forwarded, on `reasons.jsonl`: some 20 written for each reason, and 32 clear ones.

The complaints that nobody could route are overrepresented: the figures compare versions, and say nothing about
complaints as they come.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lapor_route import Complaint
from lapor_route.routing import FORWARD, REASONS

if TYPE_CHECKING:
    from lapor_route import Router
    from lapor_route.routing import Routing

ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "reasons.jsonl").read_text("utf-8").splitlines()
]
CLEAR = "clear"
"""Stands for having no reason: the complaint is forwarded."""
FLOORS = {
    "place_missing": (0.85, 0.80),
    "place_ambiguous": (0.85, 0.80),
    "tier_ambiguous": (0.65, 0.45),
    "topic_ambiguous": (0.60, 0.65),
    "out_of_scope": (0.80, 0.85),
    "too_short": (0.90, 0.85),
    CLEAR: (0.65, 0.78),
}
"""The least precision and recall: a row or three below what the embedded bundle reaches."""
CLEAREST = {
    "place_missing": ("pak lampu pju dpn rmh sy", "Kemarin ibu saya antre di puskesmas", "Air PDAM di rumah kami"),
    "place_ambiguous": ("Sampah di tps dekat rumah saya di Malang", "Desa Sukamaju", "Puskesmas di Tegal"),
    "tier_ambiguous": ("Jalan besar dari Kabupaten Boyolali",),
    "topic_ambiguous": ("Aplikasi pemerintah", "Nama saya hilang dari pengumuman"),
    "out_of_scope": ("Jual tanah kavling", "Ya Tuhan", "Pacar saya selingkuh", "ada yg tau resep rendang"),
    "too_short": ("jalan rusak", "listrik padam", "tolong pak", "got mampet"),
    CLEAR: ("Token listrik", "min, klaim JHT", "Dana PKH", "Lampu jalan di Kec. Ngaglik", "Got di depan rumah"),
}
"""How the complaints begin that must be told exactly."""


def said(row: dict[str, Any], routing: Routing) -> set[str]:
    """The reasons of a routing; of a complaint that is too short nothing else: one question asks it all."""
    if "too_short" in row["reasons"] and routing.decision != FORWARD:
        return {"too_short"} & {*routing.reasons}
    return {*routing.reasons} or {CLEAR}


@pytest.fixture(scope="module")
def routings(router: Router) -> list[Routing]:
    return list(router.route_many([Complaint(row["text"], row.get("place")) for row in ROWS]))


def test_the_file_is_sound(router: Router) -> None:
    assert len({row["text"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert set(row) <= {"text", "place", "reasons", "decision", "body_id"}
        assert set(row["reasons"]) <= set(REASONS)
        place = {"too_short", "place_missing", "place_ambiguous"} & {*row["reasons"]}
        assert row["decision"] == ("forward" if not row["reasons"] else "ask" if place else "review"), row["text"]
        assert (row["decision"] == FORWARD) == (row.get("body_id") in router.registry), row["text"]
    for reason in FLOORS.keys() - {CLEAR}:
        assert sum(reason in row["reasons"] for row in ROWS) >= 15
    assert sum(not row["reasons"] for row in ROWS) >= 30


@pytest.mark.parametrize("reason", FLOORS)
def test_precision_and_recall_of_each_reason(routings: list[Routing], reason: str) -> None:
    wanted = [reason in (row["reasons"] or [CLEAR]) for row in ROWS]
    found = [reason in said(row, routing) for row, routing in zip(ROWS, routings, strict=True)]
    right = sum(want and find for want, find in zip(wanted, found, strict=True))
    precision, recall = right / max(1, sum(found)), right / sum(wanted)
    figures = f"{reason}: precision {precision:.2f} of {sum(found)}, recall {recall:.2f} of {sum(wanted)}"
    print(figures)
    assert (precision >= FLOORS[reason][0], recall >= FLOORS[reason][1]) == (True, True), figures


def test_clear_complaints_go_to_the_right_body(routings: list[Routing]) -> None:
    clear = [(row, routing) for row, routing in zip(ROWS, routings, strict=True) if not row["reasons"]]
    assert sum(routing.body_id == row["body_id"] for row, routing in clear) >= 25
    assert sum(routing.decision == FORWARD and routing.body_id != row["body_id"] for row, routing in clear) <= 1


@pytest.mark.parametrize(
    ("reason", "beginning"), [(reason, beginning) for reason, rows in CLEAREST.items() for beginning in rows]
)
def test_the_clearest_cases(routings: list[Routing], reason: str, beginning: str) -> None:
    (found,) = (i for i, row in enumerate(ROWS) if row["text"].startswith(beginning))
    row, routing = ROWS[found], routings[found]
    assert said(row, routing) == {reason}
    assert (routing.decision, routing.body_id) == (row["decision"], row.get("body_id"))
