"""Finds numbers of persons: identity cards, phones, accounts, customers, taxes, pupils, employees."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lapor_route.privacy.number_cues import REACH, Cue, find_cues
from lapor_route.privacy.spans import PersonalSpan

if TYPE_CHECKING:
    from collections.abc import Iterator

_GAP = re.compile(r"[ .\-–\u00a0]|\) ?-? ?| ?\(| [-–] |  |- |\.-")
_DIGITS = re.compile(r"[0-9]+")
_DATE = re.compile(
    r"\d{1,2}[-./ ]\d{1,2}[-./ ](?:\d{4}|\d{2})|\d{4}[-./]\d{1,2}[-./]\d{1,2}(?: .{1,8})?|"
    r"\d{1,2}[-./]\d{1,2}[-./]20\d\d .{1,8}|(?:(?:19|20)\d\d[- .]{1,3})+(?:19|20)\d\d"
)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
_HOURS = re.compile(r"\d{1,2}[.]\d{2}(?: ?[-–] ?| )\d{1,2}[.]\d{2}")
_MONEY_BEFORE = re.compile(r"(?:\brp|\bidr|\busd|[$])[ .:]{0,2}\Z", re.IGNORECASE)
_MONEY_BEHIND = re.compile(r"[ ,-]{0,3}(?:rupiah|ribu|rb|juta|jt|milyar|miliar|triliun|persen|%)", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[?!;]|(?<!\bno)(?<!\brek)(?<!\ba\.n)(?<!\ban)\.\s+[^\W\d]|\n\s*\n", re.IGNORECASE)
_LIST = re.compile(r"\s?(?:,|/|&|;|dan|atau)\s?")
_MOBILE = re.compile(r"(?:620?|0)8[1-9]\d{6,11}")
_LEAD = re.compile(r"(?:\(\+?|\+|(?<![^\W_])[oO])\Z")
_LANDLINE = re.compile(r"(?:62|0)(?:2[1-9]\d{5,8}|[3-79]\d\d?\d{5,8})")
_SERVICE = re.compile(r"1500\d{3}|150\d{3}|14\d{3}|080[04]\d+|11\d|500\d{3}")
_BANK_BEHIND = re.compile(
    r"[ ,(]{1,3}(?:bank |rek(?:ening)? )?(?:bca|bri|bni|mandiri|btn|bsi|cimb|danamon|permata|jago|seabank)(?!\w)",
    re.IGNORECASE,
)
_NIP = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:19|20)\d{2}(?:0[1-9]|1[0-2])[12]\d{3}")
_NIK = re.compile(
    r"(?:1[1-9]|2[1]|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[12]|9[1-7])\d{4}(?:[04][1-9]|[1256]\d|[37][01])(?:0[1-9]|"
    r"1[0-2])\d{6}"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_DOCUMENT = re.compile(r"/[a-z]", re.IGNORECASE)
_NPWP = re.compile(r"\d{2}\.\d{3}\.\d{3}\.\d-\d{3}\.\d{3}")
_CODE = re.compile(r"(?<![\w])(?:[A-Z]{1,3}[ -]?)?\d[A-Z0-9-]{5,24}(?!\w)|(?<!\w)[A-Z]{1,3}[ -]?\d{6,9}(?!\w)")
_CODE_CUES = frozenset(
    "paspor pasport passport bpkb stnk norangka nomesin nomorrangka nomormesin imei kitas".split()
)
_LONGEST = 24
"""Digits of a number written in groups or said by a cue, at most."""
_PLAINLY_PERSONAL = 12
"""Digits from which a number is taken for personal without any cue."""


@dataclass(frozen=True, slots=True)
class _Number:
    start: int
    end: int
    digits: str
    runs: int


def find_numbers(text: str) -> Iterator[PersonalSpan]:
    """Numbers that belong to persons, by their form or by a cue such as "NIK" before them."""
    cues = find_cues(text)
    yield from _codes(text, cues)
    ends = [cue.end for cue in cues]
    last: tuple[_Number, str] | None = None
    for number in _numbers(text):
        before = bisect_left(ends, number.start + 1) - 1
        cue = cues[before] if before >= 0 and _reaches(text, cues[before], number) else None
        kind = (_next_of(text, last, number) if cue is None and last else "") or _kind(text, number, cue)
        if kind:
            last = (number, kind)
            yield _span(text, number, kind)


def _next_of(text: str, last: tuple[_Number, str], number: _Number) -> str:
    """The kind of the number before, if this one is the next of a list."""
    listed = _LIST.fullmatch(text, last[0].end, number.start)
    return last[1] if listed and abs(len(last[0].digits) - len(number.digits)) < 3 else ""


def _numbers(text: str) -> Iterator[_Number]:
    """Runs of digits, joined where they are written in groups."""
    group: list[tuple[int, int]] = []
    total = 0
    for match in _DIGITS.finditer(text):
        start, end = match.span()
        if group and not (total + end - start <= _LONGEST and _joins(text, group[-1], (start, end), total)):
            yield _number(text, group)
            group, total = [], 0
        group.append((start, end))
        total += end - start
    if group:
        yield _number(text, group)


def _joins(text: str, left: tuple[int, int], right: tuple[int, int], total: int) -> bool:
    gap = text[left[1] : right[0]]
    if len(gap) > 3 or not _GAP.fullmatch(gap) or ("(" in gap and total > 3):
        return False
    longest = max(left[1] - left[0], right[1] - right[0])
    if longest >= 9 or (total >= 9 and gap == " " and text[right[0] : right[0] + 2] in ("08", "62")):
        return False
    return not (gap == " " and 1900 <= int(text[right[0] : right[1]]) <= 2100 and total < 6)


def _number(text: str, group: list[tuple[int, int]]) -> _Number:
    start, end = group[0][0], group[-1][1]
    return _Number(start, end, "".join(text[a:b] for a, b in group), len(group))


def _reaches(text: str, cue: Cue, number: _Number) -> bool:
    """Whether a cue is said of a number: close by and in the same sentence."""
    if number.start - cue.end > REACH:
        return False
    between = text[cue.end : number.start]
    return "\0" not in between and len(between.split()) <= 8 and not _SENTENCE_END.search(between)


def _kind(text: str, number: _Number, cue: Cue | None) -> str:
    """What a number is; nothing if it isn't personal."""
    if _is_something_else(text, number):
        return ""
    digits, said = number.digits, cue.kind if cue else None
    phone = _is_phone(text, number, said=said == "phone")
    if said == "" and not phone and not _NIK.fullmatch(digits):
        return ""
    if phone and (cue is None or said in ("", "phone", "nik") or number.start - cue.end > 25):
        return "phone"
    if cue and said not in ("", "phone") and max(cue.fewest, 2 * number.runs) <= len(digits) <= _LONGEST:
        return cue.kind
    if 8 <= len(digits) <= 16 and _BANK_BEHIND.match(text, number.end):
        return "account"
    return _kind_by_form(number, text[number.start : number.end])


def _is_something_else(text: str, number: _Number) -> bool:
    """Whether it is an amount, a date, a time, a year, a hotline or the number of a document."""
    written = text[number.start : number.end]
    return bool(
        _MONEY_BEFORE.search(text, max(0, number.start - 6), number.start)
        or _MONEY_BEHIND.match(text, number.end)
        or _DATE.fullmatch(written)
        or _HOURS.fullmatch(written)
        or (_THOUSANDS.fullmatch(written) and len(number.digits) < 15)
        or _SERVICE.fullmatch(number.digits)
        or _YEAR.fullmatch(written)
        or (number.runs > 1 and all(run.endswith("00") for run in re.findall(r"\d+", written)))
        or (_DOCUMENT.match(text, number.end) and len(number.digits) < _PLAINLY_PERSONAL)
    )


def _is_phone(text: str, number: _Number, *, said: bool) -> bool:
    digits = number.digits
    if _SERVICE.fullmatch(digits):
        return False
    before = text[max(0, number.start - 2) : number.start]
    if before[-1:] in ("o", "O") and not before[:-1].isalnum() and digits.startswith("8"):
        digits = "0" + digits
    plus = "+" in before
    if _MOBILE.fullmatch(digits) or (_LANDLINE.fullmatch(digits) and (digits[0] == "0" or plus or said)):
        return True
    return (plus and 8 <= len(digits) <= 15) or (said and 7 <= len(digits) <= 15)


def _kind_by_form(number: _Number, written: str) -> str:
    digits = number.digits
    shortest = min(map(len, re.split(r"\D+", written)))
    if number.runs > 1 and shortest < 3 and not _NPWP.fullmatch(written) and len(digits) not in (16, 18):
        return ""
    if len(digits) == 16:
        return "account" if _luhn(digits) and not _NIK.fullmatch(digits) else "nik"
    if 13 <= len(digits) <= 19 and _luhn(digits) and not _NIP.fullmatch(digits):
        return "account"
    if len(digits) >= _PLAINLY_PERSONAL and (
        number.runs == 1 or _NPWP.fullmatch(written) or _NIP.fullmatch(digits)
    ):
        return "number"
    return ""


def _luhn(digits: str) -> bool:
    doubled = [int(d) * 2 for d in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0


def _span(text: str, number: _Number, kind: str) -> PersonalSpan:
    """The number with the plus sign, bracket or letter O that is a part of it."""
    start = number.start
    if kind == "phone":
        lead = _LEAD.search(text, max(0, start - 3), start)
        if lead:
            start -= len(lead.group())
    return PersonalSpan(start, number.end, kind)


def _codes(text: str, cues: list[Cue]) -> Iterator[PersonalSpan]:
    """Passports, chassis numbers and the like: letters and digits behind a cue."""
    for cue in cues:
        if cue.word in _CODE_CUES:
            match = _CODE.search(text, cue.end, min(len(text), cue.end + REACH))
            if (
                match
                and any(map(str.isalpha, match.group()))
                and not _DATE.fullmatch(match.group())
                and sum(map(str.isdigit, match.group())) >= 6
                and not _SENTENCE_END.search(text[cue.end : match.start()])
            ):
                yield PersonalSpan(*match.span(), "number")
