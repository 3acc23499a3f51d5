"""Routing: one complaint, or many."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from lapor_route.complaint import Complaint
from lapor_route.service.batcher import DeadlineError, Order, OverloadedError
from lapor_route.service.endpoints.common import AnyKey, ServiceOf, problems
from lapor_route.service.problems import Problem, not_found
from lapor_route.service.schemas import BatchAnswer, BatchRequest, ComplaintIn, RouteRequest, RoutingOut

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

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
        **problems(400, 404, 415, 504),
    },
)
async def route(request: RouteRequest, http: Request, service: ServiceOf, key: AnyKey) -> JSONResponse:
    """Says which body is in charge, how sure that is, and why; safe to repeat."""
    if request.replaces is not None:
        await run_in_threadpool(_check_replaced, service, request)
    order = Order(key.name if key else None, request.keep, request.officer, request.replaces)
    jobs = await _routed(service, http, [request], request.top_k, order, explain=request.explain)
    return JSONResponse(jobs[0].data, headers={RECORD_HEADER: jobs[0].record} if request.keep else None)


def _check_replaced(service: Service, request: RouteRequest) -> None:
    """Lets only a routing of the same text be replaced: nobody takes another's complaint out of the queue."""
    old = service.store.routing(request.replaces or "")
    if old is None or old.text_hash != service.hash(request.text):
        raise not_found("there is no earlier routing of this text under the record that it is to replace")


@router.post(
    "/route/batch", summary="Route many complaints", response_model=BatchAnswer, responses=problems(400, 415, 504)
)
async def route_batch(request: BatchRequest, http: Request, service: ServiceOf, key: AnyKey) -> JSONResponse:
    """Routes up to `max_batch` complaints (see `/v1/info`), behind those that come one by one."""
    most = service.settings.max_batch
    if len(request.complaints) > most:
        raise Problem(
            413, "too_large", f"a batch holds at most {most} complaints, found {len(request.complaints)}; split it"
        )
    order = Order(key.name if key else None)
    jobs = await _routed(service, http, request.complaints, request.top_k, order, bulk=True)
    return JSONResponse({"routings": [job.data for job in jobs], "records": [job.record for job in jobs]})


async def _routed(
    service: Service,
    http: Request,
    complaints: Sequence[ComplaintIn],
    top_k: int,
    order: Order,
    *,
    explain: bool = False,
    bulk: bool = False,
) -> list[Job]:
    settings = service.settings
    work = service.batcher(explain=explain).route(
        [Complaint(complaint.text, complaint.place, complaint.id) for complaint in complaints],
        top_k=top_k,
        deadline=settings.bulk_deadline_seconds if bulk or explain else settings.deadline_seconds,
        bulk=bulk,
        order=order,
    )
    try:
        return await _unless_gone(http, work)
    except OverloadedError as error:
        raise Problem(
            503,
            "overloaded",
            f"too much to do; try again in {error.retry_after} s",
            retry_after=error.retry_after,
        ) from None
    except DeadlineError:
        raise Problem(504, "deadline", "not answered in time; try again, with less at once") from None


async def _unless_gone(http: Request, work: Coroutine[Any, Any, list[Job]]) -> list[Job]:
    """Waits for the work as long as its client does: what nobody waits for any more isn't routed.

    Raises:
        ClientDisconnect: The client is gone.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(http.receive())
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        working.cancel()
        leaving.cancel()
