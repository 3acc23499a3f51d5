from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lapor_route.classifiers import check_labels, load_engine
from lapor_route.classifiers.linear import LinearClassifier
from lapor_route.classifiers.ngrams import character_ngrams, words_of
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


def test_explanations_add_up_to_the_score(tiny_classifier: LinearClassifier) -> None:
    text = "token listrik padam"
    column = tiny_classifier.labels.index("pln")
    score = tiny_classifier.decision_function([text])[0, column]
    shares = tiny_classifier.explain(text, "pln", top=10_000)
    columns, values = tiny_classifier.vectorizer.transform(text)
    exact = (values * tiny_classifier.scales[columns] * tiny_classifier.weights[columns, column]).sum()
    assert exact + tiny_classifier.bias[column] == pytest.approx(score, abs=1e-4)
    assert shares[0][1] == max(share for _, share in shares)
    assert any("listrik" in gram for gram, _ in shares)


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
    with pytest.raises(ClassifierError, match="no labels"):
        check_labels([], registry)


def test_engines_are_found_by_entry_point() -> None:
    assert load_engine("linear") is LinearClassifier
    with pytest.raises(BundleError, match="isn't installed"):
        load_engine("quantum")
