"""Stretches of life at multiples of today's volume, and how they are squeezed into seconds.

Compressing time by c loads a machine like c times the volume, so waits can't be true to life at a small multiple
and in a short time at once. Up to 1,000 times the volume the compression is chosen such that every stretch loads
the machine like about 1,000 times, and 2 to 3 times that in busy hours with a burst: a whole day, then an hour,
minutes, seconds in real time. Waits at smaller multiples are thus upper bounds of those in life; at 1,000 and
more they are those.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.arrivals import A_DAY, SECONDS, Burst, arrivals

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR = 3_600.0
WINDOW = 3.0
"""Seconds over which the busiest moment is counted."""
_BREAKS_OUT, _FADES = 0.4, 1 / 20
"""When a burst breaks out and how fast it fades, as shares of the stretch."""
_QUICK_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a Monday.

    Attributes:
        multiple: Of today's 331 complaints a day.
        start: When it starts, seconds from midnight.
        compression: By how much time is shortened.
        seconds: How long its replay takes.
        burst: At how many times the mean a burst breaks out; 1 is none.
    """

    multiple: int
    start: float
    compression: float
    seconds: float
    burst: float = 10.0

    @property
    def span(self) -> float:
        """Its length in life, seconds."""
        return self.seconds * self.compression

    def times(self, seed: int) -> list[float]:
        """When complaints arrive, seconds of the replay, sorted."""
        per_day, fades = A_DAY * self.multiple, _FADES * self.span
        size = round((self.burst - 1) * per_day / SECONDS * fades)
        return arrivals(
            self.span / SECONDS,
            seed=seed,
            per_day=per_day,
            start=self.start,
            bursts=[Burst(_BREAKS_OUT * self.span, size, fades)] if size else [],
            compression=self.compression,
        )


STRETCHES = (
    Stretch(1, 0.0, 960, 90),
    Stretch(10, 9 * HOUR, 90, 40),
    Stretch(100, 9 * HOUR, 9, 40),
    Stretch(1_000, 9 * HOUR, 1, 40),
    Stretch(10_000, 6.2 * HOUR, 1, 30, burst=1),
)
"""A day with its night; busy hours with a burst; at last a moment that is as busy as the mean, as that is near what
two cores can do."""


def chosen(quick: bool) -> tuple[Stretch, ...]:
    """The stretches; in a quick run a second or two of each, from a busy hour, with the same compression."""
    if not quick:
        return STRETCHES
    return tuple(replace(each, seconds=_QUICK_SECONDS, start=each.start or 9 * HOUR) for each in STRETCHES)


def loads_like(requests: float, seconds: float) -> float:
    """The multiple of today's volume that so many requests in so many seconds are."""
    return requests / seconds * SECONDS / A_DAY


def busiest(times: Sequence[float], window: float = WINDOW) -> float:
    """The same for the window of seconds with the most requests."""
    most = max((bisect_left(times, at + window) - i for i, at in enumerate(times)), default=0)
    return loads_like(most, window)
