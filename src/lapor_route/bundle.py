"""A model on disk: one folder, no pickles, every file verified by its hash."""

from __future__ import annotations

import hashlib
import inspect
import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from lapor_route.classifiers.protocol import check_labels, load_engine
from lapor_route.errors import BundleError, ClassifierError

if TYPE_CHECKING:
    from lapor_route.bodies import Registry
    from lapor_route.classifiers.protocol import Classifier

FORMAT_VERSION = 3
MANIFEST = "manifest.json"
ALLOWED_SUFFIXES = frozenset({".json", ".safetensors", ".onnx", ".md", ".txt", ".model", ".svg"})
_REQUIRED = ("format_version", "name", "version", "engine", "labels", "registry_version", "licence", "files")


@dataclass(frozen=True)
class Bundle:
    """A verified model folder.

    Attributes:
        folder: Where it lies.
        manifest: What `manifest.json` says.
    """

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: str | Path | None = None) -> Bundle:
        """Reads and verifies a bundle, by default the one in the package.

        Raises:
            BundleError: A file is missing, changed or of a forbidden kind, or the format is another one.
        """
        path = Path(folder) if folder is not None else Path(str(files("lapor_route") / "model"))
        try:
            manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BundleError(f"there is no model bundle in {path}: {MANIFEST} is missing") from None
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise BundleError(f"{path / MANIFEST} can't be read: {error}") from error
        _check_manifest(manifest, path)
        for name, expected in manifest["files"].items():
            _check_file(path, name, expected)
        unlisted = {file.name for file in path.iterdir()} - {MANIFEST, *manifest["files"]}
        if unlisted or "calibration.json" not in manifest["files"]:
            raise BundleError(
                f"the manifest in {path} must list every file of the folder, calibration.json among them; "
                f"it leaves out {', '.join(sorted(unlisted)) or 'calibration.json'}"
            )
        return cls(path, manifest)

    @property
    def version(self) -> str:
        """Name and version of the model."""
        return f"{self.manifest['name']} {self.manifest['version']}"

    @cached_property
    def calibration(self) -> dict[str, Any]:
        """The content of `calibration.json`."""
        try:
            calibration: dict[str, Any] = json.loads((self.folder / "calibration.json").read_text("utf-8"))
        except ValueError as error:
            raise BundleError(f"{self.folder / 'calibration.json'} isn't JSON: {error}") from error
        return calibration

    @property
    def engine_options(self) -> frozenset[str]:
        """Options that its engine takes: ``backend``, ``threads``, or none.

        Raises:
            ClassifierError: The engine isn't installed.
        """
        parameters = inspect.signature(load_engine(self.manifest["engine"]).load).parameters
        return frozenset(parameters) - {"folder", "labels"}

    def load_classifier(self, registry: Registry, **options: Any) -> Classifier:
        """The bundle's classifier, by the entry point that the manifest names.

        Args:
            registry: The bodies that its labels must be among.
            options: Handed to the engine (`backend`, `threads`); those that are None are left out.

        Raises:
            MissingExtraError: The engine needs a package that isn't installed.
            BundleError: The engine isn't installed, its files don't fit, or the registry lacks one of the labels.
        """
        labels, engine = self.manifest["labels"], self.manifest["engine"]
        given = {name: value for name, value in options.items() if value is not None}
        try:
            check_labels(labels, registry)
            unknown = given.keys() - self.engine_options
            if unknown:
                raise BundleError(f"its engine {engine!r} has no option {', '.join(sorted(unknown))}; leave it out")
            classifier: Classifier = load_engine(engine).load(self.folder, labels, **given)
        except (ClassifierError, OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise BundleError(f"the bundle in {self.folder} can't be used: {error}") from error
        return classifier


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Seals a folder: adds the format version and the hash of every file, and writes `manifest.json`."""
    hashes = {
        path.name: _sha256(path) for path in sorted(folder.iterdir()) if path.is_file() and path.name != MANIFEST
    }
    content = {"format_version": FORMAT_VERSION, **manifest, "files": hashes}
    (folder / MANIFEST).write_text(
        json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )


def _check_manifest(manifest: Any, path: Path) -> None:
    if not isinstance(manifest, dict):
        raise BundleError(f"{path / MANIFEST} must be a JSON object")
    missing = [key for key in _REQUIRED if key not in manifest]
    if missing:
        raise BundleError(f"{path / MANIFEST} lacks {', '.join(missing)}; export the bundle again")
    if manifest["format_version"] != FORMAT_VERSION:
        raise BundleError(
            f"the bundle in {path} has format {manifest['format_version']}, this version of lapor-route reads "
            f"format {FORMAT_VERSION}; export it again, or install the version it was made with"
        )
    labels = manifest["labels"]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise BundleError(f"the labels in {path / MANIFEST} must be a list of strings")
    if not isinstance(manifest["files"], dict) or not manifest["files"]:
        raise BundleError(f"{path / MANIFEST} names no files")


def _check_file(path: Path, name: str, expected: str) -> None:
    if Path(name).name != name or Path(name).suffix not in ALLOWED_SUFFIXES:
        raise BundleError(
            f"the bundle in {path} names {name!r}; only plain files ending in "
            f"{', '.join(sorted(ALLOWED_SUFFIXES))} are allowed"
        )
    try:
        found = _sha256(path / name)
    except OSError as error:
        raise BundleError(f"the bundle in {path} lacks its file {name}: {error}") from error
    if found != expected:
        raise BundleError(
            f"{path / name} was changed: its sha256 is {found[:12]}..., the manifest says {str(expected)[:12]}...; "
            "get the bundle again from where it came"
        )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
