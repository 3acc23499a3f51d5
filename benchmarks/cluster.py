"""An archive on a local Ray cluster of two worker nodes, against the single process, in one run.

    python -m benchmarks.cluster [--rows 200000] [--words 12] [--undisturbed] [--model DIR]

Needs Ray (`pip install 'lapor-route[ray]'`). The same rows are routed by a single process with one thread and with
all, by two processes without Ray, by two workers of one core each, again with a node killed in the middle, and
again with the job killed in the middle and resumed. For each: rows a second; for what writes the same rows, whether
the hash over the sorted rows is that of the single process. What Ray adds is told against the two processes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from benchmarks.host import describe
from benchmarks.summary import machine
from benchmarks.texts import mixed_texts
from lapor_route import Router
from lapor_route.batch import route_file
from lapor_route.classifiers.backends import usable_cores
from lapor_route.scale import RayEngine, RouterOptions, route_archive
from lapor_route.scale.cluster import need_ray
from lapor_route.scale.manifest import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from multiprocessing.synchronize import Barrier

NODES = 2
_OBJECT_STORE = {"object_store_memory": 80_000_000}
_FEWEST_PARTS = 8
_BROKEN_EVERY = 101
_LOOK_EVERY = 0.2
_SEED = 8
_barrier: list[Barrier] = []
"""In each of two processes: where they wait for each other."""


@contextmanager
def two_nodes() -> Iterator[Any]:
    """A cluster of a head that computes nothing and two worker nodes of one CPU; it ends with the block."""
    need_ray("ray")
    import ray
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, **_OBJECT_STORE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(NODES):
            cluster.add_node(num_cpus=1, **_OBJECT_STORE)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def kill_node(cluster: Any) -> None:
    """Kills all processes of one worker node."""
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)


@dataclass(slots=True)
class Watch:
    """When parts were finished, and a node that is killed once half of the rows are.

    Attributes:
        cluster: Whose node is killed; none where nothing is.
        moments: Seconds on the clock, and rows finished by then.
        killed_at: Rows that were finished when it was.
    """

    cluster: Any = None
    moments: list[tuple[float, int]] = field(default_factory=list)
    killed_at: int = 0

    def __call__(self, done: int, total: int) -> None:
        """A part is finished."""
        self.moments.append((time.monotonic(), done))
        if self.cluster and not self.killed_at and done > total / 2:
            self.killed_at = done
            kill_node(self.cluster)

    @property
    def per_second(self) -> float:
        """Rows a second from when each worker has finished a part to the last part's end: without any start."""
        (first, before), (last, after) = self.moments[NODES - 1], self.moments[-1]
        return (after - before) / max(last - first, 1e-9)


def write_rows(path: Path, rows: int, words: int) -> None:
    """JSONL of texts cut to so many words at most; one line of 101 isn't JSON."""
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(mixed_texts(rows, _SEED)):
            row = {"nomor": number, "text": " ".join(text.split()[:words])}
            broken = number % _BROKEN_EVERY == _BROKEN_EVERY - 1
            file.write(f"{{rusak {number}\n" if broken else f"{json.dumps(row, ensure_ascii=False)}\n")


def hash_of(files: Iterable[Path]) -> str:
    """Over the sorted rows."""
    rows = sorted(
        json.dumps(row, default=str)
        for file in files
        for batch in pq.ParquetFile(file).iter_batches()
        for row in batch.to_pylist()
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def alone(source: Path, target: Path, model: Path | None, threads: int) -> float:
    """Seconds that the local engine takes, the loading of the model left out."""
    router = Router.load(model, threads=threads)
    began = time.monotonic()
    route_file(router, source, target)
    return time.monotonic() - began


def side_by_side(source: Path, folder: Path, model: Path | None) -> float:
    """Seconds that two processes of one thread take for a half of the lines each, loading left out."""
    lines = source.read_bytes().splitlines(keepends=True)
    middle = len(lines) // NODES
    halves, targets = (
        [folder / "half-0.jsonl", folder / "half-1.jsonl"],
        [folder / "0.parquet", folder / "1.parquet"],
    )
    for half, content in zip(halves, (lines[:middle], lines[middle:]), strict=True):
        half.write_bytes(b"".join(content))
    context = get_context("spawn")
    together = context.Barrier(NODES)
    with ProcessPoolExecutor(NODES, context, initializer=_share, initargs=(together,)) as pool:
        seconds = pool.map(_alone_together, halves, targets, [model] * NODES)
        return max(seconds)


def _share(together: Barrier) -> None:
    _barrier.append(together)


def _alone_together(source: Path, target: Path, model: Path | None) -> float:
    router = Router.load(model, threads=1)
    _barrier[0].wait()
    began = time.monotonic()
    route_file(router, source, target)
    return time.monotonic() - began


def on_cluster(source: Path, out: Path, options: argparse.Namespace, *, kill: bool) -> dict[str, Any]:
    """One job, undisturbed or with a node killed in the middle."""
    with two_nodes() as cluster, RayEngine(cluster.address, NODES) as engine:
        watch = Watch(cluster if kill else None)
        began = time.monotonic()
        route_archive(
            str(source),
            str(out),
            engine,
            router=RouterOptions(str(options.model) if options.model else None),
            rows_per_part=options.rows_per_part,
            progress=watch,
        )
        seconds = time.monotonic() - began
    return {"seconds": seconds, "per_second": watch.per_second, "killed_at": watch.killed_at}


def killed_and_resumed(source: Path, out: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One job by the command line, killed by SIGKILL once half of its parts are finished, then resumed."""
    command = [sys.executable, "-m", "lapor_route.cli", "batch", str(source), str(out), "--engine", "ray"]
    command += ["--workers", str(NODES), "--rows-per-part", str(options.rows_per_part)]
    command += ["--model", str(options.model)] if options.model else []
    with two_nodes() as cluster:
        command += ["--address", cluster.address]
        began = time.monotonic()
        job = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while (found := _finished(out))[0] * 2 <= found[1]:
            if job.poll() is not None:
                raise RuntimeError(f"the job ended with status {job.returncode} before it was killed")
            time.sleep(_LOOK_EVERY)
        os.kill(job.pid, signal.SIGKILL)
        job.wait()
        kept = _finished(out)[0]
        subprocess.run([*command, "--resume"], check=True, stderr=subprocess.DEVNULL)
        seconds = time.monotonic() - began
    return {"seconds": seconds, "killed_at": kept * options.rows_per_part}


def _finished(out: Path) -> tuple[int, int]:
    """Parts that the manifest counts, and all parts."""
    try:
        manifest = json.loads((out / MANIFEST).read_text())
    except FileNotFoundError:
        return 0, 0
    return len(manifest["finished"]), len(manifest["parts"])


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All cases, one after the other, in a folder for scratch files."""
    source, model = folder / "in.jsonl", options.model
    write_rows(source, options.rows, options.words)
    cases: dict[str, dict[str, Any]] = {}
    expected = ""

    def note(name: str, found: dict[str, Any], files: Sequence[Path]) -> None:
        nonlocal expected
        if files:
            found["hash"] = hash_of(files)
            expected = expected or found["hash"]
            found["equal"] = found["hash"] == expected
        cases[name] = found
        print(f"{name}: {found}", file=sys.stderr, flush=True)

    for threads in sorted({1, usable_cores()}):
        target = folder / f"alone-{threads}.parquet"
        seconds = alone(source, target, model, threads)
        note(
            f"single process, threads: {threads}",
            {"seconds": seconds, "per_second": options.rows / seconds},
            [target],
        )
    seconds = side_by_side(source, folder, model)
    note("two processes, no Ray", {"seconds": seconds, "per_second": options.rows / seconds}, [])
    for name, kill in (("two nodes", False), ("two nodes, one killed", True)):
        if not (kill and options.undisturbed):
            out = folder / f"cluster-{kill}"
            note(name, on_cluster(source, out, options, kill=kill), [*out.glob("part-*.parquet")])
    if not options.undisturbed:
        out = folder / "resumed"
        note(
            "two nodes, job killed, resumed",
            killed_and_resumed(source, out, options),
            [*out.glob("part-*.parquet")],
        )
    apart, there = cases["two processes, no Ray"], cases["two nodes"]
    return {
        "rows": options.rows,
        "words": options.words,
        "cases": cases,
        "overhead_us": 1e6 * NODES * (1 / there["per_second"] - 1 / apart["per_second"]),
    }


def report(figures: dict[str, Any]) -> str:
    """The table, as Markdown."""
    lines = [
        f"{figures['rows']:,} rows of at most {figures['words']} words",
        "",
        "| | seconds in all | rows/s while all run | rows finished at the kill | equal |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for name, found in figures["cases"].items():
        rate = f"{found['per_second']:,.0f}" if found.get("per_second") else ""
        killed = f"{found['killed_at']:,}" if found.get("killed_at") else ""
        equal = {True: "yes", False: "**no**", None: ""}[found.get("equal")]
        lines.append(f"| {name} | {found['seconds']:.0f} | {rate} | {killed} | {equal} |")
    overhead = figures["overhead_us"]
    return "\n".join([*lines, "", f"What Ray adds to a row, in time of a core: {overhead:+.0f} us."])


def main() -> int:
    """Command line.

    Returns:
        0; 1 where a result isn't that of the single process.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--words", type=int, default=12, help="of a text, at most; 600 leaves the real length mix")
    parser.add_argument("--rows-per-part", type=int, default=2048)
    parser.add_argument("--undisturbed", action="store_true", help="kill nothing")
    parser.add_argument("--model", type=Path, metavar="DIR", help="a bundle; by default the embedded one")
    options = parser.parse_args()
    if options.rows < _FEWEST_PARTS * options.rows_per_part:
        parser.error(f"--rows must be at least {_FEWEST_PARTS} times --rows-per-part")
    with tempfile.TemporaryDirectory(prefix="lapor-route-") as folder:
        figures = measure(Path(folder), options)
    print(machine(describe()), "", report(figures), sep="\n")
    return 0 if all(found.get("equal", True) for found in figures["cases"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
