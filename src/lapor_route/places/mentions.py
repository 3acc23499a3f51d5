"""Finds the names of places in a text, in one pass over its tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from lapor_route.places.cues import CUES, DIRECTIONS, FUNCTION_WORDS, GLUED, LEVELS, OFFICE_PREFIXES
from lapor_route.places.gazetteer import KINDS, LONGEST_NAME, PREFIX, Gazetteer
from lapor_route.text import Token, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FUZZY_LOOKUPS = 8
"""Misspelt-looking words of one text that are compared with the list of names."""

_BREAKS = frozenset(',;:\n()[]{}|!?"”“=+<>')
_GOVERNMENT_DOMAIN = ".go.id"
_GLUED_INITIALS = frozenset(prefix[0] for prefix in GLUED)
_LOOK_BACK = 3
_SHORTEST_FUZZY = 6
_REGION_KINDS = frozenset(KINDS.index(k) for k in ("province", "city", "regency", "capital", "nickname"))
_MAIN_KINDS = frozenset(KINDS.index(k) for k in ("province", "city", "regency"))
_BEHIND = frozenset({"regency", "city"})
_CUE_KINDS: dict[str, frozenset[int]] = {
    "province": frozenset({KINDS.index("province")}),
    "regency": frozenset({KINDS.index("regency")}),
    "city": frozenset({KINDS.index("city")}),
    "region": frozenset(KINDS.index(k) for k in ("province", "city", "regency")),
    "kecamatan": frozenset({KINDS.index("kecamatan")}),
    "village": frozenset({KINDS.index("village")}),
}


@dataclass(frozen=True, slots=True)
class Match:
    """A stretch of text that is a name in the gazetteer.

    Attributes:
        row: Row of the gazetteer.
        start: Offset of its first character.
        end: Offset behind its last character.
        first: Index of its first token.
        last: Index of its last token.
        level: Level word right before it (``kecamatan``, ``city`` ...) or another neighbouring cue.
        role: A role within three tokens before it: ``home``, ``travel``, ``person`` ... or nothing.
        lower: Whether it is written in lower case in a text that uses capitals.
        marked: Whether it stands in a @handle, a #hashtag or the domain of a government.
        fuzzy: Whether the spelling was mended.
    """

    row: int
    start: int
    end: int
    first: int
    last: int
    level: str = ""
    role: str = ""
    lower: bool = False
    marked: bool = False
    fuzzy: bool = False


def find_matches(text: str, gazetteer: Gazetteer) -> list[Match]:
    """All names in a text, longest first at every position, not overlapping.

    Cost: at most five dictionary look-ups a token, and `MOST_FUZZY_LOOKUPS` comparisons with the names
    of one initial letter, whatever the length of the text.
    """
    return list(_Scanner(text, gazetteer).run())


class _Scanner:
    def __init__(self, text: str, gazetteer: Gazetteer) -> None:
        self.text = text
        self.gazetteer = gazetteer
        self.row = gazetteer.row
        self.tokens = tokenize(text)
        self.fuzzy_left = MOST_FUZZY_LOOKUPS
        capitals = sum(map(str.isupper, text[:2000]))
        self.has_case = 0 < capitals < 0.5 * max(1, sum(map(str.isalpha, text[:2000])))

    def run(self) -> Iterator[Match]:
        position = 0
        while position < len(self.tokens):
            match = self._at(position)
            if match is None:
                position += 1
            else:
                yield match
                position = match.last + 1

    def _at(self, position: int) -> Match | None:
        token = self.tokens[position]
        if token.mark or self.text[token.end : token.end + 6].lower() == _GOVERNMENT_DOMAIN:
            return self._marked(position, token)
        if CUES.get(token.key) in LEVELS and self._names_level(position):
            return None
        found = self._longest(position)
        if found is not None:
            row, last = found
            return self._match(row, position, last)
        return self._glued(position, token) or self._misspelt(position, token)

    def _names_level(self, position: int) -> bool:
        """Whether the level word here is followed by a name of that level."""
        if position + 1 >= len(self.tokens):
            return False
        found = self._longest(position + 1)
        if found is None:
            return False
        wanted = _CUE_KINDS[CUES[self.tokens[position].key]]
        return not wanted.isdisjoint(self._kinds(found[0]))

    def _kinds(self, row: int) -> list[int]:
        first = self.gazetteer.first
        kinds: list[int] = self.gazetteer.kind[first[row] : first[row + 1]].tolist()
        return kinds

    def _longest(self, position: int) -> tuple[int, int] | None:
        """Row and last token of the longest name that starts here."""
        prefixes = self.gazetteer.prefixes
        raw = expanded = ""
        best = None
        for index in range(position, min(position + LONGEST_NAME, len(self.tokens))):
            token = self.tokens[index]
            if token.mark or (index > position and self._breaks(index)):
                break
            raw += token.key
            expanded += DIRECTIONS.get(token.key, token.key)
            if len(raw) >= PREFIX and raw[:PREFIX] not in prefixes and expanded[:PREFIX] not in prefixes:
                break
            row = self.row.get(raw)
            if row is None and expanded != raw:
                row = self.row.get(expanded)
            if row is not None and len(raw) > 2 and (index == position or self._may_end(position, token)):
                best = (row, index)
        return best

    def _may_end(self, position: int, last: Token) -> bool:
        return last.key not in FUNCTION_WORDS and self.tokens[position].key not in FUNCTION_WORDS

    def _breaks(self, index: int) -> bool:
        gap = self.text[self.tokens[index - 1].end : self.tokens[index].start]
        return len(gap) > 3 or not _BREAKS.isdisjoint(gap)

    def _match(self, row: int, first: int, last: int, *, fuzzy: bool = False, level: str = "") -> Match:
        start, end = self.tokens[first].start, self.tokens[last].end
        near, role = self._cues_before(first)
        if near not in LEVELS:
            near = self._level_behind(row, last) or near
        return Match(
            row=row,
            start=start,
            end=end,
            first=first,
            last=last,
            level=level or near,
            role=role,
            lower=self.has_case and self.text[start].islower(),
            fuzzy=fuzzy,
        )

    def _level_behind(self, row: int, last: int) -> str:
        """A level word behind a region's name ("Bandung Kab."), unless it belongs to the next name."""
        behind = last + 1
        if behind >= len(self.tokens) or self._breaks(behind):
            return ""
        level = CUES.get(self.tokens[behind].key, "")
        if level not in _BEHIND or _CUE_KINDS[level].isdisjoint(self._kinds(row)):
            return ""
        follows = behind + 1 < len(self.tokens) and not self._breaks(behind + 1)
        return "" if follows and self._longest(behind + 1) else level

    def _cues_before(self, first: int) -> tuple[str, str]:
        """The cue right before a name, and the first role among the three tokens before it."""
        near = role = ""
        following = self.tokens[first]
        for distance in range(1, min(_LOOK_BACK, first) + 1):
            token = self.tokens[first - distance]
            gap = self.text[token.end : following.start]
            if len(gap) > 3 or not _BREAKS.isdisjoint(gap.replace(":", "") if distance == 1 else gap):
                break
            cue = CUES.get(token.key, "")
            if distance == 1 or (distance == 2 and not near and len(following.key) <= 2):
                near = cue
            elif not role and cue not in LEVELS and cue != near:
                role = cue
            following = token
        return near, role

    def _marked(self, position: int, token: Token) -> Match | None:
        """A region inside a @handle or #hashtag."""
        row = self.row.get(token.key)
        if row is None:
            row = self._office(token.key)
        if row is None or (len(token.key) < 3):
            return None
        return Match(row, token.start, token.end, position, position, level="region", marked=True)

    def _office(self, key: str) -> int | None:
        for prefix in OFFICE_PREFIXES:
            for rest in (
                key.removeprefix(prefix) if key.startswith(prefix) else "",
                key.removesuffix(prefix) if key.endswith(prefix) else "",
            ):
                name = DIRECTIONS.get(rest, rest)
                for candidate in (name, name.removeprefix("kota"), name.removeprefix("kab")):
                    row = self.row.get(candidate) if len(candidate) > 3 else None
                    if row is not None and not _REGION_KINDS.isdisjoint(self._kinds(row)):
                        return row
        return None

    def _glued(self, position: int, token: Token) -> Match | None:
        """A cue word and a name written as one word: "kotabandung", "didepok"."""
        if token.key[0] not in _GLUED_INITIALS or len(token.key) < 6:
            return None
        for prefix in GLUED:
            rest = token.key.removeprefix(prefix)
            if rest is token.key or len(rest) < 4:
                continue
            row = self.row.get(rest)
            if row is None:
                continue
            cue = CUES.get(prefix, "in")
            fits = _CUE_KINDS.get(cue, _REGION_KINDS)
            if not fits.isdisjoint(self._kinds(row)):
                return self._match(row, position, position, level=cue)
        return None

    def _misspelt(self, position: int, token: Token) -> Match | None:
        """A name of a province, kabupaten/kota or kecamatan with one or two wrong letters."""
        key = token.key
        after_level = position > 0 and CUES.get(self.tokens[position - 1].key) in LEVELS
        if (
            len(key) < _SHORTEST_FUZZY - after_level
            or self.fuzzy_left <= 0
            or key in self.gazetteer.ordinary
            or not key.isalpha()
        ):
            return None
        self.fuzzy_left -= 1
        allowed = 1 if len(key) < 9 else 2
        index = self.gazetteer.fuzzy_index
        lengths = range(len(key) - allowed, len(key) + allowed + 1)
        names = [name for length in lengths for name in index.get((key[0], length), ())]
        found = process.extractOne(key, names, scorer=Levenshtein.distance, score_cutoff=allowed)
        if found is None:
            return None
        match = self._match(self.row[found[0]], position, position, fuzzy=True)
        wanted = _CUE_KINDS.get(match.level, _MAIN_KINDS)
        return None if wanted.isdisjoint(self._kinds(match.row)) else match
