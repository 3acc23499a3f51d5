from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lapor_route.service.store.queue import SKIPPED_FOR
from tests.service.store.plans import explained, scans
from tests.service.store.samples import LEASE, NOON, feedback, record, record_id

if TYPE_CHECKING:
    from lapor_route.service.store import Store
    from lapor_route.service.store.engine import Database
    from tests.service.store.conftest import Clock, StartWorkers


def taken(store: Store, holder: str) -> int | None:
    found = store.next_undecided(holder, LEASE)
    return None if found is None else int(found.id, 16)


def test_an_empty_queue_offers_nothing(store: Store) -> None:
    assert store.next_undecided("Sari", LEASE) is None
    assert store.waiting() == 0


def test_only_undecided_ones_wait_the_oldest_first(store: Store) -> None:
    store.add_routings([record(4, "ask"), record(1, "forward"), record(3, "review")])
    store.add_routings([record(2, "review", at=NOON + timedelta(days=1))])
    assert store.waiting() == 3
    assert [taken(store, name) for name in ("a", "b", "c", "d")] == [3, 4, 2, None]
    assert store.waiting() == 3


def test_the_holder_gets_the_same_one_again(store: Store) -> None:
    store.add_routings([record(1), record(2)])
    assert [taken(store, "Sari"), taken(store, "Budi"), taken(store, "Sari")] == [1, 2, 1]
    assert store.next_undecided("Budi", LEASE) == record(2)


def test_a_lease_ends(store: Store, clock: Clock) -> None:
    store.add_routings([record(1)])
    assert taken(store, "Sari") == 1
    clock.pass_by(minutes=9, seconds=59)
    assert taken(store, "Budi") is None
    clock.pass_by(seconds=1)
    assert taken(store, "Budi") == 1
    assert taken(store, "Sari") is None


def test_asking_again_renews_the_lease(store: Store, clock: Clock) -> None:
    store.add_routings([record(1)])
    assert taken(store, "Sari") == 1
    clock.pass_by(minutes=9)
    assert taken(store, "Sari") == 1
    clock.pass_by(minutes=9)
    assert taken(store, "Budi") is None


def test_who_gives_one_back_gets_the_next(store: Store, clock: Clock) -> None:
    store.add_routings([record(1), record(2)])
    assert taken(store, "Sari") == 1
    store.release(record_id(1), "Sari")
    assert taken(store, "Sari") == 2
    assert taken(store, "Budi") == 1
    store.release(record_id(1), "Budi")
    store.release(record_id(2), "Sari")
    assert taken(store, "Sari") is None
    assert store.waiting() == 2
    clock.now += SKIPPED_FOR
    assert taken(store, "Sari") == 1


def test_one_can_be_given_back_again(store: Store, clock: Clock) -> None:
    store.add_routings([record(1)])
    store.release(record_id(1), "Sari")
    clock.now += SKIPPED_FOR / 2
    store.release(record_id(1), "Sari")
    clock.now += SKIPPED_FOR / 2
    assert taken(store, "Sari") is None
    clock.now += SKIPPED_FOR / 2
    assert taken(store, "Sari") == 1


def test_who_lost_a_lease_cannot_give_it_back(store: Store, clock: Clock) -> None:
    store.add_routings([record(1)])
    assert taken(store, "Sari") == 1
    clock.now += LEASE
    assert taken(store, "Budi") == 1
    store.release(record_id(1), "Sari")
    assert taken(store, "Tuti") is None
    assert taken(store, "Budi") == 1


def test_giving_back_what_does_not_wait_is_fine(store: Store) -> None:
    store.add_routings([record(1)])
    store.add_feedback(feedback(1, 1))
    store.release(record_id(1), "Sari")
    store.release("unknown", "Sari")
    assert store.waiting() == 0


def test_what_is_decided_waits_no_longer(store: Store) -> None:
    store.add_routings([record(1), record(2)])
    assert taken(store, "Sari") == 1
    store.release(record_id(1), "Budi")
    store.add_feedback(feedback(1, 1, officer="Budi"))
    assert store.waiting() == 1
    assert taken(store, "Sari") == 2


def test_a_holders_name_may_hold_anything(store: Store) -> None:
    store.add_routings([record(1)])
    assert taken(store, "Sari\0'; DROP TABLE queue; --\ud800") == 1
    assert taken(store, "Sari\0'; DROP TABLE queue; --\ud800") == 1


def test_officers_in_several_processes_never_get_the_same_one(
    store: Store, url: str, start_workers: StartWorkers
) -> None:
    store.add_routings([record(number) for number in range(90)])
    workers = start_workers("lease", url, count=2, argument=45)
    handed_out = [line for worker in workers for line in worker.result()]
    assert sorted(handed_out) == [record_id(number) for number in range(90)]
    assert store.next_undecided("late", LEASE) is None


def test_the_oldest_one_is_found_by_an_index(store: Store, database: Database) -> None:
    store.add_routings([record(number) for number in range(20)])
    plans = explained(database, lambda: store.next_undecided("Sari", LEASE))
    assert "ix_queue_created_at" in plans[0]
    assert "Sort" not in plans[0]
    assert "TEMP B-TREE" not in plans[0]
    assert not any(map(scans, plans))
