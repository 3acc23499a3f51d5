"""Accuracy of several bundles on the same labelled files, side by side, by the slices that matter.

    python -m benchmarks.compare --bundle linear=DIR bert=DIR joint=DIR --data dev=dev.jsonl tail=tail.jsonl

Everything goes through `lapor_route.evaluation`, as `lapor-route evaluate` does.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from lapor_route import Router
from lapor_route.evaluation import evaluate_file

SLICES = ("kind", "tier", "names_body", "length", "decidable", "style", "source")
COLUMNS = ("top1", "top3", "macro")


def main() -> None:
    """Command line: prints one Markdown table a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", nargs="+", required=True, metavar="NAME=DIR")
    parser.add_argument("--data", nargs="+", required=True, metavar="NAME=FILE")
    parser.add_argument("--out", type=Path, default=Path("build/compare"))
    options = parser.parse_args()
    bundles = dict(pair.split("=", 1) for pair in options.bundle)
    for name, file in (pair.split("=", 1) for pair in options.data):
        found = {}
        for bundle, folder in bundles.items():
            out = options.out / f"{name}-{bundle}"
            found[bundle] = evaluate_file(Router.load(folder), Path(file), out, plots=False)
        print(f"\n### {name}\n\n{table(found)}", flush=True)
        (options.out / f"{name}.json").write_text(json.dumps(found) + "\n", encoding="utf-8")


def table(found: dict[str, dict[str, Any]]) -> str:
    """A Markdown table of the figures of several bundles on one file."""
    head = [f"{bundle} {column}" for column in COLUMNS for bundle in found]
    lines = [f"| slice | rows | {' | '.join(head)} |", "| --- | ---: |" + " ---: |" * len(head)]
    first = next(iter(found.values()))
    lines.append(_row("all", [figures["overall"] for figures in found.values()]))
    for slice_name in SLICES:
        for value in first["slices"].get(slice_name, {}):
            rows = [figures["slices"][slice_name][value] for figures in found.values()]
            lines.append(_row(f"{slice_name}: {value}", rows))
    for key in ("forward_coverage", "forward_precision", "ask_recall"):
        cells = [figures["decisions"][key] for figures in found.values()]
        lines.append(f"| {key.replace('_', ' ')} | | " + " | ".join(map(str, cells)) + " |")
    errors = [figures["calibration"]["ece"] for figures in found.values()]
    lines.append("| expected calibration error | | " + " | ".join(map(str, errors)) + " |")
    return "\n".join(lines)


def _row(name: str, rows: list[dict[str, Any]]) -> str:
    cells = [f"{row[column]:.3f}" for column in COLUMNS for row in rows]
    return f"| {name} | {rows[0]['rows']} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
