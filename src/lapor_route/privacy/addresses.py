"""Finds addresses of houses; the kelurahan, the kecamatan and a road without a number stay."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lapor_route.privacy.lexicon import STOP
from lapor_route.privacy.spans import PersonalSpan

if TYPE_CHECKING:
    from collections.abc import Iterator

_S = r"[^\S\n]{0,2}"
_JOIN = rf"(?:{_S}[,/.-]?{_S})"
_NO = rf"(?:(?:no(?:mor|mer)?|nmr|num)\.?{_S}[:.]?{_S}|#{_S})"
_NUMBER = (
    rf"{_NO}(?:(?!km)[a-z]{{1,2}}{_S}[-/.]?{_S})?\d{{1,4}}"
    rf"(?:{_S}[-/.]{_S}\d{{1,3}}(?![\d.]))?(?:{_S}[a-z](?![\w/]))?"
)
_BLOCK = (
    rf"(?:(?:blok|blk|block){_S}\.?{_S}(?:[a-z]{{1,2}}(?![a-z])|"
    rf"\d)(?:{_S}[-/.]?{_S}\d{{1,4}}(?:[-/]\d{{1,3}})?)?(?:[a-z](?!\w))?"
    rf"|(?:kav(?:ling|eling)?|kapling)\.?{_S}\d{{1,4}}[a-z]?"
    rf"|(?:tower|twr|menara)[^\S\n][^\W\d_]{{1,15}}(?=[^\S\n,]{{1,3}}(?:lt|lantai|unit|no))"
    rf"|(?:lantai|lt)\.?{_S}\d{{1,3}}(?=[^\S\n,]{{1,3}}(?:unit|no|kamar))|(?:unit|"
    rf"kamar){_S}(?:no\.?{_S})?[a-z]?\d{{1,4}}[/-]?\w{{0,4}}(?!\w))"
)
_RT = (
    rf"(?:rt{_S}[./]?{_S}rw{_S}[.:]?{_S}\d{{1,3}}(?:{_S}[/.-]?{_S}\d{{1,3}})?"
    rf"|rt{_S}[.:]?{_S}\d{{1,3}}(?:{_JOIN}(?:rw{_S}[.:]?{_S})?\d{{1,3}}(?!\d))?|rw{_S}[.:]?{_S}\d{{1,3}})"
)
_MORE = re.compile(rf"{_JOIN}(?:dan )?(?:{_NUMBER}|{_BLOCK}|{_RT})(?!\w)", re.IGNORECASE)
_START = re.compile(
    rf"(?<![\w/.-])(?:(?P<number>{_NUMBER})|(?P<block>{_BLOCK})|(?P<rt>{_RT})|"
    rf"(?P<lot>[a-z]{{1,2}}{_S}[-/.]?{_S}\d{{1,3}}(?={_JOIN}no)))(?!\w)",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"(?<![\w@])(?:jl|jln|jalan|jaln|gg|gang|lorong|lrg|lr)(?:\.[^\S\n]{0,2}|[^\S\n]{1,2})(?=\w)", re.IGNORECASE
)
_STREET_WORD = re.compile(
    r"(?:[^\W\d_][\w'’-]{0,24}\.?|\d{1,2}(?!\d))(?!\w)(?:[^\S\n]{1,2}|(?<=\.))?", re.IGNORECASE
)
_BARE_NUMBER = re.compile(
    r"(?:(?:[ivx]{1,5}[^\S\n]?/[^\S\n]?\d{1,4}|\d{2,4}|\d{1,3}[-/]\d{1,3}|\d[a-z])(?:[-/]\d{1,3})?[a-z]?"
    r"(?=[^\S\n]{0,2}(?:[,.;\n()]|\Z|kel\b|kec\b|kelurahan|kecamatan|desa|rt\b|kav|blok))|"
    r"\d(?=[^\S\n,]{1,3}(?:rt\b|kav|blok)))(?![.,]\d)",
    re.IGNORECASE,
)
_MOST_STREET_WORDS = 6
_HOME = re.compile(
    r"(?<!\w)(?:rumah|rmh|alamat|tinggal|domisili|beralamat|kediaman|kontrakan|kos|kost|tempat tinggal|"
    r"berdomisili|menempati|ktp)(?:nya|ku)?(?!\w)",
    re.IGNORECASE,
)
_LIVES = re.compile(
    r"(?<!\w)(?:alamat|tinggal|domisili|beralamat|kediaman|kontrakan|berdomisili|menempati|ktp)(?:nya|ku)?(?!\w)",
    re.IGNORECASE,
)
_ESTATE = re.compile(
    r"(?<!\w)(?:perum(?:ahan|nas)?|komplek?s?|kompleks|griya|graha|puri|villa|vila|cluster|apartemen|apt|"
    r"rusun(?:awa|ami)?|asrama|ruko|regency|residence|permai|indah|"
    r"asri|kavling|banjar|br|dusun|dsn|kampung|kp|lingkungan|dukuh|huta|jorong|alamat|rumah|rmh|kontrakan|kost?|"
    r"tinggal|flat|mess|kediaman|pondok)(?!\w)",
    re.IGNORECASE,
)
_LAW = re.compile(
    r"(?<!\w)(?:uu|pp|perpres|perda|permen\w*|undang|peraturan|keputusan|kepres|inpres|pergub|perbup|perwal\w*|"
    r"surat|sk|se|putusan|pasal|laporan|lap|tiket|"
    r"angkot|rute|trayek|bus|ka|loket|gerbang|tps|pintu|jalur|antrian|antrean|urut|kode|tahun|ayat|gardu|tiang|"
    r"register|perkara|seri|shm|shgb|hgb|sertifikat|pajak|pbb|hak|akta|ijazah|rekening|telepon|telp|hp|antrian|"
    r"kk|ktp|pelanggan|meter|polisi|kendaraan)(?!\w)[^,;\n]{0,25}\Z",
    re.IGNORECASE,
)
_MARK = re.compile(rf"{_JOIN}(?:no(?:mor)?\b|rumah (?:cat|warna|nomor|no))", re.IGNORECASE)


def find_addresses(text: str) -> Iterator[PersonalSpan]:
    """House numbers with their road, block, RT and RW.

    The name of a road goes with the number of a house on it; that of a housing estate or a kampung stays. RT and RW
    alone are an address only where a house is spoken of.
    """
    end = 0
    for match in _STREET.finditer(text):
        if match.start() >= end and (found := _end_of_street(text, match.end())):
            end = found
            yield PersonalSpan(match.start(), end, "address")
    end = 0
    for match in _START.finditer(text):
        if match.start() < end:
            continue
        found, parts = _chain(text, match.end())
        if _is_house(text, match, found, parts):
            end = found
            yield PersonalSpan(match.start(), end, "address")


def _end_of_street(text: str, position: int) -> int | None:
    """Where a road's house number ends, with what belongs to it; nothing if no number follows."""
    for count in range(_MOST_STREET_WORDS + 1):
        if count and _MORE.match(text, position):
            end = _chain(text, position)[0]
            return end if _HOUSE.search(text, position, end) else None
        if count and (number := _BARE_NUMBER.match(text, position)):
            return _chain(text, number.end())[0]
        word = _STREET_WORD.match(text, position)
        if word is None or (not word.group().istitle() and _bare(word.group()) in _NOT_STREET):
            return None
        position = word.end()
    return None


def _bare(word: str) -> str:
    return word.strip().rstrip(".").lower()


def _chain(text: str, position: int) -> tuple[int, int]:
    """Where the further parts of an address end, and how many there are."""
    for parts in range(6):
        more = _MORE.match(text, position)
        if more is None:
            return position, parts
        position = more.end()
    return position, 6


def _is_house(text: str, match: re.Match[str], end: int, parts: int) -> bool:
    before = text[max(0, match.start() - 45) : match.start()]
    if match.lastgroup == "number" and _LAW.search(before):
        return False
    numbered = bool(re.search(r"no|#", match.group() + text[match.end() : end], re.IGNORECASE))
    home, estate = bool(_HOME.search(before)), bool(_ESTATE.search(before))
    if match.lastgroup == "lot":
        return estate or home
    if match.lastgroup == "block":
        return (parts > 0 and (numbered or home or estate)) or (
            bool(re.search(r"\d", match.group())) and (home or estate)
        )
    if match.lastgroup == "rt":
        return (
            numbered
            or bool(_MARK.match(text, end))
            or bool(re.search(r"\d.*rw|rt.{0,4}rw", match.group(), re.IGNORECASE) and _LIVES.search(before))
        )
    return (
        (parts > 0 and bool(re.search(r"rt|rw|blok|kav", text[match.end() : end], re.IGNORECASE))) or estate or home
    )


_HOUSE = re.compile(rf"(?<!\w)(?:{_NUMBER}|{_BLOCK})(?!\w)", re.IGNORECASE)
_NOT_STREET = (STOP - frozenset("raya gang gg mangga tanah negara pantai air taman kali".split())) | frozenset(
    "rusak berlubang km sepanjang sebelah antara menuju lintas".split()
) - frozenset(["lintas"])
