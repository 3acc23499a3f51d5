from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lapor_route.classifiers.bert import BertClassifier
from lapor_route.classifiers.joint import JointClassifier, JointSettings
from lapor_route.errors import ClassifierError
from lapor_route.evidence import contributions
from lapor_route.evidence.words import MOST_CHARACTERS, MOST_SEGMENTS, combine, find_words, occlusion
from lapor_route.routing import WordWeight
from tests.encoders import SENTENCES, fine_tuned, tiny_bert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lapor_route.classifiers.linear import LinearClassifier


@dataclass
class Counting:
    """A classifier of one's own: each "padam" halves what is left of the probability of `provinsi`."""

    labels: Sequence[str] = ("pln", "provinsi")
    asked: list[Sequence[str]] = field(default_factory=list)

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        self.asked.append(texts)
        rest = np.array([0.5 ** (1 + text.count("padam")) for text in texts])
        return np.stack([1 - rest, rest], axis=1)


class Opinionated(Counting):
    """A classifier that explains itself."""

    def contributions(self, text: str, label: str) -> tuple[WordWeight, ...]:
        return (WordWeight(text, 0, len(text), float(len(label))),)


def weights(words: Sequence[WordWeight]) -> dict[str, float]:
    return {word.text: word.weight for word in words}


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory, tiny_classifier: LinearClassifier) -> BertClassifier:
    folder: Path = tmp_path_factory.mktemp("bert")
    encoder = fine_tuned(tiny_bert(folder / "base"), folder / "encoder", tiny_classifier.labels)
    return BertClassifier.load(encoder, tiny_classifier.labels)


def test_words_keep_hyphens_and_apostrophes() -> None:
    text = "e-KTP Jum'at, anak-anak ra’as! 3.000 - <nama> a_b 日本 '"
    words = [text[start:end] for start, end in find_words(text)]
    assert words == ["e-KTP", "Jum'at", "anak-anak", "ra’as", "3", "000", "nama", "a_b", "日本"]


def test_occlusion_by_hand() -> None:
    found = contributions(Counting(), "Lampu padam lagi", "provinsi")
    assert [(word.text, word.start, word.end) for word in found] == [
        ("Lampu", 0, 5),
        ("padam", 6, 11),
        ("lagi", 12, 16),
    ]
    assert [word.weight for word in found] == pytest.approx([0, -np.log(2), 0])
    assert weights(contributions(Counting(), "Lampu padam lagi", "pln"))["padam"] == pytest.approx(np.log(1.5))


def test_one_call_leaves_out_each_word() -> None:
    classifier = Counting()
    occlusion(classifier, "lampu (padam) lagi", "pln")
    assert classifier.asked == [["lampu (padam) lagi", " (padam) lagi", "lampu () lagi", "lampu (padam) "]]


@pytest.mark.parametrize("count", [31, 32, 33, 200])
def test_many_words_are_joined_to_chunks(count: int) -> None:
    classifier = Counting()
    text = " ".join(["lampu"] * (count - 1) + ["padam"])
    found = occlusion(classifier, text, "provinsi")
    (asked,) = classifier.asked
    assert len(asked) == 1 + min(count, MOST_SEGMENTS)
    assert len(found) == count
    assert sum(word.weight for word in found) == pytest.approx(-np.log(2))
    last = [word.weight for word in found if word.weight]
    assert last == pytest.approx([-np.log(2) / len(last)] * len(last))
    assert len(last) == count // MOST_SEGMENTS if count > MOST_SEGMENTS else len(last) == 1


def test_behind_the_head_of_a_long_text_nothing_weighs() -> None:
    classifier = Counting()
    text = "padam " + "gelap " * (MOST_CHARACTERS // 6 - 1) + "padam akhir"
    found = occlusion(classifier, text, "provinsi")
    assert all(len(asked) <= MOST_CHARACTERS and asked.count("padam") <= 1 for asked in classifier.asked[0])
    assert sum(word.weight for word in found) == pytest.approx(-np.log(2))
    assert found[0].weight < 0
    assert [(word.text, word.weight) for word in found[-2:]] == [("padam", 0), ("akhir", 0)]
    assert found[-1].end == len(text)


@pytest.mark.parametrize(("text", "words"), [("", 0), (" ?! ", 0), ("a" * (MOST_CHARACTERS + 1), 1)])
def test_nothing_to_leave_out(text: str, words: int) -> None:
    classifier = Counting()
    found = occlusion(classifier, text, "pln")
    assert [word.weight for word in found] == [0.0] * words
    assert classifier.asked == []


def test_a_probability_of_nought_stays_finite() -> None:
    class Sure(Counting):
        def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
            return np.array([[float("padam" in text), 0.0] for text in texts])

    assert weights(occlusion(Sure(), "lampu padam", "pln"))["padam"] == pytest.approx(np.log(1e9))


def test_a_classifier_that_explains_itself_is_asked() -> None:
    assert contributions(Opinionated(), "lampu", "pln") == (WordWeight("lampu", 0, 5, 3.0),)


def test_an_unknown_label_is_refused(tiny_classifier: LinearClassifier) -> None:
    for classifier in (Counting(), tiny_classifier):
        with pytest.raises(ClassifierError, match=r"no label 'nobody'; it knows .*pln"):
            contributions(classifier, "lampu", "nobody")


def test_the_linear_model_answers_exactly(tiny_classifier: LinearClassifier) -> None:
    text = SENTENCES[0]
    assert contributions(tiny_classifier, text, "pln") == tiny_classifier.contributions(text, "pln")


def test_the_encoder_is_occluded(bert: BertClassifier) -> None:
    text, column = SENTENCES[1], 0
    found = contributions(bert, text, bert.labels[column])
    without = bert.predict_proba([text, text.removeprefix("Lampu")])[:, column]
    assert found[0].weight == pytest.approx(np.log(without[0] / without[1]), abs=1e-4)
    assert len(found) == len(text.split())


@pytest.mark.parametrize("text", [*SENTENCES, "", "e-KTP Jum’at <nama> " * 20])
def test_the_joint_engine_adds_its_parts(
    bert: BertClassifier, tiny_classifier: LinearClassifier, text: str
) -> None:
    joint = JointClassifier(tiny_classifier, bert, JointSettings(0.6, 0.9, (0.0,) * 5))
    parts = [contributions(part, text, "pln") for part in (tiny_classifier, bert)]
    found = contributions(joint, text, "pln")
    assert [(word.start, word.end) for word in found] == [(word.start, word.end) for word in parts[0]]
    expected = [0.6 * one.weight + 0.9 * other.weight for one, other in zip(*parts, strict=True)]
    assert [word.weight for word in found] == pytest.approx(expected, abs=1e-5)


def test_parts_may_see_other_words() -> None:
    one = (WordWeight("e-KTP", 0, 5, 1.0), WordWeight("hilang", 6, 12, 2.0))
    other = (WordWeight("e", 0, 1, 8.0), WordWeight("hilang", 6, 12, 4.0))
    assert combine(one, 0.5, other, 0.25) == (
        WordWeight("e", 0, 1, 2.0),
        WordWeight("e-KTP", 0, 5, 0.5),
        WordWeight("hilang", 6, 12, 2.0),
    )
