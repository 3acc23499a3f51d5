"""Fine-tuning by torchrun on two local workers (gloo): on one machine, and on two that share no disk."""

from __future__ import annotations

import json
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import torch
from torch import distributed

from lapor_route.classifiers.bert import BertClassifier
from lapor_route.classifiers.linear import LinearClassifier
from lapor_route.errors import InputError
from tests.encoders import tiny_bert
from tests.training.test_finetune import ROOT, environment, history, losses, share_right, tuned, write_toml
from tests.training.test_prepare import config_for
from training.__main__ import main
from training.finetune import CHECKPOINTS, ENCODER_FOLDER, finetune
from training.fit import LINEAR_FOLDER
from training.prepare import FACTS_FILE, VALIDATION_FILE, collect, read_prepared, write_prepared
from training.processes import check_alike, devices, texts_a_device

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lapor_route.bodies import Registry
    from training.config import RunConfig

BATCH, ROWS, EPOCHS = 16, 96, 6
"""Whole batches: the last one of a pass would else be filled up for two workers, and not for one."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder without dropout, for which two workers draw other random numbers than one."""
    folder = tiny_bert(tmp_path_factory.mktemp("base") / "bert")
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    settings |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, registry: Registry, base: Path) -> RunConfig:
    """What one process trains."""
    config = prepared_run(tmp_path_factory.mktemp("alone"), registry, base)
    finetune(config)
    return config


def prepared_run(folder: Path, registry: Registry, base: Path) -> RunConfig:
    train = {"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": 5e-4, "save_every": 10}
    config = tuned(config_for(folder), base, encoder={"dropout": 0.0}, **train)
    prepared = collect(config, registry)
    write_prepared(config, replace(prepared, train=random.Random(1).sample(prepared.train, ROWS)))
    return config


@contextmanager
def torchrun(toml: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Starts `torchrun ... -m training train`, which writes what it says into a file beside its config."""
    command = [sys.executable, "-m", "torch.distributed.run", *options, "-m", "training", "train", str(toml)]
    with toml.with_suffix(".log").open("wb") as log:
        given = environment() | {"OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, cwd=ROOT, env=given, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.terminate()  # ends its workers as well
            process.wait(timeout=60)


def said(toml: Path) -> str:
    return toml.with_suffix(".log").read_text(encoding="utf-8")


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def assert_alike(config: RunConfig, alone: RunConfig) -> None:
    """Whether the loss of every step, and what was learnt, are those of one process."""
    assert losses(config) == pytest.approx(losses(alone), rel=1e-3, abs=3e-4)
    rows = [json.loads(line) for line in (alone.work / VALIDATION_FILE).read_text(encoding="utf-8").splitlines()]
    labels = json.loads((alone.work / FACTS_FILE).read_text(encoding="utf-8"))["labels"]
    ours, theirs = (
        BertClassifier.load(run.work / ENCODER_FOLDER, labels, backend="torch").predict_proba(
            [row["text"] for row in rows]
        )
        for run in (config, alone)
    )
    assert np.allclose(ours, theirs, atol=2e-3)


@dataclass(frozen=True)
class Stopped:
    """A run on two workers of which one was killed after the first checkpoint."""

    config: RunConfig
    toml: Path
    status: int
    workers: list[psutil.Process]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, registry: Registry, base: Path) -> Stopped:
    config = prepared_run(tmp_path_factory.mktemp("stopped"), registry, base)
    toml = write_toml(config.work.parent / "run.toml", config)
    with torchrun(toml, "--standalone", "--nproc-per-node", "2") as process:
        while not (config.work / CHECKPOINTS / "checkpoint-10" / "trainer_state.json").exists():
            assert process.poll() is None, said(toml)
            time.sleep(0.01)
        workers = {child.environ()["RANK"]: child for child in psutil.Process(process.pid).children()}
        workers["1"].kill()
        return Stopped(config, toml, process.wait(timeout=120), list(workers.values()))


def test_a_worker_that_dies_ends_all(stopped: Stopped) -> None:
    assert stopped.status == 1
    told = said(stopped.toml)
    assert re.search(r"rank +: 1 \(local_rank: 1\)\n +exitcode +: -9", told), told
    assert not any(worker.is_running() for worker in stopped.workers)
    assert not (stopped.config.work / ENCODER_FOLDER).exists()


def test_two_machines_go_on_and_train_what_one_process_trains(
    tmp_path: Path, stopped: Stopped, alone: RunConfig
) -> None:
    first, second = (replace(stopped.config, work=tmp_path / name, engine="joint") for name in ("first", "second"))
    tomls = [write_toml(tmp_path / f"{run.work.name}.toml", run) for run in (first, second)]
    for run in (first, second):
        shutil.copytree(stopped.config.work, run.work)
    before = files(second.work)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    options = ("--nnodes", "2", "--nproc-per-node", "1", "--master-addr", "127.0.0.1", "--master-port", port)
    with (
        torchrun(tomls[0], *options, "--node-rank", "0") as one,
        torchrun(tomls[1], *options, "--node-rank", "1") as other,
    ):
        assert one.wait(timeout=180) == 0, said(tomls[0])
        assert other.wait(timeout=180) == 0, said(tomls[1])

    assert history(first)["resumed"]
    assert_alike(first, alone)
    prepared = read_prepared(first)
    linear = LinearClassifier.load(first.work / LINEAR_FOLDER, prepared.labels)
    assert share_right(linear, prepared.train) > 0.9
    assert {path.name for path in files(second.work) - before} == {"rng_state_1.pth"}  # of its own random numbers
    assert said(tomls[0]).count("== train") == 1
    assert "== train" not in said(tomls[1])
    assert "'loss'" not in said(tomls[1])


def test_one_process_goes_on_with_what_two_began(tmp_path: Path, stopped: Stopped, alone: RunConfig) -> None:
    config = replace(stopped.config, work=tmp_path / "work")
    shutil.copytree(stopped.config.work, config.work)
    assert main(["train", str(write_toml(tmp_path / "run.toml", config))]) == 0
    assert history(config)["resumed"]
    assert_alike(config, alone)


def test_a_batch_is_shared_evenly_or_refused() -> None:
    assert texts_a_device(32, 1) == 32
    assert texts_a_device(32, 4) == 8
    with pytest.raises(InputError, match=r"batch_size is 32, which 3 devices can't share evenly; .* multiple of 3"):
        texts_a_device(32, 3)


@pytest.mark.parametrize(
    ("by_torchrun", "expected"),
    [({}, 4), ({"LOCAL_RANK": "0", "WORLD_SIZE": "1"}, 1), ({"LOCAL_RANK": "1", "WORLD_SIZE": "8"}, 8)],
)
def test_devices_are_processes_or_else_all_gpus(
    monkeypatch: pytest.MonkeyPatch, by_torchrun: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    for name in ("LOCAL_RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in by_torchrun.items():
        monkeypatch.setenv(name, value)
    assert devices() == expected


def test_only_training_runs_on_several_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(config_for(tmp_path), engine="linear")
    toml = str(write_toml(tmp_path / "run.toml", config))
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    for step in ("all", "prepare", "export"):
        assert main([step, toml]) == 2
        assert capsys.readouterr().err.startswith("training (rank 1 of 2): only the step train runs on several")
    assert main(["train", toml]) == 0
    assert capsys.readouterr().out == ""
    assert not config.work.exists()


@pytest.mark.parametrize("what", ["config or rows", "checkpoint"])
def test_processes_that_would_train_on_different_things_are_refused(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    mine = {"config or rows": "a", "checkpoint": "checkpoint-10"}
    last = mine.copy()

    def gather(everyones: list[Any], given: dict[str, str]) -> None:
        everyones[:] = [given, given, last]

    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 3)
    monkeypatch.setattr(distributed, "all_gather_object", gather)
    check_alike(mine)
    last[what] = ""
    with pytest.raises(InputError, match=rf"ranks \[2\] have another {what} than rank 0; share the work folder"):
        check_alike(mine)
