"""The steps behind the encoder's training, and all of them together, as `lapor-route train` runs them."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lapor_route import Router, cli
from lapor_route.bundle import Bundle
from lapor_route.decisions import Calibration
from lapor_route.errors import BundleError, InputError, LaporRouteError
from tests.encoders import tiny_bert
from tests.training.test_finetune import history, tuned, write_toml
from tests.training.test_prepare import config_for
from tests.training.test_sources import PROBLEMS, complaints, write_jsonl
from training.__main__ import main
from training.calibrate import calibrate, fit_weights, log_softmax, read_calibrated, row_weights
from training.calibration import fit_calibration, fold_of
from training.card import loss_curves, write_card
from training.config import ExportConfig, LinearConfig, RunConfig, load_config
from training.data import MIXED_SOURCE, Example, target_of
from training.evaluate import evaluate
from training.export import ParityError, check_parity, export
from training.fit import fit_linear
from training.prepare import prepare, read_facts, read_prepared
from training.priors import log_ratios
from training.run import STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lapor_route.bodies import Registry
    from lapor_route.places import PlaceResolver

LABELS = ["bpjs-kesehatan", "kabupaten_kota", "out_of_scope", "pln", "provinsi"]
LOOSE = ExportConfig(torch=True, least_agreement=0.5, most_loss=50.0)
"""A tiny random encoder's answers are close calls, which 8 bits may turn."""


@dataclass(frozen=True)
class Finished:
    """A run of all steps.

    Attributes:
        config: Of the run, as it was read from its file.
        toml: That file.
        printed: What the command printed.
    """

    config: RunConfig
    toml: Path
    printed: str


@pytest.fixture(scope="module", params=["joint", "bert", "linear"])
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp(request.param)
    rows = [row | {"id": f"uji-{row['id']}"} for row in complaints() if row["body_id"] != "out_of_scope"][:24]
    labelled = write_jsonl(folder / "uji.jsonl", rows)
    config = tuned(
        config_for(folder), tiny_bert(folder / "base"), epochs=10, save_every=40, reports=("tensorboard",)
    )
    config = replace(config, engine=request.param, out=folder / "bundles" / "coba", evaluate=(str(labelled),))
    config = replace(config, linear=LinearConfig(c=10.0), export=LOOSE)
    toml = write_toml(folder / "run.toml", config)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert cli.main(["train", str(toml)]) == 0
    assert load_config(toml) == config
    return Finished(config, toml, printed.getvalue())


@pytest.fixture
def linear_run(tmp_path: Path) -> RunConfig:
    """A run that is done with the step `train`, without an encoder."""
    config = replace(config_for(tmp_path), engine="linear", out=tmp_path / "bundle", linear=LinearConfig(c=10.0))
    prepare(config)
    fit_linear(config)
    return config


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_step_says_what_it_did(finished: Finished) -> None:
    titles = [line.removeprefix("== ") for line in finished.printed.splitlines() if line.startswith("== ")]
    assert titles == list(STEPS) == ["prepare", "train", "calibrate", "export", "evaluate", "card"]
    assert "120 rows to train on, 30 held out, 5 targets" in finished.printed
    assert str(finished.config.out) in finished.printed


def test_the_bundle_routes(finished: Finished) -> None:
    router = Router.load(finished.config.out)
    assert router.versions["model"] == "coba 1"
    texts = [row["text"] for row in complaints()]
    firsts = [routing.candidates[:1] for routing in router.route_many(texts)]
    rows = [
        (first, row) for first, row in zip(firsts, complaints(), strict=True) if row["body_id"] in router.registry
    ]
    right = [bool(first) and first[0].body_id == row["body_id"] for first, row in rows]
    assert np.mean(right) > (0.5 if finished.config.engine == "bert" else 0.9)


def test_the_bundle_holds_what_its_engine_needs(finished: Finished) -> None:
    engine = finished.config.engine
    expected = {"manifest.json", "calibration.json", "README.md", "tokenizer.json"}
    if engine != "bert":
        expected |= {"linear.safetensors"}
    if engine != "linear":
        expected |= {"bert.onnx", "bert.json", "bert.safetensors", "bert_architecture.json", "loss.svg"}
    if engine == "joint":
        expected |= {"joint.json"}
    assert {path.name for path in finished.config.out.iterdir()} - {"linear.json"} == expected
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in finished.config.out.iterdir())


def test_the_bundle_is_sealed(finished: Finished, tmp_path: Path) -> None:
    bundle = Bundle.open(finished.config.out)
    assert {"README.md", "calibration.json"} <= bundle.manifest["files"].keys()
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, content in contents(finished.config.out).items():
        (copy / name).write_bytes(content)
    (copy / "README.md").write_text("lain")
    with pytest.raises(BundleError, match="was changed"):
        Bundle.open(copy)


def test_the_bundle_holds_no_complaint(finished: Finished) -> None:
    whole = b"\0".join(contents(finished.config.out).values())
    texts = [row["text"] for row in complaints() if len(row["text"].split()) > 5]
    assert not [text for text in texts if text.encode() in whole]


def test_the_manifest_says_where_the_model_comes_from(finished: Finished, registry: Registry) -> None:
    config, manifest = finished.config, Bundle.open(finished.config.out).manifest
    assert manifest["labels"] == LABELS
    assert (manifest["name"], manifest["version"], manifest["engine"]) == ("coba", "1", config.engine)
    assert manifest["registry_version"] == registry.version
    facts = read_facts(config)
    assert manifest["training_data"] == {
        key: facts[key] for key in ("rows", "validation_rows", "sources", "targets", "sha256")
    }
    metrics = manifest["metrics"]
    assert metrics["held_out_target_top1"] > (0.3 if config.engine == "bert" else 0.7)
    assert metrics["target_top1_by_source"]["kami"][1] == 30
    calibration = json.loads((config.out / "calibration.json").read_text())
    assert manifest["thresholds"] == calibration
    if config.has_encoder:
        assert manifest["encoder"] == {"base": config.encoder.base, "layers": []}
        assert 0.5 <= metrics["parity"]["agreement"] <= 1
        assert metrics["parity"]["accuracy_loss"] <= 50
    else:
        assert manifest["encoder"] is None
        assert "parity" not in metrics


def test_the_card_has_tables_and_curves(finished: Finished) -> None:
    config = finished.config
    card = (config.out / "README.md").read_text(encoding="utf-8")
    assert card.startswith("# coba 1\n")
    assert f"**Engine**: {config.engine}" in card
    assert "| label right, kami (30 rows) |" in card
    assert "Routed, on `" in card
    assert "| all | 24 |" in card
    assert "| kami | 120 |" in card
    for label, number in read_facts(config)["targets"].items():
        assert f"| {label} | {number} |" in card
    assert ("8-bit against torch: agreement" in card) == config.has_encoder
    assert ("](loss.svg)" in card) == config.has_encoder
    assert ("Fine-tuning took" in card) == config.has_encoder
    if config.has_encoder:
        curves = (config.out / "loss.svg").read_text(encoding="utf-8")
        assert curves.startswith("<?xml")
        assert "</svg>" in curves


def test_the_work_folder_holds_what_each_step_wrote(finished: Finished) -> None:
    config = finished.config
    expected = {"train.jsonl", "validation.jsonl", "data.json", "trained.json"}
    expected |= {f"calibrated-{config.engine}.json", f"evaluation-{config.engine}"}
    if config.has_linear:
        expected |= {"linear"}
    if config.has_encoder:
        expected |= {"encoder", "checkpoints", "history.json"}
    scores = {path.stem.split("-")[1] for path in config.work.glob("validation-*.npy")}
    assert scores == {"joint": {"linear", "bert"}}.get(config.engine, {config.engine})
    assert {path.name for path in config.work.iterdir() if path.suffix != ".npy"} == expected
    (evaluation,) = (config.work / f"evaluation-{config.engine}").iterdir()
    assert "uji" in evaluation.name
    assert {"metrics.json", "report.md"} <= {path.name for path in evaluation.iterdir()}


def test_curves_are_written_for_tensorboard(finished: Finished) -> None:
    from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-untyped]
        EventAccumulator,
    )

    files = list(finished.config.work.rglob("events.out.tfevents.*"))
    if not finished.config.has_encoder:
        assert not files
        return
    assert files
    accumulator = EventAccumulator(str(files[0].parent))
    accumulator.Reload()
    steps = [event.step for event in accumulator.Scalars("train/loss")]
    assert steps == [entry["step"] for entry in history(finished.config)["log"] if "loss" in entry]


def test_both_backends_of_a_bundle_agree(finished: Finished) -> None:
    if not finished.config.has_encoder:
        with pytest.raises(BundleError, match="no option backend"):
            Router.load(finished.config.out, backend="torch")
        return
    texts = [row["text"] for row in complaints()[:40]]
    onnx, exact = (
        Router.load(finished.config.out, backend=backend).classifier.predict_proba(texts)
        for backend in ("onnx", "torch")
    )
    assert np.abs(onnx - exact).mean() < 0.1


def test_what_was_calibrated_is_read_again(finished: Finished) -> None:
    config = finished.config
    found = read_calibrated(config)
    assert set(found.weights) == set(found.temperatures)
    assert set(found.weights) == {"linear", "bert"} if config.engine == "joint" else len(found.weights) == 1
    assert all(temperature > 0 for temperature in found.temperatures.values())
    assert len(found.bias) == len(LABELS)


def moved(finished: Finished, folder: Path) -> RunConfig:
    """The run, with a copy of its work folder and a bundle of its own."""
    work = shutil.copytree(finished.config.work, folder / "work")
    return replace(finished.config, work=work, out=folder / "bundle")


def test_running_everything_again_gives_the_same_bundle(finished: Finished, tmp_path: Path) -> None:
    config = moved(finished, tmp_path)
    with contextlib.redirect_stdout(io.StringIO()):
        assert cli.main(["train", str(write_toml(tmp_path / "run.toml", config))]) == 0
    before, after = contents(finished.config.out), contents(config.out)
    assert after.keys() == before.keys()
    changing = {"README.md", "manifest.json"}  # how long training took
    assert [name for name in before if before[name] != after[name] and name not in changing] == []
    assert Bundle.open(config.out).manifest["metrics"] == json.loads(before["manifest.json"])["metrics"]


@pytest.mark.parametrize("finished", ["joint"], indirect=True)
def test_a_bundle_of_one_part_comes_from_the_same_models(finished: Finished, tmp_path: Path) -> None:
    config = moved(finished, tmp_path)
    toml = str(write_toml(tmp_path / "run.toml", config))
    trained = [path.stat().st_mtime_ns for path in sorted(config.work.glob("*/*.safetensors"))]
    for engine in ("linear", "bert"):
        out = tmp_path / engine
        for step in ("calibrate", "export", "evaluate", "card"):
            assert main([step, toml, "--engine", engine, "--out", str(out)]) == 0
        assert Bundle.open(out).manifest["engine"] == engine
        assert Router.load(out).route("listrik padam bergilir").candidates
        assert (config.work / f"evaluation-{engine}").is_dir()
    assert [path.stat().st_mtime_ns for path in sorted(config.work.glob("*/*.safetensors"))] == trained
    assert not config.out.exists()


@pytest.mark.parametrize("finished", ["joint"], indirect=True)
def test_an_encoder_that_8_bits_spoil_replaces_no_bundle(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(finished.config, export=ExportConfig(most_loss=-101.0))
    before, files = contents(config.out), sorted(config.work.iterdir())
    assert main(["export", str(write_toml(tmp_path / "strict.toml", config))]) == 1
    told = capsys.readouterr().err
    assert "agrees with torch on" in told
    assert "no bundle was written. Train longer, or loosen [export]" in told
    assert contents(config.out) == before
    assert sorted(config.work.iterdir()) == files


def scores(*firsts: int) -> np.ndarray:
    """Scores of three labels, those given highest."""
    return np.eye(3)[list(firsts)]


def test_parity_is_agreement_and_accuracy() -> None:
    targets = np.array([0, 1, 2, 0])
    exact = scores(0, 1, 2, 1)
    assert check_parity(exact, exact, targets, ExportConfig()) == {"agreement": 1.0, "accuracy_loss": 0.0}
    loose = ExportConfig(least_agreement=0.75, most_loss=25.0)
    assert check_parity(exact, scores(0, 1, 0, 1), targets, loose) == {"agreement": 0.75, "accuracy_loss": 25.0}
    better = check_parity(exact, scores(0, 1, 2, 0), targets, loose)
    assert better == {"agreement": 0.75, "accuracy_loss": -25.0}


@pytest.mark.parametrize(
    "limits",
    [ExportConfig(least_agreement=0.76, most_loss=25.0), ExportConfig(least_agreement=0.75, most_loss=24.9)],
    ids=["agreement", "accuracy"],
)
def test_either_limit_of_parity_is_enough(limits: ExportConfig) -> None:
    with pytest.raises(ParityError, match=r"agrees with torch on 0\.7500 .* loses 25\.00 points"):
        check_parity(scores(0, 1, 2, 1), scores(0, 1, 0, 1), np.array([0, 1, 2, 0]), limits)


def test_steps_out_of_their_order_are_refused(tmp_path: Path) -> None:
    config = replace(config_for(tmp_path), engine="linear", out=tmp_path / "bundle")
    with pytest.raises(InputError, match="run the step prepare first"):
        fit_linear(config)
    prepare(config)
    with pytest.raises(InputError, match="run the step calibrate first"):
        export(config)
    with pytest.raises(BundleError, match="there is no model bundle"):
        evaluate(config)
    with pytest.raises(BundleError, match="there is no model bundle"):
        write_card(config)


@pytest.mark.parametrize("engine", ["linear", "bert"])
def test_a_calibration_without_a_model_is_refused(tmp_path: Path, engine: Any) -> None:
    config = replace(config_for(tmp_path), engine=engine)
    prepare(config)
    with pytest.raises(InputError, match="run the step train first"):
        calibrate(config)


def test_a_model_of_other_rows_is_not_calibrated(linear_run: RunConfig) -> None:
    calibrate(linear_run)
    changed = replace(linear_run, data=replace(linear_run.data, held_out=0.4))
    prepare(changed)
    with pytest.raises(InputError, match="run the step train"):
        calibrate(changed)


def test_a_new_validation_file_is_scored_anew(linear_run: RunConfig, tmp_path: Path) -> None:
    file = tmp_path / "uji.jsonl"
    config = replace(linear_run, data=replace(linear_run.data, validation=str(file)))
    rows = [row for row in complaints() if row["body_id"] != "out_of_scope"]
    write_jsonl(file, rows[:20])
    prepare(config)
    fit_linear(config)
    assert calibrate(config).figures["target_top1_by_source"] == {"uji": [1.0, 20]}
    write_jsonl(file, rows[21:41])
    prepare(config)
    assert calibrate(config).figures["target_top1_by_source"] == {"uji": [1.0, 20]}


def test_a_held_out_text_longer_than_is_read(linear_run: RunConfig, tmp_path: Path) -> None:
    rows = [row for row in complaints() if row["body_id"] != "out_of_scope"][:20]
    rows[0] |= {"text": rows[0]["text"] + " sekali" * 4000}
    file = write_jsonl(tmp_path / "uji.jsonl", rows)
    config = replace(linear_run, data=replace(linear_run.data, validation=str(file)))
    prepare(config)
    fit_linear(config)
    assert calibrate(config).figures["held_out_rows"] == 20


def test_a_folder_that_is_no_bundle_is_never_replaced(linear_run: RunConfig, tmp_path: Path) -> None:
    calibrate(linear_run)
    precious = tmp_path / "laporan"
    precious.mkdir()
    (precious / "catatan.txt").write_text("penting")
    for out in (precious, linear_run.work):
        with pytest.raises(LaporRouteError, match=str(out)):
            export(replace(linear_run, out=out))
    assert (precious / "catatan.txt").exists()
    assert (linear_run.work / "data.json").exists()
    empty = tmp_path / "kosong"
    empty.mkdir()
    export(replace(linear_run, out=empty))
    export(replace(linear_run, out=empty))
    assert Router.load(empty)


def test_a_refit_learns_from_the_held_out_rows_too(linear_run: RunConfig, tmp_path: Path) -> None:
    calibrate(linear_run)
    export(linear_run)
    kept = replace(linear_run, linear=replace(linear_run.linear, refit=False), out=tmp_path / "kept")
    export(kept)
    trained = (linear_run.work / "linear" / "linear.safetensors").read_bytes()
    assert (kept.out / "linear.safetensors").stat().st_size == len(trained)
    assert (linear_run.out / "linear.safetensors").stat().st_size > len(trained)


def test_the_card_of_two_files_of_one_name_tells_of_both(linear_run: RunConfig, tmp_path: Path) -> None:
    calibrate(linear_run)
    export(linear_run)
    rows, files = [row for row in complaints() if row["body_id"] != "out_of_scope"], []
    for number, folder in ((4, "lama"), (8, "baru")):
        (tmp_path / folder).mkdir()
        files.append(str(write_jsonl(tmp_path / folder / "uji.jsonl", rows[:number])))
    config = replace(linear_run, evaluate=tuple(files))
    assert len(evaluate(config)) == 2
    card = write_card(config).read_text(encoding="utf-8")
    assert "| all | 4 |" in card
    assert "| all | 8 |" in card


class Perfect:
    """Is always right, and sure of it."""

    labels = ("bpjs-kesehatan", "kabupaten_kota", "out_of_scope", "pln", "provinsi")

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        known = {row["text"]: list(PROBLEMS).index(row["body_id"]) for row in complaints()}
        order = ("pln", "bpjs-kesehatan", "kabupaten_kota", "provinsi", "out_of_scope")
        rows = [[0.96 if order[known[text]] == label else 0.01 for label in self.labels] for text in texts]
        return np.array(rows)


def dispositions(registry: Registry) -> list[Example]:
    """The complaints as held-out rows."""
    return [
        Example(
            row["text"], target_of(row["body_id"], registry), source="kami", key=row["id"], body_id=row["body_id"]
        )
        for row in complaints()
    ]


def test_a_calibration_of_a_model_that_is_always_right(registry: Registry, resolver: PlaceResolver) -> None:
    rows = [row for row in dispositions(registry) if row.body_id != "out_of_scope"][:24]
    calibration, figures = fit_calibration(Perfect(), rows, np.ones(len(rows)), registry, resolver)
    assert figures["held_out_routing_top1"] == 1.0
    assert figures["held_out_forward_coverage"] == 1.0
    assert all(0 < threshold < 1 for threshold in calibration.forward_at.values())


class SurestWhenWrong:
    """Is barely right about PLN, and surely wrong about JKN."""

    labels = ("bpjs-kesehatan", "kemensos", "pln")

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[0.02, 0.96, 0.02] if "jkn" in text else [0.3, 0.3, 0.4] for text in texts])


def test_a_calibration_of_a_model_that_is_surest_when_wrong_can_be_read(
    registry: Registry, resolver: PlaceResolver
) -> None:
    rows = [row for row in dispositions(registry) if row.body_id in ("pln", "bpjs-kesehatan")]
    calibration, _ = fit_calibration(SurestWhenWrong(), rows, np.ones(len(rows)), registry, resolver)
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration


def test_a_calibration_counts_rows_that_have_a_body(registry: Registry, resolver: PlaceResolver) -> None:
    rows = dispositions(registry)[:50]
    _, figures = fit_calibration(Perfect(), rows, np.ones(len(rows)), registry, resolver)
    assert figures["held_out_rows"] == len(rows) == 50
    assert figures["held_out_routing_top1"] == 1.0


def test_without_the_mixed_file_no_label_is_shifted() -> None:
    rows = [Example("t", label) for label in ("pln", "pln", "pln", "provinsi")]
    assert not log_ratios(["pln", "provinsi"], rows, rows).any()


def test_the_mixed_file_shifts_labels_towards_its_own_mix() -> None:
    trained = [Example("t", label) for label in ("pln", "pln", "pln", "provinsi", "out_of_scope")]
    mixed = [Example("t", label, source=MIXED_SOURCE) for label in ("provinsi", "provinsi", "provinsi", "pln")]
    pln, provinsi, out_of_scope = log_ratios(["pln", "provinsi", "out_of_scope"], trained, [*trained, *mixed])
    assert pln < 0 < provinsi
    assert out_of_scope == 0.0


def test_rows_of_the_users_own_count_beside_the_examples(registry: Registry) -> None:
    own = Example("t", "pln", source="kami")
    assert row_weights([own, own]).tolist() == [1.0, 1.0]
    beside = row_weights([Example("t", "pln", source="examples"), own])
    assert beside[0] == pytest.approx(0.6)
    assert beside[1] > 0


def test_fillings_of_one_text_share_its_weight_and_its_fold() -> None:
    rows = [
        Example("t", "pln", source="kami", key=key) for key in ("several-3#0", "several-3#1", "several-4#0", "")
    ]
    assert row_weights(rows).tolist() == [0.5, 0.5, 1.0, 1.0]
    assert fold_of(rows[0]) == fold_of(rows[1])


def test_a_calibration_of_another_version_is_named(linear_run: RunConfig, tmp_path: Path) -> None:
    config = replace(linear_run, work=tmp_path)
    written = {"calibration": {"national_power": 1.0}, "bias": []}
    (tmp_path / f"calibrated-{config.engine}.json").write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(InputError, match="run the step calibrate again"):
        read_calibrated(config)


def test_the_weights_of_both_models_follow_what_they_know() -> None:
    rng = np.random.default_rng(3)
    targets = rng.integers(0, 3, 300)
    good = log_softmax(2 * np.eye(3)[targets] + rng.normal(size=(300, 3)))
    noise = log_softmax(rng.normal(size=(300, 3)))
    found = fit_weights({"linear": noise, "bert": good}, targets, np.ones(300))
    assert found["bert"] > 0.5 > 0.2 > found["linear"]
    assert fit_weights({"bert": good}, targets, np.ones(300)) == {"bert": 1.0}


def test_loss_curves_are_a_picture_of_the_log() -> None:
    log: list[dict[str, Any]] = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}, {"step": 2, "eval_loss": 1.5}]
    assert "</svg>" in loss_curves(log)
    assert loss_curves(log) == loss_curves(log)


def test_the_command_line_runs_one_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = replace(config_for(tmp_path), engine="linear")
    toml = write_toml(tmp_path / "run.toml", config)
    assert main(["prepare", str(toml)]) == 0
    assert capsys.readouterr().out.startswith("== prepare\n120 rows to train on")
    assert len(read_prepared(config).train) == 120
    assert {path.name for path in config.work.iterdir()} == {"train.jsonl", "validation.jsonl", "data.json"}


@pytest.mark.parametrize("command", ["python -m training", "lapor-route"])
def test_a_dry_run_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    config = replace(config_for(tmp_path), engine="linear")
    toml = str(write_toml(tmp_path / "run.toml", config))
    status = main(["check", toml]) if command.startswith("python") else cli.main(["train", toml, "--check"])
    assert status == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["validation_rows"]) == (120, 30)
    assert not config.work.exists()


def test_wrong_input_gives_status_2_and_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["all", str(tmp_path / "hilang.toml")]) == 2
    assert capsys.readouterr().err.startswith("training: there is no config")
    assert cli.main(["train", str(tmp_path / "hilang.toml")]) == 2
    assert capsys.readouterr().err.startswith("lapor-route: there is no config")
    config = replace(config_for(tmp_path, [{"text": "listrik padam", "body_id": "tidak-ada"}]), engine="linear")
    toml = str(write_toml(tmp_path / "run.toml", config))
    assert cli.main(["train", toml]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "kami, row 1: 'tidak-ada' is no body" in line
    assert main(["card", toml]) == 1
    assert "there is no model bundle" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["terbang", "run.toml"], ["train"], ["train", "a.toml", "--engine", "gpt"]]
)
def test_wrong_usage_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: python -m training" in capsys.readouterr().err
