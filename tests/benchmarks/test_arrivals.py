"""When complaints arrive; the statistical bounds are six standard deviations and more away."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from benchmarks.arrivals import A_DAY, HOURS, SECONDS, WEEKDAYS, Burst, arrivals, intensity, steady

WEEKS = 8


def count(times: list[float], start: float, end: float) -> int:
    return sum(start <= time < end for time in times)


def at_hours(times: list[float], first: int, behind: int) -> int:
    return sum(first <= time % SECONDS / 3_600 < behind for time in times)


def test_mean_is_that_of_a_real_year() -> None:
    expected = 7 * WEEKS * A_DAY
    assert abs(len(arrivals(7 * WEEKS, seed=1)) - expected) < 6 * math.sqrt(expected)


def test_rate_follows_per_day() -> None:
    assert abs(len(arrivals(7, seed=1, per_day=2_000)) - 14_000) < 6 * math.sqrt(14_000)


def test_intensity_integrates_to_the_daily_mean() -> None:
    week = sum(intensity(minute * 60 + 30) for minute in range(7 * 24 * 60)) * 60
    assert week == pytest.approx(7 * A_DAY, rel=1e-6)


def test_shapes_have_mean_one() -> None:
    assert sum(HOURS) / 24 == pytest.approx(1)
    assert sum(WEEKDAYS) / 7 == pytest.approx(1)


def test_nights_are_quiet_and_there_are_two_peaks() -> None:
    times = arrivals(7 * WEEKS, seed=2)
    night, morning = at_hours(times, 1, 4), at_hours(times, 8, 11)
    afternoon, evening = at_hours(times, 15, 18), at_hours(times, 18, 21)
    assert night * 5 < morning
    assert afternoon < evening
    assert at_hours(times, 12, 15) < morning


def test_weekends_are_quieter() -> None:
    times = arrivals(7 * WEEKS, seed=3)
    days = [sum(int(time // SECONDS) % 7 == day for time in times) for day in range(7)]
    assert max(days[5:]) < 0.8 * min(days[:5])


def test_first_weekday_moves_the_week() -> None:
    times = arrivals(7 * WEEKS, seed=3, weekday=5)
    days = [sum(int(time // SECONDS) % 7 == day for time in times) for day in range(7)]
    assert max(days[:2]) < 0.8 * min(days[2:])


def test_start_moves_the_hours_of_the_span() -> None:
    night, morning = (arrivals(3 / 24, seed=3, per_day=20_000, start=hour * 3_600) for hour in (1, 8))
    assert 5 * len(night) < len(morning)
    assert morning[0] < 60
    next_day = arrivals(3 / 24, seed=3, per_day=20_000, start=SECONDS + 8 * 3_600, weekday=4)
    assert len(next_day) < 0.8 * len(morning)


def test_arrivals_come_one_by_one_as_a_poisson_process() -> None:
    """Gaps of a Poisson process are exponential: their deviation equals their mean; even spacing would give 0."""
    times = steady(50, 200, seed=4)
    gaps = [after - before for before, after in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert mean == pytest.approx(1 / 50, rel=0.1)
    assert deviation == pytest.approx(mean, rel=0.1)


def test_same_seed_same_times() -> None:
    burst = Burst(at=30_000, size=50)
    assert arrivals(2, seed=7, bursts=[burst]) == arrivals(2, seed=7, bursts=[burst])
    assert arrivals(2, seed=7) != arrivals(2, seed=8)
    assert steady(10, 10, seed=7) == steady(10, 10, seed=7)
    assert steady(10, 10, seed=7) != steady(10, 10, seed=8)


def test_times_are_sorted_and_within_the_span() -> None:
    times = arrivals(1.5, seed=9, bursts=[Burst(at=1.4 * SECONDS, size=400)])
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < 1.5 * SECONDS


def test_compression_shortens_time_and_nothing_else() -> None:
    slow, fast = arrivals(1, seed=5), arrivals(1, seed=5, compression=720)
    assert fast == pytest.approx([time / 720 for time in slow])
    assert fast[-1] < 120


def test_burst_comes_on_top_breaks_out_at_once_and_fades() -> None:
    burst = Burst(at=10 * 3_600, size=900, fades=1_800)
    with_burst, without = arrivals(1, seed=6, bursts=[burst]), arrivals(1, seed=6)
    assert len(with_burst) == len(without) + 900
    extra = sorted(set(with_burst) - set(without))
    assert extra[0] >= burst.at
    first, second, third = (count(extra, burst.at + i * 1_800, burst.at + (i + 1) * 1_800) for i in range(3))
    assert first == pytest.approx(900 * (1 - math.exp(-1)), rel=0.2)
    assert first > 1.5 * second > 2 * third


def test_burst_behind_the_end_falls_away() -> None:
    assert arrivals(1, seed=6, bursts=[Burst(at=2 * SECONDS, size=100)]) == arrivals(1, seed=6)


def test_nothing_arrives_at_rate_nothing() -> None:
    assert steady(0, 100, seed=1) == []


@pytest.mark.parametrize(("days", "compression"), [(0, 1), (-1, 1), (1, 0)])
def test_impossible_spans_are_refused(days: float, compression: float) -> None:
    with pytest.raises(ValueError, match="must be positive, found"):
        arrivals(days, seed=1, compression=compression)
