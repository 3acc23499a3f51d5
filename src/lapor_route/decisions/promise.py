"""A promised precision, and a promised shortlist: thresholds with a guarantee.

*Precision.* Learn then Test (Angelopoulos, Bates, Candès, Jordan, Lei, 2021): "at this threshold, fewer than the
promised share of what is forwarded goes to the right body" is tested from the highest threshold downwards, until a
test fails (fixed-sequence testing, which needs no correction for their number). A test rejects where the one-sided
Clopper-Pearson bound of the precision reaches the promise. Each tier is tested by itself; where the rows of one
are too few for that, all are tested together and share one threshold. Those are three sequences, so each is tested
at a third of the error that the stated confidence allows (Bonferroni). So, with that confidence over the draw of
the held-out rows, the promise holds for complaints of their mix; approximately, since rows count by their weight
and the bound uses their effective number (Kish).

*Shortlist.* A conformal set (Vovk et al.; least ambiguous sets of Sadinle, Lei and Wasserman, 2019): all bodies
above the probability that the right body reached on the promised share of the held-out rows, with the finite-sample
correction. It is promised for complaints whose place is told, or not needed: where it is missing no list can hold
it, and the citizen is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from lapor_route.decisions.join import is_number
from lapor_route.errors import BundleError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NATIONAL, REGIONAL, TOGETHER = "national", "regional", "together"
TIERS = (NATIONAL, REGIONAL)


class Point(NamedTuple):
    """What a threshold of "forward" gave on held-out rows.

    Attributes:
        threshold: Probability from which a row is forwarded.
        bound: Lower confidence bound of the precision.
        rows: Effective number of rows that are forwarded.
        coverage: Their share of all rows (of every tier).
    """

    threshold: float
    bound: float
    rows: float
    coverage: float


class Level(NamedTuple):
    """A shortlist: the promised probability, the threshold for it, the mean number of bodies on it."""

    promised: float
    threshold: float
    size: float


@dataclass(frozen=True, slots=True)
class Promise:
    """What `Router.load(target_precision=...)` keeps.

    Attributes:
        target: Precision of what is forwarded.
        confidence: That it holds, over the draw of the held-out rows.
        forward_at: Threshold of each tier.
        coverage: Share of complaints that are then forwarded, as on the held-out rows.
        together: Whether the precision is promised for all tiers together, not for each.
    """

    target: float
    confidence: float
    forward_at: dict[str, float]
    coverage: float
    together: bool

    def __str__(self) -> str:
        scope = "of what is forwarded" if self.together else "of what is forwarded, for each tier,"
        return (
            f"{self.target:.1%} {scope} goes to the right body, with {self.confidence:.0%} confidence; "
            f"about {self.coverage:.0%} of complaints are forwarded"
        )


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What held-out rows say about thresholds; kept in the bundle.

    Attributes:
        confidence: That a promise holds; each bound has `level_of` it.
        forward: Points by tier, highest threshold first; `together` for all tiers.
        shortlist: Levels, by ascending promise.
    """

    confidence: float
    forward: dict[str, tuple[Point, ...]]
    shortlist: tuple[Level, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> HeldOut:
        """Reads the entry `held_out` of `calibration.json`.

        Raises:
            BundleError: It has another form.
        """
        try:
            forward = {name: tuple(Point(*row) for row in data["forward"][name]) for name in (*TIERS, TOGETHER)}
            shortlist = tuple(Level(*row) for row in data["shortlist"])
            numbers = [
                data["confidence"],
                *(number for rows in (*forward.values(), shortlist) for row in rows for number in row),
            ]
            if not all(map(is_number, numbers)):
                raise ValueError("a value is no number")
            return cls(float(data["confidence"]), forward, shortlist)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"calibration.json has an unusable entry: held_out ({error})") from None

    def promise(self, target: float) -> Promise:
        """The lowest thresholds that keep a precision.

        Raises:
            InputError: The target isn't between 0 and 1, or the held-out rows don't support it.
        """
        if not is_number(target) or not 0 < target < 1:
            raise InputError(f"target_precision must be a number between 0 and 1, such as 0.95; found {target!r}")
        single = {tier: self._lowest(self.forward[tier], target) for tier in TIERS}
        found = {tier: point for tier, point in single.items() if point}
        if len(found) == len(TIERS):
            coverage = sum(point.coverage for point in found.values())
            thresholds = {tier: point.threshold for tier, point in found.items()}
            return Promise(target, self.confidence, thresholds, coverage, together=False)
        point = self._lowest(self.forward[TOGETHER], target)
        if point is None:
            raise InputError(
                f"no threshold of this bundle keeps a precision of {target:.1%}: the most that its held-out rows "
                f"support is {self.most():.1%}. Ask for less, or calibrate on more dispositions "
                "(training/README.md)"
            )
        return Promise(
            target, self.confidence, dict.fromkeys(TIERS, point.threshold), point.coverage, together=True
        )

    def most(self) -> float:
        """The highest precision, in steps of half a percent, that can be promised."""
        steps = [step / 1000 for step in range(995, 0, -5)]
        return next((step for step in steps if self._lowest(self.forward[TOGETHER], step)), 0.0)

    def shortlist_at(self, promised: float) -> Level:
        """The shortest list that keeps a promise.

        Raises:
            InputError: The promise isn't between 0 and 1, or no list keeps it.
        """
        if not is_number(promised) or not 0 < promised < 1:
            raise InputError(
                f"shortlist_coverage must be a number between 0 and 1, such as 0.95; found {promised!r}"
            )
        for level in self.shortlist:
            if level.promised >= promised:
                return level
        most = self.shortlist[-1].promised if self.shortlist else 0
        raise InputError(
            f"no shortlist of this bundle holds the right body with {promised:.1%}; at most {most:.1%}"
        )

    def _lowest(self, points: Sequence[Point], target: float) -> Point | None:
        """Fixed-sequence testing: the last point before the first that fails."""
        least = fewest_rows(target, level_of(self.confidence))
        lowest = None
        for point in points:
            if point.rows < least:
                continue
            if point.bound < target:
                break
            lowest = point
        return lowest


def level_of(confidence: float) -> float:
    """The confidence of each of the three sequences of tests, so that all hold together with the stated one."""
    return 1 - (1 - confidence) / (len(TIERS) + 1)


def fewest_rows(target: float, level: float) -> int:
    """Rows with which testing begins: as many as allow one error among them.

    Chosen before the rows are looked at, as fixed-sequence testing demands.
    """

    def likely(rows: int) -> bool:
        """Whether one error at most is likely, though the precision only just reaches the target."""
        return target**rows + rows * (1 - target) * target ** (rows - 1) > 1 - level

    enough = 2
    while likely(enough):
        enough *= 2
    least = enough // 2
    while enough - least > 1:
        middle = (least + enough) // 2
        least, enough = (middle, enough) if likely(middle) else (least, middle)
    return enough
