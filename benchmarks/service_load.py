"""The service under load, alone: `benchmarks.service` for one that is started, or for one that runs already.

    python -m benchmarks.service_load --out build/service_load
    python -m benchmarks.service_load --out build/service_load --quick
    python -m benchmarks.service_load --out build/service_load --url http://127.0.0.1:8000

Ends with 1 if an answer was lost, wrong, answered twice or not kept; whether the goals for speed are kept is in the
report, since that depends on the machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, TaskID, TimeElapsedColumn

from benchmarks.host import describe
from benchmarks.load.report import sound
from benchmarks.service import QUICK, Plan, measure, report

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> int:
    """Command line: runs everything, writes `service_load.json` and `service_load.md`, prints the latter."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--url", help="a service that runs already on this machine, with the embedded bundle")
    parser.add_argument("--workers", type=int, default=1, help="of the service that is started (default: 1)")
    parser.add_argument("--quick", action="store_true", help="everything in less than a minute, to try the harness")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    plan, host = QUICK if options.quick else Plan(), describe()
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:-1], TimeElapsedColumn())
    with Progress(*columns, console=console, refresh_per_second=2, disable=not console.is_terminal) as progress:
        found = measure(plan, options.url, options.workers, options.out, _bars(progress))
    found = {"machine": host, "quick": options.quick, **found}
    (options.out / "service_load.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = f"{host['processor']}, {host['cores']} cores; {host['commit']}; {host['date']}\n\n{report(found)}"
    (options.out / "service_load.md").write_text(text, encoding="utf-8")
    print(text)
    return 0 if sound(found["correctness"]) else 1


def _bars(progress: Progress) -> Callable[[str, float], None]:
    """A bar for each scenario."""
    bars: dict[str, TaskID] = {}

    def tell(scenario: str, share: float) -> None:
        if scenario not in bars:
            bars[scenario] = progress.add_task(scenario, total=1)
        progress.update(bars[scenario], completed=share)

    return tell


if __name__ == "__main__":
    sys.exit(main())
