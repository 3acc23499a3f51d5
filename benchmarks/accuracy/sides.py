"""All engines on the same labelled rows, each in a process of its own, through the router."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.accuracy.figures import FITTED, PLAIN, of_side, side_by_side
from benchmarks.accuracy.rows import sample, write_rows
from benchmarks.peers.catalogue import OURS, PEERS, TORCH, Peer
from benchmarks.peers.engine import MissingError
from benchmarks.peers.own import BUNDLED
from benchmarks.peers.rounds import fingerprint
from benchmarks.peers.servers import Server, make

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.options import Options

JUDGED = (
    OURS,
    "ours-linear",
    "ours-encoder",
    "ours-bert",
    TORCH,
    "svm",
    "fasttext",
    "shots-8",
    "shots-0",
)
"""Peers whose labels are ours, so that the router can take them for its classifier."""
QUICK_JUDGED = (OURS, "ours-linear", "ours-encoder")
QUICK_ROWS = 120
OWN = "This project"
"""The group of our own sides."""


def measure(
    options: Options, progress: Callable[[str, float], None], rows: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Accuracy and decisions of each side, and how much less is right than of the embedded router.

    Args:
        options: Of the run; a quick one takes few rows, and the peers that need no training.
        progress: Told what is done next, and the share that is done.
        rows: As `lapor-route evaluate` reads them.

    Returns:
        `rows`, `sides` by name, and `missing`.
    """
    chosen = sample(rows, QUICK_ROWS) if options.quick else rows
    sides: dict[str, dict[str, Any]] = {}
    missing: dict[str, dict[str, str]] = {}
    engines = engines_of(options)
    work = options.work.resolve() / "peers"
    work.mkdir(parents=True, exist_ok=True)
    # Complaints may be of real people: a sample of them stays outside the work folder, and goes at the end.
    with TemporaryDirectory() as scratch:
        data = write_rows(Path(scratch) / "rows.jsonl", chosen)
        for number, peer in enumerate(engines):
            progress(peer.name, number / len(engines))
            try:
                sides[peer.name] = _judge(peer, data, work, Path(scratch) / peer.name, options.threads)
            except MissingError as error:
                missing[peer.name] = {"title": peer.title, "reason": error.reason, "command": error.command}
    return {"rows": len(chosen), "of": len(rows), "sides": side_by_side(sides, OURS), "missing": missing}


def engines_of(options: Options) -> list[Peer]:
    """The sides of a run: the embedded router first, then the bundles of the options, then the peers."""
    named = {peer.name: peer for peer in PEERS}
    peers = [named[name] for name in (QUICK_JUDGED if options.quick else JUDGED)]
    bundles = [
        Peer(
            name,
            f"the bundle {name}",
            OWN,
            "benchmarks.peers.own:RouterEngine",
            f"{BUNDLED}{folder.resolve()}",
            shares="bundle",
        )
        for name, folder in options.bundles
    ]
    return [peers[0], *bundles, *peers[1:]]


def _judge(peer: Peer, data: Path, work: Path, answers: Path, threads: int) -> dict[str, Any]:
    """A side with the join that was fitted on our held-out rows, where it has one; its top-1 as it comes, too."""
    folder = work / (peer.shares or peer.name)
    make(peer, folder, threads, fingerprint(peer))
    server = Server(peer, folder, threads)
    try:
        found = server.ask("evaluate", data=str(data), folder=str(answers))
    finally:
        server.close()
    if not found:
        raise MissingError("it has no classifier with our labels")
    kinds = {kind: of_side(figures, _answers(answers / kind / "answers.jsonl")) for kind, figures in found.items()}
    told = {"title": peer.title, "group": peer.group, "join": FITTED if "calibrated" in kinds else PLAIN}
    plain = {f"plain_{key}": kinds["plain"][key] for key in ("top1", "right")}
    return {**told, **kinds.get("calibrated", kinds["plain"]), **plain}


def _answers(path: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["body_id"]]
