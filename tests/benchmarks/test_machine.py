"""The machine's limit: counting products, running kernels, and what the report says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import onnx
import pytest
from onnx import TensorProto, helper

from benchmarks import machine
from benchmarks.host import Busy
from benchmarks.options import Options
from benchmarks.products import FP32, KERNELS, Kernel, products_of, rate
from lapor_route.bundle import Bundle
from lapor_route.classifiers.backends import ONNX_FILE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    options = Options(tmp_path_factory.mktemp("machine"), quick=True, threads=1)
    return machine.run(options, lambda what, share: None)


def graph_of(path: Path, weights: dict[str, tuple[int, int]], nodes: list[onnx.NodeProto]) -> Path:
    tensors = [
        helper.make_tensor(name, TensorProto.FLOAT, shape, [0.0] * shape[0] * shape[1])
        for name, shape in weights.items()
    ]
    graph = helper.make_graph(nodes, "g", [], [], tensors)
    onnx.save(helper.make_model(graph), str(path))
    return path


def test_products_of_the_embedded_encoder() -> None:
    found = products_of(Bundle.open().folder / ONNX_FILE)
    assert found.weights >= 6 * (4 * 384 * 384 + 2 * 384 * 1536)
    assert found.weights == sum(
        number * rows * columns for kind in found.shapes.values() for (rows, columns), number in kind.items()
    )
    assert found.per_pair == (6 * 2 + 1) * 384  # queries by keys, shares by values in each layer; the mean
    assert found.per_text == 384 * len(Bundle.open().manifest["labels"])


def test_products_count_the_attention_apart(tmp_path: Path) -> None:
    nodes = [
        helper.make_node(FP32, ["x", "a"], ["y"]),
        helper.make_node(FP32, ["y", "y"], ["z"]),
        helper.make_node("Gemm", ["z", "b"], ["scores"], transB=1),
    ]
    found = products_of(graph_of(tmp_path / "g.onnx", {"a": (4, 4), "b": (3, 4)}, nodes))
    assert (found.weights, found.per_pair, found.per_text) == (16, 4, 12)


def test_graph_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no product"):
        products_of(graph_of(tmp_path / "g.onnx", {}, [helper.make_node(FP32, ["x", "x"], ["y"])]))


@pytest.mark.parametrize("operator", KERNELS)
def test_kernels_run(operator: str) -> None:
    kernel = Kernel(operator, (8, 128, 32), threads=1)
    assert kernel.work == 4 * 8 * 128 * 32
    assert rate(kernel.run, kernel.work, 0.01) > 0


def test_rate_is_work_over_the_median_time() -> None:
    assert rate(lambda: None, 1_000, 0.001) > 1e6


def test_describe_names_what_figures_depend_on() -> None:
    found = machine.describe()
    assert found["cores"] >= 1
    assert found["packages"].keys() >= {"lapor-route", "onnxruntime", "numpy"}
    assert found["commit"]
    json.dumps(found)


def test_own_work_is_not_that_of_others() -> None:
    before = Busy(100.0, 40.0, 0.0)
    assert before.others_until(Busy(120.0, 50.0, 10.0)) == pytest.approx(1.0)
    assert before.others_until(Busy(109.0, 50.0, 10.0)) == 0.0


def test_quick_run_counts_true_tokens(figures: dict[str, Any]) -> None:
    (encoder,) = figures["encoder"]
    assert encoder["tokens"] > 24 * 10
    assert 0 < encoder["padding"] < 0.5
    assert 0 < encoder["share"]["median"] < 1
    assert sum(figures["operators"].values()) == pytest.approx(1)
    json.dumps(figures, allow_nan=False)


def test_stages_make_up_the_whole(figures: dict[str, Any]) -> None:
    for shares in figures["stages"].values():
        assert sum(found["median"] for name, found in shares.items() if "+" not in name) == pytest.approx(1)


def test_report_says_misses_plainly(figures: dict[str, Any]) -> None:
    spread = {"median": 0.2, "least": 0.1, "most": 0.3}
    figures = json.loads(json.dumps(figures)) | {"others": 1.5}
    figures["encoder"][0]["share"] = spread
    figures["stages"]["bulk"]["places+join+tokenise"] = spread
    told = machine.report(figures)
    assert "| >= 50% | 20.0% (10.0% to 30.0%) | **no** |" in told
    assert "| <= 15% | 20.0% (10.0% to 30.0%) | **no** |" in told
    assert "other processes took 1.5 cores" in told
    assert "of no worth" in told


def test_plots_are_written(figures: dict[str, Any], tmp_path: Path) -> None:
    for path in machine.plots(figures, tmp_path):
        assert path.read_text(encoding="utf-8").startswith("<?xml")
