"""What a peer takes: memory of its process, and packages on disk."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

_STATUS = Path("/proc/self/status")


def needed(names: Iterable[str]) -> dict[str, Distribution]:
    """Installed distributions of some names and all that these need on this machine, by name; extras left out."""
    found: dict[str, Distribution] = {}
    left = list(names)
    while left:
        name = left.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for line in found[name].requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                left.append(requirement.name)
    return found


def size_on_disk(one: Distribution) -> int:
    """Bytes of a distribution's files; of one installed in place, those of its package."""
    paths = [Path(str(file.locate())) for file in one.files or ()]
    total = sum(path.stat().st_size for path in paths if path.is_file())
    if any(path.name.startswith("_editable_") or path.suffix == ".pth" for path in paths):
        source = Path(__file__).parent.parent.parent / "src" / one.metadata["Name"].replace("-", "_")
        total += sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    return total


def resident() -> dict[str, float]:
    """Megabytes that this process holds now, and at most so far."""
    now = psutil.Process().memory_info().rss / 1e6
    lines = _STATUS.read_text(encoding="utf-8").splitlines() if _STATUS.exists() else []
    peak = [float(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")]
    return {"resident_mb": now, "peak_mb": max(now, *peak) if peak else now}
