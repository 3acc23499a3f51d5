"""What officers do: decide, take from the queue, look at the figures."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

from fastapi import APIRouter, Query, Response

from lapor_route.privacy import mask
from lapor_route.service.endpoints.common import AnyKey, OfficersKey, ServiceOf, problems
from lapor_route.service.ids import new_id
from lapor_route.service.problems import invalid, not_found
from lapor_route.service.schemas import (
    Change,
    Day,
    FeedbackAnswer,
    FeedbackRequest,
    Officer,
    QueueItem,
    RoutingOut,
    Skip,
    StatisticsAnswer,
    Waiting,
)
from lapor_route.service.state import Service
from lapor_route.service.store import CHANGED, OFFICER, OUT_OF_SCOPE, Feedback, KeyRecord, RoutingRecord

OUT_OF_SCOPE_NAME = "Bukan kewenangan instansi pemerintah"
NO_CANDIDATE_NAME = "Tanpa usulan"
router = APIRouter(prefix="/v1", tags=["officers"])


@router.post("/feedback", status_code=201, summary="Say what an officer decided", responses=problems(400, 404, 415))
def give_feedback(request: FeedbackRequest, service: ServiceOf, key: AnyKey) -> FeedbackAnswer:
    """Keeps a decision: accepted, changed to another body, or no government body's business."""
    record = _record(service, request, key)
    feedback = Feedback(
        id=new_id(),
        created_at=datetime.now(timezone.utc),
        routing_id=record.id,
        verdict=request.verdict,
        body_id=_body(service, record, request),
        note=mask(request.note).text if request.note else None,
        officer=request.officer or (key.name if key else None),
    )
    service.store.add_feedback(feedback)
    service.metrics.feedback.labels(feedback.verdict).inc()
    return FeedbackAnswer(
        id=feedback.id,
        record=record.id,
        verdict=request.verdict,
        body_id=feedback.body_id,
        created_at=feedback.created_at,
    )


def _record(service: Service, request: FeedbackRequest, key: KeyRecord | None) -> RoutingRecord:
    """The routing that is meant: a caller's own one, or any for an officer."""
    store = service.store
    if request.record is not None:
        record = store.routing(request.record)
    else:
        record = store.by_caller_id(request.id or "", key.name if key else None)
    foreign = record is not None and key is not None and key.role != OFFICER and record.key_name != key.name
    if record is None or foreign:
        raise not_found("there is no routing with this record or id; it may be older than what is kept")
    return record


def _body(service: Service, record: RoutingRecord, request: FeedbackRequest) -> str | None:
    """The body that the complaint goes to, by the officer's verdict."""
    if request.verdict == OUT_OF_SCOPE:
        return None
    if request.verdict == CHANGED:
        if request.body_id not in service.router.registry:
            raise not_found("there is no body with this id; GET /v1/bodies?q= finds one")
        return request.body_id
    candidates = record.routing["candidates"]
    lead: str | None = record.routing["body_id"] or (candidates[0]["body_id"] if candidates else None)
    if lead is None:
        raise invalid("#/verdict", "this routing names no body to accept; send `changed` with one")
    return lead


@router.get("/queue", summary="How many wait for an officer", responses=problems(403))
def queue(service: ServiceOf, key: OfficersKey) -> Waiting:
    """Counts the routings that are to be reviewed or asked about and have no feedback yet."""
    return Waiting(waiting=service.store.waiting())


@router.post(
    "/queue/next",
    summary="Take the next one that waits",
    response_model=QueueItem,
    responses={204: {"description": "Nothing waits."}, **problems(400, 403, 415)},
)
def next_in_queue(officer: Officer, service: ServiceOf, key: OfficersKey) -> QueueItem | Response:
    """Gives the oldest undecided routing and keeps it from other officers for ten minutes."""
    record = service.store.next_undecided(officer.officer)
    if record is None:
        return Response(status_code=204)
    return QueueItem(
        record=record.id,
        text=record.text,
        place=record.place,
        created_at=record.created_at,
        routing=RoutingOut.model_validate(record.routing),
        waiting=service.store.waiting(),
    )


@router.post(
    "/queue/skip", status_code=204, summary="Leave one to another officer", responses=problems(400, 403, 404, 415)
)
def skip(request: Skip, service: ServiceOf, key: OfficersKey) -> Response:
    """Gives a routing back; for an hour the officer isn't offered it again."""
    if service.store.routing(request.record) is None:
        raise not_found("there is no routing with this record")
    service.store.release(request.record, request.officer)
    return Response(status_code=204)


@router.get("/statistics", summary="Volume, decisions, and what officers changed", responses=problems(403))
def statistics(
    service: ServiceOf, key: OfficersKey, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> StatisticsAnswer:
    """Figures of the last days, today included; days are Indonesia's (WIB)."""
    found = service.store.statistics(days)
    return StatisticsAnswer(
        days=[
            Day(date=day.date, routings=day.routings, forward=day.forward, review=day.review, ask=day.ask)
            for day in found.days
        ],
        decisions=found.decisions,
        feedback=found.feedback,
        agreement=found.agreement,
        forward_agreement=found.forward_agreement,
        most_changed=[
            Change(
                from_body_id=change.from_body_id,
                from_name=_name(service, change.from_body_id),
                to_body_id=change.to_body_id,
                to_name=_name(service, change.to_body_id),
                count=change.count,
            )
            for change in found.most_changed
        ],
        waiting=found.waiting,
    )


def _name(service: Service, body_id: str | None) -> str:
    registry = service.router.registry
    if body_id is None:
        return NO_CANDIDATE_NAME
    if body_id == OUT_OF_SCOPE:
        return OUT_OF_SCOPE_NAME
    return registry[body_id].name if body_id in registry else body_id
