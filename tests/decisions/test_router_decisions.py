"""What a routing says beside its candidates: promises, rules, copies, evidence, options."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from lapor_route import Router
from lapor_route.bodies import Registry
from lapor_route.errors import BundleError, InputError
from tests.test_router import Fixed, check

if TYPE_CHECKING:
    from pathlib import Path

    from lapor_route.places import PlaceResolver

ROAD = "Jalan berlubang di Kec. Depok, Sleman"


def rules(folder: Path, *tables: str) -> Path:
    path = folder / "rules.toml"
    path.write_text("\n".join(f"[[rule]]\n{table}\n" for table in tables), encoding="utf-8")
    return path


def test_a_promise_moves_the_thresholds() -> None:
    careful, bold = Router.load(target_precision=0.95), Router.load(target_precision=0.85)
    assert careful.promise is not None
    assert bold.promise is not None
    assert bold.promise.coverage > careful.promise.coverage
    for tier, threshold in careful.promise.forward_at.items():
        assert bold.promise.forward_at[tier] < threshold
        assert careful.calibration.forward_at[tier] == threshold
    assert Router.load().promise is None


def test_the_default_is_the_promise_of_the_bundle() -> None:
    assert Router.load().calibration == Router.load(target_precision=0.95, shortlist_coverage=0.95).calibration


def test_a_longer_shortlist_holds_more() -> None:
    text = "Bantuan saya belum cair padahal sudah terdaftar, mohon dicek"
    short, long = (Router.load(shortlist_coverage=level).route(text).shortlist for level in (0.8, 0.95))
    assert len(short) < len(long)
    assert long[: len(short)] == short


@pytest.mark.parametrize("arguments", [{"target_precision": 0.999}, {"shortlist_coverage": 0.999}])
def test_what_no_threshold_keeps_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(InputError, match="this bundle"):
        Router.load(**arguments)  # type: ignore[arg-type]


def test_a_bundle_without_held_out_figures_promises_nothing(tiny_bundle: Path) -> None:
    assert Router.load(tiny_bundle).promise is None
    with pytest.raises(InputError, match="no held-out figures"):
        Router.load(tiny_bundle, target_precision=0.9)


def test_a_rule_forwards_and_shows_itself(tmp_path: Path) -> None:
    file = rules(
        tmp_path, 'name = "tol"\nwhen.text = ["tol"]\nthen.forward = "kemenpupr"\nthen.copy = ["ombudsman"]'
    )
    router = Router.load(rules=file)
    routing = router.route("Jalan tol di Kec. Depok, Sleman berlubang")
    check(routing)
    assert (routing.decision, routing.body_id, routing.also) == ("forward", "kemenpupr", ("ombudsman",))
    assert routing.evidence.rules == ("tol",)
    assert "“tol”" in routing.evidence.sentence
    assert routing.shortlist[0] == "kemenpupr"
    assert routing.candidates == Router.load().route("Jalan tol di Kec. Depok, Sleman berlubang").candidates
    assert router.route(ROAD).body_id == "pemkab-sleman"


def test_a_rule_holds_back(tmp_path: Path) -> None:
    file = rules(tmp_path, 'name = "Sleman dulu"\nwhen.region = ["pemkab-sleman"]\nthen.review = true')
    routing = Router.load(rules=file).route(ROAD)
    check(routing)
    assert (routing.decision, routing.body_id, routing.reasons) == ("review", None, ("rule",))
    assert Router.load(rules=file).route("Jalan berlubang di Kab. Klaten").decision == "forward"


def test_a_rule_on_a_region_needs_a_told_one(tmp_path: Path) -> None:
    file = rules(tmp_path, 'name = "DIY"\nwhen.region = ["pemprov-di-yogyakarta"]\nthen.copy = ["ombudsman"]')
    router = Router.load(rules=file)
    assert router.route(ROAD).also == ("ombudsman",)
    assert router.route("Jalan berlubang di depan rumah saya").also == ()


def test_the_place_field_is_read_by_rules_too(tmp_path: Path) -> None:
    file = rules(tmp_path, 'name = "Maguwo"\nwhen.text = ["maguwo*"]\nthen.copy = ["ombudsman"]')
    assert Router.load(rules=file).route("jalan berlubang parah", "Maguwoharjo, Depok, Sleman").also == (
        "ombudsman",
    )


def test_a_shared_competence_is_copied_to_the_body_of_the_place(router: Router) -> None:
    routing = router.route(
        "Klaim JHT saya di Kab. Bekasi ditolak karena perusahaan menunggak iuran setahun, mohon pengawas "
        "ketenagakerjaan provinsi memeriksa perusahaan itu"
    )
    assert routing.candidates[0].body_id == "bpjs-ketenagakerjaan"
    assert routing.also == ("pemprov-jawa-barat",)
    assert "Pemprov Jawa Barat" in routing.evidence.sentence


def test_no_tier_is_copied_in_where_no_place_is_told(router: Router, registry: Registry) -> None:
    routing = router.route("JHT saya ditolak karena perusahaan menunggak iuran, mohon pengawas provinsi memeriksa")
    assert all(body_id in registry for body_id in routing.also)


def test_words_are_weighed_on_request(router: Router) -> None:
    text = "Kartu BPJS Kesehatan saya tidak aktif padahal iuran sudah lunas"
    assert router.route(text).evidence.words == ()
    words = router.route(text, explain=True).evidence.words
    assert [word.text for word in words] == text.split()
    assert max(words, key=lambda word: word.weight).text in {"BPJS", "Kesehatan", "iuran"}
    assert all(text[word.start : word.end] == word.text for word in words)


def test_words_of_a_plug_in_are_weighed_too() -> None:
    routing = Router(Fixed(pln=0.9, kabupaten_kota=0.1)).route("listrik padam lagi", explain=True)
    assert [word.weight for word in routing.evidence.words] == pytest.approx([0.0, 0.0, 0.0])


def test_named_units_are_evidence(router: Router) -> None:
    routing = router.route("Sudah lapor ke Dinas Perhubungan Kota Malang, lampu lalu lintas tetap mati")
    assert [(unit.text, unit.kind) for unit in routing.evidence.units] == [
        ("Dinas Perhubungan Kota Malang", "dinas")
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (ROAD, "Diteruskan ke Pemkab Sleman: urusan kabupaten/kota; Kec. Depok ada di Kabupaten Sleman."),
        (
            "Lampu jalan di Kota Malang mati semua",
            "Diteruskan ke Pemkot Malang: urusan kabupaten/kota; Kota Malang disebut.",
        ),
        ("jalan rusak parah di depan rumah saya", "Perlu ditanyakan kepada pelapor: tempatnya tidak disebut."),
        ("halo", "Perlu ditanyakan kepada pelapor: isinya terlalu singkat"),
        ("Jual tanah kavling murah siap bangun hubungi segera", "mungkin bukan urusan instansi pemerintah"),
        ("Lampu jalan di Jakarta Selatan mati", "urusan daerah; Jakarta Selatan ada di Provinsi DKI Jakarta."),
    ],
)
def test_the_sentence_says_why(router: Router, text: str, sentence: str) -> None:
    assert sentence in router.route(text).evidence.sentence


def test_the_sentence_quotes_what_was_weighed(router: Router) -> None:
    told = router.route("Listrik padam terus di rumah saya sejak kemarin", explain=True).evidence.sentence
    assert told.startswith(
        "Diteruskan ke PT Perusahaan Listrik Negara (Persero): isinya urusan instansi ini (“listrik"
    )


def test_every_option_resolves(router: Router) -> None:
    text = "Sampah di Malang tidak pernah diangkut"
    asked = router.route(text)
    assert (asked.decision, asked.reasons) == ("ask", ("place_ambiguous",))
    assert asked.question is not None
    answers = {option: router.route(text, place=option).body_id for option in asked.options}
    assert answers == {"Kota Malang": "pemkot-malang", "Kabupaten Malang": "pemkab-malang"}
    assert all(option in asked.question for option in asked.options)


@pytest.mark.parametrize("name", ["Jakarta", "Solo", "Tangsel"])
def test_a_nickname_is_place_enough(router: Router, name: str) -> None:
    assert router.route(f"Lampu jalan di {name} sudah lama mati").decision == "forward"


@pytest.mark.parametrize("text", ["Jalan rusak di Jawa Tengah", "Jalan desa Sukamaju rusak parah"])
def test_no_options_where_the_likeliest_are_mostly_wrong(router: Router, text: str) -> None:
    routing = router.route(text)
    assert (routing.decision, routing.options) == ("ask", ())


def test_a_faint_doubt_of_scope_hides_nothing() -> None:
    routing = Router(Fixed(kemenkes=0.78, out_of_scope=0.22)).route("antre obat lama sekali")
    assert (routing.decision, routing.reasons) == ("review", ("out_of_scope",))
    assert (
        "mungkin bukan urusan instansi pemerintah; paling mungkin Kementerian Kesehatan"
        in routing.evidence.sentence
    )
    unplaced = Router(Fixed(kabupaten_kota=0.78, out_of_scope=0.22)).route("lampu jalan mati lagi")
    assert (unplaced.decision, unplaced.reasons) == ("ask", ("place_missing", "out_of_scope"))


def test_a_registry_without_the_resolvers_bodies(
    registry: Registry, resolver: PlaceResolver, tmp_path: Path
) -> None:
    bodies = [body.to_dict() for body in registry if body.kind not in ("city", "regency")]
    path = tmp_path / "bodies.json"
    source = json.loads((files("lapor_route.bodies") / "registry.json").read_text(encoding="utf-8"))
    kept = {body["id"] for body in bodies}
    source["bodies"] = [body for body in source["bodies"] if body["id"] in kept]
    path.write_text(json.dumps(source), encoding="utf-8")
    router = Router(Fixed(provinsi=0.98), registry=Registry.load(path), resolver=resolver)
    check(router.route("Jalan rusak di Provinsi Jawa Tengah, Kota Semarang"))


def test_nothing_is_sent_to_a_body_that_is_not_connected(tmp_path: Path) -> None:
    file = rules(tmp_path, 'name = "p"\nwhen.text = ["jalan"]\nthen.copy = ["provinsi"]')
    routing = Router.load(rules=file).route("Jalan rusak parah di Kabupaten Jayawijaya")
    assert (routing.also, routing.evidence.rules) == ((), ())


def test_one_candidate_asked_for_leaves_the_sentence_whole(router: Router) -> None:
    text = "Nama saya hilang dari pengumuman kelulusan seleksi"
    assert router.route(text, top_k=1).evidence == router.route(text, top_k=5).evidence
    assert len(router.route(text, top_k=1).candidates) == 1


def test_a_routing_is_plain_json(router: Router) -> None:
    data = router.route(ROAD, explain=True).to_dict()
    assert json.loads(json.dumps(data)) == data


def test_a_broken_calibration_says_so(tiny_bundle: Path) -> None:
    (tiny_bundle / "calibration.json").write_text('{"join": {"local_place": "x"}}')
    with pytest.raises(BundleError):
        Router.load(tiny_bundle)
