"""How the time of a routing grows with what it is given: text, batch, threads, bodies, names."""

from __future__ import annotations

import random
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.fits import FEWEST, STEEPEST, fit
from benchmarks.hostile import KINDS_OF_TEXT, text_of
from benchmarks.larger import larger_registry, multiplied, named
from benchmarks.texts import mixed_texts
from lapor_route import Router
from lapor_route.bodies import Registry
from lapor_route.bundle import Bundle
from lapor_route.decisions import Calibration
from lapor_route.places import Gazetteer, PlaceResolver
from lapor_route.stages import STAGES, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from benchmarks.options import Options

    Progress = Callable[[str, float], None]
    Seconds = dict[str, float]

NAME = "growth"
TITLE = "How the time grows"

CHARACTERS = (10, 30, 100, 300, 700, 1_500, 3_000, 5_000, 8_000, 12_000, 16_000, 20_000)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024)
BODIES = (679, 1_000, 2_000, 3_500, 5_000, 7_500, 10_000)
TIMES = (1, 1.5, 2, 3, 4, 6, 8)
FEWEST_TEXTS = 128
"""Texts that small batches are made of, so that they have the length mix of large ones."""
TOTAL, REST, LOADING, FIRST = "total", "rest", "loading", "first text"
_ROUNDS, _QUICK_ROUNDS = 5, 1


def run(options: Options, progress: Progress) -> dict[str, Any]:
    """Measures every series.

    Returns:
        `series`: for each of them `unit`, `sizes` and `parts`: by part of a routing the median `seconds` at each
        size, `least` and `most` and, from four sizes on, a `fit` of the least.
    """
    options.work.mkdir(parents=True, exist_ok=True)
    router = Router.load(threads=options.threads)
    for text in mixed_texts(20, options.seed):
        router.route(text)
    series: dict[str, Any] = {}
    for number, kind in enumerate(KINDS_OF_TEXT):
        progress(f"text length: {kind}", 0.4 * number / len(KINDS_OF_TEXT))
        series[f"text length, {kind}"] = _lengths(router, kind, options)
    for name, share, measure in (
        ("batch size", 0.4, _batches),
        ("threads", 0.6, _threads),
        ("bodies", 0.7, _bodies),
        ("names in the gazetteer", 0.85, _names),
    ):
        progress(name, share)
        series[name] = measure(router, options)
    progress("done", 1.0)
    return {"quick": options.quick, "steepest": STEEPEST, "rounds": _rounds(options), "series": series}


def _rounds(options: Options) -> int:
    return _QUICK_ROUNDS if options.quick else _ROUNDS


def _lengths(router: Router, kind: str, options: Options) -> dict[str, Any]:
    """One text of each length; another one each round, since what was read before is remembered."""
    sizes = (30, 300, 2_000, 8_000) if options.quick else CHARACTERS

    def once(size: int, turn: int) -> Seconds:
        text = text_of(kind, size, 1_000 * options.seed + turn)
        return _parts(lambda: router.route(text))

    return _series("characters", sizes, _rounds(options), once)


def _batches(router: Router, options: Options) -> dict[str, Any]:
    """Seconds of one `route_many` over so many texts, the mean of several where they are few."""
    sizes = (1, 4, 16, 32) if options.quick else BATCHES
    texts = sorted(mixed_texts(max(sizes), options.seed), key=len)
    fewest = min(FEWEST_TEXTS, max(sizes))

    def once(size: int, turn: int) -> Seconds:
        chosen = texts[:: len(texts) // max(size, fewest)]
        random.Random(turn).shuffle(chosen)
        parts = [chosen[start : start + size] for start in range(0, len(chosen), size)]
        found = _parts(lambda: [list(router.route_many(part)) for part in parts])
        return {name: seconds / len(parts) for name, seconds in found.items()}

    return _series("texts", sizes, _rounds(options), once)


def _threads(router: Router, options: Options) -> dict[str, Any]:
    """Seconds a text in bulk, by the encoder's threads."""
    texts = mixed_texts(16 if options.quick else 256, options.seed)
    sizes = range(1, options.threads + 1)
    routers = {number: Router.load(threads=number) for number in sizes}

    def once(size: int, turn: int) -> Seconds:
        return _a_text(routers[size], texts)

    return _series("threads", sizes, _rounds(options), once)


def _bodies(router: Router, options: Options) -> dict[str, Any]:
    """Seconds a text, by the number of connected bodies; the encoder's labels stay."""
    sizes = (679, 1_000, 1_500, 2_000) if options.quick else BODIES
    for number in sizes:
        _, copied = larger_registry(router.registry, number, options.work / f"registry-{number}.json")
        gazetteer = named(router.resolver.gazetteer, copied, options.seed)
        gazetteer.save(options.work / f"registry-{number}.npz")

    def load(size: int) -> Router:
        registry = Registry.load(options.work / f"registry-{size}.json")
        gazetteer = Gazetteer.load(options.work / f"registry-{size}.npz")
        return _like(router, registry, PlaceResolver(registry, gazetteer))

    return _loaded(sizes, load, "connected bodies", options) | {
        "note": "every new region has an official name and a capital of its own in the gazetteer, and no villages"
    }


def _names(router: Router, options: Options) -> dict[str, Any]:
    """Seconds a text, by the number of names that the resolver knows."""
    times = (1, 1.2, 1.4, 1.6) if options.quick else TIMES
    found = {}
    for gazetteer in multiplied(router.resolver.gazetteer, times, options.seed):
        path = options.work / f"gazetteer-{len(gazetteer)}.npz"
        gazetteer.save(path)
        found[len(gazetteer)] = path

    def load(size: int) -> Router:
        resolver = PlaceResolver(router.registry, Gazetteer.load(found[size]))
        return _like(router, router.registry, resolver)

    return _loaded([*found], load, "names", options) | {
        "note": "made names begin and end like real ones and have the places of one; numbers aren't multiplied"
    }


def _like(router: Router, registry: Registry, resolver: PlaceResolver) -> Router:
    calibration = Calibration.from_dict(Bundle.open().calibration)
    return Router(router.classifier, registry=registry, resolver=resolver, calibration=calibration)


def _loaded(sizes: Sequence[int], load: Callable[[int], Router], unit: str, options: Options) -> dict[str, Any]:
    """A series over routers that have to be loaded first; how long that takes is a part of it."""
    texts = mixed_texts(16 if options.quick else 96, options.seed)

    def once(size: int, turn: int) -> Seconds:
        started = perf_counter()
        router = load(size)
        loaded = perf_counter()
        router.route(texts[0])
        first = perf_counter()
        return {**_a_text(router, texts), LOADING: loaded - started, FIRST: first - loaded}

    return _series(unit, sizes, _rounds(options), once)


def _a_text(router: Router, texts: Sequence[str]) -> Seconds:
    """Seconds a text of the parts, in bulk."""
    found = _parts(lambda: list(router.route_many(texts)))
    return {name: seconds / len(texts) for name, seconds in found.items()}


def _parts(work: Callable[[], object]) -> Seconds:
    """Seconds of a piece of work, in total and of each part of the routings in it."""
    with measured() as seconds:
        started = perf_counter()
        work()
        total = perf_counter() - started
    parts = {name: seconds.get(name, 0.0) for name in STAGES}
    return {TOTAL: total, **parts, REST: total - sum(parts.values())}


def _series(unit: str, sizes: Sequence[int], rounds: int, once: Callable[[int, int], Seconds]) -> dict[str, Any]:
    """Medians over rounds in which every size has its turn."""
    found: dict[int, list[Seconds]] = {size: [] for size in sizes}
    for turn in range(rounds):
        for size in sizes:
            found[size].append(once(size, turn))
    names = found[sizes[0]][0].keys()
    return {
        "unit": unit,
        "sizes": [*sizes],
        "parts": {
            name: _part([*sizes], [[seconds[name] for seconds in found[size]] for size in sizes]) for name in names
        },
    }


def _part(sizes: Sequence[int], times: Sequence[Sequence[float]]) -> dict[str, Any]:
    seconds = [median(of_size) for of_size in times]
    part: dict[str, Any] = {
        "seconds": seconds,
        "least": [min(of_size) for of_size in times],
        "most": [max(of_size) for of_size in times],
    }
    if len(sizes) > FEWEST and min(part["least"]) > 0:
        part["fit"] = fit(sizes, part["least"]).to_dict()
    return part


def report(figures: dict[str, Any]) -> str:
    """The tables: a row a series, then the parts that grow faster than they may."""
    series = figures["series"]
    lines = [
        f"Goal: nothing grows faster than n log n, so no exponent above {figures['steepest']} at the large end. "
        f"Exponents are slopes between the logarithms over the upper half of the sizes (± standard error), of the "
        f"whole and of its steepest part that takes a twentieth of the time or more. Times are medians of "
        f"{figures['rounds']} rounds; fits go through the shortest, as other processes only add."
        + (" **Quick run: the times are of no worth.**" if figures["quick"] else ""),
        "",
        "| grows | from | to | ms at the least | ms at the most | exponent | steepest part | its exponent | held |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | --- |",
        *(_row(name, found) for name, found in series.items() if "fit" in found["parts"][TOTAL]),
        "",
        *_misses(series),
        "",
        *_threads_table(series["threads"]),
        "",
        *_batch_table(series["batch size"]),
        "",
        *_loading_table(series),
    ]
    return "\n".join(lines)


def _row(name: str, found: dict[str, Any]) -> str:
    total = found["parts"][TOTAL]
    steepest, part = max(_weighty(found), key=lambda pair: pair[1]["fit"]["slope"])
    verdicts = {_verdict(part) for _, part in [(TOTAL, total), *_weighty(found)]}
    held = "no" if "no" in verdicts else "unclear" if "unclear" in verdicts else "yes"
    ms = [f"{1000 * total['seconds'][at]:.1f}" for at in (0, -1)]
    sizes = [f"{found['sizes'][at]:,}" for at in (0, -1)]
    return (
        f"| {name} ({found['unit']}) | "
        + " | ".join(
            [*sizes, *ms, _exponent(total), steepest, _exponent(part), f"**{held}**" if held != "yes" else held]
        )
        + " |"
    )


def _weighty(found: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The parts that take a twentieth of the time at the largest size; loading always counts."""
    whole = found["parts"][TOTAL]["seconds"][-1]
    return [
        (name, part)
        for name, part in found["parts"].items()
        if "fit" in part and name != TOTAL and (part["seconds"][-1] >= 0.05 * whole or name == LOADING)
    ]


def _verdict(part: dict[str, Any]) -> str:
    verdict: str = part["fit"]["verdict"]
    return verdict


def _exponent(part: dict[str, Any]) -> str:
    return f"{part['fit']['slope']:.2f} ± {part['fit']['slope_error']:.2f}"


def _misses(series: dict[str, Any]) -> Iterable[str]:
    """What grows faster than n log n for certain, and what may."""
    judged = [
        (f"{name}, {part_name}", part)
        for name, found in series.items()
        for part_name, part in [(TOTAL, found["parts"][TOTAL]), *_weighty(found)]
        if "fit" in part
    ]
    for name, part in judged:
        if _verdict(part) == "no":
            power = part["fit"]["power"]
            yield f"- **Missed**: {name}: exponent {_exponent(part)}" + (
                f", a + b n^{power:.2f}." if power else "."
            )
    unclear = [f"{name} ({_exponent(part)})" for name, part in judged if _verdict(part) == "unclear"]
    if unclear:
        yield f"- Unclear, as two standard errors reach beyond the goal: {'; '.join(unclear)}."
    held = sum(_verdict(part) == "yes" for _, part in judged)
    yield f"- Kept by two standard errors: {held} of {len(judged)} series and parts."


def _threads_table(found: dict[str, Any]) -> list[str]:
    total, encode = (found["parts"][name]["seconds"] for name in (TOTAL, "encode"))
    rows = [
        f"| {threads} | {1 / total[i]:.1f} | {total[0] / total[i]:.2f} | {encode[0] / encode[i]:.2f} |"
        for i, threads in enumerate(found["sizes"])
    ]
    head = "| threads of the encoder | texts a second | speed-up | that of the encoder alone |"
    return [head, "| ---: | ---: | ---: | ---: |", *rows]


def _batch_table(found: dict[str, Any]) -> list[str]:
    parts = found["parts"]
    head = "| texts in one `route_many` | texts a second | ms, least to most | encoder's share |"
    return [head, "| ---: | ---: | ---: | ---: |"] + [
        f"| {size:,} | {size / parts[TOTAL]['seconds'][i]:.1f} "
        f"| {1000 * parts[TOTAL]['least'][i]:.1f} to {1000 * parts[TOTAL]['most'][i]:.1f} "
        f"| {parts['encode']['seconds'][i] / parts[TOTAL]['seconds'][i]:.0%} |"
        for i, size in enumerate(found["sizes"])
    ]


def _loading_table(series: dict[str, Any]) -> list[str]:
    shown = ("places", "join", "explain", LOADING, FIRST)
    lines = []
    for name in ("bodies", "names in the gazetteer"):
        found = series[name]
        lines += [
            "",
            f"| {found['unit']} | " + " | ".join(f"{part}, ms" for part in shown) + " |",
            "| ---: |" + " ---: |" * len(shown),
        ]
        for i, size in enumerate(found["sizes"]):
            cells = [f"{1000 * found['parts'][part]['seconds'][i]:.2f}" for part in shown]
            lines.append(f"| {size:,} | " + " | ".join(cells) + " |")
        lines += ["", f"({found['note']})"]
    return lines[1:]


def plots(figures: dict[str, Any], folder: Path) -> list[Path]:
    """One picture of the lengths and one of everything else, both axes logarithmic, the fits as lines."""
    series = figures["series"]
    lengths = {name: found for name, found in series.items() if name.startswith("text length")}
    others = {name: found for name, found in series.items() if name not in lengths and name != "threads"}
    return [
        _plot(lengths, folder / "growth-length.svg", (TOTAL, "ngrams", "encode", "places", "explain")),
        _plot(others, folder / "growth-others.svg", (TOTAL, "places", "join", LOADING)),
    ]


def _plot(series: dict[str, Any], path: Path, shown: Sequence[str]) -> Path:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    columns = min(3, len(series))
    rows = -(-len(series) // columns)
    with mpl.rc_context({"svg.hashsalt": "lapor-route", "font.size": 8}):
        figure = Figure(figsize=(4 * columns, 3 * rows), layout="constrained")
        for index, (name, found) in enumerate(series.items()):
            axes = figure.add_subplot(rows, columns, index + 1)
            for color, part in enumerate(part for part in shown if part in found["parts"]):
                _draw(axes, found["sizes"], found["parts"][part], part, f"C{color}")
            axes.set(xscale="log", yscale="log", title=name, xlabel=found["unit"], ylabel="ms")
            axes.legend(fontsize=6)
        figure.savefig(path, metadata={"Date": None})
    return path


def _draw(axes: Any, sizes: Sequence[int], part: dict[str, Any], name: str, color: str) -> None:
    ms = [1000 * seconds for seconds in part["seconds"]]
    below = [1000 * (middle - least) for middle, least in zip(part["seconds"], part["least"], strict=True)]
    above = [1000 * (most - middle) for middle, most in zip(part["seconds"], part["most"], strict=True)]
    fitted = part.get("fit")
    label = f"{name}, {fitted['slope']:.2f}" if fitted else name
    axes.errorbar(sizes, ms, yerr=[below, above], fmt="o", ms=3, lw=0.7, color=color, label=label)
    if fitted and fitted["power"]:
        line = [1000 * (fitted["constant"] + fitted["factor"] * size ** fitted["power"]) for size in sizes]
        axes.plot(sizes, line, lw=1, color=color)
