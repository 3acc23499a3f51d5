"""The report of the part on volume."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from benchmarks.arrivals import SECONDS
from benchmarks.load.report import MOST_OTHERS, sound
from benchmarks.load.runner import BUSY_MS
from benchmarks.load.verdict import MANY
from benchmarks.volume.limits import first
from benchmarks.volume.stretches import WINDOW, loads_like
from benchmarks.volume.year import FITS, FLAT, TELLING, YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SIDES = ("library", "service")


def report(figures: dict[str, Any]) -> str:
    """Replays, both sides at their end, what breaks first, a year, the estimates, and what is weak."""
    quick = " **Quick run: the times are of no worth.**" if figures["quick"] else ""
    return "\n".join(
        [
            "Complaints arrive as in life (Poisson, day and night, bursts that break out at ten times the mean), "
            f"{figures['per_day']} a day times the multiple. Compressing time by c loads the machine like c times "
            "the volume: `loads like` is the multiple that it really bore, on average and in the busiest "
            f"{WINDOW:g} s. So up to x1,000 the waits are upper bounds of those in life. Latency counts from the "
            f"time of arrival, in ms; `max` stands where fewer than {MANY:,} requests make a 99.9th percentile "
            f"meaningless. Texts have the length mix of real ones; the encoder has {figures['threads']} threads."
            f"{quick}",
            "",
            *_stretches(figures["stretches"]),
            "",
            _in_real_time(figures),
            "",
            *_ends(figures),
            "",
            *_limits(figures),
            "",
            *_year(figures["year"], figures["threads"]),
            "",
            *_estimates(figures),
            "",
            *_weak(figures),
        ]
    )


def _stretches(stretches: list[dict[str, Any]]) -> Iterable[str]:
    yield (
        "| volume | stretch | time / | loads like | at its busiest | side | requests | p50 | p95 | p99 | p99.9 "
        "| CPU s of 1,000 | shed | lost |"
    )
    yield "| ---: | --- | ---: | ---: | ---: | --- |" + " ---: |" * 8
    for row in stretches:
        where = (
            f"| x{row['multiple']:,} | {lasting(row['span'])} from {clock(row['start'])} in {row['seconds']:g} s "
            f"| {row['compression']:,g} | x{row['loads_like']:,.0f} | x{row['busiest']:,.0f}"
        )
        for side in SIDES:
            found = row[side]
            cells = [f"{row['requests']:,}", *(_ms(found[key]) for key in ("p50_ms", "p95_ms", "p99_ms"))]
            cells += [tail(found), _number(found["cpu_per_1000"]), f"{found['shed']:,}", _lost(found["lost"])]
            yield f"{where} | {side} | " + " | ".join(cells) + " |"


def lasting(seconds: float) -> str:
    """A length of life in its largest fitting unit."""
    for unit, length in (("days", SECONDS), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}".replace("1 days", "1 day")
    return f"{seconds:g} s"


def clock(seconds: float) -> str:
    """A time of day, of seconds from midnight."""
    minutes = round(seconds / 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def tail(found: Mapping[str, Any]) -> str:
    """The 99.9th percentile; where there is none, the maximum, named as such."""
    return _ms(found["p999_ms"]) if found["p999_ms"] is not None else f"max {_ms(found['max_ms'])}"


def _ms(value: float | None) -> str:
    return "none" if value is None else f"{value:,.0f}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:,.1f}"


def _lost(number: int) -> str:
    return f"**{number:,}**" if number else "0"


def _in_real_time(figures: dict[str, Any]) -> str:
    """What a complaint meets today: an idle machine."""
    single = figures["single"]
    seconds = 1 / single["per_second"]
    busy = figures["per_day"] / SECONDS * seconds
    return (
        f"In real time, {figures['per_day']} a day is one in {SECONDS / figures['per_day']:.0f} s: on average one "
        f"in {1 / busy:,.0f} finds another being routed. The others wait for their own routing only: "
        f"p50 {single['p50_ms']:.1f}, p99 {single['p99_ms']:.1f} ms in the library, over {single['texts']:,} texts."
    )


def _ends(figures: dict[str, Any]) -> Iterable[str]:
    yield "| at its end | a second | times today's volume | CPU s of 1,000 | a core-day does | times today's |"
    yield "| --- |" + " ---: |" * 5
    capacity = figures["capacity_per_second"]
    rows = (
        ("library, one by one", figures["single"]["per_second"], figures["single"]["cpu_per_1000"]),
        ("library, at once", figures["bulk"]["per_second"], figures["bulk"]["cpu_per_1000"]),
        (f"service, nothing shed, p99 <= {BUSY_MS} ms", capacity, _capacity_cpu(figures)),
    )
    for name, per_second, cpu in rows:
        a_day = 1_000 * SECONDS / cpu
        yield (
            f"| {name} | {per_second:,.1f} | x{loads_like(per_second, 1):,.0f} | {cpu:,.1f} "
            f"| {a_day:,.0f} | x{loads_like(a_day, SECONDS):,.0f} |"
        )
    yield ""
    yield (
        f"`a second` is the whole machine ({figures['cores']} cores; the service shares them with its client); a "
        "core-day is 86,400 s of CPU without a pause, so plan with less."
    )


def _capacity_cpu(figures: dict[str, Any]) -> float:
    """CPU seconds of 1,000 requests at the capacity; NaN if at every rate some weren't answered."""
    found: float = figures["estimates"].get("service at its capacity", {}).get("cpu_seconds", math.nan)
    return 1_000 * found


def _limits(figures: dict[str, Any]) -> Iterable[str]:
    broken = first(figures["limits"])
    if broken:
        names = ", ".join(f"{each['limit']} ({each['value']:g})" for each in broken)
        yield f"**What breaks first in the service**, at {broken[0]['at']:g} requests a second: {names}."
    else:
        yield "**Nothing broke** in the service at the rates that were tried."
    yield ""
    yield "| limit | crossed at, a second | value there, or the highest |"
    yield "| --- | ---: | ---: |"
    for each in figures["limits"]:
        at = "not crossed" if each["at"] is None else f"{each['at']:g}"
        yield f"| {each['limit']} | {at} | {each['value']:g} |"
    hardest = figures["stretches"][-1]
    yield ""
    yield (
        f"The library sheds nothing: what arrives faster than it routes waits, at x{hardest['multiple']:,} up to "
        f"{hardest['library']['deepest']:,} complaints at once."
    )


def _year(year: dict[str, Any], threads: int) -> Iterable[str]:
    if "failed" in year:
        yield f"**Not measured: a year's batch.** {year['failed']}"
        return
    rows, seconds = year["rows"], year["seconds"]
    whole = rows == YEAR
    yield f"`lapor-route batch` over {'a whole year' if whole else 'a part of a year'}, {threads} threads:"
    yield ""
    yield (
        "| rows in | rows out | not routed or missing | min | rows a second | CPU s of 1,000 | MB resident at 10 % "
        "| at the end | at most |"
    )
    yield "| ---: |" + " ---: |" * 8
    memory = [_megabytes(year[key]) for key in ("memory_tenth", "memory_end", "memory_most")]
    out = f"{year['written']:,}" if year["written"] == rows else f"**{year['written']:,}**"
    cells = [f"{rows:,}", out, _lost(year["errors"]), f"{seconds / 60:.1f}", f"{rows / seconds:.1f}"]
    yield "| " + " | ".join([*cells, f"{1_000 * year['cpu_seconds'] / rows:.1f}", *memory]) + " |"
    yield ""
    if seconds < TELLING:
        yield "The batch was too short to tell whether memory stays flat."
    elif year["memory_tenth"]:
        growth = year["memory_end"] / year["memory_tenth"]
        flat = "flat" if growth <= FLAT else "**not flat**"
        yield f"Memory at the end is {growth:.2f} times that after a tenth: {flat} (at most {FLAT})."
    if not whole:
        yield (
            f"By proportion all {YEAR:,} would take {YEAR * seconds / rows / 60:.0f} min: at this rate they don't "
            f"fit into the {FITS / 60:g} min of a run, or it was a quick one."
        )


def _megabytes(value: float | None) -> str:
    return "none" if value is None else f"{value / 1e6:,.0f}"


def _estimates(figures: dict[str, Any]) -> Iterable[str]:
    assumed = figures["assumed"]
    yield (
        f"**Estimated** cost and energy, from measured CPU seconds. Assumed: {assumed['instance']} "
        f"({assumed['vcpus']} vCPU) in {assumed['region']}, on demand, {assumed['usd_hour']} USD an hour (looked "
        f"up {assumed['seen']} in copies of AWS's list); {assumed['idle_watts']} W an idle and "
        f"{assumed['busy_watts']} W a busy vCPU (Cloud Carbon Footprint, AMD EPYC of the 3rd generation), PUE "
        f"{assumed['pue']}; a second of CPU here is one of a vCPU there."
    )
    yield ""
    yield "| a million complaints | CPU s each | USD | kWh |"
    yield "| --- | ---: | ---: | ---: |"
    for name, found in figures["estimates"].items():
        yield f"| {name} | {found['cpu_seconds']:.4f} | {found['usd']:,.2f} | {found['kwh']:,.3f} |"
    yield ""
    yield (
        "Always busy: USD = CPU s x 10^6 / 3600 x price / vCPUs; kWh = CPU s x 10^6 x busy W x PUE / 3.6x10^6. "
        "Always on: USD = 24 x price / complaints a day x 10^6; kWh a day = (86,400 s x vCPUs x idle W + CPU s of "
        "the day x (busy - idle W)) x PUE / 3.6x10^6."
    )
    on = [found for found in figures["estimates"].values() if "usd_day" in found]
    for found in on:
        yield f"A machine that stays on costs {found['usd_day']:.2f} USD and {found['kwh_day']:.3f} kWh a day."


def _weak(figures: dict[str, Any]) -> Iterable[str]:
    right = figures["correctness"]
    verdict = "none was lost, wrong, answered twice or not kept" if sound(right) else f"**not sound: {right}**"
    yield f"- Of {right['asked']:,} requests to the service {verdict}; {right['shed']:,} were shed."
    late = max(row[side]["late_p99_ms"] for row in figures["stretches"] for side in SIDES)
    yield f"- Complaints were sent too late by {late:g} ms (99th percentile) at worst; the latencies include it."
    others = {
        "the library": figures["library_others"],
        "the service": max(row["service"]["other_cores"] for row in figures["stretches"]),
        "the service's search": max(trial["other_cores"] for trial in figures["trials"].values()),
        "the year": figures["year"].get("others", 0.0),
    }
    suspect = [f"{name} ({cores:g})" for name, cores in others.items() if cores > MOST_OTHERS]
    if suspect:
        yield (
            f"- **Other processes took cores from {', '.join(suspect)}: figures of speed are suspect there; CPU "
            "seconds, cost and energy less so.**"
        )
    yield (
        "- Weak: the shape of days and bursts is an assumption, not data; each stretch is replayed once; client "
        "and service share cores, over loopback; letters repeat, so words may be remembered; cost and energy stand "
        "on list values, without disk, network, backups or people."
    )
