"""From 331 complaints a day to far above: how fast, at what cost, and what breaks first."""

from benchmarks.volume.part import NAME, TITLE, run
from benchmarks.volume.pictures import plots
from benchmarks.volume.tables import report

__all__ = ["NAME", "TITLE", "plots", "report", "run"]
