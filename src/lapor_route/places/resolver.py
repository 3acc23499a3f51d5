"""From names in a text to a probability for every region."""

from __future__ import annotations

import json
import math
from array import array
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lapor_route.bodies.registry import DKI, Registry
from lapor_route.places.cues import LEVELS
from lapor_route.places.gazetteer import KINDS, Gazetteer
from lapor_route.places.mentions import Match, find_matches
from lapor_route.routing import PlaceMention

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_LEVEL_KINDS = {
    "province": ("province",),
    "regency": ("regency",),
    "city": ("city",),
    "region": ("province", "city", "regency", "capital", "nickname"),
    "kecamatan": ("kecamatan",),
    "village": ("village", "area"),
    "street": ("street",),
}
_SHORT = 3
_POWERS = 10 ** np.arange(11, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where a complaint happens.

    Attributes:
        local: float array (n_local,); probability that each kabupaten/kota (or DKI Jakarta) is the place,
            in the order of `PlaceResolver.local_ids`. Sums to at most 1.
        provinces: float array (n_provinces,); probability of each province, in the order of
            `PlaceResolver.province_ids`; at least the sum over its kabupaten/kota.
        unknown: Probability that the text doesn't tell; ``provinces.sum() + unknown == 1``.
        mentions: What told it, in the order of the text.
    """

    local: np.ndarray
    provinces: np.ndarray
    unknown: float
    mentions: tuple[PlaceMention, ...]


class _Scored(NamedTuple):
    """A match, the log-odds that it adds for each state, and the gazetteer's entry that says so."""

    match: Match
    states: dict[int, float]
    entries: dict[int, int]
    field: str
    span: str


class PlaceResolver:
    """Adds up what the mentions of a text say about each region.

    A log-linear model with a few dozen weights (`weights.json`): every mention adds log-odds to the regions
    that have a place of that name, more with a fitting level word, less as a street's or a person's name,
    less the more often the name is just a word. Names that agree add up. A softmax over all regions, all
    provinces as a whole, and "the text doesn't tell" makes probabilities of it.
    """

    def __init__(
        self,
        registry: Registry,
        gazetteer: Gazetteer | None = None,
        weights: Mapping[str, Any] | None = None,
    ) -> None:
        self.registry = registry
        self.gazetteer = gazetteer or Gazetteer.load()
        regional = [body for body in registry if body.is_regional]
        self.local_ids = tuple(b.id for b in regional if b.kind != "province" or b.id == DKI)
        self.province_ids = tuple(b.id for b in regional if b.kind == "province")
        n_local = len(self.local_ids)
        province_of = {body_id: i for i, body_id in enumerate(self.province_ids)}
        self.parent = np.array([province_of[registry[i].parent or i] for i in self.local_ids], dtype=np.intp)
        self._local_of = {body_id: i for i, body_id in enumerate(self.local_ids)}
        self._children = [
            (*np.flatnonzero(self.parent == p).tolist(), n_local + p) for p in range(len(self.province_ids))
        ]
        self._n_states = n_local + len(self.province_ids)
        self._entry_state = self._states_of_codes(self.gazetteer.code)
        self.use_weights(weights or load_weights())

    def use_weights(self, weights: Mapping[str, Any]) -> None:
        """Takes other weights, in the form of `weights.json`."""
        self.weights = weights
        self._prior = self._log_prior()

    def _log_prior(self) -> np.ndarray:
        """Log-odds of each state before a word is read: cities write more than regencies, DKI most."""
        priors = self.weights["priors"]
        kinds = ["dki" if i == DKI else self.registry[i].kind for i in self.local_ids]
        local = np.array([priors[kind] for kind in kinds]) - math.log(max(1, len(self.local_ids)))
        provinces = np.full(len(self.province_ids), priors["province"] - math.log(max(1, len(self.province_ids))))
        return np.concatenate([local, provinces])

    def _states_of_codes(self, codes: np.ndarray) -> array[int]:
        """State of every gazetteer entry; -1 where the registry has no body for its code."""
        digits = np.searchsorted(_POWERS, codes, side="right")
        regions, entries = np.unique(codes // _POWERS[np.maximum(digits - 4, 0)], return_inverse=True)
        states = np.array([self._state_of_region(str(region)) for region in regions.tolist()], dtype=np.int16)
        return array("h", states[entries].tobytes())

    def _state_of_region(self, code: str) -> int:
        body = self.registry.by_code(code)
        if body is not None and body.id in self._local_of:
            return self._local_of[body.id]
        if body is not None and body.id in self.province_ids:
            return len(self.local_ids) + self.province_ids.index(body.id)
        return -1

    def resolve(self, text: str, place: str | None = None) -> Resolution:
        """Where a complaint happens.

        Args:
            text: The complaint.
            place: An answer to "where?", if there is one; it counts more than the text.
        """
        found = [(match, "text") for match in find_matches(text, self.gazetteer)]
        if place:
            found += [(match, "place") for match in find_matches(place, self.gazetteer)]
        return self.weigh(found, {"text": text, "place": place or ""})

    def weigh(self, found: Sequence[tuple[Match, str]], sources: Mapping[str, str]) -> Resolution:
        """Turns matches into probabilities.

        Args:
            found: Matches, each with the field that it was found in.
            sources: The text of each field.
        """
        scored = [self._score(match, sources[field], field) for match, field in found]
        scored = [mention for mention in scored if mention.states]
        logits = self._add_up(scored)
        posterior = self._posterior(logits)
        n_local = len(self.local_ids)
        local = posterior[:n_local]
        provinces = posterior[n_local:-1].copy()
        np.add.at(provinces, self.parent, local)
        unknown = float(posterior[-1])
        mentions = tuple(self._describe(mention, posterior) for mention in scored)
        return Resolution(local, provinces, unknown, mentions)

    def _score(self, match: Match, source: str, field: str) -> _Scored:
        states: dict[int, float] = {}
        entries: dict[int, int] = {}
        begin, end = self.gazetteer.first[match.row : match.row + 2].tolist()
        kinds = self.gazetteer.kind[begin:end].tolist()
        weight_of = self._weights_of(match, field, set(kinds))
        for entry, kind in enumerate(kinds, begin) if weight_of else ():
            state = self._entry_state[entry]
            if kind not in weight_of or state < 0:
                continue
            weight = weight_of[kind]
            for reached in self._reach(state):
                if weight > states.get(reached, 0.0):
                    states[reached] = weight
                    entries[reached] = entry
        return _Scored(match, states, entries, field, source[match.start : match.end])

    def _weights_of(self, match: Match, field: str, kinds: Collection[int]) -> dict[int, float]:
        """What a mention weighs for each kind of place of its name, where that is enough to count."""
        shared, weights = self._shared_weight(match, field), self.weights
        found = {
            kind: shared + weights["kinds"][KINDS[kind]] + self._cue_weight(KINDS[kind], match.level)
            for kind in kinds
        }
        return {kind: weight for kind, weight in found.items() if weight >= weights["weakest"]}

    def _reach(self, state: int) -> tuple[int, ...]:
        """The states that a place speaks for: all of a province for the province's name."""
        n_local = len(self.local_ids)
        return self._children[state - n_local] if state >= n_local else (state,)

    def _shared_weight(self, match: Match, field: str) -> float:
        """What holds for every place of a mention's name alike."""
        weights = self.weights
        total: float = -weights["commonness"] * float(self.gazetteer.commonness[match.row])
        if match.level in LEVELS:
            total *= weights["commonness_with_level"]
        total += weights["roles"].get(match.role, 0.0)
        for flag in ("lower", "fuzzy", "marked"):
            if getattr(match, flag):
                total += weights[flag]
        if match.last > match.first:
            total += weights["several_words"]
        if match.end - match.start <= _SHORT and match.level not in LEVELS:
            total += weights["short"]
        if field == "place":
            total += weights["place_field"]
        return total

    def _cue_weight(self, kind: str, cue: str) -> float:
        """What the word beside a name adds for one kind of place."""
        weights = self.weights
        if not cue:
            return 0.0
        if kind in _LEVEL_KINDS.get(cue, ()):
            return float(weights["level_fits"][cue])
        if cue in _LEVEL_KINDS:
            return float(weights["level_differs"].get(f"{cue}:{kind}", weights["level_differs"][cue]))
        return float(weights["roles"].get(cue, 0.0))

    def _add_up(self, scored: list[_Scored]) -> np.ndarray:
        """Log-odds of each state: the strongest mention of each name at each level, and its repetitions.

        "Kec. Jombang, Kab. Jombang" tells two things, "Jombang ... Kab. Jombang" tells one twice.
        """
        logits = np.zeros(self._n_states)
        by_name: dict[tuple[int, str], list[_Scored]] = {}
        levelled = {mention.match.row: mention.match.level for mention in scored if mention.match.level in LEVELS}
        for mention in scored:
            row, level = mention.match.row, mention.match.level
            by_name.setdefault((row, level if level in LEVELS else levelled.get(row, "")), []).append(mention)
        for mentions in by_name.values():
            best: dict[int, float] = {}
            for mention in mentions:
                for state, weight in mention.states.items():
                    best[state] = max(weight, best.get(state, 0.0))
            again = self.weights["repetition"] * math.log(len(mentions))
            for state, weight in best.items():
                logits[state] += weight + again
        return logits

    def _posterior(self, logits: np.ndarray) -> np.ndarray:
        """Probability of each region, of each province as a whole, and of "the text doesn't tell"."""
        scores = np.empty(self._n_states + 1)
        scores[:-1] = (logits + self._prior) * self.weights["sharpness"]
        scores[-1] = self.weights["unknown_prior"]
        scores = np.exp(scores - scores.max())
        posterior: np.ndarray = scores / scores.sum()
        return posterior

    def _describe(self, mention: _Scored, posterior: np.ndarray) -> PlaceMention:
        likeliest = max(mention.states, key=lambda s: mention.states[s] + math.log(posterior[s] + 1e-12))
        entry = mention.entries[likeliest]
        kind, number = KINDS[self.gazetteer.kind[entry]], int(self.gazetteer.code[entry])
        n_local = len(self.local_ids)
        if kind == "province":
            body = self.registry.by_code(str(number))
            owner = body.id if body else ""
        else:
            owner = self.local_ids[likeliest] if likeliest < n_local else self.province_ids[likeliest - n_local]
        match = mention.match
        return PlaceMention(
            text=mention.span,
            start=match.start,
            end=match.end,
            level=kind,
            code=dotted(number),
            body_id=owner,
            cue=match.level or match.role,
            weight=round(mention.states[likeliest], 3),
            ambiguous=kind != "province" and len(mention.states) > 1,
            field=mention.field,
        )


def dotted(code: int) -> str:
    """A region code as Kemendagri writes it: 340407 -> "34.04.07"."""
    digits = str(code)
    parts = [digits[:2], digits[2:4], digits[4:6], digits[6:]]
    return ".".join(part for part in parts if part)


def load_weights() -> dict[str, Any]:
    """The resolver's weights in the package."""
    source = files("lapor_route.places") / "weights.json"
    weights: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return weights
