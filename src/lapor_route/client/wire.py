"""What goes over the network and when it is sent again; nothing here does the sending."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lapor_route.client.errors import ServiceError, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

T = TypeVar("T")
MOST_ANSWER_BYTES = 64 << 20
"""An answer that is longer is not the service's: 256 routings with every word weighed take a fraction of it."""
_AGAIN = (429, 502, 503)
"""Statuses after which a request that is safe to repeat is sent again."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 8.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that came; the names of its headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def retry_after(self) -> float | None:
        """Seconds that the service wants to be left alone."""
        value = self.headers.get("retry-after", "").strip()
        if value.isdecimal():
            return float(value)
        then = _date(value)
        if then is None:
            return None
        # By the answerer's own clock where it tells it, which may differ from ours.
        now = _date(self.headers.get("date", "")) or datetime.now(timezone.utc)
        return max(0.0, (then - now).total_seconds())


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer, or only a part of one.

    Attributes:
        reason: What happened.
        sent: Whether the service may have taken the request.
        slow: Whether the time ran out, as opposed to a connection that broke.
    """

    reason: str
    sent: bool
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and what its answer means.

    Attributes:
        method: GET or POST.
        path: Behind the base address.
        read: Makes the result of the last answer, or raises.
        body: Goes out as JSON.
        params: The query.
        safe: Whether doing it twice does no harm.
        retried: Whether it is sent again at all.
    """

    method: str
    path: str
    read: Callable[[Reply | Lost], T]
    body: dict[str, Any] | None = None
    params: dict[str, str | int] = field(default_factory=dict)
    safe: bool = True
    retried: bool = True

    def may_repeat(self, answer: Reply | Lost) -> bool:
        """Whether to send it again after that answer."""
        if not self.retried:
            return False
        if isinstance(answer, Lost):
            # What was too slow once would only be given more to do.
            return not answer.sent or (self.safe and not answer.slow)
        # A gateway says 503 too when the connection behind it breaks; the service only when it took nothing.
        return answer.status in _AGAIN and (self.safe or answer.status == 429 or _own_503(answer))


def _own_503(reply: Reply) -> bool:
    return reply.status == 503 and problem(reply) is not None


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long a client tries.

    Attributes:
        most: Times that a request is sent again.
        max_wait: Seconds to wait for one request in all, beside the time that the answers take.
    """

    most: int = 6
    max_wait: float = 60.0

    def pause(self, answer: Reply | Lost, attempt: int) -> float:
        """Seconds before the next sending.

        Full jitter, so that clients which failed together don't come back together; on top of what the service
        asks for, if it does.
        """
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
        asked = answer.retry_after if isinstance(answer, Reply) else None
        return (asked or 0.0) + random.uniform(0, longest)


def exchange(call: Call[T], retries: Retries) -> Generator[float, Reply | Lost, T]:
    """Leads one request to its result: yields how long to wait before sending it, takes the answer."""
    waited = 0.0
    answer = yield 0.0
    for attempt in range(retries.most):
        if not call.may_repeat(answer):
            break
        pause = retries.pause(answer, attempt)
        if waited + pause > retries.max_wait:
            break
        waited += pause
        answer = yield pause
    return call.read(answer)


class Content:
    """An answer's body as it comes in, up to a limit."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def take(self, chunk: bytes) -> None:
        """Adds what came.

        Raises:
            ServiceError: It is more than any answer of the service.
        """
        self._bytes += chunk
        if len(self._bytes) > MOST_ANSWER_BYTES:
            raise ServiceError(
                f"the answer has over {MOST_ANSWER_BYTES >> 20} MiB, no routing has; check base_url",
                code="not_understood",
            )

    def __bytes__(self) -> bytes:
        return bytes(self._bytes)


def _date(value: str) -> datetime | None:
    """A date of HTTP."""
    try:
        found = parsedate_to_datetime(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
