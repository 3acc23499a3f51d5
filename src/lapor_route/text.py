"""How text is normalised and cut into tokens, for every part of the package."""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import dataclass
from itertools import accumulate, compress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_KEY = re.compile(r"[^0-9a-z]+")
_TOKEN = re.compile(r"((?:(?<![\w.])[@#])?[^\W_]+(?:['’`_][^\W_]+)*)")

_SMALL = string.ascii_lowercase.encode()
_NO_LETTERS = bytes(set(range(128)).difference(string.ascii_letters.encode()))


def count_case(text: str) -> tuple[int, int]:
    """How many of a text's characters are capitals, and how many are letters."""
    if not text.isascii():
        return sum(map(str.isupper, text)), sum(map(str.isalpha, text))
    letters = text.encode().translate(None, _NO_LETTERS)
    return len(letters.translate(None, _SMALL)), len(letters)


def squeeze(name: str) -> str:
    """The name's letters and digits only, lower-case, accents removed: the key under which names are equal.

    "Suka Maju", "SUKAMAJU" and "suka-maju" have the same key.
    """
    if not name.isascii():
        return _NOT_KEY.sub("", unicodedata.normalize("NFKD", name).casefold())
    name = name.lower()
    # Most names are one word, whose letters all stay.
    return name if name.isalnum() else _NOT_KEY.sub("", name)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number, @handle or #hashtag of a text.

    Attributes:
        key: The squeezed token ("Ra'as" -> "raas").
        start: Offset of its first character.
        end: Offset behind its last character.
        mark: ``@``, ``#`` or nothing.
    """

    key: str
    start: int
    end: int
    mark: str = ""


class Tokens(NamedTuple):
    """The tokens of a text, field by field: a third of the time that a `Token` each would take.

    Attributes:
        keys: Of each token, as the fields below.
        starts: Offsets of the first characters.
        ends: Offsets behind the last characters.
        marks: ``@``, ``#`` or nothing.
    """

    keys: list[str]
    starts: list[int]
    ends: list[int]
    marks: list[str]


def tokens_of(text: str) -> Tokens:
    """Cuts a text into tokens, with character offsets; punctuation and symbols are left out."""
    pieces = _TOKEN.split(text)
    words, offsets = pieces[1::2], list(accumulate(map(len, pieces)))
    marks = [word[0] if word[0] in "@#" else "" for word in words]
    found = Tokens([squeeze(word) for word in words], offsets[:-1:2], offsets[1::2], marks)
    return found if all(found.keys) else _with_keys(found)


def _with_keys(tokens: Tokens) -> Tokens:
    """The same without words of another script, which have no key."""
    keys, starts, ends, marks = tokens
    return Tokens(
        [*filter(None, keys)], [*compress(starts, keys)], [*compress(ends, keys)], [*compress(marks, keys)]
    )


def tokenize(text: str) -> list[Token]:
    """What `tokens_of` gives, one by one."""
    return [Token(*fields) for fields in zip(*tokens_of(text), strict=True)]


def keys_of(text: str) -> Iterator[str]:
    """The keys of a text's tokens, for those who need no more, or not all."""
    return filter(None, (squeeze(match[0]) for match in _TOKEN.finditer(text)))
