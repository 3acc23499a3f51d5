from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapor_route import Classifier, Complaint, Router
from lapor_route.bodies import Registry
from lapor_route.complaint import MAX_CHARACTERS
from lapor_route.decisions import Calibration
from lapor_route.errors import ClassifierError, InputError
from lapor_route.routing import REASONS, Routing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lapor_route.classifiers.linear import LinearClassifier


class Fixed:
    """A classifier that always answers the same."""

    def __init__(self, **probabilities: float) -> None:
        self.labels: Sequence[str] = [label.replace("__", "-") for label in probabilities]
        self.row = list(probabilities.values())

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([self.row] * len(texts)).reshape(len(texts), len(self.row))


def check(routing: Routing) -> None:
    """What holds for every routing."""
    assert routing.decision in ("forward", "review", "ask")
    assert (routing.body_id is not None) == (routing.decision == "forward")
    assert (routing.question is not None) == (routing.decision == "ask")
    probabilities = [candidate.probability for candidate in routing.candidates]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) <= 1 + 1e-6
    assert set(routing.reasons) <= set(REASONS)
    assert bool(routing.reasons) == (routing.decision != "forward")
    assert routing.evidence.sentence.endswith(".")
    assert not {routing.body_id, *routing.options}.intersection(routing.also)
    assert len(routing.shortlist) == len(set(routing.shortlist))
    assert set(routing.versions) == {"package", "model", "registry"}
    json.dumps(routing.to_dict())


def test_the_contract_of_a_routing(router: Router) -> None:
    routing = router.route("Jalan berlubang di Kec. Depok, Sleman")
    check(routing)
    assert routing.candidates[0].body_id == "pemkab-sleman"
    assert routing.candidates[0].name == "Pemerintah Kabupaten Sleman"
    assert {mention.text for mention in routing.places} == {"Depok", "Sleman"}
    assert list(routing.to_dict()) == [
        "decision",
        "body_id",
        "candidates",
        "reasons",
        "places",
        "question",
        "options",
        "shortlist",
        "also",
        "evidence",
        "truncated",
        "versions",
        "id",
    ]


def test_one_shape_for_one_and_many(router: Router) -> None:
    texts = ["listrik padam di Medan", "ktp belum jadi, kab. Klaten", "", "paspor"]
    many = [routing.to_dict() for routing in router.route_many(texts)]
    assert many == [router.route(text).to_dict() for text in texts]


def test_route_many_is_lazy_and_keeps_the_order(router: Router) -> None:
    endless = (Complaint("x" * (i % 50), id=str(i)) for i in itertools.count())
    ids = [routing.id for routing in itertools.islice(router.route_many(endless), 600)]
    assert ids == [str(i) for i in range(600)]


def test_an_answer_to_the_question_resolves(router: Router) -> None:
    asked = router.route("lampu jalan mati semua, tolong diperbaiki pak")
    assert asked.decision == "ask"
    assert "place_missing" in asked.reasons
    assert asked.question
    assert "kabupaten" in asked.question
    answered = router.route("lampu jalan mati semua, tolong diperbaiki pak", place="Kabupaten Klaten")
    assert answered.candidates[0].body_id == "pemkab-klaten"


def test_a_tier_becomes_the_bodies_of_the_place() -> None:
    text = "di Kec. Ngaglik, Kab. Sleman"
    local = Router(Fixed(kabupaten_kota=0.9, provinsi=0.1)).route(text)
    assert [candidate.body_id for candidate in local.candidates[:2]] == ["pemkab-sleman", "pemprov-di-yogyakarta"]
    province = Router(Fixed(kabupaten_kota=0.1, provinsi=0.9)).route(text)
    assert province.candidates[0].body_id == "pemprov-di-yogyakarta"


def test_jakarta_is_one_body_for_both_tiers() -> None:
    routing = Router(Fixed(kabupaten_kota=0.5, provinsi=0.5)).route("Kecamatan Tebet, Jakarta Selatan")
    assert routing.candidates[0].body_id == "pemprov-dki-jakarta"
    assert routing.candidates[0].probability > 0.9


def test_a_flat_classifier_is_a_legal_plug_in() -> None:
    flat = Fixed(pemkab__sleman=0.2, pln=0.7, pemkot__solok=0.1)
    assert isinstance(flat, Classifier)
    routing = Router(flat).route("apa saja")
    assert [(c.body_id, c.probability) for c in routing.candidates] == [
        ("pln", 0.7),
        ("pemkab-sleman", 0.2),
        ("pemkot-solok", 0.1),
    ]
    assert routing.versions["model"] == "Fixed"


def test_unconnected_provinces_are_no_candidates() -> None:
    routing = Router(Fixed(provinsi=1.0)).route("Provinsi Papua Pegunungan, Kab. Nduga")
    assert "pemprov-papua-pegunungan" not in [candidate.body_id for candidate in routing.candidates]
    assert "pemprov-papua-pegunungan" in [mention.body_id for mention in routing.places]


def test_out_of_scope_is_never_forwarded() -> None:
    routing = Router(Fixed(pln=0.2, out_of_scope=0.8)).route("promo rumah murah siap huni")
    assert (routing.decision, routing.reasons) == ("review", ("out_of_scope",))


def test_reasons() -> None:
    strict = Calibration(forward_at={"national": 0.9, "regional": 0.9})

    def reasons(text: str, **probabilities: float) -> tuple[str, tuple[str, ...]]:
        routing = Router(Fixed(**probabilities), calibration=strict).route(text)
        return routing.decision, routing.reasons

    assert reasons("listrik padam terus menerus", pln=0.95, kemenesdm=0.05) == ("forward", ())
    assert reasons("listrik padam terus menerus", pln=0.5, kemenesdm=0.5) == ("review", ("topic_ambiguous",))
    assert reasons("jalan kampung kami rusak parah", kabupaten_kota=1.0) == ("ask", ("place_missing",))
    assert reasons("jalan desa Sukamaju rusak parah", kabupaten_kota=1.0) == ("ask", ("place_ambiguous",))
    tier = reasons("sekolah di Kab. Sleman rusak", kabupaten_kota=0.5, provinsi=0.5)
    assert tier == ("review", ("tier_ambiguous",))
    assert reasons("listrik", pln=1.0) == ("ask", ("too_short",))
    assert reasons("", out_of_scope=1.0)[0] == "ask"
    assert "too_short" in reasons("halo", out_of_scope=1.0)[1]
    two = reasons("jalan rusak di Bandung sekali", kabupaten_kota=0.97, provinsi=0.03)
    assert two == ("ask", ("place_ambiguous",))


def test_a_flat_classifier_asks_for_the_place_too() -> None:
    flat = Fixed(pemkab__sleman=0.3, pemkot__solok=0.3, pemkab__klaten=0.4)
    routing = Router(flat).route("jalan rusak parah tolong diperbaiki")
    assert (routing.decision, routing.reasons) == ("ask", ("place_missing",))


def test_the_place_field_counts_as_words() -> None:
    assert Router(Fixed(pln=1.0)).route("listrik padam", place="Kab. Sleman").decision == "forward"


def test_a_routing_can_not_change_the_router(router: Router) -> None:
    router.route("listrik").to_dict()["versions"]["package"] = "changed"
    assert router.route("listrik").versions["package"] != "changed"


def test_many_mentions_are_capped(router: Router) -> None:
    assert len(router.route("Suka Maju, " * 1800).places) == 50


def test_the_shortlist_leaves_out_the_improbable(router: Router) -> None:
    routing = router.route("jalan rusak sekali tolong segera", top_k=25)
    listed = {c.body_id: c.probability for c in routing.candidates if c.body_id in routing.shortlist}
    assert min(list(listed.values())[1:], default=1.0) >= 0.01


@pytest.mark.parametrize("text", ["", " ", "\0", "😀" * 50, "\ud800", "a" * 100, "\n\n\n", "<nama>", "1234567890"])
def test_odd_texts(router: Router, text: str) -> None:
    check(router.route(text))


def test_five_megabytes_are_truncated(router: Router) -> None:
    routing = router.route("jalan rusak di Sleman " * 230_000)
    check(routing)
    assert routing.truncated
    assert not router.route("x" * MAX_CHARACTERS).truncated


@settings(max_examples=200)
@given(texts=st.lists(st.one_of(st.text(max_size=300), st.binary(max_size=300)), min_size=50, max_size=50))
def test_any_text_gets_a_routing(router: Router, texts: list[str | bytes]) -> None:
    decoded = [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts]
    routings = list(router.route_many(decoded))
    assert len(routings) == len(texts)
    for routing in routings:
        check(routing)


@pytest.mark.parametrize("wrong", [None, 3, b"bytes", ["list"]])
def test_what_is_no_text_is_refused(router: Router, wrong: object) -> None:
    with pytest.raises(InputError):
        router.route(wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="must be a string"):
        Complaint(wrong)  # type: ignore[arg-type]


def test_wrong_arguments_are_refused(router: Router) -> None:
    with pytest.raises(InputError, match="top_k"):
        router.route("x", top_k=0)
    with pytest.raises(InputError, match="top_k"):
        router.route("x", top_k=2.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="many"):
        router.route_many("halo pak").__next__()
    with pytest.raises(InputError, match="place"):
        Complaint("x", place=3)  # type: ignore[arg-type]


class Broken(Fixed):
    def __init__(self, answer: object) -> None:
        super().__init__(pln=1.0)
        self.answer = answer

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        return np.array(self.answer)


@pytest.mark.parametrize("answer", [[1.0], [[0.5, 0.5]], [[-1.0]], [[2.0]], [[float("nan")]]])
def test_a_classifier_that_breaks_the_protocol_is_named(answer: object) -> None:
    with pytest.raises(ClassifierError, match="predict_proba"):
        Router(Broken(answer)).route("x")


def test_unknown_labels_are_refused() -> None:
    with pytest.raises(ClassifierError, match="neither body ids"):
        Router(Fixed(nowhere=1.0))


def test_a_registry_without_regions(tmp_path: Path) -> None:
    path = tmp_path / "bodies.json"
    path.write_text('{"version": "own", "bodies": [{"id": "pln", "name": "PLN", "kind": "agency"}]}')
    routing = Router(Fixed(pln=1.0), registry=Registry.load(path)).route("listrik padam di Kota Bandung")
    assert (routing.body_id, routing.places, routing.versions["registry"]) == ("pln", (), "own")


def test_top_k(router: Router) -> None:
    assert len(router.route("jalan rusak di Sleman", top_k=2).candidates) == 2


def test_a_longer_shortlist_than_top_k(tiny_classifier: LinearClassifier) -> None:
    routing = Router(tiny_classifier).route("Desa Sukamaju jalan desa berlubang", top_k=1)
    assert len(routing.candidates) == 1
    assert len(routing.shortlist) > 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("KTP elektronik saya belum tercetak di Disdukcapil Kota Solok, sudah setahun", "pemkot-solok"),
        ("akta kelahiran anak saya belum jadi di Disdukcapil Kab. Bantul", "pemkab-bantul"),
        ("iuran JKN saya dipotong kantor tapi kartu tetap nonaktif", "bpjs-kesehatan"),
        ("klaim JHT di aplikasi JMO ditolak terus", "bpjs-ketenagakerjaan"),
        ("sertipikat tanah PTSL di desa kami Kab. Klaten belum dibagikan", "atr-bpn"),
        ("air PDAM mati tiga hari di Kec. Rappocini Makassar", "pemkot-makassar"),
        ("pembayaran pajak motor di Samsat Kota Malang antre seharian", "pemprov-jawa-timur"),
    ],
)
def test_the_textbook_cases(router: Router, text: str, expected: str) -> None:
    assert router.route(text).candidates[0].body_id == expected


def test_an_answer_does_not_depend_on_what_else_is_asked(router: Router) -> None:
    texts = [
        f"{'Jalan rusak parah. ' * (number % 9)}Air keruh di Kec. Depok, Sleman, RT {number}"
        for number in range(60)
    ]
    alone = [router.route(text).to_dict() for text in texts]
    assert [routing.to_dict() for routing in router.route_many(texts)] == alone
    assert [routing.to_dict() for routing in router.route_many(texts[::-1])] == alone[::-1]
    few = [
        routing.to_dict() for start in range(0, 60, 7) for routing in router.route_many(texts[start : start + 7])
    ]
    assert few == alone
