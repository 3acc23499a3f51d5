from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lapor_route import Router
from lapor_route.bundle import Bundle, write_manifest
from lapor_route.errors import BundleError


def test_a_bundle_gives_a_router(tiny_bundle: Path) -> None:
    router = Router.load(tiny_bundle)
    assert router.versions["model"] == "tiny 1"
    assert router.route("listrik padam sejak pagi, token juga").candidates[0].body_id == "pln"


def test_a_changed_file_is_refused(tiny_bundle: Path) -> None:
    with (tiny_bundle / "linear.safetensors").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BundleError, match="was changed"):
        Router.load(tiny_bundle)


def test_a_missing_file_is_refused(tiny_bundle: Path) -> None:
    (tiny_bundle / "tokenizer.json").unlink()
    with pytest.raises(BundleError, match=r"lacks its file tokenizer\.json"):
        Router.load(tiny_bundle)


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 99}, "format 99"),
        ({"engine": "quantum"}, "quantum"),
        ({"labels": ["pln"]}, "other labels"),
        ({"labels": ["pln", 3]}, "list of strings"),
        ({"labels": ["nobody"]}, "neither body ids"),
        ({"files": {}}, "names no files"),
        ({"files": {"../x.json": "0"}}, "plain files"),
        ({"files": {"weights.pkl": "0"}}, "plain files"),
    ],
)
def test_a_wrong_manifest_is_refused(tiny_bundle: Path, changes: dict[str, Any], message: str) -> None:
    edit(tiny_bundle, **changes)
    with pytest.raises(BundleError, match=message):
        Router.load(tiny_bundle)


def test_reversed_labels_are_refused(tiny_bundle: Path) -> None:
    labels = json.loads((tiny_bundle / "manifest.json").read_text())["labels"]
    edit(tiny_bundle, labels=labels[::-1])
    with pytest.raises(BundleError, match="other labels"):
        Router.load(tiny_bundle)


def test_a_file_that_the_manifest_leaves_out_is_refused(tiny_bundle: Path) -> None:
    files = json.loads((tiny_bundle / "manifest.json").read_text())["files"]
    edit(tiny_bundle, files={name: value for name, value in files.items() if name != "calibration.json"})
    with pytest.raises(BundleError, match=r"leaves out calibration\.json"):
        Router.load(tiny_bundle)


def test_a_manifest_without_its_keys_is_refused(tiny_bundle: Path) -> None:
    (tiny_bundle / "manifest.json").write_text('{"format_version": 1}')
    with pytest.raises(BundleError, match="lacks name"):
        Router.load(tiny_bundle)
    (tiny_bundle / "manifest.json").write_text("[]")
    with pytest.raises(BundleError, match="must be a JSON object"):
        Router.load(tiny_bundle)
    (tiny_bundle / "manifest.json").write_bytes(b"\xff\xfe")
    with pytest.raises(BundleError, match="can't be read"):
        Router.load(tiny_bundle)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json is missing"):
        Router.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"forward_att": 0.5}', "forward_att"),
        ('{"scope_at": true}', "unusable entries: scope_at"),
        ('{"region_at": -1}', "unusable entries: region_at"),
        ('{"forward_at": 0.5}', "a number for each of national, regional"),
        ('{"forward_at": {"national": 0.5}}', "a number for each of national, regional"),
        ('{"join": {"local_plaice": 1}}', "unusable entries in join: local_plaice"),
        ('{"join": {"local_place": NaN}}', "unusable entries in join: local_place"),
        ('{"join": 1}', "join must be a JSON object"),
        ('{"held_out": {"confidence": 0.9, "forward": {}, "shortlist": []}}', "unusable entry: held_out"),
        ('{"held_out": {"confidence": 0.9, "forward": 3, "shortlist": []}}', "unusable entry: held_out"),
        ("[1]", "must be a JSON object"),
        ("{", "isn't JSON"),
    ],
)
def test_a_wrong_calibration_is_refused(tiny_bundle: Path, content: str, message: str) -> None:
    (tiny_bundle / "calibration.json").write_text(content)
    manifest = json.loads((tiny_bundle / "manifest.json").read_text())
    write_manifest(tiny_bundle, {key: value for key, value in manifest.items() if key != "files"})
    with pytest.raises(BundleError, match=message):
        Router.load(tiny_bundle)


def test_the_embedded_bundle_is_small_and_complete() -> None:
    bundle = Bundle.open()
    size = sum(os.path.getsize(bundle.folder / name) for name in bundle.manifest["files"])
    assert size < 40 * 1024 * 1024
    labels = set(bundle.manifest["labels"])
    assert {"provinsi", "kabupaten_kota", "out_of_scope"} <= labels
    assert len(labels) == 138
    assert bundle.manifest["training_data"]["rows"] > 1000


def test_no_pickle_anywhere_in_the_package() -> None:
    package = Path(Bundle.open().folder).parent
    assert [
        path for path in package.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib", ".pt", ".bin")
    ] == []
