"""How the time grows: fits, texts of any length, larger registries and gazetteers, the report."""

from __future__ import annotations

import json
import math
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks import growth
from benchmarks.fits import fit
from benchmarks.hostile import KINDS_OF_TEXT, text_of
from benchmarks.larger import larger_registry, multiplied, named
from lapor_route.places import Gazetteer, PlaceResolver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lapor_route.bodies import Registry

SIZES = [10, 30, 100, 300, 1_000, 3_000, 10_000, 20_000]


def times(of: Callable[[int], float], noise: float = 0.01) -> list[float]:
    drawn = random.Random(1)
    return [of(size) * (1 + drawn.uniform(-noise, noise)) for size in SIZES]


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5, 2.0])
def test_fit_finds_the_power_behind_a_constant(power: float) -> None:
    found = fit(SIZES, times(lambda n: 0.004 + 2e-6 * n**power))
    assert found.power == pytest.approx(power, abs=0.1)
    assert found.constant == pytest.approx(0.004, rel=0.1)


def test_fit_judges_by_the_large_end() -> None:
    assert fit(SIZES, times(lambda n: 0.004 + 1e-6 * n)).verdict == "yes"
    assert fit(SIZES, times(lambda n: 1e-6 * n * math.log(n))).slope == pytest.approx(1.12, abs=0.04)
    assert fit(SIZES, times(lambda n: 1e-9 * n**2)).verdict == "no"


def test_fit_sees_a_square_that_only_begins_to_show() -> None:
    found = fit(SIZES, times(lambda n: 0.02 + 5e-11 * n**2))
    assert found.slope < 1.15
    assert found.verdict == "no"


def test_fit_of_what_does_not_grow() -> None:
    found = fit(SIZES, times(lambda n: 0.01))
    assert found.slope == pytest.approx(0, abs=0.02)
    assert found.verdict == "yes"
    json.dumps(found.to_dict(), allow_nan=False)


def test_fit_of_noise_is_unclear() -> None:
    assert fit(SIZES, times(lambda n: 1e-6 * n, noise=0.9)).verdict == "unclear"


@pytest.mark.parametrize(
    ("sizes", "seconds"), [([1, 2, 3], [1, 1, 1]), ([1, 2, 3, 3], [1] * 4), ([1, 2, 3, 4], [0] * 4)]
)
def test_fit_refuses_what_it_cannot_fit(sizes: list[float], seconds: list[float]) -> None:
    with pytest.raises(ValueError, match=r"fit needs|must be"):
        fit(sizes, seconds)


@pytest.mark.parametrize("kind", KINDS_OF_TEXT)
def test_texts_have_the_length_asked_for(kind: str) -> None:
    for length in (1, 10, 999):
        assert len(text_of(kind, length, 1)) == length
    assert text_of(kind, 300, 1) == text_of(kind, 300, 1) != text_of(kind, 300, 2)


def test_larger_registry_keeps_what_was_there(registry: Registry, tmp_path: Path) -> None:
    larger, copied = larger_registry(registry, 1_200, tmp_path / "r.json")
    assert len(larger.connected) == 1_200
    assert all(larger[body.id] == body for body in registry)
    for code, original in copied.items():
        new, old = larger.by_code(str(code)), larger.by_code(str(original))
        assert new is not None
        assert old is not None
        assert new.kind == old.kind
        assert new.id not in registry


def test_as_many_bodies_as_codes_allow(registry: Registry, tmp_path: Path) -> None:
    assert len(larger_registry(registry, 10_000, tmp_path / "r.json")[0].connected) == 10_000
    with pytest.raises(ValueError, match="no codes"):
        larger_registry(registry, 20_000, tmp_path / "r.json")


def test_copies_of_regions_are_found_by_their_names(registry: Registry, tmp_path: Path) -> None:
    larger, copied = larger_registry(registry, 800, tmp_path / "r.json")
    gazetteer = named(Gazetteer.load(), copied, 1)
    codes = gazetteer.code.tolist()
    names = list(gazetteer.row)
    row = next(row for row in range(len(Gazetteer.load()), len(names)) if codes[gazetteer.first[row]] in copied)
    found = PlaceResolver(larger, gazetteer).resolve(f"Jalan rusak di Kabupaten {names[row].title()}")
    expected = larger.by_code(str(codes[gazetteer.first[row]]))
    assert expected is not None
    assert [mention.body_id for mention in found.mentions] == [expected.id]


def test_multiplied_names_have_the_places_of_others(tmp_path: Path) -> None:
    original = Gazetteer.load()
    same, larger = multiplied(original, [1, 1.2], 1)
    assert list(same.row) == list(original.row)
    assert 1.15 < len(larger) / len(original) <= 1.2
    assert len(larger.first) == len(larger) + 1 == len(larger.commonness) + 1
    assert larger.first[-1] == len(larger.kind) == len(larger.code)
    assert set(larger.code.tolist()) == set(original.code.tolist())
    larger.save(tmp_path / "g.npz")
    assert list(Gazetteer.load(tmp_path / "g.npz").row) == list(larger.row)


def part(seconds: list[float]) -> dict[str, Any]:
    times = np.array(seconds)
    return {
        "seconds": seconds,
        "least": (times * 0.99).tolist(),
        "most": (times * 1.01).tolist(),
        "fit": fit(SIZES, seconds).to_dict(),
    }


def series_of(total: Callable[[int], float], unit: str = "characters") -> dict[str, Any]:
    parts = {"total": part(times(total)), "encode": part(times(lambda n: 0.005))}
    parts |= {name: part(times(lambda n: 0.001)) for name in ("places", "join", "explain", "loading", "first text")}
    return {"unit": unit, "sizes": SIZES, "parts": parts, "note": "made for a test"}


@pytest.fixture
def figures() -> dict[str, Any]:
    linear = series_of(lambda n: 0.02 + 1e-6 * n)
    names = ("text length, written", "threads", "batch size", "bodies", "names in the gazetteer")
    return {"quick": False, "steepest": 1.15, "rounds": 5, "series": dict.fromkeys(names, linear)}


def test_report_of_what_keeps_the_goal(figures: dict[str, Any]) -> None:
    told = growth.report(figures)
    assert "| text length, written (characters) | 10 | 20,000 | " in told
    assert "Missed" not in told
    assert "of no worth" not in told


def test_report_says_misses_plainly(figures: dict[str, Any]) -> None:
    figures["series"]["bodies"] = series_of(lambda n: 0.001 + 1e-8 * n**2, "connected bodies")
    told = growth.report(figures | {"quick": True})
    assert "**Missed**: bodies, total: exponent" in told
    assert "| **no** |" in told
    assert "of no worth" in told


def test_plots_are_written(figures: dict[str, Any], tmp_path: Path) -> None:
    first, second = growth.plots(figures, tmp_path)
    assert first.read_bytes() != second.read_bytes()
    before = first.read_bytes()
    growth.plots(figures, tmp_path)
    assert first.read_bytes() == before
