from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from lapor_route.service.store import DuplicateRecordError, RoutingRecord, Store, StoreError
from tests.service.store.plans import explained, scans
from tests.service.store.samples import LEASE, NOON, feedback, record, record_id

if TYPE_CHECKING:
    from lapor_route.service.store.engine import Database


def test_a_routing_comes_back_as_it_went_in(store: Store) -> None:
    given = record(1, place=None, caller_id=None, key_name=None, latency_ms=0.1 + 0.2)
    store.add_routings([record(2), given, record(3)])
    found = store.routing(given.id)
    assert found == given
    assert found is not None
    assert found.created_at.tzinfo is timezone.utc


def test_a_time_in_another_zone_is_the_same_time(store: Store) -> None:
    store.add_routings([record(1, at=NOON.astimezone(timezone(timedelta(hours=9))))])
    found = store.routing(record_id(1))
    assert found is not None
    assert found.created_at == NOON
    assert found.created_at.hour == 5


def test_a_time_without_zone_is_refused(store: Store) -> None:
    naive = record(1, at=NOON.replace(tzinfo=None))
    with pytest.raises(StoreError, match="must have a time zone"):
        store.add_routings([naive])
    assert store.routing(naive.id) is None


def test_an_unknown_id_is_none(store: Store) -> None:
    assert store.routing("no such id") is None
    assert store.by_caller_id("no such id") is None


def test_nothing_to_add_is_fine(store: Store) -> None:
    store.add_routings([])
    assert store.statistics(1).days[0].routings == 0


def test_the_callers_key_finds_the_latest(store: Store) -> None:
    store.add_routings([record(2, caller_id="A-1"), record(3, caller_id="A-1"), record(1, caller_id="A-1")])
    store.add_routings([record(4, caller_id="A-2")])
    found = store.by_caller_id("A-1")
    assert found is not None
    assert found.id == record_id(3)


def test_the_latest_come_newest_first(store: Store) -> None:
    store.add_routings([record(2), record(1, at=NOON + timedelta(hours=1)), record(3)])
    assert [found.id for found in store.latest(2)] == [record_id(1), record_id(3)]
    assert len(store.latest(9)) == 3


def test_what_is_looked_for_is_found_by_an_index(store: Store, database: Database) -> None:
    store.add_routings([record(number) for number in range(20)])
    (by_caller,) = explained(database, lambda: store.by_caller_id("aduan-7"))
    old, deleted = explained(database, lambda: store.purge(NOON))
    assert "ix_routings_caller_id" in by_caller
    assert "ix_routings_created_at" in old
    assert not any(map(scans, (by_caller, old, deleted)))


def test_threads_share_a_store(store: Store) -> None:
    with ThreadPoolExecutor(6) as threads:
        batches = [[record(batch * 10 + place) for place in range(3)] for batch in range(12)]
        list(threads.map(store.add_routings, batches))
        offered = threads.map(lambda officer: store.next_undecided(f"officer {officer}", LEASE), range(36))
        found = {routing.id for routing in offered if routing is not None}
    assert found == {routing.id for batch in batches for routing in batch}


def test_an_id_can_be_added_only_once(store: Store) -> None:
    store.add_routings([record(1)])
    with pytest.raises(DuplicateRecordError, match="nothing was stored"):
        store.add_routings([record(2), record(1, text="Lain"), record(3)])
    assert store.routing(record_id(1)) == record(1)
    assert store.routing(record_id(2)) is None
    assert store.waiting() == 1


def test_an_id_twice_in_one_call_is_refused(store: Store) -> None:
    with pytest.raises(DuplicateRecordError):
        store.add_routings([record(1), record(1)])
    assert store.routing(record_id(1)) is None


def test_characters_that_postgresql_refuses_are_replaced(store: Store) -> None:
    nasty, clean = "\0jalan \ud83d\udc00 rusak", "\ufffdjalan \ufffd\ufffd rusak"
    store.add_routings(
        [
            record(
                1,
                text=nasty,
                place=nasty,
                caller_id=nasty,
                key_name=nasty,
                routing={"decision": "ask", nasty: [{"text": nasty}], "n": 1, "options": (nasty,), "no": None},
            )
        ]
    )
    found = store.by_caller_id(nasty)
    assert found is not None
    assert (found.text, found.place, found.caller_id, found.key_name) == (clean, clean, clean, clean)
    assert found.routing == {"decision": "ask", clean: [{"text": clean}], "n": 1, "options": [clean], "no": None}
    assert len(found.text) == len(nasty)


def test_other_characters_are_kept(store: Store) -> None:
    words = 'Mas\u0301 "Jum\'at" \\ 😀 \u2028\uffff\x01 ꦗꦮ'
    store.add_routings([record(1, text=words, routing={"decision": "ask", "text": words})])
    found = store.routing(record_id(1))
    assert found is not None
    assert found.text == words
    assert found.routing["text"] == words


def test_an_error_tells_no_text(store: Store) -> None:
    secret = record(1, "perhaps", text="Rahasia warga")
    with pytest.raises(StoreError) as caught:
        store.add_routings([secret])
    assert "Rahasia" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("table", ["routings", "feedback"])
def test_what_is_stored_never_changes(store: Store, database: Database, table: str) -> None:
    store.add_routings([record(1)])
    store.add_feedback(feedback(1, 1))
    with pytest.raises(StoreError, match=f"{table} is append-only"), database.write() as connection:
        connection.execute(text(f"UPDATE {table} SET created_at = created_at"))
    with pytest.raises(StoreError, match=f"{table} is append-only"), database.write() as connection:
        connection.execute(text(f"UPDATE {table} SET id = 'x' WHERE id <> 'y'"))
    assert store.feedback(record_id(1)) == [feedback(1, 1)]


def test_old_routings_are_deleted_with_all_that_hangs_on_them(store: Store, database: Database) -> None:
    store.add_routings([record(number) for number in range(1, 6)])
    store.add_feedback(feedback(1, 1))
    store.add_feedback(feedback(5, 5))
    assert store.next_undecided("Sari", LEASE) == record(2)
    store.release(record_id(2), "Sari")
    store.next_undecided("Sari", LEASE)
    assert store.purge(record(4).created_at) == 3
    assert [store.routing(record_id(number)) for number in (1, 2, 3)] == [None, None, None]
    assert store.routing(record_id(4)) == record(4)
    assert store.feedback(record_id(1)) == []
    assert store.feedback(record_id(5)) == [feedback(5, 5)]
    assert store.waiting() == 1
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM skips")).scalar() == 0
    assert store.purge(record(4).created_at) == 0


def test_more_old_routings_than_one_transaction_deletes(store: Store) -> None:
    store.add_routings([record(number, "forward") for number in range(1203)])
    assert store.purge(record(1201).created_at) == 1201
    assert store.statistics(1).decisions["forward"] == 2


def test_a_record_is_frozen() -> None:
    with pytest.raises(AttributeError):
        record(1).text = "x"  # type: ignore[misc]
    assert RoutingRecord.__slots__
