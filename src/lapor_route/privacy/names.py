"""Finds names of private persons behind words such as "nama saya", "Ibu" and "a.n.", and usual full names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lapor_route.privacy.lexicon import AMBIGUOUS, GIVEN, HEADS, HOUSES, LOW_OFFICES, NAMED, QUALIFIERS
from lapor_route.privacy.name_cues import (
    BETWEEN,
    CUE,
    DOTTED,
    FOLLOWS,
    FORMS,
    LAST_LINE,
    MAYBE,
    OWN,
    PLACED,
    SHORT,
    SIGNED,
    SIGNED_END,
    SURE,
    TITLE,
    TITLES,
)
from lapor_route.privacy.name_shape import GAP, WORD, Name, looks_like_name, name_at
from lapor_route.privacy.spans import PersonalSpan
from lapor_route.privacy.words import is_known, is_official, is_region, may_be_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_READ_FOR_CASE = 2_000
_HONOURS = frozenset(
    "brigjen dr drs h haji hj ir jend jenderal k kh kiai kol kyai letjen mayjen prof r raden rd".split()
)
_COURTEOUS = frozenset("pak bu bapak ibu bpk sdr sdri saudara saudari pakde bude mbah".split())
_ON_SIGNS = frozenset("almarhum almarhumah anak bidan dokter dosen guru kades lurah mandor mendiang suster".split())
"""Cues that stand in names of roads and institutions as well: "Jalan Guru Mughni"."""
_OF_AN_OWNER = frozenset(["rumah makan", "warung"])


def find_names(text: str) -> Iterator[PersonalSpan]:
    """Names of private persons; those of officials, places and institutions stay."""
    cased = _tells_case(text)
    end = 0
    for match in CUE.finditer(text):
        if match.start() < end:
            continue
        name = _behind(text, match, cased)
        if name:
            end = name.end
            yield PersonalSpan(name.start, name.end, "name")
    for pattern in (SIGNED, LAST_LINE):
        for match in pattern.finditer(text):
            name = _signature(text, match.end(), cased)
            if name:
                yield PersonalSpan(name.start, name.end, "name")
    if cased:
        yield from _bare(text)


def _tells_case(text: str) -> bool:
    """Whether a text has small letters and capitals, but not mostly capitals."""
    read = text[:_READ_FOR_CASE]
    return 0 < sum(map(str.isupper, read)) < 0.6 * sum(map(str.isalpha, read))


def _behind(text: str, cue: re.Match[str], cased: bool) -> Name | None:
    """The name behind a cue."""
    kind = cue.lastgroup
    if kind == TITLE and text[cue.end() : cue.end() + 1] == "\n":
        return None
    short = cue.group().lower() in SHORT
    between = (DOTTED.match(text, cue.end()) if short else None) or BETWEEN.match(text, cue.end())
    if between is None:
        return None
    if kind == TITLE:
        return _titled(text, cue, between, cased)
    titled = FORMS.match(text, between.end()) or TITLES.match(text, between.end())
    name = name_at(text, between.end(), cased, sure=kind == SURE)
    if name is None and kind == SURE and OWN.search(cue.group()):
        name = _unknown(text, between.end())
        return name if name and not _is_on_sign(text, cue, name) else None
    if name is None or _is_on_sign(text, cue, name):
        return None
    separate = between.group().strip() in (":", "=") or "bernama" in cue.group().lower()
    if kind == SURE or separate or titled:
        sure = kind == SURE and (separate or len(name.words) > 1 or bool(OWN.search(cue.group())))
        return name if name.known or looks_like_name(name, cased, sure=sure) else None
    first = name.first
    if is_known(first) and (len(name.words) > 1 or first not in AMBIGUOUS or (cased and not name.lower)):
        return name
    if (
        kind == MAYBE
        and cased
        and not name.lower
        and len(name.words) > 1
        and looks_like_name(name, cased)
        and FOLLOWS.match(text, name.end)
    ):
        return name
    return None


def _titled(text: str, cue: re.Match[str], between: re.Match[str], cased: bool) -> Name | None:
    """The name behind "Bapak", "Ibu", "Sdr." and so on."""
    if _is_named_after(text, cue):
        return None
    start = between.end()
    word = WORD.match(text, start)
    office = word is not None and word.group().lower() in LOW_OFFICES
    if word and office:
        gap = GAP.match(text, word.end())
        start = gap.end() if gap else len(text)
    name = name_at(text, start, cased)
    if name is None and not office and "," not in between.group() and cue.group().lower() in _COURTEOUS:
        name = _unknown(text, start)
    if name is None or is_official("".join(name.words)) or is_official(name.words[0]):
        return None
    if is_known(name.first) or (name.lower and may_be_name(name.first)):
        return name
    return name if not office and looks_like_name(name, cased) else None


def _unknown(text: str, position: int) -> Name | None:
    """One or two words in small letters that aren't any other known ones."""
    words: list[str] = []
    start = end = position
    while len(words) < 2 and (match := WORD.match(text, position)) and _may_be_name(match.group()):
        words.append(match.group())
        end = match.end()
        gap = GAP.match(text, end)
        position = gap.end() if gap else len(text)
    return Name(start, end, tuple(words)) if words else None


def _may_be_name(word: str) -> bool:
    return (word.islower() or word.isupper()) and may_be_name(word.lower())


def _is_institution(text: str, start: int) -> bool:
    """Whether the words before make a name that of a road, a school, a hospital and the like."""
    return any(map(_is_head, _words_before(text, start)[-2:]))


def _is_named_after(text: str, cue: re.Match[str]) -> bool:
    """Whether a title with its name is that of a road, a school, a hospital and the like."""
    words = _words_before(text, cue.start())
    if cue.group().lower() == "mas":
        # Gold as well: "toko mas", "Gunung Mas".
        return bool(words) and _is_head(words[-1]) and words[-1] not in _OF_AN_OWNER
    while words and words[-1] in QUALIFIERS:
        words.pop()
    return bool(words) and (words[-1] in NAMED or words[-1] in ("rumah sakit", "rumah bersalin"))


def _is_on_sign(text: str, cue: re.Match[str], name: Name) -> bool:
    """Whether a cue that is no title stands in the name of a road, a school and the like."""
    said = cue.group().lower()
    if "nama" in said:
        return _is_institution(text, name.start)
    return said in _ON_SIGNS and _is_named_after(text, cue)


def _words_before(text: str, start: int) -> list[str]:
    """The words before in the same phrase, without honours; "rumah sakit" is one."""
    before = text[max(0, start - 40) : start]
    phrase = re.split(r"[,;:!?\n\0()]|(?<!\bprof)(?<=\w{4})\.\s", before.lower())[-1]
    words: list[str] = []
    for word in re.findall(r"[^\W_]+", phrase):
        if word in HOUSES and words and words[-1] in ("rumah", "rmh"):
            words[-1] = f"rumah {word}"
        elif word not in _HONOURS:
            words.append(word)
    return words


def _is_head(word: str) -> bool:
    return word in HEADS or word.startswith("rumah ")


def _signature(text: str, position: int, cased: bool) -> Name | None:
    """A name that ends a complaint or fills a line."""
    name = name_at(text, position, cased)
    if name is None or not SIGNED_END.match(text, name.end):
        return None
    if is_known(name.words[0].lower()) and (len(name.words) > 1 or cased):
        return name
    if cased and not name.lower and not any(map(is_region, name.words)):
        return name if len(name.words) > 1 or name.known else None
    return None


def _bare(text: str) -> Iterator[PersonalSpan]:
    """Full names of usual words without any cue."""
    end = 0
    previous: re.Match[str] | None = None
    for match in WORD.finditer(text):
        before, previous = previous, match
        if match.start() < end or not match.group()[0].isupper() or match.group().lower() not in GIVEN:
            continue
        joined = (
            before is not None and before.group()[0].isupper() and GAP.fullmatch(text, before.end(), match.start())
        )
        if (
            joined
            or _is_institution(text, match.start())
            or PLACED.search(text, max(0, match.start() - 8), match.start())
        ):
            continue
        name = name_at(text, match.start(), True)
        if name and name.known > 1 and name.known >= len(name.words) - 1 and not is_official("".join(name.words)):
            end = name.end
            yield PersonalSpan(name.start, name.end, "name")
