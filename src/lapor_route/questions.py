"""What to ask the citizen, in Indonesian."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.bodies import Registry

_MOST_OPTIONS = 4


def ask(reasons: Sequence[str], body_ids: Sequence[str], registry: Registry) -> str:
    """One polite question whose answer would let the complaint be routed.

    Args:
        reasons: Why it can't be forwarded now.
        body_ids: The candidates, best first; the regional ones become the options.
        registry: Names of the bodies.
    """
    if "too_short" in reasons:
        return "Mohon jelaskan masalahnya lebih lengkap: apa yang terjadi, di mana, dan sejak kapan?"
    if "place_ambiguous" in reasons:
        areas = [area_name(body_id, registry) for body_id in body_ids if registry[body_id].is_regional]
        options = list(dict.fromkeys(areas))[:_MOST_OPTIONS]
        if len(options) > 1:
            return f"Di daerah mana hal ini terjadi: {', '.join(options[:-1])}, atau {options[-1]}?"
    return "Di kabupaten atau kota mana hal ini terjadi? Mohon sebutkan juga kecamatan dan desa/kelurahannya."


def area_name(body_id: str, registry: Registry) -> str:
    """The area that a regional body governs: "Kabupaten Sleman"."""
    name = registry[body_id].name
    for beginning in ("Pemerintah Daerah ", "Pemerintah "):
        if name.startswith(beginning):
            return name.removeprefix(beginning)
    return name
