"""From a labelled file to a folder with figures, a report, plots and the single answers."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lapor_route.evaluation.metrics import measure
from lapor_route.evaluation.outcomes import Outcome, read_labelled, route_labelled
from lapor_route.evaluation.report import import_figure, plot, to_markdown

if TYPE_CHECKING:
    from pathlib import Path

    from lapor_route.router import Router


def evaluate_file(router: Router, data: Path, folder: Path, *, plots: bool = True) -> dict[str, Any]:
    """Measures the router on a JSONL file with `text`, `body_id`, optional `acceptable` and `decision`.

    Writes `metrics.json`, `report.md`, `answers.jsonl` (ids and answers, no text) and, unless switched off,
    `risk_coverage` and `reliability` as SVG and PNG.

    Raises:
        InputError: The data isn't usable.
        MissingExtraError: Plots are wanted and matplotlib isn't installed.
    """
    if plots:
        import_figure()
    outcomes = route_labelled(read_labelled(data, router), router)
    figures = {"data": data.name, "versions": router.versions, **measure(outcomes)}
    if router.promise:
        figures["promise"] = asdict(router.promise)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    (folder / "report.md").write_text(to_markdown(figures), "utf-8")
    with (folder / "answers.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(_answer(outcome)) + "\n" for outcome in outcomes)
    if plots:
        plot(figures, folder)
    return figures


def _answer(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.key,
        "body_id": outcome.label,
        "right": outcome.hit(1),
        "decision": outcome.routing.decision,
        "reasons": list(outcome.routing.reasons),
        "candidates": [[c.body_id, c.probability] for c in outcome.routing.candidates],
        "region_found": outcome.region_found,
    }
