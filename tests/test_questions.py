from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from lapor_route import Complaint
from lapor_route.questions import Question, area_name, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lapor_route import Router
    from lapor_route.bodies import Registry
    from lapor_route.places import PlaceResolver

DKI = "pemprov-dki-jakarta"
COMPLAINT = "lampu jalan mati"
SURE = 0.9


def test_an_ambiguous_place_offers_the_areas(registry: Registry) -> None:
    question = ask(["place_ambiguous"], ["pemkot-bandung", "pemkab-bandung"], registry)
    assert question == Question(
        "Di daerah mana hal ini terjadi: Kota Bandung, Kabupaten Bandung, atau daerah lain?",
        ("Kota Bandung", "Kabupaten Bandung"),
    )


def test_a_missing_place_is_asked_openly(registry: Registry) -> None:
    question = ask(["place_missing"], ["pemkot-surabaya", DKI], registry)
    assert question.options == ()
    for word in ("kabupaten", "kota", "kecamatan", "desa/kelurahan"):
        assert word in question.text


@pytest.mark.parametrize("body_ids", [[], ["pemkab-sleman"], ["pln", "pemkab-sleman", "kemenkes"]])
def test_one_area_is_no_choice(registry: Registry, body_ids: list[str]) -> None:
    question = ask(["place_ambiguous"], body_ids, registry)
    assert question == ask(["place_missing"], [], registry)


def test_too_short_asks_what_where_and_since_when(registry: Registry) -> None:
    question = ask(["too_short"], ["pemkot-bandung", "pemkab-bandung"], registry)
    assert question.options == ()
    for words in ("apa yang terjadi", "di mana", "sejak kapan"):
        assert words in question.text


@pytest.mark.parametrize("place", ["place_missing", "place_ambiguous"])
def test_too_short_and_no_place_are_one_question(registry: Registry, place: str) -> None:
    question = ask(["too_short", place], [], registry)
    for words in ("apa yang terjadi", "sejak kapan", "desa/kelurahan", "kecamatan", "kabupaten/kota"):
        assert words in question.text


def test_too_short_and_ambiguous_are_one_question(registry: Registry) -> None:
    question = ask(["too_short", "place_ambiguous"], ["pemkab-banjar", "pemkot-banjar"], registry)
    assert question.options == ("Kabupaten Banjar", "Kota Banjar")
    for words in ("apa yang terjadi", "sejak kapan", "(Kabupaten Banjar, Kota Banjar, atau daerah lain)"):
        assert words in question.text


def test_central_bodies_are_no_areas_and_four_are_enough(registry: Registry) -> None:
    cities = ["pemkot-bogor", "pemkot-depok", "pemkot-bekasi", "pemkot-cirebon", "pemkot-tegal"]
    question = ask(["place_ambiguous", "topic_ambiguous"], ["pln", *cities], registry)
    assert question.options == ("Kota Bogor", "Kota Depok", "Kota Bekasi", "Kota Cirebon")


@pytest.mark.parametrize(
    ("body_ids", "options"),
    [
        (["pemkab-bogor", "pemprov-jawa-barat", "pemkot-bogor"], ("Kabupaten Bogor", "Kota Bogor")),
        (["pemprov-jawa-barat", "pemkab-bogor", "pemkot-bogor"], ("Kabupaten Bogor", "Kota Bogor")),
        (["pemprov-aceh", "pemkab-bogor", "pemprov-bali"], ("Aceh", "Provinsi Bali")),
        (["pemkab-bogor", "pemprov-aceh", "pemprov-bali"], ("Aceh", "Provinsi Bali")),
        ([DKI, "pemprov-banten", "pemkot-bogor"], ("Provinsi DKI Jakarta", "Kota Bogor")),
        (["pemprov-banten", DKI, "pemkot-bogor"], ("Provinsi Banten", "Provinsi DKI Jakarta")),
        (["pemprov-jawa-barat", "pemkab-bogor"], ()),
    ],
)
def test_a_province_is_never_offered_beside_a_kabupaten(
    registry: Registry, body_ids: list[str], options: tuple[str, ...]
) -> None:
    assert ask(["place_ambiguous"], body_ids, registry).options == options


@pytest.mark.parametrize("options", [[], ["pemkab-solok", "pemkot-solok"]])
@pytest.mark.parametrize(
    "reasons", [["place_missing"], ["place_ambiguous"], ["too_short"], ["too_short", "place_ambiguous"]]
)
def test_the_tone_is_an_office_s(registry: Registry, reasons: list[str], options: list[str]) -> None:
    question = ask(reasons, options, registry)
    assert re.fullmatch(r"(Mohon|Di) [^?!]+\?( Mohon [^?!]+\.)?", question.text)
    assert not re.search(r"\b(kamu|kau|anda|elu|lu)\b", question.text, re.IGNORECASE)
    assert all(option in question.text for option in question.options)


@pytest.fixture(scope="module")
def areas(registry: Registry) -> dict[str, str]:
    """The official name of every kabupaten and kota."""
    return {body.id: area_name(body.id, registry) for body in registry if body.kind in ("regency", "city")}


def unsure(resolver: PlaceResolver, answers: Iterator[tuple[str, str]], sure: float = SURE) -> list[str]:
    """The answers that don't make their body likeliest, or not that sure, with what they do."""
    failures = []
    for body_id, answer in answers:
        local = resolver.resolve(COMPLAINT, answer).local
        best = int(local.argmax())
        if resolver.local_ids[best] != body_id or local[best] < sure:
            failures.append(f"{answer}: {resolver.local_ids[best]} {local[best]:.3f}")
    return failures


def as_abbreviated(name: str) -> str:
    return name.replace("Kabupaten ", "Kab. ").replace("Provinsi ", "")


TYPED: dict[str, Callable[[str], str]] = {
    "as offered": str,
    "lower case": str.lower,
    "capitals": str.upper,
    "in a sentence": lambda name: f"di {name} pak",
    "Kab. Sleman": as_abbreviated,
    "kab sleman": lambda name: as_abbreviated(name).replace(".", "").lower(),
}


@pytest.mark.parametrize("typed", TYPED)
def test_every_area_s_name_is_an_answer(resolver: PlaceResolver, areas: dict[str, str], typed: str) -> None:
    assert unsure(resolver, ((body_id, TYPED[typed](name)) for body_id, name in areas.items())) == []


@pytest.mark.parametrize("behind", ["{} Kab", "{} kabupaten"])
def test_kabupaten_may_stand_behind_the_name(resolver: PlaceResolver, areas: dict[str, str], behind: str) -> None:
    bare = {body_id: name.split(" ", 1)[1] for body_id, name in areas.items() if name.startswith("Kabupaten ")}
    assert unsure(resolver, ((body_id, behind.format(name)) for body_id, name in bare.items()), sure=0) == []


@pytest.mark.parametrize("behind", ["{} kota", "{} (Kota)"])
def test_kota_may_stand_behind_the_name(resolver: PlaceResolver, areas: dict[str, str], behind: str) -> None:
    """Except where that is another place: Tanjung Balai Kota in Karimun, Batu Kota in Manado."""
    bare = {body_id: name.split(" ", 1)[1] for body_id, name in areas.items() if name.startswith("Kota ")}
    del bare["pemkot-tanjungbalai"], bare["pemkot-batu"]
    assert unsure(resolver, ((body_id, behind.format(name)) for body_id, name in bare.items()), sure=0) == []


def test_a_unique_bare_name_is_an_answer(resolver: PlaceResolver, areas: dict[str, str]) -> None:
    """Villages and kecamatan share many of them, but who is asked for a daerah names the kabupaten."""
    bare = {body_id: name.split(" ", 1)[1].lower() for body_id, name in areas.items()}
    bodies = Counter(bare.values())
    assert unsure(resolver, ((body_id, name) for body_id, name in bare.items() if bodies[name] == 1), sure=0) == []


@pytest.mark.parametrize(
    ("answer", "body_id"),
    [
        ("kec. ngaglik, kab. sleman", "pemkab-sleman"),
        ("Kec. Cilodong, Kota Depok", "pemkot-depok"),
        ("desa sukamaju kec cibungbulang kab bogor", "pemkab-bogor"),
        ("kel. Menteng Dalam, Tebet, Jakarta Selatan", DKI),
        ("jaksel", DKI),
        ("DKI Jakarta", DKI),
        ("Provinsi DKI Jakarta", DKI),
        ("Kota Jakarta Barat", DKI),
        ("Kepulauan Seribu", DKI),
        ("solo, jawa tengah", "pemkot-surakarta"),
        ("kota bandung", "pemkot-bandung"),
        ("kota batu, malang", "pemkot-batu"),
        ("kab bandung barat", "pemkab-bandung-barat"),
        ("Kota Banjar, Jawa Barat", "pemkot-banjar"),
        ("kabupaten banjar kalsel", "pemkab-banjar"),
    ],
)
def test_answers_as_citizens_type_them(resolver: PlaceResolver, answer: str, body_id: str) -> None:
    assert unsure(resolver, iter([(body_id, answer)])) == []


@pytest.mark.parametrize(
    ("answer", "body_id"),
    [("tangsel", "pemkot-tangerang-selatan"), ("solo", "pemkot-surakarta"), ("kukar", "pemkab-kutai-kartanegara")],
)
def test_a_nickname_is_an_answer(resolver: PlaceResolver, answer: str, body_id: str) -> None:
    assert unsure(resolver, iter([(body_id, answer)]), sure=0.6) == []


def test_a_kecamatan_and_its_kabupaten_are_an_answer(resolver: PlaceResolver, areas: dict[str, str]) -> None:
    """The kecamatan of the kabupaten's own name is the hard one: Kec. Kendal, Kab. Kendal."""
    gazetteer = resolver.gazetteer
    answers = []
    for name, row in gazetteer.row.items():
        for code in gazetteer.code[gazetteer.first[row] : gazetteer.first[row + 1]].tolist():
            body = resolver.registry.by_code(str(code)) if 10**5 <= code < 10**6 else None
            if body is not None and as_abbreviated(areas.get(body.id, "")).lower() == f"kab. {name}":
                answers.append((body.id, f"Kec. {name.title()}, Kab. {name.title()}"))
    assert len(answers) > 50
    assert unsure(resolver, iter(answers)) == []


def test_every_province_s_name_is_an_answer(resolver: PlaceResolver, registry: Registry) -> None:
    failures = []
    for index, body_id in enumerate(resolver.province_ids):
        name = area_name(body_id, registry)
        found = [resolver.resolve("SMK memungut uang", answer).provinces for answer in (name, name.lower())]
        if body_id != DKI and (
            any(int(answered.argmax()) != index for answered in found)
            or min(answered[index] for answered in found) < SURE
        ):
            failures.append(name)
    assert failures == []


def test_an_answered_question_lets_the_router_forward(router: Router, areas: dict[str, str]) -> None:
    text = "lampu jalan mati di dekat rumah saya, sudah dua minggu gelap"
    assert "place_missing" in router.route(text).reasons
    routings = router.route_many([Complaint(text, name) for name in areas.values()])
    assert [routing.body_id for routing in routings] == list(areas)
