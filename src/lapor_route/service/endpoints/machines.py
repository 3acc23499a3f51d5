"""What machines ask: whether it lives, whether it is ready, and its numbers."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from lapor_route.errors import LaporRouteError
from lapor_route.service.endpoints.common import AnyKey, ServiceOf, problems
from lapor_route.service.metrics import CONTENT_TYPE_LATEST
from lapor_route.service.problems import Problem
from lapor_route.service.schemas import Health

router = APIRouter(tags=["machines"])


@router.get(
    "/health/live",
    summary="Whether the process lives",
    response_model=Health,
    responses={503: {"model": Health, "description": "Only a restart helps."}},
)
async def live(service: ServiceOf) -> JSONResponse:
    """Ok while the event loop turns, and the queue with it."""
    health = (
        Health(status="failed", detail="the queue has stopped; see the log")
        if service.dead
        else Health(status="ok")
    )
    return JSONResponse(health.model_dump(), 503 if service.dead else 200)


@router.get(
    "/health/ready",
    summary="Whether it can answer",
    response_model=Health,
    responses={503: {"model": Health, "description": "The model is being loaded, or the store can't be reached."}},
)
async def ready(service: ServiceOf) -> JSONResponse:
    """Ok once the model is loaded, while the store can be reached."""
    health = Health(status="ok")
    try:
        await run_in_threadpool(service.check)
    except Problem as problem:
        loading = not service.failure and not service.loaded
        health = Health(status="loading" if loading else "failed", detail=problem.detail)
    except LaporRouteError:
        health = Health(status="failed", detail="the store can't be used; see the log")
    return JSONResponse(health.model_dump(), 200 if health.status == "ok" else 503)


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problems()},
)
def metrics(service: ServiceOf, key: AnyKey) -> Response:
    """Counters and times, without a word of any complaint; needs a key where keys are required."""
    return Response(service.metrics.render(), media_type=CONTENT_TYPE_LATEST)
