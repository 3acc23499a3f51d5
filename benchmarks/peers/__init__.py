"""Against what a user would pick instead: other runtimes, other models, other ways to a label.

python -m benchmarks.peers install          # the peers' packages, into environments of their own in build/
python -m benchmarks.peers bundle           # our float32 weights, after `make model`
python -m benchmarks.peers run [--quick] [--only NAME ...] [--data FILE] [--out FOLDER]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.peers.catalogue import OURS, PEERS, TORCH, UNAVAILABLE
from benchmarks.peers.figures import compare
from benchmarks.peers.report import plot, to_markdown
from benchmarks.peers.rounds import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.options import Options

NAME = "peers"
TITLE = "Against what a user would pick instead"


def run(
    options: Options,
    progress: Callable[[str, float], None],
    data: Path | None = None,
    only: Sequence[str] = (),
) -> dict[str, Any]:
    """Measures all peers that this machine has, the quick ones in a quick run.

    Args:
        options: Of the run.
        progress: Told what is done next, and the share that is done.
        data: A labelled file for accuracies; the part `accuracy` measures those of the options.
        only: Names of the peers to measure instead.
    """
    peers = [peer for peer in PEERS if (peer.name in only if only else peer.quick or not options.quick)]
    figures = compare(measure(peers, options, progress, data), OURS, TORCH)
    return figures if only or options.quick else figures | {"missing": figures["missing"] | UNAVAILABLE}


def report(figures: dict[str, Any]) -> str:
    """The section of the report, Markdown."""
    return to_markdown(figures)


def plots(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Texts a second of all sides, as an SVG."""
    return plot(figures, folder)
