from __future__ import annotations

from typing import TYPE_CHECKING

from lapor_route.privacy import mask
from lapor_route.service.ids import new_id
from lapor_route.service.records import masked_routing

if TYPE_CHECKING:
    from lapor_route import Router


def test_ids_are_unique_sorted_by_time_and_version_7() -> None:
    import uuid

    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert [one[:12] for one in ids] == sorted(one[:12] for one in ids)
    assert all(uuid.UUID(one).version == 7 and uuid.UUID(one).variant == uuid.RFC_4122 for one in ids)


def test_what_was_masked_leaves_the_evidence_and_the_rest_is_moved(router: Router) -> None:
    text = "Saya Siti Rahmawati, telepon 081234567890, Kec. Depok, Sleman. Jalan rusak di depan SDN Condongcatur."
    place = "rumah saya, telepon 081234567890, Kab. Sleman"
    routing = router.route(text, place, explain=True)
    masked, masked_place = mask(text), mask(place)
    data = masked_routing(routing.to_dict(), masked, masked_place)
    assert data["candidates"] == routing.to_dict()["candidates"]
    fields = {"text": masked.text, "place": masked_place.text}
    assert {item["field"] for item in data["places"]} == {"text", "place"}
    for item in data["places"]:
        assert fields[item["field"]][item["start"] : item["end"]] == item["text"]
    for item in [*data["evidence"]["units"], *data["evidence"]["words"]]:
        assert masked.text[item["start"] : item["end"]] == item["text"]
    assert "Rahmawati" not in str(data)
    assert "0812" not in str(data)
