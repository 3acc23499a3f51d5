"""Finds e-mail addresses, private accounts of social media, IP addresses, coordinates and dates of birth."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from lapor_route.places.cues import OFFICE_PREFIXES
from lapor_route.places.gazetteer import Gazetteer
from lapor_route.privacy.spans import PersonalSpan
from lapor_route.privacy.words import is_ordinary
from lapor_route.text import squeeze

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_LOCAL = 64
_AT = r"(?:[^\S\n]?[\[({]\s?(?:at|et|a)\s?[\])}][^\S\n]?|[^\S\n](?:at|et)[^\S\n]|[^\S\n]?@[^\S\n]?)"
_DOT = r"(?:[^\S\n]?[\[({]\s?(?:dot|titik)\s?[\])}][^\S\n]?|[^\S\n](?:dot|titik)[^\S\n]|[^\S\n]?\.)"
_MAILERS = r"(?:g ?mail|gmial|gmai|googlemail|yahoo|ymail|hotmail|outlook|live|icloud|rocketmail|proton(?:mail)?)"
_MAIL = re.compile(
    rf"{_AT}(?:{_MAILERS}(?:{_DOT}(?:co{_DOT}id|com|co|id|net|me))?(?![^\W_])"
    r"|(?<=@)(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,20}(?![^\W_]))",
    re.IGNORECASE,
)
_LOCAL = re.compile(r"[\w.+%-]+\Z")
_ROLES = re.compile(
    r"(?:info|humas|(?:pe)?ngaduan|aduan|lapor|halo|kontak|contact|layanan|pelayanan|cs|call ?cent|customer|help|"
    r"support|admin|ppid|sekretariat|umum|dumas|wbs|kemen|dinas|dis|pemkot|pemkab|pemprov)",
    re.IGNORECASE,
)
_OFFICIAL_DOMAIN = re.compile(r"\.(?:go|desa|mil|ac|sch)\.id\Z", re.IGNORECASE)
_IP = re.compile(
    r"(?<![\w.,])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|[.,]\d)|(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])",
    re.I,
)
_DECIMAL = r"\d{1,2}(?:[.,]\d{1,6})?"
_DEGREES = (
    r"(?:[NSEW]|LS|LU|BT)?\s?\d{1,3}(?:°|º|˚| ?derajat)\s?"
    rf"(?:{_DECIMAL}\s?['′’]\s?)?(?:{_DECIMAL}\s?(?:\"|″|”|''))?\s?(?:LS|LU|BT|[NSEW])?"
)
_COORDINATES = re.compile(
    r"(?<![\w.,-])(?:[-−]?\d{1,2}[.,]\d{3,15}\s{0,2}(?:°|º)?\s?(?:LS|LU|S|N)?(?:\s?[,;/]\s?|\s)"
    r"(?:bujur|longitude|long?|lng)?[ :=]{0,3}\d{2,3}[.,]\d{3,15}(?:\s?(?:°|º))?(?:\s?(?:BT|E))?"
    rf"|{_DEGREES}(?:\s?[,;/]\s?|\s?){_DEGREES}"
    r"|(?:https?://)?(?:maps\.app\.goo\.gl|goo\.gl/maps|maps\.google\.[a-z.]{2,6}|"
    r"(?:www\.)?google\.[a-z.]{2,6}/maps)"
    r"/?[^\s\0]{1,300}"
    r"|[2-9CFGHJMPQRVWX]{4,8}\+[2-9CFGHJMPQRVWX]{2,3})(?!\w)",
)
_LATITUDE = r"[-−]?(?:0?\d|1[01])[.,]\d{2,15}"
_LONGITUDE = r"(?:9[4-9]|1[0-4]\d)[.,]\d{2,15}"
_UNIT = r"(?:\s?[°º˚])?(?:\s?(?:LS|LU|BT|[NSEW]))?"
_AXIS = r"(?:lat(?:itude)?|lintang(?: selatan| utara)?|lon(?:g(?:itude)?)?|lng|bujur(?: timur)?)"
_NEXT = rf"{_UNIT}(?:\s?[,;/|&]\s?|\s)(?:{_AXIS}[ :=]{{0,3}})?"
_SAID_COORDINATES = re.compile(
    rf"(?<![^\W_])(?:(?:titik )?koordinat|titik|gps|{_AXIS})(?:nya)?(?![^\W_])[^\d\n\0]{{0,20}}?"
    rf"(?P<pair>(?:{_LATITUDE}{_NEXT}{_LONGITUDE}|{_LONGITUDE}{_NEXT}{_LATITUDE}){_UNIT})(?![.,]?\d|[^\W\d_])",
    re.IGNORECASE,
)
"""Pairs with as few as two decimals, in the range of Indonesia, behind a word for them."""
_PLATFORM = (
    r"(?:ig|insta(?:gram)?|twitter|twit|fb|facebook|tik ?tok|telegram|tele|threads|line|akun|"
    r"username|user ?name|youtube|kanal|channel)"
)
_ACCOUNT = re.compile(
    rf"(?<![\w@#])(?:{_PLATFORM}(?:[^\S\n]?[/&,][^\S\n]?|"
    rf"[^\S\n]))?{_PLATFORM}(?P<filler>[^\w@\0\n<]{{1,3}}(?:(?:saya|sy|aku|"
    r"nya|dia|pribadi|milik|pelaku|penipu|pemilik|dengan|bernama|atas|nama|adalah|yaitu|ialah|di|id|user|"
    r"username|oleh|ke|aja|"
    r"instagram|medsos|ku)[^\w@\0\n<]{1,3}){0,4})(?P<handle>@?(?!https?\b|www\b)\w[\w.]{2,40})",
    re.IGNORECASE,
)
_PROFILE = re.compile(
    r"(?<!\w)(?:facebook|fb|instagram|twitter|x|tiktok|t|linkedin)\.(?:com|"
    r"me)/(?P<filler>(?:in/)?)(?!(?:permalink|profile|story|groups?|pages?|watch|reels?|p|share|status|hashtag|"
    r"photo|videos?|i|search|events?|media|www)\b)(?P<handle>@?\w[\w.-]{2,40})",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w@.])(?P<filler>)(?P<handle>@[a-z_]\w[\w.]{1,40})", re.IGNORECASE)
_MONTH = (
    r"(?:jan(?:uari)?|feb(?:ruari)?|peb(?:ruari)?|mar(?:et)?|apr(?:il)?|mei|jun[ie]?|jul[iy]?|agu?s?(?:tus)?|"
    r"sep(?:t(?:ember)?)?|okt(?:ober)?|nov?(?:p?ember)?|nopember|des(?:ember)?)"
)
_BIRTH = re.compile(
    r"(?<!\w)(?:t\.?t\.?l|tgl\.? lahir|tanggal lahir|tempat[ ,/&]{0,3}(?:dan )?(?:tgl|tanggal)\.? lahir|"
    r"(?:ke)?lahir(?:an)?(?:nya|ku)?|dob|tempat lahir)(?!\w)[^\0\n]{0,45}?(?<!\d)"
    rf"(?P<date>\d{{1,2}}(?:[-/. ]{{1,3}}\d{{1,2}}[-/. ]{{1,3}}|[-/. ]{{0,3}}{_MONTH}[-/., ]{{0,3}})(?:\d{{4}}|"
    rf"\d{{2}})|"
    r"(?:19|20)\d{2}[-/]\d{1,2}[-/]\d{1,2})(?!\d)",
    re.IGNORECASE,
)


def find_contacts(text: str) -> Iterator[PersonalSpan]:
    """E-mail addresses, coordinates, IP addresses, dates of birth and private accounts in a text."""
    yield from _mails(text)
    for match in _COORDINATES.finditer(text):
        yield PersonalSpan(*match.span(), "coordinate")
    for match in _SAID_COORDINATES.finditer(text):
        yield PersonalSpan(*match.span("pair"), "coordinate")
    for match in _IP.finditer(text):
        if _is_address(text, match):
            yield PersonalSpan(*match.span(), "ip")
    for match in _BIRTH.finditer(text):
        yield PersonalSpan(*match.span("date"), "birth")
    for pattern in (_ACCOUNT, _PROFILE, _HANDLE):
        for match in pattern.finditer(text):
            if _is_private(match):
                start, end = match.span("handle")
                yield PersonalSpan(start, start + len(text[start:end].rstrip(".")), "handle")


def _mails(text: str) -> Iterator[PersonalSpan]:
    for match in _MAIL.finditer(text):
        local = _LOCAL.search(text[max(0, match.start() - _LONGEST_LOCAL) : match.start()])
        if local is None:
            continue
        name = local.group().lstrip(".-%")
        # Offices' own addresses say which office is meant.
        if name and not (_OFFICIAL_DOMAIN.search(match.group()) and _ROLES.match(name)):
            yield PersonalSpan(match.start() - len(name), match.end(), "email")


def _is_address(text: str, match: re.Match[str]) -> bool:
    """Whether it is an IP address and no amount, time or section number."""
    found = match.group()
    try:
        if ":" in found:
            IPv6Address(found)
            return len(found) > 3
        IPv4Address(found)
    except AddressValueError:
        return False
    parts = found.split(".")
    said = re.search(r"(?<!\w)ip(?!\w)", text[max(0, match.start() - 20) : match.start()], re.IGNORECASE)
    return bool(said) or (int(parts[0]) >= 10 and any(len(part) < 3 for part in parts[1:]))


def _is_private(match: re.Match[str]) -> bool:
    """Whether the account behind a cue is neither an office's nor just a word."""
    handle = match["handle"].rstrip(".")
    if not handle.startswith("@") and not re.search(r"\d{2}\Z|[013-9]\Z|_|\w\.\w", handle):
        return (
            ":" in match["filler"]
            and len(handle) > 4
            and not is_ordinary(handle.lower())
            and not is_official(handle)
        )
    return not is_official(handle)


def is_official(handle: str) -> bool:
    """Whether an account is that of a government body, a region or its head."""
    key = squeeze(handle)
    if (
        key.isdigit()
        or key in Gazetteer.load()
        or key.endswith(_OFFICE_ENDINGS)
        or key.startswith(_OFFICE_BEGINNINGS)
    ):
        return True
    return any(part in key for part in _OFFICE_PARTS)


_OFFICE_BEGINNINGS = (
    *(
        prefix
        for prefix in OFFICE_PREFIXES
        if len(prefix) > 2 and prefix not in ("info", "sahabat", "kota", "official")
    ),
    *"""
    bank bri bni bca btn bsi ojk kpk kpu pln kai commuter krl mrt lrt tj damri bnpb bmkg bkn bpn bps bpom bp2mi
    bea humas cs tmc ntmc tni polisi xl indosat tri by halo jasa kring bpip lapan brin mpr dpr dpd tv kompas detik
    tempo cnn
    """.split(),
)
_OFFICE_ENDINGS = ("ri", "prov", "kab", "kota", "goid", "official", "pusat", "indonesia", "care", "news")
_OFFICE_PARTS = tuple(
    """
    kemen ditjen dinas polri polda polres polsek polisi pajak beacukai imigrasi bpjs pdam perumda bawaslu
    ombudsman pemkot pemkab pemprov pemda dishub dinkes dinsos disdik kominfo dukcapil jakarta jabar jateng jatim
    banten telkom indihome pertamina gojek grab tokopedia shopee lazada lion garuda citilink airasia transj kereta
    commuter angkasapura jasamarga jasaraharja presiden wapres jokowi prabowo menteri gubernur bupati walikota
    rsud lapor
    """.split()
)
