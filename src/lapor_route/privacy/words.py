"""Tells words of names from other words."""

from __future__ import annotations

import re
from functools import lru_cache

from lapor_route.places.gazetteer import KINDS, Gazetteer
from lapor_route.privacy.lexicon import FAMILY, GIVEN, PUBLIC, STOP
from lapor_route.text import squeeze

_ENDINGS = re.compile(
    r".{2,}(?:yanto|wanto|ianto|danto|ryanto|yono|diono|iyono|iyadi|ryadi|wadi|wati|iyati|niati|"
    r"yanti|ningsih|ningrum|ningtyas|astuti|uddin|ludin|udin|ullah|iansyah|ansyah|wibowo|wijaya|kusuma|saputra|"
    r"syahputra|nugroho|"
    r"prasetyo|hartono|santoso|iyah|itasari|nitasari|atmadja|atmaja|kurniawan|setiawan|dewi|inus|ianus|ensius)"
    r"|su[a-z]+(?:jo|rno|rto|man|min|yo|rdi|ndi|rmi|rni|rti|iyah|inah|tno|tri|ryo|yoto|kir|kardi)"
)
_DERIVED = re.compile(r"ber|meng|mem|men|meny|peng|pem|peny|ter|kem[ed]|kapol|kasat|kepal|http|ngab|nge|dikti")
ACRONYM = re.compile(r"[A-Z]{2,5}")
_MAIN_KINDS = frozenset(KINDS.index(kind) for kind in ("province", "city", "regency", "capital", "nickname"))
_OFFICIAL = KINDS.index("official")


def is_known(word: str) -> bool:
    """Whether a lower-case word is a usual name of a person."""
    return (
        word in GIVEN
        or word in FAMILY
        or bool(len(word) > 5 and _ENDINGS.fullmatch(word) and not is_ordinary(word))
    )


def is_ordinary(word: str) -> bool:
    """Whether a lower-case word is an ordinary one."""
    half, hyphen, again = word.partition("-")
    if hyphen and half == again:
        return True
    return word in STOP or (len(word) > 7 and word.endswith("kan")) or squeeze(word) in Gazetteer.load().ordinary


def may_be_name(word: str) -> bool:
    """Whether a lower-case word isn't any other that is known, nor looks like a verb or an office."""
    return (
        len(word) > 3
        and not is_ordinary(word)
        and not _DERIVED.match(word)
        and squeeze(word) not in Gazetteer.load()
    )


def is_region(word: str) -> bool:
    """Whether a word names a province, a kabupaten/kota or its capital."""
    return not _MAIN_KINDS.isdisjoint(_kinds(squeeze(word)))


def is_official(name: str) -> bool:
    """Whether a name is that of a head of a region or another well-known holder of an office."""
    key = squeeze(name)
    if key in PUBLIC or name.lower() in GIVEN:
        return key in PUBLIC
    return any(
        _OFFICIAL in _kinds(prefix + key)
        for prefix in ("", "pak", "bapak", "bpk", "bu", "ibu", "bupati", "walikota")
    )


@lru_cache(maxsize=4096)
def _kinds(key: str) -> frozenset[int]:
    gazetteer = Gazetteer.load()
    row = gazetteer.row.get(key)
    if row is None:
        return frozenset()
    return frozenset(gazetteer.kind[gazetteer.first[row] : gazetteer.first[row + 1]].tolist())
