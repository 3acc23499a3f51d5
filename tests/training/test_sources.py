"""How the kit reads a user's dispositions; the other tests of the kit take their complaints from here."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from lapor_route.errors import InputError
from training.data import Example, read_sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lapor_route.bodies import Registry

PROBLEMS = {
    "pln": (
        "listrik padam bergilir",
        "token listrik ditolak meteran",
        "kabel listrik menjuntai rendah",
        "tegangan listrik naik turun",
        "meteran listrik berasap",
        "gardu listrik meledak",
    ),
    "bpjs-kesehatan": (
        "kartu jkn tidak aktif",
        "iuran jkn ditagih dua kali",
        "puskesmas menolak peserta jkn",
        "rujukan jkn dipersulit",
        "data keluarga di jkn keliru",
        "autodebet iuran jkn gagal",
    ),
    "pemkab-sleman": (
        "sampah menumpuk di Kabupaten Sleman",
        "got tersumbat di Kabupaten Sleman",
        "pasar becek di Kabupaten Sleman",
        "trotoar pecah di Kabupaten Sleman",
        "taman gelap di Kabupaten Sleman",
        "sumur warga keruh di Kabupaten Sleman",
    ),
    "pemprov-jawa-barat": (
        "guru sma negeri menarik pungutan di Provinsi Jawa Barat",
        "ijazah smk ditahan sekolah di Provinsi Jawa Barat",
        "samsat meminta pungli di Provinsi Jawa Barat",
        "pajak motor salah hitung di Provinsi Jawa Barat",
        "seragam sma dipaksa beli di Provinsi Jawa Barat",
        "ruang kelas smk bocor di Provinsi Jawa Barat",
    ),
    "out_of_scope": (
        "jual kebun murah",
        "promo pulsa akhir pekan",
        "selamat ulang tahun kawan",
        "cari teman mancing",
        "resep sambal enak",
        "halo apa kabar semua",
    ),
}
"""Six problems for each of five bodies, written for these tests."""
FRAMES = (
    "{} sejak kemarin",
    "Mohon bantuannya, {}",
    "Sudah seminggu {}, belum ada tanggapan",
    "Kenapa {}?",
    "{}. Tolong segera ditindaklanjuti",
)


def complaints() -> list[dict[str, Any]]:
    """150 dispositions: every problem in every frame, the bodies taking turns."""
    pairs = [(problem, frame) for problem in range(6) for frame in FRAMES]
    return [
        {"id": f"{body_id}-{number}", "text": frame.format(problems[problem]), "body_id": body_id}
        for number, (problem, frame) in enumerate(pairs)
        for body_id, problems in PROBLEMS.items()
    ]


def write_jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    pa.parquet.write_table(pa.table({name: [row.get(name) for row in rows] for name in columns}), path)
    return path


def read(path: Path, registry: Registry, **options: Any) -> list[Example]:
    return read_sources([str(path)], registry, **options)


def one(tmp_path: Path, registry: Registry, **row: Any) -> Example:
    """The example of a file with one row."""
    rows = [{"text": "listrik padam", "body_id": "pln"} | row]
    (example,) = read(write_jsonl(tmp_path / "satu.jsonl", rows), registry)
    return example


def test_every_kind_of_file_gives_the_same_examples(tmp_path: Path, registry: Registry) -> None:
    rows = complaints()[:40]
    rows[3] |= {"acceptable": "kesdm;bpjs-kesehatan", "weight": 0.5}
    rows[4] |= {"text": 'kata "mereka", \nbesok; lusa'}
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "catatan.txt").write_text("bukan data")
    jsonl = read(write_jsonl(tmp_path / "kami.jsonl", rows), registry)
    assert len(jsonl) == 40
    assert read(write_csv(tmp_path / "kami.csv", rows), registry) == jsonl
    assert read(write_parquet(tmp_path / "kami.parquet", rows), registry) == jsonl
    assert read(write_jsonl(folder / "kami.jsonl", rows).parent, registry) == jsonl


def test_a_folder_gives_all_its_files_in_order(tmp_path: Path, registry: Registry) -> None:
    rows = complaints()
    write_jsonl(tmp_path / "b.jsonl", rows[:5])
    write_jsonl(tmp_path / "a.jsonl", rows[5:10])
    examples = read(tmp_path, registry)
    assert [example.source for example in examples] == ["a"] * 5 + ["b"] * 5
    both = read_sources([str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")], registry)
    assert both == examples


def test_targets_are_bodies_and_tiers(tmp_path: Path, registry: Registry) -> None:
    examples = read(write_jsonl(tmp_path / "kami.jsonl", complaints()), registry)
    assert {(example.body_id, example.target) for example in examples} == {
        ("pln", "pln"),
        ("bpjs-kesehatan", "bpjs-kesehatan"),
        ("pemkab-sleman", "kabupaten_kota"),
        ("pemprov-jawa-barat", "provinsi"),
        ("out_of_scope", "out_of_scope"),
    }


def test_flat_targets_are_the_bodies(tmp_path: Path, registry: Registry) -> None:
    examples = read(write_jsonl(tmp_path / "kami.jsonl", complaints()), registry, flat=True)
    assert {example.target for example in examples} == set(PROBLEMS)
    assert all(example.target == example.body_id for example in examples)


def test_a_row_without_a_body_is_left_out(tmp_path: Path, registry: Registry) -> None:
    rows = [*complaints()[:2], {"text": "belum dipilah", "body_id": None}, {"text": "juga", "body_id": ""}, {}]
    assert len(read(write_jsonl(tmp_path / "kami.jsonl", rows), registry)) == 2
    assert len(read(write_csv(tmp_path / "kami.csv", rows), registry)) == 2


def test_an_unknown_body_is_refused_with_file_and_row(tmp_path: Path, registry: Registry) -> None:
    rows = complaints()[:3]
    rows[1]["body_id"] = "dinas-angin"
    with pytest.raises(InputError, match=r"kami, row 2: 'dinas-angin' is no body") as caught:
        read(write_jsonl(tmp_path / "kami.jsonl", rows), registry)
    assert "lapor-route bodies" in str(caught.value)


@pytest.mark.parametrize("body_id", [3, ["pln"], {"id": "pln"}])
def test_a_body_of_the_wrong_type_is_refused(tmp_path: Path, registry: Registry, body_id: object) -> None:
    with pytest.raises(InputError, match="satu, row 1"):
        one(tmp_path, registry, body_id=body_id)


@pytest.mark.parametrize("text", [None, 12, ["listrik padam"]])
def test_a_row_without_text_is_refused_with_file_and_row(tmp_path: Path, registry: Registry, text: object) -> None:
    rows = complaints()[:3]
    rows[2]["text"] = text
    with pytest.raises(InputError, match=r"kami, row 3: the column text must hold a string"):
        read(write_jsonl(tmp_path / "kami.jsonl", rows), registry)


def test_a_file_without_the_text_column_is_refused(tmp_path: Path, registry: Registry) -> None:
    rows = [{"isi": "listrik padam", "body_id": "pln"}]
    for path in (write_csv(tmp_path / "a.csv", rows), write_parquet(tmp_path / "b.parquet", rows)):
        with pytest.raises(InputError, match=f"{path.stem}, row 1: the column text"):
            read(path, registry)


@pytest.mark.parametrize("line", ["{", "[1]", '"kata"'])
def test_a_bad_line_is_refused_with_file_and_row(tmp_path: Path, registry: Registry, line: str) -> None:
    path = write_jsonl(tmp_path / "kami.jsonl", complaints()[:2])
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(InputError, match=r"kami\.jsonl, row 3: line 3"):
        read(path, registry)


def test_a_line_that_is_no_utf8_is_refused(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "kami.jsonl"
    path.write_bytes(b'{"text": "caf\xe9", "body_id": "pln"}\n')
    with pytest.raises(InputError, match=r"kami\.jsonl, row 1: line 1 isn't UTF-8"):
        read(path, registry)


def test_a_csv_line_with_too_few_fields_is_refused(tmp_path: Path, registry: Registry) -> None:
    path = write_csv(tmp_path / "kami.csv", complaints()[:2])
    path.write_text(f"{path.read_text()}9,hanya dua\n")
    with pytest.raises(InputError, match=r"kami\.csv, row 3"):
        read(path, registry)


def test_sources_that_cannot_be_read_are_refused(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "kosong").mkdir()
    with pytest.raises(InputError, match=r"kosong holds no \.jsonl files"):
        read(tmp_path / "kosong", registry)
    with pytest.raises(InputError, match=r"there is no file .*hilang\.csv"):
        read(tmp_path / "hilang.csv", registry)
    (tmp_path / "data.xlsx").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"must end in \.jsonl, \.csv or \.parquet"):
        read(tmp_path / "data.xlsx", registry)
    (tmp_path / "rusak.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="can't be read as Parquet"):
        read(tmp_path / "rusak.parquet", registry)


def test_a_key_is_the_id_or_the_place_in_the_file(tmp_path: Path, registry: Registry) -> None:
    assert one(tmp_path, registry, id="LP/12#3").key == "LP/12-3"
    assert one(tmp_path, registry, id=41).key == "41"
    assert one(tmp_path, registry, id=0).key == "0"
    assert one(tmp_path, registry).key == "satu-0"


def test_weights_are_read(tmp_path: Path, registry: Registry) -> None:
    assert one(tmp_path, registry).weight == 1.0
    assert one(tmp_path, registry, weight=0.25).weight == 0.25
    assert one(tmp_path, registry, weight="2").weight == 2.0
    assert one(tmp_path, registry, weight="").weight == 1.0
    assert one(tmp_path, registry, weight=None).weight == 1.0


@pytest.mark.parametrize("weight", ["banyak", [1], 0, "0", -1, "nan", "inf"])
def test_a_weight_that_counts_nothing_is_refused(tmp_path: Path, registry: Registry, weight: object) -> None:
    with pytest.raises(InputError, match=r"satu, row 1: .*weight"):
        one(tmp_path, registry, weight=weight)


def test_other_bodies_that_count_as_right_are_read(tmp_path: Path, registry: Registry) -> None:
    assert one(tmp_path, registry).acceptable == frozenset()
    assert one(tmp_path, registry, acceptable="kesdm").acceptable == {"kesdm"}
    assert one(tmp_path, registry, acceptable="kesdm;bpjs-kesehatan;").acceptable == {"kesdm", "bpjs-kesehatan"}


@pytest.mark.parametrize("acceptable", [["kesdm"], 5])
def test_other_bodies_of_the_wrong_type_are_refused(tmp_path: Path, registry: Registry, acceptable: object) -> None:
    with pytest.raises(InputError, match=r"satu, row 1: .*acceptable"):
        one(tmp_path, registry, acceptable=acceptable)


def test_caps_and_their_weights_are_only_for_sources_of_this_project(tmp_path: Path, registry: Registry) -> None:
    rows = [{"text": f"jalan rusak {i}", "body_id": "pemkot-surabaya", "weight": 2} for i in range(800)]
    own = read(write_jsonl(tmp_path / "kami.jsonl", rows), registry)
    assert len(own) == 800
    assert own[0].weight == 2.0
    path = write_jsonl(tmp_path / "surabaya_2015.jsonl", rows)
    capped = read(path, registry)
    assert len(capped) == 700
    assert capped[0].weight == pytest.approx(1.4)
    assert capped == read(path, registry)
    whole = read(path, registry, caps=False)
    assert len(whole) == 800
    assert whole[0].weight == 2.0


def test_a_hub_data_set_that_cannot_be_reached_is_refused(tmp_path: Path) -> None:
    program = (
        "from lapor_route.bodies import Registry\n"
        "from lapor_route.errors import InputError\n"
        "from training.data import read_sources\n"
        "try:\n"
        "    read_sources(['hub:kami/tidak-ada:validasi'], Registry.load())\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("the data set 'kami/tidak-ada', split 'validasi', can't be loaded from the hub")
