from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lapor_route import Router
from lapor_route.bundle import Bundle
from lapor_route.classifiers import Classifier, load_engine
from lapor_route.classifiers.backends import BACKENDS, ONNX_FILE, TORCH_FILE, OnnxBackend, TorchBackend
from lapor_route.classifiers.bert import BertClassifier
from lapor_route.classifiers.joint import SETTINGS_FILE, JointClassifier, JointSettings, pool
from lapor_route.classifiers.linear import LinearClassifier
from lapor_route.errors import BundleError
from tests.encoders import SENTENCES, fine_tuned, tiny_bert, write_bundle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lapor_route.bodies import Registry

TEXTS = (*SENTENCES, "", "listrik padam", "\0", "jalan rusak " * 40)
FIRST = np.array([[0.7, 0.2, 0.1], [0.25, 0.25, 0.5]], dtype=np.float32)
SECOND = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], dtype=np.float32)
SETTINGS = JointSettings(0.6, 0.9, (0.5, -0.25, 0.0, 0.1, 1.0))


@dataclass
class Fixed:
    """A classifier of one's own: the same row for every text."""

    labels: Sequence[str]
    row: Sequence[float]

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        return np.tile(np.array(self.row), (len(texts), 1))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory, tiny_classifier: LinearClassifier) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    return fine_tuned(tiny_bert(folder / "base"), folder / "encoder", tiny_classifier.labels)


@pytest.fixture(scope="module")
def bundle(
    encoder: Path, tmp_path_factory: pytest.TempPathFactory, registry: Registry, tiny_classifier: LinearClassifier
) -> Path:
    folder = tmp_path_factory.mktemp("joint") / "bundle"
    return write_bundle(folder, registry, encoder, linear=tiny_classifier, joint=SETTINGS)


def test_the_pool_is_a_weighted_product() -> None:
    bias = (0.5, -1.0, 0.0)
    found = pool(FIRST, SECOND, JointSettings(0.6, 1.3, bias))
    products = FIRST.astype(float) ** 0.6 * SECOND.astype(float) ** 1.3 * np.exp(bias)
    assert found == pytest.approx(products / products.sum(axis=1, keepdims=True), abs=1e-6)
    assert found.dtype == np.float32


def test_the_pool_by_hand() -> None:
    """Square roots of 0.81 * 0.64 and 0.09 * 0.16: 0.72 and 0.12."""
    one, other = np.array([[0.81, 0.09]]), np.array([[0.64, 0.16]])
    found = pool(one, other, JointSettings(0.5, 0.5, (0.0, 0.0)))
    assert found[0] == pytest.approx([0.72 / 0.84, 0.12 / 0.84], abs=1e-6)
    assert found.dtype == np.float32


def test_a_part_without_weight_is_left_out() -> None:
    none = (0.0, 0.0, 0.0)
    assert pool(FIRST, SECOND, JointSettings(0.0, 1.0, none)) == pytest.approx(SECOND, abs=1e-6)
    assert pool(FIRST, SECOND, JointSettings(1.0, 0.0, none)) == pytest.approx(FIRST, abs=1e-6)


def test_probabilities_of_nought_stay_finite() -> None:
    sure, opposite = np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 1.0, 0.0]])
    found = pool(sure, opposite, JointSettings(1.0, 1.0, (0.0, 0.0, 0.0)))
    assert found[0] == pytest.approx([0.5, 0.5, 0.0], abs=1e-6)
    without = pool(sure, opposite, JointSettings(0.0, 1.0, (0.0, 0.0, 0.0)))
    assert without[0] == pytest.approx([0.0, 1.0, 0.0], abs=1e-6)


def test_the_pool_of_no_texts() -> None:
    empty = np.empty((0, 3), dtype=np.float32)
    assert pool(empty, empty, JointSettings(1.0, 1.0, (0.0, 0.0, 0.0))).shape == (0, 3)


def test_any_two_classifiers_can_be_joined() -> None:
    labels = ("pln", "provinsi", "out_of_scope")
    settings = JointSettings(0.5, 0.5, (0.0, 0.0, 1.0))
    joint = JointClassifier(Fixed(labels, (0.7, 0.2, 0.1)), Fixed(labels, (0.5, 0.25, 0.25)), settings)
    assert isinstance(joint, Classifier)
    assert joint.labels == labels
    products = np.sqrt([0.35, 0.05, 0.025]) * np.exp([0, 0, 1])
    found = joint.predict_proba(["padam", "rusak"])
    assert found == pytest.approx(np.tile(products / products.sum(), (2, 1)), abs=1e-6)


def test_settings_save_and_load(tmp_path: Path) -> None:
    SETTINGS.save(tmp_path)
    assert JointSettings.load(tmp_path) == SETTINGS


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_joins_its_parts(bundle: Path, encoder: Path, tiny_classifier: LinearClassifier, backend: str) -> None:
    joint = JointClassifier.load(bundle, tiny_classifier.labels, backend=backend)
    assert joint.settings == SETTINGS
    bert = BertClassifier.load(encoder, tiny_classifier.labels, backend=backend)
    expected = pool(tiny_classifier.predict_proba(TEXTS), bert.predict_proba(TEXTS), SETTINGS)
    found = joint.predict_proba(TEXTS)
    assert found == pytest.approx(expected, abs=1e-5)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    assert joint.predict_proba([]).shape == (0, 5)
    backwards = joint.predict_proba(TEXTS[::-1])[::-1]
    assert backwards == pytest.approx(found, abs=1e-5)


def test_the_backend_is_the_one_asked_for(bundle: Path, registry: Registry) -> None:
    expected = {None: OnnxBackend, "onnx": OnnxBackend, "torch": TorchBackend}
    for name, kind in expected.items():
        joint = Bundle.open(bundle).load_classifier(registry, backend=name)
        assert isinstance(joint, JointClassifier)
        assert isinstance(joint.bert, BertClassifier)
        assert isinstance(joint.bert.backend, kind)
        assert isinstance(joint.linear, LinearClassifier)


def test_engines_are_found_by_entry_point() -> None:
    assert load_engine("joint") is JointClassifier
    assert load_engine("bert") is BertClassifier


@pytest.mark.parametrize("length", [0, 1, 4, 6])
def test_a_bias_of_another_length_is_refused(
    bundle: Path, tmp_path: Path, tiny_classifier: LinearClassifier, length: int
) -> None:
    folder = shutil.copytree(bundle, tmp_path / "changed")
    JointSettings(0.5, 0.5, (0.0,) * length).save(folder)
    with pytest.raises(BundleError, match=f"{SETTINGS_FILE} has {length} numbers for 5 labels"):
        JointClassifier.load(folder, tiny_classifier.labels)


def test_other_labels_are_refused(bundle: Path, tiny_classifier: LinearClassifier) -> None:
    with pytest.raises(BundleError, match="other labels"):
        JointClassifier.load(bundle, tiny_classifier.labels[::-1])


def test_a_router_over_a_bundle(bundle: Path) -> None:
    found = {}
    for backend in BACKENDS:
        routing = Router.load(bundle, backend=backend, threads=None).route("listrik padam di Sleman")
        assert routing.versions["model"] == "tiny 2"
        found[backend] = {one.body_id: one.probability for one in routing.candidates}
    assert found["onnx"]
    assert found["onnx"] == pytest.approx(found["torch"], abs=1e-4)


def test_weights_decide_who_is_heard(
    encoder: Path, tmp_path: Path, registry: Registry, tiny_classifier: LinearClassifier
) -> None:
    none = (0.0,) * 5
    texts = ["token listrik tidak bisa masuk", "kartu jkn nonaktif", "sampah menumpuk di tps"]
    linear_only, bert_only = (
        Bundle.open(
            write_bundle(tmp_path / name, registry, encoder, linear=tiny_classifier, joint=settings)
        ).load_classifier(registry)
        for name, settings in (("a", JointSettings(1.0, 0.0, none)), ("b", JointSettings(0.0, 1.0, none)))
    )
    bert = BertClassifier.load(encoder, tiny_classifier.labels)
    assert linear_only.predict_proba(texts) == pytest.approx(tiny_classifier.predict_proba(texts), abs=1e-5)
    assert bert_only.predict_proba(texts) == pytest.approx(bert.predict_proba(texts), abs=1e-5)
    assert Router.load(tmp_path / "a").route(texts[0]).candidates[0].body_id == "pln"


@pytest.mark.parametrize(("kept", "missing"), [("onnx", "torch"), ("torch", "onnx")])
def test_a_bundle_without_the_weights_for_a_backend(
    encoder: Path,
    tmp_path: Path,
    registry: Registry,
    tiny_classifier: LinearClassifier,
    kept: str,
    missing: str,
) -> None:
    folder = tmp_path / "bundle"
    write_bundle(folder, registry, encoder, linear=tiny_classifier, joint=SETTINGS, backends=[kept])
    assert {file.name for file in folder.iterdir()} & {ONNX_FILE, TORCH_FILE} == {
        {"onnx": ONNX_FILE, "torch": TORCH_FILE}[kept]
    }
    with pytest.raises(BundleError, match=f"use backend='{kept}'"):
        Router.load(folder, backend=missing)
    assert Router.load(folder, backend=kept).route("listrik padam").candidates


@pytest.mark.parametrize("file", [ONNX_FILE, SETTINGS_FILE, "tokenizer.json", "linear.safetensors"])
def test_a_damaged_file_is_refused(bundle: Path, tmp_path: Path, file: str) -> None:
    folder = shutil.copytree(bundle, tmp_path / "damaged")
    content = bytearray((folder / file).read_bytes())
    content[-2] ^= 1
    (folder / file).write_bytes(content)
    with pytest.raises(BundleError, match=f"{file} was changed"):
        Router.load(folder)


def test_the_linear_engine_has_no_backend(tiny_bundle: Path, registry: Registry) -> None:
    with pytest.raises(BundleError, match="engine 'linear' has no option backend"):
        Router.load(tiny_bundle, backend="onnx")
    with pytest.raises(BundleError, match="no option threads"):
        Router.load(tiny_bundle, threads=1)
    classifier = Bundle.open(tiny_bundle).load_classifier(registry, backend=None, threads=None)
    assert isinstance(classifier, LinearClassifier)


def test_both_parts_share_the_tokeniser_file(bundle: Path, tiny_classifier: LinearClassifier) -> None:
    linear = LinearClassifier.load(bundle, tiny_classifier.labels)
    assert np.array_equal(linear.predict_proba(TEXTS), tiny_classifier.predict_proba(TEXTS))
