"""Ten bodies, as published: ten folds, and a model of the older crawl on younger complaints.

    python -m benchmarks.ten_bodies ../shared/data training/configs/ten_bodies.toml --folds 1 2 3 --younger

`annurkhozin.jsonl` holds ten national bodies and the ten folds of the study that reached 0.857 with an LSTM. For
each fold the linear model and BERT are trained on the other nine (a tenth of which is held out for temperatures
and the weights of both), and tested on it. `--younger` trains on all of that crawl and tests on the complaints of
2020 and later in `kbdp1305.jsonl` whose body is among the ten, as one of the ten. Figures go into RESULTS as they
come, so that a stopped run goes on where it was. `python -m benchmarks accuracy --data annurkhozin.jsonl --encoder`
runs the same folds beside scikit-learn, for the report.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy.folds import trial
from benchmarks.accuracy.rows import read_rows
from training.config import load_config

OLDER, YOUNGER = "annurkhozin", "kbdp1305"
RESULTS = Path("build/ten_bodies.json")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with train/annurkhozin.jsonl")
    parser.add_argument("config", type=Path, help="a TOML file; its [data] isn't used")
    parser.add_argument("--folds", type=int, nargs="*", default=[], help="folds to test on")
    parser.add_argument("--younger", action="store_true", help="test on the younger complaints")
    options = parser.parse_args()
    config = load_config(options.config)
    older = _rows(options.data / "train" / f"{OLDER}.jsonl")
    done: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    trials = {
        f"fold {fold}": ([r for r in older if r["fold"] != fold], [r for r in older if r["fold"] == fold])
        for fold in options.folds
    }
    if options.younger:
        bodies = {row["body_id"] for row in older}
        younger = [r for r in _rows(options.data / "train" / f"{YOUNGER}.jsonl") if r["body_id"] in bodies]
        trials["younger"] = (older, younger)
    for name, (train, test) in trials.items():
        if name not in done:
            done[name] = trial(replace(config, work=config.work / name.replace(" ", "-")), train, test)
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            RESULTS.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
        print(name, done[name], flush=True)
    folds = [figures for name, figures in done.items() if name.startswith("fold")]
    for engine in ("linear", "bert", "joint"):
        if folds:
            print(f"mean of {len(folds)} folds, {engine}: {np.mean([found[engine] for found in folds]):.4f}")


def _rows(path: Path) -> list[dict[str, Any]]:
    return [row for row in read_rows(path) if row["body_id"]]


if __name__ == "__main__":
    main()
