from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from lapor_route.cli import main
from lapor_route.service.ids import new_id
from lapor_route.service.replay import replay
from lapor_route.service.store import Feedback, RoutingRecord, Store

if TYPE_CHECKING:
    from pathlib import Path

    from lapor_route import Router

DEPOK = "Jalan berlubang di Kec. Depok, Sleman"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def filled(url: str, router: Router, *texts: str, age: int = 0) -> list[str]:
    store = Store.open(url)
    store.upgrade()
    records = [
        RoutingRecord(
            id=new_id(),
            created_at=datetime.now(timezone.utc) - timedelta(days=age),
            caller_id=None,
            text=text,
            place=None,
            text_hash="0",
            routing=router.route(text).to_dict(),
            top_k=5,
            latency_ms=1.0,
            key_name=None,
        )
        for text in texts
    ]
    store.add_routings(records)
    store.close()
    return [record.id for record in records]


def test_keys_are_made_listed_and_revoked(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "list", "--store", url]) == 1
    assert "lapor-route store upgrade" in capsys.readouterr().err
    assert main(["store", "upgrade", "--store", url]) == 0
    capsys.readouterr()
    assert main(["keys", "create", "dasbor", "--store", url]) == 0
    key = capsys.readouterr().out.strip()
    found = Store.open(url).key(key)
    assert found is not None
    assert found.role == "caller"
    for name in ("dasbor", "", "a\x1b[31m", "b\nc"):
        assert main(["keys", "create", name, "--store", url]) == 2
    assert main(["keys", "create", "meja", "--role", "officer", "--store", url]) == 0
    capsys.readouterr()
    assert main(["keys", "list", "--store", url]) == 0
    listed = capsys.readouterr().out
    assert "dasbor" in listed
    assert "valid" in listed
    assert key[12:] not in listed
    assert main(["keys", "revoke", key[3:11], "--store", url]) == 0
    assert Store.open(url).key(key) is None
    capsys.readouterr()
    assert main(["keys", "list", "--store", url]) == 0
    assert "revoked" in capsys.readouterr().out
    assert main(["keys", "revoke", "00000000", "--store", url]) == 1


def test_old_routings_are_deleted(url: str, router: Router, capsys: pytest.CaptureFixture[str]) -> None:
    filled(url, router, DEPOK, DEPOK, age=40)
    young = filled(url, router, DEPOK)
    assert main(["store", "purge", "--older-than", "30", "--store", url]) == 0
    assert "2 routings deleted" in capsys.readouterr().out
    assert [record.id for record in Store.open(url).latest(10)] == young
    assert main(["store", "purge", "--older-than", "0", "--store", url]) == 2


def test_feedback_becomes_training_data(
    url: str, router: Router, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = filled(url, router, DEPOK, "listrik padam")
    now = datetime.now(timezone.utc)
    Store.open(url).add_feedback(Feedback(new_id(), now, first, "changed", "pemprov-di-yogyakarta", None, None))
    file = tmp_path / "feedback.jsonl"
    assert main(["feedback", "export", str(file), "--store", url]) == 0
    assert "1 complaints" in capsys.readouterr().err
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(row["text"], row["body_id"]) for row in rows] == [(DEPOK, "pemprov-di-yogyakarta")]
    assert main(["feedback", "export", "--store", url]) == 0
    assert json.loads(capsys.readouterr().out) == rows[0]


def test_a_replay_counts_what_changes(
    url: str, router: Router, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(url, router, DEPOK, "iuran bpjs kesehatan salah", "uang saya di bank hilang")
    assert main(["store", "replay", "--store", url]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["routings"], found["same_body"], found["same_decision"], found["changes"]) == (3, 1.0, 1.0, [])
    assert main(["store", "replay", "--store", url, "--model", str(tiny_bundle)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["same_body"] < 1
    assert found["changes"][0]["count"] >= 1
    assert found["versions"]["now"] == "tiny 1"
    assert replay(router, [])["routings"] == 0
