"""The output: one shape, always."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
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
class Routing:
    """What the router says about one complaint.

    Attributes:
        decision: ``forward``, ``review`` or ``ask``.
        body_id: The body to forward to; set when the decision is ``forward``.
        candidates: Best first; probabilities are calibrated and sum to at most 1.
        reasons: Codes from `REASONS`, why it isn't simply forwarded.
        places: What told the place.
        question: What to ask the citizen, in Indonesian, when the decision is ``ask``.
        shortlist: Ids of the bodies that an officer should see: the fewest that hold the promised probability
            together, without those below 1 %.
        also: Ids of bodies to copy in.
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
    shortlist: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    truncated: bool = False
    versions: dict[str, str] = field(default_factory=dict)
    id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The routing as JSON-ready data, the same everywhere."""
        data = {name: getattr(self, name) for name in self.__slots__} | {"versions": dict(self.versions)}
        for name, value in data.items():
            if isinstance(value, tuple):
                data[name] = [
                    asdict(item) if isinstance(item, (Candidate, PlaceMention)) else item for item in value
                ]
        return data
