from __future__ import annotations

import numpy as np
import pytest

from lapor_route.decisions import Calibration, Candidates
from lapor_route.decisions.join import CENTRAL
from lapor_route.decisions.promise import NATIONAL, REGIONAL, TOGETHER, HeldOut, Level, Point, fewest_rows
from lapor_route.errors import InputError
from training.calibration import HeldOutRows, held_out_of, lower_bound

GOOD = (Point(0.9, 0.97, 100, 0.2), Point(0.8, 0.955, 200, 0.4), Point(0.6, 0.91, 300, 0.5))
FEW = (Point(0.9, 0.93, 30, 0.1), Point(0.7, 0.92, 60, 0.2))
LEVELS = (Level(0.9, 0.05, 1.5), Level(0.95, 0.02, 2.5))


def held_out(**forward: tuple[Point, ...]) -> HeldOut:
    return HeldOut(0.9, {NATIONAL: GOOD, REGIONAL: FEW, TOGETHER: GOOD} | forward, LEVELS)


def test_a_tier_with_rows_enough_has_a_threshold_of_its_own() -> None:
    other = (Point(0.85, 0.96, 100, 0.1), Point(0.7, 0.95, 150, 0.25))
    promise = held_out(regional=other).promise(0.95)
    assert promise.forward_at == {NATIONAL: 0.8, REGIONAL: 0.7}
    assert promise.coverage == pytest.approx(0.65)
    assert not promise.together
    assert "95.0%" in str(promise)
    assert "90% confidence" in str(promise)


def test_tiers_share_a_threshold_where_one_has_too_few_rows() -> None:
    promise = held_out().promise(0.95)
    assert promise.forward_at == {NATIONAL: 0.8, REGIONAL: 0.8}
    assert promise.together
    assert promise.coverage == 0.4


def test_testing_stops_at_the_first_threshold_that_fails() -> None:
    points = (Point(0.9, 0.97, 120, 0.2), Point(0.8, 0.94, 200, 0.4), Point(0.7, 0.96, 300, 0.5))
    assert held_out(together=points).promise(0.95).forward_at[NATIONAL] == 0.9


def test_points_of_too_few_rows_are_not_tested() -> None:
    points = (Point(0.95, 0.8, 10, 0.05), *GOOD)
    assert held_out(together=points).promise(0.95).forward_at[NATIONAL] == 0.8


def test_what_cannot_be_kept_is_refused_with_what_can() -> None:
    with pytest.raises(InputError, match=r"the most that its held-out rows support is 95\.5%"):
        held_out().promise(0.99)
    for wrong in (0, 1, 1.5, -0.1, True, "0.95", float("nan")):
        with pytest.raises(InputError, match="between 0 and 1"):
            held_out().promise(wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no held-out figures"):
        Calibration().promise(0.9)


def test_a_shortlist_keeps_the_next_promise_that_was_worked_out() -> None:
    calibration = Calibration(held_out=held_out())
    assert calibration.listing(0.9).shortlist_at == 0.05
    assert calibration.listing(0.91).shortlist_at == 0.02
    with pytest.raises(InputError, match=r"at most 95\.0%"):
        calibration.listing(0.96)
    with pytest.raises(InputError, match="between 0 and 1"):
        calibration.listing(2)


def test_testing_begins_where_one_error_is_allowed() -> None:
    rows = fewest_rows(0.95, 0.9)
    one_wrong = np.ones(rows)
    assert fewest_rows(1 - 1e-12, 0.9) > 10**12
    one_wrong[0] = 0
    assert lower_bound(one_wrong, np.ones(rows), 0.9) >= 0.95 > lower_bound(one_wrong[:-1], np.ones(rows - 1), 0.9)


def test_weights_of_rows_that_tell_as_much_change_nothing() -> None:
    right = np.array([1] * 95 + [0] * 5)
    assert lower_bound(right, np.full(100, 0.3)) == pytest.approx(lower_bound(right, np.ones(100)))
    uneven = np.where(np.arange(100) % 2, 4.0, 0.1)
    assert lower_bound(right, uneven) < lower_bound(right, np.ones(100))


def drawn(rng: np.random.Generator, n: int) -> tuple[HeldOutRows, np.ndarray]:
    """Rows with two candidates, and an overconfident probability of the first."""
    claimed = rng.uniform(0.5, 1.0, n)
    true = claimed - 0.3 * (1 - claimed) - 0.02
    first = rng.uniform(size=n) < true
    probabilities = np.stack([claimed, 0.9 * (1 - claimed)], axis=1)
    right = np.stack([first, ~first & (rng.uniform(size=n) < 0.8)], axis=1)
    kind, no = np.full((n, 2), CENTRAL), np.zeros(n, bool)
    kind[: n // 2] += 1
    candidates = Candidates(np.zeros((n, 2)), np.zeros((n, 2)), kind, np.zeros((n, 1)), np.zeros((n, 1)))
    return HeldOutRows(candidates, right, np.ones(n), ~no, no, ~no, np.zeros(n, int)), probabilities


def test_the_promised_precision_is_kept_as_often_as_promised() -> None:
    """300 draws of held-out rows; the truth is known, so a promise that isn't kept can be counted, in each tier."""
    rng = np.random.default_rng(7)
    population, probabilities = drawn(rng, 200_000)
    first, hit = probabilities[:, 0], population.right[:, 0]
    broken = made = 0
    for _ in range(300):
        try:
            promise = held_out_of(*drawn(rng, 800)).promise(0.8)
        except InputError:
            continue
        made += 1
        central = population.candidates.kind[:, 0] == CENTRAL
        forwarded = first >= np.where(central, *promise.forward_at.values())
        tiers = [central | ~central] if promise.together else [central, ~central]
        broken += any(hit[forwarded & tier].mean() < 0.8 for tier in tiers)
    assert made > 200
    assert broken <= 0.1 * made


def test_a_promised_shortlist_holds_the_right_body_as_often_as_promised() -> None:
    rng = np.random.default_rng(8)
    population, probabilities = drawn(rng, 100_000)
    held = []
    for _ in range(300):
        threshold = held_out_of(*drawn(rng, 300)).shortlist_at(0.85).threshold
        held.append(((probabilities >= threshold) & population.right).any(axis=1).mean())
    assert 0.848 <= np.mean(held) < 0.87
