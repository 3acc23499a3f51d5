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
        work: A folder for files of its own.
        quick: Whether to check the harness only; the times are then of no worth.
        seed: Of everything random.
        threads: Threads that each side may use; by default the cores, at most.
    """

    work: Path
    quick: bool = False
    seed: int = 1
    threads: int = usable_cores()
