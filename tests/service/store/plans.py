"""How a database goes about what a store asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from lapor_route.service.store.engine import Database


def explained(database: Database, action: Callable[[], object]) -> list[str]:
    """The plan of each statement of an action, as one line."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            statements.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    action()
    event.remove(database.engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if database.file else "EXPLAIN "
    with database.read() as connection:
        if not database.file:
            # A few rows are read faster without an index; whether there is one is asked here.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        return [
            " ".join(str(row) for row in connection.exec_driver_sql(explain + statement, parameters))
            for statement, parameters in statements
        ]


def scans(plan: str) -> bool:
    """Whether a plan reads a whole table."""
    return "Seq Scan" in plan or re.search(r"SCAN \w+'", plan) is not None
