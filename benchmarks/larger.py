"""A registry of more bodies and a gazetteer of more names than there are, to see how the time grows with them.

Every copy is as its original, but under an id, a code and a name of its own. A region's code has two digits for the
province and two for the kabupaten or kota, and none begins with a zero: so there is room for 90 provinces with 100
regions each, and some 11,000 bodies in all.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from lapor_route.bodies import Body, Registry
from lapor_route.bodies.registry import VINTAGES
from lapor_route.places import Gazetteer
from lapor_route.places.cues import CUES
from lapor_route.places.gazetteer import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

SHORTEST_NAME = 5
"""Letters of a made name, at least: shorter ones are words, or there already."""
_TRIES = 20
_JAKARTA = "31"
_OWN_KINDS = frozenset(KINDS.index(kind) for kind in ("city", "regency", "capital"))
_NEW_PROVINCE = "pemprov-rekaan-"
_Made = tuple[str | None, int, list[tuple[int, int]]]
"""A name, if one was found; the row of its original; kinds and codes."""


def larger_registry(registry: Registry, connected: int, path: Path) -> tuple[Registry, dict[int, int]]:
    """A registry of so many connected bodies, read from a file as a deployment's own is.

    Args:
        registry: Whose bodies come first and are then copied in any order, so that all kinds keep their share.
        connected: Connected bodies that are wanted.
        path: Where to write it.

    Returns:
        The registry, and for each new region's code as a number that of its original.

    Raises:
        ValueError: There are not so many codes.
    """
    bodies, copied = list(registry), {}
    originals = [body for body in registry.connected if body.kind != "province"]
    random.Random(connected).shuffle(originals)
    missing = connected - len(registry.connected)
    free = _free_codes(registry)
    provinces = {body.code: body.id for body in registry if body.kind == "province" and body.code}
    for number in count():
        if missing <= 0:
            break
        body, turn = originals[number % len(originals)], number // len(originals) + 1
        copy = replace(
            body,
            id=f"{body.id}-{turn}",
            name=f"{body.name} {turn}",
            aliases=tuple(f"{alias} {turn}" for alias in body.aliases),
            successors=(),
        )
        if body.code:
            code = next(free, None)
            if code is None:
                raise ValueError(f"there are no codes for {connected} bodies")
            if code[:2] not in provinces:
                provinces[code[:2]] = _NEW_PROVINCE + code[:2]
                bodies.append(_province(code[:2]))
                missing -= 1
            copy = replace(copy, codes={VINTAGES[0]: code}, parent=provinces[code[:2]])
            copied[_number(code)] = _number(body.code)
        bodies.append(copy)
        missing -= 1
    version = f"{registry.version}-{connected}"
    path.write_text(json.dumps({"version": version, "bodies": [_row(body) for body in bodies]}), encoding="utf-8")
    return Registry.load(path), copied


def named(gazetteer: Gazetteer, copied: Mapping[int, int], seed: int) -> Gazetteer:
    """A gazetteer that knows copies of regions too: each has as many official names and capitals as its original.

    Args:
        gazetteer: The names that there are.
        copied: Code of each copy, and that of its original.
        seed: Of the names.
    """
    names, owners = list(gazetteer.row), _owners(gazetteer)
    rows_of: dict[int, list[tuple[int, int]]] = {}
    for owner, kind, code in zip(owners.tolist(), gazetteer.kind.tolist(), gazetteer.code.tolist(), strict=True):
        if kind in _OWN_KINDS:
            rows_of.setdefault(code, []).append((owner, kind))
    namer = _Namer(gazetteer, seed)
    made: list[_Made] = [
        (namer(names[row]), row, [(kind, code)])
        for code, original in copied.items()
        for row, kind in rows_of.get(original, ())
    ]
    return _extended(gazetteer, made)


def multiplied(gazetteer: Gazetteer, times: Sequence[float], seed: int) -> list[Gazetteer]:
    """Gazetteers of some times the names: each copy has a name of its own and the places of its original.

    Args:
        gazetteer: The names that there are.
        times: How many times, one for each gazetteer; less is reached as far as numbers have no copies.
        seed: Of the names.
    """
    names = list(gazetteer.row)
    namer = _Namer(gazetteer, seed)
    first, kind, code = gazetteer.first.tolist(), gazetteer.kind.tolist(), gazetteer.code.tolist()
    shuffled = list(range(len(names)))
    random.Random(seed).shuffle(shuffled)
    made: list[_Made] = []
    found = []
    for share in sorted(times):
        wanted = round((share - 1) * len(names))
        for number in range(len(made), wanted):
            row = shuffled[number % len(names)]
            entries = range(first[row], first[row + 1])
            made.append((namer(names[row]), row, [(kind[entry], code[entry]) for entry in entries]))
        found.append(_extended(gazetteer, made))
    return found


class _Namer:
    """Makes names that aren't there: the first half of one, the second half of another."""

    def __init__(self, gazetteer: Gazetteer, seed: int) -> None:
        self._names = list(gazetteer.row)
        self._taken = set(self._names) | gazetteer.ordinary | CUES.keys()
        self._random = random.Random(seed)

    def __call__(self, original: str) -> str | None:
        """A new name that begins as the original does; nothing for a number, or if none is found."""
        if not original.isalpha():
            return None
        for _ in range(_TRIES):
            other = self._random.choice(self._names)
            name = original[: (len(original) + 1) // 2] + other[len(other) // 2 :]
            if len(name) >= SHORTEST_NAME and name.isalpha() and name not in self._taken:
                self._taken.add(name)
                return name
        return None


def _extended(gazetteer: Gazetteer, made: Iterable[_Made]) -> Gazetteer:
    """The gazetteer and what was made, as far as a name was found."""
    usable = [(name, row, entries) for name, row, entries in made if name]
    lengths = np.array([len(entries) for _, _, entries in usable], dtype=np.int32)
    added = [entry for _, _, entries in usable for entry in entries]
    rows = np.array([row for _, row, _ in usable], dtype=np.intp)
    return Gazetteer(
        names=[*gazetteer.row, *(name for name, _, _ in usable)],
        first=np.concatenate([gazetteer.first, gazetteer.first[-1] + np.cumsum(lengths, dtype=np.int32)]),
        kind=np.concatenate([gazetteer.kind, np.array([kind for kind, _ in added], dtype=np.uint8)]),
        code=np.concatenate([gazetteer.code, np.array([code for _, code in added], dtype=np.uint64)]),
        commonness=np.concatenate([gazetteer.commonness, gazetteer.commonness[rows]]),
        ordinary=gazetteer.ordinary,
    )


def _owners(gazetteer: Gazetteer) -> np.ndarray:
    """The row of every entry."""
    return np.repeat(np.arange(len(gazetteer)), np.diff(gazetteer.first))


def _free_codes(registry: Registry) -> Iterator[str]:
    """Codes of kabupaten and kota that no body has, those of new provinces first."""
    used = {code for body in registry for code in body.codes.values()}
    provinces = [f"{province}" for province in range(10, 100) if str(province) != _JAKARTA]
    for new in (True, False):
        for province in provinces:
            if (province not in used) == new:
                yield from (code for local in range(100) if (code := f"{province}.{local:02}") not in used)


def _province(code: str) -> Body:
    return Body(
        id=_NEW_PROVINCE + code,
        name=f"Pemerintah Provinsi Rekaan {code}",
        kind="province",
        subtype="pemprov",
        codes={VINTAGES[0]: code},
    )


def _row(body: Body) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in body.to_dict().items()}


def _number(code: str) -> int:
    return int(code.replace(".", ""))
