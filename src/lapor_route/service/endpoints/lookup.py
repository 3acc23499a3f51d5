"""What can be looked up: the bodies, and what runs here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Query, Response

from lapor_route.service.endpoints.common import AnyKey, ServiceOf, problems
from lapor_route.service.problems import not_found
from lapor_route.service.schemas import BodiesAnswer, BodyOut, InfoAnswer

if TYPE_CHECKING:
    from lapor_route.bodies import Body

router = APIRouter(prefix="/v1", tags=["lookup"])
_MOST = 1000


@router.get(
    "/bodies",
    summary="Find bodies",
    response_model=BodiesAnswer,
    responses={304: {"description": "As you have it (`If-None-Match`)."}, **problems()},
)
def bodies(
    service: ServiceOf,
    key: AnyKey,
    response: Response,
    if_none_match: Annotated[str, Header(include_in_schema=False)] = "",
    q: Annotated[str, Query(max_length=200, description="An id, name or alias.", examples=["disdukcapil"])] = "",
    limit: Annotated[int, Query(ge=1, le=_MOST)] = _MOST,
) -> BodiesAnswer | Response:
    """Connected bodies by name, best first; all of them without a query."""
    registry = service.router.registry
    headers = {"ETag": f'"{registry.version}"', "Cache-Control": "private, no-cache"}
    if if_none_match == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    found = [body for body in registry.find(q, _MOST) if body.connected] if q.strip() else [*registry.connected]
    return BodiesAnswer(bodies=[_shown(body) for body in found[:limit]], total=len(registry.connected))


@router.get("/bodies/{body_id}", summary="One body", responses=problems(404))
def body(body_id: str, service: ServiceOf, key: AnyKey) -> BodyOut:
    """A body of the registry, one that ended or isn't connected too."""
    registry = service.router.registry
    if body_id not in registry:
        raise not_found("there is no body with this id; GET /v1/bodies?q= finds one")
    return _shown(registry[body_id])


@router.get("/info", summary="What runs here", responses=problems())
def info(service: ServiceOf, key: AnyKey) -> InfoAnswer:
    """Versions and limits."""
    router = service.router
    return InfoAnswer(
        **router.versions,
        engine=type(router.classifier).__name__,
        labels=len(router.classifier.labels),
        bodies=len(router.registry.connected),
        place_names=len(router.resolver.gazetteer),
        max_batch=service.settings.max_batch,
        max_body_bytes=service.settings.max_body_bytes,
    )


def _shown(body: Body) -> BodyOut:
    return BodyOut.model_validate(body.to_dict())
