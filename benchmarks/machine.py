"""The limit: what the machine's 8-bit units can do, and how much of that the encoder and the router use."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import onnxruntime

from benchmarks.host import Busy, describe
from benchmarks.products import FP32, INT8, INT8_RAW, KERNELS, Kernel, products_of, rate
from benchmarks.texts import mixed_texts
from lapor_route import Router
from lapor_route.bundle import Bundle
from lapor_route.classifiers.backends import ONNX_FILE
from lapor_route.classifiers.bert import BertClassifier
from lapor_route.stages import STAGES, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from benchmarks.options import Options
    from benchmarks.products import Products
    from lapor_route.classifiers.backends import Backend

__all__ = ["NAME", "TITLE", "describe", "plots", "report", "run"]

NAME = "machine"
TITLE = "Against the machine's limit"

INT8_GOAL, PARTS_GOAL = 0.50, 0.15
"""Least share of the 8-bit rate inside the encoder; most share of the time in places, join and tokeniser."""
MOST_OTHERS = 0.1
"""Cores that other processes may take before the figures are suspect."""
TOKENS = 512
SQUARE = 2_048
_ONE_BY_ONE = 100
_REST = "rest"
_ATTENTION = (FP32, "FusedMatMul")
"""Operators of products without a weight."""
_CHEAP = ("places", "join", "tokenise")


def run(options: Options, progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Measures the products and the encoder in turns, with one and with all threads.

    Returns:
        `products` (counted), `rates` (of the kernels), `encoder` (by threads), `operators` (shares of the encoder's
        time), `stages` (shares of the router's time), `others` (cores that other processes took).
    """
    rounds, number, seconds = (1, 24, 0.02) if options.quick else (5, 512, 0.1)
    options.work.mkdir(parents=True, exist_ok=True)
    bundle = Bundle.open()
    products = products_of(bundle.folder / ONNX_FILE)
    texts = mixed_texts(number, options.seed)
    watched = {threads: _Watched.load(threads) for threads in sorted({1, options.threads})}
    kernels = {
        (operator, shape, threads): Kernel(operator, shape, threads)
        for threads in watched
        for operator in KERNELS
        for shape in _shapes(products, options.quick)
    }
    rates: dict[tuple[str, tuple[int, int, int], int], list[float]] = {key: [] for key in kernels}
    passes: dict[int, list[dict[str, Any]]] = {threads: [] for threads in watched}
    single: list[dict[str, float]] = []
    before = Busy.now()
    for turn in range(rounds):
        for threads, one in watched.items():
            progress(f"round {turn + 1}, {threads} threads", turn / rounds)
            for key, kernel in kernels.items():
                if key[2] == threads:
                    rates[key].append(rate(kernel.run, kernel.work, seconds))
            best = max(
                found[-1] for key, found in rates.items() if key[0] in (INT8, INT8_RAW) and key[2] == threads
            )
            passes[threads].append(one.route(texts) | {"limit": best})
        single.append(_one_by_one(watched[options.threads].router, texts[:_ONE_BY_ONE]))
    progress("operators", 0.95)
    others = before.others_until(Busy.now())
    operators = _operators(watched[options.threads].batches, options)
    progress("done", 1.0)
    bulk = [found["stages"] for found in passes[options.threads]]
    return {
        "quick": options.quick,
        "rounds": rounds,
        "texts": number,
        "threads": options.threads,
        "others": others,
        "products": {
            "per_token": products.per_token,
            "weights_per_token": products.weights,
            "per_text": products.per_text,
            "attention_per_pair": products.per_pair,
        },
        "rates": [
            {"kernel": operator, "shape": [*shape], "threads": threads, **_spread(found)}
            for (operator, shape, threads), found in rates.items()
        ],
        "encoder": [_encoder(threads, found, products) for threads, found in passes.items()],
        "operators": operators,
        "stages": {"bulk": _shares(bulk), "one by one": _shares(single)},
        "per_second": _spread([number / found["wall"] for found in passes[options.threads]]),
    }


def _shapes(products: Products, quick: bool) -> list[tuple[int, int, int]]:
    """Tokens, rows and columns: the encoder's products, queries, keys and values at once, and a large square."""
    weights = {weight for of_kind in products.shapes.values() for weight in of_kind}
    hidden = min(rows for rows, _ in weights)
    shapes = [(TOKENS, rows, columns) for rows, columns in sorted(weights | {(hidden, 3 * hidden)})]
    return shapes[:2] if quick else [*shapes, (SQUARE, SQUARE, SQUARE)]


@dataclass(slots=True)
class _Watched:
    """A router whose encoder's batches are counted; it is the encoder's backend itself."""

    router: Router
    backend: Backend
    at_once: int
    batches: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    @classmethod
    def load(cls, threads: int) -> _Watched:
        """A router with the embedded model, warm."""
        router = Router.load(threads=threads)
        bert = getattr(router.classifier, "bert", router.classifier)
        if not isinstance(bert, BertClassifier):
            raise TypeError(f"the embedded classifier has no encoder to measure: {type(bert).__name__}")
        watched = cls(router, bert.backend, bert.backend.at_once)
        for text in mixed_texts(20, 0):
            router.route(text)
        bert.backend = watched
        return watched

    def scores(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """What the backend says."""
        self.batches.append((ids, mask))
        return self.backend.scores(ids, mask)

    def route(self, texts: Sequence[str]) -> dict[str, Any]:
        """Routes texts in bulk: seconds in all and of each stage, and tokens without and with padding."""
        self.batches.clear()
        wall, stages = _timed(lambda: [*self.router.route_many(texts)])
        tokens = sum(int(mask.sum()) for _, mask in self.batches)
        pairs = sum(int((mask.sum(axis=1) ** 2).sum()) for _, mask in self.batches)
        padded = sum(mask.size for _, mask in self.batches)
        return {
            "wall": wall,
            "stages": stages,
            "texts": len(texts),
            "tokens": tokens,
            "pairs": pairs,
            "padded": padded,
        }


def _one_by_one(router: Router, texts: Sequence[str]) -> dict[str, float]:
    return _timed(lambda: [router.route(text) for text in texts])[1]


def _timed(work: Callable[[], object]) -> tuple[float, dict[str, float]]:
    """Seconds of a piece of work, and of the stages of the routings in it."""
    with measured() as seconds:
        started = perf_counter()
        work()
        wall = perf_counter() - started
    stages = {name: seconds.get(name, 0.0) for name in STAGES}
    return wall, {**stages, _REST: wall - sum(stages.values())}


def _encoder(threads: int, passes: Sequence[dict[str, Any]], products: Products) -> dict[str, Any]:
    """What the encoder reaches: true tokens and products with weights only, over the rate of the same round."""
    one = passes[0]
    work = products.weights * one["tokens"] + products.per_text * one["texts"]
    attention = products.per_pair * one["pairs"]
    seconds = [found["stages"]["encode"] for found in passes]
    return {
        "threads": threads,
        "tokens": one["tokens"],
        "padding": 1 - one["tokens"] / one["padded"],
        "attention": attention / work,
        "seconds": _spread(seconds),
        "rate": _spread([work / second for second in seconds]),
        "limit": _spread([found["limit"] for found in passes]),
        "share": _spread([work / found["stages"]["encode"] / found["limit"] for found in passes]),
    }


def _operators(batches: Sequence[tuple[np.ndarray, np.ndarray]], options: Options) -> dict[str, float]:
    """Share of the encoder's time by operator, by ONNX Runtime's own profile of the same batches."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.enable_profiling = True
    settings.profile_file_prefix = str(options.work / "encoder")
    session = onnxruntime.InferenceSession(
        str(Bundle.open().folder / ONNX_FILE), settings, providers=["CPUExecutionProvider"]
    )
    for ids, mask in batches:
        session.run(None, {"input_ids": ids, "attention_mask": mask})
    path = Path(session.end_profiling())
    events = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    found: dict[str, float] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            operator = event["args"]["op_name"]
            found[operator] = found.get(operator, 0.0) + event["dur"]
    total = sum(found.values())
    return {operator: found[operator] / total for operator in sorted(found, key=lambda name: -found[name])}


def _shares(rounds: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Each stage's share of the wall time."""
    return {
        name: _spread([seconds[name] / sum(seconds.values()) for seconds in rounds]) for name in (*STAGES, _REST)
    } | {"+".join(_CHEAP): _spread([sum(s[name] for name in _CHEAP) / sum(s.values()) for s in rounds])}


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "least": min(values), "most": max(values)}


def report(figures: dict[str, Any]) -> str:
    """The tables: what is reached, what the kernels do, where the time of the encoder and of the router goes."""
    whole = figures["encoder"][-1]
    share, cheap = whole["share"], figures["stages"]["bulk"]["+".join(_CHEAP)]
    lines = [
        f"{figures['texts']:,} texts of the real length mix, {whole['tokens']:,} tokens, {figures['rounds']} "
        f"rounds, kernels and router in turns; medians (least to most). Only true tokens and only products with "
        f"weights count as work: {figures['products']['weights_per_token'] / 1e6:.1f} million multiply-adds a "
        f"token (the attention's would add {whole['attention']:.1%}). The limit is the fastest 8-bit product that "
        f"ONNX Runtime's kernels reach on any shape below, in the same round."
        + (" **Quick run: the times are of no worth.**" if figures["quick"] else ""),
        "",
        "| figure | goal | measured | reached |",
        "| --- | ---: | ---: | --- |",
        f"| share of the 8-bit rate inside the encoder, {whole['threads']} threads | >= {INT8_GOAL:.0%} "
        f"| {_percent(share)} | {_reached(share['median'] >= INT8_GOAL)} |",
        f"| places + join + tokeniser, share of wall time in bulk | <= {PARTS_GOAL:.0%} "
        f"| {_percent(cheap)} | {_reached(cheap['median'] <= PARTS_GOAL)} |",
        "",
        *_encoder_table(figures),
        "",
        *_factors(figures),
        "",
        *_rates_table(figures),
        "",
        *_operators_table(figures),
        "",
        *_stages_table(figures),
    ]
    if figures["others"] > MOST_OTHERS:
        lines += ["", f"**Suspect: other processes took {figures['others']:.1f} cores meanwhile.**"]
    return "\n".join(lines)


def _encoder_table(figures: dict[str, Any]) -> list[str]:
    head = "| threads | tokens a second | multiply-adds a second | the machine's limit | share | padding |"
    return [head, "| ---: |" + " ---: |" * 5] + [
        f"| {one['threads']} | {one['tokens'] / one['seconds']['median']:,.0f} | {_giga(one['rate'])} "
        f"| {_giga(one['limit'])} | {_percent(one['share'])} | {one['padding']:.1%} |"
        for one in figures["encoder"]
    ]


def _factors(figures: dict[str, Any]) -> list[str]:
    """The share as a product: tokens that are no padding, time in products with weights, speed of these."""
    whole = figures["encoder"][-1]
    true = 1 - whole["padding"]
    inside = sum(figures["operators"].get(kernel, 0.0) for kernel in figures["products"]["per_token"])
    speed = whole["share"]["median"] / true / inside if inside else float("nan")
    return [
        f"The share of {whole['share']['median']:.1%} is {true:.1%} (tokens that are no padding) x {inside:.1%} "
        f"(time inside products with weights) x {speed:.1%} (these products' speed against the limit)."
    ]


def _rates_table(figures: dict[str, Any]) -> list[str]:
    threads = sorted({row["threads"] for row in figures["rates"]})
    shapes = list(dict.fromkeys(tuple(row["shape"]) for row in figures["rates"]))
    head = ["product (tokens x rows x columns)"]
    head += [f"{KERNELS[kernel]}, {number} thr." for kernel in KERNELS for number in threads]
    cells = {(row["kernel"], tuple(row["shape"]), row["threads"]): row["median"] / 1e9 for row in figures["rates"]}
    lines = [
        "Billions of multiply-adds a second:",
        "",
        f"| {' | '.join(head)} |",
        "| --- |" + " ---: |" * (len(head) - 1),
    ]
    for shape in shapes:
        row = [f"{cells[kernel, shape, number]:.0f}" for kernel in KERNELS for number in threads]
        lines.append(f"| {' x '.join(f'{size:,}' for size in shape)} | {' | '.join(row)} |")
    return lines


def _operators_table(figures: dict[str, Any]) -> list[str]:
    work = figures["products"]["per_token"]
    total = figures["products"]["weights_per_token"]
    lines = ["| operator of the encoder | share of its time | share of its work |", "| --- | ---: | ---: |"]
    named = {name: share for name, share in figures["operators"].items() if share >= 0.01 or name in work}
    for name, share in named.items():
        kind = f" ({KERNELS[name]})" if name in KERNELS and name != FP32 else ""
        what = " (the attention)" if name in _ATTENTION and name not in work else kind
        lines.append(f"| {name}{what} | {share:.1%} | {f'{work[name] / total:.1%}' if name in work else ''} |")
    return [*lines, f"| all others | {1 - sum(named.values()):.1%} | |"]


def _stages_table(figures: dict[str, Any]) -> list[str]:
    kinds = figures["stages"]
    head = f"| stage | {' | '.join(f'share of wall time, {kind}' for kind in kinds)} |"
    return [head, "| --- |" + " ---: |" * len(kinds)] + [
        f"| {name} | {' | '.join(_percent(found[name]) for found in kinds.values())} |"
        for name in next(iter(kinds.values()))
    ]


def _percent(spread: dict[str, float]) -> str:
    return f"{spread['median']:.1%} ({spread['least']:.1%} to {spread['most']:.1%})"


def _giga(spread: dict[str, float]) -> str:
    return f"{spread['median'] / 1e9:.0f} G ({spread['least'] / 1e9:.0f} to {spread['most'] / 1e9:.0f})"


def _reached(good: bool) -> str:
    return "yes" if good else "**no**"


def plots(figures: dict[str, Any], folder: Path) -> list[Path]:
    """Where the wall time goes: stages of the router, operators of the encoder."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    bars = {f"router, {kind}": _medians(found) for kind, found in figures["stages"].items()}
    bars["encoder"] = {name: share for name, share in figures["operators"].items() if share >= 0.02}
    path = folder / "machine-shares.svg"
    with mpl.rc_context({"svg.hashsalt": "lapor-route", "font.size": 8}):
        figure = Figure(figsize=(9, 3), layout="constrained")
        axes = figure.add_subplot()
        for row, shares in enumerate(bars.values()):
            left = 0.0
            for color, (name, share) in enumerate(shares.items()):
                axes.barh(row, share, left=left, color=f"C{color % 10}", edgecolor="white")
                if share >= 0.04:
                    axes.text(left + share / 2, row, f"{name}\n{share:.0%}", ha="center", va="center", fontsize=6)
                left += share
        axes.set(yticks=range(len(bars)), yticklabels=[*bars], xlim=(0, 1), xlabel="share of the time")
        axes.invert_yaxis()
        figure.savefig(path, metadata={"Date": None})
    return [path]


def _medians(found: dict[str, dict[str, float]]) -> dict[str, float]:
    return {name: spread["median"] for name, spread in found.items() if "+" not in name}
