from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import AutoModel, AutoTokenizer

from lapor_route.classifiers.backends import TORCH_FILE
from lapor_route.classifiers.bert import BertClassifier
from lapor_route.errors import InputError
from tests.encoders import POSITIONS, tiny_albert, tiny_bert
from tests.training.test_prepare import config_for
from tests.training.test_sources import complaints, write_jsonl
from training.__main__ import main
from training.config import EncoderConfig, RunConfig, TrainConfig
from training.data import balanced_weights
from training.finetune import (
    CHECKPOINTS,
    ENCODER_FOLDER,
    HISTORY_FILE,
    HUGGINGFACE_FOLDER,
    finetune,
)
from training.prepare import prepare
from training.run import check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lapor_route.bodies import Registry
    from lapor_route.classifiers.protocol import Classifier

ROOT = Path(__file__).parents[2]
MAKERS: dict[str, Callable[[Path], Path]] = {"bert": tiny_bert, "albert": tiny_albert}
QUICK: dict[str, Any] = {
    "epochs": 1,
    "batch_size": 16,
    "learning_rate": 2e-3,
    "head_learning_rate": 1e-2,
    "bf16": False,
    "save_every": 1000,
    "log_every": 1,
    "reports": (),
}


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each kind of encoder."""
    folder = tmp_path_factory.mktemp("bases")
    return {name: make(folder / name) for name, make in MAKERS.items()}


def tuned(config: RunConfig, base: Path, *, encoder: dict[str, Any] | None = None, **train: Any) -> RunConfig:
    """A config with settings for a tiny encoder."""
    settings: dict[str, Any] = {"base": str(base), "max_tokens": 48} | (encoder or {})
    return replace(config, engine="bert", encoder=EncoderConfig(**settings), train=TrainConfig(**(QUICK | train)))


def write_toml(path: Path, config: RunConfig) -> Path:
    """The config as the file that a user would write."""
    lines = [f"name = {json.dumps(config.name)}", f"version = {json.dumps(config.version)}"]
    lines += [f"engine = {json.dumps(config.engine)}", f"seed = {config.seed}"]
    lines += [f"work = {json.dumps(str(config.work))}", f"out = {json.dumps(str(config.out))}"]
    lines += [f"evaluate = {json.dumps(config.evaluate)}"]
    for name in ("data", "encoder", "train", "linear", "export"):
        lines += [f"[{name}]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in vars(getattr(config, name)).items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def history(config: RunConfig) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((config.work / HISTORY_FILE).read_text(encoding="utf-8"))
    return found


def losses(config: RunConfig) -> dict[int, float]:
    """The logged training loss of each step."""
    return {entry["step"]: entry["loss"] for entry in history(config)["log"] if "loss" in entry}


def weights(config: RunConfig) -> dict[str, np.ndarray]:
    return load_file(config.work / ENCODER_FOLDER / TORCH_FILE)


def share_right(classifier: Classifier, rows: Sequence[Any]) -> float:
    chosen = classifier.predict_proba([row.text for row in rows]).argmax(axis=1)
    return float(
        np.mean([classifier.labels[column] == row.target for column, row in zip(chosen, rows, strict=True)])
    )


@pytest.mark.parametrize("kind", MAKERS)
def test_an_encoder_learns(tmp_path: Path, registry: Registry, bases: dict[str, Path], kind: str) -> None:
    config = tuned(config_for(tmp_path), bases[kind], epochs=20, save_every=50)
    prepared = prepare(config, registry)
    folder = finetune(config)
    assert folder == config.work / ENCODER_FOLDER
    found = losses(config)
    assert list(found) == list(range(1, len(found) + 1))
    assert np.mean(list(found.values())[-10:]) < 0.7 * found[1]
    classifier = BertClassifier.load(folder, prepared.labels, backend="torch")
    commonest = Counter(row.target for row in prepared.train).most_common(1)[0][1] / len(prepared.train)
    assert (
        share_right(classifier, prepared.train) > 2 * commonest + 0.2
    )  # elsewhere rounding leads to 0.9, here 0.98
    evaluated = [entry["eval_loss"] for entry in history(config)["log"] if "eval_loss" in entry]
    assert len(evaluated) > 2


def test_what_is_learnt_is_an_ordinary_hugging_face_folder(
    tmp_path: Path, registry: Registry, bases: dict[str, Path]
) -> None:
    config = tuned(config_for(tmp_path), bases["bert"], encoder={"layers": (1,)})
    prepare(config, registry)
    folder = finetune(config) / HUGGINGFACE_FOLDER
    model = AutoModel.from_pretrained(folder)
    assert model.config.num_hidden_layers == 1
    ids = AutoTokenizer.from_pretrained(folder)("listrik padam", return_tensors="pt")["input_ids"]
    assert torch.isfinite(model(ids).last_hidden_state).all()
    name = "embeddings.word_embeddings.weight"
    assert np.array_equal(model.state_dict()[name].numpy(), weights(config)[f"encoder.{name}"])
    further = replace(tuned(config, folder), work=tmp_path / "further")
    prepare(further, registry)
    assert finetune(further).is_dir()


@pytest.mark.parametrize("kind", MAKERS)
def test_a_probe_starts_better_than_random_numbers(
    tmp_path: Path, registry: Registry, bases: dict[str, Path], kind: str
) -> None:
    right = {}
    for probe in (0.0, 1.0):
        config = tuned(config_for(tmp_path), bases[kind], probe=probe, learning_rate=1e-9, head_learning_rate=1e-9)
        config = replace(config, work=tmp_path / str(probe))
        prepared = prepare(config, registry)
        classifier = BertClassifier.load(finetune(config), prepared.labels, backend="torch")
        right[probe] = share_right(classifier, prepared.train)
    assert right[1.0] > 0.4
    assert right[1.0] > right[0.0] + 0.2


def test_layers_are_chosen(tmp_path: Path, registry: Registry, bases: dict[str, Path]) -> None:
    config = tuned(config_for(tmp_path), bases["bert"], encoder={"layers": (1,)}, probe=0.0)
    prepare(config, registry)
    finetune(config)
    layers = {name.split(".")[3] for name in weights(config) if name.startswith("encoder.encoder.layer.")}
    assert layers == {"0"}
    whole = replace(tuned(config, bases["bert"]), work=tmp_path / "whole")
    assert history(config)["parameters"] < check(whole)["parameters"]


def test_embeddings_can_be_frozen(tmp_path: Path, registry: Registry, bases: dict[str, Path]) -> None:
    config = tuned(config_for(tmp_path), bases["bert"], freeze_embeddings=True)
    prepare(config, registry)
    finetune(config)
    before, after = AutoModel.from_pretrained(bases["bert"]).state_dict(), weights(config)
    name = "embeddings.word_embeddings.weight"
    assert np.array_equal(before[name].numpy(), after[f"encoder.{name}"])
    name = "encoder.layer.0.output.dense.weight"
    assert not np.array_equal(before[name].numpy(), after[f"encoder.{name}"])


def test_batches_can_be_joined_into_steps(tmp_path: Path, registry: Registry, bases: dict[str, Path]) -> None:
    config = tuned(config_for(tmp_path), bases["bert"], batch_size=4, gradient_accumulation=4, epochs=2)
    rows = len(prepare(config, registry).train)
    finetune(config)
    assert max(losses(config)) == 2 * -(-rows // 16)


@pytest.mark.parametrize(
    ("kind", "encoder", "told"),
    [
        ("bert", {"max_tokens": POSITIONS + 1}, f"encoder.max_tokens is 65, but .* reads {POSITIONS}"),
        ("albert", {"max_tokens": POSITIONS + 1}, f"encoder.max_tokens is 65, but .* reads {POSITIONS}"),
        ("bert", {"layers": (0, 2)}, r"layers \[0, 2\] aren't all among the encoder's 2 \(0 to 1\)"),
        ("bert", {"layers": (-1,)}, r"layers \[-1\] aren't all among"),
        ("albert", {"layers": (0,)}, "has no list of layers to choose from; leave `layers` out"),
    ],
)
def test_settings_that_do_not_fit_the_encoder_are_refused(
    tmp_path: Path, registry: Registry, bases: dict[str, Path], kind: str, encoder: dict[str, Any], told: str
) -> None:
    config = tuned(config_for(tmp_path), bases[kind], encoder=encoder)
    with pytest.raises(InputError, match=told):
        check(config)
    prepare(config, registry)
    with pytest.raises(InputError, match=told):
        finetune(config)
    assert not (config.work / CHECKPOINTS).exists()


def test_the_longest_possible_input_is_taken(tmp_path: Path, registry: Registry, bases: dict[str, Path]) -> None:
    rows = complaints()
    rows[0]["text"] += " lagi" * 200
    rows[1]["text"] = ""
    config = tuned(config_for(tmp_path, rows), bases["bert"], encoder={"max_tokens": POSITIONS})
    prepared = prepare(config, registry)
    classifier = BertClassifier.load(finetune(config), prepared.labels, backend="torch")
    assert np.isfinite(classifier.decision_function([row["text"] for row in rows[:2]])).all()


def spoilt(base: Path, target: Path, how: str) -> Path:
    """A copy of a base model that can't be used."""
    if how == "nothing there":
        return target
    shutil.copytree(base, target)
    if how == "no weights":
        (target / "model.safetensors").unlink()
    elif how == "weights cut off":
        content = (target / "model.safetensors").read_bytes()
        (target / "model.safetensors").write_bytes(content[: len(content) // 2])
    elif how == "no tokeniser":
        for file in target.glob("tokenizer*"):
            file.unlink()
    elif how == "no padding token":
        settings = json.loads((target / "tokenizer_config.json").read_text())
        del settings["pad_token"]
        (target / "tokenizer_config.json").write_text(json.dumps(settings))
    else:
        (target / "config.json").write_text('{"model_type": "tidak-dikenal"}')
    return target


@pytest.mark.parametrize(
    "how",
    ["nothing there", "no weights", "weights cut off", "no tokeniser", "no padding token", "unknown architecture"],
)
def test_a_base_that_cannot_be_used_is_refused(tmp_path: Path, bases: dict[str, Path], how: str) -> None:
    base = spoilt(bases["bert"], tmp_path / "rusak", how)
    with pytest.raises(InputError, match="rusak"):
        check(tuned(config_for(tmp_path), base))


def test_a_dry_run_tells_the_size_and_writes_nothing(
    tmp_path: Path, registry: Registry, bases: dict[str, Path]
) -> None:
    config = tuned(config_for(tmp_path, copies=2), bases["bert"], epochs=2.5)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    told = check(config)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert told["rows"] + told["validation_rows"] == 150
    assert len(told["targets"]) == 5
    assert told["texts_cut"] == 0
    assert told["checkpoint"] is None
    json.dumps(told)
    assert check(tuned(config, bases["bert"], encoder={"max_tokens": 8}))["texts_cut"] == 1
    rows = len(prepare(config, registry).train)
    assert rows == 2 * told["rows"]
    finetune(config)
    assert told["parameters"] == history(config)["parameters"]
    assert told["steps"] == max(losses(config))
    assert check(config)["checkpoint"]


def test_a_dry_run_says_which_evaluation_file_is_missing(tmp_path: Path, bases: dict[str, Path]) -> None:
    config = replace(tuned(config_for(tmp_path), bases["bert"]), evaluate=("hilang.jsonl",))
    with pytest.raises(InputError, match=r"files that aren't there: hilang\.jsonl"):
        check(config)


def test_rows_must_be_prepared_first(tmp_path: Path, bases: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="run the step prepare first"):
        finetune(tuned(config_for(tmp_path), bases["bert"]))


def test_balance_raises_what_is_rare() -> None:
    targets, weight = np.array([0, 0, 0, 2]), np.array([1.0, 1.0, 2.0, 1.0])
    assert np.array_equal(balanced_weights(targets, weight, 3, 0.0), weight)
    full = balanced_weights(targets, weight, 3, 1.0)
    assert full[targets == 0].sum() == pytest.approx(full[targets == 2].sum())
    half = balanced_weights(targets, weight, 3, 0.5)
    assert half[3] / half[0] == pytest.approx(2.0)


def environment() -> dict[str, str]:
    """For a training run of its own process, with as many threads as in this one."""
    given = {
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
        "TOKENIZERS_PARALLELISM": "false",
    }
    return os.environ | given


def kill_at(step: int, config: Path) -> None:
    """Starts `python -m training train` and kills it once it has logged a step."""
    command = [sys.executable, "-m", "training", "train", str(config)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    logged = 0
    for line in process.stdout:
        logged += "'loss'" in line
        if logged == step:
            break
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL


def test_a_killed_run_goes_on_as_if_nothing_had_been(
    tmp_path: Path, registry: Registry, bases: dict[str, Path]
) -> None:
    config = tuned(config_for(tmp_path), bases["bert"], epochs=20, save_every=30)
    whole, killed = replace(config, work=tmp_path / "whole"), replace(config, work=tmp_path / "killed")
    for run in (whole, killed):
        prepare(run, registry)
    finetune(whole)
    toml = write_toml(tmp_path / "run.toml", killed)
    kill_at(38, toml)
    assert (killed.work / CHECKPOINTS / "checkpoint-30").is_dir()
    assert not (killed.work / ENCODER_FOLDER).exists()

    assert main(["train", str(toml)]) == 0
    assert history(killed)["resumed"]
    logged = [entry["step"] for entry in history(killed)["log"] if "loss" in entry]
    assert logged == list(range(1, len(losses(whole)) + 1))
    assert losses(killed) == pytest.approx(losses(whole), rel=1e-3)
    for name, weight in weights(whole).items():
        assert np.allclose(weights(killed)[name], weight, rtol=1e-3, atol=1e-4), name


def test_a_checkpoint_that_was_half_written_is_passed_over(
    tmp_path: Path, registry: Registry, bases: dict[str, Path]
) -> None:
    config = tuned(config_for(tmp_path), bases["bert"], epochs=2, save_every=6)
    prepare(config, registry)
    finetune(config)
    before, steps = weights(config), len(losses(config))
    (config.work / CHECKPOINTS / f"checkpoint-{steps}" / "trainer_state.json").unlink()
    (config.work / CHECKPOINTS / f"checkpoint-{steps}" / "model.safetensors").write_bytes(b"")
    finetune(config)
    assert list(losses(config)) == list(range(1, steps + 1))
    for name, weight in before.items():
        assert np.allclose(weights(config)[name], weight, rtol=1e-3, atol=1e-4), name


def test_a_finished_run_stays_as_it_is(tmp_path: Path, registry: Registry, bases: dict[str, Path]) -> None:
    config = tuned(config_for(tmp_path), bases["bert"], epochs=2)
    prepare(config, registry)
    finetune(config)
    before, logged = weights(config), losses(config)
    finetune(config)
    assert losses(config) == logged
    assert all(np.array_equal(weights(config)[name], weight) for name, weight in before.items())


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"train": TrainConfig(**(QUICK | {"epochs": 3}))}, "belongs to a run with another config"),
        ({"seed": 8}, "was prepared for another .* seed"),
    ],
    ids=["another section", "another seed"],
)
def test_checkpoints_of_another_config_are_refused(
    tmp_path: Path, registry: Registry, bases: dict[str, Path], change: dict[str, Any], refusal: str
) -> None:
    config = tuned(config_for(tmp_path), bases["bert"])
    prepare(config, registry)
    finetune(config)
    before = weights(config)
    with pytest.raises(InputError, match=refusal):
        finetune(replace(config, **change))
    with pytest.raises(InputError, match="another config"):
        check(replace(config, **change))
    assert all(np.array_equal(weights(config)[name], weight) for name, weight in before.items())


def test_checkpoints_of_other_rows_are_refused(tmp_path: Path, registry: Registry, bases: dict[str, Path]) -> None:
    config = tuned(config_for(tmp_path), bases["bert"])
    prepare(config, registry)
    finetune(config)
    write_jsonl(tmp_path / "kami.jsonl", complaints()[:100])
    prepare(config, registry)
    with pytest.raises(InputError, match="belongs to a run with"):
        finetune(config)
