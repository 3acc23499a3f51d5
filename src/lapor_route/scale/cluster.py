"""The connection to a Ray cluster, for archives and fleets."""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec

from lapor_route.classifiers.backends import usable_cores
from lapor_route.errors import MissingExtraError, OutputError

LOCAL = "local"
"""The place of a cluster that is started on this machine, and ends with the connection."""


def place_of(address: str | None) -> str:
    """Where the cluster is: an address, by default that of `RAY_ADDRESS`, else `LOCAL`."""
    return address or os.environ.get("RAY_ADDRESS") or LOCAL


def need_ray(extras: str) -> None:
    """Makes sure that Ray is there, and that it reports nothing to anybody.

    Args:
        extras: Those that bring what is needed.

    Raises:
        MissingExtraError: It isn't installed.
    """
    if find_spec("ray") is None:
        raise MissingExtraError(f"--engine ray needs Ray: pip install 'lapor-route[{extras}]'")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


def connect(place: str) -> None:
    """Connects this process to a cluster; one of its own has all of its cores.

    Raises:
        OutputError: It can't be reached.
    """
    import ray

    own = {"num_cpus": usable_cores(), "include_dashboard": False} if place == LOCAL else {}
    try:
        ray.init(address=place, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (ConnectionError, ValueError, OSError, RuntimeError) as error:
        raise OutputError(
            f"no Ray cluster at {place}: {error}. Does it run, and can this machine reach it? If Ray said "
            "InvalidAuthToken: RAY_AUTH_MODE=token, and the cluster's token on this machine (docs/scale.md)"
        ) from error
