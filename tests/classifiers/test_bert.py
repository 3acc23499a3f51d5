from __future__ import annotations

import itertools
import json
import random
import shutil
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from transformers import AutoModel

from lapor_route import Router
from lapor_route.bundle import Bundle
from lapor_route.classifiers import backends
from lapor_route.classifiers.backends import (
    ARCHITECTURE_FILE,
    BACKENDS,
    ONNX_FILE,
    TORCH_FILE,
    OnnxBackend,
    TorchBackend,
    load_backend,
    usable_cores,
)
from lapor_route.classifiers.bert import BertClassifier, BertSettings, batches, pad
from lapor_route.classifiers.encoder import EncoderClassifier, keep_layers
from lapor_route.classifiers.tokens import encode, load_segmenter
from lapor_route.errors import BundleError, MissingExtraError
from tests.encoders import LAYERS, SENTENCES, fine_tuned, tiny_albert, tiny_bert, write_bundle, write_onnx

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lapor_route.bodies import Registry

LABELS = ("pln", "bpjs-kesehatan", "provinsi", "kabupaten_kota", "out_of_scope")
TEXTS = (*SENTENCES, "", "padam", "\0", "😀 lampu", " ".join(SENTENCES), "jalan " * 9)


@pytest.fixture(scope="module", params=["bert", "albert"])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `finetune` writes, with the ONNX graph; every test of it runs on a BERT and an ALBERT."""
    folder = tmp_path_factory.mktemp(request.param)
    base = {"bert": tiny_bert, "albert": tiny_albert}[request.param](folder / "base")
    return fine_tuned(base, folder / "encoder", LABELS)


@pytest.fixture(scope="module")
def rounded(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with an 8-bit graph."""
    folder = shutil.copytree(encoder, tmp_path_factory.mktemp("rounded") / "encoder")
    write_onnx(folder, folder / ONNX_FILE, encode(load_segmenter(folder), SENTENCES, 24))
    return folder


@pytest.fixture(params=BACKENDS)
def classifier(request: pytest.FixtureRequest, encoder: Path) -> BertClassifier:
    return BertClassifier.load(encoder, LABELS, backend=request.param)


@pytest.fixture
def copied(encoder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(encoder, tmp_path / "copied")


@pytest.fixture
def torch_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_batches_hold_every_row_once() -> None:
    rng = random.Random(5)
    for _ in range(50):
        lengths = [rng.randint(2, 90) for _ in range(rng.randint(0, 200))]
        found = list(batches(lengths, 256))
        assert sorted(row for batch in found for row in batch) == list(range(len(lengths)))
        assert all(found)
        assert all(len(batch) * max(lengths[row] for row in batch) <= 256 for batch in found)
        in_order = [lengths[row] for batch in found for row in batch]
        assert in_order == sorted(lengths)


def test_batches_are_as_large_as_the_budget_allows() -> None:
    assert list(batches([4, 4, 4, 4, 4], 12)) == [[0, 1, 2], [3, 4]]
    assert list(batches([6, 2, 3], 9)) == [[1, 2], [0]]


def test_a_text_over_the_budget_comes_alone() -> None:
    assert list(batches([50, 3, 40, 3], 10)) == [[1, 3], [2], [0]]


def test_no_batches() -> None:
    assert list(batches([], 10)) == []


def test_padding_is_even() -> None:
    ids, mask = pad([[5, 6, 7], [8], [9, 4]], 1)
    assert ids.tolist() == [[5, 6, 7, 1], [8, 1, 1, 1], [9, 4, 1, 1]]
    assert mask.tolist() == [[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]]
    assert ids.dtype == mask.dtype == np.int64


def test_a_token_that_equals_the_padding_counts() -> None:
    ids, mask = pad([[1, 1]], 1)
    assert ids.tolist() == mask.tolist() == [[1, 1]]


def test_probabilities(classifier: BertClassifier) -> None:
    found = classifier.predict_proba(TEXTS)
    assert found.shape == (len(TEXTS), len(LABELS))
    assert found.dtype == np.float32
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    assert tuple(classifier.labels) == LABELS


def test_texts_make_a_difference(classifier: BertClassifier) -> None:
    scores = classifier.decision_function(SENTENCES)
    assert scores.dtype == np.float32
    assert scores.std(axis=0).min() > 0.02


def test_no_texts(classifier: BertClassifier) -> None:
    assert classifier.decision_function([]).shape == (0, len(LABELS))
    assert classifier.predict_proba([]).shape == (0, len(LABELS))


def test_onnx_answers_as_torch_does(encoder: Path) -> None:
    onnx, torch_ = (BertClassifier.load(encoder, LABELS, backend=name) for name in ("onnx", "torch"))
    assert isinstance(onnx.backend, OnnxBackend)
    assert isinstance(torch_.backend, TorchBackend)
    exact = torch_.decision_function(TEXTS)
    for order in (list(range(len(TEXTS))), list(range(len(TEXTS)))[::-1], [3], [10, 14], [14, 1, 10, 1]):
        found = onnx.decision_function([TEXTS[row] for row in order])
        assert found == pytest.approx(exact[order], abs=1e-5)


def test_eight_bits_answer_nearly_as_torch_does(encoder: Path, rounded: Path) -> None:
    exact = BertClassifier.load(encoder, LABELS, backend="torch").predict_proba(TEXTS)
    found = BertClassifier.load(rounded, LABELS, backend="onnx").predict_proba(TEXTS)
    assert not np.array_equal(found, exact)
    assert found == pytest.approx(exact, abs=0.1)


def test_in_eight_bits_too_a_text_is_read_alone_as_among_others(rounded: Path) -> None:
    classifier = BertClassifier.load(rounded, LABELS, backend="onnx")
    together = classifier.predict_proba(TEXTS)
    alone = np.concatenate([classifier.predict_proba([text]) for text in TEXTS])
    assert together == pytest.approx(alone, abs=1e-4)


def test_a_text_is_read_alone_as_among_others(classifier: BertClassifier) -> None:
    together = classifier.predict_proba(TEXTS)
    alone = np.concatenate([classifier.predict_proba([text]) for text in TEXTS])
    assert together == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("budget", [1, 30, 100])
def test_the_budget_changes_nothing_but_the_batches(classifier: BertClassifier, budget: int) -> None:
    small = BertClassifier(classifier.settings, classifier.segmenter, classifier.backend, budget)
    assert small.predict_proba(TEXTS) == pytest.approx(classifier.predict_proba(TEXTS), abs=1e-5)


def test_rows_keep_the_order_of_the_texts(classifier: BertClassifier) -> None:
    expected = classifier.predict_proba(TEXTS)
    order = list(range(len(TEXTS)))
    random.Random(6).shuffle(order)
    assert classifier.predict_proba([TEXTS[row] for row in order]) == pytest.approx(expected[order], abs=1e-5)


def test_of_a_long_text_the_middle_is_left_out(classifier: BertClassifier) -> None:
    words = ["lampu"] * 60
    middle = [*words[:30], "😀", *words[30:]]
    first, second, other = classifier.predict_proba([" ".join(words), " ".join(middle), " ".join(["😀", *words])])
    assert first == pytest.approx(second, abs=1e-6)
    assert first != pytest.approx(other, abs=1e-3)


def test_the_scores_are_those_of_the_network(encoder: Path) -> None:
    """The mean over the token vectors, padding left out, times the last layer's weights."""
    classifier = BertClassifier.load(encoder, LABELS, backend="torch")
    texts = [SENTENCES[0], "padam", SENTENCES[4]]
    model = AutoModel.from_pretrained(encoder / "huggingface").eval()
    found = []
    for ids in encode(load_segmenter(encoder), texts, classifier.settings.max_tokens):
        with torch.inference_mode():
            found.append(model(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(dim=0))
    assert isinstance(classifier.backend, TorchBackend)
    head = classifier.backend.module.head
    with torch.inference_mode():
        expected = head(torch.stack(found)).numpy()
    assert classifier.decision_function(texts) == pytest.approx(expected, abs=1e-5)


def test_temperature_and_bias(classifier: BertClassifier) -> None:
    scores = classifier.decision_function(TEXTS).astype(float)
    bias = (0.5, -1.0, 0.0, 2.0, 0.25)
    settings = replace(classifier.settings, temperature=2.5, bias=bias)
    found = BertClassifier(settings, classifier.segmenter, classifier.backend).predict_proba(TEXTS)
    powers = np.exp(scores / 2.5 + np.array(bias))
    assert found == pytest.approx(powers / powers.sum(axis=1, keepdims=True), abs=1e-5)
    neutral = np.exp(scores)
    expected = neutral / neutral.sum(axis=1, keepdims=True)
    assert classifier.predict_proba(TEXTS) == pytest.approx(expected, abs=1e-5)
    assert found.dtype == np.float32


def test_settings_save_and_load(tmp_path: Path) -> None:
    for settings in (
        BertSettings(LABELS, 192),
        BertSettings(LABELS, 64, temperature=1.75, bias=(0.5, -0.25, 0.0, 1e-3, 2.0)),
    ):
        settings.save(tmp_path)
        assert BertSettings.load(tmp_path) == settings


def test_settings_are_used(copied: Path) -> None:
    plain = BertClassifier.load(copied, LABELS)
    settings = replace(plain.settings, max_tokens=8, temperature=3.0, bias=(0.0, 1.0, 2.0, 3.0, 4.0))
    settings.save(copied)
    found = BertClassifier.load(copied, LABELS)
    expected = BertClassifier(settings, plain.segmenter, plain.backend)
    assert found.predict_proba(TEXTS) == pytest.approx(expected.predict_proba(TEXTS), abs=1e-6)
    assert found.predict_proba(TEXTS) != pytest.approx(plain.predict_proba(TEXTS), abs=1e-2)


@pytest.mark.parametrize("labels", [LABELS[:-1], LABELS[::-1], (*LABELS, "bmkg"), ()])
def test_other_labels_are_refused(encoder: Path, labels: Sequence[str]) -> None:
    with pytest.raises(BundleError, match="other labels"):
        BertClassifier.load(encoder, labels)


@pytest.mark.parametrize("bias", [(1.0,), (0.0, 0.0), (0.0,) * 6])
def test_a_bias_of_another_length_is_refused(copied: Path, bias: tuple[float, ...]) -> None:
    replace(BertSettings.load(copied), bias=bias).save(copied)
    with pytest.raises(BundleError, match="bias"):
        BertClassifier.load(copied, LABELS)


def test_labels_as_a_list_are_the_same(encoder: Path) -> None:
    assert tuple(BertClassifier.load(encoder, list(LABELS)).labels) == LABELS


def test_an_unknown_backend_is_refused(encoder: Path) -> None:
    with pytest.raises(BundleError, match="no backend 'tpu'; choose one of onnx, torch"):
        BertClassifier.load(encoder, LABELS, backend="tpu")


@pytest.mark.parametrize(
    ("missing", "file", "other"), [("onnx", ONNX_FILE, "torch"), ("torch", TORCH_FILE, "onnx")]
)
def test_missing_weights_name_the_other_backend(copied: Path, missing: str, file: str, other: str) -> None:
    (copied / file).unlink()
    with pytest.raises(BundleError, match=f"no {file} for the backend '{missing}'; use backend='{other}'"):
        BertClassifier.load(copied, LABELS, backend=missing)
    assert BertClassifier.load(copied, LABELS, backend=other).predict_proba(TEXTS).shape == (len(TEXTS), 5)


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_the_torch_backend_needs_an_extra(encoder: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lapor-route\[torch\]'"):
        load_backend(encoder, "torch")


def test_onnx_needs_neither_torch_nor_transformers(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = BertClassifier.load(encoder, LABELS).predict_proba(TEXTS)
    for package in ("torch", "transformers"):
        monkeypatch.setitem(sys.modules, package, None)
    assert np.array_equal(BertClassifier.load(encoder, LABELS).predict_proba(TEXTS), expected)


@pytest.mark.usefixtures("torch_threads")
@pytest.mark.parametrize("backend", BACKENDS)
def test_threads_change_no_answer(encoder: Path, backend: str) -> None:
    expected = BertClassifier.load(encoder, LABELS, backend=backend).predict_proba(TEXTS)
    one = BertClassifier.load(encoder, LABELS, backend=backend, threads=1)
    assert one.predict_proba(TEXTS) == pytest.approx(expected, abs=1e-6)


def test_batches_are_scored_at_the_same_time(encoder: Path) -> None:
    classifier = BertClassifier.load(encoder, LABELS, threads=2)
    inner, calls, together = classifier.backend, itertools.count(), threading.Barrier(2)

    class Waits:
        at_once = 2

        def scores(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
            if next(calls) < 2:
                together.wait(timeout=30)
            return inner.scores(ids, mask)

    texts = SENTENCES * 40
    expected = classifier.decision_function(texts)
    classifier.backend = Waits()
    assert np.array_equal(classifier.decision_function(texts), expected)
    assert next(calls) > 2


def test_a_processor_is_asked_whether_its_products_saturate() -> None:
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"])
    x = helper.make_tensor_value_info("x", TensorProto.UINT8, [1, 4])
    y = helper.make_tensor_value_info("y", TensorProto.INT32, [1, 1])
    weights = numpy_helper.from_array(np.full((4, 1), 127, np.int8), "w")
    graph = helper.make_graph([node], "p", [x], [y], [weights])
    wanted = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert onnx.load_from_string(backends._PRODUCT) == wanted


@pytest.mark.parametrize("saturates", [False, True])
def test_an_exact_product_where_the_quick_one_saturates(
    rounded: Path, saturates: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = BertClassifier.load(rounded, LABELS).predict_proba(SENTENCES)
    asked: list[str] = []
    real = onnxruntime.SessionOptions.add_session_config_entry

    def spy(options: onnxruntime.SessionOptions, key: str, value: str) -> None:
        asked.append(key)
        real(options, key, value)

    monkeypatch.setattr(onnxruntime.SessionOptions, "add_session_config_entry", spy)
    monkeypatch.setattr(backends, "_saturates", lambda: saturates)
    found = BertClassifier.load(rounded, LABELS).predict_proba(SENTENCES)
    assert ("session.x64quantprecision" in asked) == saturates
    assert found == pytest.approx(expected, abs=1e-5)


def test_usable_cores() -> None:
    assert usable_cores() >= 1


def test_dropout_is_off(encoder: Path) -> None:
    classifier = BertClassifier.load(encoder, LABELS, backend="torch")
    assert np.array_equal(classifier.predict_proba(TEXTS), classifier.predict_proba(TEXTS))


def test_the_mean_leaves_padding_out(tmp_path: Path) -> None:
    module = EncoderClassifier(AutoModel.from_pretrained(tiny_bert(tmp_path)), 3).eval()
    ids, mask = (torch.from_numpy(array) for array in pad([[2, 9, 8, 7, 3], [2, 6, 3]], 0))
    with torch.inference_mode():
        states = module.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        found = module.mean(ids, mask)
    assert found[0].numpy() == pytest.approx(states[0, :5].mean(dim=0).numpy(), abs=1e-6)
    assert found[1].numpy() == pytest.approx(states[1, :3].mean(dim=0).numpy(), abs=1e-6)


def test_every_weight_of_the_network_is_used(tmp_path: Path) -> None:
    """A weight without a gradient, as of a pooler, stops training on many GPUs."""
    module = EncoderClassifier(AutoModel.from_pretrained(tiny_bert(tmp_path)), 3)
    ids, mask = (torch.from_numpy(array) for array in pad([[2, 9, 3]], 0))
    module(ids, mask).sum().backward()
    assert [name for name, weight in module.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize("layers", [[0], [1], [1, 0], (0, 1)])
def test_layers_are_kept_in_the_order_given(tmp_path: Path, layers: Sequence[int]) -> None:
    encoder = AutoModel.from_pretrained(tiny_bert(tmp_path))
    before = [layer.intermediate.dense.weight.detach().clone() for layer in encoder.encoder.layer]
    assert not torch.equal(before[0], before[1])
    keep_layers(encoder, layers)
    after = [layer.intermediate.dense.weight for layer in encoder.encoder.layer]
    assert len(after) == len(layers)
    assert all(torch.equal(found, before[layer]) for found, layer in zip(after, layers, strict=True))
    assert encoder.config.num_hidden_layers == len(layers)


@pytest.mark.parametrize("layers", [[], [LAYERS], [-1], [0, 7]])
def test_layers_that_the_encoder_lacks(tmp_path: Path, layers: list[int]) -> None:
    encoder = AutoModel.from_pretrained(tiny_bert(tmp_path))
    with pytest.raises(ValueError, match=r"encoder's 2 \(0 to 1\)"):
        keep_layers(encoder, layers)
    assert len(encoder.encoder.layer) == LAYERS


def test_an_encoder_without_a_list_of_layers(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="AlbertModel has no list of layers"):
        keep_layers(AutoModel.from_pretrained(tiny_albert(tmp_path)), [0])


def test_fewer_layers_survive_save_and_load(tmp_path: Path) -> None:
    base = tiny_bert(tmp_path / "base")
    encoder = AutoModel.from_pretrained(base)
    keep_layers(encoder, [1])
    encoder.save_pretrained(base)
    folder = fine_tuned(base, tmp_path / "encoder", LABELS)
    found = BertClassifier.load(folder, LABELS, backend="torch")
    assert isinstance(found.backend, TorchBackend)
    assert len(found.backend.module.encoder.encoder.layer) == 1
    onnx = BertClassifier.load(folder, LABELS, backend="onnx")
    assert found.predict_proba(TEXTS) == pytest.approx(onnx.predict_proba(TEXTS), abs=1e-5)


def test_a_bundle(encoder: Path, tmp_path: Path, registry: Registry) -> None:
    folder = write_bundle(tmp_path / "bundle", registry, encoder)
    expected = BertClassifier.load(encoder, LABELS).predict_proba(TEXTS)
    for backend, kind in ((None, OnnxBackend), ("onnx", OnnxBackend), ("torch", TorchBackend)):
        classifier = Bundle.open(folder).load_classifier(registry, backend=backend)
        assert isinstance(classifier, BertClassifier)
        assert isinstance(classifier.backend, kind)
        assert classifier.predict_proba(TEXTS) == pytest.approx(expected, abs=1e-5)


def test_a_router_over_a_bundle(encoder: Path, tmp_path: Path, registry: Registry) -> None:
    folder = write_bundle(tmp_path / "bundle", registry, encoder)
    text = f"{SENTENCES[0]}, Kecamatan Depok, Sleman"
    by_onnx, by_torch = (Router.load(folder, backend=name).route(text) for name in BACKENDS)
    assert by_onnx.versions["model"] == "tiny 2"
    first, second = ({one.body_id: one.probability for one in found.candidates} for found in (by_onnx, by_torch))
    assert first
    assert first == pytest.approx(second, abs=1e-4)


def test_a_router_for_a_backend_that_the_bundle_lacks(encoder: Path, tmp_path: Path, registry: Registry) -> None:
    folder = write_bundle(tmp_path / "bundle", registry, encoder, backends=["onnx"])
    assert Router.load(folder).route("").candidates is not None
    with pytest.raises(BundleError, match="use backend='onnx'"):
        Router.load(folder, backend="torch")


def test_a_damaged_graph_is_refused(encoder: Path, tmp_path: Path, registry: Registry) -> None:
    folder = write_bundle(tmp_path / "bundle", registry, encoder)
    content = bytearray((folder / ONNX_FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / ONNX_FILE).write_bytes(content)
    for backend in BACKENDS:
        with pytest.raises(BundleError, match=r"bert\.onnx was changed"):
            Router.load(folder, backend=backend)


def test_a_sealed_bundle_whose_parts_dont_fit(encoder: Path, tmp_path: Path, registry: Registry) -> None:
    """Its hashes are right, its weights aren't of its architecture."""
    changed = shutil.copytree(encoder, tmp_path / "changed")
    architecture = json.loads((changed / ARCHITECTURE_FILE).read_text()) | {"hidden_size": 16}
    (changed / ARCHITECTURE_FILE).write_text(json.dumps(architecture))
    folder = write_bundle(tmp_path / "bundle", registry, changed)
    with pytest.raises(BundleError, match="can't be used"):
        Router.load(folder, backend="torch")


def test_a_sealed_bundle_whose_graph_is_none(encoder: Path, tmp_path: Path, registry: Registry) -> None:
    changed = shutil.copytree(encoder, tmp_path / "changed")
    (changed / ONNX_FILE).write_bytes(b"no graph at all")
    folder = write_bundle(tmp_path / "bundle", registry, changed)
    with pytest.raises(BundleError, match="can't be used"):
        Router.load(folder)
