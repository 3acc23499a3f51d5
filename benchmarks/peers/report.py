"""The section of the report, and its plot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.peers.catalogue import OURS, TORCH

if TYPE_CHECKING:
    from pathlib import Path

_COLUMNS = (
    "side",
    "texts/s",
    "ours is ... times as fast",
    "times our weights in torch",
    "p50 ms",
    "p99 ms",
    "start s",
    "memory MB",
    "model MB",
    "packages",
    "packages MB",
    "best setting",
    "same answer",
)


def to_markdown(figures: dict[str, Any]) -> str:
    """A sentence, the tables, what is weak, what wasn't measured."""
    peers = figures["peers"]
    parts = [_sentence(figures), _summary(peers)]
    parts += [_speeds(group, peers) for group in dict.fromkeys(peer["group"] for peer in peers.values())]
    if figures["accuracy"]:
        parts.append(_accuracy(figures))
    else:
        parts.append("How right they are is measured apart (`python -m benchmarks accuracy`).")
    parts += [_weak(figures), _missing(figures["missing"])]
    return "\n\n".join(part for part in parts if part) + "\n"


def _sentence(figures: dict[str, Any]) -> str:
    quick = (
        "**A quick run, which checks that everything works: its times are of no worth.** "
        if figures["quick"]
        else ""
    )
    return (
        f"{quick}All sides answered the same texts (median {figures['median_words']:.0f} words, ninth decile "
        f"{figures['p90_words']:.0f}) on {figures['threads']} threads, at most {figures['max_tokens']} tokens of "
        f"each, in {figures['rounds']} interleaved rounds of {figures['texts_a_round']} texts or more, text in and "
        "label out. Each has a process of its own, in the setting that was fastest in a warm-up. Ratios are taken "
        "round by round; medians, with least to largest in brackets. The whole router does more: it also finds "
        "places, joins them with the topic and gives reasons. *Memory* is resident after the rounds; *start* is "
        "from the process's start to its first answer; *same answer* is the share of texts with the label that our "
        "network gives in float32."
    )


def _summary(peers: dict[str, Any]) -> str:
    """Ours against the pipeline that a user would begin with, and against the same weights in torch."""
    pipelines = {name: peer for name, peer in peers.items() if name.startswith("indobert") and "ours_times" in peer}
    sentences = []
    if pipelines:
        fastest = min(pipelines.values(), key=lambda peer: float(peer["ours_times"]["median"]))
        plain = pipelines.get("indobert-fp32", fastest)
        sentences.append(
            f"The whole router is {_range(plain['ours_times'], 1)} times as fast as a BERT of IndoBERT base's "
            f"shape in {plain['title']}, and {_range(fastest['ours_times'], 1)} times as fast as the fastest of "
            f"its kinds, {fastest['title']}."
        )
    if "times_torch" in peers.get("ours-bert", {}):
        sentences.append(
            f"The same encoder, places and join answer {_range(peers['ours-bert']['times_torch'], 1)} times as "
            "many texts a second in int8 as in torch and float32."
        )
    return " ".join(sentences)


def _speeds(group: str, peers: dict[str, Any]) -> str:
    lines = [f"**{group}**", "", "| " + " | ".join(_COLUMNS) + " |", "| --- |" + " ---: |" * (len(_COLUMNS) - 1)]
    lines += [_row(peer) for peer in peers.values() if peer["group"] == group]
    return "\n".join(lines)


def _row(peer: dict[str, Any]) -> str:
    cells = [
        peer["title"],
        _range(peer["texts_per_second"], 0),
        _range(peer["ours_times"], 2) if "ours_times" in peer else "",
        _range(peer["times_torch"], 2) if "times_torch" in peer else "",
        f"{peer['p50_ms']:.1f}",
        f"{peer['p99_ms']:.1f}",
        f"{peer['load_seconds']['median']:.1f}",
        f"{peer['resident_mb']:.0f}",
        f"{peer['model_mb']:.1f}",
        str(peer["packages"]),
        f"{peer['packages_mb']:.0f}",
        ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in peer.get("setting", {}).items()),
        f"{100 * peer['agreement']:.1f} %" if "agreement" in peer else "",
    ]
    return "| " + " | ".join(cells) + " |"


def _range(found: dict[str, float], digits: int) -> str:
    return f"{found['median']:.{digits}f} ({found['min']:.{digits}f}..{found['max']:.{digits}f})"


def _accuracy(figures: dict[str, Any]) -> str:
    lines = [
        f"**Accuracy** on {figures['data']}, through the router, places joined in the same way: with the join "
        "fitted on our held-out rows (where there is one), and as it comes. In brackets 95 % bootstrap intervals; "
        "the last column is ours less theirs on the same rows, in points, the better of the two joins for them.",
        "",
        "| side | top-1 | top-3 | macro | calibration error | top-1, join as it comes | ours is better by |",
        "| --- |" + " ---: |" * 6,
    ]
    for name, kinds in figures["accuracy"].items():
        title = _named(figures["peers"].get(name), name)
        fitted, plain = kinds.get("calibrated"), kinds["plain"]
        better = fitted if fitted and fitted["top1"] >= plain["top1"] else plain
        cells = [title, *_shares(fitted), _share(plain), _less(better.get("less_than_ours"))]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _named(peer: dict[str, Any] | None, name: str) -> str:
    return f"{peer['group']}: {peer['title']}" if peer else name


def _shares(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return [""] * 4
    return [_share(found), *(f"{found[key]:.3f}" for key in ("top3", "macro", "ece"))]


def _share(found: dict[str, Any]) -> str:
    low, high = found["top1_interval"]
    return f"{found['top1']:.3f} ({low:.3f}..{high:.3f})"


def _less(found: dict[str, float] | None) -> str:
    if found is None:
        return ""
    return f"{100 * found['mean']:+.1f} ({100 * found['low']:+.1f}..{100 * found['high']:+.1f})"


def _weak(figures: dict[str, Any]) -> str:
    """What beats us: faster sides, and more accurate ones."""
    peers = {name: peer for name, peer in figures["peers"].items() if not name.startswith(OURS)}
    faster = [
        f"{peer['title']} ({1 / peer['ours_times']['median']:.1f} times our speed)"
        for peer in peers.values()
        if peer.get("ours_times", {}).get("median", 1.0) < 1
    ]
    same = figures["peers"].get("ours-encoder")
    rates = {peer["title"]: peer["texts_per_second"]["median"] for peer in peers.values() if peer["same_labels"]}
    runtimes = [title for title, rate in rates.items() if same and rate > same["texts_per_second"]["median"]]
    better = [
        figures["peers"].get(name, {}).get("title", name)
        for name, kinds in figures["accuracy"].items()
        if name in peers and any(found.get("less_than_ours", {}).get("mean", 1.0) < 0 for found in kinds.values())
    ]
    lines = [
        f"Faster than the whole router: {', '.join(faster) or 'none'}.",
        f"Runtimes of the same network that are faster than our encoder alone: {', '.join(runtimes) or 'none'}.",
    ]
    if figures["accuracy"]:
        lines.append(f"Right more often than ours: {', '.join(better) or 'none'}.")
    return " ".join(lines)


def _missing(missing: dict[str, dict[str, str]]) -> str:
    if not missing:
        return ""
    lines = ["Not measured:", ""]
    for found in missing.values():
        command = f" Tried or needed: `{found['command']}`." if found["command"] else ""
        lines.append(f"- {found['group']}, {found['title']}: {found['reason']}.{command}")
    return "\n".join(lines)


def plot(figures: dict[str, Any], folder: Path) -> list[Path]:
    """A bar a side: texts a second, on a logarithmic axis, with the rounds' spread."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    peers = figures["peers"]
    if not peers:
        return []
    names = sorted(peers, key=lambda name: peers[name]["texts_per_second"]["median"])
    rates = [peers[name]["texts_per_second"] for name in names]
    middle = [rate["median"] for rate in rates]
    errors = [
        [rate["median"] - rate["min"] for rate in rates],
        [rate["max"] - rate["median"] for rate in rates],
    ]
    figure = Figure(figsize=(9, 1 + 0.32 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    colours = ["#1b7f5c" if name.startswith(OURS) and name != TORCH else "#9aa5b1" for name in names]
    axes.barh([f"{peers[n]['title']} [{n}]" for n in names], middle, xerr=errors, color=colours, ecolor="#333333")
    axes.set_xscale("log")
    axes.set_xlabel(f"texts a second, {figures['threads']} threads" + (" (quick run)" if figures["quick"] else ""))
    axes.spines[["top", "right"]].set_visible(False)
    path = folder / "peers.svg"
    with mpl.rc_context({"svg.hashsalt": "lapor-route"}):
        FigureCanvasSVG(figure).print_svg(path, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return [path]
