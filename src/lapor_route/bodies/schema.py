"""The registry file's schema, checked with errors that say what to mend.

A registry file is one JSON object::

    {
      "version": "2023-04.1",
      "bodies": [
        {"id": "pemkab-sleman", "name": "Pemerintah Kabupaten Sleman", "kind": "regency",
         "abbreviation": "Pemkab Sleman", "aliases": ["Bupati Sleman"], "subtype": "pemkab",
         "codes": {"2025": "34.04"}, "parent": "pemprov-di-yogyakarta", "capital": "Sleman",
         "connected": true, "certainty": "B", "valid_from": null, "valid_until": null,
         "successors": [], "source": "Kepmendagri 300.2.2-2138/2025"}
      ]
    }

Required are `id` (lower-case letters, digits, hyphens), `name` and `kind`; a regional body also needs
`codes`, and a regency or city a `parent`. Unknown keys are refused.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from rapidfuzz import process

from lapor_route.errors import RegistryError

KINDS = ("ministry", "agency", "province", "regency", "city")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "name": str,
    "kind": str,
    "abbreviation": str,
    "aliases": list,
    "subtype": str,
    "codes": dict,
    "parent": (str, type(None)),
    "capital": (str, type(None)),
    "connected": bool,
    "certainty": str,
    "valid_from": (str, type(None)),
    "valid_until": (str, type(None)),
    "successors": list,
    "source": str,
}
_PATTERNS = {
    "id": re.compile(r"[a-z0-9]+(-[a-z0-9]+)*"),
    "kind": re.compile("|".join(KINDS)),
    "certainty": re.compile("[ABC]"),
    "valid_from": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "valid_until": re.compile(r"\d{4}-\d{2}-\d{2}"),
}
_MOST_PROBLEMS_SHOWN = 8


def parse_registry(data: Any, where: str) -> tuple[str, list[dict[str, Any]]]:
    """Checks a decoded registry file.

    Args:
        data: What `json.loads` returned.
        where: How to name the file in an error.

    Returns:
        The version, and one dict of `Body` fields per body.

    Raises:
        RegistryError: Lists every problem found (the first eight in words).
    """
    if not isinstance(data, dict) or not isinstance(data.get("bodies"), list):
        raise RegistryError(f'{where} must be a JSON object with "version" and a list "bodies"')
    if not isinstance(data.get("version"), str) or not data["version"]:
        raise RegistryError(f'{where} needs a "version", a non-empty string such as "2023-04.1"')
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for number, row in enumerate(data["bodies"]):
        found = _row_problems(row)
        name = row.get("id", f"number {number + 1}") if isinstance(row, dict) else f"number {number + 1}"
        problems.extend(f"body {name}: {problem}" for problem in found)
        if not found:
            rows.append(_freeze(row))
    problems.extend(_link_problems(rows) if not problems else [])
    if problems:
        shown = "; ".join(problems[:_MOST_PROBLEMS_SHOWN])
        more = len(problems) - _MOST_PROBLEMS_SHOWN
        raise RegistryError(f"{where}: {shown}" + (f"; and {more} more" if more > 0 else ""))
    return data["version"], rows


def _freeze(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def _row_problems(row: Any) -> list[str]:
    if not isinstance(row, dict):
        return [f"must be an object, found {type(row).__name__}"]
    problems = [f"{key} is missing" for key in ("id", "name", "kind") if not row.get(key)]
    for key, value in row.items():
        if key not in _TYPES:
            near = process.extractOne(key, list(_TYPES))
            problems.append(f"unknown key {key!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        elif not isinstance(value, _TYPES[key]):
            problems.append(f"{key} has the wrong type {type(value).__name__}")
        elif key in _PATTERNS and value is not None and not _PATTERNS[key].fullmatch(str(value)):
            problems.append(f"{key} {value!r} must match {_PATTERNS[key].pattern}")
        elif isinstance(value, list) and not all(isinstance(item, str) and item for item in value):
            problems.append(f"{key} must hold non-empty strings")
    return problems or _region_problems(row)


def _region_problems(row: dict[str, Any]) -> list[str]:
    codes = row.get("codes", {})
    problems = []
    if row["kind"] in ("province", "regency", "city"):
        shape = r"\d\d" if row["kind"] == "province" else r"\d\d\.\d\d"
        if not codes:
            problems.append("a regional body needs codes")
        problems.extend(
            f"code {code!r} ({vintage}) must match {shape}"
            for vintage, code in codes.items()
            if vintage not in ("2025", "2022", "2021") or not re.fullmatch(shape, str(code))
        )
        if row["kind"] != "province" and not row.get("parent"):
            problems.append("a regency or city needs a parent province")
    elif codes:
        problems.append("a central body has no region codes")
    return problems


def _link_problems(rows: list[dict[str, Any]]) -> list[str]:
    counts = Counter(row["id"] for row in rows)
    known = set(counts)
    provinces = {row["id"] for row in rows if row["kind"] == "province"}
    problems = [f"body {body_id}: the id stands {n} times" for body_id, n in counts.items() if n > 1]
    seen: dict[tuple[str, str], str] = {}
    for row in rows:
        if row.get("parent") and row["parent"] not in known:
            problems.append(f"body {row['id']}: the parent {row['parent']!r} is not in the file")
        elif row["kind"] in ("regency", "city") and row["parent"] not in provinces:
            problems.append(f"body {row['id']}: the parent {row['parent']!r} is no province")
        if row["id"] in row.get("successors", ()):
            problems.append(f"body {row['id']}: it can't succeed itself")
        problems.extend(
            f"body {row['id']}: the successor {heir!r} is not in the file"
            for heir in row.get("successors", ())
            if heir not in known
        )
        for item in row.get("codes", {}).items():
            other = seen.setdefault(item, row["id"])
            if other != row["id"]:
                problems.append(f"body {row['id']}: code {item[1]} ({item[0]}) belongs to {other} too")
    return problems
