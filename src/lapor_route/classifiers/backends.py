"""What computes an encoder's scores: ONNX Runtime, or torch."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Protocol

from lapor_route.errors import BundleError, MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

ONNX_FILE = "bert.onnx"
TORCH_FILE, ARCHITECTURE_FILE = "bert.safetensors", "bert_architecture.json"
BACKENDS = ("onnx", "torch")
_PRODUCT = bytes.fromhex(
    "08083a580a180a01780a0177120179220d4d61744d756c496e74656765721201702a0f0804080110034201774a047f7f7f7f5a130a0178"
    "120e0a0c080212080a0208010a02080462130a0179120e0a0c080612080a0208010a02080142040a001011"
)
"""An ONNX graph of one MatMulInteger: `x`, uint8 (1, 4), times four weights of 127."""


class Backend(Protocol):
    """Runs an encoder on one padded batch.

    Attributes:
        at_once: Batches that it is quickest with when they come from so many threads at the same time.
    """

    at_once: int

    def scores(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Scores before the softmax.

        Args:
            ids: int64 array (n_texts, n_tokens).
            mask: int64 array of the same shape; 1 for a token, 0 for padding.

        Returns:
            float32 array (n_texts, n_labels).
        """
        ...


class OnnxBackend:
    """ONNX Runtime on the CPU, one thread a batch: threads that share one wait for each other at every operator.

    Args:
        path: The `.onnx` file.
        threads: Batches that may come at the same time; by default one a core that the process may use.

    Raises:
        BundleError: ONNX Runtime can't load the file.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        import onnxruntime

        self.at_once = threads or usable_cores()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if _saturates():
            options.add_session_config_entry("session.x64quantprecision", "1")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common class but this
            raise BundleError(f"{path} is no graph that ONNX Runtime loads: {error}") from error

    def scores(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Scores before the softmax, float32 array (n_texts, n_labels)."""
        found: np.ndarray = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return found


@cache
def _saturates() -> bool:
    """Whether ONNX Runtime's quickest 8-bit products are wrong on this processor.

    On x86 without VNNI, sums of two products stop at 16 bits; the option that prevents it would cost others 40 % of
    their speed (pull request 12088).
    """
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(_PRODUCT, options, providers=["CPUExecutionProvider"])
    (product,) = session.run(None, {"x": np.full((1, 4), 255, np.uint8)})
    return int(product.item()) != 4 * 255 * 127


class TorchBackend:
    """torch in float32, on a GPU if there is one; its own threads share a batch.

    Args:
        folder: A bundle with `bert.safetensors` and `bert_architecture.json`.
        threads: Threads inside one batch; by default torch's own choice.

    Raises:
        BundleError: The weights aren't of that architecture.
        MissingExtraError: torch or transformers isn't installed.
    """

    at_once = 1

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        try:
            import torch
            from safetensors.torch import load_file
            from transformers import AutoConfig, AutoModel

            from lapor_route.classifiers.encoder import EncoderClassifier
        except ImportError:
            raise MissingExtraError(
                "the torch backend needs torch and transformers: pip install 'lapor-route[torch]'"
            ) from None
        if threads:
            torch.set_num_threads(threads)
        self._torch = torch
        state = load_file(folder / TORCH_FILE)
        architecture = json.loads((folder / ARCHITECTURE_FILE).read_text(encoding="utf-8"))
        config = AutoConfig.for_model(architecture.pop("model_type"), **architecture)
        module = EncoderClassifier(AutoModel.from_config(config), len(state["head.bias"]))
        try:
            module.load_state_dict(state)
        except RuntimeError as error:
            raise BundleError(f"{TORCH_FILE} in {folder} doesn't fit {ARCHITECTURE_FILE}: {error}") from error
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self.module = module.eval().to(self._device)

    def scores(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Scores before the softmax, float32 array (n_texts, n_labels)."""
        torch = self._torch
        with torch.inference_mode():
            inputs = (torch.from_numpy(array).to(self._device) for array in (ids, mask))
            found: np.ndarray = self.module(*inputs).cpu().numpy()
        return found


def load_backend(folder: Path, name: str, threads: int | None = None) -> Backend:
    """A backend by its name.

    Raises:
        BundleError: The name is unknown, or the bundle lacks the weights for it.
        MissingExtraError: torch is wanted and isn't installed.
    """
    if name not in BACKENDS:
        raise BundleError(f"there is no backend {name!r}; choose one of {', '.join(BACKENDS)}")
    file = ONNX_FILE if name == "onnx" else TORCH_FILE
    if not (folder / file).exists():
        other, its_file = ("torch", TORCH_FILE) if name == "onnx" else ("onnx", ONNX_FILE)
        advice = f"use backend={other!r}" if (folder / its_file).exists() else "export it again"
        raise BundleError(f"the bundle in {folder} has no {file} for the backend {name!r}; {advice}")
    return OnnxBackend(folder / file, threads) if name == "onnx" else TorchBackend(folder, threads)


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
