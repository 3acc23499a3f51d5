"""What a run of the benchmarks is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lapor_route.classifiers.backends import usable_cores

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """What a part needs to know.

    Attributes:
        work: A folder for files of its own, which the parts share.
        quick: Whether to check the harness only; the times are then of no worth.
        seed: Of everything random.
        threads: Threads that each side may use; by default the cores, at most.
        data: Labelled files for the part `accuracy`; by default the held-out written complaints.
        bundles: (name, folder) of bundles whose accuracy is measured beside the embedded one's.
        encoder: Whether folds train BERT too, which takes hours.
    """

    work: Path
    quick: bool = False
    seed: int = 1
    threads: int = usable_cores()
    data: tuple[Path, ...] = ()
    bundles: tuple[tuple[str, Path], ...] = ()
    encoder: bool = False
