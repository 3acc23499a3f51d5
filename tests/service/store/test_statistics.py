from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from lapor_route.service.store import Change, Day, Store
from tests.service.store.plans import explained, scans
from tests.service.store.samples import NOON, feedback, record

if TYPE_CHECKING:
    from lapor_route.service.store.engine import Database
    from tests.service.store.conftest import Clock

TODAY = date(2026, 3, 10)


def test_an_empty_store_has_empty_figures(store: Store) -> None:
    found = store.statistics(3)
    assert found.days == (Day(date(2026, 3, 8), 0, 0, 0), Day(date(2026, 3, 9), 0, 0, 0), Day(TODAY, 0, 0, 0))
    assert found.decisions == {"forward": 0, "review": 0, "ask": 0}
    assert found.feedback == {"accepted": 0, "changed": 0, "out_of_scope": 0}
    assert (found.agreement, found.forward_agreement) == (None, None)
    assert (found.most_changed, found.waiting) == ((), 0)


def test_days_are_those_of_jakarta(store: Store, clock: Clock) -> None:
    midnight = datetime(2026, 3, 9, 17, tzinfo=timezone.utc)
    store.add_routings(
        [
            record(1, "forward", at=midnight - timedelta(microseconds=1)),
            record(2, "review", at=midnight),
            record(3, "ask", at=midnight + timedelta(hours=23, minutes=59)),
            record(4, "forward", at=midnight + timedelta(days=1)),
        ]
    )
    found = store.statistics(2, TODAY)
    assert found.days == (Day(date(2026, 3, 9), 1, 0, 0), Day(TODAY, 0, 1, 1))
    assert [day.routings for day in found.days] == [1, 2]
    assert found.decisions == {"forward": 1, "review": 1, "ask": 1}
    clock.now = midnight + timedelta(days=1)
    assert store.statistics(1).days == (Day(date(2026, 3, 11), 1, 0, 0),)


def test_waiting_counts_all_days(store: Store) -> None:
    store.add_routings([record(1, "ask", at=NOON - timedelta(days=40)), record(2), record(3, "forward")])
    assert store.statistics(1).waiting == 2


def test_agreement_is_about_the_latest_feedback(store: Store) -> None:
    store.add_routings([record(1, "forward"), record(2, "forward"), record(3), record(4, "ask"), record(5)])
    store.add_feedback(feedback(1, 1))
    store.add_feedback(feedback(2, 2))
    store.add_feedback(feedback(3, 2, "changed", "kai"))
    store.add_feedback(feedback(4, 3, "changed", "pln"))
    store.add_feedback(feedback(5, 4, "out_of_scope", None))
    found = store.statistics(1)
    assert found.feedback == {"accepted": 1, "changed": 2, "out_of_scope": 1}
    assert found.agreement == pytest.approx(2 / 4)
    assert found.forward_agreement == pytest.approx(1 / 2)
    assert found.most_changed == (Change("pln", "kai", 1), Change("pln", "out_of_scope", 1))


def test_feedback_counts_with_the_days_of_its_routing(store: Store) -> None:
    store.add_routings([record(1, at=NOON - timedelta(days=5)), record(2)])
    store.add_feedback(feedback(1, 1))
    store.add_feedback(feedback(2, 2, "changed", "kai"))
    assert store.statistics(1).feedback == {"accepted": 0, "changed": 1, "out_of_scope": 0}
    assert store.statistics(6).feedback == {"accepted": 1, "changed": 1, "out_of_scope": 0}


def test_the_ten_most_frequent_changes(store: Store) -> None:
    changes = [("pln", f"body-{rank}") for rank in range(12) for _ in range(14 - rank)]
    store.add_routings([record(number, "review", said) for number, (said, _) in enumerate(changes)])
    for number, (_, to) in enumerate(changes):
        store.add_feedback(feedback(number, number, "changed", to))
    found = store.statistics(1).most_changed
    assert found == tuple(Change("pln", f"body-{rank}", 14 - rank) for rank in range(10))


def test_the_figures_of_some_days_are_found_by_an_index(store: Store, database: Database) -> None:
    days, feedback_of_days, waiting = explained(database, lambda: store.statistics(30, TODAY))
    assert "ix_routings_day" in days
    assert "ix_routings_day" in feedback_of_days or "ix_feedback_routing_id" in feedback_of_days
    assert not any(map(scans, (days, feedback_of_days, waiting)))


def test_a_rule_may_forward_to_another_than_the_first_candidate(store: Store) -> None:
    given = record(1, "forward", "pln")
    given.routing["body_id"] = "kai"
    store.add_routings([given, record(2, "review", None)])
    store.add_feedback(feedback(1, 1, "changed", "pln"))
    store.add_feedback(feedback(2, 2, "changed", "pln"))
    assert store.statistics(1).most_changed == (Change(None, "pln", 1), Change("kai", "pln", 1))
    assert store.statistics(1).agreement == 0
