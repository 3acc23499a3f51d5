"""Step `export`: writes the bundle; an encoder as 8-bit ONNX, refused unless it answers as torch does."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lapor_route.bodies import Registry
from lapor_route.bundle import MANIFEST, write_manifest
from lapor_route.classifiers.backends import ARCHITECTURE_FILE, ONNX_FILE, TORCH_FILE, OnnxBackend, TorchBackend
from lapor_route.classifiers.bert import BertClassifier, BertSettings
from lapor_route.classifiers.joint import JointSettings
from lapor_route.classifiers.linear import LinearClassifier
from lapor_route.classifiers.tokens import encode, load_segmenter
from lapor_route.errors import InputError, LaporRouteError
from training.calibrate import read_calibrated, validation_scores
from training.finetune import ENCODER_FOLDER
from training.fit import LINEAR_FOLDER, fit_rows
from training.prepare import read_facts, read_prepared
from training.quantise import to_int8

if TYPE_CHECKING:
    from training.calibrate import Calibrated
    from training.config import ExportConfig, RunConfig
    from training.prepare import Prepared

_SEEN = 800
"""Training texts on which the quantisation sees how large activations get."""


class ParityError(LaporRouteError):
    """The quantised encoder answers otherwise than the one it was made of."""


def export(config: RunConfig) -> dict[str, Any]:
    """Writes the bundle into `config.out`, which is replaced.

    Returns:
        The manifest.

    Raises:
        InputError: An earlier step wasn't run, or `config.out` is a folder of something else.
        ParityError: The 8-bit encoder isn't close enough to torch's; nothing is replaced.
    """
    if config.out.exists() and any(config.out.iterdir()) and not (config.out / MANIFEST).exists():
        raise InputError(f"{config.out} holds files and is no bundle; choose another `out`, or empty it")
    prepared, calibrated = read_prepared(config), read_calibrated(config)
    with tempfile.TemporaryDirectory(dir=config.work) as temporary:
        folder = Path(temporary) / "bundle"
        folder.mkdir()
        parity = _write_encoder(folder, config, prepared, calibrated) if config.has_encoder else {}
        if config.has_linear:
            _write_linear(folder, config, prepared, calibrated)
        if config.engine == "joint":
            weights = calibrated.weights
            JointSettings(weights["linear"], weights["bert"], calibrated.bias).save(folder)
        calibration = calibrated.calibration.to_dict()
        (folder / "calibration.json").write_text(json.dumps(calibration, indent=1) + "\n", encoding="utf-8")
        manifest = _manifest(config, calibrated, parity)
        write_manifest(folder, manifest)
        shutil.rmtree(config.out, ignore_errors=True)
        config.out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder, config.out)
    for path in config.out.iterdir():
        path.chmod(0o644)
    return manifest


def check_parity(
    exact: np.ndarray, quantised: np.ndarray, targets: np.ndarray, limits: ExportConfig
) -> dict[str, float]:
    """Compares 8-bit with float32 scores on the held-out rows.

    Args:
        exact: float array (n_rows, n_labels), torch in float32.
        quantised: float array of the same shape.
        targets: int array (n_rows,); column of the right label.
        limits: What is allowed.

    Returns:
        `agreement` (share of rows with the same first label) and `accuracy_loss` in points.

    Raises:
        ParityError: A limit is crossed.
    """
    first, second = exact.argmax(axis=1), quantised.argmax(axis=1)
    agreement = float((first == second).mean())
    loss = 100 * float((first == targets).mean() - (second == targets).mean())
    if not np.isfinite(quantised).all() or agreement < limits.least_agreement or loss > limits.most_loss:
        raise ParityError(
            f"the 8-bit encoder agrees with torch on {agreement:.4f} of the held-out rows (at least "
            f"{limits.least_agreement}) and loses {loss:.2f} points of accuracy (at most {limits.most_loss}); "
            "no bundle was written. Train longer, or loosen [export]"
        )
    return {"agreement": round(agreement, 4), "accuracy_loss": round(loss, 3)}


def _write_encoder(folder: Path, config: RunConfig, prepared: Prepared, calibrated: Calibrated) -> dict[str, float]:
    source = config.work / ENCODER_FOLDER
    exact = validation_scores(config, prepared)["bert"]
    settings = replace(BertSettings.load(source), temperature=calibrated.temperatures["bert"])
    if config.engine == "bert":
        settings = replace(settings, bias=calibrated.bias)
    segmenter = load_segmenter(source)
    seen = prepared.train[:: max(1, len(prepared.train) // _SEEN)]
    inputs = encode(segmenter, [row.text for row in seen], settings.max_tokens)
    to_int8(TorchBackend(source).module.cpu(), folder / ONNX_FILE, inputs, segmenter.pad)
    quantised = BertClassifier(settings, segmenter, OnnxBackend(folder / ONNX_FILE))
    scores = quantised.decision_function([row.text for row in prepared.validation])
    targets = np.array([prepared.labels.index(row.target) for row in prepared.validation])
    parity = check_parity(exact, scores, targets, config.export)
    segmenter.save(folder)
    settings.save(folder)
    if config.export.torch:
        for name in (TORCH_FILE, ARCHITECTURE_FILE):
            shutil.copy(source / name, folder / name)
    return parity


def _write_linear(folder: Path, config: RunConfig, prepared: Prepared, calibrated: Calibrated) -> None:
    """The linear model, fitted again on all rows: the held-out ones have done their work."""
    if config.linear.refit:
        linear = fit_rows(config, [*prepared.train, *prepared.validation])
    else:
        linear = LinearClassifier.load(config.work / LINEAR_FOLDER, prepared.labels)
    linear.temperature = calibrated.temperatures["linear"]
    if config.engine == "linear":
        linear.bias = (linear.bias + linear.temperature * np.array(calibrated.bias)).astype(np.float32)
    linear.save(folder)


def _manifest(config: RunConfig, calibrated: Calibrated, parity: dict[str, float]) -> dict[str, Any]:
    facts = read_facts(config)
    return {
        "name": config.name,
        "version": config.version,
        "engine": config.engine,
        "encoder": {"base": config.encoder.base, "layers": list(config.encoder.layers)} if parity else None,
        "labels": facts["labels"],
        "registry_version": Registry.load().version,
        "licence": config.licence,
        "thresholds": calibrated.calibration.to_dict(),
        "metrics": calibrated.figures | ({"parity": parity} if parity else {}),
        "training_data": {key: facts[key] for key in ("rows", "validation_rows", "sources", "targets", "sha256")},
    }
