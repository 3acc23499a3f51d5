"""One sentence in Indonesian that says why: for an officer to read aloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lapor_route.bodies.registry import DKI
from lapor_route.questions import area_name
from lapor_route.routing import ASK, FORWARD
from lapor_route.text import squeeze

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.bodies import Body, Registry
    from lapor_route.routing import PlaceMention, Routing, WordWeight

IN_WORDS = {
    "place_missing": "tempatnya tidak disebut",
    "place_ambiguous": "tempatnya belum pasti",
    "tier_ambiguous": "belum jelas urusan provinsi atau kabupaten/kota",
    "topic_ambiguous": "urusannya belum jelas",
    "out_of_scope": "mungkin bukan urusan instansi pemerintah",
    "too_short": "isinya terlalu singkat",
}
"""The reasons in words that go on "Perlu diperiksa petugas: ..."."""
WEIGHTY = 3.0
"""Log-odds from which a mention counts as told."""
_SHORT_NAMES = {
    "Pemerintah Kabupaten ": "Pemkab ",
    "Pemerintah Kota ": "Pemkot ",
    "Pemerintah Provinsi ": "Pemprov ",
    "Pemerintah Daerah ": "Pemda ",
}
_LEVEL_WORDS = {"kecamatan": ("Kec.", "kec"), "village": ("Desa/Kel.", "desa", "kel", "ds")}
_MOST_PHRASES = 2
_MOST_WORDS = 4


def sentence(
    routing: Routing, registry: Registry, words: Sequence[WordWeight] = (), rule: str | None = None
) -> str:
    """Why a complaint is forwarded, asked about or looked at.

    Args:
        routing: What the router says.
        registry: Names of the bodies.
        words: What decided the topic, if that was asked for.
        rule: The deployment's rule that decided, if one did.
    """
    copies = [short_name(registry[body_id].name) for body_id in routing.also]
    end = f"; tembusan ke {_listed(copies)}." if copies else "."
    if routing.decision == FORWARD and routing.body_id:
        why = f"menurut aturan “{rule}”" if rule else _grounds(registry[routing.body_id], routing, registry, words)
        return f"Diteruskan ke {short_name(registry[routing.body_id].name)}: {why}{end}"
    why = _listed([IN_WORDS.get(reason, f"menurut aturan “{rule}”") for reason in routing.reasons])
    who = "Perlu ditanyakan kepada pelapor" if routing.decision == ASK else "Perlu diperiksa petugas"
    likely = [c for c in routing.candidates[:2] if c.probability >= 0.1]
    if routing.decision != ASK and likely:
        named = [f"{short_name(candidate.name)} ({candidate.probability:.0%})" for candidate in likely]
        why += f"; paling mungkin {' atau '.join(named)}"
    return f"{who}: {why}{end}"


def short_name(name: str) -> str:
    """A body's name as people say it: "Pemkab Sleman"."""
    for beginning, short in _SHORT_NAMES.items():
        if name.startswith(beginning):
            return short + name.removeprefix(beginning)
    return name


def phrases(words: Sequence[WordWeight]) -> list[str]:
    """The stretches of a text that speak most for its topic, strongest first.

    Neighbouring words that carry at least a third of the strongest word's weight are one stretch.
    """
    strongest = max((word.weight for word in words), default=0.0)
    if strongest <= 0:
        return []
    runs: list[list[WordWeight]] = [[]]
    for word in words:
        if word.weight < strongest / 3 or len(runs[-1]) == _MOST_WORDS:
            runs.append([])
        if word.weight >= strongest / 3:
            runs[-1].append(word)
    ranked = sorted((run for run in runs if run), key=lambda run: -sum(word.weight for word in run))
    return list(dict.fromkeys(" ".join(word.text for word in run).lower() for run in ranked))[:_MOST_PHRASES]


def _grounds(body: Body, routing: Routing, registry: Registry, words: Sequence[WordWeight]) -> str:
    found = phrases(words)
    quoted = f" ({', '.join(f'“{phrase}”' for phrase in found)})" if found else ""
    if not body.is_regional:
        return f"isinya urusan instansi ini{quoted}"
    tier = "daerah" if body.id == DKI else "provinsi" if body.kind == "province" else "kabupaten/kota"
    told = max((m for m in routing.places if _tells(m, body, registry)), key=lambda m: m.weight, default=None)
    return f"urusan {tier}{quoted}" + (f"; {_place(told, body, registry)}" if told else "")


def _tells(mention: PlaceMention, body: Body, registry: Registry) -> bool:
    if mention.weight < WEIGHTY or mention.body_id not in registry:
        return False
    return body.id in (mention.body_id, registry[mention.body_id].parent)


def _place(mention: PlaceMention, body: Body, registry: Registry) -> str:
    area = area_name(body.id, registry)
    if squeeze(mention.text) in squeeze(area):
        return f"{area} disebut"
    level, *spellings = _LEVEL_WORDS.get(mention.level, ("",))
    named = (
        mention.text
        if not level or mention.text.lower().startswith(tuple(spellings))
        else f"{level} {mention.text}"
    )
    return f"{named} ada di {area}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f" dan {parts[-1]}" if parts else ""
