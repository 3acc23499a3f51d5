from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from lapor_route.bodies import Registry
from lapor_route.errors import RegistryError

if TYPE_CHECKING:
    from pathlib import Path


def test_679_bodies_are_connected(registry: Registry) -> None:
    connected = registry.connected
    assert len(connected) == 679
    kinds = [body.kind for body in connected]
    assert kinds.count("ministry") == 34
    assert kinds.count("agency") == 101
    assert sum(kinds.count(kind) for kind in ("province", "regency", "city")) == 544


def test_the_two_unconnected_provinces_are_known(registry: Registry) -> None:
    unconnected = [body.id for body in registry if body.kind == "province" and not body.connected]
    assert unconnected == ["pemprov-papua-pegunungan", "pemprov-papua-barat-daya"]


def test_every_regency_and_city_has_its_province(registry: Registry) -> None:
    for body in registry:
        if body.kind in ("regency", "city"):
            assert registry[body.parent or ""].kind == "province"
            assert registry[body.parent or ""].codes["2025"] == body.codes["2025"][:2]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("pemkab-sleman", "pemkab-sleman"),
        ("Kab. Sleman", "pemkab-sleman"),
        ("BPJSTK", "bpjs-ketenagakerjaan"),
        ("tangsel", "pemkot-tangerang-selatan"),
        ("kantor pertanahan", "atr-bpn"),
        ("pemkab slemen", "pemkab-sleman"),
    ],
)
def test_find_puts_the_body_first(registry: Registry, query: str, expected: str) -> None:
    assert registry.find(query)[0].id == expected


def test_find_nothing(registry: Registry) -> None:
    assert registry.find("  ") == []
    assert registry.find("qqqqqqqq") == []


def test_a_shared_name_gives_both_bodies(registry: Registry) -> None:
    assert {body.id for body in registry.by_name("Jambi")} >= {"pemprov-jambi"}
    assert registry.by_name("no such name") == ()


@pytest.mark.parametrize(
    ("code", "vintage", "expected"),
    [
        ("34.04", None, "pemkab-sleman"),
        ("3404", None, "pemkab-sleman"),
        ("34.04.07.2001", None, "pemkab-sleman"),
        ("31.74.05", None, "pemprov-dki-jakarta"),
        ("93.01", None, "pemkab-merauke"),
        ("91.01", "2021", "pemkab-merauke"),
        ("33", None, "pemprov-jawa-tengah"),
    ],
)
def test_codes_of_several_vintages(registry: Registry, code: str, vintage: str | None, expected: str) -> None:
    body = registry.by_code(code, vintage)
    assert body is not None
    assert body.id == expected


def test_unknown_codes(registry: Registry) -> None:
    assert registry.by_code("99.99") is None
    assert registry.by_code("") is None
    with pytest.raises(RegistryError, match="vintage"):
        registry.by_code("34.04", "1999")


def test_successors_follow_the_date(registry: Registry) -> None:
    assert [body.id for body in registry.successors("kominfo", "2023-05-01")] == ["kominfo"]
    assert [body.id for body in registry.successors("kominfo", "2026-01-01")] == ["komdigi"]
    later = {body.id for body in registry.successors("kemenkumham", "2026-01-01")}
    assert later == {"kemenkum", "kemenham", "kemenimipas"}
    assert [body.id for body in registry.successors("pln", "2026-01-01")] == ["pln"]


def test_an_unknown_id_names_the_nearest(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="pemkab-sleman"):
        registry["pemkab-slemann"]


def own(**changes: Any) -> dict[str, Any]:
    province = {"id": "prov", "name": "Provinsi", "kind": "province", "codes": {"2025": "34"}}
    regency = {"id": "kab", "name": "Kabupaten", "kind": "regency", "codes": {"2025": "34.04"}, "parent": "prov"}
    return {"version": "own-1", "bodies": [province, regency | changes]}


def test_a_deployment_brings_its_own_file(tmp_path: Path) -> None:
    path = tmp_path / "bodies.json"
    path.write_text(json.dumps(own(aliases=["Kab Saya"])))
    registry = Registry.load(path)
    assert registry.version == "own-1"
    assert [body.id for body in registry.by_name("kab saya")] == ["kab"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "town"}, "kind"),
        ({"id": "Kab X"}, "id 'Kab X'"),
        ({"alias": []}, "did you mean 'aliases'"),
        ({"aliases": "x"}, "aliases has the wrong type"),
        ({"parent": "nowhere"}, "parent 'nowhere'"),
        ({"parent": None}, "needs a parent"),
        ({"parent": "kab"}, "'kab' is no province"),
        ({"successors": ["kab"]}, "can't succeed itself"),
        ({"codes": {"2025": "3404"}}, "must match"),
        ({"codes": {}}, "needs codes"),
        ({"successors": ["nobody"]}, "successor 'nobody'"),
        ({"id": "prov"}, "stands 2 times"),
        ({"valid_from": "soon"}, "valid_from"),
        ({"name": ""}, "name is missing"),
    ],
)
def test_a_wrong_file_is_refused_with_what_to_mend(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = tmp_path / "bodies.json"
    path.write_text(json.dumps(own(**changes)))
    with pytest.raises(RegistryError, match=re.escape(message)):
        Registry.load(path)


@pytest.mark.parametrize("content", ["[]", "{}", '{"version": "", "bodies": []}', "not json", '{"bodies": 3}'])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bodies.json"
    path.write_text(content)
    with pytest.raises(RegistryError, match=r"bodies\.json"):
        Registry.load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="can't be read"):
        Registry.load(tmp_path / "none.json")


def test_many_problems_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "bodies.json"
    path.write_text(json.dumps({"version": "1", "bodies": [{"id": f"b{i}"} for i in range(20)]}))
    with pytest.raises(RegistryError, match="and 32 more"):
        Registry.load(path)


@pytest.mark.parametrize(
    ("query", "first"),
    [("pemkot b", "pemkot-b"), ("kab b", "pemkab"), ("kotab", "pemkab-kotabaru"), ("pemkot mal", "pemkot-malang")],
)
def test_words_of_a_query_begin_words_of_a_name(registry: Registry, query: str, first: str) -> None:
    assert registry.find(query)[0].id.startswith(first)
