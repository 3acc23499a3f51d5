from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from lapor_route.classifiers.tokens import (
    ENCODER_PART,
    HEAD_SHARE,
    NGRAMS_PART,
    HuggingFaceSegmenter,
    Segmenter,
    SentencePieceSegmenter,
    encode,
    load_segmenter,
    read_part,
    write_part,
)
from lapor_route.complaint import MAX_CHARACTERS
from lapor_route.errors import BundleError, MissingExtraError
from tests.encoders import POSITIONS, SENTENCES, tiny_albert, tiny_bert, unigram_pieces
from training.encoder.vocabulary import fast_tokenizer, unigram_model
from training.finetune import base_segmenter

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("wordpiece", "albert", "xlm-r", "sentencepiece")
ODD_TEXTS = (
    "",
    " ",
    "\n\t \r\n",
    "\0",
    "jalan\0rusak\0\0",
    "😀😀 lampu mati 👨‍👩‍👧",
    "ＬＡＭＰＵ ﬁ ½ ™ … “jalan”",
    "é e\u0301 \u200b \ufeff \u00a0 \u00ad",
    "漢字 مرحبا",
    "listrik  \n\n  padam!!!???",
    "▁jalan ▁ rusak",
)


class Pair(NamedTuple):
    """A segmenter, and the tokeniser of which it must be the equal."""

    segmenter: Segmenter
    reference: PreTrainedTokenizerBase


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    folder = tmp_path_factory.mktemp("bases")
    model = unigram_model(*unigram_pieces())
    fast_tokenizer(model, POSITIONS).save_pretrained(folder / "xlm-r")
    references = {
        "wordpiece": AutoTokenizer.from_pretrained(tiny_bert(folder / "bert")),
        "albert": AutoTokenizer.from_pretrained(tiny_albert(folder / "albert")),
        "xlm-r": AutoTokenizer.from_pretrained(folder / "xlm-r"),
    }
    found = {
        name: Pair(base_segmenter(reference.name_or_path), reference) for name, reference in references.items()
    }
    sentence_piece = SentencePieceSegmenter(model.serialized_model_proto())
    return found | {"sentencepiece": Pair(sentence_piece, references["xlm-r"])}


@pytest.fixture(params=KINDS)
def pair(request: pytest.FixtureRequest, pairs: dict[str, Pair]) -> Pair:
    return pairs[request.param]


@pytest.fixture
def segmenter(pair: Pair) -> Segmenter:
    return pair.segmenter


def test_the_kinds_are_what_they_should_be(pairs: dict[str, Pair]) -> None:
    found = {name: type(pair.segmenter) for name, pair in pairs.items()}
    huggingface = dict.fromkeys(("wordpiece", "albert", "xlm-r"), HuggingFaceSegmenter)
    assert found == huggingface | {"sentencepiece": SentencePieceSegmenter}


@pytest.mark.parametrize("text", [*SENTENCES, *ODD_TEXTS])
def test_ids_are_those_of_the_reference(pair: Pair, text: str) -> None:
    assert encode(pair.segmenter, [text], 400) == [pair.reference(text).input_ids]


def test_many_texts_give_what_each_gives_alone(segmenter: Segmenter) -> None:
    texts = [*SENTENCES, *ODD_TEXTS]
    assert segmenter.ids(texts) == [segmenter.ids([text])[0] for text in texts]
    assert segmenter.ids([]) == []
    assert encode(segmenter, [], 8) == []


def test_ids_have_no_special_tokens(segmenter: Segmenter) -> None:
    (ids,) = segmenter.ids([SENTENCES[0]])
    assert ids
    assert not {*segmenter.start, *segmenter.end, segmenter.pad} & {*ids}


def test_special_tokens_are_found(pair: Pair) -> None:
    tokens = pair.reference
    assert pair.segmenter.start == (tokens.cls_token_id,)
    assert pair.segmenter.end == (tokens.sep_token_id,)
    assert pair.segmenter.pad == tokens.pad_token_id


def test_special_tokens_of_the_usual_vocabularies(pairs: dict[str, Pair]) -> None:
    frames = {name: (pair.segmenter.start, pair.segmenter.end) for name, pair in pairs.items()}
    assert frames["wordpiece"] == ((2,), (3,))
    assert frames["xlm-r"] == frames["sentencepiece"] == ((0,), (2,))


def test_a_tokeniser_without_special_tokens(pairs: dict[str, Pair], tmp_path: Path) -> None:
    pairs["wordpiece"].segmenter.save(tmp_path)
    definition = read_part(tmp_path, ENCODER_PART)["definition"] | {"post_processor": None}
    bare = HuggingFaceSegmenter(definition, 0)
    assert (bare.start, bare.end) == ((), ())
    assert encode(bare, ["lampu mati"], 64) == bare.ids(["lampu mati"])


def test_a_definition_that_truncates_and_pads_is_read_without(pairs: dict[str, Pair], tmp_path: Path) -> None:
    pairs["wordpiece"].segmenter.save(tmp_path)
    definition = read_part(tmp_path, ENCODER_PART)["definition"]
    truncation = {"direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0}
    padding = {
        "strategy": {"Fixed": 30},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    cutting = HuggingFaceSegmenter(definition | {"truncation": truncation, "padding": padding}, 0)
    assert cutting.ids(SENTENCES) == pairs["wordpiece"].segmenter.ids(SENTENCES)
    assert (cutting.start, cutting.end) == ((2,), (3,))


def test_of_a_long_text_head_and_tail_are_kept(segmenter: Segmenter) -> None:
    text = ". ".join(SENTENCES)
    (whole,) = segmenter.ids([text])
    assert len(whole) > 60
    (found,) = encode(segmenter, [text], 42)
    assert found == [*segmenter.start, *whole[:30], *whole[-10:], *segmenter.end]
    assert HEAD_SHARE == 30 / 40


@pytest.mark.parametrize("max_tokens", [2, 3, 4, 5, 9, 64, 191])
def test_never_longer_than_allowed(segmenter: Segmenter, max_tokens: int) -> None:
    texts = [*SENTENCES, *ODD_TEXTS, " ".join(SENTENCES)]
    for text, whole, ids in zip(texts, segmenter.ids(texts), encode(segmenter, texts, max_tokens), strict=True):
        assert len(ids) == min(len(whole) + 2, max_tokens), text
        assert (ids[0], ids[-1]) == (*segmenter.start, *segmenter.end)


def test_a_text_that_just_fits_is_whole(segmenter: Segmenter) -> None:
    (whole,) = segmenter.ids([SENTENCES[1]])
    framed = [*segmenter.start, *whole, *segmenter.end]
    assert encode(segmenter, [SENTENCES[1]], len(framed)) == [framed]
    assert encode(segmenter, [SENTENCES[1]], len(framed) - 1) != [framed]


def test_an_empty_text_is_its_special_tokens(segmenter: Segmenter) -> None:
    assert encode(segmenter, [""], 16) == [[*segmenter.start, *segmenter.end]]


@pytest.mark.parametrize("text", ["jalan rusak \ud83d", "\ud800", "\udfff padam"])
def test_half_an_emoji_is_text_too(segmenter: Segmenter, text: str) -> None:
    """A JSON file may hold a surrogate without its other half, and a complaint may be any string."""
    (ids,) = encode(segmenter, [text], 16)
    assert len(ids) >= 2


@pytest.mark.parametrize("sample", ["lampu jalan mati ", "x", "\0", "😀", " ", "padam\n"])
def test_megabytes_are_read(segmenter: Segmenter, sample: str) -> None:
    text = sample * (5_000_000 // len(sample.encode()))
    (ids,) = encode(segmenter, [text], 64)
    assert 2 <= len(ids) <= 64
    assert [ids] == encode(segmenter, [text[:MAX_CHARACTERS]], 64)


def test_save_and_load(segmenter: Segmenter, tmp_path: Path) -> None:
    segmenter.save(tmp_path)
    again = load_segmenter(tmp_path)
    assert type(again) is type(segmenter)
    assert again.ids([*SENTENCES, *ODD_TEXTS]) == segmenter.ids([*SENTENCES, *ODD_TEXTS])
    assert (again.start, again.end, again.pad) == (segmenter.start, segmenter.end, segmenter.pad)


def test_save_leaves_other_parts(segmenter: Segmenter, tmp_path: Path) -> None:
    ngrams = {"vocabulary": ["jalan", "é▁"], "temperature": 1.5}
    write_part(tmp_path, NGRAMS_PART, ngrams)
    segmenter.save(tmp_path)
    assert read_part(tmp_path, NGRAMS_PART) == ngrams
    write_part(tmp_path, NGRAMS_PART, {"vocabulary": []})
    assert read_part(tmp_path, NGRAMS_PART) == {"vocabulary": []}
    assert load_segmenter(tmp_path).ids(SENTENCES) == segmenter.ids(SENTENCES)


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    write_part(tmp_path, NGRAMS_PART, {"vocabulary": []})
    with pytest.raises(BundleError, match=r"tokenizer\.json has no part 'encoder'"):
        load_segmenter(tmp_path)
    with pytest.raises(BundleError, match="export the bundle again"):
        read_part(tmp_path, "other")


def test_a_folder_without_tokeniser(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"tokenizer\.json"):
        load_segmenter(tmp_path)


def test_huggingface_needs_an_extra(
    pairs: dict[str, Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs["wordpiece"].segmenter.save(tmp_path)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lapor-route\[encoders\]'"):
        load_segmenter(tmp_path)


def test_sentencepiece_needs_none(pairs: dict[str, Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs["sentencepiece"].segmenter.save(tmp_path)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    assert load_segmenter(tmp_path).ids(SENTENCES) == pairs["sentencepiece"].segmenter.ids(SENTENCES)


def test_what_is_written_is_json(segmenter: Segmenter, tmp_path: Path) -> None:
    segmenter.save(tmp_path)
    content = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    assert content.keys() == {ENCODER_PART}
