"""Masks personal data: one text in, the masked text and where everything went out."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate

from lapor_route.privacy.addresses import find_addresses
from lapor_route.privacy.contacts import find_contacts
from lapor_route.privacy.names import find_names
from lapor_route.privacy.numbers import find_numbers
from lapor_route.privacy.plates import find_plates
from lapor_route.privacy.spans import LABELS, PersonalSpan

_HOLE = "\0"
"""Stands for something masked while a text is searched: no word, no digit, no gap within a line."""
_MOST_ROUNDS = 8
_LABEL = re.compile("|".join(map(re.escape, LABELS.values())))
# The first that finds something keeps it: an e-mail address may hold a phone number, an address a name.
_FINDERS = (find_contacts, find_numbers, find_plates, find_addresses, find_names)
_JOINERS = frozenset("\u034f\u20e3")


class _Plain(dict[int, int | None]):
    """Code point -> the usual one that looks like it, or nothing for one that isn't seen; fills itself."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        plain: int | None = code
        if unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f" or character in _JOINERS:
            plain = None
        elif (digit := unicodedata.decimal(character, None)) is not None:
            plain = ord(str(digit))
        elif unicodedata.decomposition(character).startswith(("<wide>", "<font>")):
            same = unicodedata.normalize("NFKC", character)
            plain = ord(same) if len(same) == 1 else code
        self[code] = plain
        return plain


_PLAIN = _Plain()


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without its personal data.

    Attributes:
        text: The text with a label such as ``[NIK]`` in the place of each stretch of personal data.
        spans: The stretches that were masked, in order and without overlaps; offsets in the original text.
    """

    text: str
    spans: tuple[PersonalSpan, ...]

    def moved(self, start: int, end: int) -> tuple[int, int] | None:
        """Where a range of the original text is in the masked one; nothing if a part of it was masked.

        Args:
            start: Offset of its first character in the original text.
            end: Offset behind its last character.
        """
        before = bisect_right([span.end for span in self.spans], start)
        if before < bisect_left([span.start for span in self.spans], end):
            return None
        shift = sum(len(LABELS[span.kind]) - (span.end - span.start) for span in self.spans[:before])
        return start + shift, end + shift


def mask(text: str) -> Masked:
    """Replaces personal data by labels; what tells where and whom a complaint concerns stays.

    Masks NIK and KK, phone numbers, e-mail addresses, accounts and cards, customer, tax and membership numbers,
    number plates, names of private persons, house numbers with their street, coordinates, IP addresses,
    private accounts of social media and dates of birth. Names of places, institutions, roads and officials,
    amounts, dates, laws and ticket numbers stay. Full-width and other digits and letters are read like usual ones,
    and characters that aren't seen, such as a zero-width space, not at all. Masking a masked text changes nothing.
    The time it takes grows with the length of the text and not faster.

    Args:
        text: Any text.
    """
    plain = text if text.isascii() else text.translate(_PLAIN)
    spans = [PersonalSpan(start, end, "") for start, end in (m.span() for m in _LABEL.finditer(plain))]
    # What is masked takes away context that kept something else; what a second call would find is found here.
    for _ in range(_MOST_ROUNDS):
        found = _find(plain, spans)
        if not found:
            break
        spans = sorted(spans + found, key=lambda span: span.start)
    personal = tuple(span for span in spans if span.kind)
    if len(plain) < len(text):
        at = [offset for offset, character in enumerate(text) if _PLAIN[ord(character)] is not None]
        personal = tuple(PersonalSpan(at[span.start], at[span.end - 1] + 1, span.kind) for span in personal)
    return Masked(_replaced(text, personal), personal)


def _find(text: str, holes: list[PersonalSpan]) -> list[PersonalSpan]:
    """Personal data outside of what is masked already."""
    view = _without(text, holes)
    taken = bytearray(len(view))
    found: list[PersonalSpan] = []
    for finder in _FINDERS:
        for span in finder(view):
            if _HOLE not in view[span.start : span.end] and taken.find(1, span.start, span.end) < 0:
                taken[span.start : span.end] = b"\1" * (span.end - span.start)
                found.append(span)
    # In the view a hole is one character; what comes behind it is further back in the text.
    gains = list(accumulate((hole.end - hole.start - 1 for hole in holes), initial=0))
    ends = [hole.end - gain for hole, gain in zip(holes, gains[1:], strict=True)]
    return [
        PersonalSpan(span.start + gain, span.end + gain, span.kind)
        for span in found
        for gain in (gains[bisect_right(ends, span.start)],)
    ]


def _without(text: str, holes: list[PersonalSpan]) -> str:
    parts, position = [], 0
    for hole in holes:
        parts += [text[position : hole.start], _HOLE]
        position = hole.end
    return "".join([*parts, text[position:]])


def _replaced(text: str, spans: tuple[PersonalSpan, ...]) -> str:
    parts, position = [], 0
    for span in spans:
        parts += [text[position : span.start], LABELS[span.kind]]
        position = span.end
    return "".join([*parts, text[position:]])
