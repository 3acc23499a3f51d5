from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lapor_route import Complaint, Router
from lapor_route.service.schemas import RoutingOut
from lapor_route.service.store import Store
from tests.service.apps import running, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fastapi.testclient import TestClient

DEPOK = "Jalan berlubang di Kec. Depok, Sleman"
JSON = {"content-type": "application/json"}
NOWHERE = "lampu jalan mati semua, tolong diperbaiki pak"
PERSONAL = "Nama saya Budi Hartono, HP 0812-3456-7890. Jalan berlubang di Kec. Depok, Sleman."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def client(router: Router, folder: Path) -> Iterator[TestClient]:
    with running(router, settings(folder, max_batch=5, max_body_bytes=200_000)) as client:
        yield client


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert (found["status"], found["code"]) == (status, code)
    assert found["title"]
    assert found["detail"]
    return found


def routed(client: TestClient, text: str, **more: Any) -> str:
    answer = client.post("/v1/route", json={"text": text, **more})
    assert answer.status_code == 200
    record: str = answer.headers["lapor-record"]
    return record


# Routing


@pytest.mark.parametrize(
    "request_",
    [
        {"text": DEPOK},
        {"text": NOWHERE},
        {"text": NOWHERE, "place": "Kab. Klaten", "top_k": 1, "id": "tiket 7"},
        {"text": "Kartu BPJS saya tidak aktif", "explain": True},
        {"text": ""},
        {"text": "🙏\x00 ‮" + "a" * 30_000, "top_k": 25},
    ],
)
def test_an_answer_is_the_librarys_own(client: TestClient, router: Router, request_: dict[str, Any]) -> None:
    answer = client.post("/v1/route", json=request_)
    complaint = Complaint(request_["text"], request_.get("place"), request_.get("id"))
    expected = router.route(complaint, top_k=request_.get("top_k", 5), explain=request_.get("explain", False))
    assert answer.status_code == 200
    assert answer.json() == expected.to_dict()
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["lapor-record"])


def test_a_batch_keeps_its_order(client: TestClient, router: Router) -> None:
    complaints = [
        {"text": NOWHERE, "id": "a"},
        {"text": DEPOK, "id": "b"},
        {"text": NOWHERE, "place": "Kota Malang"},
    ]
    answer = client.post("/v1/route/batch", json={"complaints": complaints, "top_k": 2})
    expected = router.route_many([Complaint(c["text"], c.get("place"), c.get("id")) for c in complaints], top_k=2)
    assert answer.json()["routings"] == [routing.to_dict() for routing in expected]
    assert len(set(answer.json()["records"])) == 3


def test_the_documented_shape_holds(client: TestClient) -> None:
    data = client.post("/v1/route", json={"text": DEPOK, "explain": True}).json()
    assert RoutingOut.model_validate(data).model_dump() == data


# Errors


def test_what_is_no_json(client: TestClient) -> None:
    headers = {"content-type": "application/json"}
    for content in (b"{", b"", b"\xff\xfe\x00", b"null", b"[1]", b'"text"'):
        answer = client.post("/v1/route", content=content, headers=headers)
        assert answer.status_code in (400, 422)
        problem(answer, answer.status_code, "validation")
    gzipped = {"content-type": "application/json", "content-encoding": "gzip"}
    for wrong in ({"content-type": "text/plain"}, {}, {"content-type": "multipart/form-data"}, gzipped):
        problem(client.post("/v1/route", content=b"x", headers=wrong), 415, "unsupported_media_type")
    right = {"content-type": "Application/JSON; charset=utf-8"}
    assert client.post("/v1/route", content=b'{"text": "x"}', headers=right).status_code == 200


@pytest.mark.parametrize(
    ("request_", "pointer"),
    [
        ({}, "#/text"),
        ({"text": 5}, "#/text"),
        ({"text": "x", "top_k": 0}, "#/top_k"),
        ({"text": "x", "top_k": 26}, "#/top_k"),
        ({"text": "x", "nama": "y"}, "#/nama"),
        ({"text": "x", "id": "y" * 201}, "#/id"),
    ],
)
def test_what_is_wrong_is_pointed_at(client: TestClient, request_: dict[str, Any], pointer: str) -> None:
    found = problem(client.post("/v1/route", json=request_), 422, "validation")
    assert [error["pointer"] for error in found["errors"]] == [pointer]
    assert pointer in found["detail"]


def test_half_a_surrogate_pair_is_replaced(client: TestClient, router: Router) -> None:
    headers = {"content-type": "application/json"}
    content = b'{"text": "Kec. Depok\\ud800, Sleman", "id": "\\udfff7"}'
    answer = client.post("/v1/route", content=content, headers=headers)
    expected = router.route(
        Complaint("Kec. Depok\N{REPLACEMENT CHARACTER}, Sleman", id="\N{REPLACEMENT CHARACTER}7")
    )
    assert answer.json() == expected.to_dict()


def test_what_was_sent_is_never_echoed_in_an_error(client: TestClient) -> None:
    for request in ({"text": {"rahasia": 1}, "top_k": "rahasia"}, {"text": "x", "rahasia 3404012345678901": 1}):
        answer = client.post("/v1/route", json=request)
        assert "rahasia" not in str(problem(answer, 422, "validation"))


def test_very_many_errors_cost_little_and_are_not_all_told(client: TestClient) -> None:
    headers = {"content-type": "application/json"}
    for content in (b'{"complaints": [' + b"{}," * 60_000 + b"{}]}", b'{"complaints": [' + b"1," * 90_000 + b"1]}"):
        answer = client.post("/v1/route/batch", content=content, headers=headers)
        assert answer.status_code in (413, 422)
        assert len(answer.content) < 5_000
    keys = ",".join(f'"k{number}": 1' for number in range(15_000))
    answer = client.post("/v1/route", content=f'{{"text": "x", {keys}}}'.encode(), headers=headers)
    problem(answer, 422, "validation")
    assert len(answer.content) < 5_000


def test_what_is_too_large(client: TestClient) -> None:
    problem(client.post("/v1/route", json={"text": "a" * 200_000}), 413, "too_large")

    def chunks() -> Iterator[bytes]:
        for _ in range(300):
            yield b"a" * 1000

    problem(client.post("/v1/route", content=chunks(), headers=JSON), 413, "too_large")
    found = problem(client.post("/v1/route/batch", json={"complaints": [{"text": "x"}] * 6}), 413, "too_large")
    assert "at most 5" in found["detail"]


def test_what_is_not_there(client: TestClient) -> None:
    problem(client.get("/v2"), 404, "not_found")
    problem(client.get("/v1/route"), 405, "method_not_allowed")
    problem(client.get("/v1/bodies/pemkab-atlantis"), 404, "not_found")
    problem(client.get("/v1/statistics?days=0"), 422, "validation")


class Broken:
    labels = ("pln", "kabupaten_kota")

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        if any("meledak" in text for text in texts):
            raise RuntimeError("rahasia dapur")
        return np.full((len(texts), 2), 0.5)


def test_a_failure_of_ours_tells_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    with running(Router(classifier=Broken()), settings(tmp_path), raise_errors=False) as client:
        answer = client.post("/v1/route", json={"text": "meledak"})
        assert "dapur" not in str(problem(answer, 500, "internal"))
        assert answer.headers["x-request-id"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert client.post("/v1/route", json={"text": "listrik padam"}).status_code == 200


def test_what_cannot_be_kept_is_not_given(router: Router, tmp_path: Path) -> None:
    with running(router, settings(tmp_path)) as client:
        with sqlite3.connect(tmp_path / "store.db") as connection:
            connection.execute("DROP TABLE routings")
        answer = client.post("/v1/route", json={"text": DEPOK})
        problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/live").status_code == 200


# Health


def test_health_tells_the_truth_while_the_model_loads_and_when_it_cannot(router: Router, tmp_path: Path) -> None:
    from threading import Event

    from fastapi.testclient import TestClient

    from lapor_route.errors import BundleError
    from lapor_route.service.app import create_app
    from tests.service.apps import wait_until

    go, failing = Event(), Event()

    def load() -> Router:
        go.wait(30)
        if failing.is_set():
            raise BundleError("the bundle is damaged")
        return router

    for fails in (False, True):
        go.clear()
        if fails:
            failing.set()
        with TestClient(create_app(settings(tmp_path), load)) as client:
            assert client.get("/health/live").json()["status"] == "ok"
            ready = client.get("/health/ready")
            assert (ready.status_code, ready.json()["status"]) == (503, "loading")
            problem(client.post("/v1/route", json={"text": DEPOK}), 503, "unavailable")
            go.set()
            wait_until(lambda: client.get("/health/ready").json()["status"] != "loading")
            ready = client.get("/health/ready")
            if fails:
                assert (ready.status_code, ready.json()["status"]) == (503, "failed")
                assert "damaged" in ready.json()["detail"]
                problem(client.post("/v1/route", json={"text": DEPOK}), 503, "unavailable")
            else:
                assert ready.status_code == 200


# Bodies


def test_bodies_are_found(client: TestClient, router: Router) -> None:
    every = client.get("/v1/bodies").json()
    assert every["total"] == len(every["bodies"]) == len(router.registry.connected) == 679
    found = client.get("/v1/bodies", params={"q": "sleman", "limit": 3}).json()
    assert found["bodies"][0]["id"] == "pemkab-sleman"
    assert len(found["bodies"]) <= 3
    assert client.get("/v1/bodies", params={"q": "zzzzqqq"}).json()["bodies"] == []
    body = client.get("/v1/bodies/kominfo").json()
    assert body["successors"]


def test_bodies_are_not_sent_again(client: TestClient) -> None:
    tag = client.get("/v1/bodies").headers["etag"]
    again = client.get("/v1/bodies", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/v1/bodies", headers={"if-none-match": '"older"'}).status_code == 200
    page = client.get("/static/index.html")
    assert page.headers["cache-control"] == "no-cache"
    assert client.get("/static/index.html", headers={"if-none-match": page.headers["etag"]}).status_code == 304


def test_info(client: TestClient, router: Router) -> None:
    info = client.get("/v1/info").json()
    assert info["model"] == router.versions["model"]
    assert info["max_batch"] == 5


# Feedback, queue, statistics


def test_feedback_is_kept_masked(client: TestClient, folder: Path) -> None:
    record = routed(client, DEPOK)
    note = "sudah saya telepon Bapak Joko Widagdo di 0813 9876 5432"
    answer = client.post(
        "/v1/feedback",
        json={"record": record, "verdict": "changed", "body_id": "pemprov-di-yogyakarta", "note": note},
    )
    assert answer.status_code == 201
    assert answer.json()["body_id"] == "pemprov-di-yogyakarta"
    accepted = client.post("/v1/feedback", json={"record": record, "verdict": "accepted"})
    assert accepted.json()["body_id"] == "pemkab-sleman"
    first, second = Store.open(f"sqlite:///{folder / 'store.db'}").feedback(record)
    assert first.note is not None
    assert "9876" not in first.note
    assert (first.verdict, second.verdict) == ("changed", "accepted")


def test_feedback_by_the_callers_own_id(client: TestClient) -> None:
    record = routed(client, DEPOK, id="tiket 99")
    answer = client.post("/v1/feedback", json={"id": "tiket 99", "verdict": "out_of_scope"})
    assert (answer.json()["record"], answer.json()["body_id"]) == (record, None)


def test_wrong_feedback(client: TestClient) -> None:
    record = routed(client, DEPOK)
    for request in (
        {"verdict": "accepted"},
        {"record": record, "id": "x", "verdict": "accepted"},
        {"record": record, "verdict": "changed"},
        {"record": record, "verdict": "out_of_scope", "body_id": "pln"},
        {"record": record, "verdict": "accepted", "body_id": "pln"},
        {"record": record, "verdict": "perhaps"},
    ):
        problem(client.post("/v1/feedback", json=request), 422, "validation")
    problem(client.post("/v1/feedback", json={"record": "0" * 32, "verdict": "accepted"}), 404, "not_found")
    unknown = {"record": record, "verdict": "changed", "body_id": "pemkab-atlantis"}
    problem(client.post("/v1/feedback", json=unknown), 404, "not_found")


def test_two_officers_work_through_the_queue(router: Router, tmp_path: Path) -> None:
    with running(router, settings(tmp_path)) as client:
        routed(client, DEPOK)  # forwarded: nobody's work
        first, second = routed(client, NOWHERE), routed(client, "sampah menumpuk berbulan-bulan di pinggir jalan")
        assert client.get("/v1/queue").json() == {"waiting": 2}
        mine = client.post("/v1/queue/next", json={"officer": "Ani"}).json()
        yours = client.post("/v1/queue/next", json={"officer": "Beni"}).json()
        assert (mine["record"], yours["record"]) == (first, second)
        assert mine["routing"] == router.route(NOWHERE).to_dict()
        assert client.post("/v1/queue/next", json={"officer": "Cici"}).status_code == 204
        assert client.post("/v1/queue/skip", json={"officer": "Ani", "record": first}).status_code == 204
        assert client.post("/v1/queue/next", json={"officer": "Cici"}).json()["record"] == first
        client.post("/v1/feedback", json={"record": first, "verdict": "out_of_scope", "officer": "Cici"})
        assert client.get("/v1/queue").json() == {"waiting": 1}
        problem(client.post("/v1/queue/skip", json={"officer": "Ani", "record": "x"}), 404, "not_found")
        problem(client.post("/v1/queue/next", json={"officer": ""}), 422, "validation")


def test_a_routing_that_is_not_kept_leaves_nothing(router: Router, tmp_path: Path) -> None:
    with running(router, settings(tmp_path)) as client:
        answer = client.post("/v1/route", json={"text": NOWHERE, "keep": False, "explain": True})
        assert answer.json() == router.route(NOWHERE, explain=True).to_dict()
        assert "lapor-record" not in answer.headers
        assert client.get("/v1/queue").json() == {"waiting": 0}
        assert Store.open(f"sqlite:///{tmp_path / 'store.db'}").latest(1) == []


def test_an_officers_own_complaint_is_theirs_and_replaces_its_earlier_routing(
    router: Router, tmp_path: Path
) -> None:
    with running(router, settings(tmp_path)) as client:
        first = routed(client, NOWHERE, officer="Ani")
        second = routed(client, NOWHERE, place="di rumah", officer="Ani", replaces=first)
        for foreign in ({"text": "lain", "replaces": second}, {"text": NOWHERE, "replaces": "0" * 32}):
            problem(client.post("/v1/route", json=foreign), 404, "not_found")
        problem(client.post("/v1/route", json={"text": "x", "keep": False, "officer": "Ani"}), 422, "validation")
        assert client.get("/v1/queue").json() == {"waiting": 1}
        assert client.post("/v1/queue/next", json={"officer": "Beni"}).status_code == 204
        assert client.post("/v1/queue/next", json={"officer": "Ani"}).json()["record"] == second


def test_what_waits_is_masked_and_its_offsets_fit(router: Router, tmp_path: Path) -> None:
    with running(router, settings(tmp_path)) as client:
        text = (
            PERSONAL.replace("Jalan berlubang", "Sekolah rusak, halaman banjir")
            + " Apa bisa dibantu Dinas Pendidikan?"
        )
        routed(client, text, explain=True)
        record = Store.open(f"sqlite:///{tmp_path / 'store.db'}").latest(1)[0]
        assert "Hartono" not in str(record)
        assert "3456" not in str(record)
        evidence = record.routing["evidence"]
        assert record.routing["places"]
        assert evidence["words"]
        for item in [*record.routing["places"], *evidence["units"], *evidence["words"]]:
            assert record.text[item["start"] : item["end"]] == item["text"]


def test_statistics_count_what_happened(router: Router, tmp_path: Path) -> None:
    with running(router, settings(tmp_path)) as client:
        records = [routed(client, DEPOK) for _ in range(3)]
        routed(client, NOWHERE)
        client.post("/v1/feedback", json={"record": records[0], "verdict": "accepted"})
        for record in records[1:]:
            changed = {"record": record, "verdict": "changed", "body_id": "pln"}
            client.post("/v1/feedback", json=changed)
        found = client.get("/v1/statistics?days=7").json()
    assert len(found["days"]) == 7
    assert found["days"][-1] == {
        "date": found["days"][-1]["date"],
        "routings": 4,
        "forward": 3,
        "review": 0,
        "ask": 1,
    }
    assert found["decisions"] == {"forward": 3, "review": 0, "ask": 1}
    assert found["feedback"] == {"accepted": 1, "changed": 2, "out_of_scope": 0}
    assert found["agreement"] == pytest.approx(1 / 3, abs=1e-3)
    assert found["most_changed"] == [
        {
            "from_body_id": "pemkab-sleman",
            "from_name": "Pemerintah Kabupaten Sleman",
            "to_body_id": "pln",
            "to_name": router.registry["pln"].name,
            "count": 2,
        }
    ]
    assert found["waiting"] == 1


# The page, the headers, the document


def test_every_answer_is_protected(client: TestClient) -> None:
    for path in ("/", "/v1/info", "/v2", "/static/index.html", "/health/live"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    assert client.get("/v1/info").headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in client.get("/v1/info", headers={"origin": "https://x.id"}).headers


def test_other_origins_only_where_told(router: Router, tmp_path: Path) -> None:
    with running(router, settings(tmp_path, cors_origins=("https://desk.id",))) as client:
        for origin, allowed in (("https://desk.id", "https://desk.id"), ("https://evil.id", None)):
            answer = client.get("/v1/info", headers={"origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed


def test_the_page_is_served(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert '<html lang="id"' in page.text


def test_the_document_names_what_can_happen(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operations = {
        (path, method): op for path, methods in document["paths"].items() for method, op in methods.items()
    }
    assert ("/v1/route", "post") in operations
    for (path, _), operation in operations.items():
        if path.startswith("/v1/"):
            assert {"401", "422", "503"} <= set(operation["responses"]), path
            content = operation["responses"]["503"]["content"]["application/problem+json"]
            assert content["schema"]["$ref"].endswith("/ProblemOut")
    assert "ProblemOut" in document["components"]["schemas"]
    assert "Sleman" in str(document["components"]["schemas"]["RouteRequest"])


def test_metrics_tell_what_happened(router: Router, tmp_path: Path) -> None:
    with running(router, settings(tmp_path)) as client:
        routed(client, DEPOK)
        routed(client, NOWHERE)
        client.post("/v1/route", json={})
        text = client.get("/metrics").text
    for line in (
        'lapor_route_requests_total{method="POST",route="/v1/route",status="200"} 2.0',
        'lapor_route_requests_total{method="POST",route="/v1/route",status="422"} 1.0',
        'lapor_route_decisions_total{decision="forward",tier="regency"} 1.0',
        'lapor_route_queue_depth{lane="route"} 0.0',
        'lapor_route_stage_seconds_count{stage="queue"} 2.0',
        'lapor_route_stage_seconds_count{stage="total"} 2.0',
    ):
        assert line in text
    for stage in ("tokenise", "infer", "places", "store"):
        assert f'lapor_route_stage_seconds_count{{stage="{stage}"}}' in text
    assert router.versions["model"] in text
    assert "Sleman" not in text
