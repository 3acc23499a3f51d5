"""The service's requests, each with what its answer means; both clients send these."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from lapor_route.client import answers
from lapor_route.client.errors import not_understood, refusal, unreachable
from lapor_route.client.wire import Call, Lost, Reply
from lapor_route.complaint import MAX_CHARACTERS, Complaint
from lapor_route.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lapor_route.bodies import Body
    from lapor_route.client.answers import Receipt, Routed

T = TypeVar("T")
MOST_AT_ONCE = 256
"""Complaints of one request: what the service takes unless it is told otherwise."""
_MOST_BYTES = 2 << 20
"""Of the complaints of one request: half of what the service takes unless it is told otherwise."""


def route(complaint: Complaint, top_k: int, explain: bool) -> Call[Routed]:
    """Routes one complaint. Safe to repeat: the same answer, and at worst a second record of it."""

    def read(reply: Reply) -> Routed:
        return answers.routed(_object(reply), reply.headers.get("lapor-record", ""))

    body = {**_sent(complaint), "top_k": top_k, "explain": explain}
    return Call("POST", "/v1/route", _success(read), body)


def route_batch(complaints: list[Complaint], top_k: int) -> Call[list[Routed]]:
    """Routes several; as safe to repeat as one."""

    def read(reply: Reply) -> list[Routed]:
        data = _object(reply)
        found = [answers.routed(row, record) for row, record in zip(data["routings"], data["records"], strict=True)]
        if len(found) != len(complaints):
            raise ValueError(f"{len(found)} routings of {len(complaints)} complaints")
        return found

    body = {"complaints": [_sent(complaint) for complaint in complaints], "top_k": top_k}
    return Call("POST", "/v1/route/batch", _success(read), body)


def feedback(
    verdict: str,
    record: str | None,
    complaint_id: str | None,
    body_id: str | None,
    note: str | None,
    officer: str | None,
) -> Call[Receipt]:
    """Tells an officer's verdict; twice would be two verdicts, so it isn't repeated once it may have arrived."""
    if (record is None) == (complaint_id is None):
        raise InputError("feedback needs record= or id=, and only one of them, to know what it is about")
    told = {"record": record, "id": complaint_id, "body_id": body_id, "note": note, "officer": officer}
    body = {"verdict": verdict, **{name: value for name, value in told.items() if value is not None}}
    return Call("POST", "/v1/feedback", _success(lambda reply: answers.receipt(_object(reply))), body, safe=False)


def bodies(query: str | None, limit: int | None) -> Call[list[Body]]:
    """Finds bodies."""
    wanted = {"q": query, "limit": limit}
    params: dict[str, str | int] = {name: value for name, value in wanted.items() if value is not None}

    def read(reply: Reply) -> list[Body]:
        return [answers.body(row) for row in _object(reply)["bodies"]]

    return Call("GET", "/v1/bodies", _success(read), params=params)


def body(body_id: str) -> Call[Body]:
    """One body."""
    path = f"/v1/bodies/{quote(body_id, safe='')}"
    return Call("GET", path, _success(lambda reply: answers.body(_object(reply))))


def info() -> Call[dict[str, Any]]:
    """Which service this is."""
    return Call("GET", "/v1/info", _success(_object))


def ready() -> Call[bool]:
    """Whether it takes complaints; the answer now, so it isn't retried."""

    def read(answer: Reply | Lost) -> bool:
        return isinstance(answer, Reply) and answer.status == 200

    return Call("GET", "/health/ready", read, retried=False)


def complaint_of(
    complaint: Complaint | str, place: str | None = None, complaint_id: str | None = None
) -> Complaint:
    """What the caller passed, with the fields that were passed beside it.

    Raises:
        InputError: It is neither text nor a `Complaint`.
    """
    if isinstance(complaint, str):
        return Complaint(complaint, place, complaint_id)
    if not isinstance(complaint, Complaint):
        raise InputError(f"a complaint is a string or a Complaint, found {type(complaint).__name__}")
    return Complaint(complaint.text, place if place is not None else complaint.place, complaint_id or complaint.id)


def batches(complaints: Iterable[Complaint | str], most: int) -> Iterator[list[Complaint]]:
    """Cuts them into requests, reading no further ahead than one request.

    Raises:
        InputError: One complaint was passed instead of many, or `most` is no number of complaints.
    """
    if isinstance(complaints, (str, Complaint)):
        raise InputError("route_many takes many complaints, found one; use route, or put it into a list")
    if not 1 <= most <= MOST_AT_ONCE:
        raise InputError(f"batch must be from 1 to {MOST_AT_ONCE} complaints, found {most!r}")
    source = iter(complaints)
    while window := [complaint_of(complaint) for complaint in islice(source, most)]:
        while window:
            fitting = _fitting(window)
            yield window[:fitting]
            window = window[fitting:]


def _fitting(window: list[Complaint]) -> int:
    """How many of them go into one request: at least one."""
    size = 0
    for number, complaint in enumerate(window):
        size += len(json.dumps(_sent(complaint)))
        if number and size > _MOST_BYTES:
            return number
    return len(window)


def _sent(complaint: Complaint) -> dict[str, str]:
    """A complaint as JSON: as far as it is read, and one character more, so that the routing says `truncated`."""
    told = {"text": complaint.text, "place": complaint.place}
    cut = {name: value[: MAX_CHARACTERS + 1] for name, value in told.items() if value is not None}
    return cut if complaint.id is None else {**cut, "id": complaint.id}


def _success(read: Callable[[Reply], T]) -> Callable[[Reply | Lost], T]:
    """Makes the result of a success, and an exception of everything else."""

    def checked(answer: Reply | Lost) -> T:
        if isinstance(answer, Lost):
            raise unreachable(answer)
        if answer.status >= 400:
            raise refusal(answer)
        try:
            if answer.status >= 300:
                raise ValueError(f"HTTP {answer.status} to {answer.headers.get('location', 'nowhere')}")
            return read(answer)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise not_understood(answer, f"{type(error).__name__}: {error}") from error

    return checked


def _object(reply: Reply) -> dict[str, Any]:
    found = json.loads(reply.content)
    if not isinstance(found, dict):
        raise ValueError(f"a {type(found).__name__} instead of an object")
    return found
