"""Our fine-tuned network in other runtimes: ONNX Runtime as a user would set it up, OpenVINO, CTranslate2.

All read the same token ids, in batches sorted by length within a token budget. Each runs a batch at a time on all
threads or a batch on each thread, whichever is faster in the warm-up.
"""

from __future__ import annotations

import json
import queue
import shutil
import sys
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from benchmarks.peers.engine import BASE, CONFIG, Engine, MissingError, package, torch_bundle
from benchmarks.texts import mixed_texts
from lapor_route.bundle import Bundle
from lapor_route.classifiers.bert import BertSettings, batches, pad
from lapor_route.classifiers.protocol import softmax
from lapor_route.classifiers.tokens import encode, load_segmenter
from lapor_route.decisions import Calibration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lapor_route import Classifier

BUDGETS = (256, 512, 1024, 2048)
SEEN = 300
"""Texts from which OpenVINO's quantisation takes the activations' ranges (its own default)."""
_VENV = "python -m benchmarks.peers install"


class EncoderEngine(Engine):
    """Our network by some runtime; `start` and `scores` are the runtime's part."""

    multiples: ClassVar[tuple[int, ...]] = (1,)
    """Lengths of a batch in tokens are multiples of one of these."""

    def __init__(self, folder: Path, threads: int, variant: str) -> None:
        super().__init__(folder, threads, variant)
        bundle = torch_bundle()
        self.settings = BertSettings.load(bundle)
        self.segmenter = load_segmenter(bundle)
        self._calibration = Calibration.from_dict(Bundle.open(bundle).calibration)
        self.single = {"streams": 1, "budget": BUDGETS[0], "multiple": 1}
        self._streams = 0
        self.use(**self.single)

    @property
    def labels(self) -> Sequence[str]:
        """One a column of the scores."""
        return self.settings.labels

    def choices(self) -> Sequence[Mapping[str, Any]]:
        """Batches at a time, token budget, and steps of the length."""
        return [
            {"streams": streams, "budget": budget, "multiple": multiple}
            for streams in dict.fromkeys((1, self.threads))
            for budget in BUDGETS
            for multiple in self.multiples
        ]

    def use(self, **choice: Any) -> None:
        """Changes the setting; the runtime starts again where the number of streams is another."""
        self._budget, self._multiple = choice["budget"], choice["multiple"]
        if choice["streams"] != self._streams:
            self._streams = choice["streams"]
            self._pool = ThreadPoolExecutor(self._streams)
            self.start(self._streams)

    @abstractmethod
    def start(self, streams: int) -> None:
        """Loads the network, for that many batches at a time."""

    @abstractmethod
    def scores(self, inputs: list[list[int]]) -> np.ndarray:
        """Scores of one batch before the softmax, float array (n_texts, n_labels)."""

    def padded(self, inputs: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
        """Ids and mask of a batch, its length rounded up to the multiple in use."""
        ids, mask = pad(inputs, self.segmenter.pad)
        more = -ids.shape[1] % self._multiple
        return np.pad(ids, ((0, 0), (0, more)), constant_values=self.segmenter.pad), np.pad(
            mask, ((0, 0), (0, more))
        )

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities, float array (n_texts, n_labels)."""
        inputs = encode(self.segmenter, texts, self.settings.max_tokens)
        groups = list(batches([len(ids) for ids in inputs], self._budget))
        scores = np.empty((len(texts), len(self.labels)), np.float32)
        in_batches = [[inputs[row] for row in rows] for rows in groups]
        found = map(self.scores, in_batches) if self._streams == 1 else self._pool.map(self.scores, in_batches)
        for rows, of_batch in zip(groups, found, strict=True):
            scores[rows] = of_batch
        return softmax(scores / self.settings.temperature + np.array(self.settings.bias or 0.0, np.float32))

    def answer(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text."""
        return [self.labels[i] for i in self.predict_proba(texts).argmax(axis=1)]

    def classifier(self) -> Classifier:
        """Itself."""
        return self

    def calibration(self) -> Calibration:
        """That of our encoder."""
        return self._calibration


class OrtEngine(EncoderEngine):
    """ONNX Runtime.

    Variants: ``fp32`` (exported and fused), ``int8`` (that, by `quantize_dynamic`), ``ours`` (the bundle's graph,
    to tell its share of the speed from that of the settings).
    """

    packages = ("onnxruntime", "sentencepiece")

    @classmethod
    def make(cls, folder: Path, variant: str, threads: int) -> None:
        """Exports, fuses and, for ``int8``, quantises, as ONNX Runtime's documentation says."""
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic

        path = folder / "model.onnx"
        if variant == "ours":
            shutil.copy(torch_bundle() / "bert.onnx", path)
            return
        export(path, fused=True)
        if variant == "int8":
            # The fused operators' types can't be inferred; the option is what the error without it asks for.
            options = {"DefaultTensorType": onnx.TensorProto.FLOAT}
            quantize_dynamic(path, path, weight_type=QuantType.QInt8, extra_options=options)

    def start(self, streams: int) -> None:
        """One session; the streams share it."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, self.threads // streams)
        options.log_severity_level = 3
        path = str(self.folder / "model.onnx")
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def scores(self, inputs: list[list[int]]) -> np.ndarray:
        """Of one batch."""
        ids, mask = self.padded(inputs)
        found: np.ndarray = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return found


class OpenVinoEngine(EncoderEngine):
    """OpenVINO. Variants: ``fp32``, ``default`` (bfloat16 where the CPU has it), ``int8`` (by nncf)."""

    packages = ("openvino", "sentencepiece")
    multiples = (1, 16)

    @classmethod
    def make(cls, folder: Path, variant: str, threads: int) -> None:
        """Converts our ONNX export; for ``int8``, `nncf.quantize` with its preset for transformers."""
        openvino = _openvino()
        exported = folder / "exported.onnx"
        export(exported, fused=False)
        model = openvino.convert_model(exported)
        if variant == "int8":
            nncf = package("nncf", _VENV)
            rows = nncf.Dataset(_seen())
            model = nncf.quantize(model, rows, model_type=nncf.ModelType.TRANSFORMER, subset_size=SEEN)
        openvino.save_model(model, folder / "model.xml", compress_to_fp16=variant == "default")
        exported.unlink()

    def start(self, streams: int) -> None:
        """Compiles the network, and one request a stream."""
        openvino = _openvino()
        hints = {
            "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": self.threads,
        }
        if self.variant == "fp32":
            hints["INFERENCE_PRECISION_HINT"] = "f32"
        compiled = openvino.Core().compile_model(self.folder / "model.xml", "CPU", hints)
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(streams):
            self._requests.put(compiled.create_infer_request())

    def scores(self, inputs: list[list[int]]) -> np.ndarray:
        """Of one batch."""
        ids, mask = self.padded(inputs)
        request = self._requests.get()
        try:
            return np.array(request.infer({"input_ids": ids, "attention_mask": mask})[0])
        finally:
            self._requests.put(request)


class CTranslate2Engine(EncoderEngine):
    """CTranslate2; mean and last layer in numpy. Variants: its compute types."""

    packages = ("ctranslate2", "sentencepiece")

    @classmethod
    def make(cls, folder: Path, variant: str, threads: int) -> None:
        """Converts our encoder, as a `BertModel`, by `TransformersConverter`."""
        import tempfile

        from safetensors.numpy import save_file

        converters = package("ctranslate2.converters", _VENV)
        with tempfile.TemporaryDirectory() as temporary:
            head = save_encoder(temporary)
            converters.TransformersConverter(temporary).convert(str(folder), quantization=variant, force=True)
        save_file(head, folder / "head.safetensors")

    def start(self, streams: int) -> None:
        """Loads the encoder with one worker a stream."""
        from safetensors.numpy import load_file

        ctranslate2 = package("ctranslate2", _VENV)
        head = load_file(self.folder / "head.safetensors")
        self._weight, self._bias = head["weight"].T, head["bias"]
        self._encoder = ctranslate2.Encoder(
            str(self.folder),
            device="cpu",
            inter_threads=streams,
            intra_threads=max(1, self.threads // streams),
            compute_type=self.variant,
        )

    def scores(self, inputs: list[list[int]]) -> np.ndarray:
        """Of one batch."""
        states = np.array(self._encoder.forward_batch(inputs).last_hidden_state)
        mask = np.zeros(states.shape[:2], np.float32)
        for row, ids in enumerate(inputs):
            mask[row, : len(ids)] = 1 / len(ids)
        found: np.ndarray = np.einsum("nth,nt->nh", states, mask) @ self._weight + self._bias
        return found


def export(path: Path, *, fused: bool) -> None:
    """Writes our network in float32 by torch's exporter, as a user would, not by ours.

    Args:
        path: The `.onnx` file.
        fused: Whether ONNX Runtime's optimizer for transformers joins its operators.
    """
    import torch
    from onnxruntime.transformers import optimizer

    from lapor_route.classifiers.backends import TorchBackend

    module = TorchBackend(torch_bundle()).module.cpu()
    ids = torch.ones((2, 16), dtype=torch.int64)
    torch.onnx.export(
        module,
        (ids, torch.ones_like(ids)),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["scores"],
        dynamic_axes={name: {0: "texts", 1: "tokens"} for name in ("input_ids", "attention_mask")},
        opset_version=17,
        dynamo=False,
    )
    if fused:
        config = module.encoder.config
        sizes = {"num_heads": config.num_attention_heads, "hidden_size": config.hidden_size}
        optimizer.optimize_model(str(path), model_type="bert", **sizes).save_model_to_file(str(path))


def _openvino() -> Any:
    """OpenVINO without its telemetry, which would tell its makers of each conversion."""
    sys.modules.setdefault("openvino_telemetry", cast("Any", None))
    return package("openvino", _VENV)


def save_encoder(folder: str) -> dict[str, np.ndarray]:
    """Writes our encoder as an ordinary Hugging Face folder.

    Returns:
        The last layer's `weight` and `bias`, which a `BertModel` has no place for.
    """
    from transformers import AutoTokenizer, BertConfig, BertModel

    from lapor_route.classifiers.backends import ARCHITECTURE_FILE, TorchBackend

    if not BASE.exists():
        raise MissingError("build/base with the tokeniser isn't there", "make build/base")
    bundle = torch_bundle()
    module = TorchBackend(bundle).module.cpu()
    architecture = json.loads((bundle / ARCHITECTURE_FILE).read_text(encoding="utf-8"))
    # The converter asks for the kind of positions by a name that transformers has dropped.
    config = BertConfig(**architecture | {"position_embedding_type": "absolute"})
    model = BertModel(config)  # its pooler, which the converter asks for, stays random and unread
    missing = model.load_state_dict(module.encoder.state_dict(), strict=False).missing_keys
    assert all(name.startswith("pooler.") for name in missing), missing
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(BASE)).save_pretrained(folder)
    return {name: getattr(module.head, name).detach().numpy().copy() for name in ("weight", "bias")}


def _seen() -> list[dict[str, np.ndarray]]:
    """Inputs to take activations' ranges from: training rows, like our own export; without them written texts."""
    from lapor_route.errors import InputError
    from training.config import load_config
    from training.prepare import read_prepared

    try:
        rows = read_prepared(load_config(CONFIG)).train
        texts = [row.text for row in rows[:: max(1, len(rows) // SEEN)]]
    except InputError:
        texts = mixed_texts(SEEN, seed=997)
    bundle = torch_bundle()
    segmenter = load_segmenter(bundle)
    padded = (pad([ids], segmenter.pad) for ids in encode(segmenter, texts, BertSettings.load(bundle).max_tokens))
    return [{"input_ids": ids, "attention_mask": mask} for ids, mask in padded]
