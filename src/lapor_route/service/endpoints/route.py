"""Routing: one complaint, or many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from lapor_route.complaint import Complaint
from lapor_route.service.batcher import DeadlineError, Order, OverloadedError
from lapor_route.service.endpoints.common import Asker, ServiceOf, problems
from lapor_route.service.problems import Problem
from lapor_route.service.schemas import BatchAnswer, BatchRequest, ComplaintIn, RouteRequest, RoutingOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.service.batcher import Job
    from lapor_route.service.state import Service

RECORD_HEADER = "Lapor-Record"
router = APIRouter(prefix="/v1", tags=["route"])


@router.post(
    "/route",
    summary="Route one complaint",
    response_model=RoutingOut,
    responses={
        200: {"headers": {RECORD_HEADER: {"schema": {"type": "string"}, "description": "Id for feedback."}}},
        **problems(400, 415, 504),
    },
)
async def route(request: RouteRequest, service: ServiceOf, asker: Asker) -> JSONResponse:
    """Says which body is in charge, how sure that is, and why; safe to repeat."""
    order = Order(asker, request.keep, request.officer, request.replaces)
    jobs = await _routed(service, [request], request.top_k, order, explain=request.explain, bulk=request.explain)
    return JSONResponse(jobs[0].data, headers={RECORD_HEADER: jobs[0].record} if request.keep else None)


@router.post(
    "/route/batch", summary="Route many complaints", response_model=BatchAnswer, responses=problems(400, 415, 504)
)
async def route_batch(request: BatchRequest, service: ServiceOf, asker: Asker) -> JSONResponse:
    """Routes up to `max_batch` complaints (see `/v1/info`), behind those that come one by one."""
    most = service.settings.max_batch
    if len(request.complaints) > most:
        raise Problem(
            413, "too_large", f"a batch holds at most {most} complaints, found {len(request.complaints)}; split it"
        )
    jobs = await _routed(service, request.complaints, request.top_k, Order(asker), bulk=True)
    return JSONResponse({"routings": [job.data for job in jobs], "records": [job.record for job in jobs]})


async def _routed(
    service: Service,
    complaints: Sequence[ComplaintIn],
    top_k: int,
    order: Order,
    *,
    explain: bool = False,
    bulk: bool = False,
) -> list[Job]:
    settings = service.settings
    try:
        return await service.batcher.route(
            [Complaint(complaint.text, complaint.place, complaint.id) for complaint in complaints],
            top_k=top_k,
            explain=explain,
            deadline=settings.bulk_deadline_seconds if bulk else settings.deadline_seconds,
            bulk=bulk,
            order=order,
        )
    except OverloadedError as error:
        raise Problem(
            503,
            "overloaded",
            f"too much to do; try again in {error.retry_after} s",
            retry_after=error.retry_after,
        ) from None
    except DeadlineError:
        raise Problem(504, "deadline", "not answered in time; try again, with less at once") from None
