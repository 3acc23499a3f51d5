"""What all tests share: the registry, the embedded router, and a tiny real bundle."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from lapor_route import Router
from lapor_route.bodies import Registry
from lapor_route.bundle import write_manifest
from lapor_route.places import PlaceResolver
from training.data import Example
from training.linear import fit

if TYPE_CHECKING:
    from lapor_route.classifiers.linear import LinearClassifier

SHARED = Path(__file__).parent.parent.parent / "shared"
needs_shared = pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="needs the complaints in ../shared/data")

# New inputs in each run here, the same ones in each run of CI; no verdict hangs on how busy the machine is.
settings.register_profile(
    "lapor-route",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("lapor-route")

TINY = {
    "pln": [
        "listrik padam dari pagi",
        "token listrik tidak bisa masuk",
        "tiang listrik miring",
        "lampu rumah padam",
    ],
    "bpjs-kesehatan": [
        "kartu jkn nonaktif",
        "iuran bpjs kesehatan salah",
        "faskes menolak kartu jkn",
        "rujukan jkn",
    ],
    "provinsi": [
        "sma negeri memungut uang",
        "samsat pajak motor antre",
        "smk menahan ijazah",
        "jalan provinsi rusak",
    ],
    "kabupaten_kota": ["jalan desa berlubang", "sampah menumpuk di tps", "got mampet banjir", "lampu jalan mati"],
    "out_of_scope": ["jual rumah murah", "halo selamat pagi semua", "promo diskon besar", "tes tes saja"],
}


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="session")
def resolver(registry: Registry) -> PlaceResolver:
    return PlaceResolver(registry)


@pytest.fixture(scope="session")
def router() -> Router:
    return Router.load()


@pytest.fixture(scope="session")
def tiny_classifier() -> LinearClassifier:
    rows = [
        Example(f"{text} {extra}", target)
        for target, texts in TINY.items()
        for text in texts
        for extra in ("", "mohon segera", "tolong ditindak", "sudah lama")
    ]
    return fit(rows, c=10, most_features=2000)


@pytest.fixture
def tiny_bundle(tmp_path: Path, tiny_classifier: LinearClassifier, registry: Registry) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    tiny_classifier.save(folder)
    (folder / "calibration.json").write_text(json.dumps({"shortlist_at": 0.02}))
    write_manifest(
        folder,
        {
            "name": "tiny",
            "version": "1",
            "engine": "linear",
            "labels": list(tiny_classifier.labels),
            "registry_version": registry.version,
            "licence": "MIT",
        },
    )
    return folder
