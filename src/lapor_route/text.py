"""How text is normalised and cut into tokens, for every part of the package."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_KEY = re.compile(r"[^0-9a-z]+")
_TOKEN = re.compile(r"(?:(?<![\w.])[@#])?[^\W_]+(?:['’`_][^\W_]+)*")


def squeeze(name: str) -> str:
    """The name's letters and digits only, lower-case, accents removed: the key under which names are equal.

    "Suka Maju", "SUKAMAJU" and "suka-maju" have the same key.
    """
    if not name.isascii():
        name = unicodedata.normalize("NFKD", name)
    return _NOT_KEY.sub("", name.casefold())


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


def tokenize(text: str) -> list[Token]:
    """Cuts a text into tokens, with character offsets; punctuation and symbols are left out."""
    return list(iter_tokens(text))


def iter_tokens(text: str) -> Iterator[Token]:
    """The tokens of a text one by one, for those who don't need all."""
    for match in _TOKEN.finditer(text):
        word = match.group()
        mark = word[0] if word[0] in "@#" else ""
        key = squeeze(word)
        if key:
            yield Token(key, match.start(), match.end(), mark)
