"""The parts of the benchmarks: a module each, imported when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.options import Options

PARTS = ("footprint", "machine", "growth", "peers", "places", "volume", "service", "accuracy")
"""Modules of this package, in the order in which they run and are reported."""


class Part(Protocol):
    """What a part's module has."""

    TITLE: str

    def run(self, options: Options, progress: Callable[[str, float], None]) -> dict[str, Any]:
        """Measures; `progress` is told what is done next and the share that is done. JSON-ready figures."""

    def report(self, figures: dict[str, Any]) -> str:
        """The section of the report: Markdown without a heading."""

    def plots(self, figures: dict[str, Any], folder: Path) -> list[Path]:
        """Writes the SVGs of the section, and tells where."""


def part(name: str) -> Part:
    """The module of a part."""
    return cast("Part", import_module(f"benchmarks.{name}"))
