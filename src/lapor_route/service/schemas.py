"""Requests and answers as the API documents them; the answers' shapes are those of the library."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    model_validator,
)

from lapor_route.weigher import MOST_CANDIDATES


def _whole(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which JSON can hold and UTF-8 can't."""
    return _HALVES.sub("\N{REPLACEMENT CHARACTER}", text)


def _integral(value: Any) -> Any:
    """A number as JSON Schema counts: 5.0 is an integer there."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


TopK = Annotated[int, Field(ge=1, le=MOST_CANDIDATES), BeforeValidator(_integral)]
Text = Annotated[str, AfterValidator(_whole)]
Id = Annotated[Text, StringConstraints(max_length=200)]
_HALVES = re.compile("[\ud800-\udfff]")
MOST_IN_BATCH = 10_000
"""Complaints of one batch call, whatever a deployment's settings say."""
_MOST_KEYS = 50
_EXAMPLE = "Jalan berlubang di Kec. Depok, Sleman, sudah dua bulan belum diperbaiki."


_TEXT, _NOTHING = {"type": "string"}, {"type": "null"}
_ROUTE_RULES: dict[str, Any] = {
    "anyOf": [
        {"properties": {"keep": {"const": True}}},
        {"properties": {"officer": _NOTHING, "replaces": _NOTHING}},
    ]
}
"""What `RouteRequest` checks across its fields, for who generates clients from the schema."""
_FEEDBACK_RULES: dict[str, Any] = {
    "oneOf": [
        {"required": ["record"], "properties": {"record": _TEXT, "id": _NOTHING}},
        {"required": ["id"], "properties": {"id": _TEXT, "record": _NOTHING}},
    ],
    "anyOf": [
        {"required": ["body_id"], "properties": {"verdict": {"const": "changed"}, "body_id": _TEXT}},
        {"properties": {"verdict": {"enum": ["accepted", "out_of_scope"]}, "body_id": _NOTHING}},
    ],
}
"""What `FeedbackRequest` checks across its fields, for who generates clients from the schema."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _small(cls, data: Any) -> Any:
        """Refuses an object of very many keys before each of them is an error."""
        if isinstance(data, dict) and len(data) > _MOST_KEYS:
            raise ValueError(f"an object of {len(data):,} keys")
        return data


class ComplaintIn(_Request):
    """A complaint; of a longer text the first 20,000 characters are read, and the routing says so."""

    text: Text = Field(description="The complaint, in the citizen's own words.", examples=[_EXAMPLE])
    place: Text | None = Field(
        None, description="Where it happens, if known apart from the text.", examples=["Kab. Klaten"]
    )
    id: Id | None = Field(None, description="Your own key; it is returned and can be used for feedback.")


class RouteRequest(ComplaintIn):
    """A complaint, and how much to say about it."""

    model_config = ConfigDict(json_schema_extra=_ROUTE_RULES)

    top_k: TopK = Field(5, description="Most candidates to return.")
    explain: bool = Field(False, description="Weigh every word of the text; costs up to 50 times as much.")
    keep: bool = Field(True, description="Keep a record; without one there is no feedback and nothing to replay.")
    officer: Text | None = Field(
        None, max_length=100, description="An officer who asks: what is undecided is theirs for ten minutes."
    )
    replaces: Text | None = Field(
        None,
        max_length=64,
        description="The record of an earlier routing of the same text: it leaves the queue.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> RouteRequest:
        if not self.keep and (self.officer is not None or self.replaces is not None):
            raise ValueError("`officer` and `replaces` need a record: leave out `keep`")
        return self


class BatchRequest(_Request):
    """Complaints to route in one call."""

    complaints: Annotated[list[ComplaintIn], Field(min_length=1, max_length=MOST_IN_BATCH), FailFast()]
    top_k: TopK = Field(5, description="Most candidates to return for each.")


class FeedbackRequest(_Request):
    """What an officer decided about a routing. A later feedback on the same routing replaces an earlier one."""

    model_config = ConfigDict(json_schema_extra=_FEEDBACK_RULES)

    record: Text | None = Field(None, max_length=64, description="The routing's record id (header `Lapor-Record`).")
    id: Id | None = Field(None, description="Or your own key of the complaint: its latest routing is meant.")
    verdict: Literal["accepted", "changed", "out_of_scope"]
    body_id: Text | None = Field(
        None,
        max_length=100,
        description="The body that it goes to: needed with `changed`.",
        examples=["pemkab-sleman"],
    )
    note: Text | None = Field(None, max_length=2000, examples=["Jalan ini berstatus jalan provinsi."])
    officer: Text | None = Field(None, max_length=100, examples=["Petugas 3"])

    @model_validator(mode="after")
    def _consistent(self) -> FeedbackRequest:
        if (self.record is None) == (self.id is None):
            raise ValueError("give either `record` or `id`")
        if (self.verdict == "changed") != (self.body_id is not None):
            raise ValueError("`body_id` comes with `changed`, and only with it")
        return self


class FeedbackAnswer(BaseModel):
    """The feedback as it is kept."""

    id: str
    record: str
    verdict: Literal["accepted", "changed", "out_of_scope"]
    body_id: str | None
    created_at: dt.datetime


class CandidateOut(BaseModel):
    """A body that may be in charge."""

    body_id: str
    name: str
    probability: float = Field(ge=0, le=1)


class PlaceOut(BaseModel):
    """A name that tells where; offsets are in characters."""

    text: str
    start: int
    end: int
    level: str
    code: str
    body_id: str
    cue: str
    weight: float
    ambiguous: bool
    field: Literal["text", "place"]


class WordOut(BaseModel):
    """A word and what it says about the first candidate's topic."""

    text: str
    start: int
    end: int
    weight: float


class UnitOut(BaseModel):
    """A sub-unit that the text names."""

    text: str
    start: int
    end: int
    kind: str


class EvidenceOut(BaseModel):
    """What speaks for the routing."""

    sentence: str
    words: list[WordOut]
    units: list[UnitOut]
    rules: list[str]


class RoutingOut(BaseModel):
    """What the router says: `lapor_route.Routing.to_dict()`."""

    decision: Literal["forward", "review", "ask"]
    body_id: str | None
    candidates: list[CandidateOut]
    reasons: list[str]
    places: list[PlaceOut]
    question: str | None
    options: list[str]
    shortlist: list[str]
    also: list[str]
    evidence: EvidenceOut
    truncated: bool
    versions: dict[str, str]
    id: str | None


class BatchAnswer(BaseModel):
    """Routings in the order of the complaints, and the ids of their records."""

    routings: list[RoutingOut]
    records: list[str]


class BodyOut(BaseModel):
    """A government body of the registry."""

    model_config = ConfigDict(extra="allow")

    id: str
    name: str
    kind: Literal["ministry", "agency", "province", "regency", "city"]
    abbreviation: str
    aliases: list[str]
    connected: bool
    successors: list[str]


class BodiesAnswer(BaseModel):
    """Bodies that were found, best first, and how many are connected in all."""

    bodies: list[BodyOut]
    total: int


class InfoAnswer(BaseModel):
    """What runs here."""

    package: str
    model: str
    registry: str
    engine: str
    labels: int
    bodies: int
    place_names: int
    max_batch: int
    max_body_bytes: int


class Officer(_Request):
    """Who takes from the queue."""

    officer: Text = Field(min_length=1, max_length=100, examples=["Petugas 3"])


class Skip(Officer):
    """What an officer gives back."""

    record: Text = Field(max_length=64)


class Waiting(BaseModel):
    """How many undecided routings wait for an officer."""

    waiting: int


class QueueItem(Waiting):
    """An undecided routing; the text is masked, and all offsets point into the masked text."""

    record: str
    text: str
    place: str | None
    created_at: dt.datetime
    routing: RoutingOut


class Day(BaseModel):
    """A day in Indonesia (WIB)."""

    date: dt.date
    routings: int
    forward: int
    review: int
    ask: int


class Change(BaseModel):
    """A body that officers replaced by another."""

    from_body_id: str | None
    from_name: str
    to_body_id: str
    to_name: str
    count: int


class StatisticsAnswer(Waiting):
    """What was routed, and what officers made of it."""

    days: list[Day]
    decisions: dict[str, int]
    feedback: dict[str, int]
    agreement: float | None
    forward_agreement: float | None
    most_changed: list[Change]


class Health(BaseModel):
    """Whether the service can answer."""

    status: Literal["ok", "loading", "failed"]
    detail: str = ""


class ProblemOut(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(title="Problem", extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[dict[str, Any]] | None = None
