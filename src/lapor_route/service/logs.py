"""Structured logs: one JSON object a line, masked."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone
from typing import Any

from lapor_route.privacy import mask

LOGGER = logging.getLogger("lapor_route.service")
_SAFE = frozenset({"key", "method", "record", "request", "route"})
"""Fields of our own making: an id's digits are no phone number."""
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON; texts are masked, and so are the messages of errors."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        entry: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        extra = {name: value for name, value in vars(record).items() if name not in _OWN}
        entry |= {
            name: mask(value).text if isinstance(value, str) and name not in _SAFE else value
            for name, value in extra.items()
        }
        if record.exc_info:
            entry["error"] = mask(self.formatException(record.exc_info)).text
        return json.dumps(entry, ensure_ascii=True, default=str)


def _message(record: logging.LogRecord) -> str:
    """The message, masked; uvicorn's own hold no complaint, but addresses that one wants to read."""
    message = record.getMessage()
    return message if record.name.startswith("uvicorn") else mask(message).text


def log_config(level: str) -> dict[str, Any]:
    """For `logging.config.dictConfig` and uvicorn: JSON lines on standard error; requests are in our own logger."""
    logger = {"handlers": ["json"], "level": level.upper(), "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"json": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
        "loggers": {
            "lapor_route": logger,
            "uvicorn": {**logger, "level": "INFO"},
            "uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
        },
        "root": {"handlers": ["json"], "level": "WARNING"},
    }
