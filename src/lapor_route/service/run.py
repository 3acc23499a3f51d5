"""Runs the service: checks first, then uvicorn with its workers."""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from lapor_route.errors import InputError
from lapor_route.service.app import STATIC, create_app, load
from lapor_route.service.logs import log_config
from lapor_route.service.metrics import SHARED_FOLDER
from lapor_route.service.settings import unknown_variables
from lapor_route.service.store import OutdatedStoreError, Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lapor_route.service.settings import Settings

_SAMPLE = "Jalan berlubang di Kec. Depok, Sleman"
_LOCAL = ("127.0.0.1", "::1", "localhost")


def check(settings: Settings, *, with_port: bool = True) -> Iterator[str]:
    """Tries what a start needs, without serving; yields a line for each thing that is well, or worth knowing.

    Args:
        settings: The deployment's.
        with_port: Whether it will listen on this machine itself.

    Raises:
        LaporRouteError: Something isn't well; the message says what to do.
    """
    for name in unknown_variables():
        yield f"warning: {name} is no setting of lapor-route; is it misspelt?"
    if settings.host not in _LOCAL and not settings.require_key:
        yield "warning: anybody who reaches this address may use the service; set LAPOR_ROUTE_REQUIRE_KEY=true"
    if not settings.hash_key:
        yield "warning: LAPOR_ROUTE_HASH_KEY isn't set: hashes of texts can't be compared across starts"
    if settings.workers > (os.cpu_count() or 1):
        yield f"warning: {settings.workers} workers share {os.cpu_count()} cores"
    yield from _check_store(settings)
    router = load(settings)
    routing = router.route(_SAMPLE)
    versions = router.versions
    yield f"model: {versions['model']}, registry {versions['registry']}; a sample is routed: {routing.decision}"
    create_app(settings)
    if not (STATIC / "index.html").is_file():
        raise InputError(f"the triage page isn't in {STATIC}; install the package again")
    if with_port:
        yield check_port(settings)


def _check_store(settings: Settings) -> Iterator[str]:
    """Looks at the store without changing it."""
    store = Store.open(settings.store)
    try:
        store.check()
        yield f"store: {store.name}, {store.waiting():,} waiting"
        if settings.require_key and not any(key.revoked_at is None for key in store.keys()):  # noqa: SIM118 - a list
            yield "warning: a key is required and there is none; lapor-route keys create NAME"
    except OutdatedStoreError as error:
        if store.file is not None and not os.access(store.file.parent, os.W_OK):
            raise
        yield f"note: the start will make or upgrade the store ({error})"
    finally:
        store.close()


def serve(settings: Settings) -> None:
    """Serves until it is told to stop; then requests in progress are answered first.

    Raises:
        LaporRouteError: The store, the model or the port can't be used.
    """
    settings = settings if settings.hash_key else settings.model_copy(update={"hash_key": secrets.token_hex(32)})
    store = Store.open(settings.store)
    store.upgrade()
    store.close()
    check_port(settings)
    settings.hand_over()
    with _shared_numbers(settings.workers):
        uvicorn.run(
            "lapor_route.service.app:create_app",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            log_config=log_config(settings.log_level),
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=settings.drain_seconds,
        )


@contextmanager
def _shared_numbers(workers: int) -> Iterator[None]:
    """Where several workers keep their metrics together."""
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="lapor-route-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        yield


def check_port(settings: Settings) -> str:
    """Says that the address can be listened on; uvicorn's own word on it comes after the workers' start.

    Raises:
        InputError: It can't.
    """
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise InputError(f"{shown}:{settings.port} can't be listened on: {error}") from None
    return f"address: http://{shown}:{settings.port}"
