"""From an archive to partitioned Parquet, part by part, by any engine that runs the parts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from lapor_route.batch.run import BatchOptions, BatchSummary, check_columns
from lapor_route.errors import InputError, LaporRouteError, OutputError
from lapor_route.scale.manifest import MANIFEST, Manifest, Receipt
from lapor_route.scale.plan import ROWS_PER_PART, aligned, join_columns, make_parts
from lapor_route.scale.storage import UNFINISHED, FoundFile, Storage
from lapor_route.scale.worker import RouterOptions, Work, received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lapor_route.scale.plan import FilePlan, Part


class Engine(Protocol):
    """What runs the work; `RayEngine` is one."""

    def plan(self, source: Storage, files: Sequence[FoundFile], rows: int) -> list[FilePlan]:
        """`plan_file` of every file, in their order."""
        ...

    def route(self, work: Work, parts: Sequence[Part]) -> Iterator[str]:
        """`PartRouter.answer` of every part, each as soon as it is there, in any order."""
        ...


def route_archive(
    source: str,
    target: str,
    engine: Engine,
    *,
    options: BatchOptions | None = None,
    router: RouterOptions | None = None,
    rows_per_part: int = ROWS_PER_PART,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> BatchSummary:
    """Routes every row of a file, or of all files of a folder, into a folder of Parquet files.

    The files together hold what `route_file` writes, row by row; sorted by name they have the order of the input.
    Killed at any time, it goes on with `resume=True`, and each row is there once. The folder is complete when
    its `_manifest.json` says so.

    Args:
        source: A file or a folder: a path that every node has, or an address such as `s3://bucket/archive`.
        target: An empty or new folder, or that of the job to resume; likewise.
        engine: What runs the parts: `RayEngine`.
        options: How rows are routed.
        router: Which router routes them.
        rows_per_part: Rows of an output file, at most; rounded up to a multiple of 512.
        resume: Whether to go on with a job that was stopped; without one to go on with, it begins.
        progress: Called after each part with the rows that are finished and all rows.

    Returns:
        What the whole job did, with what was done before it was resumed.

    Raises:
        InputError: The input can't be used or changed meanwhile, or the folder holds something else than this job.
        OutputError: A part can't be written, or the engine gave up; it can be resumed.
        MissingExtraError: A package isn't installed.
    """
    options, router = options or BatchOptions(), (router or RouterOptions()).absolute()
    inputs, folder = Storage.at(source), Storage.at(target)
    if inputs.holds(folder) or folder.holds(inputs):
        raise InputError("the output can't lie in the input, nor the input in the output; name another folder")
    files = inputs.inputs()
    rows = aligned(rows_per_part)
    identity = router.identity(router.load())
    job = {
        "input": {"files": [asdict(file) for file in files]},
        "options": {**asdict(options), "rows_per_part": rows},
        "model": identity,
    }
    try:
        manifest = _started(folder, job, resume)
        if manifest is None:
            folder.make()  # what can't be written is told before the input is read
            columns, parts = _planned(inputs, files, engine, rows, options)
            manifest = Manifest(folder, job, columns, parts)
            manifest.save()
        folder.delete_unfinished()
        _run(manifest, Work(inputs, files, manifest.columns, folder, options, router, identity), engine, progress)
    except LaporRouteError:
        raise
    except OSError as error:
        raise OutputError(f"{folder} can't be written: {error}") from error
    return _summary(manifest)


def _started(folder: Storage, job: dict[str, Any], resume: bool) -> Manifest | None:
    """The job in the folder, if there is one."""
    if not folder.exists(MANIFEST):
        if any(not file.name.startswith(f"{UNFINISHED}/") for file in folder.files()):
            raise InputError(f"{folder} isn't empty; name another folder")
        return None
    if not resume:
        raise InputError(f"{folder} holds a job; go on with it by --resume, or name another folder")
    manifest = Manifest.read(folder)
    manifest.check_same(job)
    return manifest


def _planned(
    inputs: Storage, files: list[FoundFile], engine: Engine, rows: int, options: BatchOptions
) -> tuple[list[str], list[Part]]:
    """The columns and the parts of an input."""
    plans = engine.plan(inputs, files, rows)
    columns = join_columns(files, plans)
    check_columns(inputs, columns, options.text_column)
    return columns, make_parts(plans)


def _run(manifest: Manifest, work: Work, engine: Engine, progress: Callable[[int, int], None] | None) -> None:
    total = sum(part.slice.rows for part in manifest.parts)
    remaining = manifest.remaining()
    done = total - sum(part.slice.rows for part in remaining)
    try:
        for answer in engine.route(work, remaining) if remaining else ():
            receipt = Receipt(**received(answer))
            manifest.add(receipt)
            done += receipt.rows
            if progress:
                progress(done, total)
    finally:
        manifest.save()
    if missing := manifest.remaining():
        raise OutputError(f"{len(missing)} parts are missing from {work.folder}; go on with --resume")
    if work.source.inputs() != work.files:
        raise InputError(f"{work.source} changed while it was routed; route it into a new folder")
    manifest.complete = True
    manifest.save()
    work.folder.delete_unfinished()


def _summary(manifest: Manifest) -> BatchSummary:
    decisions: dict[str, int] = {}
    for receipt in manifest.finished.values():
        for name, number in receipt.decisions.items():
            decisions[name] = decisions.get(name, 0) + number
    receipts = manifest.finished.values()
    return BatchSummary(sum(r.rows for r in receipts), sum(r.errors for r in receipts), decisions)
