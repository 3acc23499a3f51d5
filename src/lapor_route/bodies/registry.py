"""The versioned registry of the bodies that a complaint can be routed to."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidfuzz import fuzz, process

from lapor_route.bodies.schema import parse_registry
from lapor_route.errors import RegistryError
from lapor_route.text import squeeze

if TYPE_CHECKING:
    from collections.abc import Iterator

VINTAGES = ("2025", "2022", "2021")
"""Code vintages, newest first: Kepmendagri 2025, 2022 and 2021 (before Papua's four new provinces)."""

DKI = "pemprov-dki-jakarta"
"""The one body for all regional affairs of Jakarta; its six units are not autonomous."""


@dataclass(frozen=True, slots=True)
class Body:
    """One government body.

    Attributes:
        id: Stable key, for instance ``pemkab-sleman``.
        name: Official Indonesian name.
        abbreviation: The usual short name.
        aliases: Other names, services and units by which citizens know it.
        kind: ``ministry``, ``agency``, ``province``, ``regency`` or ``city``.
        subtype: Finer kind, for instance ``lembaga/bumn``.
        codes: Region code per vintage (``{"2025": "34.04"}``); empty for central bodies.
        parent: Id of the province of a regency or city.
        capital: Seat of a regional government.
        connected: Whether SP4N-LAPOR! could forward to it in April 2023.
        certainty: ``A`` seen on LAPOR!, ``B`` bound by law to connect, ``C`` reconstructed.
        valid_from: First day of existence (ISO date), where later than April 2023.
        valid_until: Last day of existence (ISO date), where it ended.
        successors: Ids of the bodies that took over.
        source: Where the entry comes from.
    """

    id: str
    name: str
    kind: str
    abbreviation: str = ""
    aliases: tuple[str, ...] = ()
    subtype: str = ""
    codes: dict[str, str] = field(default_factory=dict)
    parent: str | None = None
    capital: str | None = None
    connected: bool = True
    certainty: str = "A"
    valid_from: str | None = None
    valid_until: str | None = None
    successors: tuple[str, ...] = ()
    source: str = ""

    @property
    def is_regional(self) -> bool:
        """Whether the body governs a region."""
        return self.kind in ("province", "regency", "city")

    @property
    def code(self) -> str | None:
        """The newest region code, for instance ``34.04``; None for central bodies."""
        return next((self.codes[v] for v in VINTAGES if v in self.codes), None)

    def exists_on(self, date: str) -> bool:
        """Whether the body exists on a day (ISO date)."""
        return (self.valid_from or "") <= date and (self.valid_until is None or date <= self.valid_until)

    def to_dict(self) -> dict[str, Any]:
        """The body as JSON-ready data."""
        return asdict(self)


class Registry:
    """All bodies of one registry version, found by id, name, alias or region code.

    `Registry.load()` gives the one in the package; `Registry.load(path)` a deployment's own file. Its
    schema is written down in `lapor_route.bodies.schema`.
    """

    def __init__(self, version: str, bodies: list[Body]) -> None:
        self.version = version
        self._bodies = {body.id: body for body in bodies}

    @classmethod
    def load(cls, path: str | Path | None = None) -> Registry:
        """Reads a registry file, by default the package's own.

        Args:
            path: A JSON file in the schema of `lapor_route.bodies.schema`.

        Raises:
            RegistryError: The file can't be read or breaks the schema; the message lists what and where.
        """
        if path is None:
            return _embedded()
        try:
            content = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RegistryError(f"the registry file {path} can't be read as UTF-8 text: {error}") from error
        return cls._parse(content, str(path))

    @classmethod
    def _parse(cls, content: str, where: str) -> Registry:
        try:
            data = json.loads(content)
        except json.JSONDecodeError as error:
            raise RegistryError(f"{where} isn't JSON: {error}") from error
        version, rows = parse_registry(data, where)
        return cls(version, [Body(**row) for row in rows])

    def __len__(self) -> int:
        return len(self._bodies)

    def __iter__(self) -> Iterator[Body]:
        return iter(self._bodies.values())

    def __contains__(self, body_id: object) -> bool:
        return body_id in self._bodies

    def __getitem__(self, body_id: str) -> Body:
        try:
            return self._bodies[body_id]
        except KeyError:
            nearest = process.extract(body_id, list(self._bodies), scorer=fuzz.ratio, limit=3)
            hint = ", ".join(match[0] for match in nearest)
            raise RegistryError(
                f"there is no body {body_id!r} in registry {self.version}; the nearest ids are {hint}"
            ) from None

    @cached_property
    def connected(self) -> tuple[Body, ...]:
        """The bodies that a complaint can be forwarded to."""
        return tuple(body for body in self if body.connected)

    @cached_property
    def _by_name(self) -> dict[str, tuple[str, ...]]:
        names: dict[str, list[str]] = {}
        for body in self:
            for name in dict.fromkeys(squeeze(n) for n in (body.id, body.name, body.abbreviation, *body.aliases)):
                if name:
                    names.setdefault(name, []).append(body.id)
        return {name: tuple(ids) for name, ids in names.items()}

    @cached_property
    def _starts(self) -> dict[str, frozenset[int]]:
        """Where the words of a squeezed name begin."""
        names = (name for body in self for name in (body.id, body.name, body.abbreviation, *body.aliases))
        return {squeeze(name): frozenset(_word_starts(name)) for name in names}

    @cached_property
    def _by_code(self) -> dict[str, dict[str, str]]:
        tables: dict[str, dict[str, str]] = {vintage: {} for vintage in VINTAGES}
        for body in self:
            for vintage, code in body.codes.items():
                tables[vintage][code] = body.id
        return tables

    def find(self, query: str, limit: int = 10) -> list[Body]:
        """Bodies whose id, name, abbreviation or alias matches, best first.

        Exact matches come first (spaces, case and punctuation don't count), then names that contain the
        query, those first in which its words begin words, then similar spellings.

        Args:
            query: What a person would type ("disdukcapil sleman" is not a body; "pemkab sleman" is).
            limit: The most bodies to return.
        """
        key = squeeze(query)
        if not key:
            return []
        found = list(self._by_name.get(key, ()))
        steps = _word_starts(query)
        inside = sorted(
            (name for name in self._by_name if key in name),
            key=lambda name: (-self._agreeing(name, name.index(key), steps), len(name), name),
        )
        for name in inside:
            found.extend(self._by_name[name])
        if len(set(found)) < limit:
            for name, _, _ in process.extract(
                key, self._by_name.keys(), scorer=fuzz.ratio, score_cutoff=75, limit=limit
            ):
                found.extend(self._by_name[name])
        return [self._bodies[body_id] for body_id in list(dict.fromkeys(found))[:limit]]

    def _agreeing(self, name: str, offset: int, steps: tuple[int, ...]) -> int:
        """How many words of a query begin where words of the name begin, spaces or not."""
        return sum(offset + step in self._starts[name] for step in steps)

    def by_name(self, name: str) -> tuple[Body, ...]:
        """The bodies that carry exactly this id, name, abbreviation or alias; several when it's shared."""
        return tuple(self._bodies[body_id] for body_id in self._by_name.get(squeeze(name), ()))

    def by_code(self, code: str, vintage: str | None = None) -> Body | None:
        """The body in charge of a region, from a Kemendagri code of any level.

        Args:
            code: ``34``, ``34.04``, ``3404`` or a longer kecamatan or village code, with or without dots.
            vintage: ``2025``, ``2022`` or ``2021``; by default each is tried, newest first.

        Returns:
            The kabupaten/kota (or province, for a two-digit code); the province of DKI Jakarta for all
            codes below it; None for an unknown code.
        """
        digits = "".join(character for character in code if character.isdigit())
        if vintage is not None and vintage not in VINTAGES:
            raise RegistryError(f"unknown code vintage {vintage!r}; known are {', '.join(VINTAGES)}")
        for known in (vintage,) if vintage else VINTAGES:
            table = self._by_code[known]
            body_id = table.get(f"{digits[:2]}.{digits[2:4]}") if len(digits) >= 4 else table.get(digits)
            if body_id is None and digits[:2] == "31":
                body_id = table.get("31")
            if body_id is not None:
                return self._bodies[body_id]
        return None

    def successors(self, body_id: str, date: str) -> tuple[Body, ...]:
        """Who is in charge on a day: the body itself, or those that took over from it.

        Args:
            body_id: An id of any age.
            date: ISO date, for instance ``2026-11-23``.

        Raises:
            RegistryError: The id is unknown.
        """
        heirs: dict[str, Body] = {}
        waiting, seen = [body_id], set()
        while waiting:
            body = self[waiting.pop(0)]
            if body.exists_on(date) or not body.successors:
                heirs[body.id] = body
            elif body.id not in seen:
                seen.add(body.id)
                waiting.extend(body.successors)
        return tuple(heirs.values())


@lru_cache(maxsize=1)
def _embedded() -> Registry:
    source = files("lapor_route.bodies") / "registry.json"
    return Registry._parse(source.read_text(encoding="utf-8"), "the package's registry.json")


def _word_starts(name: str) -> tuple[int, ...]:
    """Offsets in the squeezed name at which its words begin."""
    starts, position = [], 0
    for word in re.split(r"[\s-]+", name):
        length = len(squeeze(word))
        if length:
            starts.append(position)
        position += length
    return tuple(starts)
