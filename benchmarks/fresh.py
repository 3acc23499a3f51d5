"""A fresh environment with the package's wheel in it, and what processes there do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
_QUIET = ("--quiet", "--disable-pip-version-check")
_LARGEST = 8


def attempt(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a piece of work finds, or the command that failed and the end of what it said."""
    try:
        return work()
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or "").strip()[-500:]
        return {"failed": f"`{' '.join(map(str, error.cmd))}` ended with {error.returncode}: {said}"}


def call(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> str:
    """What a process prints; it runs in the repository, and imports from its own environment alone.

    Raises:
        CalledProcessError: It fails.
    """
    given = {**os.environ, "PYTHONPATH": "", **(environment or {})}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True, env=given, cwd=ROOT)
    return done.stdout


def install(work: Path) -> dict[str, Any]:
    """Builds the wheel and installs it alone; packages come from an earlier run in the folder, else from PyPI.

    Args:
        work: Where the wheels and the environment go.

    Returns:
        `python` (its interpreter), `wheel` (bytes), `packages` (versions by name), `installed` (bytes on disk,
        `with_pip` and without), `largest` (bytes of the largest folders).

    Raises:
        CalledProcessError: Something can't be built, found or installed.
    """
    wheels, fresh = work / "wheels", work / "environment"
    build: list[str | Path] = [sys.executable, "-m", "pip", "wheel", *_QUIET, "--wheel-dir", wheels]
    call([*build, "--no-deps", ROOT])
    wheel = max(wheels.glob("lapor_route-*.whl"), key=lambda path: path.stat().st_mtime)
    venv.create(fresh, clear=True, with_pip=True)
    python = fresh / ("Scripts" if os.name == "nt" else "bin") / "python"
    bare = _size(_packages_of(python))
    here: list[str | Path] = [python, "-m", "pip", "install", *_QUIET, "--no-index", "--find-links", wheels, wheel]
    try:
        call(here)
    except subprocess.CalledProcessError:
        call([*build, "--constraint", LOCK, wheel])
        call(here)
    found = json.loads(call([python, "-m", "pip", "list", "--format=json", *_QUIET[1:]]))
    folder = _packages_of(python)
    return {
        "python": str(python),
        "wheel": wheel.stat().st_size,
        "packages": {row["name"]: row["version"] for row in found if row["name"] not in ("pip", "setuptools")},
        "installed": _size(folder) - bare,
        "with_pip": _size(folder),
        "largest": dict(sorted(_sizes(folder).items(), key=lambda pair: -pair[1])[:_LARGEST]),
    }


def _packages_of(python: Path) -> Path:
    return Path(call([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())


def _size(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: _size(path) for path in folder.iterdir() if path.is_dir()}


def import_times(python: str, module: str) -> dict[str, float]:
    """Cumulative seconds of an import in a fresh interpreter, and of every import below it."""
    command = [python, "-X", "importtime", "-c", f"import {module}"]
    given = {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=given)
    return parse_import_times(done.stderr, module)


def parse_import_times(told: str, module: str) -> dict[str, float]:
    """Cumulative seconds of a module and of those that it pulled, from what ``-X importtime`` wrote.

    A line stands behind those of what it pulled, which are indented more.

    Args:
        told: Standard error.
        module: Its name; without its line, nothing is found.
    """
    lines = [line.removeprefix("import time:").split("|") for line in told.splitlines()]
    rows = [(parts[2].rstrip(), parts[1].strip()) for parts in lines if len(parts) == 3]
    found: dict[str, float] = {}
    depth = 0
    for indented, microseconds in reversed(rows):
        name = indented.strip()
        indent = len(indented) - len(name)
        if name == module:
            depth = indent
        elif not found or indent <= depth:
            if found:
                break
            continue
        found[name] = int(microseconds) / 1e6
    return found
