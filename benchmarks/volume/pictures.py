"""Pictures of the part on volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.load.picture import by_rate

if TYPE_CHECKING:
    from pathlib import Path

_SIDES = (("library", "o-", "C0"), ("service", "s-", "C1"))


def plots(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Latency by volume and by rate; memory over a year's batch."""
    paths = [_latency(figures, folder / "volume-latency.svg")]
    if figures["year"].get("memory"):
        paths.append(_memory(figures["year"], folder / "volume-year.svg"))
    return paths


def _latency(figures: dict[str, Any], path: Path) -> Path:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "lapor-route", "font.size": 8}):
        figure = Figure(figsize=(9, 3.2), layout="constrained")
        by_volume, rates = figure.subplots(1, 2)
        for side, marker, color in _SIDES:
            rows = figures["stretches"]
            multiples = [row["multiple"] for row in rows]
            for name, alpha in (("p50_ms", 1.0), ("p99_ms", 0.5)):
                values = [row[side][name] for row in rows]
                label = f"{side}, {name.removesuffix('_ms')}"
                by_volume.plot(multiples, values, marker, ms=3, lw=1, color=color, alpha=alpha, label=label)
        by_volume.set(xscale="log", yscale="log", xlabel="times 331 complaints a day", ylabel="ms")
        by_volume.legend(fontsize=6)
        by_rate(rates, figures["trials"].values())
        figure.savefig(path, metadata={"Date": None})
    return path


def _memory(year: dict[str, Any], path: Path) -> Path:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "lapor-route", "font.size": 8}):
        figure = Figure(figsize=(5, 2.2), layout="constrained")
        axes = figure.subplots()
        axes.plot([at / 60 for at, _ in year["memory"]], [bytes_ / 1e6 for _, bytes_ in year["memory"]], lw=1)
        axes.set(xlabel="minutes of the batch", ylabel="resident memory, MB", ylim=(0, None))
        figure.savefig(path, metadata={"Date": None})
    return path
