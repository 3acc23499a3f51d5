"""Finds the number plates of vehicles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lapor_route.privacy.spans import PersonalSpan

if TYPE_CHECKING:
    from collections.abc import Iterator

_AREA = r"(?:A[ABDEG]?|B[ABDEGHKLMNP]?|D[ABCDEGHKLMNRSTW]?|E[ABD]?|F|G|H|K[BHTU]?|L|M|N|P[ABG]?|R|S|T|W|Z)"
_PLATE = re.compile(
    rf"(?<![\w/@#&.-])(?P<area>{_AREA})(?P<gap>[ .-]{{0,2}})(?P<digits>\d{{1,4}})"
    r"(?P<gap2>[ .-]{0,2})(?P<series>[A-Z]{1,3})?(?![\w/])",
    re.IGNORECASE,
)
_CUE = re.compile(
    r"(?<!\w)(?:nopol|no\.? ?pol|plat(?:nya|e)?|nomor polisi|nomor kendaraan|tnkb|bernopol|berplat|polisi)(?!\w)",
    re.IGNORECASE,
)
_VEHICLE = re.compile(
    r"(?<!\w)(?:mobil|motor|sepeda motor|truk|truck|bus|bis|angkot|taksi|taxi|kendaraan|pick ?up|avanza|xenia|"
    r"innova|beat|vario|ojek|ojol|tronton|ambulans?|travel)(?:nya)?(?!\w)",
    re.IGNORECASE,
)
_NO_PLATE = re.compile(
    r"(?<!\w)(?:blok|block|tipe|type|kelas|golongan|gol|gate|gedung|lantai|kamar|ruang|pasal)\.? ?\Z", re.I
)
_NO_SERIES = frozenset(
    """
    di ke yg dan jam km rb jt kg org ada itu ini dr tgl bln thn th hr ya pun nya cm mm ha gr lt m2 kwh wib wit pcs
    kk jl sd smp sma rt rw no bbl wa hp kw pt cv oh ok eh hub thd utk utl sy gk ga gak tdk blm sdh lah loh kok mau
    tak kali kah an pak bu jln gg watt va mg ml am pm
    """.split()
)
_LOOK_BACK = 40


def find_plates(text: str) -> Iterator[PersonalSpan]:
    """Number plates: "B 1234 XYZ", also glued or in small letters, and without series behind a cue."""
    for match in _PLATE.finditer(text):
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
        if not _NO_PLATE.search(before) and _is_plate(match, before):
            end = match.end() if match["series"] else match.end("digits")
            yield PersonalSpan(match.start(), end, "plate")


def _is_plate(match: re.Match[str], before: str) -> bool:
    area, digits, series = match["area"], match["digits"], match["series"] or ""
    cued = bool(_CUE.search(before))
    if not series or (series.islower() and series in _NO_SERIES):
        return cued and (len(digits) > 2 or bool(series)) and not series
    if cued:
        return True
    near = bool(_VEHICLE.search(before))
    upper = area.isupper() and series.isupper()
    if upper:
        return len(digits) > 2 or (near and len(digits) > 1)
    year = 1900 < int(digits) < 2100
    glued = not match["gap"] and not match["gap2"]
    return len(digits) > 2 and (glued or near or (not year and len(series) > 1))
