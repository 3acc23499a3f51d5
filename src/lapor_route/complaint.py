"""The input: one citizen's complaint."""

from __future__ import annotations

from dataclasses import dataclass

from lapor_route.errors import InputError

MAX_CHARACTERS = 20_000
"""Characters of a complaint that are read; the rest is left out and the routing says `truncated`."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One citizen's message, as it came in.

    Attributes:
        text: The message. Any Unicode string is accepted, an empty one too (the routing then asks).
        place: Where it happens, if a form or a chatbot asked for it ("Kec. Depok, Sleman").
        id: The caller's own key; returned untouched in `Routing.id`.

    Raises:
        InputError: A field has another type than a string.
    """

    text: str
    place: str | None = None
    id: str | None = None

    def __post_init__(self) -> None:
        for field, optional in (("text", False), ("place", True), ("id", True)):
            value = getattr(self, field)
            if not (isinstance(value, str) or (optional and value is None)):
                raise InputError(
                    f"a complaint's {field} must be a string, found {type(value).__name__}; "
                    "decode bytes first, for instance with data.decode('utf-8', errors='replace')"
                )
