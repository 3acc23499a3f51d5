"""What a fresh interpreter needs for a first answer: seconds and memory of each step, printed as JSON.

    python benchmarks/probe.py ours|unseen|transformers TEXTS.json [MODEL]

`unseen` is `ours`, followed by texts of words that nobody has seen, which are remembered up to a bound.

A script of its own and without the benchmarks' imports: any interpreter can run it, and nothing else is loaded.
"""

import json
import random
import resource
import sys
import time
from pathlib import Path

UNSEEN = 200_000
"""Words that are remembered at most; so many are made."""
_A_TEXT = 1_400


def main() -> None:
    """Loads, answers once, answers all."""
    engine, file = sys.argv[1:3]
    texts = json.loads(Path(file).read_text(encoding="utf-8"))
    figures: dict[str, float] = {"memory_interpreter": _resident()}
    before = set(sys.modules)
    started = time.perf_counter()
    if engine in ("ours", "unseen"):
        import lapor_route

        figures["modules"] = len(set(sys.modules) - before)
        imported = time.perf_counter()
        router = lapor_route.Router.load()
        loaded = time.perf_counter()
        figures["memory_loaded"] = _resident()
        router.route(texts[0])
        first = time.perf_counter()
        figures["memory_first"] = _resident()
        for _ in router.route_many(texts):
            pass
        if engine == "unseen":
            for _ in router.route_many(_unseen(texts)):
                pass
    else:
        from transformers import pipeline

        figures["modules"] = len(set(sys.modules) - before)
        imported = time.perf_counter()
        answer = pipeline("text-classification", model=sys.argv[3], top_k=5)
        loaded = time.perf_counter()
        figures["memory_loaded"] = _resident()
        answer(texts[0], truncation=True, max_length=192)
        first = time.perf_counter()
        figures["memory_first"] = _resident()
        answer(texts, truncation=True, max_length=192, batch_size=8)
    figures |= {
        "import_seconds": imported - started,
        "load_seconds": loaded - imported,
        "first_seconds": first - loaded,
        "texts": len(texts),
        "memory_all": _resident(),
        "memory_peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        * (1 if sys.platform == "darwin" else 1024),
    }
    print(json.dumps(figures))


def _unseen(texts: "list[str]") -> "list[str]":
    """Texts of words that are joined from two and a number of letters: no two alike, and as long as words get."""
    known = sorted({word for text in texts for word in text.lower().split() if word.isalpha()})
    drawn = random.Random(1)
    made: set[str] = set()
    while len(made) < UNSEEN:
        made.add(drawn.choice(known)[:6] + drawn.choice(known)[:6] + drawn.choice("aiueo"))
    words = sorted(made)
    return [" ".join(words[start : start + _A_TEXT]) for start in range(0, UNSEEN, _A_TEXT)]


def _resident() -> int:
    """Resident memory, bytes; 0 where the system doesn't tell it in /proc."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()
