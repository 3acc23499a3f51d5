"""The service's part of the command line: `serve`, `keys`, `store` and `feedback`."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapor_route.errors import InputError, MissingExtraError, OutputError

_NEEDED = ("alembic", "fastapi", "prometheus_client", "pydantic_settings", "sqlalchemy", "uvicorn")

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from lapor_route.scale.serve import Fleet
    from lapor_route.service.settings import Settings
    from lapor_route.service.store import Store

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
    AddOptions = Callable[[argparse.ArgumentParser], None]


def add_commands(commands: Commands, add_model_options: AddOptions, add_decision_options: AddOptions) -> None:
    """Adds the service's commands; nothing heavy is imported before one runs.

    Args:
        commands: Where they go.
        add_model_options: Adds what chooses the model, as in the other commands.
        add_decision_options: Adds what bounds the decisions.
    """
    serve = commands.add_parser("serve", help="run the HTTP service and the triage page")
    _common(serve)
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default: 8000)")
    serve.add_argument("--workers", type=int, metavar="N", help="processes (default: 1)")
    serve.add_argument("--check", action="store_true", help="try what a start needs, and say what isn't well")
    _fleet_options(serve)
    add_decision_options(serve)
    add_model_options(serve)
    serve.set_defaults(command=_serve)

    keys = commands.add_parser("keys", help="API keys of the service")
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key; it is shown once")
    create.add_argument("name", help="what it is for; no two valid keys have the same")
    create.add_argument(
        "--role",
        choices=["caller", "officer"],
        default="caller",
        help="caller: routes, and gives feedback on its own (default); officer: the queue and the statistics, too",
    )
    revoke = actions.add_parser("revoke", help="make a key worthless, within seconds")
    revoke.add_argument("id", help="its 8 characters behind lr_")
    shown = actions.add_parser("list", help="list the keys, without their secrets")
    for action, command in ((create, _create_key), (revoke, _revoke_key), (shown, _list_keys)):
        _common(action)
        action.set_defaults(command=command)

    store = commands.add_parser("store", help="what the service keeps")
    actions = store.add_subparsers(required=True, metavar="ACTION")
    upgrade = actions.add_parser("upgrade", help="make or change the tables as this version needs them")
    purge = actions.add_parser("purge", help="delete routings of a certain age, with their feedback")
    purge.add_argument("--older-than", type=int, required=True, metavar="DAYS")
    replay = actions.add_parser("replay", help="route what is kept again, and count what would change")
    replay.add_argument(
        "--limit", type=int, default=1000, metavar="N", help="the latest N routings (default: 1000)"
    )
    add_decision_options(replay)
    add_model_options(replay)
    for action, command in ((upgrade, _upgrade), (purge, _purge), (replay, _replay)):
        _common(action)
        action.set_defaults(command=command)

    feedback = commands.add_parser("feedback", help="what officers decided")
    export = feedback.add_subparsers(required=True, metavar="ACTION").add_parser(
        "export", help="write it as JSON lines that the training kit reads"
    )
    export.add_argument("file", type=Path, nargs="?", metavar="FILE", help="by default standard output")
    _common(export)
    export.set_defaults(command=_export)


def _fleet_options(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--engine",
        choices=["local", "ray"],
        default="local",
        help="where it runs: here, or as replicas on a Ray cluster, where the same command updates them",
    )
    ray = serve.add_argument_group("with --engine ray")
    ray.add_argument(
        "--address", help="the cluster: auto or HOST:PORT; by default RAY_ADDRESS, else one started here"
    )
    ray.add_argument("--min-replicas", type=int, metavar="N", help="replicas at least (default: 1)")
    ray.add_argument(
        "--max-replicas", type=int, metavar="N", help="replicas at most (default: as many as at least)"
    )
    ray.add_argument("--canary", type=Path, metavar="DIR", help="a bundle to try on a share of the requests")
    ray.add_argument("--canary-share", type=float, metavar="S", help="that share, from 0 to 1 (default: 0.1)")
    ray.add_argument("--stop", action="store_true", help="end the replicas on the cluster")


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with settings")
    parser.add_argument("--store", metavar="URL", help="sqlite:///FILE or postgresql://USER@HOST/DATABASE")


def _settings(options: argparse.Namespace) -> Settings:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"the service needs {', '.join(missing)}: pip install 'lapor-route[serve]'")
    from lapor_route.service.settings import Settings

    given = {name: value for name, value in vars(options).items() if name in Settings.model_fields}
    return Settings.read(options.config, **given)


def _store(options: argparse.Namespace) -> Store:
    settings = _settings(options)
    from lapor_route.service.store import Store

    store = Store.open(settings.store)
    store.check()
    return store


def _serve(options: argparse.Namespace) -> None:
    fleet = _fleet(options)
    settings = _settings(options)
    from lapor_route.service.run import check, serve

    if fleet:
        from lapor_route.scale.serve import check_fleet, serve_fleet, stop_fleet
    if options.check:
        for line in check_fleet(settings, fleet) if fleet else check(settings):
            print(line)
    elif fleet:
        if options.stop:
            stop_fleet(fleet)
        else:
            serve_fleet(settings, fleet, lambda line: print(line, file=sys.stderr))
    else:
        serve(settings)


def _fleet(options: argparse.Namespace) -> Fleet | None:
    """What is asked for with `--engine ray`."""
    names = ("address", "min_replicas", "max_replicas", "canary", "canary_share")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.engine != "ray":
        for name in [*given, *(["stop"] if options.stop else [])]:
            raise InputError(f"--{name.replace('_', '-')} needs --engine ray")
        return None
    from lapor_route.scale.cluster import need_ray
    from lapor_route.scale.serve import Fleet

    need_ray("ray,serve")
    if options.workers is not None:
        raise InputError("--workers is for one machine; with --engine ray it is --min-replicas and --max-replicas")
    if options.check and options.stop:
        raise InputError("--check and --stop can't be asked for together")
    return Fleet(**given)


def _create_key(options: argparse.Namespace) -> None:
    store, name = _store(options), options.name.strip()
    if not name or not name.isprintable() or len(name) > 100:
        raise InputError("a key's name has 1 to 100 printable characters")
    if any(key.name == name and key.revoked_at is None for key in store.keys()):  # noqa: SIM118 - a list
        raise InputError(f"there is a valid key {name!r} already; revoke it first, or take another name")
    print(store.add_key(name, options.role))
    print("shown this once; send it as Authorization: Bearer ...", file=sys.stderr)


def _revoke_key(options: argparse.Namespace) -> None:
    key = _store(options).revoke_key(options.id)
    print(f"{key.id} ({key.name}) is revoked")


def _list_keys(options: argparse.Namespace) -> None:
    for key in _store(options).keys():  # noqa: SIM118 - a list
        state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "valid"
        print(f"{key.id}  {key.created_at:%Y-%m-%d}  {state:18}  {key.role:7}  {key.name}")


def _upgrade(options: argparse.Namespace) -> None:
    settings = _settings(options)
    from lapor_route.service.store import Store

    store = Store.open(settings.store)
    store.upgrade()
    print(f"{store.name} is as this version needs it")


def _purge(options: argparse.Namespace) -> None:
    if options.older_than < 1:
        raise InputError("--older-than must be at least 1 day")
    before = datetime.now(timezone.utc) - timedelta(days=options.older_than)
    print(f"{_store(options).purge(before):,} routings deleted")


def _replay(options: argparse.Namespace) -> None:
    settings = _settings(options)
    from lapor_route.service.app import load
    from lapor_route.service.replay import replay

    store = _store(options)
    found = replay(load(settings), store.latest(options.limit))
    print(json.dumps(found, ensure_ascii=False, indent=1))


def _export(options: argparse.Namespace) -> None:
    rows = _store(options).export_feedback()
    if options.file is None:
        _write(rows, sys.stdout)
        return
    try:
        with options.file.open("w", encoding="utf-8") as file:
            number = _write(rows, file)
    except OSError as error:
        raise OutputError(f"{options.file} can't be written: {error}") from error
    print(f"{number:,} complaints with feedback in {options.file}", file=sys.stderr)


def _write(rows: Iterator[dict[str, Any]], file: TextIO) -> int:
    number = 0
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
        number += 1
    return number
