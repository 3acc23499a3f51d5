"""Both clients against a scripted server on a real socket."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from lapor_route import Complaint, Routing
from lapor_route.client import (
    AsyncClient,
    Client,
    NotFound,
    Overloaded,
    Routed,
    ServiceError,
    TooLarge,
    Unauthorized,
    Unavailable,
    ValidationFailed,
)
from lapor_route.client.answers import routed
from lapor_route.client.wire import MOST_ANSWER_BYTES
from lapor_route.errors import InputError, LaporRouteError
from tests.client.scripted import Breaks, Resets, Says, Scripted, Silent, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lapor_route import Router

TEXT = "Lampu jalan di depan Pasar Legi mati sejak Senin"
ROUTING: dict[str, Any] = Routing("review", None, ()).to_dict()
CANDIDATE = {"body_id": "pln", "name": "PT PLN (Persero)", "probability": 0.9}
DONE = Says(body=ROUTING, headers={"Lapor-Record": "ab12"})
RECEIPT = {
    "id": "f1",
    "record": "ab12",
    "verdict": "changed",
    "body_id": "pln",
    "created_at": "2026-11-29T01:02:03Z",
}


class Asking:
    """One face for both clients, so that they go through the same tests; notes every wait instead of waiting."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.waits: list[float] = []

    def __call__(self, url: str, method: str, *arguments: Any, key: str | None = None, **named: Any) -> Any:
        options = {name: named.pop(name) for name in ("timeout", "retries", "max_wait") if name in named}
        if self.kind == "sync":
            with Client(url, key, sleep=self.waits.append, **options) as client:
                found = getattr(client, method)(*arguments, **named)
                return list(found) if method == "route_many" else found
        return asyncio.run(self._awaited(url, method, arguments, key, options, named))

    async def _awaited(
        self, url: str, method: str, arguments: Any, key: str | None, options: Any, named: Any
    ) -> Any:
        async with AsyncClient(url, key, sleep=self._wait, **options) as client:
            found = getattr(client, method)(*arguments, **named)
            return [routing async for routing in found] if method == "route_many" else await found

    async def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Asking:
    return Asking(request.param)


def test_route_says_what_the_router_says(ask: Asking, router: Router) -> None:
    here = router.route("Jalan berlubang di Kec. Depok, Sleman, lapor ke Dinas PU Kab. Sleman", explain=True)
    assert here.evidence.words
    assert here.evidence.units
    with Scripted(Says(body=here.to_dict(), headers={"Lapor-Record": "ab12"})) as server:
        there = ask(server.url, "route", "Jalan berlubang", "Depok", top_k=3, id="K-7", explain=True)
    assert isinstance(there, Routed)
    assert there.record == "ab12"
    assert {name: getattr(there, name) for name in Routing.__slots__} == {
        name: getattr(here, name) for name in Routing.__slots__
    }
    assert there.to_dict() == here.to_dict()
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("POST", "/v1/route")
    assert asked.body == {"text": "Jalan berlubang", "place": "Depok", "id": "K-7", "top_k": 3, "explain": True}
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["user-agent"].startswith("lapor-route/")
    assert "authorization" not in asked.headers


def test_a_complaint_object_goes_out_whole(ask: Asking) -> None:
    with Scripted(DONE) as server:
        ask(server.url, "route", Complaint(TEXT, "Kota Surakarta", "K-8"), key="lr_0000")
    assert server.asked[0].body == {
        "text": TEXT,
        "place": "Kota Surakarta",
        "id": "K-8",
        "top_k": 5,
        "explain": False,
    }
    assert server.asked[0].headers["authorization"] == "Bearer lr_0000"


def test_what_a_newer_service_adds_is_left_out() -> None:
    found = routed({**ROUTING, "mood": "angry", "candidates": [{**CANDIDATE, "colour": "red"}]}, "ab12")
    assert found.candidates[0].body_id == "pln"
    assert found.to_dict() == {**ROUTING, "candidates": [CANDIDATE]}


def test_odd_text_goes_out(ask: Asking) -> None:
    with Scripted(DONE) as server:
        ask(server.url, "route", "rusak \ud83d parah 🙏")
        ask(server.url, "route", "a" * 30_000)
    assert server.asked[0].body["text"] == "rusak ? parah 🙏"
    assert len(server.asked[1].body["text"]) == 20_001  # read as far as 20,000; one more says that it was longer


def test_an_address_may_have_a_path(ask: Asking) -> None:
    with Scripted(DONE) as server:
        ask(f"{server.url}/lapor/", "route", TEXT)
    assert server.asked[0].path == "/lapor/v1/route"


def batch_answer(number: int) -> Says:
    rows = [{**ROUTING, "id": str(row)} for row in range(number)]
    return Says(body={"routings": rows, "records": [f"r{row}" for row in range(number)]})


def test_many_go_out_in_batches(ask: Asking) -> None:
    with Scripted(batch_answer(256), batch_answer(44)) as server:
        found = ask(server.url, "route_many", (f"keluhan {number}" for number in range(300)), top_k=2)
    assert [len(asked.body["complaints"]) for asked in server.asked] == [256, 44]
    assert server.asked[1].body["complaints"][0] == {"text": "keluhan 256"}
    assert server.asked[0].body["top_k"] == 2
    assert [routing.record for routing in found] == [f"r{row}" for row in (*range(256), *range(44))]


def test_many_are_read_lazily() -> None:
    taken: list[int] = []

    def source() -> Iterator[str]:
        for number in range(9):
            taken.append(number)
            yield f"keluhan {number}"

    with Scripted(batch_answer(3)) as server, Client(server.url) as client:
        found = client.route_many(source(), batch=3)
        assert taken == []
        next(found)
        assert taken == [0, 1, 2]


def test_long_complaints_go_out_in_smaller_requests(ask: Asking) -> None:
    with Scripted(batch_answer(104), batch_answer(96)) as server:
        found = ask(server.url, "route_many", ["x" * 20_000] * 200)
    assert len(found) == 200
    assert [len(asked.body["complaints"]) for asked in server.asked] == [104, 96]


def test_many_wants_many(ask: Asking) -> None:
    with pytest.raises(InputError, match="found one"):
        ask("http://127.0.0.1:1", "route_many", TEXT)
    with pytest.raises(InputError, match="from 1 to 256"):
        ask("http://127.0.0.1:1", "route_many", [TEXT], batch=257)
    with pytest.raises(InputError, match="a string or a Complaint, found int"):
        ask("http://127.0.0.1:1", "route_many", [7])


def test_a_batch_with_missing_routings_is_no_answer(ask: Asking) -> None:
    with Scripted(batch_answer(1)) as server, pytest.raises(ServiceError, match="1 routings of 2 complaints"):
        ask(server.url, "route_many", [TEXT, TEXT])


def test_feedback(ask: Asking) -> None:
    with Scripted(Says(201, RECEIPT)) as server:
        receipt = ask(server.url, "feedback", "changed", record="ab12", body_id="pln", officer="Bu Rini")
    assert receipt.created_at == datetime(2026, 11, 29, 1, 2, 3, tzinfo=timezone.utc)
    assert receipt.body_id == "pln"
    assert server.asked[0].body == {
        "verdict": "changed",
        "record": "ab12",
        "body_id": "pln",
        "officer": "Bu Rini",
    }
    with Scripted(Says(201, RECEIPT)) as server:
        ask(server.url, "feedback", "accepted", id="K-7", note="sesuai")
    assert server.asked[0].body == {"verdict": "accepted", "id": "K-7", "note": "sesuai"}


@pytest.mark.parametrize("which", [{}, {"record": "ab12", "id": "K-7"}])
def test_feedback_is_about_one_routing(ask: Asking, which: dict[str, str]) -> None:
    with pytest.raises(InputError, match="record= or id="):
        ask("http://127.0.0.1:1", "feedback", "accepted", **which)


def test_bodies(ask: Asking, router: Router) -> None:
    pln = router.registry["pln"]
    with Scripted(Says(body={"bodies": [pln.to_dict()], "total": 1})) as server:
        assert ask(server.url, "bodies", "pln & co", limit=3) == [pln]
        assert ask(server.url, "bodies") == [pln]
    assert [asked.path for asked in server.asked] == ["/v1/bodies?q=pln+%26+co&limit=3", "/v1/bodies"]
    with Scripted(Says(body=pln.to_dict())) as server:
        assert ask(server.url, "body", "../pln") == pln
    assert server.asked[0].path == "/v1/bodies/..%2Fpln"


def test_info_and_ready(ask: Asking) -> None:
    with Scripted(Says(body={"package": "0.1.0"}), Says(200), problem(503, "unavailable")) as server:
        assert ask(server.url, "info") == {"package": "0.1.0"}
        assert ask(server.url, "ready") is True
        assert ask(server.url, "ready") is False
    assert ask(server.url, "ready") is False
    assert ask.waits == []


def test_an_overloaded_service_is_asked_again_when_it_says(ask: Asking) -> None:
    busy = problem(503, "overloaded", headers={"Retry-After": "7"})
    with Scripted(busy, busy, DONE) as server:
        assert ask(server.url, "route", TEXT).record == "ab12"
    assert len(server.asked) == 3
    assert [7 <= wait <= 7 + most for wait, most in zip(ask.waits, (0.25, 0.5), strict=True)] == [True, True]


def test_a_date_to_come_back_at(ask: Asking) -> None:
    # By the service's own clock, an hour behind ours.
    now = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=1)
    headers = {
        "Date": format_datetime(now, usegmt=True),
        "Retry-After": format_datetime(now + timedelta(seconds=20), usegmt=True),
    }
    with Scripted(problem(429, "rate_limited", headers=headers), DONE) as server:
        ask(server.url, "route", TEXT)
    assert 20 <= ask.waits[0] <= 20.25


def test_a_date_without_a_clock_is_by_ours(ask: Asking) -> None:
    then = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=40), usegmt=True)
    with Scripted(problem(429, "rate_limited", headers={"Retry-After": then}), DONE) as server:
        ask(server.url, "route", TEXT)
    assert 5 < ask.waits[0] <= 40.25


@pytest.mark.parametrize("value", ["soon", "", "-3", "Wed, 99 Foo 2026 00:00:00 GMT"])
def test_a_retry_after_that_makes_no_sense_counts_as_none(ask: Asking, value: str) -> None:
    with Scripted(problem(503, "overloaded", headers={"Retry-After": value}), DONE) as server:
        ask(server.url, "route", TEXT)
    assert 0 <= ask.waits[0] <= 0.25


def test_the_waits_of_one_request_are_capped(ask: Asking) -> None:
    with (
        Scripted(problem(503, "overloaded", "busy", headers={"Retry-After": "40"})) as server,
        pytest.raises(Overloaded, match=r"busy; ask again later .*\(it asks for 40 s\)") as caught,
    ):
        ask(server.url, "route", TEXT)
    assert len(server.asked) == len(ask.waits) + 1 == 2  # 40 s once; twice would be more than 60
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (503, "overloaded", 40)
    with Scripted(problem(503, "overloaded", headers={"Retry-After": "40"})) as server, pytest.raises(Overloaded):
        ask(server.url, "route", TEXT, max_wait=30)
    assert len(server.asked) == 1


def test_the_tries_are_counted(ask: Asking) -> None:
    with (
        Scripted(Says(502, b"bad gateway", media_type="text/plain")) as server,
        pytest.raises(Unavailable, match="HTTP 502, 'bad gateway'"),
    ):
        ask(server.url, "route", TEXT, retries=2)
    assert len(server.asked) == 3
    with Scripted(problem(503, "unavailable")) as server, pytest.raises(Unavailable):
        ask(server.url, "route", TEXT, retries=0)
    assert len(server.asked) == 1


def test_pauses_grow_and_are_jittered(ask: Asking) -> None:
    with Scripted(Says(503, b"")) as server, pytest.raises(Unavailable):
        ask(server.url, "route", TEXT, retries=9, max_wait=1e9)
    assert len(ask.waits) == len(set(ask.waits)) == 9
    assert all(0 <= wait <= min(8, 0.25 * 2**number) for number, wait in enumerate(ask.waits))
    assert max(ask.waits) > 0.5  # by chance it isn't once in five million runs


def test_a_broken_connection_is_tried_again(ask: Asking) -> None:
    with Scripted(Resets(), Breaks(), DONE) as server:
        assert ask(server.url, "route", TEXT).record == "ab12"
    assert len(server.asked) == 3


def test_feedback_is_not_sent_twice(ask: Asking) -> None:
    for line in (Resets(), Breaks(), Says(503, b"upstream reset"), Says(502, b"bad gateway")):
        with Scripted(line) as server, pytest.raises(Unavailable):
            ask(server.url, "feedback", "accepted", record="ab12")
        assert len(server.asked) == 1, line
    with Scripted(Resets()) as server, pytest.raises(Unavailable, match="may have taken") as caught:
        ask(server.url, "feedback", "accepted", record="ab12")
    assert (caught.value.status, caught.value.code) == (None, "unreachable")


def test_feedback_that_was_not_taken_is_sent_again(ask: Asking) -> None:
    taken = Says(201, RECEIPT)
    script = (problem(503, "overloaded"), Says(429, b"slow down"), problem(503, "unavailable"), taken)
    with Scripted(*script) as server:
        assert ask(server.url, "feedback", "accepted", record="ab12").id == "f1"
    assert len(server.asked) == 4


def test_a_service_that_comes_up_late(ask: Asking) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=r"ConnectError.*lapor-route serve") as caught:
            ask(f"http://127.0.0.1:{port}", "feedback", "accepted", record="ab12", retries=3)
    assert len(ask.waits) == 3
    assert "may have taken" not in str(caught.value)


def test_what_was_too_slow_is_not_asked_again(ask: Asking) -> None:
    with Scripted(Silent()) as server, pytest.raises(Unavailable, match="ReadTimeout"):
        ask(server.url, "route", TEXT, timeout=0.2)
    assert len(server.asked) == 1


REFUSALS = [
    (problem(401, "unauthorized", "this key was revoked"), Unauthorized, "this key was revoked; pass a valid key"),
    (problem(413, "too_large", "over 4 MiB"), TooLarge, "send fewer or shorter complaints"),
    (problem(404, "not_found", "no body 'plnn'"), NotFound, "no body 'plnn'"),
    (problem(504, "deadline", "not done in 10 s"), Overloaded, "not done in 10 s"),
    (problem(500, "internal", "something broke"), ServiceError, "something broke; see the service's log"),
    (problem(418, "teapot", "new in version 9"), ServiceError, "new in version 9"),
    (Says(401, b"<h1>Login</h1>", media_type="text/html"), Unauthorized, "HTTP 401, '<h1>Login</h1>'"),
    (Says(413, b"<html>413 Request Entity Too Large</html>"), TooLarge, "raise the limits"),
    (Says(404, b"nginx"), NotFound, "HTTP 404, 'nginx'; check the id, and that base_url"),
    (Says(504, b""), Unavailable, "HTTP 504; check that it runs"),
    (Says(503, b"{broken", media_type="application/problem+json"), Unavailable, "HTTP 503"),
    (Says(503, b"[1]", media_type="application/problem+json"), Unavailable, "HTTP 503"),
    (Says(302, b"", {"Location": "https://sso.example/"}), ServiceError, "HTTP 302 to https://sso.example/"),
    (Says(200, b"<html>Selamat datang", media_type="text/html"), ServiceError, "isn't one of lapor-route"),
    (Says(200, [1, 2]), ServiceError, "a list instead of an object"),
    (Says(200, {"hello": "world"}), ServiceError, "check base_url"),
]


@pytest.mark.parametrize(("line", "kind", "message"), REFUSALS)
def test_refusals_say_what_to_do(ask: Asking, line: Says, kind: type[ServiceError], message: str) -> None:
    with Scripted(line) as server, pytest.raises(ServiceError) as caught:
        ask(server.url, "route", TEXT, key="lr_secret", retries=0)
    assert type(caught.value) is kind
    assert message in str(caught.value)
    assert caught.value.status == line.status
    assert "lr_secret" not in str(caught.value)
    assert TEXT not in str(caught.value)
    assert isinstance(caught.value, LaporRouteError)


def test_refused_input_says_where(ask: Asking) -> None:
    errors = [{"pointer": "#/top_k", "detail": "must be at most 25"}]
    with (
        Scripted(problem(422, "validation", "wrong request", errors=errors)) as server,
        pytest.raises(ValidationFailed, match="wrong request; #/top_k: must be at most 25; mend") as caught,
    ):
        ask(server.url, "route", TEXT, top_k=99)
    assert caught.value.errors == tuple(errors)
    told = "the request is wrong at #/top_k: must be at most 25"
    with (
        Scripted(problem(422, "validation", told, errors=errors)) as server,
        pytest.raises(ValidationFailed) as caught,
    ):
        ask(server.url, "route", TEXT, top_k=99)
    assert str(caught.value) == f"{told}; mend the request"


def test_a_long_page_of_a_proxy_is_quoted_in_part(ask: Asking) -> None:
    with (
        Scripted(Says(500, b"<p>oops " * 100_000, media_type="text/html")) as server,
        pytest.raises(ServiceError, match="<p>oops") as caught,
    ):
        ask(server.url, "route", TEXT)
    assert len(str(caught.value)) < 300


def test_an_endless_answer_is_cut_off(ask: Asking) -> None:
    with (
        Scripted(Says(200, b" " * (MOST_ANSWER_BYTES + 1))) as server,
        pytest.raises(ServiceError, match="over 64 MiB"),
    ):
        ask(server.url, "info")


@pytest.mark.parametrize("url", ["lapor.example.go.id", "ftp://lapor.example", "http://", ""])
def test_a_wrong_address_is_refused(url: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(InputError, match="base_url must look like"):
            kind(url)


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="below 0"):
        Client("http://127.0.0.1:1", retries=-1)


def test_an_http_client_of_ones_own_stays_open() -> None:
    with Scripted(DONE) as server, httpx.Client(headers={"X-Gateway": "kominfo"}) as http:
        with Client(server.url, http=http) as client:
            client.route(TEXT)
        with Client(server.url, http=http) as client:
            client.route(TEXT)
    assert [asked.headers["x-gateway"] for asked in server.asked] == ["kominfo", "kominfo"]


def test_an_async_http_client_of_ones_own_stays_open() -> None:
    async def both(url: str) -> bool:
        async with httpx.AsyncClient() as http:
            async with AsyncClient(url, http=http) as client:
                await client.route(TEXT)
            return http.is_closed

    with Scripted(DONE) as server:
        assert asyncio.run(both(server.url)) is False


def test_a_key_is_not_shown() -> None:
    with Client("https://lapor.example.go.id/", "lr_secret") as client:
        assert repr(client) == "Client('https://lapor.example.go.id')"


def test_importing_it_loads_no_engine() -> None:
    heavy = ("torch", "onnxruntime", "fastapi", "transformers", "sentencepiece", "sqlalchemy")
    code = f"import sys, lapor_route.client; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_httpx_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['httpx'] = None; import lapor_route.client"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "MissingExtraError: the client needs httpx: pip install 'lapor-route[client]'" in done.stderr
