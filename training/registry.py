"""Builds `src/lapor_route/bodies/registry.json` from the reference tables: `python -m training.registry`.

The tables (`bodies.csv`, `successions.csv`) live outside the repository, at `../shared/reference`; the
checked result is committed. Ministries that follow from the cabinet of October 2024 are written here, as
bodies that exist later and weren't among the 679 connected in April 2023.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from pathlib import Path
from typing import Any

from lapor_route.bodies.schema import parse_registry

VERSION = "2023-04.1"
TARGET = Path(__file__).parent.parent / "src/lapor_route/bodies/registry.json"
CABINET_2024 = "2024-10-21"

# Later bodies: id -> (name, abbreviation, kind, first day, predecessors). Sources: Perpres 139/2024 and
# later; dates are common knowledge and to be checked before one relies on the day.
LATER: dict[str, tuple[str, str, str, str, tuple[str, ...]]] = {
    "kemenko-polkam": (
        "Kementerian Koordinator Bidang Politik dan Keamanan",
        "Kemenko Polkam",
        "ministry",
        CABINET_2024,
        ("kemenko-polhukam",),
    ),
    "kemenko-kumham-imipas": (
        "Kementerian Koordinator Bidang Hukum, Hak Asasi Manusia, Imigrasi, dan Pemasyarakatan",
        "Kemenko Kumham Imipas",
        "ministry",
        CABINET_2024,
        ("kemenko-polhukam",),
    ),
    "kemenko-infra": (
        "Kementerian Koordinator Bidang Infrastruktur dan Pembangunan Kewilayahan",
        "Kemenko Infra",
        "ministry",
        CABINET_2024,
        ("kemenko-marves",),
    ),
    "kemenko-pangan": (
        "Kementerian Koordinator Bidang Pangan",
        "Kemenko Pangan",
        "ministry",
        CABINET_2024,
        ("kemenko-marves",),
    ),
    "kemenko-pm": (
        "Kementerian Koordinator Bidang Pemberdayaan Masyarakat",
        "Kemenko PM",
        "ministry",
        CABINET_2024,
        (),
    ),
    "kemenkum": ("Kementerian Hukum", "Kemenkum", "ministry", CABINET_2024, ("kemenkumham",)),
    "kemenham": ("Kementerian Hak Asasi Manusia", "KemenHAM", "ministry", CABINET_2024, ("kemenkumham",)),
    "kemenimipas": (
        "Kementerian Imigrasi dan Pemasyarakatan",
        "Kemenimipas",
        "ministry",
        CABINET_2024,
        ("kemenkumham",),
    ),
    "kemendikdasmen": (
        "Kementerian Pendidikan Dasar dan Menengah",
        "Kemendikdasmen",
        "ministry",
        CABINET_2024,
        ("kemendikbudristek",),
    ),
    "kemdiktisaintek": (
        "Kementerian Pendidikan Tinggi, Sains, dan Teknologi",
        "Kemdiktisaintek",
        "ministry",
        CABINET_2024,
        ("kemendikbudristek",),
    ),
    "kemenbud": ("Kementerian Kebudayaan", "Kemenbud", "ministry", CABINET_2024, ("kemendikbudristek",)),
    "kemenpu": ("Kementerian Pekerjaan Umum", "Kemen PU", "ministry", CABINET_2024, ("kemenpupr",)),
    "kemenpkp": (
        "Kementerian Perumahan dan Kawasan Permukiman",
        "Kemen PKP",
        "ministry",
        CABINET_2024,
        ("kemenpupr",),
    ),
    "klh": (
        "Kementerian Lingkungan Hidup/Badan Pengendalian Lingkungan Hidup",
        "KLH/BPLH",
        "ministry",
        CABINET_2024,
        ("klhk", "brgm"),
    ),
    "kemenhut": ("Kementerian Kehutanan", "Kemenhut", "ministry", CABINET_2024, ("klhk", "brgm")),
    "kemendes-pdt": (
        "Kementerian Desa dan Pembangunan Daerah Tertinggal",
        "Kemendes PDT",
        "ministry",
        CABINET_2024,
        ("kemendes",),
    ),
    "kementrans": ("Kementerian Transmigrasi", "Kementrans", "ministry", CABINET_2024, ("kemendes",)),
    "kemenkop": ("Kementerian Koperasi", "Kemenkop", "ministry", CABINET_2024, ("kemenkop-ukm",)),
    "kemenumkm": (
        "Kementerian Usaha Mikro, Kecil, dan Menengah",
        "Kementerian UMKM",
        "ministry",
        CABINET_2024,
        ("kemenkop-ukm",),
    ),
    "kemenpar": ("Kementerian Pariwisata", "Kemenpar", "ministry", CABINET_2024, ("kemenparekraf",)),
    "kemenekraf": (
        "Kementerian Ekonomi Kreatif/Badan Ekonomi Kreatif",
        "Kemenekraf",
        "ministry",
        CABINET_2024,
        ("kemenparekraf",),
    ),
    "komdigi": (
        "Kementerian Komunikasi dan Digital",
        "Komdigi",
        "ministry",
        CABINET_2024,
        ("kominfo",),
    ),
    "kemeninves": (
        "Kementerian Investasi dan Hilirisasi/Badan Koordinasi Penanaman Modal",
        "Kemeninves/BKPM",
        "ministry",
        CABINET_2024,
        ("bkpm",),
    ),
    "kemenp2mi": (
        "Kementerian Pelindungan Pekerja Migran Indonesia/BP2MI",
        "KemenP2MI",
        "ministry",
        CABINET_2024,
        ("bp2mi",),
    ),
    "kemendukbangga": (
        "Kementerian Kependudukan dan Pembangunan Keluarga/BKKBN",
        "Kemendukbangga",
        "ministry",
        CABINET_2024,
        ("bkkbn",),
    ),
    "bpjph": ("Badan Penyelenggara Jaminan Produk Halal", "BPJPH", "agency", CABINET_2024, ()),
    "kemenhaj": ("Kementerian Haji dan Umrah", "Kemenhaj", "ministry", "2025-09-08", ()),
    "bp-bumn": (
        "Badan Pengaturan Badan Usaha Milik Negara",
        "BP BUMN",
        "agency",
        "2025-10-02",
        ("kemenbumn",),
    ),
    "angkasa-pura-indonesia": (
        "PT Angkasa Pura Indonesia (InJourney Airports)",
        "InJourney Airports",
        "agency",
        "2024-09-09",
        ("ap1", "ap2"),
    ),
    "konsil-kesehatan-indonesia": (
        "Konsil Kesehatan Indonesia",
        "KKI (baru)",
        "agency",
        "2023-08-08",
        ("kki", "ktki"),
    ),
    "barantin": ("Badan Karantina Indonesia", "Barantin", "agency", "2023-07-20", ()),
    "bgn": ("Badan Gizi Nasional", "BGN", "agency", "2024-08-15", ()),
}

# Bodies that ended without one heir of their own name: id -> (last day, successors).
ENDED: dict[str, tuple[str, tuple[str, ...]]] = {
    "kemenko-marves": ("2024-10-20", ("kemenko-infra", "kemenko-pangan")),
    "kasn": ("2024-12-31", ("bkn", "kemenpanrb")),
    "brgm": ("2024-12-31", ("klh", "kemenhut")),
    "setkab": ("2024-10-20", ("kemensetneg",)),
}


def build(reference: Path) -> dict[str, Any]:
    """The registry as JSON-ready data, from the folder with `bodies.csv`."""
    with (reference / "bodies.csv").open(encoding="utf-8", newline="") as file:
        bodies = [_body(row) for row in csv.DictReader(file)]
    by_id = {body["id"]: body for body in bodies}
    for body_id, (name, abbreviation, kind, first_day, predecessors) in LATER.items():
        bodies.append(
            {
                "id": body_id,
                "name": name,
                "abbreviation": abbreviation,
                "kind": kind,
                "subtype": "kementerian" if kind == "ministry" else "lembaga",
                "connected": False,
                "certainty": "C",
                "valid_from": first_day,
                "source": "Perpres 139/2024 dan sesudahnya; tanggal perlu dicek ulang",
            }
        )
        for predecessor in predecessors:
            old = by_id[predecessor]
            old.setdefault("successors", []).append(body_id)
            old["valid_until"] = ENDED.get(predecessor, (_day_before(first_day), ()))[0]
    for body_id, (last_day, successors) in ENDED.items():
        by_id[body_id] |= {"valid_until": last_day, "successors": list(successors)}
    return {"version": VERSION, "bodies": bodies}


def _body(row: dict[str, str]) -> dict[str, Any]:
    aliases = dict.fromkeys(
        re.sub(r"\s*\(.*?\)", "", alias).strip() for alias in row["aliases"].split(";") if alias.strip()
    )
    codes = {
        "2025": row["region_code"],
        "2022": row["region_code_2022"],
        "2021": row["region_code_2021"],
    }
    body: dict[str, Any] = {
        "id": row["id"],
        "name": row["name"],
        "abbreviation": row["abbreviation"],
        "aliases": list(aliases),
        "kind": row["kind"],
        "subtype": row["subtype"],
        "codes": {vintage: code for vintage, code in codes.items() if code},
        "parent": row["parent"] or None,
        "capital": row["capital"] or None,
        "connected": row["connected"] == "yes",
        "certainty": row["certainty"],
        "source": row["source"],
    }
    return {key: value for key, value in body.items() if value not in ([], {}, None, "")}


def _day_before(date: str) -> str:
    year, month, day = map(int, date.split("-"))
    return f"{year}-{month:02}-{day - 1:02}"


def main() -> None:
    """Command line: writes the registry and says what it holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, default=Path("../shared/reference"))
    reference: Path = parser.parse_args().reference
    data = build(reference)
    parse_registry(data, str(reference / "bodies.csv"))
    lines = ",\n".join(json.dumps(body, ensure_ascii=False) for body in data["bodies"])
    TARGET.write_text(f'{{"version": "{data["version"]}", "bodies": [\n{lines}\n]}}\n', encoding="utf-8")
    connected = sum(body.get("connected", True) for body in data["bodies"])
    print(f"{TARGET}: {len(data['bodies'])} bodies, {connected} connected")


if __name__ == "__main__":
    main()
