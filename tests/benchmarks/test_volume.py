"""Volume: stretches of life, the library's replay, what breaks first, a year's batch, cost, the report."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import service, volume
from benchmarks.arrivals import A_DAY
from benchmarks.load.verdict import spread
from benchmarks.options import Options
from benchmarks.volume import year
from benchmarks.volume.cost import Assumed
from benchmarks.volume.library import Library
from benchmarks.volume.limits import crossed, first
from benchmarks.volume.part import at_capacity, estimates
from benchmarks.volume.stretches import STRETCHES, Stretch, busiest, chosen, loads_like
from benchmarks.volume.tables import clock, lasting, tail

if TYPE_CHECKING:
    from pathlib import Path


def trial(rate: float, **changed: Any) -> dict[str, Any]:
    calm = {"p50_ms": 10.0, "p95_ms": 20.0, "p99_ms": 50.0, "shed": 0, "lost": 0, "errors": {}, "memory_mb": 250}
    cores = {"server_cores": 0.5, "generator_cpu": 0.1, "other_cores": 0.0, "server_cpu_seconds": 0.01 * rate}
    return {"offered_per_second": rate, "requests": rate, "ok": rate, **calm, **cores, **changed}


TRIALS = {
    "90": trial(90, shed=30, ok=60, p99_ms=600.0, server_cores=1.9),
    "60": trial(60, p99_ms=150.0),
    "30": trial(30),
}


@pytest.fixture
def figures() -> dict[str, Any]:
    side = {
        **spread([0.01, 0.02, 0.4]),
        "answered": 3,
        "shed": 0,
        "lost": 0,
        "cpu_per_1000": 12.0,
        "memory_mb": 250,
    }
    row = {"seconds": 90, "span": 86_400.0, "start": 0.0, "requests": 500, "loads_like": 1_450.0, "busiest": 9e3}
    sides = {
        "library": {**side, "deepest": 7, "late_p99_ms": 1.0},
        "service": {**side, "shed": 2, "late_p99_ms": 2.5, "other_cores": 0.1},
    }
    stretches = [{"multiple": number, "compression": 960.0, **row, **sides} for number in (1, 10_000)]
    effort = {"texts": 300, "per_second": 50.0, "cores": 1.0, "cpu_per_1000": 20.0}
    found: dict[str, Any] = {
        "quick": False,
        "cores": 2,
        "threads": 2,
        "per_day": A_DAY,
        "stretches": stretches,
        "single": {**effort, **spread([0.02] * 300)},
        "bulk": effort,
        "library_others": 0.0,
        "capacity_per_second": 60.0,
        "trials": TRIALS,
        "limits": crossed([*TRIALS.values()], 2),
        "correctness": {
            **dict.fromkeys(("wrong", "lost", "strays", "not_in_the_store", "rows_too_many"), 0),
            "asked": 1_234,
            "accepted": 1_200,
            "shed": 34,
            "errors": {},
        },
        "year": {
            "rows": year.YEAR,
            "written": year.YEAR,
            "errors": 0,
            "seconds": 800.0,
            "cpu_seconds": 1_139.89,
            "others": 0.0,
            **year.memory_figures([(float(at), 200_000_000) for at in range(800)]),
        },
    }
    return found | estimates(found, Assumed())


def test_latencies_have_the_last_percentile_only_where_it_means_something() -> None:
    few, many = spread([i / 1_000 for i in range(1, 1_000)]), spread([i / 1_000 for i in range(1, 2_001)])
    assert (few["p50_ms"], few["p99_ms"], few["p999_ms"], few["max_ms"]) == (500, 990, None, 999)
    assert (many["p95_ms"], many["p999_ms"], many["max_ms"]) == (1_900, 1_998, 2_000)
    assert set(spread([]).values()) == {None}
    assert (tail(few), tail(many)) == ("max 999", "1,998")


def test_stretches_load_the_machine_like_they_say() -> None:
    for stretch in STRETCHES:
        times = stretch.times(1)
        nominal = stretch.multiple * stretch.compression
        assert times == sorted(times)
        assert times[-1] < stretch.seconds
        assert 0.8 * nominal < loads_like(len(times), stretch.seconds) < 4 * nominal
    assert STRETCHES[0].span == pytest.approx(86_400)
    assert all(stretch.multiple * stretch.compression <= 1_000 for stretch in STRETCHES[:-1])


def test_a_stretch_has_a_burst_unless_it_is_told_not_to() -> None:
    calm, burst = (Stretch(1_000, 32_400, 1, 60, burst=by) for by in (1.0, 10.0))
    assert len(burst.times(3)) - len(calm.times(3)) == pytest.approx(9 * 3.83 * 3, rel=0.02)
    assert busiest(burst.times(3)) > 2 * busiest(calm.times(3))


def test_compression_and_volume_load_alike() -> None:
    slow, fast = Stretch(1_000, 32_400, 1, 60, burst=1), Stretch(100, 32_400, 10, 60, burst=1)
    assert len(fast.times(1)) == pytest.approx(len(slow.times(1)), rel=0.2)
    assert loads_like(A_DAY, 86_400) == pytest.approx(1)
    assert busiest([0.0, 0.1, 0.2, 5.0], 1) == pytest.approx(loads_like(3, 1))
    assert busiest([]) == 0


def test_quick_stretches_are_shorter_and_not_more_compressed() -> None:
    for quick, full in zip(chosen(quick=True), STRETCHES, strict=True):
        assert (quick.multiple, quick.compression) == (full.multiple, full.compression)
        assert quick.seconds < full.seconds
    assert chosen(quick=False) == STRETCHES


def test_limits_come_in_the_order_in_which_they_are_crossed() -> None:
    found = crossed([*TRIALS.values()], cores=2)
    at = {each["limit"]: each["at"] for each in found}
    assert [each["at"] for each in found[:4]] == [60, 90, 90, 90]
    assert at["99th percentile above 100 ms"] == 60
    assert at["99th percentile above 500 ms"] == at["requests shed"] == 90
    assert at["cores busy above 90% of 2, others' included"] == 90
    assert at["requests lost or failed"] is None
    assert [each["value"] for each in first(found)] == [150]


@pytest.mark.parametrize(
    ("fault", "limit"),
    [
        ({"lost": 1}, "requests lost or failed"),
        ({"errors": {"500 internal": 2}}, "requests lost or failed"),
        ({"other_cores": 1.9}, "cores busy above 90% of 2, others' included"),
        ({"memory_mb": 390}, "memory above 1.1 times the least seen, MB"),
    ],
)
def test_each_fault_is_seen(fault: dict[str, Any], limit: str) -> None:
    assert [each["limit"] for each in first(crossed([trial(10), trial(20, **fault)], cores=2))] == [limit]
    assert first(crossed([trial(10)], cores=2)) == []


def test_capacity_is_of_the_highest_rate_that_was_answered_whole() -> None:
    assert at_capacity(TRIALS) == pytest.approx(10)
    assert at_capacity({"90": TRIALS["90"]}) is None


def test_cost_and_energy_follow_the_formulae() -> None:
    assumed = Assumed(vcpus=2, usd_hour=0.1, idle_watts=0.5, busy_watts=2.0, pue=1.2)
    busy = assumed.busy(0.0036)
    assert busy["usd"] == pytest.approx(0.05)
    assert busy["kwh"] == pytest.approx(0.0024)
    always_on = assumed.always_on(0.0036, per_day=1_000)
    assert always_on["usd_day"] == pytest.approx(2.4)
    assert always_on["usd"] == pytest.approx(2_400)
    assert always_on["kwh_day"] == pytest.approx((86_400 * 2 * 0.5 + 3.6 * 1.5) * 1.2 / 3.6e6)


def test_always_on_at_full_load_is_always_busy() -> None:
    assumed = Assumed()
    per_day = assumed.vcpus * 86_400 / 0.01
    assert assumed.always_on(0.01, per_day)["usd"] == pytest.approx(assumed.busy(0.01)["usd"])
    assert assumed.always_on(0.01, per_day)["kwh"] == pytest.approx(assumed.busy(0.01)["kwh"])


def test_the_year_is_whole_where_it_fits() -> None:
    assert year.rows_that_fit(200, quick=False) == year.YEAR
    assert year.rows_that_fit(50, quick=False) == 50 * year.FITS
    assert year.rows_that_fit(200, quick=True) == 300


def test_memory_is_compared_after_a_tenth_and_at_the_end() -> None:
    rising = year.memory_figures([(float(at), 100 + at) for at in range(1_001)])
    assert (rising["memory_tenth"], rising["memory_end"], rising["memory_most"]) == (200, 1_080, 1_100)
    assert len(rising["memory"]) <= 400
    assert year.memory_figures([])["memory_most"] is None


def test_rows_out_of_place_or_without_a_routing_are_counted(tmp_path: Path) -> None:
    rows = [
        {"id": "0", "routing": {"decision": "ask"}},
        {"id": "1", "error": "none"},
        {"id": "3", "routing": {"x": 1}},
    ]
    path = tmp_path / "out.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert year.count(path) == (3, 2)


def test_lengths_and_times_of_day_are_read_by_people() -> None:
    assert [lasting(seconds) for seconds in (86_400, 172_800, 4_500, 450, 45)] == [
        "1 day",
        "2 days",
        "1.25 h",
        "7.5 min",
        "45 s",
    ]
    assert [clock(seconds) for seconds in (0, 32_400, 22_320)] == ["00:00", "09:00", "06:12"]


def test_report_says_what_was_measured(figures: dict[str, Any]) -> None:
    text = volume.report(json.loads(json.dumps(figures, allow_nan=False)))
    assert (
        "| x1 | 1 day from 00:00 in 90 s | 960 | x1,450 | x9,000 | service | 500 | 20 | 400 | 400 | max 400 |"
        in text
    )
    assert "at 60 requests a second: 99th percentile above 100 ms (150)" in text
    assert "| 113,989 | 113,989 | 0 | 13.3 | 142.5 | 10.0 | 200 | 200 | 200 |" in text
    assert "1.00 times that after a tenth: flat" in text
    assert "| a year's batch | 0.0100 | 0.12 | 0.006 |" in text
    assert "| service, always on, 331 a day | 0.0120 | 6,264.65 |" in text
    assert "none was lost, wrong, answered twice or not kept; 34 were shed" in text
    assert "no worth" not in text
    assert "suspect" not in text
    assert "nan" not in text


def test_report_says_what_went_wrong(figures: dict[str, Any]) -> None:
    figures["quick"] = True
    figures["limits"] = []
    figures["stretches"][0]["service"]["lost"] = 3
    figures["stretches"][0]["service"]["other_cores"] = 1.5
    figures["correctness"]["wrong"] = 1
    figures["year"] |= {"rows": 1_000, "written": 999, "memory_end": 3e8}
    text = volume.report(figures)
    assert "Quick run: the times are of no worth" in text
    assert "Nothing broke" in text
    assert "| **3** |" in text
    assert "the service (1.5): figures of speed are suspect" in text
    assert "not sound" in text
    assert "**999**" in text
    assert "**not flat**" in text
    assert "By proportion all 113,989 would take 1520 min" in text
    figures["year"]["seconds"] = 5.0
    assert "too short to tell" in volume.report(figures)
    figures["year"] = {"failed": "`lapor-route batch` ended with 1"}
    assert "**Not measured: a year's batch.** `lapor-route batch` ended with 1" in volume.report(figures)


def test_pictures_are_the_same_each_time(figures: dict[str, Any], tmp_path: Path) -> None:
    paths = volume.plots(figures, tmp_path)
    assert [path.name for path in paths] == ["volume-latency.svg", "volume-year.svg"]
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in volume.plots(figures, tmp_path)] == before
    figures["year"] = {"failed": "why"}
    assert len(volume.plots(figures, tmp_path)) == 1


def test_service_is_a_part_with_a_picture(tmp_path: Path) -> None:
    [path] = service.plots({"scenarios": TRIALS | {"warm-up": {}}}, tmp_path)
    assert (service.NAME, path.name) == ("service", "service-rates.svg")
    assert path.stat().st_size > 1_000


def test_library_answers_everything_and_counts_from_the_intended_time() -> None:
    with Library(threads=1) as library:
        at_once = library.replay(["Lampu jalan mati di Kec. Depok, Sleman"], [0.0] * 12)
        lost = library.replay([None, "Jalan rusak"], [0.0, 0.3, 0.31, 0.32])  # type: ignore[list-item]
        single, bulk = library.single(["Jalan rusak"] * 5), library.bulk(["Jalan rusak"] * 5)
    assert (len(at_once.latencies), at_once.lost) == (12, 0)
    assert at_once.latencies == sorted(at_once.latencies)
    assert at_once.latencies[-1] > 5 * at_once.latencies[0]
    assert at_once.deepest > 5
    assert 0 < at_once.cpu < 12 * at_once.latencies[-1]
    assert (len(lost.latencies), lost.lost) == (2, 2)
    assert (single.texts, len(single.calls), bulk.texts, bulk.calls) == (5, 5, 5, [])
    assert math.isclose(sum(single.calls), single.seconds, rel_tol=0.1)


def test_a_few_rows_of_a_year(tmp_path: Path) -> None:
    shares: list[float] = []
    found = year.batch(20, Options(work=tmp_path, quick=True, threads=1), shares.append, expected=2.0)
    assert (found["rows"], found["written"], found["errors"]) == (20, 20, 0)
    assert 0 < found["cpu_seconds"] < 4 * found["seconds"]
    assert found["memory_most"] > 5e7
    assert shares == sorted(shares)
    assert not list(tmp_path.iterdir())


def test_a_failed_batch_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(year, "write_complaints", lambda path, *_: path.write_text('{"other": 1}\n'))
    found = year.batch(1, Options(work=tmp_path, quick=True, threads=1), lambda _: None, expected=1.0)
    assert "ended with" in found["failed"]
    assert "text" in found["failed"]
