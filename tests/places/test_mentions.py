from __future__ import annotations

import pytest

from lapor_route.places.gazetteer import KINDS, Gazetteer
from lapor_route.places.mentions import Match, find_matches


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.load()


def found(text: str, gazetteer: Gazetteer) -> dict[str, Match]:
    return {text[match.start : match.end]: match for match in find_matches(text, gazetteer)}


def test_longest_match_wins(gazetteer: Gazetteer) -> None:
    assert "Padang Pariaman" in found("jalan rusak di Padang Pariaman", gazetteer)
    assert "Bandung Barat" in found("banjir di Bandung Barat", gazetteer)
    assert "Padang" in found("banjir di Padang", gazetteer)


@pytest.mark.parametrize("spelling", ["Suka Maju", "sukamaju", "SUKAMAJU", "Suka-Maju"])
def test_spaces_case_and_hyphens_do_not_matter(gazetteer: Gazetteer, spelling: str) -> None:
    rows = {match.row for match in find_matches(f"Desa {spelling} belum ada listrik", gazetteer)}
    assert gazetteer.row["sukamaju"] in rows


@pytest.mark.parametrize(
    ("text", "name", "level"),
    [
        ("Kec. Depok", "Depok", "kecamatan"),
        ("kecamatan: Tebet", "Tebet", "kecamatan"),
        ("warga Kel Menteng Dalam", "Menteng Dalam", "village"),
        ("Ds. Bubulan", "Bubulan", "village"),
        ("Pemkab Bogor diam saja", "Bogor", "regency"),
        ("pak walikota Semarang", "Semarang", "city"),
        ("Bupati Kendal", "Kendal", "regency"),
        ("Gubernur Jawa Tengah", "Jawa Tengah", "province"),
    ],
)
def test_level_words(gazetteer: Gazetteer, text: str, name: str, level: str) -> None:
    assert found(text, gazetteer)[name].level == level


def test_a_level_word_does_not_reach_over_a_comma(gazetteer: Gazetteer) -> None:
    matches = found("Kec. Depok, Sleman", gazetteer)
    assert matches["Depok"].level == "kecamatan"
    assert matches["Sleman"].level == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("kotabandung kotor", 3273),
        ("jalan dikec Arcamanik", 327324),
        ("@PemkotSemarang tolong", 3374),
        ("@dishubkotasmg tolong", 3374),
        ("#LaporHendi jalan rusak", 3374),
        ("buka dispendukcapil.semarangkota.go.id error", 3374),
        ("warga smg brt", 337413),
    ],
)
def test_glued_and_abbreviated_names(gazetteer: Gazetteer, text: str, code: int) -> None:
    assert code in codes(find_matches(text, gazetteer), gazetteer)


def codes(matches: list[Match], gazetteer: Gazetteer) -> set[int]:
    first = gazetteer.first
    return {int(code) for m in matches for code in gazetteer.code[first[m.row] : first[m.row + 1]]}


@pytest.mark.parametrize(("text", "code"), [("kab. Bojonegorro gelap", 3522), ("kec. Arcamanikk banjir", 327324)])
def test_typing_errors_in_names_are_mended(gazetteer: Gazetteer, text: str, code: int) -> None:
    fuzzy = [match for match in find_matches(text, gazetteer) if match.fuzzy]
    assert code in codes(fuzzy, gazetteer)


def test_everyday_words_are_not_mended_into_names(gazetteer: Gazetteer) -> None:
    assert not any(match.fuzzy for match in find_matches("pelayanan petugas sangat lambat sekali", gazetteer))


def test_mail_addresses_are_no_handles(gazetteer: Gazetteer) -> None:
    assert not any(match.marked for match in find_matches("surel saya warga@surabaya.com", gazetteer))


def test_offsets_point_into_the_text(gazetteer: Gazetteer) -> None:
    text = "  Yth. Bapak,\n\njalan di Kab.  Sleman 😀 dan Kota\tYogyakarta rusak"
    for match in find_matches(text, gazetteer):
        assert text[match.start : match.end].strip() == text[match.start : match.end]
    assert {"Sleman", "Yogyakarta"} <= set(found(text, gazetteer))


def test_every_province_and_regency_is_in_the_gazetteer(gazetteer: Gazetteer) -> None:
    codes = {
        int(code) for code, kind in zip(gazetteer.code, gazetteer.kind, strict=True) if KINDS[kind] == "regency"
    }
    cities = {int(code) for code, kind in zip(gazetteer.code, gazetteer.kind, strict=True) if KINDS[kind] == "city"}
    provinces = {code for code in gazetteer.code.tolist() if code < 100}
    assert len(codes | cities) == 514
    assert len(provinces) == 38


def test_counts_of_kecamatan_and_villages(gazetteer: Gazetteer) -> None:
    kecamatan = {code for code in gazetteer.code.tolist() if 10**5 <= code < 10**6}
    villages = {code for code in gazetteer.code.tolist() if code >= 10**9}
    assert len(kecamatan) > 7_270
    assert len(villages) > 83_600
