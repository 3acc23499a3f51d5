"""Complaints written for this project: for bodies without public data, the tiers, and what isn't to be forwarded.

The schema is described in `README.md` beside this file.
"""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapor_route.bodies.registry import DKI
from lapor_route.classifiers.protocol import LOCAL, PROVINCE
from training.data import Example
from training.phrases import bare_name, regions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lapor_route.bodies import Registry

HERE = Path(__file__).parent
SLOTS = ("{desa}", "{kec}", "{kab}", "{kabkota}", "{prov}")
"""Where a generator puts a village, a kecamatan, a kabupaten/kota without and with its level word, a province."""
FILLINGS = 2
"""How often a text with slots is used for training, each time with other places."""


def rows() -> Iterator[tuple[Path, int, dict[str, Any]]]:
    """(file, line number, row) of everything that is written."""
    for path in sorted(HERE.glob("*.jsonl")):
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                yield path, number, json.loads(line)


def is_tail(row: dict[str, Any]) -> bool:
    """Whether a row belongs to the held-out fifth, which no model is ever trained on; a contrast pair whole."""
    key = f"{row['contrast']}/{row['pair']}" if "contrast" in row else row["text"]
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % 5 == 0


def has_slots(text: str) -> bool:
    """Whether a text has places to fill in."""
    return any(slot in text for slot in SLOTS)


def fitting(row: dict[str, Any], codes: list[str]) -> list[str]:
    """The kabupaten/kota codes that a text may be filled with: some only make sense in one of both."""
    if "hanya kabupaten" in row["note"]:
        return [code for code in codes if code[3] != "7"]
    if "hanya kota" in row["note"]:
        return [code for code in codes if code[3] == "7"]
    return codes


def fill(text: str, code: str, rng: random.Random) -> str:
    """The text with real places of one kabupaten/kota (`34.04`) in its slots."""
    names, villages = regions()
    village, kecamatan = rng.choice(villages[code])
    values = {
        "{desa}": village,
        "{kec}": kecamatan,
        "{kabkota}": names[code],
        "{kab}": bare_name(names[code]),
        "{prov}": names[code[:2]],
    }
    for slot, value in values.items():
        text = text.replace(slot, value.lower() if text.islower() else value)
    return text


def read_examples(registry: Registry, *, tail: bool = False, seed: int = 11) -> list[Example]:
    """The written examples as training rows: without the held-out fifth, or that fifth alone.

    A text with slots comes `FILLINGS` times (once in the tail), filled with places of random regions; its
    `body_id` is then the body of that region and tier.
    """
    rng = random.Random(seed)
    codes = sorted(regions()[1])
    examples = []
    for path, number, row in rows():
        if is_tail(row) != tail:
            continue
        for filling in range(FILLINGS if has_slots(row["text"]) and not tail else 1):
            code = rng.choice(fitting(row, codes))
            examples.append(
                Example(
                    text=fill(row["text"], code, rng),
                    target=row["target"],
                    source="examples",
                    key=f"{path.stem}-{number}#{filling}",
                    body_id=body_of(row, code, registry),
                )
            )
    return examples


def every_region(registry: Registry, per_region: int, seed: int = 17) -> Iterator[dict[str, str]]:
    """Texts for each kabupaten/kota of the country, from the frames with slots.

    For training a flat model, or testing places.

    Args:
        registry: The bodies.
        per_region: Texts for each kabupaten/kota.
        seed: Of the choice of frames and places.

    Yields:
        Rows with `text` and the `body_id` in charge.
    """
    rng = random.Random(seed)
    frames = [row for _, _, row in rows() if has_slots(row["text"]) and row["target"] in (LOCAL, PROVINCE)]
    frames = [row for row in frames if row.get("decision") != "ask" and not is_tail(row)]
    for code in sorted(regions()[1]):
        fit = [row for row in frames if fitting(row, [code])]
        for row in rng.sample(fit, min(per_region, len(fit))):
            yield {"text": fill(row["text"], code, rng), "body_id": body_of(row, code, registry)}


def body_of(row: dict[str, Any], code: str, registry: Registry) -> str:
    """The body that a filled text should reach; nothing where no place tells it, or none is in charge."""
    if row["target"] in registry:
        return str(row["target"])
    if row["target"] not in (LOCAL, PROVINCE) or not has_slots(row["text"]) or row.get("decision") == "ask":
        return ""
    body = registry.by_code(code)
    assert body is not None, code
    return (body.parent or DKI) if row["target"] == PROVINCE else body.id
