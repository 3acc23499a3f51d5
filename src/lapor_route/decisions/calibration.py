"""What is fitted on held-out dispositions: the join's coefficients and the thresholds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from lapor_route.decisions.join import Join, is_number
from lapor_route.decisions.promise import TIERS, HeldOut, Promise
from lapor_route.errors import BundleError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Calibration:
    """The content of `calibration.json`.

    Attributes:
        join: Turns topic and place into the probability of each body.
        forward_at: Probability from which a complaint is forwarded, by the tier of its first candidate.
        shortlist_at: Probability from which a body is on the shortlist.
        scope_at: Probability of "no government's business" from which nothing is forwarded; 0.2 holds back 1 in
            700 of the held-out complaints that are one's business.
        region_at: A regional complaint whose likeliest region is less probable needs a question. The bare name of a
            city and its regency gives the city 0.74 to 0.80. With 0.8, 97 % of 133 written complaints without a
            place weren't forwarded (0.6: 88 %), and 4 % fewer of those with one were.
        held_out: What held-out rows say about other thresholds; without it nothing can be promised.
    """

    join: Join = field(default_factory=Join)
    forward_at: dict[str, float] = field(default_factory=lambda: dict.fromkeys(TIERS, 0.8))
    shortlist_at: float = 0.01
    scope_at: float = 0.2
    region_at: float = 0.82
    held_out: HeldOut | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Reads `calibration.json`.

        Raises:
            BundleError: A key is unknown, or a value unusable.
        """
        if not isinstance(data, dict):
            raise BundleError("calibration.json must be a JSON object")
        known = {entry.name for entry in fields(cls)}
        parts = {"join": Join.from_dict, "forward_at": _thresholds, "held_out": _held_out}
        wrong = [
            key
            for key, value in data.items()
            if key not in known or (key not in parts and not (is_number(value) and 0 <= value <= 1))
        ]
        if wrong:
            raise BundleError(f"calibration.json has unusable entries: {', '.join(wrong)}")
        values: dict[str, Any] = {key: parts[key](value) if key in parts else value for key, value in data.items()}
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The content of `calibration.json`."""
        return asdict(self)

    def promise(self, target: float) -> Promise:
        """What it takes to keep a precision.

        Raises:
            InputError: It can't be kept, or the bundle says nothing about it.
        """
        return self._figures().promise(target)

    def keeping(self, promise: Promise) -> Calibration:
        """The calibration with a promise's thresholds."""
        return replace(self, forward_at=promise.forward_at)

    def listing(self, promised: float) -> Calibration:
        """The calibration with the shortlist that holds the right body with a promised probability.

        Raises:
            InputError: No list does, or the bundle says nothing about it.
        """
        return replace(self, shortlist_at=self._figures().shortlist_at(promised).threshold)

    def _figures(self) -> HeldOut:
        if self.held_out is None:
            raise InputError(
                "this model has no held-out figures to promise anything by; train its bundle with the kit "
                "(training/README.md), or leave the promise out"
            )
        return self.held_out


def _thresholds(data: Any) -> dict[str, float]:
    if not isinstance(data, dict) or set(data) != set(TIERS) or not all(map(is_number, data.values())):
        raise BundleError(f"calibration.json needs a number for each of {', '.join(TIERS)} in forward_at")
    return data


def _held_out(data: Any) -> HeldOut | None:
    return None if data is None else HeldOut.from_dict(data)
