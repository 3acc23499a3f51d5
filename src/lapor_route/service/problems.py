"""Errors as RFC 9457 problem documents with a stable code."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from lapor_route.service.logs import LOGGER
from lapor_route.service.store import StoreError, UnknownRecordError

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
_MOST_ERRORS = 20
_PLAIN = re.compile(r"\w{1,40}")
"""A key that may be repeated in an error; what else a client made up is not."""
_CODES = {
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


class Problem(Exception):  # noqa: N818 - an answer, often of the client's making
    """An answer other than success.

    Attributes:
        status: HTTP status.
        code: Stable name of the problem.
        detail: What is wrong, and what to do.
        retry_after: Seconds after which it is worth trying again.
        errors: Places in the request that are wrong: JSON pointers with what is wrong there.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retry_after: int | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.errors = errors

    def response(self) -> JSONResponse:
        """The problem document."""
        content: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.errors:
            content["errors"] = self.errors
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="lapor-route"'
        return JSONResponse(content, self.status, headers, MEDIA_TYPE)


def not_found(detail: str) -> Problem:
    """What was named doesn't exist."""
    return Problem(404, "not_found", detail)


def internal() -> Problem:
    """Our own fault."""
    return Problem(500, "internal", "something went wrong on our side; the log has it under X-Request-Id")


def invalid(pointer: str, detail: str) -> Problem:
    """One place of the request is wrong."""
    return Problem(422, "validation", detail, errors=[{"pointer": pointer, "detail": detail}])


def unavailable(detail: str) -> Problem:
    """The service can't answer now, and will be able to soon."""
    return Problem(503, "unavailable", detail, retry_after=2)


def handle_problems(app: FastAPI) -> None:
    """Makes every error of an app a problem document; what a client sent is never echoed."""
    app.add_exception_handler(Problem, _own)
    app.add_exception_handler(StoreError, _store)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


async def _own(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _store(request: Request, error: Exception) -> Response:
    if isinstance(error, UnknownRecordError):
        return not_found(str(error)).response()
    LOGGER.error("store: %s", error)
    return unavailable("the store can't be used just now; try again").response()


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return Problem(400, "validation", "the body isn't JSON; send an object in UTF-8").response()
    if any(item["type"] == "too_long" and item["loc"][-1] == "complaints" for item in found):
        return Problem(413, "too_large", "the batch holds too many complaints; split it").response()
    errors = [{"pointer": _pointer(item["loc"]), "detail": item["msg"]} for item in found[:_MOST_ERRORS]]
    where = "; ".join(f"{item['pointer']}: {item['detail']}" for item in errors[:5])
    return Problem(422, "validation", f"the request is wrong at {where}", errors=errors).response()


def _pointer(location: tuple[int | str, ...]) -> str:
    """A JSON pointer into the body, or the parameter's place and name."""
    parts = [part if _PLAIN.fullmatch(part) else "..." for part in map(str, location)]
    return "#/" + "/".join(parts[1:]) if parts and parts[0] == "body" else ".".join(parts)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return Problem(400, "validation", "the body can't be read; send a JSON object in UTF-8").response()
    code = _CODES.get(error.status_code, "error")
    response = Problem(error.status_code, code, str(error.detail)).response()
    response.headers.update(error.headers or {})
    return response
