"""Which peers there are, and where each runs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.engine import ROOT

if TYPE_CHECKING:
    from benchmarks.peers.engine import Engine

OURS, TORCH, EXACT = "ours", "ours-torch", "onnx-fp32"
"""The whole router; the same with float32 weights in torch; our classifier in float32, to compare answers with."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One side of the comparison.

    Attributes:
        name: Short.
        title: In tables.
        group: Heading in tables.
        engine: `module:class` of its `Engine`.
        variant: Handed to the engine.
        venv: Name of the environment in `build/` that it runs in; by default this one.
        quick: Whether a quick run measures it.
        same_labels: Whether its answers are those of our classifier, up to rounding.
        shares: Name of the folder of what it loads, where others load the same.
    """

    name: str
    title: str
    group: str
    engine: str
    variant: str
    venv: str = ""
    quick: bool = False
    same_labels: bool = False
    shares: str = ""

    def load_class(self) -> type[Engine]:
        """Its engine's class."""
        module, _, name = self.engine.partition(":")
        found: type[Engine] = getattr(import_module(module), name)
        return found

    @property
    def python(self) -> str:
        """The interpreter that it runs under."""
        own = interpreter(self.venv) if self.venv else Path(sys.executable)
        return str(own) if own.exists() else sys.executable


def interpreter(venv: str) -> Path:
    """Where an environment's interpreter is."""
    return ROOT / "build" / venv / "bin" / "python"


def _ours(name: str, title: str, kind: str, variant: str, *, quick: bool = False, same: bool = False) -> Peer:
    return Peer(name, title, "This project", f"benchmarks.peers.own:{kind}", variant, quick=quick, same_labels=same)


def _runtime(name: str, title: str, kind: str, variant: str, *, venv: str = "", quick: bool = False) -> Peer:
    engine = f"benchmarks.peers.encoders:{kind}"
    return Peer(name, title, "Our network in other runtimes", engine, variant, venv, quick, same_labels=True)


def _pipeline(name: str, title: str, variant: str, *, quick: bool = False) -> Peer:
    network = variant.partition("-")[0]
    ours = network == "ours"
    group = "Our network in other runtimes" if ours else "A BERT of IndoBERT base's shape, random weights"
    engine = "benchmarks.peers.pipelines:PipelineEngine"
    return Peer(name, title, group, engine, variant, "", quick, ours, f"network-{network}")


def _learned(name: str, title: str, group: str, engine: str, variant: str, venv: str = "") -> Peer:
    return Peer(name, title, group, f"benchmarks.peers.{engine}", variant, venv)


_CLASSICAL, _SHOTS = "Trained on the rows of our linear model", "Few or no examples, our base model's embeddings"

PEERS = (
    _ours(OURS, "lapor-route: places, join and reasons included", "RouterEngine", "embedded", quick=True),
    _ours("ours-bert", "the same without the linear model", "RouterEngine", "onnx"),
    _ours(TORCH, "the same in torch float32", "RouterEngine", "torch", quick=True),
    _ours("ours-encoder", "its encoder alone, int8", "PartEngine", "encoder", quick=True, same=True),
    _ours("ours-linear", "its linear model alone", "PartEngine", "linear", quick=True),
    _pipeline("indobert-fp32", "transformers.pipeline, float32", "indobert-fp32", quick=True),
    _pipeline("indobert-bf16", "transformers.pipeline, bfloat16", "indobert-bf16"),
    _pipeline("indobert-int8", "transformers.pipeline, torch dynamic int8", "indobert-int8"),
    Peer(
        "infinity",
        "infinity-emb, torch float32",
        "A BERT of IndoBERT base's shape, random weights",
        "benchmarks.peers.pipelines:InfinityEngine",
        "fp32",
        "infinity-venv",
    ),
    _pipeline("pipeline-fp32", "transformers.pipeline, float32", "ours-fp32"),
    _pipeline("pipeline-bf16", "transformers.pipeline, bfloat16", "ours-bf16"),
    _pipeline("pipeline-int8", "transformers.pipeline, torch dynamic int8", "ours-int8"),
    _runtime(EXACT, "ONNX Runtime, float32, fused", "OrtEngine", "fp32", quick=True),
    _runtime("onnx-int8", "ONNX Runtime, quantize_dynamic", "OrtEngine", "int8"),
    _runtime("onnx-ours", "ONNX Runtime, our own int8 graph", "OrtEngine", "ours"),
    _runtime("openvino-fp32", "OpenVINO, float32", "OpenVinoEngine", "fp32", venv="peers-venv"),
    _runtime("openvino", "OpenVINO as it comes", "OpenVinoEngine", "default", venv="peers-venv"),
    _runtime("openvino-int8", "OpenVINO, int8 by nncf.quantize", "OpenVinoEngine", "int8", venv="peers-venv"),
    _runtime("ctranslate2-fp32", "CTranslate2, float32", "CTranslate2Engine", "float32", venv="peers-venv"),
    _runtime("ctranslate2-int8", "CTranslate2, int8", "CTranslate2Engine", "int8", venv="peers-venv"),
    _learned("svm", "scikit-learn TF-IDF, LinearSVC", _CLASSICAL, "classical:ScikitEngine", "svm"),
    _learned("fasttext", "fastText (floret)", _CLASSICAL, "classical:FloretEngine", "", "peers-venv"),
    _learned("shots-8", "8 examples a label, logistic regression", _SHOTS, "shots:ShotsEngine", "8"),
    _learned("shots-0", "nearest description of the body's remit", _SHOTS, "shots:ShotsEngine", "0"),
)

UNAVAILABLE = {
    "text-embeddings-inference": {
        "title": "text-embeddings-inference",
        "group": "A BERT of IndoBERT base's shape, random weights",
        "reason": "PyPI has no package of it, and our machines reach neither its image nor its crate",
        "command": "",
    },
}
"""What was looked for and is measured nowhere, as `rounds.measure` tells it."""
