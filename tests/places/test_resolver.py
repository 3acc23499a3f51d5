from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lapor_route.bodies import Registry
    from lapor_route.places import PlaceResolver


def best(resolver: PlaceResolver, text: str, place: str | None = None) -> tuple[str, float]:
    resolution = resolver.resolve(text, place)
    index = int(resolution.local.argmax())
    return resolver.local_ids[index], float(resolution.local[index])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jalan berlubang di Kec. Depok, Sleman", "pemkab-sleman"),
        ("Jalan Margonda di Kota Depok macet", "pemkot-depok"),
        ("Kelurahan Menteng Dalam, kecamatan Tebet", "pemprov-dki-jakarta"),
        ("jalan rusak di Tangsel", "pemkot-tangerang-selatan"),
        ("Kukar belum ada sinyal", "pemkab-kutai-kartanegara"),
        ("banjir di Kabupaten Bandung Barat", "pemkab-bandung-barat"),
        ("warga Kab. Malang, kec. Kepanjen", "pemkab-malang"),
        ("Kota Malang macet", "pemkot-malang"),
        ("kec. Serengan Solo", "pemkot-surakarta"),
        ("#LaporHendi lampu mati di Ngaliyan", "pemkot-semarang"),
        ("Desa Sariharjo Kec. Ngaglik", "pemkab-sleman"),
        ("Muara Teweh gelap gulita", "pemkab-barito-utara"),
    ],
)
def test_the_right_region_is_likeliest(resolver: PlaceResolver, text: str, expected: str) -> None:
    body_id, probability = best(resolver, text)
    assert body_id == expected
    assert probability > 0.5


def test_probabilities_add_up(resolver: PlaceResolver) -> None:
    for text in ("", "jalan rusak", "Kota Bandung", "Provinsi Papua Tengah", "desa Sukamaju"):
        resolution = resolver.resolve(text)
        assert resolution.provinces.sum() + resolution.unknown == pytest.approx(1.0)
        assert resolution.local.sum() <= 1.0 + 1e-9


def test_a_province_alone_leaves_the_kabupaten_open(resolver: PlaceResolver) -> None:
    resolution = resolver.resolve("di Provinsi Jawa Barat")
    assert resolver.province_ids[int(resolution.provinces.argmax())] == "pemprov-jawa-barat"
    assert resolution.provinces.max() > 0.6
    assert resolution.local.max() < 0.5


def test_a_village_name_of_ninety_bodies_stays_ambiguous(resolver: PlaceResolver) -> None:
    resolution = resolver.resolve("jalan di Desa Sukamaju rusak")
    assert resolution.local.max() < 0.3
    assert [mention.ambiguous for mention in resolution.mentions] == [True]


def test_parents_settle_an_ambiguous_village(resolver: PlaceResolver) -> None:
    assert best(resolver, "Desa Sukamaju, Kecamatan Cilodong")[0] == "pemkot-depok"
    assert best(resolver, "Desa Sukamaju, Kab. Sukabumi")[0] == "pemkab-sukabumi"


def test_the_place_field_outweighs_the_text(resolver: PlaceResolver) -> None:
    assert best(resolver, "Saya orang Medan, jalan rusak", "Kec. Ngaglik, Kab. Sleman")[0] == "pemkab-sleman"


def test_a_street_name_weighs_less_than_the_place(resolver: PlaceResolver) -> None:
    assert best(resolver, "Jalan Surabaya di Kota Malang berlubang")[0] == "pemkot-malang"


def test_a_text_without_a_place_says_so(resolver: PlaceResolver) -> None:
    resolution = resolver.resolve("kartu saya tidak bisa dipakai")
    assert resolution.unknown > 0.3
    assert resolution.local.max() < 0.1


def test_mentions_carry_offsets_level_and_code(resolver: PlaceResolver) -> None:
    text = "Tolong jalan di Kec. Depok, Sleman"
    mentions = {mention.text: mention for mention in resolver.resolve(text).mentions}
    depok = mentions["Depok"]
    assert text[depok.start : depok.end] == "Depok"
    assert (depok.level, depok.code, depok.body_id) == ("kecamatan", "34.04.07", "pemkab-sleman")
    assert mentions["Sleman"].code == "34.04"


def test_a_stated_level_is_never_less_sure_than_a_bare_name(resolver: PlaceResolver, registry: Registry) -> None:
    for body in registry:
        if body.kind == "province" and body.id != "pemprov-dki-jakarta":
            name = body.name.removeprefix("Pemerintah ").removeprefix("Daerah ").removeprefix("Provinsi ")
            index = resolver.province_ids.index(body.id)
            bare = resolver.resolve(f"di {name}")
            stated = resolver.resolve(f"di Prov. {name}")
            assert stated.provinces[index] >= bare.provinces[index] - 0.01, name
            assert stated.mentions[0].level == "province", name


def test_the_evidence_names_what_was_resolved(resolver: PlaceResolver) -> None:
    mentions = resolver.resolve("Sampah menumpuk di Kota Jambi").mentions
    assert [(m.level, m.body_id) for m in mentions if m.text == "Jambi"] == [("city", "pemkot-jambi")]
    mentions = resolver.resolve("Kab. Bekasi, bukan Kota Bekasi").mentions
    assert [m.level for m in mentions if m.text == "Bekasi"] == ["regency", "city"]


def test_every_kabupaten_and_kota_is_found_by_its_full_name(resolver: PlaceResolver, registry: Registry) -> None:
    wrong = []
    for body in registry:
        if body.kind in ("regency", "city"):
            name = body.name.removeprefix("Pemerintah ")
            if best(resolver, f"Laporan dari {name}")[0] != body.id:
                wrong.append(name)
    assert wrong == []


def test_all_codes_of_mentions_belong_to_their_body(resolver: PlaceResolver, registry: Registry) -> None:
    resolution = resolver.resolve(
        "Dari Medan ke Kab. Banyumas lewat Jawa Barat dan kec. Tebet, lapor PDAM Tirtawening"
    )
    assert len(resolution.mentions) >= 4
    for mention in resolution.mentions:
        body = registry.by_code(mention.code)
        assert body is not None
        assert body.id == mention.body_id
