"""Routes many rows on a local cluster of two worker nodes, and compares with the single process.

`python -m tests.scale.two_nodes [--rows 200000] [--model DIR]`, where Ray is installed: one run undisturbed, one
with a node killed in the middle. Prints rows a second, the overhead per row, and whether the hashes over the sorted
rows are equal. `test_ray.py` has the job that is killed and resumed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from lapor_route.batch import route_file
from lapor_route.scale import RayEngine, RouterOptions, route_archive
from tests.scale.archives import write_jsonl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STORE = {"object_store_memory": 80_000_000}


def hash_of(files: Iterable[Path]) -> str:
    """Over the sorted rows."""
    rows = sorted(
        json.dumps(row, default=str)
        for file in files
        for batch in pq.ParquetFile(file).iter_batches()
        for row in batch.to_pylist()
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def on_two_nodes(source: Path, out: Path, model: str | None, *, kill: bool) -> dict[str, Any]:
    """One job on a cluster of its own; seconds count from the first part to the last, so without any start."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **STORE})
    for _ in range(2):
        cluster.add_node(num_cpus=1, **STORE)
    ray.init(address=cluster.address, log_to_driver=False)
    moments: list[tuple[float, int]] = []
    began = time.monotonic()
    try:
        with RayEngine(workers=2) as engine:
            summary = route_archive(
                str(source),
                str(out),
                engine,
                router=RouterOptions(model),
                rows_per_part=2048,
                progress=_watch(moments, cluster if kill else None),
            )
    finally:
        seconds = time.monotonic() - began
        ray.shutdown()
        cluster.shutdown()
    (first, done), (last, _) = moments[0], moments[-1]
    rate = (summary.rows - done) / max(last - first, 1e-9)
    return {"rows": summary.rows, "seconds": round(seconds, 1), "rows_a_second_when_running": round(rate)}


def _watch(moments: list[tuple[float, int]], cluster: Any) -> Callable[[int, int], None]:
    """Notes when parts are finished; at the middle, a node of the cluster is killed, if one is given."""
    killed: list[int] = []

    def progress(done: int, total: int) -> None:
        moments.append((time.monotonic(), done))
        if cluster and not killed and done > total / 2:
            killed.append(done)
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)

    return progress


def main() -> None:
    """Runs and prints all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--model")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = write_jsonl(folder / "in.jsonl", options.rows)
        router = RouterOptions(options.model).load()
        began = time.monotonic()
        route_file(router, source, folder / "here.parquet")
        seconds = time.monotonic() - began
        expected = hash_of([folder / "here.parquet"])
        print(
            f"single process, 1 thread: {seconds:.1f} s, {options.rows / seconds:.0f} rows a second, {expected}",
            flush=True,
        )
        for kill in (False, True):
            out = folder / f"out-{kill}"
            found = on_two_nodes(source, out, options.model, kill=kill)
            found["equal"] = hash_of(out.glob("part-*.parquet")) == expected
            overhead = 2 / found["rows_a_second_when_running"] - seconds / options.rows
            case = "one killed" if kill else "undisturbed"
            print(f"two nodes, {case}: {found}, {overhead * 1e6:+.0f} us a row and core", flush=True)


if __name__ == "__main__":
    main()
