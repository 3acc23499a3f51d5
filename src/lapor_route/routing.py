"""The output: one shape, always."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FORWARD, REVIEW, ASK = "forward", "review", "ask"
"""What to do: forward to `body_id`; let an officer look; ask the citizen."""

REASONS = (
    "place_missing",
    "place_ambiguous",
    "tier_ambiguous",
    "topic_ambiguous",
    "out_of_scope",
    "too_short",
    "rule",
)
"""Why a complaint is not forwarded."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A body that may be in charge.

    Attributes:
        body_id: Id in the registry.
        name: Official name.
        probability: Calibrated probability, 0 to 1.
    """

    body_id: str
    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class PlaceMention:
    """A name in the text that tells where.

    Attributes:
        text: The words as they stand in the complaint (or in its `place` field).
        start: Offset of the first character.
        end: Offset behind the last character.
        level: Kind of the name: province, city, regency, kecamatan, village, nickname, landmark ...
        code: Kemendagri code of the likeliest place of that name ("34.04.07").
        body_id: The regional body whose area that is.
        cue: The word class beside it (``kecamatan``, ``street``, ``home`` ...) or nothing.
        weight: Log-odds that the mention adds for its region; 0 means that it was read as something else.
        ambiguous: Whether the name stands in the areas of several bodies.
        field: ``text`` or ``place``: where the offsets point.
    """

    text: str
    start: int
    end: int
    level: str
    code: str
    body_id: str
    cue: str = ""
    weight: float = 0.0
    ambiguous: bool = False
    field: str = "text"


@dataclass(frozen=True, slots=True)
class WordWeight:
    """A word of a complaint, and what it says about a label.

    Attributes:
        text: The word as it stands in the complaint ("e-KTP", "Jum'at").
        start: Offset of its first character.
        end: Offset behind its last character.
        weight: What it adds to the label's score or log-probability; below 0 it speaks against the label.
    """

    text: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Unit:
    """A sub-unit of a body that a complaint names.

    Attributes:
        text: Its name as it stands in the complaint ("Dinas Perhubungan Kota Bogor").
        start: Offset of its first character.
        end: Offset behind its last character.
        kind: One of `lapor_route.evidence.KINDS`.
    """

    text: str
    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a routing.

    Attributes:
        sentence: One sentence in Indonesian that an officer can read aloud.
        words: The words of the text that speak for the first candidate's topic, or against it, in their order;
            only on request, since they cost up to some 50 times as much as the routing.
        units: Sub-units of bodies that the text names: a dinas, a branch, a school.
        rules: Names of the rules that acted, a deployment's own and those for shared competences.
    """

    sentence: str = ""
    words: tuple[WordWeight, ...] = ()
    units: tuple[Unit, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """What the router says about one complaint.

    Attributes:
        decision: ``forward``, ``review`` or ``ask``.
        body_id: The body to forward to; set when the decision is ``forward``.
        candidates: Best first; probabilities are calibrated and sum to at most 1.
        reasons: Codes from `REASONS`, why it isn't simply forwarded.
        places: What told the place.
        question: What to ask the citizen, in Indonesian, when the decision is ``ask``.
        options: Answers to choose from, where there are any; each works as `place`.
        shortlist: Ids of the bodies that an officer should see, likeliest first: a conformal set that holds the
            right one with the promised probability where the place is told, or not needed.
        also: Ids of bodies to copy in, where the matter is a shared one or a rule says so.
        evidence: What speaks for it.
        truncated: Whether the text was longer than what is read.
        versions: Of the package, the model and the registry.
        id: The caller's key of the complaint.
    """

    decision: str
    body_id: str | None
    candidates: tuple[Candidate, ...]
    reasons: tuple[str, ...] = ()
    places: tuple[PlaceMention, ...] = ()
    question: str | None = None
    options: tuple[str, ...] = ()
    shortlist: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    truncated: bool = False
    versions: dict[str, str] = field(default_factory=dict)
    id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The routing as JSON-ready data, the same everywhere."""
        found: dict[str, Any] = _plain(self)
        return found


def _plain(value: Any) -> Any:
    """The same as JSON has it: a dictionary for each of the data classes above, lists for tuples."""
    if isinstance(value, _CLASSES):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, dict) else value


_CLASSES = (Candidate, PlaceMention, WordWeight, Unit, Evidence, Routing)
