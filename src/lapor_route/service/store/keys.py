"""API keys: ``lr_<id>_<secret>``, of which the store knows only the id and a hash of the secret."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from lapor_route.service.store.errors import UnknownRecordError
from lapor_route.service.store.records import KeyRecord
from lapor_route.service.store.tables import API_KEYS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_KEY = re.compile(r"lr_([0-9a-f]{8})_([A-Za-z0-9_-]{43})", re.ASCII)
_SECRET_BYTES = 32
_FIELDS = [API_KEYS.c[name] for name in KeyRecord.__dataclass_fields__]


def add(connection: Connection, name: str, role: str, now: datetime) -> str:
    """Makes a key.

    Returns:
        The key; nobody can read it again.
    """
    key_id = secrets.token_hex(4)
    while _stored(connection, key_id) is not None:
        key_id = secrets.token_hex(4)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    connection.execute(
        insert(API_KEYS).values(id=key_id, name=name, role=role, secret_hash=_hash(key_id, secret), created_at=now)
    )
    return f"lr_{key_id}_{secret}"


def every(connection: Connection) -> list[KeyRecord]:
    """All keys, oldest first, the revoked ones too."""
    found = select(*_FIELDS).order_by(API_KEYS.c.created_at, API_KEYS.c.id)
    return [KeyRecord(*row) for row in connection.execute(found)]


def revoke(connection: Connection, key_id: str, now: datetime) -> KeyRecord:
    """Makes a key worthless, from now on; a revoked one stays as it is.

    Raises:
        UnknownRecordError: There is no such key.
    """
    connection.execute(
        update(API_KEYS).where(API_KEYS.c.id == key_id, API_KEYS.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    stored = _stored(connection, key_id)
    if stored is None:
        raise UnknownRecordError(f"no API key has the id {key_id!r}; `lapor-route keys list` shows them")
    return stored[0]


def check(connection: Connection, text: str) -> KeyRecord | None:
    """The key behind `text`; None where it is none of ours, or revoked."""
    parts = _KEY.fullmatch(text)
    if parts is None:
        return None
    key_id, secret = parts.groups()
    stored = _stored(connection, key_id)
    if stored is None or not hmac.compare_digest(stored[1], _hash(key_id, secret)):
        return None
    return None if stored[0].revoked_at else stored[0]


def _stored(connection: Connection, key_id: str) -> tuple[KeyRecord, str] | None:
    found = select(*_FIELDS, API_KEYS.c.secret_hash).where(API_KEYS.c.id == key_id)
    row = connection.execute(found).first()
    return None if row is None else (KeyRecord(*row[:-1]), row[-1])


def _hash(key_id: str, secret: str) -> str:
    # No slow hash: 256 random bits can't be guessed, and each request pays for it.
    return hashlib.sha256(f"{key_id}_{secret}".encode()).hexdigest()
