"""Runs the parts of an archive on a Ray cluster, as a Ray Data pipeline over descriptors of parts.

Why Ray Data, and why descriptors: its actor pool loads the model once for each worker, its streaming executor keeps
no more parts under way than there are workers (back-pressure) and gives a lost worker's or node's part to another
one. What travels through Ray is a few numbers for each part, and its receipt: each worker reads its rows from the
input and writes its own output file. So no complaint is ever in the object store, its spill files or Ray's logs;
the overhead is one task for thousands of rows. `ray.data.read_*` and `write_parquet` weren't taken: their blocks
follow no fixed rows, so a resumed job couldn't know which of them are in the output, and a row that can't be read
stops them. Batches by token budget are the classifier's own work (`classifiers.bert.TOKEN_BUDGET`).
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from lapor_route.batch.rows import Slice
from lapor_route.errors import InputError, MissingExtraError, OutputError
from lapor_route.scale.cluster import connect, need_ray, place_of
from lapor_route.scale.plan import FilePlan, Part, plan_file
from lapor_route.scale.worker import PartRouter, Work, answered, received

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from types import TracebackType

    from lapor_route.scale.storage import FoundFile, Storage


class RayEngine:
    """A Ray cluster.

    It is connected to when first needed, and let go when the `with` block ends, unless it was connected before.

    Args:
        address: Of the cluster: `auto`, `HOST:PORT`; by default that of `RAY_ADDRESS`, else one that is started on
            this machine.
        workers: Processes that route, each with a model of its own; by default one a core of the cluster as it is
            at the start. Name more than there are where the cluster grows on demand.

    Raises:
        MissingExtraError: Ray isn't installed.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        need_ray("ray")
        self.place = place_of(address)
        self.workers = workers
        self._connected = False

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._connected:
            import ray

            ray.shutdown()
            self._connected = False

    def plan(self, source: Storage, files: Sequence[FoundFile], rows: int) -> list[FilePlan]:
        """`plan_file` of every file, in their order, each as a task of its own.

        Raises:
            InputError: A file can't be read.
            OutputError: The cluster can't be reached, or gave up.
        """
        data = self._data()
        items = [{"number": number, "file": json.dumps(asdict(file))} for number, file in enumerate(files)]
        planned = data.from_items(items, override_num_blocks=len(items)).map_batches(
            _plan, batch_size=1, fn_kwargs={"source": source, "rows": rows}
        )
        found = dict(_answers(planned))
        return [_planned(found[number]) for number in range(len(files))]

    def route(self, work: Work, parts: Sequence[Part]) -> Iterator[str]:
        """`PartRouter.answer` of every part, each as soon as it is there.

        Raises:
            InputError: No node has as many CPUs as `work.router.threads`.
            OutputError: The cluster can't be reached, or gave up.
        """
        data = self._data()
        cores = work.router.threads or 1
        workers = self.workers or _room(cores)
        items = [{"number": number, "part": json.dumps(part.to_dict())} for number, part in enumerate(parts)]
        routed = data.from_items(items, override_num_blocks=len(items)).map_batches(
            _Worker,
            batch_size=1,
            fn_constructor_args=(work,),
            # Of a fixed size: a pool that grows and shrinks waits for a lost node's actor before it takes others.
            compute=data.ActorPoolStrategy(size=min(workers, len(items)), max_tasks_in_flight_per_actor=1),
            num_cpus=cores,
        )
        answers = _answers(routed)
        # No more than there are: the pipeline's end would wait for a lost node's actor to come back.
        for _, answer in islice(answers, len(items)):
            yield answer
        answers.close()

    def _data(self) -> Any:
        """The module `ray.data`, with the cluster connected to."""
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise MissingExtraError(
                f"a part of Ray is missing: pip install 'lapor-route[ray]' ({error})"
            ) from error
        if not ray.is_initialized():
            connect(self.place)
            self._connected = True
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        return ray.data


def _room(cores: int) -> int:
    """How many workers of so many cores the nodes have room for."""
    import ray

    nodes = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    room = sum(node // cores for node in nodes)
    if not room:
        raise InputError(
            f"no node of the cluster has {cores} CPUs (the largest: {max(nodes, default=0)}); lower --threads, or, "
            "where the cluster grows on demand, name --workers"
        )
    return room


class _Worker:
    """An actor; the router is loaded by its first part, as an error of a constructor would be tried again."""

    def __init__(self, work: Work) -> None:
        self.router = PartRouter(work)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        part = Part.from_dict(json.loads(str(batch["part"][0])))
        return {"number": batch["number"], "answer": [self.router.answer(part)]}


def _plan(batch: dict[str, Any], source: Storage, rows: int) -> dict[str, Any]:
    from lapor_route.scale.storage import FoundFile

    file = FoundFile(**json.loads(str(batch["file"][0])))
    return {"number": batch["number"], "answer": [answered(file.name, partial(plan_file, source, file, rows))]}


def _planned(answer: str) -> FilePlan:
    data = received(answer)
    slices = tuple(Slice(**part) for part in data["slices"])
    return FilePlan(tuple(data["columns"]), slices, data["schema"])


def _answers(dataset: Any) -> Generator[tuple[int, str], None, None]:
    """Number and answer of each item, as soon as it is there."""
    from ray.exceptions import RayError

    try:
        for batch in dataset.iter_batches(batch_size=None, prefetch_batches=0):
            yield from zip(batch["number"].tolist(), map(str, batch["answer"]), strict=True)
    except RayError as error:  # its message quotes remote code and paths
        raise OutputError(f"the Ray cluster gave up ({type(error).__name__}); go on with --resume") from None
