"""What runs in a replica of the fleet: the app of `lapor-route serve` over one bundle. Needs Ray Serve."""

from __future__ import annotations

import asyncio
import logging.config
from typing import TYPE_CHECKING, Any

from ray import serve
from starlette.concurrency import run_in_threadpool

from lapor_route.scale.serve import CANARY
from lapor_route.scale.serve_split import add_split, ask
from lapor_route.scale.worker import RouterOptions
from lapor_route.service.app import create_app, load
from lapor_route.service.logs import log_config
from lapor_route.service.settings import Settings

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from starlette.types import ASGIApp

    from lapor_route.router import Router
    from lapor_route.scale.serve_split import Answer
    from lapor_route.service.state import Service

_LOOK_EVERY = 0.05


def options_of(settings: Settings) -> RouterOptions:
    """The settings that decide about the answers."""
    return RouterOptions(
        model=str(settings.model) if settings.model else None,
        backend=settings.backend,
        target_precision=settings.target_precision,
        shortlist_coverage=settings.shortlist_coverage,
        rules=str(settings.rules) if settings.rules else None,
    )


def load_same(settings: Settings, identity: dict[str, Any]) -> Router:
    """The router, the same as where the fleet was deployed from.

    Raises:
        OutputError: This node has another package, bundle, registry or rules.
        LaporRouteError: As `Router.load`.
    """
    router = load(settings)
    options_of(settings).check_same(router, identity)
    return router


class Replica:
    """The app, and whether it can answer.

    Args:
        settings: The deployment's settings, as JSON.
        identity: `RouterOptions.identity` where the fleet is deployed from.
    """

    def __init__(self, settings: str, identity: dict[str, Any]) -> None:
        self._told: tuple[Any, ...] = (settings, identity)
        self.settings = Settings.model_validate_json(settings)
        logging.config.dictConfig(log_config(self.settings.log_level))
        self.fastapi = create_app(self.settings, lambda: load_same(self.settings, identity))
        self._was_ready = False

    async def told(self) -> tuple[Any, ...]:
        """What it was made with, for another deployment of the same."""
        return self._told

    async def check_health(self) -> None:
        """Asked by Ray: returns once the replica is ready; from then on it looks whether only a restart helps.

        A store that can't be reached later is no reason to restart: `/health/ready` and the answers say so.

        Raises:
            RuntimeError: It can't become ready, or its queue has stopped.
            LaporRouteError: The store can't be used at the start.
        """
        service: Service = self.fastapi.state.service
        while not service.loaded and not service.failure:
            await asyncio.sleep(_LOOK_EVERY)
        if service.failure:
            raise RuntimeError(service.failure)
        if not self._was_ready:
            await run_in_threadpool(service.check)
            self._was_ready = True
        if service.dead:
            raise RuntimeError("the queue has stopped; see the log")


@serve.ingress()
class Stable(Replica):
    """A replica that takes requests; a share of the routings is the canary's.

    Args:
        settings: As `Replica`.
        identity: As `Replica`.
        share: From 0 (there is no canary) to 1.
    """

    def __init__(self, settings: str, identity: dict[str, Any], share: float) -> None:
        super().__init__(settings, identity)
        self._told = (settings, identity, share)
        self._share = share

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """The app, as Ray Serve asks for it; Ray Serve runs its lifespan."""
        if self._share:
            add_split(self.fastapi, serve.get_app_handle(CANARY).answer.remote, self._share, self.settings)
        return self.fastapi


class Canary(Replica):
    """A replica over the bundle that is tried; asked by the others only.

    Args:
        settings: As `Replica`.
        identity: As `Replica`.
    """

    def __init__(self, settings: str, identity: dict[str, Any]) -> None:
        super().__init__(settings, identity)
        self._lifespan: AbstractAsyncContextManager[Any] | None = None

    async def check_health(self) -> None:
        """As `Replica`; begins the app's lifespan, as nobody else does."""
        if self._lifespan is None:
            lifespan = self.fastapi.router.lifespan_context(self.fastapi)
            await lifespan.__aenter__()
            self._lifespan = lifespan
        await super().check_health()

    async def answer(self, scope: dict[str, Any], body: bytes) -> Answer:
        """Its answer to a request."""
        return await ask(self.fastapi, scope, body)

    async def __del__(self) -> None:
        """Awaited by Ray Serve once what was accepted is answered."""
        if self._lifespan is not None:
            await self._lifespan.__aexit__(None, None, None)
