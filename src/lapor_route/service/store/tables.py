"""The tables as the queries see them; `migrations` makes them."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(value: Any) -> Any:
    """The same with U+FFFD for each NUL and lone surrogate, which PostgreSQL refuses; offsets stay right."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {storable(name): storable(item) for name, item in value.items()}
    return [storable(item) for item in value] if isinstance(value, (list, tuple)) else value


class StorableText(TypeDecorator[str]):
    """Text that every database takes."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is written, or compared with."""
        return None if value is None else str(storable(value))


class StorableJson(TypeDecorator[Any]):
    """JSON: text in SQLite, JSONB in PostgreSQL."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The database's own type."""
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else JSON())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """What is written."""
        return storable(value)


class UtcDateTime(TypeDecorator[datetime]):
    """A time with its zone; SQLite, which knows none, gets that of UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What is written, or compared with.

        Raises:
            ValueError: The time has no zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time must have a time zone")
        value = value.astimezone(timezone.utc)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


METADATA = MetaData()

ROUTINGS = Table(
    "routings",
    METADATA,
    Column("id", StorableText, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    # The day in Indonesia, so that a day's figures come out of an index.
    Column("day", Date, nullable=False),
    Column("caller_id", StorableText),
    Column("text", StorableText, nullable=False),
    Column("place", StorableText),
    Column("text_hash", StorableText, nullable=False),
    Column("decision", StorableText, nullable=False),
    # The body forwarded to; else the first candidate.
    Column("first_body_id", StorableText),
    Column("model_version", StorableText),
    Column("routing", StorableJson, nullable=False),
    Column("top_k", Integer, nullable=False),
    Column("latency_ms", Float, nullable=False),
    Column("key_name", StorableText),
    CheckConstraint("decision IN ('forward', 'review', 'ask')", name="ck_routings_decision"),
    Index("ix_routings_created_at", "created_at", "id"),
    Index("ix_routings_day", "day", "decision"),
    Index("ix_routings_caller_id", "caller_id", "created_at", "id"),
)
"""Append-only: a trigger refuses updates, only retention deletes."""

FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("id", StorableText, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("routing_id", StorableText, ForeignKey("routings.id", ondelete="CASCADE"), nullable=False),
    Column("verdict", StorableText, nullable=False),
    Column("body_id", StorableText),
    Column("note", StorableText),
    Column("officer", StorableText),
    CheckConstraint(
        "verdict IN ('accepted', 'changed', 'out_of_scope') AND (verdict = 'out_of_scope') = (body_id IS NULL)",
        name="ck_feedback_verdict",
    ),
    Index("ix_feedback_routing_id", "routing_id", "created_at", "id"),
)
"""Append-only, as the routings; the latest word about a routing counts."""

QUEUE = Table(
    "queue",
    METADATA,
    Column("routing_id", StorableText, ForeignKey("routings.id", ondelete="CASCADE"), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("holder", StorableText),
    Column("leased_until", UtcDateTime),
    Index("ix_queue_created_at", "created_at", "routing_id"),
)
"""The routings that wait for an officer: those decided are gone, so that the oldest one is always near."""

SKIPS = Table(
    "skips",
    METADATA,
    Column("routing_id", StorableText, ForeignKey("queue.routing_id", ondelete="CASCADE"), primary_key=True),
    Column("holder", StorableText, primary_key=True),
    Column("skipped_until", UtcDateTime, nullable=False),
)
"""Who doesn't want which one for now."""

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", StorableText, primary_key=True),
    Column("name", StorableText, nullable=False),
    Column("role", StorableText, nullable=False),
    Column("secret_hash", StorableText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)
