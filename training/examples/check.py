"""Finds what is wrong with the written examples: schema, coverage, copies, leaks, monotony."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lapor_route.classifiers.protocol import LOCAL, OUT_OF_SCOPE, PROVINCE, SPECIAL_LABELS
from lapor_route.text import squeeze
from training.examples import SLOTS, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lapor_route.bodies import Registry

REQUIRED: dict[str, type] = {
    "text": str,
    "target": str,
    "also": list,
    "style": str,
    "names_body": bool,
    "topic": str,
    "places": list,
    "note": str,
}
OPTIONAL: dict[str, type] = {"contrast": str, "pair": int, "language": str, "decision": str, "question": str}
STYLES = ("formal", "slang", "sms", "story")
EACH_CENTRAL, EACH_OFTEN = 24, 48
OFTEN_WRITTEN_TO = frozenset(
    "bkn kemenpanrb bp2mi kemnaker atr-bpn kemenag klhk kementan kpk ombudsman ojk bi kominfo kpu bri bni mandiri "
    "btn pertamina kai bulog".split()
)
"""Bodies that citizens really write to and that public data lacks: they need twice as many examples."""
LEAST = {LOCAL: 400, PROVINCE: 250, OUT_OF_SCOPE: 400}
LEAST_OF_KIND = {"ask": 150, "several": 150, "language": 300, "contrast": 40}
PAIRS_PER_CONTRAST = 6
MOST_NAMING = 1 / 3
MOST_SAME_OPENING = 0.04
NEAR_DUPLICATE = 0.6
COPIED_RUN = 10
"""Words in a row that may not stand in a real complaint too."""
_WORD = re.compile(r"\w+")
_PLACEHOLDERS = frozenset(slot.strip("{}") for slot in SLOTS)


@dataclass
class Report:
    """What the check found.

    Attributes:
        problems: What must be mended, in words.
        counts: Figures worth publishing.
    """

    problems: list[str] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)


def check(registry: Registry, shared: Path | None = None) -> Report:
    """Checks all written examples.

    Args:
        registry: Ids and aliases of the bodies.
        shared: Folder of real complaints that nothing may be copied from; left out where it isn't at hand.
    """
    report = Report()
    known = list(rows())
    for path, number, row in known:
        report.problems += [f"{path.name}:{number}: {problem}" for problem in _row_problems(row, registry)]
    if report.problems:
        return report
    content = [row for _, _, row in known]
    report.problems += list(_coverage_problems(content, registry))
    report.problems += [f"{a} and {b} are nearly the same" for a, b in _near_duplicates(known)]
    report.problems += list(_leaks(known, registry))
    report.problems += list(_monotony(known))
    if shared is not None and shared.is_dir():
        report.problems += list(_copies(known, shared))
    report.counts = _counts(content)
    return report


def _row_problems(row: Any, registry: Registry) -> Iterator[str]:
    if not isinstance(row, dict):
        yield "must be a JSON object"
        return
    for key, kind in REQUIRED.items():
        if not isinstance(row.get(key), kind):
            yield f"{key} must be a {kind.__name__}"
            return
    for key in row.keys() - REQUIRED.keys():
        if key not in OPTIONAL or not isinstance(row[key], OPTIONAL[key]):
            yield f"{key} is unknown or of the wrong type"
    if row["target"] not in registry and row["target"] not in SPECIAL_LABELS:
        yield f"target {row['target']!r} is no body"
    yield from (f"also {i!r} is no body" for i in row["also"] if i not in registry and i not in SPECIAL_LABELS)
    if row["style"] not in STYLES:
        yield f"style {row['style']!r} is none of {', '.join(STYLES)}"
    if not row["text"].strip() and row["target"] != OUT_OF_SCOPE:
        yield "the text is empty"
    if row.get("decision") == "ask" and not row.get("question"):
        yield "an ask needs its question"
    unknown = set(re.findall(r"\{(.*?)\}", row["text"])) - _PLACEHOLDERS
    if unknown and row["target"] != OUT_OF_SCOPE:
        yield f"unknown slots {sorted(unknown)}"


def _coverage_problems(content: list[dict[str, Any]], registry: Registry) -> Iterator[str]:
    number = Counter(row["target"] for row in content)
    for body in registry.connected:
        if not body.is_regional:
            least = EACH_OFTEN if body.id in OFTEN_WRITTEN_TO else EACH_CENTRAL
            if number[body.id] < least:
                yield f"{body.id} has {number[body.id]} examples, needs {least}"
    for target, least in LEAST.items():
        if number[target] < least:
            yield f"{target} has {number[target]} examples, needs {least}"
    kinds = {
        "ask": sum(row.get("decision") == "ask" for row in content),
        "several": sum(bool(row["also"]) for row in content),
        "language": sum("language" in row for row in content),
        "contrast": len({row["contrast"] for row in content if "contrast" in row}),
    }
    for kind, least in LEAST_OF_KIND.items():
        if kinds[kind] < least:
            yield f"{kind}: {kinds[kind]}, needs {least}"
    pairs: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in content:
        if "contrast" in row:
            pairs[row["contrast"]][row["pair"]].add(row["target"])
    for name, numbers in pairs.items():
        whole = sum(len(targets) > 1 for targets in numbers.values())
        if whole < PAIRS_PER_CONTRAST:
            yield f"contrast {name} has {whole} whole pairs, needs {PAIRS_PER_CONTRAST}"
    naming = Counter(row["target"] for row in content if row["names_body"])
    for target, n in naming.items():
        if n > MOST_NAMING * number[target] + 1 and target in registry:
            yield f"{target}: {n} of {number[target]} name the body, at most a third may"


def _near_duplicates(known: list[tuple[Path, int, dict[str, Any]]]) -> Iterator[tuple[str, str]]:
    """Pairs of texts that share most of their word pairs; the two sides of a contrast may."""
    by_gram: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    grams: list[set[tuple[str, str, str]]] = []
    for index, (_, _, row) in enumerate(known):
        words = _WORD.findall(row["text"].lower())
        mine = set(zip(words, words[1:], words[2:], strict=False)) or {(row["text"].lower().strip(), "", "")}
        grams.append(mine)
        for gram in mine:
            by_gram[gram].append(index)
    shared: Counter[tuple[int, int]] = Counter()
    for indices in by_gram.values():
        if len(indices) <= 60:
            shared.update((a, b) for n, a in enumerate(indices) for b in indices[n + 1 :])
    for (a, b), common in shared.items():
        if common / len(grams[a] | grams[b]) >= NEAR_DUPLICATE and not _is_pair(known[a][2], known[b][2]):
            yield f"{known[a][0].name}:{known[a][1]}", f"{known[b][0].name}:{known[b][1]}"


def _is_pair(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return "contrast" in a and a["contrast"] == b.get("contrast") and a["pair"] == b["pair"]


def _leaks(known: list[tuple[Path, int, dict[str, Any]]], registry: Registry) -> Iterator[str]:
    """Rows that say they don't name the body, but do."""
    names = {
        body.id: [
            squeeze(name)
            for name, least in ((body.name, 3), (body.abbreviation, 3), *((alias, 4) for alias in body.aliases))
            if len(squeeze(name)) >= least
        ]
        for body in registry.connected
    }
    for path, number, row in known:
        if row["names_body"] or row["target"] not in names:
            continue
        words = [squeeze(word) for word in _WORD.findall(row["text"])]
        windows = {*words, *(a + b for a, b in pairwise(words))}
        windows |= {"".join(words[i : i + n]) for n in range(3, 8) for i in range(len(words) - n + 1)}
        for name in names[row["target"]]:
            if name in windows:
                yield f"{path.name}:{number}: names its body ({name}) but says it doesn't"
                break


def _monotony(known: list[tuple[Path, int, dict[str, Any]]]) -> Iterator[str]:
    openings: dict[str, Counter[str]] = defaultdict(Counter)
    for path, _, row in known:
        words = _WORD.findall(row["text"].lower())
        if len(words) > 8:
            openings[path.name][" ".join(words[:3])] += 1
    for name, counter in openings.items():
        opening, n = counter.most_common(1)[0]
        if n > max(5, MOST_SAME_OPENING * counter.total()):
            yield f"{name}: {n} of {counter.total()} texts begin {opening!r}"


def _copies(known: list[tuple[Path, int, dict[str, Any]]], shared: Path) -> Iterator[str]:
    """Rows that share a run of words with a real complaint."""
    runs = {run: f"{path.name}:{number}" for path, number, row in known for run in _runs(row["text"])}
    found: set[str] = set()
    for path in sorted(shared.rglob("*.jsonl")):
        with path.open(encoding="utf-8") as file:
            for line in file:
                found.update(runs[run] for run in _runs(json.loads(line)["text"]) if run in runs)
    yield from (f"{place}: shares {COPIED_RUN} words in a row with a real complaint" for place in sorted(found))


def _runs(text: str) -> Iterable[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return (tuple(words[i : i + COPIED_RUN]) for i in range(len(words) - COPIED_RUN + 1))


def _counts(content: list[dict[str, Any]]) -> dict[str, Any]:
    lengths = sorted(len(row["text"].split()) for row in content)
    central = [row for row in content if row["target"] not in SPECIAL_LABELS]
    return {
        "texts": len(content),
        "central": len(central),
        "central bodies": len({row["target"] for row in central}),
        **{target: sum(row["target"] == target for row in content) for target in SPECIAL_LABELS},
        "contrast rows": sum("contrast" in row for row in content),
        "contrasts": len({row["contrast"] for row in content if "contrast" in row}),
        "ask": sum(row.get("decision") == "ask" for row in content),
        "several": sum(bool(row["also"]) for row in content),
        "languages": dict(Counter(row["language"] for row in content if "language" in row)),
        "styles": dict(Counter(row["style"] for row in content)),
        "names_body share of central": round(sum(row["names_body"] for row in central) / max(1, len(central)), 3),
        "words median": lengths[len(lengths) // 2] if lengths else 0,
        "words p90": lengths[int(len(lengths) * 0.9)] if lengths else 0,
    }
