"""What can go wrong between a client and the service, as one tree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lapor_route.errors import LaporRouteError

if TYPE_CHECKING:
    from lapor_route.client.wire import Lost, Reply

_MOST_QUOTED = 160
"""Characters of a foreign answer that a message quotes: a proxy's page can be long."""


class ServiceError(LaporRouteError):
    """The service didn't do what it was asked; its message says what to do next.

    Attributes:
        status: The HTTP status; None where no answer came.
        code: The problem's code (``validation``, ``overloaded`` ...), ``unreachable``, ``not_understood``, or
            nothing where something else than the service answered.
        detail: What the service said.
        retry_after: Seconds after which it wants to be asked again, where it said so.
        errors: What is wrong where, for refused input: ``{"pointer": "/text", "detail": ...}``.
    """

    advice = "see the service's log"

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        code: str = "",
        retry_after: float | None = None,
        errors: tuple[dict[str, Any], ...] = (),
    ) -> None:
        self.detail, self.status, self.code = detail, status, code
        self.retry_after, self.errors = retry_after, errors
        places = (f"; {error.get('pointer', '')}: {error.get('detail', '')}" for error in errors[:5])
        where = "".join(place for place in places if place.removeprefix("; ") not in detail)
        later = f" (it asks for {retry_after:.0f} s)" if retry_after else ""
        super().__init__(f"{detail.rstrip('.')}{where}; {self.advice}{later}")


class Unauthorized(ServiceError):  # noqa: N818 -- named by what happened, like HTTP's own statuses
    """The key is missing, unknown or revoked."""

    advice = "pass a valid key as api_key; `lapor-route keys create NAME` makes one where the service runs"


class ValidationFailed(ServiceError):  # noqa: N818
    """The service can't use the request."""

    advice = "mend the request"


class TooLarge(ServiceError):  # noqa: N818
    """The request is larger than the service or a proxy before it takes."""

    advice = "send fewer or shorter complaints at once, or raise the limits of the service and of its proxy"


class NotFound(ServiceError):  # noqa: N818
    """No such record, body or address."""

    advice = "check the id, and that base_url is the service's own address"


class Overloaded(ServiceError):  # noqa: N818
    """The service is there but has too much to do, or this key asked too often."""

    advice = "ask again later and more slowly, or raise retries and max_wait"


class Unavailable(ServiceError):  # noqa: N818
    """The service can't be reached, is starting or stopping, or can't write its records."""

    advice = "check that it runs (`lapor-route serve`) and that /health/ready says so, then ask again"


_BY_CODE: dict[str, type[ServiceError]] = {
    "validation": ValidationFailed,
    "too_large": TooLarge,
    "unauthorized": Unauthorized,
    "rate_limited": Overloaded,
    "overloaded": Overloaded,
    "deadline": Overloaded,
    "unavailable": Unavailable,
    "not_found": NotFound,
}
_BY_STATUS: dict[int, type[ServiceError]] = {
    400: ValidationFailed,
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    413: TooLarge,
    422: ValidationFailed,
    429: Overloaded,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def problem(reply: Reply) -> dict[str, Any] | None:
    """The problem document (RFC 9457) of an answer; None where something else than the service answered."""
    if "problem+json" not in reply.headers.get("content-type", ""):
        return None
    try:
        found = json.loads(reply.content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def refusal(reply: Reply) -> ServiceError:
    """The exception for an answer that isn't a success."""
    told = problem(reply)
    if told is None:
        kind = _BY_STATUS.get(reply.status, ServiceError)
        return kind(f"HTTP {reply.status}{_quoted(reply)}", status=reply.status, retry_after=reply.retry_after)
    code = str(told.get("code", ""))
    errors = told.get("errors")
    return _BY_CODE.get(code, _BY_STATUS.get(reply.status, ServiceError))(
        str(told.get("detail") or told.get("title") or f"HTTP {reply.status}"),
        status=reply.status,
        code=code,
        retry_after=reply.retry_after,
        errors=tuple(error for error in errors if isinstance(error, dict)) if isinstance(errors, list) else (),
    )


def not_understood(reply: Reply, why: str) -> ServiceError:
    """The exception for a success that isn't what was asked for: a portal's login page, another service."""
    detail = f"the answer isn't one of lapor-route ({why}){_quoted(reply)}; check base_url"
    return ServiceError(detail, status=reply.status, code="not_understood")


def unreachable(lost: Lost) -> Unavailable:
    """The exception where no answer came."""
    taken = "; the service may have taken the request all the same" if lost.sent else ""
    return Unavailable(f"no answer: {lost.reason}{taken}", code="unreachable")


def _quoted(reply: Reply) -> str:
    words = " ".join(reply.content[:2000].decode("utf-8", "replace").split())
    return f", {words[:_MOST_QUOTED]!r}" if words else ""
