"""What the tests of `lapor_route.scale` share: written rows, hostile ones among them, and an engine without Ray."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from lapor_route.batch import route_file
from lapor_route.scale.plan import plan_file
from lapor_route.scale.worker import PartRouter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lapor_route import Router
    from lapor_route.scale.plan import FilePlan, Part
    from lapor_route.scale.storage import FoundFile, Storage
    from lapor_route.scale.worker import Work

TEXTS = (
    "listrik padam di Kec. Depok, Sleman",
    "kartu JKN nonaktif",
    "sampah menumpuk di TPS Kota Surabaya",
    "SMA negeri memungut uang, Jawa Tengah",
    "",
    "jual rumah 😀",
    'kutip "dua"\nbaris, dan koma',
)


def write_jsonl(path: Path, rows: int) -> Path:
    """Rows of which every eleventh can't be used, with blank lines and keys that come late."""
    hostile = (b"{not json", b'["list"]', b'{"text": 5}', b'{"isi": "x"}', b'{"text": "\xff\xfe"}', b"5")
    lines = []
    for number in range(rows):
        if number % 11 == 10:
            lines.append(hostile[number // 11 % len(hostile)])
            continue
        row: dict[str, Any] = {"nomor": number, "text": f"{TEXTS[number % len(TEXTS)]} {number}"}
        if number % 7 == 3:
            row |= {"error": "lama", "place": "Kab. Klaten", f"kunci{number // 400}": [number]}
        lines.append(json.dumps(row, ensure_ascii=number % 2 == 0).encode())
        if number % 13 == 0:
            lines.append(b"")
    path.write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines))
    return path


def write_csv(path: Path, rows: int) -> Path:
    """Rows with quoted newlines, wrong fields, broken bytes, and a quote that is never closed."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("\ufeff\nnomor,text,place\n")
        writer = csv.writer(file)
        for number in range(rows):
            writer.writerow([number, f"{TEXTS[number % len(TEXTS)]} {number}", ""])
    lines = path.read_bytes().split(b"\r\n")
    for number in range(20, len(lines), 37):
        lines[number] = (b"1,a,b,c,d", b"\xff\xfe,x,", b'7,"tidak ditutup,', b"", b"9")[number % 5]
    path.write_bytes(b"\r\n".join(lines))
    return path


def write_parquet(path: Path, rows: int) -> Path:
    """Row groups of 300, a column of times, and texts that aren't UTF-8."""
    texts = [f"{TEXTS[number % len(TEXTS)]} {number}".encode() for number in range(rows)]
    texts[7::100] = [b"listrik \xff padam"] * len(texts[7::100])
    table = pa.table(
        {
            "text": pa.array(texts, pa.binary()).view(pa.string()),
            "when": pa.array([2**62 - number for number in range(rows)], pa.timestamp("ns")),
            "nomor": pa.array(range(rows), pa.int64()),
        }
    )
    pq.write_table(table, path, row_group_size=300)
    return path


WRITERS = {".jsonl": write_jsonl, ".csv": write_csv, ".parquet": write_parquet}


def routed_here(router: Router, source: Path, target: Path) -> pa.Table:
    """What the local engine makes of a file."""
    route_file(router, source, target)
    return pq.read_table(target)


def routed_there(folder: Path) -> pa.Table:
    """What is in the output folder, in the order of the files' names."""
    return pa.concat_tables(pq.read_table(path) for path in sorted(folder.glob("part-*.parquet")))


class Here:
    """An engine in this process.

    Args:
        stop_after: Parts after which it stops as if it were killed.
    """

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.planned = 0
        self.routed: list[str] = []

    def plan(self, source: Storage, files: Sequence[FoundFile], rows: int) -> list[FilePlan]:
        self.planned += 1
        return [plan_file(source, file, rows) for file in files]

    def route(self, work: Work, parts: Sequence[Part]) -> Iterator[str]:
        worker = PartRouter(work)
        for number, part in enumerate(parts):
            if number == self.stop_after:
                raise KeyboardInterrupt
            self.routed.append(part.name)
            yield worker.answer(part)
