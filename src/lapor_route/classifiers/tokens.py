"""Turns texts into token ids, for every encoder, in training and at run time alike."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from lapor_route.complaint import MAX_CHARACTERS
from lapor_route.errors import BundleError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SENTENCEPIECE_FILE = "sentencepiece.model"
TOKENIZER_FILE = "tokenizer.json"
NGRAMS_PART, ENCODER_PART = "ngrams", "encoder"
HEAD_SHARE = 0.75
"""Of a text that is too long, this share of its tokens is taken from its beginning, the rest from its end."""


class Segmenter(Protocol):
    """Cuts texts into the ids of an encoder's vocabulary, without special tokens."""

    start: tuple[int, ...]
    end: tuple[int, ...]
    pad: int

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""
        ...

    def save(self, folder: Path) -> None:
        """Writes what `load_segmenter` reads into a bundle."""
        ...


class SentencePieceSegmenter:
    """A SentencePiece model, by the package `sentencepiece`, which has no dependencies.

    Args:
        proto: The serialised model, the content of a `.model` file.
    """

    def __init__(self, proto: bytes) -> None:
        from sentencepiece import SentencePieceProcessor

        self._proto = proto
        self._model = SentencePieceProcessor(model_proto=proto)
        self.start: tuple[int, ...] = (self._model.bos_id(),)
        self.end: tuple[int, ...] = (self._model.eos_id(),)
        self.pad: int = self._model.pad_id()

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""
        # One by one: a list, even of one text, is given to a thread that is started for it.
        return [self._model.encode(_readable(text)) for text in texts]

    def save(self, folder: Path) -> None:
        """Writes `sentencepiece.model`, and its name into `tokenizer.json`."""
        (folder / SENTENCEPIECE_FILE).write_bytes(self._proto)
        write_part(folder, ENCODER_PART, {"kind": "sentencepiece", "file": SENTENCEPIECE_FILE})


class HuggingFaceSegmenter:
    """Any fast tokeniser of the Hugging Face kind (WordPiece, BPE ...), by the package `tokenizers`.

    Args:
        definition: The content of its `tokenizer.json`.
        pad: Id of the padding token.

    Raises:
        MissingExtraError: The package `tokenizers` isn't installed.
    """

    def __init__(self, definition: dict[str, Any], pad: int) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise MissingExtraError(
                "this model's tokeniser needs the package tokenizers: pip install 'lapor-route[encoders]'"
            ) from None
        self._definition = definition
        self._tokenizer = Tokenizer.from_str(json.dumps(definition))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # A citizen who types "[SEP]" or "</s>" means those characters, not the control token.
        self._tokenizer.encode_special_tokens = True
        self.start, self.end = _frame(self._tokenizer)
        self.pad = pad

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""
        readable = [_readable(text) for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch(readable, add_special_tokens=False)]

    def save(self, folder: Path) -> None:
        """Writes its definition into `tokenizer.json`."""
        content = {"kind": "huggingface", "pad": self.pad, "definition": self._definition}
        write_part(folder, ENCODER_PART, content)


def load_segmenter(folder: Path) -> Segmenter:
    """The segmenter of a bundle's encoder.

    Raises:
        BundleError: The folder holds none.
        MissingExtraError: It needs the package `tokenizers`, which isn't installed.
    """
    content = read_part(folder, ENCODER_PART)
    if content["kind"] == "sentencepiece":
        return SentencePieceSegmenter((folder / SENTENCEPIECE_FILE).read_bytes())
    return HuggingFaceSegmenter(content["definition"], content["pad"])


def read_part(folder: Path, part: str) -> dict[str, Any]:
    """One part of a bundle's `tokenizer.json`: ``ngrams`` of the linear engine, or ``encoder``.

    Raises:
        BundleError: The file has no such part.
    """
    path = folder / TOKENIZER_FILE
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if part not in content:
        raise BundleError(f"{folder / TOKENIZER_FILE} has no part {part!r}; export the bundle again")
    found: dict[str, Any] = content[part]
    return found


def write_part(folder: Path, part: str, content: dict[str, Any]) -> None:
    """Adds a part to a bundle's `tokenizer.json`."""
    path = folder / TOKENIZER_FILE
    parts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(parts | {part: content}, ensure_ascii=False) + "\n", encoding="utf-8")


def encode(segmenter: Segmenter, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    """Ids of each text as an encoder reads them.

    Args:
        segmenter: Cuts the texts.
        texts: Any strings.
        max_tokens: The longest input, special tokens included; of a longer text the head and the tail are
            kept, `HEAD_SHARE` of it from the head. A text's end is that of its first
            `MAX_CHARACTERS` characters.

    Returns:
        A list of ids for each text, with the special tokens, at least those, at most `max_tokens` long.
    """
    room = max_tokens - len(segmenter.start) - len(segmenter.end)
    return [[*segmenter.start, *_fit(ids, room), *segmenter.end] for ids in segmenter.ids(texts)]


def _readable(text: str) -> str:
    """The part of a text that is read, without lone surrogates, which no UTF-8 string can hold."""
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _fit(ids: list[int], room: int) -> list[int]:
    if len(ids) <= room:
        return ids
    head = int(room * HEAD_SHARE)
    return ids[:head] + ids[len(ids) - (room - head) :]


def _frame(tokenizer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The special tokens that a tokeniser puts before and behind a text."""
    bare = tokenizer.encode("a", add_special_tokens=False).ids
    framed = tokenizer.encode("a").ids
    start = next(i for i in range(len(framed) + 1) if framed[i : i + len(bare)] == bare)
    return tuple(framed[:start]), tuple(framed[start + len(bare) :])
