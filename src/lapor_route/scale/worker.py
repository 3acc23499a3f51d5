"""What a worker does: loads the router once, then routes part after part."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import traceback
import uuid
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapor_route.batch.readers import open_source
from lapor_route.batch.run import BatchOptions, route_rows
from lapor_route.batch.writers import open_writer
from lapor_route.bundle import MANIFEST as BUNDLE_MANIFEST
from lapor_route.bundle import Bundle
from lapor_route.errors import InputError, LaporRouteError, OutputError
from lapor_route.router import Router
from lapor_route.scale.manifest import Receipt
from lapor_route.scale.storage import UNFINISHED, FoundFile, Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lapor_route.scale.plan import Part

MOST_KILLED = 5
"""Workers that may die at the same part before the job is stopped."""


@dataclass(frozen=True, slots=True)
class RouterOptions:
    """Which router each worker loads; what `Router.load` takes.

    Attributes:
        model: A bundle's folder, which every node must have at this path; by default the embedded one.
        backend: What computes an encoder.
        threads: Threads of an encoder; by default one, as each worker has one core.
        target_precision: Precision of what is forwarded; by default the bundle's.
        shortlist_coverage: Share of shortlists that hold the right body; by default the bundle's.
        rules: A file of your own rules, on every node.
    """

    model: str | None = None
    backend: str | None = None
    threads: int | None = None
    target_precision: float | None = None
    shortlist_coverage: float | None = None
    rules: str | None = None

    def absolute(self) -> RouterOptions:
        """The same with paths that hold in any working directory, as workers have others."""
        model, rules = (os.path.abspath(path) if path else None for path in (self.model, self.rules))
        return replace(self, model=model, rules=rules)

    def load(self) -> Router:
        """The router.

        Raises:
            LaporRouteError: As `Router.load`.
        """
        one_each = 1 if "threads" in Bundle.open(self.model).engine_options else None
        return Router.load(
            self.model,
            backend=self.backend,
            threads=self.threads or one_each,
            target_precision=self.target_precision,
            shortlist_coverage=self.shortlist_coverage,
            rules=self.rules,
        )

    def identity(self, router: Router) -> dict[str, Any]:
        """What decides about its answers: versions, and hashes of the bundle and the rules."""
        folder = Bundle.open(self.model).folder
        return {
            **router.versions,
            "bundle": hashlib.sha256((folder / BUNDLE_MANIFEST).read_bytes()).hexdigest(),
            "backend": self.backend,
            "target_precision": self.target_precision,
            "shortlist_coverage": self.shortlist_coverage,
            "rules": hashlib.sha256(Path(self.rules).read_bytes()).hexdigest() if self.rules else None,
        }

    def check_same(self, router: Router, expected: dict[str, Any]) -> None:
        """Whether a node's router gives the answers of the driver's.

        Args:
            router: The node's.
            expected: `identity` of the driver's.

        Raises:
            OutputError: It has another package, bundle, registry or rules.
        """
        found = self.identity(router)
        for name, wanted in expected.items():
            if found[name] != wanted:
                raise OutputError(f"a node has another {name}: {found[name]!r}, the driver {wanted!r}")


@dataclass(frozen=True)
class Work:
    """What all workers of a job are told.

    Attributes:
        source: The input.
        files: Its files.
        columns: The columns of all of them.
        folder: Where the output goes.
        options: How rows are routed.
        router: Which router routes them.
        identity: What `RouterOptions.identity` must give on every node.
    """

    source: Storage
    files: list[FoundFile]
    columns: list[str]
    folder: Storage
    options: BatchOptions
    router: RouterOptions
    identity: dict[str, Any]


class PartRouter:
    """Routes parts, one after the other, with one router.

    Args:
        work: What it is told.
    """

    def __init__(self, work: Work) -> None:
        self.work = work

    @cached_property
    def router(self) -> Router:
        """The router, loaded at the first part.

        Raises:
            OutputError: This node has another package, bundle, registry or rules than the driver.
        """
        router = self.work.router.load()
        self.work.router.check_same(router, self.work.identity)
        return router

    def route(self, part: Part) -> Receipt:
        """Writes the output of a part, under its name only when it is whole.

        Raises:
            InputError: The input isn't what it was when the parts were cut.
            OutputError: The output can't be written.
        """
        router, folder = self.router, self.work.folder
        file = self.work.files[part.file]
        try:
            source = open_source(self.work.source.input(file), list_columns=False)
            source.columns = self.work.columns
            with _attempt(folder, part) as path:
                writer = open_writer(path, ".parquet", source)
                try:
                    summary = route_rows(router, source.rows(part.slice), writer.write, self.work.options)
                except BaseException:
                    writer.abort()
                    raise
                writer.close()
                if summary.rows != part.slice.rows:
                    raise InputError(f"{file.name} changed since the job was started")
                receipt = Receipt(part.name, **asdict(summary), size=path.stat().st_size, sha256=_sha256(path))
                folder.put(part.name, path)
        except LaporRouteError:
            raise
        except OSError as error:
            raise OutputError(f"{file.name} can't be read, or {folder} can't be written: {error}") from error
        return receipt

    def answer(self, part: Part) -> str:
        """`route`, as `answered`."""
        return answered(part.name, partial(self.route, part))


def answered(name: str, work: Callable[[], Any]) -> str:
    """What work gives, or its error as an answer: what is raised in a worker ends in Ray's logs, with its message.

    Messages of lapor-route's own errors hold no complaint; of others only the kind and the place are told.

    Args:
        name: What an error is about.
        work: Gives a dataclass.

    Returns:
        JSON, for `received`.
    """
    try:
        return json.dumps(asdict(work()))
    except LaporRouteError as error:
        return json.dumps({"error": f"{name}: {error}", "of_input": isinstance(error, InputError)})
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        return json.dumps({"error": f"{name}: {type(error).__name__} at {place}", "of_input": False})


def received(answer: str) -> dict[str, Any]:
    """What `answered` work gave.

    Raises:
        InputError: The input can't be used.
        OutputError: It failed otherwise.
    """
    data: dict[str, Any] = json.loads(answer)
    if "error" not in data:
        return data
    if data["of_input"]:
        raise InputError(f"{data['error']}. Mend the input or take the file out, then route into a new folder")
    raise OutputError(f"{data['error']}. When that is mended, go on with --resume")


@contextmanager
def _attempt(folder: Storage, part: Part) -> Iterator[Path]:
    """A local file to write a part to, with a name of its own: a node given up for dead may be at the same part.

    What it leaves behind when the process is killed is counted, as Ray would give the part to workers without end.

    Raises:
        OutputError: The part killed too many.
    """
    attempts = f"{UNFINISHED}/{part.name}"
    if len(folder.files(attempts)) >= MOST_KILLED:
        raise OutputError(f"{MOST_KILLED} workers died at these rows, perhaps for want of memory: {part.slice}")
    name = f"{attempts}/{uuid.uuid4().hex}"
    with tempfile.TemporaryDirectory(prefix="lapor-route-") as elsewhere:
        path = Path(elsewhere, part.name)
        if folder.is_local:
            path = Path(folder.path, name)
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            folder.write(name, b"")
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
            if not folder.is_local:
                folder.delete(name)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
