"""Routes the sample complaints and prints a table: `make demo`, or `python -m benchmarks.demo`."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lapor_route import Complaint, Router, Routing

SAMPLES = Path(__file__).parent / "samples.jsonl"
STYLES = {"forward": "green", "review": "yellow", "ask": "cyan"}


def main() -> None:
    """Command line."""
    rows = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
    started = time.perf_counter()
    router = Router.load()
    loaded = time.perf_counter()
    routings = list(router.route_many(Complaint(row["text"], row.get("place")) for row in rows))
    done = time.perf_counter()
    table = Table(title="lapor-route: 679 bodies, one door", show_lines=True)
    table.add_column("complaint", ratio=5)
    table.add_column("decision")
    table.add_column("who is in charge, how sure, or what to ask", ratio=5)
    table.add_column("")
    right = 0
    for row, routing in zip(rows, routings, strict=True):
        good = is_right(row, routing)
        right += good
        place = f" [{row['place']}]" if row.get("place") else ""
        table.add_row(
            Text(row["text"] + place),
            Text(routing.decision, style=STYLES[routing.decision]),
            _answer(routing),
            Text("✓", style="green") if good else Text("✗", style="red"),
        )
    console = Console(width=None if Console().is_terminal else 130)
    console.print(table)
    console.print(
        f"{right} of {len(rows)} as a person would; loaded in {loaded - started:.2f} s, "
        f"{(done - loaded) / len(rows) * 1000:.1f} ms a complaint"
    )


def is_right(row: dict[str, str | None], routing: Routing) -> bool:
    """Whether the first candidate is the body that a person would choose, or the decision the right one."""
    if row["body_id"] is None:
        return routing.decision == row["decision"]
    return bool(routing.candidates) and routing.candidates[0].body_id == row["body_id"]


def _answer(routing: Routing) -> Text:
    if routing.question:
        return Text(routing.question, style="cyan")
    answer = Text()
    for candidate in routing.candidates[:2]:
        if candidate.probability >= 0.05:
            answer.append(f"{candidate.probability:4.0%} ", style="bold").append(f"{candidate.name}\n")
    if routing.reasons:
        answer.append(", ".join(routing.reasons), style="dim")
    answer.rstrip()
    return answer


if __name__ == "__main__":
    main()
