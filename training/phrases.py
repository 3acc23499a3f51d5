"""Made-up sentences that name a place the way people do, for every region."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import defaultdict
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from lapor_route.bodies.registry import DKI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lapor_route.bodies import Registry

# Slots: V village, K kecamatan, B bare name of the kabupaten/kota, L its level word, P province.
STYLES = (
    "{L} {B}",
    "{L} {B}, {P}",
    "{B}",
    "kec. {K} {L} {B}",
    "Kecamatan {K}, {L} {B}",
    "desa {V} kec {K} {B}",
    "kel. {V}, kec. {K}, {L} {B}",
    "{V}, {K}, {B}",
    "kecamatan {K} {B}",
    "dusun krajan desa {V} kecamatan {K}",
    "{V} {K}",
    "di {K} {B}",
    "daerah {K}, {P}",
    "{K} - {B}",
    "kelurahan {V} {B}",
    "Ds. {V} RT 03 RW 01 Kec. {K}",
)
FRAMES = (
    "Tolong jalan rusak di {}, sudah lama tidak diperbaiki",
    "lampu jalan mati semua di {} mohon segera dibenahi pak",
    "Selamat pagi. Saya warga {}. Sampah menumpuk tiga minggu dan tidak diangkut.",
    "{} air pdam mati sejak kemarin",
    "KTP saya belum jadi padahal sudah rekam tahun lalu, saya tinggal di {}. Terima kasih",
    "Mohon ditertibkan parkir liar di depan pasar, {}",
    "kapan bantuan turun untuk kami di {}",
    "Puskesmas di {} tutup terus, petugasnya tidak pernah ada",
)


@cache
def regions() -> tuple[dict[str, str], dict[str, list[tuple[str, str]]]]:
    """Names by code, and the (village, kecamatan) names of each kabupaten/kota code."""
    data = files("lokal") / "data"
    names: dict[str, str] = json.loads(gzip.decompress((data / "wilayah.json.gz").read_bytes()))
    villages: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for code, name in json.loads(gzip.decompress((data / "desa.json.gz").read_bytes())).items():
        villages[code[:5]].append((name, names[code[:8]]))
    return names, dict(villages)


def place_phrase(code: str, style: str, rng: random.Random) -> str:
    """One way to name a kabupaten/kota (`34.04`), or a place in it."""
    names, villages = regions()
    village, kecamatan = rng.choice(villages[code])
    full = names[code]
    city = full.startswith("Kota")
    level = rng.choice(("Kota", "kota") if city else ("Kabupaten", "Kab.", "kab"))
    return style.format(V=village, K=kecamatan, B=bare_name(full), L=level, P=names[code[:2]])


def bare_name(full: str) -> str:
    """A kabupaten's or kota's name without its level word."""
    return re.sub(r"^(Kabupaten|Kota)( Adm\w*\.?)? ", "", full)


def place_sentences(registry: Registry, number: int, seed: int) -> Iterator[tuple[str, str]]:
    """(sentence, body id of the region) pairs over all kabupaten/kota; a bare shared name means the city."""
    rng = random.Random(seed)
    _, villages = regions()
    codes = sorted(villages)
    for index in range(number):
        code = codes[index % len(codes)] if index < len(codes) else rng.choice(codes)
        body = registry.by_code(code)
        if body is None:
            continue
        sentence = rng.choice(FRAMES).format(place_phrase(code, rng.choice(STYLES), rng))
        casing = rng.random()
        if casing < 0.3:
            sentence = sentence.lower()
        elif casing < 0.36:
            sentence = sentence.upper()
        yield sentence, DKI if code.startswith("31") else body.id
