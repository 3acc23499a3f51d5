"""When complaints arrive: a Poisson process with days, nights, weekends and bursts, the same for the same seed.

The mean is SP4N-LAPOR!'s of 2022: 113,989 complaints, about 331 a day. How they spread over a day and a week is an
assumption, as no public figures exist: few at night, a peak when offices open and a second one after work (WIB),
more from Monday to Friday. Bursts stand for a disaster or a post that many share: a cluster that fades by itself.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

A_DAY = 331
"""Complaints a day."""
SECONDS = 86_400
"""Of a day."""

_HOURS = (3, 2, 1, 1, 2, 4, 8, 13, 18, 20, 19, 16, 13, 14, 15, 14, 13, 13, 15, 18, 17, 13, 8, 5)
_WEEKDAYS = (13, 13, 12, 12, 11, 7, 6)
HOURS = tuple(24 * weight / sum(_HOURS) for weight in _HOURS)
"""How many there are at each full hour, WIB; 1 is the day's mean. Between them it goes straight."""
WEEKDAYS = tuple(7 * weight / sum(_WEEKDAYS) for weight in _WEEKDAYS)
"""How many there are from Monday to Sunday; 1 is the week's mean."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Complaints about one thing, over and above the usual ones.

    Attributes:
        at: Where it breaks out, seconds from the span's start, not compressed.
        size: How many complaints it makes; those behind the span's end fall away.
        fades: Mean seconds from the outbreak to a complaint; most come at once, ever fewer later.
    """

    at: float
    size: int
    fades: float = 3_600.0


def arrivals(
    days: float,
    *,
    seed: int,
    per_day: float = A_DAY,
    weekday: int = 0,
    start: float = 0.0,
    bursts: Sequence[Burst] = (),
    compression: float = 1.0,
) -> list[float]:
    """Arrival times in a span, seconds from its start, sorted.

    Args:
        days: Length of the span.
        seed: The same one gives the same times.
        per_day: Complaints a day on average, over a week; bursts come on top.
        weekday: Of the first day; 0 is Monday.
        start: When the span starts, seconds from midnight (WIB) of the first day.
        bursts: What breaks out meanwhile.
        compression: By how much time is shortened; 720 puts a day into two minutes.

    Raises:
        ValueError: The span or the compression isn't positive.
    """
    if days <= 0 or compression <= 0:
        raise ValueError(f"days and compression must be positive, found {days} and {compression}")
    rng = random.Random(seed)
    span = days * SECONDS
    times = list(_usual(span, per_day, weekday, start, rng))
    for burst in bursts:
        cluster = (burst.at + rng.expovariate(1 / burst.fades) for _ in range(burst.size))
        times += [time for time in cluster if time < span]
    return sorted(time / compression for time in times)


def steady(rate: float, seconds: float, *, seed: int) -> list[float]:
    """Arrival times of a Poisson process that stays the same, seconds, sorted.

    Args:
        rate: Arrivals a second on average.
        seconds: Length of the span.
        seed: The same one gives the same times.
    """
    rng = random.Random(seed)
    return list(_poisson(rate, seconds, rng))


def intensity(time: float, per_day: float = A_DAY, weekday: int = 0) -> float:
    """Usual complaints a second at a time.

    Args:
        time: Seconds from midnight (WIB) of the first day.
        per_day: Complaints a day on average, over a week.
        weekday: Of the first day; 0 is Monday.
    """
    day, within = divmod(time, SECONDS)
    hour, part = divmod(within / 3_600, 1)
    before, after = HOURS[int(hour) % 24], HOURS[(int(hour) + 1) % 24]
    shape = before + part * (after - before)
    return per_day / SECONDS * WEEKDAYS[(weekday + int(day)) % 7] * shape


def _usual(span: float, per_day: float, weekday: int, start: float, rng: random.Random) -> Iterator[float]:
    """Thinning (Lewis and Shedler, 1979): arrivals at the highest rate, kept as often as the time's own demands."""
    highest = per_day / SECONDS * max(HOURS) * max(WEEKDAYS)
    for time in _poisson(highest, span, rng):
        if rng.random() * highest < intensity(start + time, per_day, weekday):
            yield time


def _poisson(rate: float, span: float, rng: random.Random) -> Iterator[float]:
    if rate <= 0:
        return
    time = rng.expovariate(rate)
    while time < span:
        yield time
        time += rng.expovariate(rate)
