"""Both clients against the real service, run as an operator runs it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lapor_route import Complaint, Routing
from lapor_route.client import AsyncClient, Client, NotFound, TooLarge, Unauthorized, Unavailable, ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lapor_route import Router

DOCS = Path(__file__).parents[2] / "docs" / "deployment.md"
TEXTS = [
    "Jalan berlubang di Kec. Depok, Sleman",
    "Lampu jalan mati semua, tolong diperbaiki pak",
    "Tagihan listrik PLN saya naik dua kali lipat bulan ini",
    "Kartu BPJS saya tidak aktif padahal iuran lunas",
    "ok",
]


def lapor_route(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LAPOR_ROUTE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "lapor_route.cli", *arguments],
        env={**ours, "LAPOR_ROUTE_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def made_key(store: str) -> str:
    for arguments in (("store", "upgrade"), ("keys", "create", "tests")):
        with lapor_route(*arguments, "--store", store) as command:
            told = command.communicate(timeout=60)[0]
            assert command.returncode == 0
    return told.strip()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a service that wants a key, and a key."""
    store = f"sqlite:///{tmp_path_factory.mktemp('service')}/lapor-route.db"
    key = made_key(store)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with lapor_route("serve", "--port", str(port), "--store", store, LAPOR_ROUTE_REQUIRE_KEY="true") as process:
        url = f"http://127.0.0.1:{port}"
        try:
            with Client(url) as client:
                until = time.monotonic() + 60
                while not client.ready():
                    assert process.poll() is None, "the service ended"
                    assert time.monotonic() < until, "the service isn't ready after a minute"
                    time.sleep(0.1)
            yield url, key
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def test_a_client_answers_like_the_router(service: tuple[str, str], router: Router) -> None:
    with Client(*service) as client:
        there = client.route(TEXTS[0], id="K-1", explain=True)
        here = router.route(Complaint(TEXTS[0], id="K-1"), explain=True)
        assert isinstance(there, Routing)
        assert there.evidence.words
        assert there.to_dict() == here.to_dict()
        many = list(client.route_many(TEXTS * 60))
    assert [routing.to_dict() for routing in many] == [
        routing.to_dict() for routing in router.route_many(TEXTS * 60)
    ]
    assert len({routing.record for routing in many}) == 300


def test_an_async_client_answers_like_the_router(service: tuple[str, str], router: Router) -> None:
    async def asked() -> tuple[list[Routing], list[Routing]]:
        async with AsyncClient(*service) as client:
            together = await asyncio.gather(*(client.route(text) for text in TEXTS))
            return list(together), [routing async for routing in client.route_many(TEXTS)]

    expected = [routing.to_dict() for routing in router.route_many(TEXTS)]
    for found in asyncio.run(asked()):
        assert [routing.to_dict() for routing in found] == expected


def test_feedback_is_kept(service: tuple[str, str]) -> None:
    with Client(*service) as client:
        routing = client.route(TEXTS[2], id="K-2")
        assert client.feedback("accepted", id="K-2").record == routing.record
        receipt = client.feedback("changed", record=routing.record, body_id="kominfo", officer="Petugas 1")
        assert (receipt.verdict, receipt.body_id) == ("changed", "kominfo")
        assert receipt.created_at.utcoffset() is not None
        with pytest.raises(NotFound):
            client.feedback("accepted", record="0" * 32)


def test_bodies_come_over_whole(service: tuple[str, str], router: Router) -> None:
    with Client(*service) as client:
        assert client.body("pemkab-sleman") == router.registry["pemkab-sleman"]
        assert client.bodies("sleman", limit=2)[0].id == "pemkab-sleman"
        assert tuple(client.bodies()) == router.registry.connected
        with pytest.raises(NotFound):
            client.body("pemkab-antah-berantah")
        assert client.info()["registry"] == router.registry.version


def test_what_is_refused(service: tuple[str, str]) -> None:
    url, key = service
    with Client(url) as client, pytest.raises(Unauthorized, match="keys create"):
        client.route(TEXTS[0])
    with Client(url, key) as client:
        with pytest.raises(ValidationFailed, match="top_k"):
            client.route(TEXTS[0], top_k=99)
        with pytest.raises(TooLarge, match="send fewer or shorter"):
            client.feedback("accepted", record="0", note="x" * (5 << 20))
    with Client(f"{url}/elsewhere", key) as client, pytest.raises(NotFound, match="base_url"):
        client.route(TEXTS[0])


def test_a_very_long_complaint_is_truncated_alike(service: tuple[str, str], router: Router) -> None:
    text = "Jalan rusak di Kabupaten Sleman. " * 2000
    with Client(*service) as client:
        found = client.route(text)
    assert found.truncated
    assert found.to_dict() == router.route(text).to_dict()


def test_the_example_of_the_docs_runs(service: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    url, key = service
    monkeypatch.setenv("LAPOR_KEY", key)
    for block in blocks:
        assert "https://lapor.example.go.id" in block
        exec(compile(block.replace("https://lapor.example.go.id", url), str(DOCS), "exec"), {"__name__": "docs"})


def test_a_stopped_service_is_unavailable(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9", retries=0) as client, pytest.raises(Unavailable, match="check that it runs"):
        client.info()
