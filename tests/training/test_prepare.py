from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lapor_route.errors import InputError
from tests.training.test_sources import complaints, write_jsonl
from training.config import DataConfig, RunConfig
from training.data import MIXED_SOURCE, Example, split, target_of
from training.prepare import FACTS_FILE, TRAIN_FILE, VALIDATION_FILE, collect, prepare, read_facts, read_prepared

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lapor_route.bodies import Registry


def config_for(tmp_path: Path, rows: list[dict[str, Any]] | None = None, **data: Any) -> RunConfig:
    """A run on a file of its own, and on nothing else unless `data` says so."""
    source = write_jsonl(tmp_path / "kami.jsonl", complaints() if rows is None else rows)
    settings: dict[str, Any] = {"sources": (str(source),), "examples": False, "remits": False} | data
    return RunConfig(name="coba", version="1", work=tmp_path / "work", data=DataConfig(**settings))


def originals(examples: Iterable[Example]) -> set[str]:
    """Keys of the texts behind the fillings."""
    return {example.key.partition("#")[0] for example in examples}


def test_the_rows_and_their_facts_are_written(tmp_path: Path, registry: Registry) -> None:
    config = config_for(tmp_path)
    prepared = prepare(config, registry)
    assert {path.name for path in config.work.iterdir()} == {TRAIN_FILE, VALIDATION_FILE, FACTS_FILE}
    facts = read_facts(config)
    assert facts["rows"] == facts["rows_with_copies"] == len(prepared.train)
    assert facts["validation_rows"] == len(prepared.validation)
    assert facts["rows"] + facts["validation_rows"] == 150
    assert facts["sources"] == {"kami": facts["rows"]}
    assert sum(facts["targets"].values()) == facts["rows"]
    assert facts["labels"] == ["bpjs-kesehatan", "kabupaten_kota", "out_of_scope", "pln", "provinsi"]


def test_what_is_read_is_what_was_prepared(tmp_path: Path, registry: Registry) -> None:
    rows = complaints()
    rows[0] |= {"acceptable": "kesdm;bpjs-kesehatan", "weight": 0.5, "text": 'baris\nbaru, "kutip" dan \u2028 aneh'}
    config = config_for(tmp_path, rows, copies=2)
    prepared = prepare(config, registry)
    assert read_prepared(config) == prepared
    assert collect(config, registry) == prepared


def test_preparing_again_gives_the_same_rows(tmp_path: Path, registry: Registry) -> None:
    config = config_for(tmp_path, copies=2)
    first, facts = prepare(config, registry), read_facts(config)
    assert prepare(config, registry) == first
    assert read_facts(config) == facts
    prepare(replace(config, seed=8), registry)
    assert read_facts(config)["sha256"] != facts["sha256"]


def test_copies_share_their_key_and_differ_in_place_names(tmp_path: Path, registry: Registry) -> None:
    prepared = prepare(config_for(tmp_path, copies=3, swap_places=1.0), registry)
    by_key: dict[str, list[Example]] = {}
    for example in prepared.train:
        by_key.setdefault(example.key, []).append(example)
    source = {row["id"]: row["text"] for row in complaints()}
    for key, copies in by_key.items():
        assert [example.copy for example in copies] == [0, 1, 2]
        assert len({(example.target, example.weight, example.body_id) for example in copies}) == 1
        texts = {example.text for example in copies}
        if copies[0].body_id in ("pemkab-sleman", "pemprov-jawa-barat"):
            assert len(texts) > 1, "places swapped"
            name = "Sleman" if copies[0].body_id == "pemkab-sleman" else "Jawa Barat"
            around = source[key].partition(name)
            assert all(text.startswith(around[0]) and text.endswith(around[2]) for text in texts)
        else:
            assert texts == {source[key]}
    assert read_facts(config_for(tmp_path, copies=3, swap_places=1.0))["rows"] == len(by_key)


def test_held_out_rows_stay_as_they_came(tmp_path: Path, registry: Registry) -> None:
    prepared = prepare(config_for(tmp_path, copies=2, swap_places=1.0), registry)
    source = {row["id"]: row["text"] for row in complaints()}
    assert {example.key: example.text for example in prepared.validation}.items() <= source.items()
    assert [example.copy for example in prepared.validation] == [0] * len(prepared.validation)


def test_no_place_is_swapped_if_none_should_be(tmp_path: Path, registry: Registry) -> None:
    prepared = prepare(config_for(tmp_path, swap_places=0.0), registry)
    source = {row["id"]: row["text"] for row in complaints()}
    assert all(example.text == source[example.key] for example in prepared.train)


def test_no_held_out_row_is_trained_on(tmp_path: Path, registry: Registry) -> None:
    config = config_for(tmp_path, copies=2, examples=True, remits=True)
    prepared = collect(config, registry, swap=False)
    train, held_out = originals(prepared.train), originals(prepared.validation)
    assert train.isdisjoint(held_out)
    assert {example.source for example in prepared.validation} == {"kami", "examples"}
    assert {example.source for example in prepared.train} == {"kami", "examples", "remits"}
    fillings = [example for example in prepared.validation if "#" in example.key]
    assert len({example.key.partition("#")[0] for example in fillings}) < len(fillings), "both fillings held out"


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_a_share_is_held_out(share: float) -> None:
    examples = [Example("t", "pln", key=f"k{i}", source="kami") for i in range(2000)]
    train, held_out = split(examples, share)
    assert len(train) + len(held_out) == 2000
    assert len(held_out) / 2000 == pytest.approx(share, abs=0.03)


def test_a_larger_share_holds_the_same_rows_out_and_more() -> None:
    examples = [Example("t", "pln", key=f"k{i}", source="kami") for i in range(200)]
    random.Random(1).shuffle(examples)
    less, more = (originals(split(examples, share)[1]) for share in (0.1, 0.3))
    assert less < more


def test_the_fillings_of_a_text_are_held_out_together() -> None:
    examples = [Example("t", "pln", key=f"teks-{i}#{filling}") for i in range(100) for filling in range(3)]
    train, held_out = split(examples, 0.3)
    assert held_out
    assert originals(train).isdisjoint(originals(held_out))


def test_the_mixed_file_is_held_out_whole_and_remits_never() -> None:
    mixed = [Example("t", "pln", key=f"m{i}", source=MIXED_SOURCE) for i in range(50)]
    remits = [Example("t", "pln", key=f"r{i}", source="remits") for i in range(50)]
    assert split([*mixed, *remits], 0.2) == (remits, mixed)


def test_a_validation_file_takes_the_place_of_the_share(tmp_path: Path, registry: Registry) -> None:
    rows = complaints()
    file = write_jsonl(tmp_path / "uji.jsonl", [row | {"id": f"uji-{row['id']}"} for row in rows[:20]])
    prepared = prepare(config_for(tmp_path, rows[20:], validation=str(file)), registry)
    assert len(prepared.train) == 130
    assert {example.source for example in prepared.validation} == {"uji"}
    assert len(prepared.validation) == 20


def test_a_target_that_is_only_validated_is_left_out(tmp_path: Path, registry: Registry) -> None:
    rows = complaints()
    file = write_jsonl(tmp_path / "uji.jsonl", rows[:25])
    learnt = [row for row in rows if row["body_id"] != "pln"]
    prepared = prepare(config_for(tmp_path, learnt, validation=str(file)), registry)
    assert "pln" not in prepared.labels
    assert {example.target for example in prepared.validation} == set(prepared.labels)


def test_a_validation_file_that_is_missing_is_refused(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(InputError, match=r"there is no file hilang\.jsonl"):
        prepare(config_for(tmp_path, validation="hilang.jsonl"), registry)


def test_a_flat_run_has_bodies_as_labels(tmp_path: Path, registry: Registry) -> None:
    config = config_for(tmp_path, labels="flat", swap_places=0.0)
    assert prepare(config, registry).labels == (
        "bpjs-kesehatan",
        "out_of_scope",
        "pemkab-sleman",
        "pemprov-jawa-barat",
        "pln",
    )
    prepared = collect(replace(config, data=replace(config.data, regions=4)), registry)
    regional = {label for label in prepared.labels if label in registry and registry[label].is_regional}
    assert len(regional) > 450
    assert all(label in registry or label == "out_of_scope" for label in prepared.labels)


@pytest.mark.parametrize(
    ("rows", "data"),
    [
        ([], {}),
        ([row for row in complaints() if row["body_id"] == "pln"], {}),
        (complaints(), {"held_out": 0.0}),
        (complaints(), {"held_out": 1.0}),
    ],
    ids=["nothing", "one label", "nothing held out", "nothing to train on"],
)
def test_too_little_data_is_refused(
    tmp_path: Path, registry: Registry, rows: list[dict[str, Any]], data: dict[str, Any]
) -> None:
    config = config_for(tmp_path, rows, **data)
    with pytest.raises(InputError, match=r"name more of them in data\.sources, or a file in data\.validation"):
        prepare(config, registry)
    assert not config.work.exists()


def test_rows_of_another_data_section_are_refused(tmp_path: Path, registry: Registry) -> None:
    config = config_for(tmp_path)
    prepare(config, registry)
    changed = replace(config, data=replace(config.data, held_out=0.3))
    with pytest.raises(InputError, match=r"was prepared for another \[data\] or seed; run the step prepare again"):
        read_prepared(changed)


def test_rows_of_another_seed_are_refused(tmp_path: Path, registry: Registry) -> None:
    config = config_for(tmp_path)
    prepare(config, registry)
    with pytest.raises(InputError, match="run the step prepare again"):
        read_prepared(replace(config, seed=config.seed + 1))


def test_texts_for_every_region_have_the_target_of_their_body(registry: Registry) -> None:
    config = RunConfig(name="coba", version="1", data=DataConfig(regions=1, swap_places=0.0, remits=False))
    regional = [row for row in collect(config, registry).train if row.source == "regions"]
    assert len({row.body_id for row in regional}) > 250
    assert {row.target for row in regional if row.body_id == "pemprov-dki-jakarta"} == {"kabupaten_kota"}
    assert all(row.target == target_of(row.body_id, registry) for row in regional)


def test_rows_that_were_never_prepared_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run the step prepare first"):
        read_prepared(config_for(tmp_path))


def test_the_work_folder_says_which_data_it_holds(tmp_path: Path, registry: Registry) -> None:
    config = config_for(tmp_path)
    prepare(config, registry)
    facts = json.loads((config.work / FACTS_FILE).read_text(encoding="utf-8"))
    assert facts["config"]["sources"] == [str(tmp_path / "kami.jsonl")]
