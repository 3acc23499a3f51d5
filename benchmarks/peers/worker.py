"""A peer's own process: `python -m benchmarks.peers.worker make|serve ENTRY FOLDER THREADS`.

`serve` answers one JSON line with another; ENTRY is a `Peer` as JSON. What libraries print goes to standard error.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from benchmarks.peers.catalogue import Peer
from benchmarks.peers.engine import MissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.peers.engine import Engine

FIRST = "Lampu jalan di depan pasar mati sejak minggu lalu, Kec. Depok, Sleman"


def main() -> None:
    """Makes what a peer loads, or serves it."""
    what, entry, folder, threads = sys.argv[1:]
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    peer = Peer(**json.loads(entry))
    keep_to(int(threads))
    try:
        kind = peer.load_class()
        if what == "make":
            kind.make(Path(folder), peer.variant, int(threads))
            _say(out, {"ok": True})
            return
        engine = kind(Path(folder), int(threads), peer.variant)
        engine.use(**engine.single)
        engine.answer([FIRST])
    except MissingError as error:
        _say(out, {"missing": error.reason, "command": error.command})
        return
    except Exception as error:
        traceback.print_exc()
        _say(out, {"missing": _short(error), "command": ""})
        return
    _say(out, {"ok": True})
    serve(engine, sys.stdin, out)


def serve(engine: Engine, requests: TextIO, out: TextIO) -> None:
    """Answers requests, one JSON line each, until there are no more."""
    does: dict[str, Callable[..., dict[str, Any]]] = {
        "tune": lambda **given: tune(engine, **given),
        "bulk": lambda **given: bulk(engine, **given),
        "single": lambda **given: single(engine, **given),
        "facts": lambda: facts(engine),
        "evaluate": lambda **given: evaluate(engine, **given),
    }
    for line in requests:
        request = json.loads(line)
        try:
            answer = does[request.pop("do")](**request)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": _short(error)}
        _say(out, answer)


def tune(engine: Engine, passes: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Takes the setting that was fastest on the texts of all passes; without a pass, one from the middle."""
    choices = list(engine.choices())
    if len(choices) > 1 and not passes:
        choices = [choices[len(choices) // 2]]
    taken = [0.0] * len(choices)
    for texts in passes if len(choices) > 1 else ():
        for number, choice in enumerate(choices):
            engine.use(**choice)
            engine.answer(texts[:8])
            taken[number] += _seconds(engine, texts)
    chosen = choices[taken.index(min(taken))]
    engine.use(**chosen)
    return {"chosen": chosen, "tried": len(choices)}


def bulk(engine: Engine, blocks: Sequence[Sequence[str]], at_least: float) -> dict[str, Any]:
    """Answers block after block, all of the first and then until so many seconds are over."""
    labels: list[str] = []
    texts, seconds = 0, 0.0
    gc.collect()
    for block in blocks:
        started = time.perf_counter()
        found = engine.answer(block)
        seconds += time.perf_counter() - started
        texts += len(block)
        labels = labels or found
        if seconds >= at_least:
            break
    return {"texts": texts, "seconds": seconds, "labels": labels}


def single(engine: Engine, texts: Sequence[str]) -> dict[str, Any]:
    """Answers texts one at a time, in the setting for that."""
    engine.use(**engine.single)
    for text in texts[:5]:
        engine.answer([text])
    gc.collect()
    return {"seconds": [_seconds(engine, [text]) for text in texts]}


def facts(engine: Engine) -> dict[str, Any]:
    """Memory now and at most, sizes on disk, versions."""
    from benchmarks.peers.sizes import needed, resident, size_on_disk

    memory = resident()
    packages = needed(engine.packages)
    return memory | {
        "model_mb": sum(path.stat().st_size for path in engine.files()) / 1e6,
        "packages": len(packages),
        "packages_mb": sum(map(size_on_disk, packages.values())) / 1e6,
        "versions": {name: one.version for name, one in packages.items() if name in engine.packages},
    }


def evaluate(engine: Engine, data: str, folder: str) -> dict[str, Any]:
    """Accuracy of the router with this classifier, with its own calibration and with none."""
    from lapor_route import Router
    from lapor_route.evaluation import evaluate_file

    classifier = engine.classifier()
    if classifier is None:
        return {}
    found = {}
    for name, calibration in (("calibrated", engine.calibration()), ("plain", None)):
        if name == "plain" or calibration is not None:
            router = Router(classifier, calibration=calibration)
            found[name] = evaluate_file(router, Path(data), Path(folder) / name, plots=False)
    return found


def keep_to(threads: int) -> None:
    """Keeps this process on as many cores, whatever a library makes of its own settings."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:threads]))


def _seconds(engine: Engine, texts: Sequence[str]) -> float:
    started = time.perf_counter()
    engine.answer(texts)
    return time.perf_counter() - started


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _say(out: TextIO, content: dict[str, Any]) -> None:
    out.write(json.dumps(content) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
