"""What to ask the citizen, in Indonesian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lapor_route.bodies.registry import DKI

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.bodies import Registry

MOST_OPTIONS = 4
_OPEN = "Di kabupaten atau kota mana hal ini terjadi? Mohon sebutkan juga kecamatan dan desa/kelurahannya."
_MORE = "Mohon jelaskan masalahnya lebih lengkap: apa yang terjadi, di mana, dan sejak kapan?"
_MORE_AND_PLACE = (
    "Mohon jelaskan masalahnya lebih lengkap: apa yang terjadi, sejak kapan, dan di mana "
    "(desa/kelurahan, kecamatan, dan kabupaten/kota)?"
)


@dataclass(frozen=True, slots=True)
class Question:
    """What a chatbot or an officer sends to the citizen.

    Attributes:
        text: One polite question.
        options: Areas that it names, likeliest first; none, or 2 to 4. Each can be given back as the
            complaint's `place`, and so can a free answer.
    """

    text: str
    options: tuple[str, ...] = ()


def ask(reasons: Sequence[str], body_ids: Sequence[str], registry: Registry) -> Question:
    """The question whose answer would let the complaint be routed.

    Areas are offered only where a name in the text gave them (``place_ambiguous``): where no place is told,
    a likely area is just a large one, and offering it would suggest the answer.

    Args:
        reasons: Why it can't be forwarded now.
        body_ids: The plausible candidates, best first; the regional ones become the options.
        registry: Names of the bodies.
    """
    options = _areas(body_ids, registry) if "place_ambiguous" in reasons else ()
    if "too_short" not in reasons:
        return Question(f"Di daerah mana hal ini terjadi: {_listed(options)}?" if options else _OPEN, options)
    if options:
        more = "Mohon jelaskan masalahnya lebih lengkap: apa yang terjadi, sejak kapan, dan di daerah mana"
        return Question(f"{more} ({_listed(options)})?", options)
    return Question(_MORE_AND_PLACE if {"place_missing", "place_ambiguous"} & {*reasons} else _MORE)


def area_name(body_id: str, registry: Registry) -> str:
    """The area that a regional body governs: "Kabupaten Sleman"."""
    name = registry[body_id].name
    for beginning in ("Pemerintah Daerah ", "Pemerintah "):
        if name.startswith(beginning):
            return name.removeprefix(beginning)
    return name


def _areas(body_ids: Sequence[str], registry: Registry) -> tuple[str, ...]:
    """At least two areas of one level, since a province beside its own kabupaten is no choice.

    The level is the best candidate's, or the other where that leaves no choice. DKI Jakarta is of both.
    """
    regional = [registry[body_id] for body_id in body_ids if registry[body_id].is_regional]
    provinces = [body.id for body in regional if body.kind == "province"]
    locals_ = [body.id for body in regional if body.kind != "province" or body.id == DKI]
    levels = (locals_, provinces) if regional and regional[0].id in locals_ else (provinces, locals_)
    for level in levels:
        names = tuple(dict.fromkeys(area_name(body_id, registry) for body_id in level))
        if len(names) > 1:
            return names[:MOST_OPTIONS]
    return ()


def _listed(options: tuple[str, ...]) -> str:
    return f"{', '.join(options)}, atau daerah lain"
