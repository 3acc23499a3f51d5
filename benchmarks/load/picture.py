"""Latency and shedding of a service, by the rate that it is offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.load.runner import BUSY_MS

if TYPE_CHECKING:
    from collections.abc import Iterable


def by_rate(axes: Any, trials: Iterable[dict[str, Any]]) -> None:
    """Draws percentiles of what was accepted, and the share that was shed.

    Args:
        axes: Of matplotlib.
        trials: Figures of scenarios with a steady rate.
    """
    rising = sorted(trials, key=lambda trial: float(trial["offered_per_second"]))
    rates = [trial["offered_per_second"] for trial in rising]
    for name in ("p50_ms", "p95_ms", "p99_ms"):
        axes.plot(rates, [trial[name] for trial in rising], "o-", ms=3, lw=1, label=name.replace("_ms", ""))
    axes.axhline(BUSY_MS, color="black", lw=0.7, ls=":")
    axes.set(yscale="log", xlabel="requests a second, offered", ylabel="ms, of what was accepted")
    axes.legend(fontsize=6, loc="upper left")
    shares = axes.twinx()
    shares.bar(
        rates,
        [100 * trial["shed"] / trial["requests"] for trial in rising],
        width=max(rates) / 60,
        color="C3",
        alpha=0.3,
    )
    shares.set(ylabel="% shed", ylim=(0, 100))
