from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from lapor_route import Router
from lapor_route.cli import main
from lapor_route.errors import BundleError, InputError, LaporRouteError, OutputError
from lapor_route.scale import serve as fleets
from lapor_route.scale.serve import CANARY, NAME, Fleet, deploy
from lapor_route.scale.serve_split import BULK, SINGLE, add_split, ask, is_canary, key_of
from lapor_route.service.app import create_app
from lapor_route.service.settings import Settings
from tests.service.apps import free_port, running, settings, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore")
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install 'lapor-route[ray,serve]'")

TEXT = "Jalan desa berlubang di Kec. Depok, Sleman"
POSTGRES = "postgresql://lapor@localhost/lapor"


def test_without_ray_the_flag_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lapor_route.scale.cluster.find_spec", lambda name: None)
    assert main(["serve", "--engine", "ray"]) == 2
    assert "pip install 'lapor-route[ray,serve]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [["--canary", "x"], ["--stop"], ["--min-replicas", "2"], ["--address", "auto"], ["--canary-share", "0"]],
)
def test_options_of_a_fleet_need_the_engine(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *given]) == 2
    assert f"{given[0]} needs --engine ray" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fleet", "told"),
    [
        (Fleet(min_replicas=0), "--min-replicas"),
        (Fleet(min_replicas=3, max_replicas=2), "--min-replicas"),
        (Fleet(max_replicas=0), "--min-replicas"),
        (Fleet(canary=Path("x"), canary_share=0), "--canary-share"),
        (Fleet(canary=Path("x"), canary_share=1.5), "--canary-share"),
        (Fleet(canary_share=0.5), "--canary-share needs --canary"),
        (Fleet(max_replicas=2), "PostgreSQL"),
        (Fleet("auto"), "PostgreSQL"),
    ],
)
def test_fleets_that_can_not_be(fleet: Fleet, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(InputError, match=told):
        fleet.check(Settings(store="sqlite:///lapor-route.db"))


def test_fleets_that_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    Fleet(canary=Path("x")).check(Settings())
    Fleet("auto", 2, 8).check(Settings(store=POSTGRES))
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    with pytest.raises(InputError, match="PostgreSQL"):
        Fleet().check(Settings())


def body(text: str = TEXT, **more: Any) -> bytes:
    return json.dumps({"text": text, **more}).encode()


def test_the_canarys_share_is_sticky() -> None:
    numbers = range(2000)
    chosen = {number for number in numbers if is_canarys(body(id=str(number)), 0.1)}
    assert 150 < len(chosen) < 250
    assert chosen == {number for number in numbers if is_canarys(body("teks yang lain", id=str(number)), 0.1)}
    assert chosen < {number for number in numbers if is_canarys(body(id=str(number)), 0.3)}
    assert 150 < sum(is_canarys(body(f"{TEXT} {number}"), 0.1) for number in numbers) < 250
    for strange in (b"", b"\xff", b"[]", b'{"id": 7}', b'{"id": "\\ud800"}', b"[" * 100_000):
        assert is_canarys(strange, 1)
        assert not is_canarys(strange, 0)


def is_canarys(content: bytes, share: float) -> bool:
    return is_canary(key_of(SINGLE, content)[0], share)


def test_what_takes_long() -> None:
    assert key_of(SINGLE, body(id="7")) == (b"7", False)
    assert key_of(SINGLE, body(id="7", explain=True)) == (b"7", True)
    assert key_of(BULK, body(id="7")) == (body(id="7"), True)


class Canary:
    """A canary in this process."""

    def __init__(self, failure: Exception | None = None, seconds: float = 0, status: int = 200) -> None:
        self.failure = failure
        self.seconds = seconds
        self.status = status
        self.asked: list[tuple[str, bytes]] = []

    async def answer(self, scope: dict[str, Any], content: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        self.asked.append((scope["path"], content))
        await asyncio.sleep(self.seconds)
        if self.failure:
            raise self.failure
        headers = [(b"content-type", b"application/json"), (b"x-request-id", b"the canary's")]
        return self.status, headers, b'"the canary"'


def split(tmp_path: Path, bundle: Path, canary: Canary, **given: Any) -> TestClient:
    """A client of an app whose routing requests are all the canary's."""
    chosen = settings(tmp_path, max_body_bytes=2000, deadline_seconds=4, **given)
    app = create_app(chosen, lambda: Router.load(bundle))
    add_split(app, canary.answer, 1, chosen)
    return TestClient(app)


def test_routing_requests_are_the_canarys_to_answer(tmp_path: Path, tiny_bundle: Path) -> None:
    canary = Canary()
    with split(tmp_path, tiny_bundle, canary) as client:
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        answer = client.post("/v1/route", json={"text": TEXT})
        assert answer.json() == "the canary"
        assert len(answer.headers.get_list("x-request-id")) == 1
        assert answer.headers["x-request-id"] != "the canary's"
        assert client.post("/v1/route/batch", json={"complaints": [{"text": TEXT}]}).json() == "the canary"
        assert client.post("/v1/route", json={"text": TEXT * 100}).status_code == 413
        assert client.get("/v1/bodies", params={"q": "sleman"}).status_code == 200
        assert client.post("/v1/queue/next", json={"officer": "Petugas 3"}).status_code == 204
        assert client.get("/v1/route").status_code == 405
        assert 'route="/v1/route/batch",status="200"} 1.0' in client.get("/metrics").text
    assert [path for path, _ in canary.asked] == ["/v1/route", "/v1/route/batch"]


@pytest.mark.parametrize("canary", [Canary(RuntimeError("gone")), Canary(seconds=60), Canary(status=503)])
def test_what_the_canary_does_not_answer_the_app_does(tmp_path: Path, tiny_bundle: Path, canary: Canary) -> None:
    with split(tmp_path, tiny_bundle, canary) as client:
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        answer = client.post("/v1/route", json={"text": TEXT})
    assert answer.json() == Router.load(tiny_bundle).route(TEXT).to_dict()
    assert len(canary.asked) == 1


def test_an_app_can_be_asked_without_a_server(tmp_path: Path, tiny_bundle: Path) -> None:
    async def run() -> Any:
        app = create_app(settings(tmp_path), lambda: Router.load(tiny_bundle))
        async with app.router.lifespan_context(app):
            while not app.state.service.loaded:
                await asyncio.sleep(0.01)
            scope = {
                "method": "POST",
                "path": "/v1/route",
                "query_string": b"",
                "headers": [(b"content-type", b"application/json")],
                "client": ("10.0.0.1", 1),
            }
            return await ask(app, scope, body())

    status, headers, content = asyncio.run(run())
    assert (status, json.loads(content)) == (200, Router.load(tiny_bundle).route(TEXT).to_dict())
    assert dict(headers)[b"lapor-record"]


class Served:
    """A fleet on a cluster of one node; each test deploys to it again.

    Args:
        folder: Of the store.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.records: set[str] = set()
        self.deployed: tuple[Path, Fleet] | None = None

    def deploy(self, bundle: Path, fleet: Fleet | None = None) -> None:
        """Deploys what isn't there yet; the tests hand on what they leave."""
        wanted = (bundle, fleet or Fleet())
        if wanted != self.deployed:
            self.deployed = None
            deploy(self.settings(bundle), wanted[1])
            self.deployed = wanted

    def settings(self, bundle: Path) -> Settings:
        store = f"sqlite:///{self.folder / 'fleet.db'}"
        return Settings(store=store, port=self.port, model=bundle, drain_seconds=10)

    def request(self, method: str, path: str, content: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, content, {"content-type": "application/json"} if content else {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
        finally:
            connection.close()

    def version(self, **more: Any) -> str:
        """Which model answers; fails where none does."""
        status, headers, content = self.request("POST", "/v1/route", body(**more))
        assert status == 200, content
        self.records.add(headers["lapor-record"])
        model: str = json.loads(content)["versions"]["model"]
        return model

    def kept(self) -> set[str]:
        with sqlite3.connect(self.folder / "fleet.db") as connection:
            return {row[0] for row in connection.execute("SELECT id FROM routings")}


class Trickle:
    """Requests, one after the other on each of two threads, for as long as the `with` block lasts."""

    def __init__(self, fleet: Served) -> None:
        self.fleet = fleet
        self.versions: list[str] = []
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(2)]

    def _run(self, thread: int) -> None:
        number = 0
        while not self._stop.wait(0.04):
            number += 1
            try:
                self.versions.append(self.fleet.version(id=f"{thread}-{number}"))
            except (AssertionError, OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))

    def __enter__(self) -> Trickle:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(0.5)
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        import ray
        from ray import serve

        options = {"include_dashboard": False, "log_to_driver": False, "object_store_memory": 80_000_000}
        ray.init(address="local", num_cpus=4, **options)
        yield Served(tmp_path_factory.mktemp("fleet"))
        serve.shutdown()
        ray.shutdown()


def versioned(bundle: Path, folder: Path, version: str) -> Path:
    """A copy of a bundle, as another version."""
    shutil.copytree(bundle, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "version": version}))
    return folder


@pytest.fixture
def first(served: Served, tiny_bundle: Path) -> Path:
    """The tiny bundle, at the same path for all tests."""
    folder = served.folder / "1"
    return folder if folder.exists() else versioned(tiny_bundle, folder, "1")


@pytest.fixture
def second(served: Served, tiny_bundle: Path) -> Path:
    """The same as another version."""
    folder = served.folder / "2"
    return folder if folder.exists() else versioned(tiny_bundle, folder, "2")


@needs_ray
def test_a_fleet_answers_as_the_plain_app_does(
    served: Served, tmp_path: Path, tiny_bundle: Path, first: Path
) -> None:
    served.deploy(first)
    assert served.request("GET", "/health/ready")[0] == 200
    assert served.request("GET", "/health/live")[0] == 200
    assert b"<html" in served.request("GET", "/")[2]
    batch = json.dumps({"complaints": [{"text": TEXT}, {"text": "listrik padam", "id": "7"}]}).encode()
    asked = [
        ("POST", "/v1/route", body()),
        ("POST", "/v1/route", body("kartu jkn nonaktif", place="Sleman", top_k=2, explain=True)),
        ("POST", "/v1/route", b'{"text": 7}'),
        ("POST", "/v1/route", b"{"),
        ("GET", "/v1/bodies/pln", b""),
        ("GET", "/v1/none", b""),
    ]
    with running(Router.load(tiny_bundle), settings(tmp_path)) as plain:
        for method, path, content in asked:
            status, headers, found = served.request(method, path, content)
            type_ = {"content-type": "application/json"} if content else {}
            expected = plain.request(method, path, content=content, headers=type_)
            assert (status, json.loads(found)) == (expected.status_code, expected.json())
            assert set(expected.headers) <= set(headers)
        status, _, found = served.request("POST", "/v1/route/batch", batch)
        expected = plain.post("/v1/route/batch", content=batch, headers={"content-type": "application/json"})
        assert json.loads(found)["routings"] == expected.json()["routings"]
    assert set(json.loads(found)["records"]) <= served.kept()
    assert b'lapor_route_model{model="tiny 1"' in served.request("GET", "/metrics")[2]


@needs_ray
def test_a_canary_and_an_update_lose_no_request(served: Served, first: Path, second: Path) -> None:
    from ray import serve

    served.deploy(first)
    with Trickle(served) as trickle:
        served.deploy(first, Fleet(canary=second, canary_share=0.5))
        for number in range(20):
            expected = "tiny 2" if is_canarys(body(id=str(number)), 0.5) else "tiny 1"
            assert [served.version(id=str(number)) for _ in range(2)] == [expected] * 2
        served.deploy(second)
    assert trickle.failures == []
    assert len(trickle.versions) > 50
    assert trickle.versions[0] == "tiny 1"
    assert set(trickle.versions[-10:]) == {"tiny 2"}
    assert CANARY not in serve.status().applications
    assert served.records <= served.kept()


@needs_ray
def test_what_can_not_run_leaves_what_runs(
    served: Served, tiny_bundle: Path, second: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray import serve

    served.deploy(second)
    (tiny_bundle / "calibration.json").write_text("{}")
    with pytest.raises(BundleError):
        served.deploy(tiny_bundle)
    assert served.version() == "tiny 2"
    known = fleets._arguments

    def of_another_node(given: Settings) -> Any:
        (told, identity), versions = known(given)
        return (told, {**identity, "bundle": "another"}), versions

    monkeypatch.setattr(fleets, "_arguments", of_another_node)
    told = "another bundle.*What ran before runs again"
    with Trickle(served) as trickle, pytest.raises(OutputError, match=told):
        served.deploy(second, Fleet(max_replicas=1))
    assert trickle.failures == []
    assert set(trickle.versions) == {"tiny 2"}
    assert serve.status().applications[NAME].status == "RUNNING"
    with pytest.raises(OutputError, match=f"{CANARY} .*another bundle.*It was taken away again"):
        deploy(served.settings(second), Fleet(canary=second))
    assert set(serve.status().applications) == {NAME}
    assert served.version() == "tiny 2"


@needs_ray
def test_another_port_than_that_of_the_first_start_is_refused(served: Served, first: Path) -> None:
    served.deploy(first)
    store = f"sqlite:///{served.folder / 'fleet.db'}"
    with pytest.raises(InputError, match=f"listens at 127.0.0.1:{served.port} already"):
        deploy(Settings(store=store, port=free_port(), model=first), Fleet())
    assert served.version() == "tiny 1"


@needs_ray
def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path, tiny_bundle: Path) -> None:
    port = free_port()
    given = ["--port", str(port), "--store", f"sqlite:///{tmp_path / 'store.db'}", "--model", str(tiny_bundle)]
    command = [sys.executable, "-m", "lapor_route.cli", "serve", "--engine", "ray", *given]
    fleet = Served(tmp_path)
    fleet.port = port
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = process.stderr.readline()
        assert "tiny 1 is served by 1 to 1 replicas" in told
        assert fleet.version() == "tiny 1"
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    with pytest.raises(ConnectionRefusedError):
        fleet.version()


@needs_ray
def test_a_cluster_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LaporRouteError, match="no Ray cluster at"):
        fleets.serve_fleet(Settings(store=POSTGRES), Fleet("127.0.0.1:1"), print)


@needs_ray
def test_a_port_in_use_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(InputError, match="can't be listened on"):
        fleets.serve_fleet(Settings(port=other.getsockname()[1]), Fleet(), print)


@needs_ray
def test_a_fleet_is_stopped_on_a_cluster_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for given, told in (
        (["--stop"], "--stop needs --address"),
        (["--workers", "2"], "--max-replicas"),
        (["--check", "--stop"], "can't be asked for together"),
    ):
        assert main(["serve", "--engine", "ray", *given]) == 2
        assert told in capsys.readouterr().err


@needs_ray
def test_a_check_looks_at_the_fleet_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    given = ["--engine", "ray", "--store", f"sqlite:///{tmp_path}/a.db", "--port", str(free_port()), "--check"]
    given += ["--model", str(tiny_bundle), "--canary"]
    assert main(["serve", *given, str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert main(["serve", *given, str(tiny_bundle)]) == 0
    assert "canary: tiny 1, for 10% of the requests" in capsys.readouterr().out


@needs_ray
def test_cores_that_this_machine_does_not_have(tmp_path: Path) -> None:
    given = ["--engine", "ray", "--store", f"sqlite:///{tmp_path}/a.db", "--port", str(free_port())]
    command = [sys.executable, "-m", "lapor_route.cli", "serve", *given]
    environment = {**os.environ, "LAPOR_ROUTE_THREADS": "500"}
    done = subprocess.run(command, check=False, env=environment, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert "500 CPUs are needed" in done.stderr
