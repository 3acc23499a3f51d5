"""Throughput and memory of several bundles and backends, in one run.

    python -m benchmarks.engines linear=DIR int8=src/lapor_route/model torch=DIR:torch

Each engine gets a process of its own, which routes the same texts: written complaints, cut and joined to the length
mix of real ones (median 46 words, nine tenths under 136). A folder may be followed by `:backend`. The engines take
turns, several rounds, so that a change of the machine's speed meets them all.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from statistics import median
from typing import Any

from benchmarks.texts import mixed_texts

_ONE_BY_ONE = 60
_SEED = 5


def main() -> None:
    """Command line: measures each engine and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="+", metavar="NAME=BUNDLE[:BACKEND]")
    parser.add_argument("--texts", type=int, default=480, help="texts a round (default: 480)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(_measure(options.engines[0], options.texts, options.threads)))
        return
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(options.rounds):
        for engine in options.engines:
            name, _, bundle = engine.partition("=")
            found.setdefault(name, []).append(_in_a_process(bundle, options))
    columns = ("texts_per_second", "p50_ms", "p99_ms", "load_seconds", "memory_mb")
    print("| engine | " + " | ".join(columns) + " |\n| --- |" + " ---: |" * len(columns))
    for name, rounds in found.items():
        middle = [median(figures[column] for figures in rounds) for column in columns]
        print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in middle) + " |")


def _in_a_process(bundle: str, options: argparse.Namespace) -> dict[str, float]:
    arguments = [bundle, "--measure", f"--texts={options.texts}", f"--threads={options.threads}"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.engines", *arguments], check=True, capture_output=True, text=True
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _measure(bundle: str, number: int, threads: int) -> dict[str, float]:
    """Routes the texts once in bulk and some of them one by one."""
    from lapor_route import Router
    from lapor_route.bundle import Bundle

    folder, _, backend = bundle.partition(":")
    started = time.perf_counter()
    engine = Bundle.open(folder).manifest["engine"]
    encoder: dict[str, Any] = {} if engine == "linear" else {"backend": backend or None, "threads": threads}
    router = Router.load(folder, **encoder)
    router.route("Lampu jalan mati di Kec. Depok, Sleman")
    loaded = time.perf_counter() - started
    texts = mixed_texts(number, _SEED)
    started = time.perf_counter()
    for _ in router.route_many(texts):
        pass
    bulk = time.perf_counter() - started
    single = []
    for text in texts[:_ONE_BY_ONE]:
        started = time.perf_counter()
        router.route(text)
        single.append(time.perf_counter() - started)
    single.sort()
    return {
        "texts_per_second": number / bulk,
        "p50_ms": 1000 * median(single),
        "p99_ms": 1000 * single[int(0.99 * len(single))],
        "load_seconds": loaded,
        "memory_mb": _peak_memory(),
    }


def _peak_memory() -> float:
    """The process's largest resident memory, MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
