from __future__ import annotations

from typing import TYPE_CHECKING

from lapor_route.service import security
from lapor_route.service.security import RateLimiter
from lapor_route.service.store import Store
from tests.service.apps import running, settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from lapor_route import Router


def test_only_a_valid_key_is_let_in(router: Router, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "KNOWN_SECONDS", -1.0)
    store = Store.open(settings(tmp_path).store)
    key = store.add_key("dasbor")
    right = {"authorization": f"Bearer {key}"}
    with running(router, settings(tmp_path, require_key=True)) as client:
        for path in ("/v1/info", "/v1/queue", "/v1/bodies/pln", "/metrics"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert client.get(path, headers=right).status_code == 200
        for wrong in (
            "",
            "Bearer",
            f"Basic {key}",
            f"Bearer {key}x",
            f"Bearer {key[:-1]}",
            "Bearer lr_00000000_" + "a" * 43,
        ):
            assert client.get("/v1/info", headers={"authorization": wrong}).status_code == 401
        assert client.head("/").status_code == 200
        for path in ("/", "/health/live", "/health/ready", "/static/index.html"):
            assert client.get(path).status_code == 200
        assert client.post("/v1/route", json={"text": "listrik padam"}, headers=right).status_code == 200
        assert store.latest(1)[0].key_name == "dasbor"
        store.revoke_key(store.keys()[0].id)
        assert client.get("/v1/info", headers=right).status_code == 401


def test_a_revoked_key_works_some_seconds_at_most(router: Router, tmp_path: Path) -> None:
    store = Store.open(settings(tmp_path).store)
    right = {"authorization": f"Bearer {store.add_key('dasbor')}"}
    with running(router, settings(tmp_path, require_key=True)) as client:
        assert client.get("/v1/info", headers=right).status_code == 200
        store.revoke_key(store.keys()[0].id)
        assert client.get("/v1/info", headers=right).status_code == 200  # known from memory
    assert security.KNOWN_SECONDS <= 10


def test_the_store_holds_no_key(tmp_path: Path) -> None:
    store = Store.open(settings(tmp_path).store)
    key = store.add_key("dasbor")
    store.close()
    secret = key.split("_", 2)[2].encode()  # it may hold an underscore itself
    assert not any(secret in file.read_bytes() for file in tmp_path.iterdir())


def test_a_key_has_its_rate(router: Router, tmp_path: Path) -> None:
    store = Store.open(settings(tmp_path).store)
    one, other = ({"authorization": f"Bearer {store.add_key(name)}"} for name in "ab")
    with running(router, settings(tmp_path, require_key=True, rate_limit_per_minute=3)) as client:
        statuses = [client.get("/v1/info", headers=one).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        refused = client.get("/v1/info", headers=one)
        assert refused.json()["code"] == "rate_limited"
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert client.get("/v1/info", headers=other).status_code == 200


def test_without_keys_an_address_has_its_rate(router: Router, tmp_path: Path) -> None:
    with running(router, settings(tmp_path, rate_limit_per_minute=2)) as client:
        assert [client.get("/v1/info").status_code for _ in range(3)] == [200, 200, 429]
        assert client.get("/health/live").status_code == 200


def test_requests_come_back_evenly() -> None:
    limiter = RateLimiter(60)
    assert [limiter.take("a", now=0.0) for _ in range(61)] == [0] * 60 + [1]
    assert [limiter.take("a", now=1.0) for _ in range(2)] == [0, 1]
    assert [limiter.take("a", now=1000.0) for _ in range(61)] == [0] * 60 + [1]


def test_very_many_askers_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "_MOST_KNOWN", 10)
    limiter = RateLimiter(1)
    for number in range(100):
        assert limiter.take(f"asker {number}", now=0.0) == 0
    assert len(limiter._buckets) <= 10


def test_who_guesses_keys_has_a_rate_too(router: Router, tmp_path: Path) -> None:
    with running(router, settings(tmp_path, require_key=True, rate_limit_per_minute=3)) as client:
        wrong = {"authorization": "Bearer lr_00000000_" + "a" * 43}
        statuses = [client.get("/v1/info", headers=wrong).status_code for _ in range(5)]
        assert statuses == [401, 401, 401, 429, 429]


def test_a_callers_key_sees_only_its_own(router: Router, tmp_path: Path) -> None:
    store = Store.open(settings(tmp_path).store)
    one, other, officer = (
        {"authorization": f"Bearer {store.add_key(name, role)}"}
        for name, role in (("situs", "caller"), ("aplikasi", "caller"), ("petugas", "officer"))
    )
    with running(router, settings(tmp_path, require_key=True)) as client:
        complaint = {"text": "lampu jalan mati semua pak", "id": "LAPOR-1"}
        mine = client.post("/v1/route", json=complaint, headers=one).headers["lapor-record"]
        theirs = client.post("/v1/route", json=complaint, headers=other).headers["lapor-record"]
        for method, path, body in (
            ("POST", "/v1/queue/next", {"officer": "Ani"}),
            ("POST", "/v1/queue/skip", {"officer": "Ani", "record": mine}),
            ("GET", "/v1/queue", None),
            ("GET", "/v1/statistics", None),
        ):
            assert client.request(method, path, json=body, headers=one).json()["code"] == "forbidden"
            assert client.request(method, path, json=body, headers=officer).status_code in (200, 204)
        said = {"verdict": "out_of_scope"}
        assert client.post("/v1/feedback", json={**said, "id": "LAPOR-1"}, headers=one).json()["record"] == mine
        assert client.post("/v1/feedback", json={**said, "record": theirs}, headers=one).status_code == 404
        assert client.post("/v1/feedback", json={**said, "record": theirs}, headers=officer).status_code == 201
