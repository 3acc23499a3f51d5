from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lapor_route.places.gazetteer import KINDS, Gazetteer
from tests.conftest import SHARED, TINY, needs_shared
from training import gazetteer as gazetteer_builder
from training import registry as registry_builder
from training.augment import swap_places
from training.calibrate import fit_temperature
from training.calibration import forward_threshold
from training.data import Example, read_sources, remit_texts, split, target_of
from training.linear import fit, fit_vectorizer
from training.phrases import place_sentences

if TYPE_CHECKING:
    from lapor_route.bodies import Registry


@needs_shared
def test_the_registry_in_the_package_is_what_the_tables_give(registry: Registry) -> None:
    built = registry_builder.build(SHARED / "reference")
    shipped = json.loads(registry_builder.TARGET.read_text(encoding="utf-8"))
    assert built == shipped


def test_the_gazetteer_in_the_package_is_what_the_tables_give(registry: Registry) -> None:
    entries = gazetteer_builder.collect(registry)
    counts = gazetteer_builder.read_counts(gazetteer_builder.HERE / "commonness.tsv")
    built, shipped = gazetteer_builder.assemble(entries, *counts), Gazetteer.load()
    assert built.row == shipped.row
    assert np.array_equal(built.code, shipped.code)
    assert np.array_equal(built.kind, shipped.kind)
    assert built.ordinary == shipped.ordinary


def test_own_place_tables_are_clean(registry: Registry) -> None:
    kinds = {*gazetteer_builder.POI_KINDS, *KINDS}
    for path in sorted(gazetteer_builder.HERE.glob("*.csv")):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0] == "name,kind,body_id"
        assert len(lines) == len(set(lines)), f"{path.name} holds a line twice"
    for name, kind, code in gazetteer_builder._own_tables(registry):
        assert name.strip(), code
        assert kind in kinds, kind


def test_targets(registry: Registry) -> None:
    assert target_of("pln", registry) == "pln"
    assert target_of("pemkab-sleman", registry) == "kabupaten_kota"
    assert target_of("pemprov-jawa-barat", registry) == "provinsi"
    assert target_of("pemprov-dki-jakarta", registry) == "kabupaten_kota"


def test_remits_cover_every_central_body(registry: Registry) -> None:
    targets = {example.target for example in remit_texts(registry)}
    assert targets >= {body.id for body in registry.connected if not body.is_regional}
    assert targets >= {"provinsi", "kabupaten_kota"}


def test_dispositions_are_capped_and_weighted(tmp_path: Path, registry: Registry) -> None:
    rows: list[dict[str, str | None]] = [
        {"id": str(i), "text": f"t{i}", "body_id": "pemprov-jawa-timur"} for i in range(400)
    ]
    rows += [
        {"id": "n", "text": "x", "body_id": None},
        {"id": "t", "text": "x", "body_id": "pln", "basis": "topic"},
    ]
    (tmp_path / "dinsos_jatim.jsonl").write_text("\n".join(map(json.dumps, rows)))
    examples = read_sources([str(tmp_path)], registry)
    assert len(examples) == 250
    assert {(e.target, e.weight) for e in examples} == {("provinsi", 0.3)}


def test_the_split_is_stable_and_about_a_fifth() -> None:
    examples = [Example("t", "pln", key=str(i), source="x") for i in range(2000)]
    train, held_out = split(examples)
    assert split(examples) == (train, held_out)
    assert 0.17 < len(held_out) / 2000 < 0.23
    assert split([Example("t", "pln", key="k", source="remits")])[1] == []


def test_swapping_places_changes_names_and_keeps_the_rest() -> None:
    text = "Sampah menumpuk di Kec. Ngaglik, Kabupaten Sleman sejak Senin"
    swapped = swap_places(text, random.Random(1))
    assert "Ngaglik" not in swapped
    assert "Sleman" not in swapped
    assert swapped.startswith("Sampah menumpuk di Kec. ")
    assert swapped.endswith(" sejak Senin")
    assert swap_places(text, random.Random(1), share=0.0) == text


def test_place_sentences_name_every_region(registry: Registry) -> None:
    pairs = list(place_sentences(registry, 600, seed=1))
    assert len({body_id for _, body_id in pairs}) > 500
    assert all(registry[body_id].is_regional for _, body_id in pairs)


def test_temperature_recovers_a_known_one() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 4))
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.array([rng.choice(4, p=row) for row in probability])
    assert fit_temperature(logits * 3, targets) == pytest.approx(3, rel=0.15)


def test_forward_threshold_keeps_the_precision() -> None:
    probability = np.array([0.99, 0.9, 0.8, 0.7, 0.6])
    weight = np.ones(5)
    assert forward_threshold(probability, np.array([1, 1, 1, 0, 0]), weight) == 0.8
    assert forward_threshold(probability, np.array([0, 0, 0, 0, 0]), weight) == 0.99


def test_the_vocabulary_drops_rare_ngrams() -> None:
    vectorizer = fit_vectorizer(["jalan rusak"] * 5 + ["unikum"])
    assert "jalan rusak" in vectorizer.vocabulary
    assert "unikum" not in vectorizer.vocabulary


def test_no_large_or_foreign_file_is_tracked() -> None:
    root = Path(__file__).parent.parent.parent
    assert (root / "LICENSE").exists()
    assert (root / "NOTICE").read_text(encoding="utf-8").count("MIT") >= 1


def test_fitting_twice_gives_the_same_model() -> None:
    rows = [Example(f"{text} {i}", target) for target, texts in TINY.items() for text in texts for i in range(4)]
    first, second = (fit(rows, c=10, most_features=500, jobs=2) for _ in range(2))
    assert np.array_equal(first.weights, second.weights)
    assert np.array_equal(first.bias, second.bias)
