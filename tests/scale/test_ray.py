from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

ray = pytest.importorskip("ray", reason="needs Ray: pip install 'lapor-route[ray]'")

from benchmarks.cluster import kill_node, two_nodes  # noqa: E402
from lapor_route import Router  # noqa: E402
from lapor_route.cli import main  # noqa: E402
from lapor_route.scale import RayEngine, RouterOptions, route_archive  # noqa: E402
from lapor_route.scale.manifest import MANIFEST  # noqa: E402
from tests.scale.archives import TEXTS, routed_here, routed_there, write_csv, write_jsonl  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore")

ROWS = 15_000


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Any:
    """A head that computes nothing and two worker nodes of one CPU, whose working directory isn't the test's."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with two_nodes() as cluster:
        monkeypatch.chdir(tmp_path)
        yield cluster


def test_the_command_line_on_a_cluster_of_its_own(tmp_path: Path, tiny_bundle: Path) -> None:
    source = write_csv(tmp_path / "in.csv", 1300)
    given = ["--engine", "ray", "--workers", "2", "--rows-per-part", "512", "--model", str(tiny_bundle)]
    command = [sys.executable, "-m", "lapor_route.cli", "batch", str(source), str(tmp_path / "out"), *given]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("1,283 rows: ")
    assert not any(text in done.stderr for text in TEXTS if text)
    here = routed_here(Router.load(tiny_bundle), source, tmp_path / "here.parquet")
    assert routed_there(tmp_path / "out").equals(here)


def test_an_input_that_can_not_be_read_is_status_2(
    tmp_path: Path, tiny_bundle: Path, cluster: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.parquet").write_bytes(b"no parquet")
    given = ["--engine", "ray", "--address", cluster.address, "--model", str(tiny_bundle)]
    assert main(["batch", str(tmp_path / "in.parquet"), str(tmp_path / "out"), *given]) == 2
    assert "can't be read as Parquet" in capfd.readouterr().err
    write_jsonl(tmp_path / "in.jsonl", 20)
    assert main(["batch", "in.jsonl", "out", *given[:4], "--threads", "2"]) == 2
    assert "no node of the cluster has 2 CPUs" in capfd.readouterr().err
    assert main(["batch", str(tmp_path), str(tmp_path / "out"), "--engine", "ray"]) == 2


def test_a_killed_job_goes_on(tmp_path: Path, tiny_bundle: Path, cluster: Any) -> None:
    source, out = write_jsonl(tmp_path / "in.jsonl", ROWS), tmp_path / "out"
    given = ["--engine", "ray", "--address", cluster.address, "--rows-per-part", "512", "--model", str(tiny_bundle)]
    arguments = ["batch", str(source), str(out), *given]
    job = subprocess.Popen([sys.executable, "-m", "lapor_route.cli", *arguments], stderr=subprocess.DEVNULL)
    while len(finished(out)) < 5:
        assert job.poll() is None
        time.sleep(0.1)
    os.kill(job.pid, signal.SIGKILL)
    job.wait()
    before = finished(out)
    assert 5 <= len(before) < 25
    assert main(["batch", *arguments[1:], "--resume"]) == 0
    assert {receipt["name"]: receipt["sha256"] for receipt in finished(out)}.items() >= {
        receipt["name"]: receipt["sha256"] for receipt in before
    }.items()
    here = routed_here(Router.load(tiny_bundle), source, tmp_path / "here.parquet")
    assert routed_there(out).equals(here)


@pytest.mark.parametrize("what", ["worker", "node"])
def test_a_lost_worker_or_node_costs_no_row(tmp_path: Path, tiny_bundle: Path, cluster: Any, what: str) -> None:
    source, out = write_jsonl(tmp_path / "in.jsonl", ROWS), tmp_path / "out"
    seen: list[int] = []

    def kill(done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == 5 and what == "node":
            kill_node(cluster)
        elif len(seen) == 5:
            os.kill(workers()[0], signal.SIGKILL)

    assert tiny_bundle == tmp_path / "bundle"
    with RayEngine(cluster.address, workers=2) as engine:
        summary = route_archive(
            "in.jsonl", "out", engine, router=RouterOptions("bundle"), rows_per_part=512, progress=kill
        )
    here = routed_here(Router.load(tiny_bundle), source, tmp_path / "here.parquet")
    assert (summary.rows, len(seen)) == (ROWS, len(list(out.glob("part-*.parquet"))))
    assert routed_there(out).equals(here)


def workers() -> list[int]:
    """The actors' processes among those that this one started."""
    psutil = pytest.importorskip("psutil")
    started = psutil.Process().children(recursive=True)
    return [process.pid for process in started if "MapWorker" in " ".join(process.cmdline())]


def finished(out: Path) -> list[dict[str, Any]]:
    """The receipts in the manifest; none before it is there."""
    if not (out / MANIFEST).exists():
        return []
    receipts: list[dict[str, Any]] = json.loads((out / MANIFEST).read_text())["finished"]
    return receipts
