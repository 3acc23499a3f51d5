"""Builds `training/places/hospitals.tsv` (hospital, body) from the reference table: `python -m training.hospitals`.

The table names hospitals, their province and their owner's kind, but not the kabupaten/kota: that follows from the
registration code, whose first four digits are shared by the hospitals of one kabupaten/kota, some of which carry
its name. A hospital of a province belongs to the province; any other tells its kabupaten/kota, whoever owns it.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from lapor_route.bodies import Registry
from lapor_route.text import squeeze

if TYPE_CHECKING:
    from lapor_route.bodies import Body

TARGET = Path(__file__).parent / "places/hospitals.tsv"
_GENERIC = re.compile(
    r"(?i)^(rs|rumah sakit)( umum| khusus)?( daerah| pusat)?( ibu dan anak| jiwa| mata| gigi dan mulut)?\s*"
)
_KINDS = {"Pemkab": "regency", "Pemkot": "city"}
_SHORTEST = 8


def main() -> None:
    """Command line: writes the table and says how many hospitals found their body."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, default=Path("../shared/reference"))
    registry = Registry.load()
    with (parser.parse_args().reference / "hospitals.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if re.fullmatch(r"\d{7}", row["kode_rs"] or "")]
    area = areas(rows, registry)
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        body = owner(row, area.get(row["kode_rs"][:4]), registry)
        for name in names(row["name"]) if body else ():
            found[name].add(body.id if body else "")
    lines = [f"{name}\t{bodies.pop()}" for name, bodies in sorted(found.items()) if len(bodies) == 1]
    TARGET.write_text("\n".join(["name\tbody_id", *lines]) + "\n", encoding="utf-8")
    print(f"{TARGET}: {len(lines)} names; {len(area)} of {len({r['kode_rs'][:4] for r in rows})} code areas known")


def areas(rows: list[dict[str, str]], registry: Registry) -> dict[str, Body]:
    """The kabupaten/kota of each four-digit code, by the hospitals there that carry its name."""
    by_province: dict[str, list[tuple[str, Body]]] = defaultdict(list)
    for body in registry:
        if body.kind in ("regency", "city") and body.parent:
            bare = re.sub(r"^Pemerintah (Kabupaten|Kota) ", "", body.name)
            by_province[body.parent].append((squeeze(bare), body))
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        province = registry.by_name(f"Provinsi {row['province']}") or registry.by_name(row["province"])
        parents = [body.id for body in province if body.kind == "province"]
        key = squeeze(row["name"])
        for bare, body in by_province.get(parents[0], []) if parents else []:
            kind = _KINDS.get(row["owner"])
            if bare in key and (kind is None or kind == body.kind):
                votes[row["kode_rs"][:4]][body.id] += 3 if kind else 1
    return {code: registry[counter.most_common(1)[0][0]] for code, counter in votes.items() if sure(counter)}


def sure(counter: Counter[str]) -> bool:
    """Whether one body has at least three votes and twice as many as the next."""
    ranked = [n for _, n in counter.most_common(2)]
    return ranked[0] >= 3 and (len(ranked) == 1 or ranked[0] >= 2 * ranked[1])


def owner(row: dict[str, str], area: Body | None, registry: Registry) -> Body | None:
    """The body that a hospital's name points to."""
    if row["owner"] == "Pemprop":
        found = registry.by_name(f"Provinsi {row['province']}") or registry.by_name(row["province"])
        return next((body for body in found if body.kind == "province"), None)
    kind = _KINDS.get(row["owner"])
    return area if area and kind in (None, area.kind) else None


def names(full: str) -> set[str]:
    """How people write a hospital's name: "RSUD X", "RS X" and "Rumah Sakit X" for "RS Umum Daerah X"."""
    proper = _GENERIC.sub("", full).strip()
    if len(squeeze(proper)) < _SHORTEST:
        return set()
    short = ["RSUD", "RS"] if re.search(r"(?i)umum daerah", full) else ["RS"]
    return {f"{word} {proper}" for word in (*short, "Rumah Sakit")}


if __name__ == "__main__":
    main()
