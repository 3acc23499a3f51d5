"""The results of the parts: a JSON file each, in one folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.host import Busy, describe
from benchmarks.parts import PARTS, part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.options import Options

COMMITTED = Path(__file__).parent / "results"
"""The folder of the report that is committed."""
MOST_OTHERS = 0.1
"""Cores that other processes may take before figures are suspect."""
_CHANGING = ("date", "load_average")
"""Of a machine's description, what may differ between the parts of one report."""


def measure(name: str, options: Options, progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Runs a part.

    Returns:
        `part`, `machine` (its description), `options`, `seconds` (in all), `others` (cores that other processes
        took on average) and `figures`.
    """
    module, machine = part(name), describe()
    before = Busy.now()
    figures = module.run(options, progress)
    after = Busy.now()
    return {
        "part": name,
        "machine": machine,
        "options": {
            "quick": options.quick,
            "seed": options.seed,
            "threads": options.threads,
            "data": [path.name for path in options.data],
            "bundles": [bundle for bundle, _ in options.bundles],
            "encoder": options.encoder,
        },
        "seconds": after.moment - before.moment,
        "others": before.others_until(after),
        "figures": figures,
    }


def save(folder: Path, record: dict[str, Any]) -> Path:
    """Writes a part's results; an interruption leaves the older ones whole."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record['part']}.json"
    draft = path.with_suffix(".json.new")
    draft.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return draft.replace(path)


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """The results in a folder by part, in the parts' order; nothing where there are none."""
    paths = {name: folder / f"{name}.json" for name in PARTS}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}


def same_machine(records: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether all parts were measured on one machine, with the same packages and commit."""
    fixed = [{k: v for k, v in record["machine"].items() if k not in _CHANGING} for record in records.values()]
    return all(one == fixed[0] for one in fixed)
