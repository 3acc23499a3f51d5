"""What makes 8 bits exact enough: each remedy alone leaves the network what it was; the graph is the network."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from torch.nn import functional
from transformers import AutoModel, DistilBertConfig, DistilBertModel

from lapor_route.classifiers.backends import OnnxBackend
from lapor_route.classifiers.bert import pad
from lapor_route.classifiers.encoder import EncoderClassifier
from lapor_route.classifiers.tokens import encode
from tests.encoders import LAYERS, POSITIONS, SENTENCES, tiny_albert, tiny_bert
from training.finetune import base_segmenter
from training.graph import to_onnx, tokens_first
from training.observe import Seen, observe
from training.quantise import round_weight, rounded, smooth, spread_units

if TYPE_CHECKING:
    from pathlib import Path

LABELS = 5


@pytest.fixture(scope="module", params=["bert", "albert", "distilbert"])
def network(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[EncoderClassifier, list[list[int]]]:
    """A network of random weights, one channel of each norm larger than the rest, and the ids of some texts."""
    folder = tmp_path_factory.mktemp(request.param) / "base"
    base = tiny_albert(folder) if request.param == "albert" else tiny_bert(folder)
    segmenter = base_segmenter(str(base))
    with torch.random.fork_rng():
        torch.manual_seed(8)
        encoder = AutoModel.from_pretrained(base)
        if request.param == "distilbert":
            config = DistilBertConfig(
                vocab_size=encoder.config.vocab_size,
                max_position_embeddings=POSITIONS,
                n_layers=LAYERS,
                n_heads=2,
                dim=32,
                hidden_dim=64,
                initializer_range=0.05,
            )
            encoder = DistilBertModel(config)
        module = EncoderClassifier(encoder, LABELS)
        nn.init.normal_(module.head.weight, std=0.7)
    for layer in module.encoder.modules():
        if isinstance(layer, nn.LayerNorm):
            layer.weight.data[3] = 4.0
    module.eval()
    return module, encode(segmenter, SENTENCES, 24)


def batch(inputs: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    return pad(inputs, 0)


def scores(module: nn.Module, inputs: list[list[int]]) -> np.ndarray:
    with torch.inference_mode():
        found: np.ndarray = module(*map(torch.from_numpy, batch(inputs))).numpy()
    return found


def write(module: EncoderClassifier, target: Path) -> onnx.ModelProto:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        to_onnx(module, target)
    return onnx.load(str(target))


def test_layers_may_read_tokens_before_texts(network: tuple[EncoderClassifier, list[list[int]]]) -> None:
    module, inputs = network
    turned = copy.deepcopy(module)
    tokens_first(turned)
    assert scores(turned, inputs) == pytest.approx(scores(module, inputs), abs=1e-4)


def test_smoothing_and_more_units_leave_the_answers(network: tuple[EncoderClassifier, list[list[int]]]) -> None:
    module, inputs = network
    changed = copy.deepcopy(module)
    seen = observe(changed, inputs, 0)
    assert any(read.norm for read in seen.values())
    assert [read.unit for read in seen.values() if read.unit]
    smooth(changed.encoder, seen)
    for name, read in seen.items():
        if read.scale is not None and not read.value:
            layer = changed.encoder.get_submodule(name)
            layer.weight.data.div_(read.scale)  # the norms give what they gave, so the layers read what they read
    assert scores(changed, inputs) == pytest.approx(scores(module, inputs), abs=1e-3)


def test_the_graph_answers_as_the_rounded_network(
    network: tuple[EncoderClassifier, list[list[int]]], tmp_path: Path
) -> None:
    module, inputs = network
    before = copy.deepcopy(module.state_dict())
    answers = rounded(module, inputs, 0)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    write(answers, tmp_path / "rounded.onnx")
    found = OnnxBackend(tmp_path / "rounded.onnx").scores(*batch(inputs))
    assert found == pytest.approx(scores(answers, inputs), abs=0.02)
    exact = scores(module, inputs)
    assert not np.array_equal(found, exact)
    assert np.abs(found - exact).mean() < 0.05 * exact.std()


def test_the_graph_holds_quick_operators_alone(
    network: tuple[EncoderClassifier, list[list[int]]], tmp_path: Path
) -> None:
    module, inputs = network
    graph = write(rounded(module, inputs, 0), tmp_path / "rounded.onnx").graph
    operators = [node.op_type for node in graph.node]
    assert operators.count("MatMulIntegerToFloat") == 6 * LAYERS + (module.encoder.config.model_type == "albert")
    assert operators.count("Gemm") == 1
    if module.encoder.config.model_type == "distilbert":
        assert "Softmax" in operators
        return
    assert operators.count("FusedMatMul") == 2 * LAYERS
    assert operators.count("MatMul") == 1, "the mean alone"
    constants = {constant.name for constant in graph.initializer}
    heads = [node for node in graph.node if node.op_type == "Reshape" and node.input[1] in constants]
    assert len(heads) == 4 * LAYERS


@pytest.mark.parametrize("most", [12.0, 47.0])
def test_a_huge_unit_is_held_by_several(most: float) -> None:
    torch.manual_seed(2)
    first, second = nn.Linear(8, 32), nn.Linear(32, 8)
    encoder = nn.ModuleDict({"first": first, "second": second})
    values = torch.randn(500, 8)
    with torch.no_grad():
        first.weight[5], first.bias[5] = 0.0, 0.0
        first.weight[5, 0] = 1000.0
        values[:, 0] = torch.where(torch.arange(500) % 50 == 0, most / 1000, -1.0)
    units = functional.gelu(first(values)).detach()
    exact = second(units).detach()
    read = Seen(units.abs().amax(dim=0), [units], unit="first")
    spread_units(encoder, {"second": read})
    more = functional.gelu(first(values)).detach()
    assert read.limit is not None
    assert read.limit < 3
    assert more.shape[1] == read.rows[0].shape[1] >= 32 + most / read.limit - 1
    assert more.shape[1] % 16 == 0
    large = torch.arange(500) % 50 == 0
    held = second(more.clamp(max=read.limit)).detach()
    cut = second(functional.pad(units.clamp(max=read.limit), (0, more.shape[1] - 32))).detach()
    size = exact[large].abs().max()
    assert (held - exact)[large].abs().max() < 0.05 * size
    assert (cut - exact)[large].abs().max() > 0.3 * size


def test_columns_make_up_for_each_other() -> None:
    torch.manual_seed(3)
    inputs = torch.randn(2000, 6) @ torch.randn(6, 48) + 0.1 * torch.randn(2000, 48)
    weight = torch.randn(20, 48)
    whole, step = round_weight(weight, inputs)
    assert whole.dtype == torch.int8
    exact = inputs @ weight.T
    nearest = torch.round(weight / step[:, None]) * step[:, None]
    error, plain = ((inputs @ (found - weight).T).square().mean() for found in (whole * step[:, None], nearest))
    assert error < 0.2 * plain < 0.01 * exact.square().mean()
