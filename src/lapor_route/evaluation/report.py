"""The figures as Markdown, and as plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lapor_route.errors import MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

_COLUMNS = ("rows", "bodies", "top1", "top3", "top5", "macro", "region_found", "region_first")


def to_markdown(figures: dict[str, Any]) -> str:
    """A report that a person reads: overall, slices, decisions, calibration."""
    overall = figures["overall"]
    lines = [
        f"# Routing quality on {figures['data']}",
        "",
        f"Model {figures['versions']['model']}, package {figures['versions']['package']}, "
        f"registry {figures['versions']['registry']}. A body in `acceptable` counts as right. "
        f"95 % bootstrap interval of top-1: {overall['top1_interval']}.",
        "",
        "| slice | " + " | ".join(_COLUMNS) + " |",
        "| --- |" + " ---: |" * len(_COLUMNS),
        _row("all", overall),
    ]
    for name, values in figures["slices"].items():
        lines += [_row(f"{name}: {value}", row) for value, row in values.items()]
    lines += ["", "| decision quality | |", "| --- | ---: |"]
    lines += [
        f"| {key.replace('_', ' ')} | {_cell(value)} |"
        for key, value in figures["decisions"].items()
        if key != "forward_by_tier"
    ]
    for kind, row in figures["decisions"]["forward_by_tier"].items():
        lines.append(
            f"| forward, {kind}: coverage, precision | {_cell(row['coverage'])}, {_cell(row['precision'])} |"
        )
    for kind, row in figures["calibration_by_kind"].items():
        lines.append(f"| expected calibration error, {kind} | {_cell(row['ece'])} |")
    calibration, risk = figures["calibration"], figures["risk_coverage"]
    lines += [
        f"| expected calibration error | {_cell(calibration['ece'])} |",
        f"| Brier score | {_cell(calibration['brier'])} |",
        f"| area under risk-coverage | {_cell(risk['aurc'])} |",
    ]
    for precision, coverage in risk["coverage_at_precision"].items():
        lines.append(f"| coverage at precision {precision}, in hindsight | {_cell(coverage)} |")
    lines += ["", "| reason | given | precision | recall |", "| --- | ---: | ---: | ---: |"]
    for reason, row in figures["reasons"].items():
        lines.append(f"| {reason} | {row['given']} | {_cell(row['precision'])} | {_cell(row['recall'])} |")
    copies = figures["copies"]
    lines += [
        "",
        f"Bodies are copied in on {_cell(copies['copied_share'])} of the rows"
        + (
            f" (precision {_cell(copies['precision'])}, recall {_cell(copies['recall'])})."
            if copies["recall"]
            else "."
        ),
        "",
        *_effort(figures["effort"]),
        "",
        "`placed`: rows whose place is told, or not needed, as the router sees it; for these the shortlist is "
        "promised.",
        "",
        "`region_found`: share of regional rows whose right region is among the five likeliest with at least "
        "2 %; `region_first`: is the likeliest.",
    ]
    return "\n".join(lines) + "\n"


def _effort(effort: dict[str, Any]) -> list[str]:
    assumed = effort["assumptions"]
    return [
        "| in 1,000 complaints | by hand | with the router | saved |",
        "| --- | ---: | ---: | ---: |",
        *(
            f"| {name} | {effort[f'{key}_by_hand']} | {effort[f'{key}_with_router']} | {effort[f'{key}_saved']} |"
            for name, key in (("officer minutes", "minutes"), ("wrong forwards", "misroutes"))
        ),
        "",
        f"Assumed, not measured: {assumed['by_hand']:g} minutes to find a body by hand, {assumed['review']:g} from "
        f"a shortlist, {assumed['ask']:g} to ask, {assumed['misroute']:g} for a wrong forward; an officer's first "
        f"routing is right in {assumed['officer_right']:.0%} (arXiv 2604.03672).",
    ]


def _row(name: str, figures: dict[str, Any]) -> str:
    return f"| {name} | " + " | ".join(_cell(figures[column]) for column in _COLUMNS) + " |"


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " to ".join(map(_cell, value))
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def import_figure() -> Any:
    """The class `matplotlib.figure.Figure`.

    Raises:
        MissingExtraError: matplotlib isn't installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError(
            "plots need matplotlib: pip install 'lapor-route[evaluate]', or leave them out with --no-plots"
        ) from None
    return Figure


def plot(figures: dict[str, Any], folder: Path) -> None:
    """Draws `risk_coverage` and `reliability`, each as SVG and PNG.

    Raises:
        MissingExtraError: matplotlib isn't installed.
    """
    Figure = import_figure()  # noqa: N806
    risk = Figure(figsize=(5, 4), layout="constrained")
    axes = risk.subplots()
    curve = figures["risk_coverage"]["curve"]
    axes.plot([x for x, _ in curve], [y for _, y in curve], color="#1f5fa8")
    axes.set(xlabel="coverage (share of complaints, surest first)", ylabel="risk (share wrong)", ylim=(0, None))
    axes.set_title(f"Risk against coverage, AURC {_cell(figures['risk_coverage']['aurc'])}")
    reliability = Figure(figsize=(5, 4), layout="constrained")
    axes = reliability.subplots()
    bins = figures["calibration"]["bins"]
    axes.plot([0, 1], [0, 1], color="#999999", linestyle="--")
    axes.scatter(
        [row["probability"] for row in bins],
        [row["right"] for row in bins],
        s=[20 + 4 * row["rows"] ** 0.8 for row in bins],
        color="#1f5fa8",
        alpha=0.7,
    )
    axes.set(xlabel="probability of the first candidate", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"Reliability, ECE {_cell(figures['calibration']['ece'])}")
    for name, figure in (("risk_coverage", risk), ("reliability", reliability)):
        for suffix in ("svg", "png"):
            figure.savefig(folder / f"{name}.{suffix}", dpi=120)
