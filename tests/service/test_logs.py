from __future__ import annotations

import json
import logging
import sys

from lapor_route.service.logs import JsonFormatter


def line(message: str, *arguments: object, **more: object) -> dict[str, object]:
    record = logging.LogRecord("lapor_route.service", logging.WARNING, __file__, 1, message, arguments, None)
    vars(record).update(more)
    found: dict[str, object] = json.loads(JsonFormatter().format(record))
    return found


def test_a_record_is_one_line_of_json() -> None:
    found = line("retention\nfailed: %s", "disk", deleted=5, versions={"model": "1"})
    assert found["message"] == "retention\nfailed: disk"
    assert (found["level"], found["deleted"], found["versions"]) == ("warning", 5, {"model": "1"})
    assert str(found["time"]).endswith("+00:00")


def test_ids_stay_whole() -> None:
    found = line("request", request="b2ac4796081234567890a", record="08123456789012345678901234567890")
    assert (found["request"], found["record"]) == (
        "b2ac4796081234567890a",
        "08123456789012345678901234567890",
    )


def test_personal_data_is_masked_wherever_it_stands() -> None:
    phone = "0812-3456-7890"
    try:
        raise ValueError(f"hubungi {phone}")
    except ValueError:
        found = line("hubungi %s", phone, text=f"telepon {phone}", exc_info=sys.exc_info())
    assert "3456" not in json.dumps(found)
    assert "ValueError" in str(found["error"])
