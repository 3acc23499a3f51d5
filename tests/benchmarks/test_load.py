"""The generator against servers that behave and misbehave, and what is said about answers."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.arrivals import A_DAY
from benchmarks.load.generator import Answer, Request, Volley, fire, post
from benchmarks.load.letters import letters
from benchmarks.load.runner import saturation
from benchmarks.load.server import attach
from benchmarks.load.verdict import Tally, figures, gap, outcome, percentile, recovery, unrecorded
from benchmarks.service import burst_times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROUTING: dict[str, Any] = {"decision": "forward", "candidates": [{"body_id": "a", "probability": 0.5}], "top": 5}
SHED = {"type": "about:blank", "status": 503, "code": "overloaded"}


def http(status: int, content: object, *fields: str) -> bytes:
    body = json.dumps(content).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


class Speaker(asyncio.Protocol):
    """Answers each packet, which is a whole request in these tests, with what `answer` makes of it."""

    def __init__(self, answer: Callable[[bytes, asyncio.Transport], None]) -> None:
        self.answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.answer(data, self.transport)


@contextmanager
def speaking(answer: Callable[[bytes, asyncio.Transport], None]) -> Iterator[int]:
    """A server on a thread; gives its port."""
    ready, loop, ports = threading.Event(), asyncio.new_event_loop(), []

    async def serve() -> None:
        server = await loop.create_server(lambda: Speaker(answer), "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        stop = asyncio.Event()
        loop.stop_serving = stop.set  # type: ignore[attr-defined]
        ready.set()
        await stop.wait()
        server.close()
        await asyncio.sleep(0.05)  # the clients' ends are closed, and seen

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait()
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(loop.stop_serving)  # type: ignore[attr-defined]
        thread.join()
        loop.close()


def echo(data: bytes, transport: asyncio.Transport) -> None:
    transport.write(http(200, json.loads(data.partition(b"\r\n\r\n")[2])))


def requests(number: int, every: float = 0.002) -> list[Request]:
    return [Request(i * every, post("/v1/route", json.dumps({"id": str(i)}).encode())) for i in range(number)]


def answer(status: int, content: object, *fields: str, due: float = 0.0, latency: float = 0.01) -> Answer:
    head, _, body = http(status, content, *fields).partition(b"\r\n\r\n")
    return Answer(due, due, due + latency, status, head, body)


def shed(due: float = 0.0) -> Answer:
    return answer(503, SHED, "Content-Type: application/problem+json", "retry-after: 1", due=due)


def test_each_request_gets_its_own_answer_in_order() -> None:
    with speaking(echo) as port:
        volley = fire("127.0.0.1", port, requests(300))
    assert [json.loads(a.body)["id"] for a in volley.answers] == [str(i) for i in range(300)]
    assert {a.status for a in volley.answers} == {200}
    assert volley.strays == 0
    assert volley.connections < 300


def test_an_answer_may_come_in_pieces() -> None:
    def in_pieces(data: bytes, transport: asyncio.Transport) -> None:
        content = http(200, {"x": "y" * 500})
        for start, end in ((0, 10), (10, 70), (70, len(content))):
            asyncio.get_running_loop().call_later(start / 5_000, transport.write, content[start:end])

    with speaking(in_pieces) as port:
        volley = fire("127.0.0.1", port, requests(10))
    assert [json.loads(a.body)["x"] for a in volley.answers] == ["y" * 500] * 10


def test_nobody_waits_for_answers_and_latency_counts_from_the_intended_time() -> None:
    """A server that answers none of fifty before it has all: a client that waits for answers would hang."""
    held: list[tuple[bytes, asyncio.Transport]] = []

    def holding(data: bytes, transport: asyncio.Transport) -> None:
        held.append((data, transport))
        if len(held) == 50:
            for each in held:
                echo(*each)

    with speaking(holding) as port:
        volley = fire("127.0.0.1", port, requests(50))
    assert {outcome(a) for a in volley.answers} == {"ok"}
    last = volley.answers[-1]
    assert all(a.done >= last.sent and a.sent >= a.due for a in volley.answers)
    assert all(a.latency >= last.due - a.due for a in volley.answers)


def test_a_closed_connection_is_a_lost_request() -> None:
    def sometimes(data: bytes, transport: asyncio.Transport) -> None:
        if json.loads(data.partition(b"\r\n\r\n")[2])["id"] == "3":
            transport.close()
        else:
            echo(data, transport)

    with speaking(sometimes) as port:
        volley = fire("127.0.0.1", port, requests(8, every=0.02))
    assert [outcome(a) for a in volley.answers] == ["ok"] * 3 + ["lost"] + ["ok"] * 4
    assert volley.answers[3].body == b"the server closed the connection"


def test_what_is_never_answered_is_lost_when_patience_ends() -> None:
    def silent_to_some(data: bytes, transport: asyncio.Transport) -> None:
        if json.loads(data.partition(b"\r\n\r\n")[2])["id"] != "1":
            echo(data, transport)

    with speaking(silent_to_some) as port:
        volley = fire("127.0.0.1", port, requests(3), patience=1)
    assert [outcome(a) for a in volley.answers] == ["ok", "lost", "ok"]


def test_nobody_there_is_lost() -> None:
    with speaking(echo) as port:
        pass
    volley = fire("127.0.0.1", port, requests(2))
    assert [outcome(a) for a in volley.answers] == ["lost", "lost"]
    assert volley.answers[0].body.startswith(b"no connection")


def test_a_second_answer_is_a_stray() -> None:
    def twice(data: bytes, transport: asyncio.Transport) -> None:
        transport.write(2 * http(200, {}))

    with speaking(twice) as port:
        volley = fire("127.0.0.1", port, requests(2, every=0.05))
    assert [outcome(a) for a in volley.answers] == ["ok", "ok"]
    assert volley.strays == 2


def test_connection_close_is_obeyed() -> None:
    def closing_after(data: bytes, transport: asyncio.Transport) -> None:
        transport.write(http(200, {}, "Connection: close"))
        transport.close()

    with speaking(closing_after) as port:
        volley = fire("127.0.0.1", port, requests(5, every=0.02))
    assert {outcome(a) for a in volley.answers} == {"ok"}
    assert volley.connections == 5


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (answer(200, {}), "ok"),
        (shed(), "shed"),
        (Answer(0, 0, 1, 0, b"", b"why"), "lost"),
        (answer(503, SHED, "Content-Type: application/problem+json"), "503 with Retry-After ''"),
        (
            answer(503, SHED, "Content-Type: application/json", "Retry-After: 1"),
            "503 overloaded as application/json",
        ),
        (answer(504, {"code": "deadline"}, "Content-Type: application/problem+json"), "504 deadline"),
        (answer(503, {"code": "unavailable"}, "Content-Type: application/problem+json"), "503 unavailable"),
        (answer(500, "oops"), "500 without a problem document"),
    ],
)
def test_outcomes(found: Answer, name: str) -> None:
    assert outcome(found) == name


def test_percentiles_are_nearest_ranks() -> None:
    values = [float(i) for i in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50, 99, 7)
    assert math.isnan(percentile([], 0.5))


def test_figures_are_of_what_was_accepted() -> None:
    answers = [answer(200, {}, due=i / 10, latency=0.02) for i in range(11)] + [shed(due=1.0)]
    found = figures(Volley(tuple(answers), 0.1, 3))
    assert (found["requests"], found["ok"], found["shed"], found["lost"], found["errors"]) == (12, 11, 1, 0, {})
    assert (found["p50_ms"], found["p99_ms"], found["shed_p99_ms"]) == (20, 20, 10)
    assert (found["offered_per_second"], found["goodput_per_second"]) == (12, 11)


def test_recovery_is_when_all_goes_well_for_good() -> None:
    def aftermath(until: float) -> list[Answer]:
        slow = [answer(200, {}, due=2 + i / 50, latency=0.3 if i / 50 < until else 0.01) for i in range(500)]
        return [answer(200, {}, due=i / 50, latency=0.4) for i in range(100)] + slow

    assert recovery(aftermath(0), 2) == 0
    assert recovery(aftermath(1.1), 2) == pytest.approx(1.1, abs=0.25)
    assert recovery(aftermath(9), 2) is None
    assert recovery([*aftermath(0), shed(due=5)], 2) is not None
    assert recovery([*aftermath(0), shed(due=9)], 2) is None


@pytest.mark.parametrize(
    ("found", "difference"),
    [
        ({"a": [0.5, "x"], "n": 1}, 0),
        ({"a": [0.25, "x"], "n": 1}, 0.25),
        ({"a": [0.5, "y"], "n": 1}, math.inf),
        ({"a": [0.5], "n": 1}, math.inf),
        ({"a": [0.5, "x"], "n": 2}, math.inf),
        ({"a": [0.5, "x"], "n": True}, math.inf),
        ({"a": [0.5, "x"]}, math.inf),
        ({"a": [0.5, "x"], "n": 1, "more": None}, math.inf),
    ],
)
def test_gap(found: object, difference: float) -> None:
    assert gap(found, {"a": [0.5, "x"], "n": 1}) == difference


def test_tally_sees_each_kind_of_fault(tmp_path: Path) -> None:
    near = {**ROUTING, "candidates": [{"body_id": "a", "probability": 0.4}]}
    contents = [ROUTING, near, {**ROUTING, "decision": "ask"}]
    answers = [answer(200, {**content, "id": f"n{i}"}, f"Lapor-Record: r{i}") for i, content in enumerate(contents)]
    answers.append(answer(200, {**ROUTING, "id": "another's"}, "lapor-record: r3"))
    answers += [shed(), Answer(0, 0, 1, 0, b"", b"why"), answer(500, {"code": "internal"})]
    tally = Tally()
    tally.add(Volley(tuple(answers), 0.1, 3, strays=2), [f"n{i}" for i in range(7)], [ROUTING] * 7)
    assert (tally.asked, tally.exact, tally.near, tally.wrong, tally.accepted) == (7, 1, 1, 2, 4)
    assert (tally.refused, tally.lost, sum(tally.errors.values()), tally.strays) == (1, 1, 1, 2)
    assert tally.largest_gap == pytest.approx(0.1)
    assert "n2: differs in decision" in tally.examples
    store = tmp_path / "store.db"
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("CREATE TABLE routings (id TEXT, caller_id TEXT)")
        rows = [("r0", "n0"), ("r1", "n1"), ("r2", "another's"), ("r8", "n8"), ("r9", "n9")]
        connection.executemany("INSERT INTO routings VALUES (?, ?)", rows)
        connection.commit()
    assert unrecorded(store, tally) == (2, 1)


@pytest.mark.parametrize("most", [3.0, 57.0, 60.0, 61.0, 333.0])
def test_saturation_finds_what_a_service_bears(most: float) -> None:
    found = saturation(lambda rate, _: rate <= most, first=60, growth=1.4, close=1.05, trial=1, confirm=1)
    assert most / 1.05 <= found <= most


def test_saturation_gives_up_on_a_service_that_bears_nothing() -> None:
    with pytest.raises(SystemExit, match="doesn't bear"):
        saturation(lambda *_: False, first=60, growth=1.4, close=1.05, trial=1, confirm=1)


def test_bursts_begin_at_ten_times_the_mean() -> None:
    times = burst_times(120)
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < 120
    mean = A_DAY / 120
    for outbreak in (12, 48, 84):
        assert 5 * mean < sum(outbreak <= time < outbreak + 3 for time in times) / 3 < 16 * mean


def test_letters_have_the_length_of_real_ones_and_differ_in_what_they_ask() -> None:
    asked = letters(480)
    lengths = sorted(len(letter.text.split()) for letter in asked)
    assert 40 <= percentile(lengths, 0.5) <= 55
    assert 115 <= percentile(lengths, 0.9) <= 160
    assert sum(letter.place is not None for letter in asked) == 60
    assert {letter.top_k for letter in asked} == {3, 5}
    assert json.loads(asked[3].body("k")) == {"text": asked[3].text, "id": "k", "place": asked[3].place}


def test_only_services_of_this_machine_are_put_under_load() -> None:
    with pytest.raises(SystemExit, match="isn't this machine"):
        attach("http://example.org:8000")
