"""What the endpoints share: the service behind them, and the errors that they document."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from lapor_route.service.problems import MEDIA_TYPE, Problem
from lapor_route.service.schemas import ProblemOut
from lapor_route.service.state import Service
from lapor_route.service.store import OFFICER, KeyRecord


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _key(request: Request) -> KeyRecord | None:
    key: KeyRecord | None = await request.app.state.gate(request)
    return key


AnyKey = Annotated["KeyRecord | None", Depends(_key)]
"""The API key, None where none is required; depending on it lets in only who may ask."""


async def _officer(key: AnyKey) -> KeyRecord | None:
    if key is not None and key.role != OFFICER:
        raise Problem(
            403, "forbidden", "this key is a caller's; officers' routes need one made with --role officer"
        )
    return key


ServiceOf = Annotated[Service, Depends(_service)]
OfficersKey = Annotated["KeyRecord | None", Depends(_officer)]
"""The same, for what only officers may do."""

_DESCRIPTIONS = {
    400: "The body isn't JSON (`validation`).",
    401: "No valid API key (`unauthorized`).",
    403: "The key isn't an officer's (`forbidden`).",
    404: "What was named doesn't exist (`not_found`).",
    405: "The route has another method (`method_not_allowed`).",
    408: "The body came too slowly (`timeout`).",
    413: "The body, or the batch, is too large (`too_large`).",
    415: "The body isn't sent as JSON (`unsupported_media_type`).",
    422: "A value is wrong (`validation`).",
    429: "Too many requests of this key (`rate_limited`).",
    503: "Too much to do (`overloaded`), or not ready (`unavailable`): try again after `Retry-After`.",
    504: "Not answered in time (`deadline`).",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How these statuses are documented in OpenAPI, with those that any route may give."""
    schema = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}}}
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({401, 408, 413, 422, 429, 503, *statuses}):
        found[status] = {"description": _DESCRIPTIONS[status], "content": schema}
        if status in (429, 503):
            found[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return found
