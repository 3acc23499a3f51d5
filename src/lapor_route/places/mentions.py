"""Finds the names of places in a text, in one pass over its tokens."""

from __future__ import annotations

from operator import add, or_
from typing import TYPE_CHECKING, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from lapor_route.places.cues import CUES, DIRECTIONS, FUNCTION_WORDS, GLUED, LEVELS, OFFICE_PREFIXES
from lapor_route.places.gazetteer import KINDS, LONGEST_NAME, PREFIX, Gazetteer, wrong_letters
from lapor_route.text import count_case, tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FUZZY_LOOKUPS = 8
"""Misspelt-looking words of one text that are compared with the list of names."""

_BREAKS = frozenset(',;:\n()[]{}|!?"”“=+<>')
_GOVERNMENT_DOMAIN = ".go.id"
_LEVEL_WORDS = frozenset(word for word, cue in CUES.items() if cue in LEVELS)
_LOOK_BACK = 3
_GLUED_INITIALS = frozenset(prefix[0] for prefix in GLUED)
_SHORTEST_FUZZY, _SHORTEST_GLUED = 6, 6
_SHORTEST_MENDED = _SHORTEST_FUZZY - 1
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


class Match(NamedTuple):
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
    """One text; every token is visited, so what most of them need is worked out for all at once."""

    def __init__(self, text: str, gazetteer: Gazetteer) -> None:
        self.text = text
        self.gazetteer = gazetteer
        self.row = gazetteer.row
        self.keys, self.starts, self.ends, self.marks = tokens_of(text)
        self.expanded = [DIRECTIONS.get(key, key) for key in self.keys]
        self.may_begin = self._may_begin(self.keys)
        if self.expanded != self.keys:
            self.may_begin = [*map(or_, self.may_begin, self._may_begin(self.expanded))]
        self.names_domain = _GOVERNMENT_DOMAIN in text.lower()
        self.fuzzy_left = MOST_FUZZY_LOOKUPS
        capitals, letters = count_case(text[:2000])
        self.has_case = 0 < capitals < 0.5 * letters

    def _may_begin(self, keys: list[str]) -> list[bool]:
        """Whether a name may start at each token: by the letters of it and the next, two of three tokens can't."""
        prefixes, row = self.gazetteer.prefixes, self.row
        pairs = map(add, keys, [*keys[1:], ""])
        return [
            len(pair) < PREFIX or pair[:PREFIX] in prefixes or key in row
            for key, pair in zip(keys, pairs, strict=True)
        ]

    def run(self) -> Iterator[Match]:
        position = 0
        while position < len(self.keys):
            match = self._at(position)
            if match is None:
                position += 1
            else:
                yield match
                position = match.last + 1

    def _at(self, position: int) -> Match | None:
        key = self.keys[position]
        if self.marks[position] or (self.names_domain and self._is_domain(position)):
            return self._marked(position, key)
        if key in _LEVEL_WORDS and self._names_level(position):
            return None
        found = self._longest(position)
        if found is not None:
            row, last = found
            return self._match(row, position, last)
        return self._glued(position, key) or self._misspelt(position, key)

    def _is_domain(self, position: int) -> bool:
        end = self.ends[position]
        return self.text[end : end + len(_GOVERNMENT_DOMAIN)].lower() == _GOVERNMENT_DOMAIN

    def _names_level(self, position: int) -> bool:
        """Whether the level word here is followed by a name of that level."""
        if position + 1 >= len(self.keys):
            return False
        found = self._longest(position + 1)
        if found is None:
            return False
        wanted = _CUE_KINDS[CUES[self.keys[position]]]
        return not wanted.isdisjoint(self._kinds(found[0]))

    def _kinds(self, row: int) -> list[int]:
        first = self.gazetteer.first
        kinds: list[int] = self.gazetteer.kind[first[row] : first[row + 1]].tolist()
        return kinds

    def _longest(self, position: int) -> tuple[int, int] | None:
        """Row and last token of the longest name that starts here."""
        if not self.may_begin[position]:
            return None
        prefixes = self.gazetteer.prefixes
        raw = expanded = ""
        best = None
        for index in range(position, min(position + LONGEST_NAME, len(self.keys))):
            raw += self.keys[index]
            expanded += self.expanded[index]
            if len(raw) >= PREFIX and raw[:PREFIX] not in prefixes and expanded[:PREFIX] not in prefixes:
                break
            if self.marks[index] or (index > position and self._breaks(index)):
                break
            row = self.row.get(raw)
            if row is None and expanded != raw:
                row = self.row.get(expanded)
            if row is not None and len(raw) > 2 and (index == position or self._may_end(position, index)):
                best = (row, index)
        return best

    def _may_end(self, position: int, last: int) -> bool:
        return self.keys[last] not in FUNCTION_WORDS and self.keys[position] not in FUNCTION_WORDS

    def _breaks(self, index: int) -> bool:
        gap = self.text[self.ends[index - 1] : self.starts[index]]
        return gap != " " and (len(gap) > 3 or not _BREAKS.isdisjoint(gap))

    def _match(self, row: int, first: int, last: int, *, fuzzy: bool = False, level: str = "") -> Match:
        start, end = self.starts[first], self.ends[last]
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
        if behind >= len(self.keys) or self._breaks(behind):
            return ""
        level = CUES.get(self.keys[behind], "")
        if level not in _BEHIND or _CUE_KINDS[level].isdisjoint(self._kinds(row)):
            return ""
        follows = behind + 1 < len(self.keys) and not self._breaks(behind + 1)
        return "" if follows and self._longest(behind + 1) else level

    def _cues_before(self, first: int) -> tuple[str, str]:
        """The cue right before a name, and the first role among the three tokens before it."""
        near = role = ""
        for distance in range(1, min(_LOOK_BACK, first) + 1):
            index = first - distance
            gap = self.text[self.ends[index] : self.starts[index + 1]]
            if len(gap) > 3 or not _BREAKS.isdisjoint(gap.replace(":", "") if distance == 1 else gap):
                break
            cue = CUES.get(self.keys[index], "")
            if distance == 1 or (distance == 2 and not near and len(self.keys[index + 1]) <= 2):
                near = cue
            elif not role and cue not in LEVELS and cue != near:
                role = cue
        return near, role

    def _marked(self, position: int, key: str) -> Match | None:
        """A region inside a @handle or #hashtag."""
        row = self.row.get(key)
        if row is None:
            row = self._office(key)
        if row is None or len(key) < 3:
            return None
        start, end = self.starts[position], self.ends[position]
        return Match(row, start, end, position, position, level="region", marked=True)

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

    def _glued(self, position: int, key: str) -> Match | None:
        """A cue word and a name written as one word: "kotabandung", "didepok"."""
        if len(key) < _SHORTEST_GLUED or key[0] not in _GLUED_INITIALS or not key.startswith(GLUED):
            return None
        for prefix in GLUED:
            rest = key.removeprefix(prefix)
            if rest is key or len(rest) < 4:
                continue
            row = self.row.get(rest)
            if row is None:
                continue
            cue = CUES.get(prefix, "in")
            fits = _CUE_KINDS.get(cue, _REGION_KINDS)
            if not fits.isdisjoint(self._kinds(row)):
                return self._match(row, position, position, level=cue)
        return None

    def _misspelt(self, position: int, key: str) -> Match | None:
        """A name of a province, kabupaten/kota or kecamatan with one or two wrong letters."""
        if len(key) < _SHORTEST_MENDED or key in self.gazetteer.ordinary or not key.isalpha():
            return None
        after_level = position > 0 and self.keys[position - 1] in _LEVEL_WORDS
        if len(key) < _SHORTEST_FUZZY - after_level or self.fuzzy_left <= 0:
            return None
        self.fuzzy_left -= 1
        names = self.gazetteer.fuzzy_index.get((key[0], len(key)), ())
        allowed = wrong_letters(len(key))
        found = process.extractOne(key, names, scorer=Levenshtein.distance, score_cutoff=allowed)
        if found is None:
            return None
        match = self._match(self.row[found[0]], position, position, fuzzy=True)
        wanted = _CUE_KINDS.get(match.level, _MAIN_KINDS)
        return None if wanted.isdisjoint(self._kinds(match.row)) else match
