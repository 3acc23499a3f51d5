"""The section of the report on accuracy, and its plot."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING, Any

from benchmarks.peers.catalogue import OURS

if TYPE_CHECKING:
    from pathlib import Path

ENGINES = {
    "linear": "our linear model",
    "svm": "scikit-learn TF-IDF, LinearSVC",
    "bert": "our BERT",
    "joint": "both of ours joined",
}
PUBLISHED = {"annurkhozin": ("the published LSTM, ten folds", 0.857)}
"""File -> what others have reached on it (README.md of ../shared/data names the study)."""
_COLUMNS = ("top1", "top3", "macro", "forward_precision", "forward_coverage")


def to_markdown(figures: dict[str, Any]) -> str:
    """A part for each file."""
    quick = "**Quick run: few rows; the figures are of no worth.**\n\n" if figures["quick"] else ""
    parts = [
        f"**{name}**: " + (_folds(name, found) if "folds" in found else _sides(found))
        for name, found in figures["files"].items()
    ]
    return quick + "\n\n".join(parts) + "\n"


def _sides(found: dict[str, Any]) -> str:
    sides = found["sides"]
    some = "" if found["rows"] == found["of"] else f" of {found['of']:,}"
    lines = [
        f"{found['rows']:,} rows{some} through the router, places joined in the same way. A body in `acceptable` "
        "counts as right; *macro* is the mean over bodies. In brackets 95 % bootstrap intervals; the last column "
        "is the embedded router less the side on the same rows and in the same join, in points, paired. *join*: "
        "fitted on held-out rows of ours, or as it comes (*plain*); only a fitted one keeps a promised precision.",
        "",
        "| side | top-1 | top-3 | macro | `forward` right | coverage | join | top-1, plain | ours is better by |",
        "| --- |" + " ---: |" * 5 + " --- | ---: | ---: |",
    ]
    lines += [_row(side) for side in sides.values()]
    better = [_named(side) for side in sides.values() if side.get("less_than_ours", {}).get("mean", 0.0) < 0]
    surely = [_named(side) for side in sides.values() if side.get("less_than_ours", {}).get("high", 0.0) < 0]
    lines += ["", f"Right more often than ours: {'; '.join(better) or 'none'}."]
    lines[-1] += f" Beyond chance: {'; '.join(surely) or 'none'}." if better else ""
    for lacking in found["missing"].values():
        needed = f" Needed: `{lacking['command']}`." if lacking["command"] else ""
        lines.append(f"\nNot measured: {lacking['title']}: {lacking['reason']}.{needed}")
    return "\n".join(lines)


def _named(side: dict[str, Any]) -> str:
    return side["title"] if side["group"] == "This project" else f"{side['title']} ({side['group'].lower()})"


def _row(side: dict[str, Any]) -> str:
    cells = [_named(side), *(_share(side[key], side[f"{key}_interval"]) for key in _COLUMNS), side["join"]]
    cells.append(f"{side['plain_top1']:.3f}")
    return f"| {' | '.join([*cells, _less(side.get('less_than_ours'))])} |"


def _share(value: float | None, interval: list[float]) -> str:
    return "none" if value is None else f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


def _less(found: dict[str, float] | None) -> str:
    if found is None:
        return ""
    return f"{100 * found['mean']:+.1f} ({100 * found['low']:+.1f} to {100 * found['high']:+.1f})"


def _folds(name: str, found: dict[str, Any]) -> str:
    folds = found["folds"]
    some = "" if found["rows"] == found["of"] else f" of {found['of']:,}"
    lines = [
        f"{len(folds)} folds of {found['rows']:,} rows{some}, each tested on by engines trained on the others; the "
        "label alone counts as right, and no place is read.",
        "",
        "| engine | mean | least fold | most |",
        "| --- | ---: | ---: | ---: |",
    ]
    for engine, title in ENGINES.items():
        shares = [fold[engine] for fold in folds.values() if engine in fold]
        if shares:
            lines.append(f"| {title} | {mean(shares):.4f} | {min(shares):.4f} | {max(shares):.4f} |")
    if name in PUBLISHED:
        what, share = PUBLISHED[name]
        lines.append(f"| *{what}* | *{share}* | | |")
    if not any("bert" in fold for fold in folds.values()):
        lines.append("\nNot measured: BERT, alone and joined; `--encoder` trains it for each fold, in hours.")
    return "\n".join(lines)


def plot(figures: dict[str, Any], folder: Path) -> list[Path]:
    """A point a side with its interval, a panel a file."""
    panels = {name: found["sides"] for name, found in figures["files"].items() if found.get("sides")}
    if not panels:
        return []
    import matplotlib as mpl
    from matplotlib.figure import Figure

    path = folder / "accuracy.svg"
    most = max(map(len, panels.values()))
    with mpl.rc_context({"svg.hashsalt": "lapor-route", "font.size": 8}):
        figure = Figure(figsize=(8, len(panels) * (0.7 + 0.25 * most)), layout="constrained")
        for number, (name, sides) in enumerate(panels.items()):
            axes = figure.add_subplot(len(panels), 1, number + 1)
            for row, (side, its) in enumerate(reversed(sides.items())):
                axes.plot(its["top1_interval"], [row, row], color="#9aa5b1")
                axes.plot(its["top1"], row, "o", color="#1b7f5c" if side.startswith(OURS) else "#52606d")
            axes.set(title=name, xlabel="top-1, with its 95 % interval")
            axes.set_yticks(range(len(sides)), [_named(its) for its in reversed(sides.values())])
        figure.savefig(path, metadata={"Date": None})
    return [path]
