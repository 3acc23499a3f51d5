"""The service as a user starts it: real processes, real signals, a real port."""

from __future__ import annotations

import http.client
import json
import signal
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

from lapor_route.cli import main
from tests.service.apps import Server, free_port, server, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TEXT = "Jalan berlubang di Kec. Depok, Sleman"


def post(port: int, text: str, path: str = "/v1/route") -> tuple[int, str]:
    """Status and record of one request; status 0 where no connection could be made."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.connect()
    except OSError:
        return 0, ""
    try:
        connection.request("POST", path, json.dumps({"text": text}), {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("lapor-record", "")
    finally:
        connection.close()


def kept(folder: Path) -> set[str]:
    with sqlite3.connect(folder / "served.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {row[0] for row in connection.execute("SELECT id FROM routings")}


def test_sigterm_answers_what_was_accepted(tmp_path: Path) -> None:
    with server(tmp_path, "--workers", "1") as running, ThreadPoolExecutor(24) as pool:
        answers = [pool.submit(post, running.port, f"{TEXT} nomor {number}") for number in range(24)]
        wait_until(lambda: any(answer.done() for answer in answers))
        assert running.stop(signal.SIGTERM) in (0, -signal.SIGTERM)
        results = [answer.result() for answer in answers]
    statuses = {status for status, _ in results}
    assert statuses <= {200, 0, 503}
    assert 200 in statuses
    assert {record for status, record in results if status == 200} <= kept(tmp_path)


def test_kill_9_in_a_storm_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    stop = threading.Event()

    def storm(port: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                status, record = post(port, f"{TEXT} nomor {number}")
            except (OSError, http.client.HTTPException):
                return
            if status == 200:
                acknowledged.add(record)

    with server(tmp_path) as running:
        threads = [threading.Thread(target=storm, args=(running.port,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(acknowledged) >= 60)
        running.stop(signal.SIGKILL)
        stop.set()
        for thread in threads:
            thread.join()
    assert len(acknowledged) >= 60
    assert acknowledged <= kept(tmp_path)


def test_two_workers_share_the_port_the_store_and_the_numbers(tmp_path: Path) -> None:
    with server(tmp_path, "--workers", "2") as running:
        wait_until(lambda: sum(line["message"] == "ready" for line in running.logged()) == 2)
        with ThreadPoolExecutor(8) as pool:
            results = [*pool.map(lambda number: post(running.port, f"{TEXT} {number}"), range(40))]
        assert {status for status, _ in results} == {200}
        connection = http.client.HTTPConnection("127.0.0.1", running.port)
        for _ in range(5):  # whichever worker answers
            connection.request("GET", "/metrics", headers={"connection": "close"})
            text = connection.getresponse().read().decode()
            assert 'lapor_route_requests_total{method="POST",route="/v1/route",status="200"} 40.0' in text
            connection.close()
        assert running.stop() == 0
    assert {record for _, record in results} <= kept(tmp_path)


def test_logs_are_json_without_a_word_of_a_complaint(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        post(running.port, "Nama saya Bambang Sutrisno, jalan rusak di Sleman")
        post(running.port, "x", "/v1/bodies?q=rahasia")
        running.stop()
        lines = running.logged()
    requests = [line for line in lines if line["message"] == "request"]
    assert {"request", "method", "route", "status", "milliseconds"} <= set(requests[-1])
    assert not any(word in str(lines) for word in ("Sutrisno", "jalan rusak", "rahasia"))


def test_debug_logs_hold_masked_texts(tmp_path: Path) -> None:
    with server(tmp_path, LAPOR_ROUTE_LOG_LEVEL="debug") as running:
        post(running.port, "Nama saya Bambang Sutrisno, jalan rusak di Sleman")
        running.stop()
        texts = [line["text"] for line in running.logged() if line["message"] == "routing"]
    assert len(texts) == 1
    assert "jalan rusak di Sleman" in texts[0]
    assert "Sutrisno" not in texts[0]


class Collector(BaseHTTPRequestHandler):
    """Takes traces."""

    received: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


def test_traces_go_to_the_collector_without_the_text(tmp_path: Path) -> None:
    class Here(Collector):
        received: list[tuple[str, bytes]] = []  # noqa: RUF012

    collector = HTTPServer(("127.0.0.1", 0), Here)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{collector.server_port}"
    with server(tmp_path, LAPOR_ROUTE_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="100") as running:
        post(running.port, TEXT)
        running.stop()
    collector.shutdown()
    collector.server_close()
    assert {path for path, _ in Here.received} == {"/v1/traces"}
    spans = b"".join(body for _, body in Here.received)
    assert b"/v1/route" in spans
    assert b"berlubang" not in spans


def test_check_says_what_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["serve", "--check", "--port", str(free_port()), "--store", f"sqlite:///{tmp_path / 'store.db'}"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "a sample is routed: forward" in out
    assert "LAPOR_ROUTE_HASH_KEY isn't set" in out
    assert "the start will make or upgrade the store" in out
    assert not (tmp_path / "store.db").exists()
    assert main([*arguments, "--host", "0.0.0.0"]) == 0
    assert "anybody who reaches this address" in capsys.readouterr().out


def test_check_says_what_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    for arguments, message in (
        (["--store", f"sqlite:///{tmp_path}/no/such/store.db"], "store"),
        (["--store", store, "--host", "no.such.host.invalid"], "can't be listened on"),
        (["--store", "mysql://x"], "mysql"),
        (["--store", store, "--model", str(tmp_path)], "manifest"),
        (["--store", store, "--config", str(tmp_path / "none.toml")], "no configuration file"),
        (["--store", store, "--port", "70000"], "port"),
    ):
        assert main(["serve", "--check", *arguments]) in (1, 2)
        assert message in capsys.readouterr().err


def test_a_taken_port_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    with server(tmp_path) as running:
        second = Server(tmp_path, "--port", str(running.port))
        assert second.process.wait(20) == 2
        assert "can't be listened on" in second.log.read_text()


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    import psutil

    with server(tmp_path, "--workers", "2") as running:
        wait_until(lambda: sum(line["message"] == "ready" for line in running.logged()) == 2)
        children = [
            child
            for child in psutil.Process(running.process.pid).children()
            if "spawn_main" in " ".join(child.cmdline())
        ]
        children[0].kill()
        wait_until(lambda: sum(line["message"] == "ready" for line in running.logged()) == 3)
        time.sleep(0.1)
        assert post(running.port, TEXT)[0] == 200
