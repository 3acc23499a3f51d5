"""Texts of any length that could cost most, a kind for each part of a routing."""

from __future__ import annotations

import random
import string
from functools import cache
from typing import TYPE_CHECKING

from benchmarks.texts import mixed_texts
from lapor_route.places import Gazetteer
from lapor_route.places.cues import CUES, LEVELS
from lapor_route.places.gazetteer import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

_OFFICES = ("Dinas Sosial", "Polsek", "UPT", "Kantor Cabang", "SDN", "Balai Besar", "Kantor Kelurahan", "Samsat")
_PROVINCES = ("Jawa Barat", "Jawa Tengah", "Jawa Timur", "Papua", "Aceh", "Sumatera Utara", "Banten", "Bali")


def text_of(kind: str, characters: int, seed: int) -> str:
    """A text of exactly so many characters.

    Args:
        kind: One of `KINDS_OF_TEXT`.
        characters: Its length.
        seed: The same one gives the same text.
    """
    rng = random.Random(f"{kind} {characters} {seed}")
    make, separator = KINDS_OF_TEXT[kind]
    pieces: list[str] = []
    length = -len(separator)
    while length < characters:
        pieces.append(make(rng))
        length += len(pieces[-1]) + len(separator)
    return separator.join(pieces)[:characters]


def _written(rng: random.Random) -> str:
    return rng.choice(_mixed())


def _unknown(rng: random.Random) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(6, 12)))


def _shared_name(rng: random.Random) -> str:
    return rng.choice(_most_shared())


def _province(rng: random.Random) -> str:
    return rng.choice(_PROVINCES)


def _level(rng: random.Random) -> str:
    return rng.choice(_levels())


def _handle(rng: random.Random) -> str:
    return "@" + rng.choice(("pemkot", "pemkab", "dinas")) + _unknown(rng)


def _office(rng: random.Random) -> str:
    return rng.choice(_OFFICES)


def _letter(rng: random.Random) -> str:
    return rng.choice(string.ascii_lowercase)


def _symbol(rng: random.Random) -> str:
    return rng.choice("’‘'`_.-@#<>\u0301İß😀\n1a")


KINDS_OF_TEXT: dict[str, tuple[Callable[[random.Random], str], str]] = {
    "written": (_written, " "),
    "unknown words": (_unknown, " "),
    "shared names": (_shared_name, ", "),
    "provinces": (_province, ", "),
    "level words": (_level, " "),
    "handles": (_handle, " "),
    "offices": (_office, " "),
    "one word": (_letter, ""),
    "symbols": (_symbol, ""),
}
"""What a text is made of, and what stands between: written complaints; words that nobody has seen (the word cache,
the search for misspelt names); names of most villages; provinces, each of which speaks for all its regions; level
words, which look ahead; handles; heads of units; a single word; signs that fold, join and break."""


@cache
def _mixed() -> list[str]:
    return mixed_texts(400, 1)


@cache
def _most_shared() -> list[str]:
    """The names that most villages and kecamatan have."""
    gazetteer = Gazetteer.load()
    spread = gazetteer.first[1:] - gazetteer.first[:-1]
    village = gazetteer.kind[gazetteer.first[:-1]] == KINDS.index("village")
    names = list(gazetteer.row)
    return [names[row] for row in (-spread * village).argsort(kind="stable")[:50]]


@cache
def _levels() -> list[str]:
    return sorted(word for word, cue in CUES.items() if cue in LEVELS)
