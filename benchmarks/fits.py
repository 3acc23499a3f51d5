"""How a time grows with a size: the slope between logarithms, and t = a + b n^p."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

STEEPEST = 1.15
"""Exponent that n log n reaches at some thousands (1 + 1 / ln n); what is steeper grows faster than that."""
FEWEST = 3
"""Sizes that a slope needs for an error, and an upper half has at least."""
_FEWEST_FOR_POWER = 7
"""Sizes from which the three numbers of a + b n^p say something that the slope doesn't."""
_SHARE = 0.1
"""Of the time at the largest size, from which the growing part of a + b n^p counts."""
_POWERS = np.linspace(0.05, 3.5, 346)
_ERRORS = 2.0


@dataclass(frozen=True, slots=True)
class Fit:
    """How a time grows.

    Attributes:
        slope: Least-squares slope of log t over log n, over the upper half of the sizes.
        slope_error: Its standard error.
        constant: a of a + b n^p, seconds.
        factor: b.
        power: p; nan where nothing grows.
        power_error: Half the width of what p may be at one standard error; infinite where the times don't tell.
        share: The part of b n^p in the time at the largest size.
        verdict: ``yes`` (no worse than n log n), ``no``, or ``unclear`` where the errors leave both open.
    """

    slope: float
    slope_error: float
    constant: float
    factor: float
    power: float
    power_error: float
    share: float
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready data; numbers that aren't finite become None."""
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in asdict(self).items()
        }


def fit(sizes: Sequence[float], seconds: Sequence[float]) -> Fit:
    """Fits times that were measured at several sizes.

    Args:
        sizes: Positive, ascending.
        seconds: Positive, one a size.

    Raises:
        ValueError: There are fewer than four sizes, or something isn't positive.
    """
    n, t = np.asarray(sizes, dtype=float), np.asarray(seconds, dtype=float)
    if len(n) != len(t) or len(n) <= FEWEST:
        raise ValueError(f"a fit needs more than {FEWEST} sizes and a time for each, found {len(n)} and {len(t)}")
    if n.min() <= 0 or t.min() <= 0 or (np.diff(n) <= 0).any():
        raise ValueError("sizes and times must be positive, sizes ascending")
    slope, slope_error = _slope(n, t)
    constant, factor, power, power_error = _offset_power(n, t)
    growing = factor * n[-1] ** power if factor > 0 else 0.0
    share = growing / (constant + growing)
    told = len(n) >= _FEWEST_FOR_POWER and share >= _SHARE and math.isfinite(power_error)
    verdict = _verdict([(slope, slope_error), *([(power, power_error)] if told else [])])
    return Fit(slope, slope_error, constant, factor, power, power_error, share, verdict)


def _slope(n: np.ndarray, t: np.ndarray) -> tuple[float, float]:
    """Slope of log t over log n in the upper half, and its standard error."""
    upper = slice(min(len(n) // 2, len(n) - FEWEST), None)
    x, y = np.log(n[upper]), np.log(t[upper])
    x = x - x.mean()
    slope = float(x @ y / (x @ x))
    rest = y - y.mean() - slope * x
    return slope, math.sqrt(float(rest @ rest) / (len(x) - 2) / float(x @ x))


def _offset_power(n: np.ndarray, t: np.ndarray) -> tuple[float, float, float, float]:
    """a, b, p and p's error: least squares of the relative errors, a and b not negative, p on a grid."""
    scaled = n / n[-1]
    found = [_offset(scaled**power, t) for power in _POWERS]
    losses = np.array([loss for _, _, loss in found])
    best = int(losses.argmin())
    constant, factor, loss = found[best]
    power = float(_POWERS[best])
    if factor <= 0:
        return constant, 0.0, math.nan, math.inf
    likely = _POWERS[losses <= loss * (1 + 1 / max(1, len(n) - 3)) + 1e-12]
    at_an_edge = likely[0] == _POWERS[0] or likely[-1] == _POWERS[-1]
    error = math.inf if at_an_edge else float(likely[-1] - likely[0]) / 2
    return constant, factor / float(n[-1]) ** power, power, error


def _offset(grown: np.ndarray, t: np.ndarray) -> tuple[float, float, float]:
    """a, b and the sum of the squared relative errors of t = a + b x, neither negative."""
    columns, ones = np.stack([1 / t, grown / t], axis=1), np.ones(len(t))
    (a, b), *_ = np.linalg.lstsq(columns, ones, rcond=None)
    if a < 0:
        a, b = 0.0, float(columns[:, 1].sum() / (columns[:, 1] ** 2).sum())
    elif b < 0:
        a, b = float(columns[:, 0].sum() / (columns[:, 0] ** 2).sum()), 0.0
    rest = ones - columns @ np.array([a, b])
    return float(a), float(b), float(rest @ rest)


def _verdict(exponents: Sequence[tuple[float, float]]) -> str:
    """Whether exponents with these errors are no steeper than n log n; the first must say so clearly."""
    if any(value - _ERRORS * error > STEEPEST for value, error in exponents):
        return "no"
    value, error = exponents[0]
    return "yes" if value + _ERRORS * error <= STEEPEST else "unclear"
