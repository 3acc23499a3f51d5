from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from lapor_route.service.store import OFFICER, KeyRecord, Store, UnknownRecordError
from tests.service.store.samples import NOON

if TYPE_CHECKING:
    from lapor_route.service.store.engine import Database
    from tests.service.store.conftest import Clock


def test_a_key_opens_and_is_stored_only_as_a_hash(store: Store, database: Database) -> None:
    key = store.add_key("portal kota")
    assert re.fullmatch(r"lr_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", key)
    assert store.key(key) == KeyRecord(key[3:11], "portal kota", OFFICER, NOON, None)
    with database.read() as connection:
        (row,) = connection.execute(text("SELECT * FROM api_keys"))
    assert key[12:] not in str(row)
    assert re.search(r"'[0-9a-f]{64}'", str(row))


def test_no_two_keys_are_alike(store: Store) -> None:
    keys = {store.add_key("portal") for _ in range(5)}
    assert len({key[12:] for key in keys}) == len({key[3:11] for key in keys}) == 5


@pytest.mark.parametrize("wrong", ["", "lr_", "x", "lr_00000000_" + "A" * 43, "lr_0\0", "\ud800", "Bearer x"])
def test_what_is_no_key_opens_nothing(store: Store, wrong: str) -> None:
    store.add_key("portal")
    assert store.key(wrong) is None


def test_a_changed_key_opens_nothing(store: Store) -> None:
    one, other = store.add_key("one"), store.add_key("other")
    assert store.key(one[:11] + other[11:]) is None
    assert store.key(one[:-1] + ("A" if one[-1] != "A" else "B")) is None
    assert store.key(one + "A") is None
    assert store.key(one + "\n") is None
    assert store.key(" " + one) is None


def test_a_revoked_key_opens_nothing(store: Store, clock: Clock) -> None:
    key, kept = store.add_key("portal"), store.add_key("portal")
    clock.pass_by(days=1)
    revoked = store.revoke_key(key[3:11])
    assert revoked.revoked_at == clock.now
    clock.pass_by(days=1)
    assert store.revoke_key(key[3:11]) == revoked
    assert store.key(key) is None
    assert store.key(kept) is not None


def test_keys_are_listed_without_their_secret(store: Store, clock: Clock) -> None:
    first = store.add_key("Zeta")
    clock.pass_by(seconds=1)
    second = store.add_key("Alfa\0")
    store.revoke_key(first[3:11])
    assert store.keys() == [
        KeyRecord(first[3:11], "Zeta", OFFICER, NOON, clock.now),
        KeyRecord(second[3:11], "Alfa\ufffd", OFFICER, clock.now, None),
    ]


def test_an_unknown_key_cannot_be_revoked(store: Store) -> None:
    with pytest.raises(UnknownRecordError, match="'12345678'; `lapor-route keys list`"):
        store.revoke_key("12345678")
