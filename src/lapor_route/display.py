"""A routing as a person reads it in a terminal, with the evidence marked in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lapor_route.evidence.sentence import WEIGHTY

if TYPE_CHECKING:
    from lapor_route.routing import PlaceMention, Routing

_STYLES = {"forward": "bold green", "review": "bold yellow", "ask": "bold cyan"}
_DECISIONS = {
    "forward": "diteruskan",
    "review": "perlu diperiksa petugas",
    "ask": "perlu ditanyakan kepada pelapor",
}
_CONTROLS = {code: " " for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""Control characters, which could steer the terminal and which rich leaves out, become blanks."""
_LONGEST_SHOWN = 600
_MOST_WORDS = 8


def show_routing(text: str, place: str | None, routing: Routing, console: Console | None = None) -> None:
    """Prints the complaint with its place mentions marked, the decision, the candidates and the question."""
    console = console or Console(highlight=False)
    console.print(_marked(text, [m for m in routing.places if m.field == "text"]))
    if place:
        console.print(Text("Tempat: ") + _marked(place, [m for m in routing.places if m.field == "place"]))
    console.print()
    line = Text(f"{routing.decision}: {_DECISIONS[routing.decision]}", style=_STYLES[routing.decision])
    console.print(line)
    console.print(Text(routing.evidence.sentence.translate(_CONTROLS)))
    if routing.question:
        console.print(Text(f"Tanyakan: {routing.question}"))
    table = Table(box=None, pad_edge=False, show_header=False)
    for fixed in (True, True, True, False, True):
        table.add_column(no_wrap=fixed)
    for number, candidate in enumerate(routing.candidates, 1):
        bar = "█" * round(12 * candidate.probability)
        table.add_row(
            str(number),
            f"{candidate.probability:6.1%}",
            Text(bar, style="blue"),
            candidate.name,
            candidate.body_id,
        )
    console.print(table)
    weighty = [mention for mention in routing.places if mention.weight >= WEIGHTY]
    for mention in dict.fromkeys((m.text, m.level, m.code, m.body_id) for m in weighty):
        evidence = "tempat: {} ({}, {}) -> {}".format(*mention)
        console.print(Text(evidence.translate(_CONTROLS), style="dim"))
    for unit in routing.evidence.units:
        console.print(Text(f"unit: {unit.text} ({unit.kind})".translate(_CONTROLS), style="dim"))
    if routing.also:
        console.print(Text(f"tembusan: {', '.join(routing.also)}", style="dim"))
    for rule in routing.evidence.rules:
        console.print(Text(f"aturan: {rule}".translate(_CONTROLS), style="dim"))
    words = sorted(routing.evidence.words, key=lambda word: -abs(word.weight))[:_MOST_WORDS]
    for word in words:
        console.print(Text(f"kata: {word.weight:+.2f}  {word.text}".translate(_CONTROLS), style="dim"))
    if routing.truncated:
        console.print(Text("Teks terlalu panjang; hanya bagian awal yang dibaca.", style="yellow"))


def _marked(text: str, mentions: list[PlaceMention]) -> Text:
    shown = Text(text[:_LONGEST_SHOWN].translate(_CONTROLS) + ("…" if len(text) > _LONGEST_SHOWN else ""))
    for mention in mentions:
        if mention.weight >= WEIGHTY and mention.end <= _LONGEST_SHOWN:
            shown.stylize("bold underline", mention.start, mention.end)
    return shown
