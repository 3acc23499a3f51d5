"""Swaps the place names of training texts, so that a classifier learns what happens, not where.

Most regional rows come from a handful of cities. Left alone, a model would learn that "Surabaya" means a city
government; with every name swapped for one of the same level from anywhere, it can't.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from lapor_route.places.gazetteer import KINDS, Gazetteer
from lapor_route.places.mentions import find_matches
from training.phrases import bare_name

if TYPE_CHECKING:
    import random

_MOST_COMMON = 2.5
"""Names that are commoner words than this stay, unless a level word stands before them."""


def swap_places(text: str, rng: random.Random, share: float = 1.0) -> str:
    """The text with a share of its place names replaced by others of the same level."""
    gazetteer = Gazetteer.load()
    pieces: list[str] = []
    done = 0
    for match in find_matches(text, gazetteer):
        kind = KINDS[int(gazetteer.kind[int(gazetteer.first[match.row])])]
        names = place_names().get(kind)
        common = float(gazetteer.commonness[match.row]) > _MOST_COMMON
        if not names or match.fuzzy or match.marked or (common and not match.level) or rng.random() > share:
            continue
        name = rng.choice(names)
        surface = text[match.start : match.end]
        name = name.lower() if surface.islower() else name.upper() if surface.isupper() else name
        pieces += [text[done : match.start], name]
        done = match.end
    return "".join(pieces) + text[done:]


@cache
def place_names() -> dict[str, list[str]]:
    """All names of places by their kind."""
    data = files("lokal") / "data"
    names: dict[str, list[str]] = defaultdict(list)
    for file in ("wilayah.json.gz", "desa.json.gz"):
        for code, name in json.loads(gzip.decompress((data / file).read_bytes())).items():
            kind = {2: "province", 5: "city" if name.startswith("Kota") else "regency", 8: "kecamatan"}.get(
                len(code), "village"
            )
            names[kind].append(bare_name(name) if len(code) == 5 else name)
    for path in sorted((Path(__file__).parent / "places").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table):
                kind = row["kind"] if row["kind"] in KINDS else "landmark"
                names[kind].append(row["name"])
    return dict(names)
