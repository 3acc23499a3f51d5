from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapor_route.classifiers import check_labels, load_engine, ngrams
from lapor_route.classifiers.linear import LinearClassifier
from lapor_route.classifiers.ngrams import NgramVectorizer, character_ngrams, words_at, words_of
from lapor_route.errors import BundleError, ClassifierError

if TYPE_CHECKING:
    from pathlib import Path

    from lapor_route.bodies import Registry


def test_words() -> None:
    assert words_of("Yth. <nama>, NIK 3404 tooolong!!!") == ["yth", "nik", "0", "tolong"]
    assert words_of("") == []


def test_character_ngrams_stay_within_the_word() -> None:
    grams = list(character_ngrams("ktp"))
    assert "~ ktp " in grams
    assert "~kt" in grams
    assert len(grams) == len(set(grams))


def test_words_are_remembered_within_bounds(
    tiny_classifier: LinearClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [
        "listrik padam di rumah",
        "sampah di tps",
        "listrik padam",
        "pajak motor, motor di samsat",
        "x 7 y",
    ] * 2
    wide, narrow = (
        NgramVectorizer(tiny_classifier.vectorizer.vocabulary, tiny_classifier.vectorizer.idf) for _ in range(2)
    )
    expected = [wide.transform(text) for text in texts]
    monkeypatch.setattr(ngrams, "MOST_REMEMBERED", 2)
    for text, vector in zip(texts, expected, strict=True):
        for found, same in zip(narrow.transform(text), vector, strict=True):
            np.testing.assert_array_equal(found, same)
        assert narrow.remembered <= 2 * 2
    assert wide.remembered == len({word for text in texts for word in words_of(text)})


def test_probabilities(tiny_classifier: LinearClassifier) -> None:
    found = tiny_classifier.predict_proba(["listrik padam", "", "sampah", "\0\0"])
    assert found.shape == (4, len(tiny_classifier.labels))
    assert found.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)


def test_it_learns(tiny_classifier: LinearClassifier) -> None:
    texts = ["listrik di rumah padam", "kartu jkn saya", "pajak motor di samsat", "sampah di tps", "promo rumah"]
    best = tiny_classifier.predict_proba(texts).argmax(axis=1)
    expected = ["pln", "bpjs-kesehatan", "provinsi", "kabupaten_kota", "out_of_scope"]
    assert [tiny_classifier.labels[i] for i in best] == expected


def test_no_texts(tiny_classifier: LinearClassifier) -> None:
    assert tiny_classifier.predict_proba([]).shape == (0, len(tiny_classifier.labels))


@pytest.mark.parametrize(
    "text",
    [
        "token listrik padam",
        "listrik listrik padam, LISTRIK padaaam!",
        "Tok’en ‘listrik’ 3’4 <nama> padam_lagi e-KTP Jum'at",
        "Straße İstana ŉlistrik ﬁskal padam",
        "٣٤ listrik 日本 padam",
        "",
        "?!",
    ],
)
@pytest.mark.parametrize("temperature", [1.0, 0.4])
def test_contributions_add_up_to_the_score(
    tiny_classifier: LinearClassifier, text: str, temperature: float
) -> None:
    one = tiny_classifier
    classifier = LinearClassifier(one.labels, one.vectorizer, one.weights, one.scales, one.bias, temperature)
    scores = classifier.decision_function([text])[0] / temperature
    for column, label in enumerate(classifier.labels):
        words = classifier.contributions(text, label)
        total = sum(word.weight for word in words)
        assert total + classifier.bias[column] / temperature == pytest.approx(scores[column], abs=1e-4)
        assert all(text[word.start : word.end] == word.text for word in words)


@settings(max_examples=60)
@given(st.text(st.sampled_from("listrik padam <>_-’‘'ßİŉ٣7\nAﬁ")))
def test_contributions_of_any_text_add_up(tiny_classifier: LinearClassifier, text: str) -> None:
    score = tiny_classifier.decision_function([text])[0, 0] - tiny_classifier.bias[0]
    words = tiny_classifier.contributions(text, tiny_classifier.labels[0])
    assert sum(word.weight for word in words) == pytest.approx(score, abs=1e-4)


def test_contributions_by_hand() -> None:
    """Three n-grams: "air" twice, the pair "air keruh" once, "keruh" once, in a vector of unit length."""
    vectorizer = NgramVectorizer(["air", "air keruh", "keruh"], np.ones(3, dtype=np.float32))
    classifier = LinearClassifier(
        labels=("a", "b"),
        vectorizer=vectorizer,
        weights=np.array([[2, 0], [4, 0], [-6, 0]], dtype=np.int8),
        scales=np.array([1.0, 0.5, 0.5], dtype=np.float32),
        bias=np.zeros(2, dtype=np.float32),
        temperature=2.0,
    )
    twice = 1 + np.log(2)
    air, pair, keruh = np.array([2 * twice, 2, -3]) / np.sqrt(twice**2 + 2) / 2
    found = classifier.contributions("Air keruh, air", "a")
    assert [word.text for word in found] == ["Air", "keruh", "air"]
    assert [word.weight for word in found] == pytest.approx([air / 2 + pair / 2, keruh + pair / 2, air / 2])
    assert [word.weight for word in classifier.contributions("Air keruh, air", "b")] == [0.0, 0.0, 0.0]


def test_the_words_that_decide_weigh_most(tiny_classifier: LinearClassifier) -> None:
    words = tiny_classifier.contributions("mohon segera token listrik <nama>", "pln")
    assert [word.text for word in words] == ["mohon", "segera", "token", "listrik", "nama"]
    assert max(words, key=lambda word: word.weight).text == "listrik"
    assert words[-1].weight == 0


def test_contributions_to_an_unknown_label(tiny_classifier: LinearClassifier) -> None:
    with pytest.raises(ClassifierError, match=r"no label 'nobody'; it knows .*pln"):
        tiny_classifier.contributions("listrik", "nobody")


def test_words_and_where_they_start() -> None:
    text = "Yth. <nama>, Jum’at ßA tooolong ‘3’4"
    words, starts = words_at(text)
    assert words == words_of(text) == ["yth", "jumat", "ssa", "tolong", "0"]
    assert [text[start] for start in starts] == ["Y", "J", "ß", "t", "3"]


def test_save_and_load(tmp_path: Path, tiny_classifier: LinearClassifier) -> None:
    tiny_classifier.save(tmp_path)
    again = LinearClassifier.load(tmp_path, tiny_classifier.labels)
    texts = ["listrik padam", "tes"]
    assert np.array_equal(again.predict_proba(texts), tiny_classifier.predict_proba(texts))


def test_other_labels_are_refused(tmp_path: Path, tiny_classifier: LinearClassifier) -> None:
    tiny_classifier.save(tmp_path)
    with pytest.raises(BundleError, match="other labels"):
        LinearClassifier.load(tmp_path, tiny_classifier.labels[:-1])


def test_labels_must_be_bodies_or_tiers(registry: Registry) -> None:
    check_labels(["pln", "provinsi", "kabupaten_kota", "out_of_scope"], registry)
    with pytest.raises(ClassifierError, match="nobody"):
        check_labels(["pln", "nobody"], registry)
    with pytest.raises(ClassifierError, match="twice"):
        check_labels(["pln", "pln"], registry)
    with pytest.raises(ClassifierError, match=r"no labels"):
        check_labels([], registry)


def test_engines_are_found_by_entry_point() -> None:
    assert load_engine("linear") is LinearClassifier
    with pytest.raises(BundleError, match="isn't installed"):
        load_engine("quantum")
