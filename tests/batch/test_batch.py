from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapor_route.batch import route_file
from lapor_route.errors import InputError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from lapor_route import Router

TEXTS = ["Jalan berlubang di Kec. Depok, Sleman", "kartu JKN nonaktif", "", "listrik padam 😀"]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n") if line]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


@pytest.mark.parametrize("target", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize("source", [".jsonl", ".csv", ".parquet"])
def test_every_pair_of_formats(tmp_path: Path, router: Router, source: str, target: str) -> None:
    rows = [{"nomor": number, "text": text, "place": ""} for number, text in enumerate(TEXTS)]
    output = tmp_path / f"out{target}"
    summary = route_file(router, write(tmp_path / f"in{source}", rows), output)
    found = read(output)
    assert summary.rows == len(found) == len(rows)
    assert summary.errors == 0
    assert sum(summary.decisions.values()) == len(rows)
    assert [str(row["nomor"]) for row in found] == ["0", "1", "2", "3"]
    assert [row["text"] for row in found] == TEXTS
    if target == ".jsonl":
        assert [row["routing"] for row in found] == [r.to_dict() for r in router.route_many(TEXTS)]
    else:
        assert json.loads(found[0]["candidates"])[0]["body_id"] == "pemkab-sleman"
        assert {row["decision"] for row in found} <= {"forward", "review", "ask"}
        assert float(found[0]["probability"]) > 0.5


def test_bad_rows_stay_in_their_place(tmp_path: Path, router: Router) -> None:
    lines = [
        b'{"text": "listrik padam"}',
        b"{not json",
        b'{"other": 1}',
        b'{"text": 5}',
        b'{"text": null}',
        b'["list"]',
        b'{"text": "\xff\xfe broken"}',
        b'{"text": "ktp", "place": 7}',
        b'{"text": "sampah di Solo"}',
    ]
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(lines))
    summary = route_file(router, source, tmp_path / "out.jsonl")
    found = read(tmp_path / "out.jsonl")
    assert (summary.rows, summary.errors) == (9, 7)
    assert ["error" in row for row in found] == [False, *[True] * 7, False]
    assert ["routing" in row for row in found] == [True, *[False] * 7, True]
    assert found[1]["raw"] == "{not json"
    assert "line 2" in found[1]["error"]


def test_csv_rows_with_wrong_fields(tmp_path: Path, router: Router) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(b'id,text\n1,listrik padam\n2\n3,a,b,c\n4,"nul\x00 byte"\n5,"two\nlines"\n6,\xff\xfe\n')
    summary = route_file(router, source, tmp_path / "out.csv")
    found = read(tmp_path / "out.csv")
    assert (summary.rows, summary.errors) == (6, 3)
    assert [row["id"] for row in found] == ["1", "2", "3", "4", "5", "6"]
    assert [bool(row["error"]) for row in found] == [False, True, True, False, False, True]
    assert found[2]["text"] == "a,b,c"
    assert found[4]["text"] == "two\nlines"


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path: Path, router: Router) -> None:
    source = tmp_path / "in.csv"
    good = "".join(f"{i},baris nomor {i}\n" for i in range(1000))
    source.write_text('id,text\nx,"tidak ditutup\n' + good)
    summary = route_file(router, source, tmp_path / "out.csv")
    found = read(tmp_path / "out.csv")
    assert (summary.rows, summary.errors) == (1001, 1)
    assert "not closed" in found[0]["error"]
    assert [row["id"] for row in found[1:]] == [str(i) for i in range(1000)]


def test_a_carriage_return_outside_quotes_costs_one_row(tmp_path: Path, router: Router) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(b"id,text\n1,listrik\rpadam\n2,ktp\r\n")
    summary = route_file(router, source, tmp_path / "out.csv")
    found = read(tmp_path / "out.csv")
    assert (summary.rows, summary.errors) == (2, 1)
    assert [(row["text"], row["error"]) for row in found] == [
        ("listrik padam", "line 2 has a carriage return outside quotes"),
        ("ktp", ""),
    ]


def test_blank_lines_of_a_one_column_csv_are_rows(tmp_path: Path, router: Router) -> None:
    source = tmp_path / "in.csv"
    source.write_text("\ntext\nlistrik padam\n\nktp\n")
    assert route_file(router, source, tmp_path / "out.csv").rows == 3


def test_odd_parquet_columns(tmp_path: Path, router: Router) -> None:
    table = pa.table(
        {
            "text": pa.array([b"listrik \xff padam", b"ktp"]).cast(pa.binary()).view(pa.string()),
            "when": pa.array([1, 2**62], pa.timestamp("ns")),
            "took": pa.array([1, 2], pa.duration("ns")),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    summary = route_file(router, tmp_path / "in.parquet", tmp_path / "out.parquet")
    found = read(tmp_path / "out.parquet")
    assert (summary.rows, summary.errors) == (2, 1)
    assert found[0]["error"] == "column 'text' isn't UTF-8"
    assert [row["took"] for row in found] == ["1", "2"]


def test_parquet_values_that_python_can_not_hold_cost_their_rows(tmp_path: Path, router: Router) -> None:
    broken = pa.array([b"a\xff", b"b", b"c"], pa.binary()).view(pa.string())
    times = pa.array([0, 2**62, 0], pa.int64()).cast(pa.timestamp("ms"))
    table = pa.table(
        {
            "text": pa.array(["listrik padam", "ktp", "jalan"]),
            "tags": pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), broken),
            "times": pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), times),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    summary = route_file(router, tmp_path / "in.parquet", tmp_path / "out.jsonl")
    found = read(tmp_path / "out.jsonl")
    assert (summary.rows, summary.errors) == (3, 2)
    assert [row["text"] for row in found] == ["listrik padam", "ktp", "jalan"]
    assert found[0]["error"] == "column 'tags' can't be read: UnicodeDecodeError"
    assert found[1]["error"] == "column 'times' can't be read: OverflowError"


def test_lone_surrogates_reach_every_format(tmp_path: Path, router: Router) -> None:
    source = tmp_path / "in.jsonl"
    lines = ['{"text": "jalan \\ud800 rusak", "n": 1, "\\udc00": 2}', '{"text": "x", "n": ' + "9" * 5000 + "}"]
    source.write_text("\n".join(lines))
    for suffix in (".jsonl", ".csv", ".parquet"):
        summary = route_file(router, source, tmp_path / f"out{suffix}")
        assert (summary.rows, summary.errors) == (2, 1)


def test_keys_of_a_jsonl_row_are_kept_beside_ours(tmp_path: Path, router: Router) -> None:
    source = write(tmp_path / "in.jsonl", [{"text": "listrik padam", "routing": "mine", "error": "old"}])
    route_file(router, source, tmp_path / "out.jsonl")
    row = read(tmp_path / "out.jsonl")[0]
    assert (row["input_routing"], row["input_error"]) == ("mine", "old")
    assert row["routing"]["decision"]
    assert "error" not in row


def test_a_wrong_text_column_of_jsonl_is_refused(tmp_path: Path, router: Router) -> None:
    source = write(tmp_path / "in.jsonl", [{"isi": "listrik"}] * 3)
    with pytest.raises(InputError, match="--text-column"):
        route_file(router, source, tmp_path / "out.jsonl")
    source.write_bytes(b"\x1f\x8b\x08\x00\n\x00")
    with pytest.raises(InputError, match="no line is a JSON object"):
        route_file(router, source, tmp_path / "out.parquet")


def test_a_missing_header_is_told_without_the_first_complaint(tmp_path: Path, router: Router) -> None:
    source = tmp_path / "in.csv"
    source.write_text("NIK 3374010101700001 Budi,lampu jalan di depan rumah saya padam sejak kemarin,0812345\n")
    with pytest.raises(InputError, match=r"none that looks like a name.*Is its first line a header\?") as caught:
        route_file(router, source, tmp_path / "out.csv")
    assert "Budi" not in str(caught.value)
    assert "lampu" not in str(caught.value)


def test_columns_of_the_input_are_never_overwritten(tmp_path: Path, router: Router) -> None:
    source = write(tmp_path / "in.csv", [{"text": "listrik padam", "body_id": "label"}])
    route_file(router, source, tmp_path / "out.csv")
    row = read(tmp_path / "out.csv")[0]
    assert row["body_id"] == "label"
    assert "routing_body_id" in row
    assert row["decision"] in ("forward", "review", "ask")


def test_other_column_names_and_the_place(tmp_path: Path, router: Router) -> None:
    rows = [{"isi": "jalan kampung rusak parah", "lokasi": "Kab. Klaten"}]
    source = write(tmp_path / "in.jsonl", rows)
    route_file(router, source, tmp_path / "out.jsonl", text_column="isi", place_column="lokasi", top_k=2)
    candidates = read(tmp_path / "out.jsonl")[0]["routing"]["candidates"]
    assert candidates[0]["body_id"] == "pemkab-klaten"
    assert len(candidates) == 2


def test_jsonl_rows_with_different_keys_keep_them_all_in_a_table(tmp_path: Path, router: Router) -> None:
    rows: list[dict[str, Any]] = [{"text": "listrik"}, {"text": "ktp", "tag": ["a", {"b": 1}]}]
    route_file(router, write(tmp_path / "in.jsonl", rows), tmp_path / "out.csv")
    assert read(tmp_path / "out.csv")[1]["tag"] == '["a", {"b": 1}]'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", b"", "empty"),
        ("in.csv", b"a,b\n1,2\n", "no column 'text'"),
        ("in.csv", b"text,text\n1,2\n", "twice"),
        ("in.csv", b"\n\n", "empty"),
        ("in.csv", "\ufefftext\n".encode("utf-16"), "UTF-16"),
        ("in.parquet", b"not parquet", "can't be read as Parquet"),
        ("in.txt", b"x", "must end in"),
    ],
)
def test_unreadable_input_is_refused(
    tmp_path: Path, router: Router, name: str, content: bytes, message: str
) -> None:
    source = tmp_path / name
    source.write_bytes(content)
    with pytest.raises(InputError, match=message):
        route_file(router, source, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_the_output_must_be_writable_and_another_file(tmp_path: Path, router: Router) -> None:
    source = write(tmp_path / "in.jsonl", [{"text": "x"}])
    with pytest.raises(InputError, match="overwrite"):
        route_file(router, source, source)
    with pytest.raises(InputError, match="must end in"):
        route_file(router, source, tmp_path / "out.xlsx")
    with pytest.raises(OutputError, match="can't be written"):
        route_file(router, source, tmp_path / "missing" / "out.jsonl")
    with pytest.raises(InputError, match="no file"):
        route_file(router, tmp_path / "none.jsonl", tmp_path / "out.jsonl")


def test_an_interrupted_batch_leaves_no_output(tmp_path: Path, router: Router) -> None:
    source = write(tmp_path / "in.jsonl", [{"text": "x"}] * 10)

    def stop(done: int, size: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        route_file(router, source, tmp_path / "out.jsonl", progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_progress_reaches_the_size(tmp_path: Path, router: Router) -> None:
    seen: list[tuple[int, int]] = []
    source = write(tmp_path / "in.jsonl", [{"text": "x"}] * 600)
    route_file(router, source, tmp_path / "out.jsonl", progress=lambda done, size: seen.append((done, size)))
    assert seen[-1][0] == seen[-1][1] == source.stat().st_size
    assert len(seen) > 1


@settings(max_examples=40)
@given(lines=st.lists(st.binary(max_size=60).filter(lambda line: bool(line.strip()) and b"\n" not in line)))
def test_no_line_of_random_bytes_is_lost(tmp_path: Path, router: Router, lines: list[bytes]) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(b"x" + line for line in lines))
    summary = route_file(router, source, tmp_path / "out.jsonl")
    assert summary.rows == summary.errors == len(lines) == len(read(tmp_path / "out.jsonl"))


@settings(max_examples=40)
@given(texts=st.lists(st.text(max_size=60), min_size=1))
def test_any_text_survives_a_csv(tmp_path: Path, router: Router, texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode().replace("\0", "").replace("\r", "") for text in texts]
    source = write(tmp_path / "in.csv", [{"id": "1", "text": text} for text in texts])
    route_file(router, source, tmp_path / "out.csv")
    assert [row["text"] for row in read(tmp_path / "out.csv")] == texts
