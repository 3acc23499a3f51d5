"""The store: one class over all that is kept."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from lapor_route.service.store import export, feedback, keys, queue, revisions, routings, statistics
from lapor_route.service.store.engine import Database
from lapor_route.service.store.records import OFFICER, WIB, Feedback, KeyRecord, RoutingRecord, Statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path


LEASE = timedelta(minutes=10)
"""How long a routing taken from the queue stays with its officer."""


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Store:
    """Keeps routings, feedback, the officers' queue and API keys; safe for threads and for several processes.

    What is added is on the disk when the call returns. Routings and feedback never change; only retention deletes
    them. Every method raises `StoreError` where the database can't be reached, read or written.

    Args:
        database: Where it is kept.
        clock: What time it is, with a time zone.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = _utc_now) -> None:
        self._database = database
        self._clock = clock

    @classmethod
    def open(cls, url: str) -> Store:
        """A store by its URL; connects to nothing yet, `check` does.

        Args:
            url: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/DATABASE``.

        Raises:
            StoreError: The URL is no such URL, or would keep nothing.
            MissingExtraError: The PostgreSQL driver isn't installed.
        """
        return cls(Database(url))

    @property
    def name(self) -> str:
        """The URL without what is secret."""
        return self._database.name

    @property
    def file(self) -> Path | None:
        """The file of an SQLite store."""
        return self._database.file

    def upgrade(self) -> None:
        """Makes or changes the tables as this package needs them; several processes may do so at once.

        Raises:
            StoreError: The database can't be reached or changed, or is newer than this package.
        """
        revisions.upgrade(self._database)

    def check(self) -> None:
        """Sees whether the database can be reached and has the tables of this package.

        Raises:
            StoreError: It doesn't; the message says what to run.
        """
        revisions.check(self._database)

    def add_routings(
        self,
        records: Sequence[RoutingRecord],
        *,
        replaces: Collection[str] = (),
        leases: Mapping[str, str] | None = None,
    ) -> None:
        """Adds routings, all or none.

        Args:
            records: The routings; those that aren't forwarded wait for an officer.
            replaces: Ids of earlier routings of the same complaints: they wait no longer.
            leases: Officers who hold new ones from the start, by the ids of the routings.

        Raises:
            DuplicateRecordError: One of their ids is stored already, or comes twice.
        """
        now = self._clock()
        with self._database.write() as connection:
            routings.add(connection, records)
            for replaced in replaces:
                queue.remove(connection, replaced)
            for leased, holder in (leases or {}).items():
                queue.lease(connection, leased, holder, now + LEASE)

    def routing(self, record_id: str) -> RoutingRecord | None:
        """The routing of that id."""
        with self._database.read() as connection:
            return routings.get(connection, record_id)

    def by_caller_id(self, caller_id: str, key_name: str | None = None) -> RoutingRecord | None:
        """The latest routing under a caller's own id of a complaint; of that API key alone, if one is named."""
        with self._database.read() as connection:
            return routings.latest_of_caller(connection, caller_id, key_name)

    def latest(self, number: int) -> list[RoutingRecord]:
        """The latest routings, newest first."""
        with self._database.read() as connection:
            return routings.latest(connection, number)

    def add_feedback(self, given: Feedback) -> None:
        """Keeps what an officer says about a routing, which waits no longer.

        Raises:
            StoreError: The verdict isn't one, or has no body that it needs.
            UnknownRecordError: There is no such routing.
            DuplicateRecordError: The id is stored already.
        """
        with self._database.write() as connection:
            feedback.add(connection, given)

    def feedback(self, routing_id: str) -> list[Feedback]:
        """All that was said about a routing, oldest first."""
        with self._database.read() as connection:
            return feedback.of_routing(connection, routing_id)

    def next_undecided(self, holder: str, lease: timedelta = LEASE) -> RoutingRecord | None:
        """The oldest routing that waits for an officer; nobody else gets it while the lease lasts.

        Args:
            holder: The officer; one who holds a routing already gets it again.
            lease: How long it stays theirs.

        Returns:
            The routing, or None where nothing waits for this officer.
        """
        now = self._clock()
        with self._database.write() as connection:
            routing_id = queue.lease_next(connection, holder, now, now + lease)
            return None if routing_id is None else routings.get(connection, routing_id)

    def release(self, routing_id: str, holder: str) -> None:
        """Gives a routing back; this officer isn't offered it again for an hour."""
        with self._database.write() as connection:
            queue.release(connection, routing_id, holder, self._clock())

    def waiting(self) -> int:
        """How many routings wait for an officer."""
        with self._database.read() as connection:
            return queue.waiting(connection)

    def statistics(self, days: int, today: date | None = None) -> Statistics:
        """What was routed in the last days, and what officers said about these routings.

        Args:
            days: How many, today included.
            today: The last one; by default today in Indonesia (WIB).
        """
        last = today or self._clock().astimezone(WIB).date()
        with self._database.read() as connection:
            return statistics.count(connection, last - timedelta(days=days - 1), last)

    def purge(self, before: datetime) -> int:
        """Deletes routings older than `before`, with their feedback and leases, a few at a time.

        Returns:
            How many there were.
        """
        return routings.purge(self._database, before)

    def export_feedback(self) -> Iterator[dict[str, Any]]:
        """The latest feedback of each routing, as rows that the training kit reads; see `export.rows`."""
        return export.rows(self._database)

    def add_key(self, name: str, role: str = OFFICER) -> str:
        """Makes an API key.

        Args:
            name: What it is for.
            role: One of `ROLES`.

        Returns:
            The key; nobody can read it again.
        """
        with self._database.write() as connection:
            return keys.add(connection, name, role, self._clock())

    def keys(self) -> list[KeyRecord]:
        """All API keys, oldest first, the revoked ones too."""
        with self._database.read() as connection:
            return keys.every(connection)

    def key(self, text: str) -> KeyRecord | None:
        """The API key behind `text`; None where it is none of ours, or revoked."""
        with self._database.read() as connection:
            return keys.check(connection, text)

    def revoke_key(self, key_id: str) -> KeyRecord:
        """Makes an API key worthless, from now on.

        Raises:
            UnknownRecordError: There is no such key.
        """
        with self._database.write() as connection:
            return keys.revoke(connection, key_id, self._clock())

    def close(self) -> None:
        """Closes all connections."""
        self._database.engine.dispose()
