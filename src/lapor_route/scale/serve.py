"""Serves the app from a fleet of replicas on a Ray cluster: `lapor-route serve --engine ray`.

Each replica is the app of `lapor-route serve`, over one bundle: the same endpoints, queue, store and masking. Ray
Serve's proxies take the requests and spread them; it starts and stops replicas by load, and replaces them when the
fleet is deployed again. The canary is an application of its own: what it does harms nobody else, it is there before
it is asked, and it is gone only when nobody asks it any more.
"""

from __future__ import annotations

import logging
import math
import secrets
import signal
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lapor_route.errors import InputError, MissingExtraError, OutputError
from lapor_route.scale.cluster import LOCAL, connect, need_ray, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lapor_route.service.settings import Settings

NAME = "lapor-route"
"""The name of the fleet's application on the cluster."""
CANARY = "lapor-route-canary"
"""The name of the canary's."""
ONGOING = 2
"""Requests under way for each core, above which replicas are added: one is routed, one waits. At some nine, a wait
of 0.25 s, a replica turns requests away."""
MOST_ONGOING = 1000
"""Requests that a replica takes at a time: its own queue turns away what would wait too long, not Ray's proxies."""
SURGE_PERCENT = 25
"""Replicas that an update may add to those that there are, rounded up: new ones are ready before old ones stop."""
DEFAULT_SHARE = 0.1
TOLD_SECONDS = 10.0
"""Time for a replica to say what it was told."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Where the replicas run, how many there are, and what is tried on which share of the requests.

    Attributes:
        address: Of the cluster: `auto`, `HOST:PORT`; by default that of `RAY_ADDRESS`, else one that is started on
            this machine and ends with the command.
        min_replicas: Replicas that there always are.
        max_replicas: Replicas that there are at most; by default as many as at least.
        canary: A bundle to try, on every node at this path.
        canary_share: Share of the routing requests that it answers; by default a tenth.
    """

    address: str | None = None
    min_replicas: int = 1
    max_replicas: int | None = None
    canary: Path | None = None
    canary_share: float | None = None

    @property
    def place(self) -> str:
        """The cluster's address, `local` for one of its own."""
        return place_of(self.address)

    @property
    def most(self) -> int:
        """Replicas that there are at most."""
        return self.min_replicas if self.max_replicas is None else self.max_replicas

    @property
    def share(self) -> float:
        """Share of the routing requests that a canary answers; 0 without one."""
        return 0.0 if self.canary is None else DEFAULT_SHARE if self.canary_share is None else self.canary_share

    def check(self, settings: Settings) -> None:
        """Sees whether such a fleet can be.

        Raises:
            InputError: It can't; the message says what to change.
        """
        if not 1 <= self.min_replicas <= self.most:
            raise InputError(f"--min-replicas {self.min_replicas} must lie between 1 and the most, {self.most}")
        if self.canary_share is not None and self.canary is None:
            raise InputError("--canary-share needs --canary DIR")
        if self.canary and not 0 < self.share <= 1:
            raise InputError(f"--canary-share must be above 0 and at most 1, found {self.share}")
        if settings.store.startswith("sqlite") and (self.most > 1 or self.place != LOCAL):
            raise InputError(
                "SQLite is a file of one machine; a fleet keeps its records in PostgreSQL: "
                "--store postgresql+psycopg://USER@HOST/DATABASE"
            )


def serve_fleet(settings: Settings, fleet: Fleet, tell: Callable[[str], None]) -> None:
    """Makes a fleet, or updates the one that is on the cluster; returns when all its replicas are ready.

    On a cluster of its own it serves until it is told to stop, by SIGTERM or SIGINT.

    Args:
        settings: The service's; `workers` counts for nothing here.
        fleet: What is wanted.
        tell: Told what is well.

    Raises:
        InputError: Such a fleet can't be.
        LaporRouteError: The store or a bundle can't be used; nothing was changed.
        OutputError: The cluster can't be reached, or the new replicas don't become ready; what ran before then runs
            again.
        MissingExtraError: Ray Serve isn't installed.
    """
    need_ray("ray,serve")
    from lapor_route.service.run import check_port

    fleet.check(settings)
    if fleet.place == LOCAL:
        check_port(settings)  # Ray Serve would share it with whoever listens there
    with _cluster(fleet.place), _interruptible():
        _check_cores(settings, fleet, tell)
        versions = deploy(settings, fleet)
        tell(
            f"{versions['model']} is served by {fleet.min_replicas} to {fleet.most} replicas, port {settings.port}"
        )
        if fleet.place == LOCAL:
            with suppress(KeyboardInterrupt):
                threading.Event().wait()


def check_fleet(settings: Settings, fleet: Fleet) -> Iterator[str]:
    """As `lapor_route.service.run.check`, with the canary and the cluster.

    Raises:
        LaporRouteError: Something isn't well; the message says what to do.
    """
    need_ray("ray,serve")
    from lapor_route.service.app import load
    from lapor_route.service.run import check

    fleet.check(settings)
    yield from check(settings, with_port=fleet.place == LOCAL)
    if fleet.canary:
        canary = load(settings.model_copy(update={"model": fleet.canary}))
        yield f"canary: {canary.versions['model']}, for {fleet.share:.0%} of the requests"
    if fleet.place != LOCAL:
        with _cluster(fleet.place):
            yield f"cluster: {fleet.place}, {_free_cores():g} CPUs are free"


def stop_fleet(fleet: Fleet) -> None:
    """Ends the fleet on a cluster, once it has answered what it accepted; the cluster goes on.

    Raises:
        InputError: No cluster is named.
        OutputError: The cluster can't be reached.
        MissingExtraError: Ray Serve isn't installed.
    """
    need_ray("ray,serve")
    if fleet.place == LOCAL:
        raise InputError(
            "--stop needs --address; without a cluster, the command that serves ends by SIGTERM or Ctrl-C"
        )
    from ray import serve

    with _cluster(fleet.place):
        _end()
        if not serve.status().applications:
            serve.shutdown()  # so that the next start can choose another address


def deploy(settings: Settings, fleet: Fleet) -> dict[str, str]:
    """Makes or updates the fleet on the cluster that this process is connected to.

    Returns:
        The versions that it runs.

    Raises:
        LaporRouteError: The store or a bundle can't be used; nothing was changed.
        OutputError: The new replicas don't become ready; what ran before is deployed again.
    """
    from ray import serve

    from lapor_route.scale.serve_replica import Canary, Stable

    settings = _for_replicas(settings, fleet)
    stable, versions = _arguments(settings)
    serve.start(
        http_options={"host": settings.host, "port": settings.port}, logging_config={"enable_access_log": False}
    )
    _check_address(settings)
    if fleet.canary:
        tried = settings.model_copy(update={"model": _absolute(fleet.canary)})
        arguments, _ = _arguments(tried)
        most = math.ceil(fleet.most * fleet.share)
        _update(serve.deployment(**_options(tried, 1, most))(Canary), arguments, CANARY, None)
    replicas = serve.deployment(**_options(settings, fleet.min_replicas, fleet.most))(Stable)
    _update(replicas, (*stable, fleet.share), NAME, "/")
    if not fleet.canary:
        _end(CANARY)
    return versions


@contextmanager
def _cluster(place: str) -> Iterator[None]:
    """A connection to a cluster; one of its own ends with it, once it has answered what it accepted."""
    try:
        import ray
        from ray import serve  # noqa: F401 - it sets its log up
    except ImportError as error:
        raise MissingExtraError(
            f"a part of Ray is missing: pip install 'lapor-route[ray,serve]' ({error})"
        ) from error
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    connect(place)
    try:
        yield
    finally:
        if place == LOCAL:
            _end()
        ray.shutdown()


def _end(*names: str) -> None:
    """Deletes applications, by default all of the fleet, once they have answered what they accepted."""
    from ray import serve

    for name in names or (NAME, CANARY):
        while name in serve.status().applications:
            with suppress(TimeoutError):  # after a minute; Ray ends it after the settings' drain_seconds
                serve.delete(name)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM is as Ctrl-C, where Ray would else end the process in the middle, with a dump."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _check_cores(settings: Settings, fleet: Fleet, tell: Callable[[str], None]) -> None:
    """Tells that a start or an update must wait for cores.

    Raises:
        InputError: This machine's own cluster will never have them.
    """
    from ray import serve

    new = math.ceil(fleet.min_replicas * SURGE_PERCENT / 100)
    if NAME not in serve.status().applications:
        new = fleet.min_replicas
    needed, free = (settings.threads or 1) * (new + bool(fleet.canary)), _free_cores()
    if needed > free and fleet.place == LOCAL:
        raise InputError(
            f"{needed} CPUs are needed, this machine has {free:g}; lower --min-replicas or LAPOR_ROUTE_THREADS, "
            "or name a cluster by --address"
        )
    if needed > free:
        tell(f"{free:g} CPUs of the cluster are free, {needed} are needed; this waits until they are")


def _check_address(settings: Settings) -> None:
    """Sees whether Ray Serve listens where the settings say; it keeps what its first start chose.

    Raises:
        InputError: It doesn't.
    """
    from ray.serve.context import _get_global_client

    running = _get_global_client().http_config
    if (running.host, running.port) != (settings.host, settings.port):
        raise InputError(
            f"Ray Serve listens at {running.host}:{running.port} already: name that, or end it by --stop first "
            "(with other applications on the cluster, by serve.shutdown())"
        )


def _free_cores() -> float:
    import ray

    return float(ray.available_resources().get("CPU", 0))


def _for_replicas(settings: Settings, fleet: Fleet) -> Settings:
    """The settings as all replicas need them: paths from the root, one secret, and a store that is there."""
    from lapor_route.service.store import Store

    store = Store.open(settings.store)
    store.upgrade()
    store.close()
    return settings.model_copy(
        update={
            "store": f"sqlite:///{store.file.resolve()}" if store.file else settings.store,
            "hash_key": settings.hash_key or secrets.token_hex(32),
            "model": _absolute(settings.model),
            "rules": _absolute(settings.rules),
            "threads": settings.threads or 1,
            "workers": 1,
            "rate_limit_per_minute": math.ceil(settings.rate_limit_per_minute / fleet.min_replicas),
        }
    )


def _absolute(path: Path | None) -> Path | None:
    return path.resolve() if path else None


def _arguments(settings: Settings) -> tuple[tuple[str, dict[str, Any]], dict[str, str]]:
    """What a replica is told, and the versions that it will run; loads the bundle, so that a bad one ends here."""
    from lapor_route.scale.serve_replica import options_of
    from lapor_route.service.app import load

    router = load(settings)
    return (settings.model_dump_json(), options_of(settings).identity(router)), router.versions


def _options(settings: Settings, least: int, most: int) -> dict[str, Any]:
    cores = settings.threads or 1
    return {
        "ray_actor_options": {"num_cpus": cores},
        "autoscaling_config": {
            "min_replicas": least,
            "max_replicas": most,
            "target_ongoing_requests": ONGOING * cores,
        },
        "max_ongoing_requests": MOST_ONGOING,
        "graceful_shutdown_timeout_s": settings.drain_seconds,
        "max_surge_percent": SURGE_PERCENT,
    }


def _update(deployment: Any, arguments: tuple[Any, ...], name: str, route: str | None) -> None:
    """Deploys an application; if its replicas don't become ready, what ran before is deployed again.

    Without that those from before would go on, too, but Ray would replace none that ends.

    Raises:
        OutputError: They didn't become ready; the message says what runs now.
    """
    from ray import serve

    is_new = name not in serve.status().applications
    before = None if is_new else _told(name)
    try:
        _run(deployment.bind(*arguments), name, route)
    except (RuntimeError, TimeoutError) as error:
        wrong = f"{name} isn't as wanted: {_reason(name) or error}"
        if is_new:
            _end(name)
            raise OutputError(f"{wrong}. It was taken away again") from None
        with suppress(RuntimeError, TimeoutError):
            if before is not None:
                _run(deployment.bind(*before), name, route)
                raise OutputError(f"{wrong}. What ran before runs again") from None
        raise OutputError(
            f"{wrong}. Replicas from before go on, but one that ends isn't replaced: deploy again what ran before"
        ) from None


def _run(application: Any, name: str, route: str | None) -> None:
    """Deploys an application, and waits until all its replicas are those that it wants."""
    from ray import serve

    serve.run(application, name=name, route_prefix=route, logging_config={"enable_access_log": False})


def _told(name: str) -> tuple[Any, ...] | None:
    """What the replicas of an application were told; nothing if none of them answers."""
    from ray import serve
    from ray.exceptions import RayError

    try:
        told: tuple[Any, ...] = serve.get_app_handle(name).told.remote().result(timeout_s=TOLD_SECONDS)
    except (RayError, RuntimeError, TimeoutError):
        return None
    return told


def _reason(name: str) -> str:
    """The last line of what Ray Serve says of a deployment that failed; those before are a traceback."""
    from ray import serve

    application = serve.status().applications.get(name)
    said = [found.message for found in application.deployments.values()] if application else []
    return next((message.splitlines()[-1] for message in said if message), "")
