"""A rules file as TOML: read, and refused with words on what to mend."""

from __future__ import annotations

import reprlib
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidfuzz import process

from lapor_route.classifiers.protocol import LOCAL, PROVINCE
from lapor_route.decisions.phrases import Phrase
from lapor_route.errors import InputError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lapor_route.bodies import Registry

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TIER_LABELS = (PROVINCE, LOCAL)
"""What a rule may copy in besides bodies: the body of that tier where the complaint's place is."""
_FIELDS: dict[str, dict[str, type]] = {
    "": {"name": str, "when": dict, "then": dict},
    "when.": {"topic": list, "region": list, "text": list, "also_text": list, "not_text": list},
    "then.": {"forward": str, "copy": list, "review": bool},
}
_KINDS = {
    str: "a text",
    list: "a list of texts",
    bool: "true, or be left out",
    dict: "given as when.topic, then.forward ...",
}
_TEXTS = ("text", "also_text", "not_text")
_MOST_PROBLEMS_SHOWN = 8


def read_rows(path: str | Path, registry: Registry) -> list[dict[str, Any]]:
    """The tables of a rules file, checked.

    Args:
        path: A TOML file as `lapor_route.decisions.rules` describes it.
        registry: The bodies that the rules may name.

    Raises:
        InputError: The file can't be read or used; the message lists what to mend (the first eight in words).
    """
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"there is no rules file {path}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"the rules file {path} isn't UTF-8 text; save it as UTF-8: {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} isn't a readable TOML file: {error}") from error
    problems = list(_file_problems(data, registry))
    if problems:
        shown = "; ".join(problems[:_MOST_PROBLEMS_SHOWN])
        more = len(problems) - _MOST_PROBLEMS_SHOWN
        raise InputError(f"{path}: {shown}" + (f"; and {more} more" if more > 0 else ""))
    rows: list[dict[str, Any]] = data.get("rule", [])
    return rows


def fitting_rows(content: str, registry: Registry) -> Iterator[dict[str, Any]]:
    """The tables of the package's own rules, without what a deployment's registry doesn't have."""
    for row in tomllib.loads(content)["rule"]:
        when, then = row["when"], row["then"]
        topics = [topic for topic in when.get("topic", ()) if topic in registry or topic in TIER_LABELS]
        copies = [
            body_id
            for body_id in then["copy"]
            if body_id in TIER_LABELS or (body_id in registry and registry[body_id].connected)
        ]
        if copies and (topics or "topic" not in when):
            yield {**row, "when": {**when, "topic": topics}, "then": {"copy": copies}}


def _file_problems(data: dict[str, Any], registry: Registry) -> Iterator[str]:
    yield from (f"unknown key {key!r}; a rule begins with [[rule]]" for key in data if key != "rule")
    rows = data.get("rule", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        yield "a rule must be a table that begins with [[rule]]"
        return
    names = [row.get("name") for row in rows]
    for number, (row, name) in enumerate(zip(rows, names, strict=True), 1):
        shown = f"rule {name!r}" if isinstance(name, str) else f"rule number {number}"
        found = list(_misfits(row, "")) or [*_misfits(row["when"], "when."), *_misfits(row["then"], "then.")]
        yield from (f"{shown}: {problem}" for problem in found or _content_problems(row, registry))
    counts = Counter(name for name in names if isinstance(name, str))
    yield from (f"rule {name!r}: the name stands {n} times" for name, n in counts.items() if n > 1)


def _misfits(table: dict[str, Any], part: str) -> Iterator[str]:
    """Keys that are unknown, of the wrong type or empty, and parts of a rule that are missing."""
    fields = _FIELDS[part]
    for key, value in table.items():
        if key not in fields:
            known = {f"{start}{name}": name for start, names in _FIELDS.items() for name in names}
            yield f"unknown key {part + key!r}, did you mean {process.extractOne(key, known)[2]!r}?"
        elif type(value) is not fields[key] or value is False:
            yield f"{part}{key} must be {_KINDS[fields[key]]}, found {reprlib.repr(value)}"
        elif isinstance(value, list) and not (value and all(isinstance(item, str) for item in value)):
            yield f"{part}{key} must hold at least one text, and nothing else"
    if not part:
        yield from (f"{key} is missing" for key in fields if key not in table)


def _content_problems(row: dict[str, Any], registry: Registry) -> Iterator[str]:
    when, then = row["when"], row["then"]
    if not row["name"].strip() or not row["name"].isprintable():
        yield "the name must be one line of readable text"
    if not when:
        yield "it needs a condition: when.topic, when.region or when.text"
    if "also_text" in when and "text" not in when:
        yield "when.also_text needs when.text beside it"
    if not then:
        yield "it needs an action: then.forward, then.copy or then.review"
    if "forward" in then and "review" in then:
        yield "then.forward and then.review exclude each other"
    for topic in when.get("topic", ()):
        if topic in TIER_LABELS:
            continue
        if topic not in registry:
            yield f"when.topic: {_unknown(topic, registry)}; it may also be {' or '.join(TIER_LABELS)}"
        elif registry[topic].is_regional:
            tiers = " or ".join(TIER_LABELS)
            yield f"when.topic: {topic!r} is regional; write {tiers}, and the id into when.region"
    for region in when.get("region", ()):
        if region not in registry:
            yield f"when.region: {_unknown(region, registry)}"
        elif not registry[region].is_regional:
            yield f"when.region: {region!r} governs no region"
    for key in _TEXTS:
        yield from (f"when.{key}: {wrong}" for wrong in map(_unreadable, when.get(key, ())) if wrong)
    receivers = [("forward", then["forward"])] if "forward" in then else []
    for key, body_id in receivers + [("copy", body_id) for body_id in then.get("copy", ())]:
        if body_id in TIER_LABELS:
            if key == "forward":
                yield f"then.forward: {body_id!r} is a tier, which only then.copy may hold; name the body"
        elif body_id not in registry:
            yield f"then.{key}: {_unknown(body_id, registry)}"
        elif not registry[body_id].connected:
            yield f"then.{key}: {body_id!r} isn't connected to SP4N-LAPOR!, nothing can be sent there"


def _unknown(body_id: str, registry: Registry) -> str:
    try:
        return registry[body_id].id
    except RegistryError as error:
        return str(error)


def _unreadable(phrase: str) -> str:
    try:
        Phrase.of(phrase)
    except InputError as error:
        return str(error)
    return ""
