from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapor_route.batch.readers import open_source
from lapor_route.batch.rows import Slice
from lapor_route.errors import InputError
from lapor_route.scale.plan import aligned, join_columns, make_parts, plan_file
from lapor_route.scale.storage import Storage
from tests.scale.archives import WRITERS, write_csv, write_jsonl

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("most", [1, 7, 250, 299, 300, 301, 5000])
@pytest.mark.parametrize("kind", WRITERS)
def test_slices_are_the_file(tmp_path: Path, kind: str, most: int) -> None:
    path = WRITERS[kind](tmp_path / f"in{kind}", 1000)
    source = open_source(path, list_columns=False)
    slices = list(source.slices(most))
    whole = list(open_source(path, list_columns=True).rows())
    assert [part.rows for part in slices[:-1]] == [most] * (len(slices) - 1)
    assert sum(part.rows for part in slices) == len(whole)
    assert [row for part in slices for row in open_source(path, list_columns=False).rows(part)] == whole
    assert source.columns == open_source(path, list_columns=True).columns


@settings(max_examples=200)
@given(
    content=st.text(alphabet='a,"\n\r\0é\ufeff', max_size=60).map(str.encode) | st.binary(max_size=60),
    most=st.integers(1, 5),
    kind=st.sampled_from([".csv", ".jsonl"]),
)
def test_any_bytes_are_cut_as_they_are_read(tmp_path: Path, content: bytes, most: int, kind: str) -> None:
    path = tmp_path / f"in{kind}"
    path.write_bytes(b"a,b\n" + content)
    try:
        source = open_source(path, list_columns=False)
    except InputError:
        return
    whole = list(source.rows())
    slices = list(source.slices(most))
    assert [row for part in slices for row in source.rows(part)] == whole


def test_a_record_at_the_end_of_a_slice_reads_on(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('text\n"a\nb"\n"c\n' + "d\n" * 500)
    slices = list(open_source(path, list_columns=False).slices(2))
    assert slices[:2] == [Slice(0, 0, 2), Slice(14, 4, 2)]


def test_parts_are_named_in_the_order_of_the_input(tmp_path: Path) -> None:
    for name, rows in (("b.jsonl", 1100), ("a.jsonl", 10), ("c/a.jsonl", 1)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_jsonl(tmp_path / name, rows)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".hidden").touch()
    storage = Storage.at(str(tmp_path))
    files = storage.inputs()
    assert [file.name for file in files] == ["a.jsonl", "b.jsonl", "c/a.jsonl"]
    plans = [plan_file(storage, file, 512) for file in files]
    parts = make_parts(plans)
    assert [(part.file, part.slice.rows) for part in parts] == [(0, 10), (1, 512), (1, 512), (1, 76), (2, 1)]
    assert [part.name for part in parts] == sorted(part.name for part in parts)
    assert "kunci1" in join_columns(files, plans)


def test_parts_have_whole_windows() -> None:
    assert [aligned(rows) for rows in (1, 512, 513, 8192)] == [512, 512, 1024, 8192]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.csv", "b.jsonl"], "mixes .csv and .jsonl"),
        (["a.jsonl", "b.jsonl.gz"], "must end in"),
        ([], "holds no"),
    ],
)
def test_folders_that_can_not_be_read_whole_are_refused(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=message):
        Storage.at(str(tmp_path)).inputs()


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing at"):
        Storage.at(str(tmp_path / "none")).inputs()
    with pytest.raises(InputError, match="can't be used"):
        Storage.at("nonsense://x/y").inputs()


def test_tables_of_a_folder_must_be_alike(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", 3)
    (tmp_path / "b.csv").write_text("isi\nx\n")
    storage = Storage.at(str(tmp_path))
    files = storage.inputs()
    with pytest.raises(InputError, match=r"b\.csv and a\.csv have other columns"):
        join_columns(files, [plan_file(storage, file, 512) for file in files])
