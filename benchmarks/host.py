"""The machine that figures come from, and what else it did meanwhile."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil

PACKAGES = tuple(
    "lapor-route onnxruntime numpy sentencepiece rapidfuzz safetensors onnx torch transformers tokenizers fastapi "
    "uvicorn".split()
)
FLAGS = frozenset(
    "avx2 fma avx512f avx512bw avx512_vnni avx_vnni avx512_bf16 amx_int8 amx_tile asimddp i8mm sve bf16".split()
)
"""Of a processor's flags, those that make matrix products fast."""


def describe() -> dict[str, Any]:
    """Processor, cores, memory, system, versions, how busy it is, when and of which commit."""
    name, flags = _processor()
    return {
        "processor": name,
        "flags": sorted(FLAGS & flags),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "load_average": round(os.getloadavg()[0], 2),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": _commit(),
    }


@dataclass(frozen=True, slots=True)
class Busy:
    """Seconds that processors have computed up to a moment, for all processes and for this one with its children.

    Of a child that still runs nothing is counted as own, so it should have ended before the later moment.
    """

    everything: float
    own: float
    moment: float

    @classmethod
    def now(cls) -> Busy:
        """Up to now."""
        times, own = psutil.cpu_times(), psutil.Process().cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "guest", 0.0)
        with_children = own.user + own.system + own.children_user + own.children_system
        return cls(sum(times) - idle, with_children, perf_counter())

    def others_until(self, later: Busy) -> float:
        """Cores that other processes took, on average, until a later moment."""
        others = later.everything - self.everything - (later.own - self.own)
        return max(0.0, others) / (later.moment - self.moment)


def _processor() -> tuple[str, frozenset[str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine(), frozenset()
    facts: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    flags = facts.get("flags") or facts.get("Features") or ""
    return facts.get("model name") or platform.machine(), frozenset(flags.split())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str:
    """The commit, marked where files differ from it; what git says if it can't tell."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        done = subprocess.run([*git, "describe", "--always", "--dirty"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"unknown: {error}"
    return done.stdout.strip()
