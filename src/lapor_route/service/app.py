"""The FastAPI app: the same routing as the library's, as an endpoint."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.cors import CORSMiddleware

from lapor_route.bundle import Bundle
from lapor_route.router import Router
from lapor_route.service.endpoints import lookup, machines, officers, route
from lapor_route.service.endpoints.route import RECORD_HEADER
from lapor_route.service.middleware import Bodies, Observed
from lapor_route.service.problems import handle_problems
from lapor_route.service.schemas import BatchRequest, ProblemOut
from lapor_route.service.security import Gate
from lapor_route.service.settings import Settings
from lapor_route.service.state import Service
from lapor_route.service.telemetry import instrument

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Any

    from fastapi.routing import APIRoute

STATIC = Path(str(files("lapor_route.service") / "static"))


def create_app(settings: Settings | None = None, load_router: Callable[[], Router] | None = None) -> FastAPI:
    """The app, for `lapor-route serve` and for any ASGI server.

    Args:
        settings: By default those that `serve` handed over, or the environment's.
        load_router: Makes the router, by default from the settings' bundle; your own can hold another classifier,
            which several threads call if `settings.threads` says so.

    Raises:
        InputError: The environment's settings are wrong.
        MissingExtraError: Traces are asked for and OpenTelemetry isn't installed.
    """
    settings = settings or Settings.handed_over()
    threads = settings.model_threads if load_router is None else settings.threads or 1
    service = Service(settings, load_router or (lambda: load(settings)), threads)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()
        flush()

    app = FastAPI(
        title="lapor-route",
        summary="Says which of Indonesia's government bodies is in charge of a citizen's complaint.",
        version=version("lapor-route"),
        lifespan=lifespan,
        docs_url=None,  # both load scripts from elsewhere, which the page's policy forbids
        redoc_url=None,
        redirect_slashes=False,  # a redirect would repeat whatever host the client named
        generate_unique_id_function=_operation_id,
    )
    app.state.service = service
    app.state.gate = Gate(
        lambda: service.store,
        require_key=settings.require_key,
        rate_per_minute=math.ceil(settings.rate_limit_per_minute / settings.workers),
    )
    for endpoints in (route, officers, lookup, machines):
        app.include_router(endpoints.router)
    _add_page(app)
    _document(app, settings)
    handle_problems(app)
    posts = frozenset(path for path, methods in app.openapi()["paths"].items() if "post" in methods)
    app.add_middleware(Bodies, most=settings.max_body_bytes, posts=posts)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=[RECORD_HEADER, "Retry-After"],
        )
    app.add_middleware(Observed, metrics=service.metrics)
    flush = instrument(app, settings)
    return app


def load(settings: Settings) -> Router:
    """The router of a deployment; each micro-batch has one thread, and several run at once."""
    one_each = "threads" in Bundle.open(settings.model).engine_options
    return Router.load(
        settings.model,
        backend=settings.backend,
        threads=1 if one_each else None,
        target_precision=settings.target_precision,
        shortlist_coverage=settings.shortlist_coverage,
        rules=settings.rules,
    )


def _operation_id(operation: APIRoute) -> str:
    return operation.name


def _add_page(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


def _document(app: FastAPI, settings: Settings) -> None:
    """Puts the problem document in place of FastAPI's own error into the OpenAPI schemas, and the largest batch."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        schema = make()
        schemas = schema["components"]["schemas"]
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        schemas[ProblemOut.__name__] = ProblemOut.model_json_schema()
        schemas[BatchRequest.__name__]["properties"]["complaints"]["maxItems"] = settings.max_batch
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
