"""Works on the written examples.

`python -m training.examples check` finds what is wrong with them and counts them; `measure` tells how a bundle
does on the held-out fifth; `tail FILE` writes that fifth for `lapor-route evaluate`; `regions FILE` writes texts
with their slots filled for every kabupaten/kota of the country; `copies` tells how right the packaged rules on
copies are.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from lapor_route import Router
from lapor_route.bodies import Registry
from lapor_route.decisions.rules import Rules
from training.examples import every_region
from training.examples.check import check
from training.examples.copies import report
from training.examples.measure import measure, tail_rows


def main() -> int:
    """Command line; the exit status is 1 when `check` finds something to mend."""
    parser = argparse.ArgumentParser(prog="python -m training.examples", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="find what is wrong with the examples, and count them")
    checking.add_argument("--shared", type=Path, default=Path("../shared/data"))
    measuring = commands.add_parser("measure", help="how a bundle does on the held-out fifth")
    measuring.add_argument("--model", help="a bundle; by default the embedded one")
    writing = commands.add_parser("tail", help="write the held-out fifth for `lapor-route evaluate`")
    writing.add_argument("file", type=Path)
    filling = commands.add_parser("regions", help="write texts for every kabupaten/kota, slots filled")
    filling.add_argument("file", type=Path)
    filling.add_argument("--per-region", type=int, default=5, metavar="N")
    copying = commands.add_parser("copies", help="how right the packaged rules on copies are")
    copying.add_argument("--wrong", action="store_true", help="list the wrong copies of the train part instead")
    options = parser.parse_args()
    if options.command == "check":
        return _check(options.shared)
    if options.command == "copies":
        print("\n".join(report(Rules.packaged(Registry.load()), wrong=options.wrong)))
    elif options.command == "measure":
        for name, value in measure(Router.load(options.model)).items():
            print(f"{name:42} {value}")
    else:
        registry = Registry.load()
        written = tail_rows(registry) if options.command == "tail" else every_region(registry, options.per_region)
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in written]
        options.file.write_text("".join(lines), encoding="utf-8")
        print(f"{options.file}: {len(lines)} rows")
    return 0


def _check(shared: Path) -> int:
    report = check(Registry.load(), shared)
    for name, value in report.counts.items():
        print(f"{name:28} {value}")
    for problem in report.problems:
        print(problem, file=sys.stderr)
    print(f"{len(report.problems)} problems")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
