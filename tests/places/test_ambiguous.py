"""The names that point to several regions: `ambiguous.jsonl`.

26 bare names of two kabupaten/kota each (25 beside each other, and Banjar across provinces), and the 40 village
names that most bodies share ("Baru", which is mostly a word, left out), each with two addresses: the one that
the resolver was least sure of when the table was made, and one in another province.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lapor_route.places.gazetteer import KINDS
from lapor_route.text import squeeze

if TYPE_CHECKING:
    from lapor_route import Router
    from lapor_route.bodies import Registry
    from lapor_route.places import PlaceResolver

TABLE = [json.loads(line) for line in (Path(__file__).parent / "ambiguous.jsonl").read_text("utf-8").splitlines()]
PAIRS = {row["name"]: row["bodies"] for row in TABLE if row["kind"] == "pair"}
VILLAGES = {row["name"]: row["bodies"] for row in TABLE if row["kind"] == "village"}
ADDRESSES = {
    " ".join((place["village"], place["kecamatan"], place["area"])): place
    for row in TABLE
    if row["kind"] == "village"
    for place in row["addresses"]
}
COMPLAINTS = ("Lampu jalan di {} mati", "Sampah di {} sudah dua minggu tidak diangkut, baunya menyengat")
MISREAD = {
    "Tanjung Tanjung Kabupaten Tabalong": "the village Tabalong Mati is read where 'mati' follows the kabupaten",
}
"""Addresses whose body isn't likeliest, and why."""


def named(bodies: list[str], kind: str) -> str:
    return next(body_id for body_id in bodies if body_id.startswith(kind))


def test_the_table_says_what_the_registry_and_the_gazetteer_say(
    registry: Registry, resolver: PlaceResolver
) -> None:
    assert (len(PAIRS), len(VILLAGES), len(ADDRESSES)) == (26, 40, 80)
    gazetteer, village = resolver.gazetteer, KINDS.index("village")
    for name, bodies in VILLAGES.items():
        first = gazetteer.first[gazetteer.row[squeeze(name)] :]
        entries = range(first[0], first[1])
        codes = [str(gazetteer.code[entry]) for entry in entries if gazetteer.kind[entry] == village]
        assert {body.id for code in codes if (body := registry.by_code(code))} == set(bodies)
    for name, bodies in PAIRS.items():
        names = [registry[named(bodies, kind)].name for kind in ("pemkab", "pemkot")]
        assert names == [f"Pemerintah Kabupaten {name}", f"Pemerintah Kota {name}"]


@pytest.mark.parametrize("name", VILLAGES)
@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_a_village_name_alone_is_asked_about(router: Router, name: str, complaint: str) -> None:
    routing = router.route(complaint.format(name))
    assert routing.decision == "ask"
    assert not {"place_ambiguous", "place_missing"}.isdisjoint(routing.reasons)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(address, marks=[pytest.mark.xfail(reason=MISREAD[address], strict=True)])
        if address in MISREAD
        else address
        for address in ADDRESSES
    ],
)
def test_village_kecamatan_and_kabupaten_settle_it(resolver: PlaceResolver, address: str) -> None:
    place = ADDRESSES[address]
    text = f"Lampu jalan di Desa {place['village']}, Kecamatan {place['kecamatan']}, {place['area']} mati"
    local = resolver.resolve(text).local
    assert resolver.local_ids[int(local.argmax())] == place["body_id"]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_a_pair_s_bare_name_is_asked_about_with_both(router: Router, name: str, complaint: str) -> None:
    """The city is mostly meant, so it comes first, but the regency stays in sight."""
    routing = router.route(complaint.format(name))
    city, regency = named(PAIRS[name], "pemkot"), named(PAIRS[name], "pemkab")
    assert (routing.decision, routing.reasons) == ("ask", ("place_ambiguous",))
    assert [candidate.body_id for candidate in routing.candidates[:2]] == [city, regency]
    assert routing.shortlist[:2] == (city, regency)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    "form", ["Kota {}", "kota {}", "Pemkot {}", "Kabupaten {}", "Kab. {}", "kab {}", "Pemkab {}"]
)
def test_a_level_word_settles_a_pair(resolver: PlaceResolver, name: str, form: str) -> None:
    local = resolver.resolve(f"Lampu jalan di {form.format(name)} mati").local
    best = int(local.argmax())
    wanted = named(PAIRS[name], "pemkot" if "kot" in form.lower() else "pemkab")
    assert resolver.local_ids[best] == wanted
    assert local[best] >= 0.9


@pytest.mark.xfail(reason="the nickname 'warga Bandung' of the city hides the regency", strict=True)
def test_the_people_of_a_pair_are_of_both(resolver: PlaceResolver) -> None:
    local = resolver.resolve("Warga Bandung mengeluh, sampah tidak diangkut").local
    assert local[resolver.local_ids.index("pemkab-bandung")] > 0.05
