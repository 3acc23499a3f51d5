"""The peers' part of the benchmarks: its processes, rounds, figures and report, with peers made for the tests."""

from __future__ import annotations

import io
import json
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.options import Options
from benchmarks.peers import catalogue, encoders, engine, own, rounds, sizes, worker
from benchmarks.peers.catalogue import EXACT, OURS, PEERS, TORCH, Peer
from benchmarks.peers.engine import MissingError
from benchmarks.peers.figures import compare, difference, latencies, ratios, spread
from benchmarks.peers.fitting import Fitted
from benchmarks.peers.report import to_markdown
from benchmarks.peers.rounds import Plan, blocks, measure
from benchmarks.peers.servers import Server, environment, make
from lapor_route.decisions import Calibration
from lapor_route.errors import InputError
from tests.benchmarks.fake_peers import Quick
from tests.encoders import SENTENCES, fine_tuned, tiny_bert, write_bundle

if TYPE_CHECKING:
    from lapor_route.bodies import Registry

PLAN = Plan(block=8, blocks=3, at_least=0.0, rounds=2, tuning=4, passes=1, warm_up=0.0, singles=3, starts=1)


def fake(name: str, kind: str = "Quick", variant: str = "") -> Peer:
    module = f"tests.benchmarks.fake_peers:{kind}"
    return Peer(name, f"the {name} side", "Made for tests", module, variant, same_labels=True)


@pytest.fixture
def quick(tmp_path: Path) -> Quick:
    Quick.make(tmp_path, "x", 1)
    return Quick(tmp_path, 1, "x")


# The catalogue


def test_every_peer_has_its_own_name_and_an_engine() -> None:
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    assert {OURS, TORCH, EXACT} <= {peer.name for peer in PEERS if peer.quick}
    for peer in PEERS:
        assert issubclass(peer.load_class(), engine.Engine)
        assert peer.load_class().packages


def test_a_peer_without_its_environment_runs_in_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "ROOT", tmp_path)
    peer = Peer("a", "b", "c", "d:E", "", venv="its-own")
    assert peer.python == sys.executable
    python = tmp_path / "build" / "its-own" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert peer.python == str(python)


def test_all_sides_get_the_same_threads_and_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    found = environment(3)
    assert {found[f"{name}_NUM_THREADS"] for name in ("OMP", "MKL", "OPENBLAS", "RAYON")} == {"3"}
    assert found["HF_HUB_OFFLINE"] == "1"
    assert "OPENBLAS_CORETYPE" not in found


# Texts


def test_blocks_have_the_same_mix_of_lengths() -> None:
    found = blocks(4, 32, seed=3)
    assert found == blocks(4, 32, seed=3) != blocks(4, 32, seed=4)
    assert [len(block) for block in found] == [32] * 4
    medians = [float(np.median([len(text.split()) for text in block])) for block in found]
    assert max(medians) - min(medians) <= 3
    lengths = [len(text) for text in found[0]]
    assert lengths != sorted(lengths)


# The worker


def test_the_warm_up_takes_the_fastest_setting(quick: Quick) -> None:
    assert worker.tune(quick, [["a", "b"]]) == {"chosen": {"wait": 0.0}, "tried": 3}
    assert quick.wait == 0.0


def test_without_a_pass_a_setting_from_the_middle_is_taken(quick: Quick) -> None:
    assert worker.tune(quick, []) == {"chosen": {"wait": 0.0}, "tried": 1}


def test_bulk_answers_the_first_block_whole_and_goes_on_for_the_time_asked(quick: Quick) -> None:
    quick.wait = 0.01
    texts = [["listrik", "jalan"], ["jalan"], ["listrik"]]
    short = worker.bulk(quick, texts, 0.0)
    assert (short["texts"], short["labels"]) == (2, ["pln", "kabupaten_kota"])
    assert short["seconds"] >= 0.01
    assert worker.bulk(quick, texts, 0.015)["texts"] == 3
    assert worker.bulk(quick, texts, 60.0)["texts"] == 4


def test_single_texts_are_answered_in_the_setting_for_them(quick: Quick) -> None:
    quick.wait = 10.0
    assert len(worker.single(quick, ["a", "b", "c"])["seconds"]) == 3
    assert quick.wait == 0.0


def test_facts_say_memory_sizes_and_versions(quick: Quick) -> None:
    found = worker.facts(quick)
    assert found["versions"] == {"numpy": np.__version__}
    assert found["peak_mb"] >= found["resident_mb"] > 10
    assert found["packages_mb"] > 1
    assert found["model_mb"] == pytest.approx(len("x on 1") / 1e6)


def test_serving_answers_line_by_line_and_survives_an_error(quick: Quick) -> None:
    requests = [{"do": "single", "texts": ["a"]}, {"do": "tune", "passes": 3}, {"do": "tune", "passes": []}]
    out = io.StringIO()
    worker.serve(quick, io.StringIO("".join(json.dumps(request) + "\n" for request in requests)), out)
    first, second, third = map(json.loads, out.getvalue().splitlines())
    assert len(first["seconds"]) == 1
    assert second["error"].startswith("TypeError: ")
    assert third["tried"] == 1


def test_what_a_package_needs_comes_along() -> None:
    found = sizes.needed(["lapor_route", "not-installed-at-all"])
    assert {"lapor-route", "numpy", "onnxruntime", "rich", "markdown-it-py"} <= set(found)
    assert "torch" not in found
    assert sizes.size_on_disk(found["lapor-route"]) > 30e6


# Processes


def test_a_server_stands_still_between_requests_and_tells_what_fails(tmp_path: Path) -> None:
    peer = fake("fast")
    make(peer, tmp_path / "fast", 1, "key")
    server = Server(peer, tmp_path / "fast", 1)
    try:
        assert server.load_seconds > 0
        status = Path(f"/proc/{server._process.pid}/stat")
        if status.exists():
            limit = time.monotonic() + 5
            while status.read_text().split()[2] != "T" and time.monotonic() < limit:
                time.sleep(0.01)
            assert status.read_text().split()[2] == "T"
        assert server.ask("bulk", blocks=[["listrik"]], at_least=0)["labels"] == ["pln"]
        with pytest.raises(MissingError, match="bulk: TypeError"):
            server.ask("bulk", nothing=1)
        assert server.ask("bulk", blocks=[["jalan"]], at_least=0)["labels"] == ["kabupaten_kota"]
    finally:
        server.close()


def test_what_a_peer_loads_is_made_once_for_a_key(tmp_path: Path) -> None:
    peer, folder = fake("fast", variant="first"), tmp_path / "fast"
    seconds = make(peer, folder, 1, "key")
    (folder / "model.txt").write_text("kept", encoding="utf-8")
    assert make(peer, folder, 1, "key") == seconds
    assert (folder / "model.txt").read_text() == "kept"
    (folder / "left over.txt").touch()
    make(peer, folder, 1, "another")
    assert [path.name for path in folder.iterdir()] == ["model.txt"]
    assert (folder / "model.txt").read_text() == "first on 1"


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("peers")
    data = folder / "labelled.jsonl"
    rows = [
        {"id": "1", "text": "Listrik padam sejak pagi di Sleman", "body_id": "pln"},
        {"id": "2", "text": "Token listrik saya tidak bisa masuk", "body_id": "bpjs-kesehatan"},
        {"id": "3", "text": "Tiang listrik miring", "body_id": "pln"},
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    told: list[tuple[str, float]] = []
    patch = pytest.MonkeyPatch()
    patch.setattr(rounds, "QUICK", PLAN)
    sides = [
        fake(OURS),
        fake(EXACT),
        fake("lacking", "Lacking"),
        fake("ending", "Breaking", "ends"),
        fake("raising", "Breaking", "raises"),
    ]
    options = Options(work=folder, quick=True, threads=1)
    found = measure(sides, options, lambda what, done: told.append((what, done)), data)
    patch.undo()
    shares = [done for _, done in told]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    return found


def test_peers_take_turns_and_what_fails_is_named(raw: dict[str, Any]) -> None:
    assert list(raw["peers"]) == [OURS, EXACT]
    for found in raw["peers"].values():
        assert len(found["rates"]) == PLAN.rounds
        assert [len(seconds) for seconds in found["singles"]] == [PLAN.singles] * PLAN.rounds
        assert found["setting"] == {"wait": 0.0}
        assert "labels" not in found
    assert raw["peers"][OURS]["agreement"] == 1.0
    assert raw["missing"]["lacking"]["command"] == "pip install no-such-package-here"
    assert "no_such_package_here" in raw["missing"]["lacking"]["reason"]
    assert "ended with status 3" in raw["missing"]["ending"]["reason"]
    assert raw["missing"]["raising"]["reason"] == "tune: ValueError: broke here"


def test_accuracy_goes_through_the_router_with_and_without_calibration(raw: dict[str, Any]) -> None:
    figures = compare(raw, OURS, TORCH)
    found = figures["accuracy"][EXACT]
    assert set(found) == {"calibrated", "plain"}
    assert found["plain"]["top1"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["plain"]["less_than_ours"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert "right" not in found["plain"]
    assert figures["data"] == "labelled.jsonl"
    json.dumps(figures)


def test_report_and_plot_of_a_run(raw: dict[str, Any], tmp_path: Path) -> None:
    figures = compare(raw, OURS, TORCH)
    text = peers.report(figures)
    assert "A quick run" in text
    assert "the lacking side: no_such_package_here can't be imported" in text
    assert "`pip install no-such-package-here`" in text
    assert text.count("| the ours side |") == 1
    (path,) = peers.plots(figures, tmp_path)
    again = path.read_bytes()
    peers.plots(figures, tmp_path)
    assert path.read_bytes() == again
    assert b"the ours side" in again or b"<svg" in again


def test_without_a_peer_there_is_no_plot(tmp_path: Path) -> None:
    assert peers.plots({"peers": {}}, tmp_path) == []


def test_a_quick_run_measures_the_quick_peers_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def remember(sides: list[Peer], *_: Any) -> dict[str, Any]:
        asked.append([side.name for side in sides])
        return {"peers": {}, "accuracy": {}, "missing": {}}

    monkeypatch.setattr(peers, "measure", remember)
    peers.run(Options(work=tmp_path, quick=True), lambda *_: None)
    whole = peers.run(Options(work=tmp_path), lambda *_: None)
    assert "text-embeddings-inference" in whole["missing"]
    assert asked[0] == [peer.name for peer in PEERS if peer.quick]
    assert asked[1] == [peer.name for peer in PEERS]


# Figures


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([10.0, 30.0, 20.0], [5.0, 5.0, 5.0]) == {"median": 4.0, "min": 2.0, "max": 6.0}
    # The machine is half as fast in one round: the ratio doesn't see it.
    assert ratios([10.0, 5.0], [2.0, 1.0]) == {"median": 5.0, "min": 5.0, "max": 5.0}
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0], [1.0, 2.0])


def test_spread_and_latencies() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}
    found = latencies([[0.001] * 99 + [0.1], [0.003] * 100])
    assert found["p50_ms"] == pytest.approx(3.0)
    assert found["p99_ms"] == pytest.approx(3.0)
    assert found["p50_by_round"] == {"median": 2.0, "min": 1.0, "max": 3.0}


def test_difference_is_paired() -> None:
    ours, theirs = [True] * 60 + [False] * 40, [True] * 50 + [False] * 50
    found = difference(ours, theirs)
    assert found["mean"] == pytest.approx(0.1)
    assert 0.03 < found["low"] < 0.1 < found["high"] < 0.17
    assert difference(ours, theirs) == found


def test_compare_leaves_out_who_did_not_finish_and_knows_no_ratio_without_the_other_side() -> None:
    side = {"rates": [1.0, 2.0], "singles": [[0.1], [0.1]]}
    figures = compare({"peers": {"a": side, "b": {"load_seconds": {}}}, "accuracy": {}}, OURS, TORCH)
    assert list(figures["peers"]) == ["a"]
    assert "ours_times" not in figures["peers"]["a"]
    figures = compare({"peers": {OURS: side, TORCH: side | {"rates": [0.5, 0.5]}}, "accuracy": {}}, OURS, TORCH)
    assert figures["peers"][TORCH]["ours_times"]["median"] == 3.0
    assert figures["peers"][OURS]["times_torch"]["max"] == 4.0


def test_report_says_what_beats_us_and_what_was_not_measured() -> None:
    side = {
        "title": "fast one",
        "group": "G",
        "same_labels": True,
        "texts_per_second": spread([300.0]),
        "ours_times": spread([0.5]),
        "p50_ms": 1.0,
        "p99_ms": 2.0,
        "load_seconds": spread([1.0]),
        "resident_mb": 1.0,
        "model_mb": 1.0,
        "packages": 1,
        "packages_mb": 1.0,
        "agreement": 1.0,
    }
    less = {"mean": -0.01, "low": -0.02, "high": 0.0}
    kind = {"top1": 0.5, "top3": 0.6, "macro": 0.4, "ece": 0.1, "top1_interval": [0.4, 0.6]}
    figures = {
        "quick": False,
        "threads": 2,
        "max_tokens": 192,
        "rounds": 1,
        "texts_a_round": 8,
        "median_words": 46.0,
        "p90_words": 136.0,
        "peers": {
            "x": side,
            "ours-encoder": side
            | {"title": "own", "texts_per_second": spread([100.0]), "ours_times": spread([1.0])},
        },
        "missing": {},
        "accuracy": {"x": {"plain": kind | {"less_than_ours": less}}, "gone": {"calibrated": kind, "plain": kind}},
        "data": "some.jsonl",
    }
    text = to_markdown(figures)
    assert "Faster than the whole router: fast one (2.0 times our speed)." in text
    assert "faster than our encoder alone: fast one." in text
    assert "Right more often than ours: fast one." in text
    assert "-1.0 (-2.0..+0.0)" in text
    assert "A quick run" not in text
    assert "Not measured" not in text
    assert "measured apart" in to_markdown(figures | {"accuracy": {}})


# Engines


def test_the_embedded_router_and_its_linear_model_answer(tmp_path: Path) -> None:
    texts = ["Listrik padam sejak pagi di Kec. Depok, Sleman", "Kartu BPJS Kesehatan saya nonaktif"]
    router = own.RouterEngine(tmp_path, 1, "embedded")
    assert len(router.answer(texts)) == 2
    assert router.choices() == ({},)
    assert {path.name for path in router.files()} >= {"bert.onnx", "linear.safetensors"}
    linear = own.PartEngine(tmp_path, 1, "linear")
    assert linear.answer(texts)[1] == "bpjs-kesehatan"
    assert all(path.exists() for path in linear.files())
    assert linear.classifier() is linear.model
    assert linear.calibration() is None


def test_without_our_float32_weights_it_is_said_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUNDLE", engine.ROOT / "build" / "nowhere")
    with pytest.raises(MissingError) as caught:
        own.RouterEngine(tmp_path, 1, "torch")
    assert "make model" in caught.value.command


@pytest.fixture
def tiny(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle with a tiny encoder, where the peers look for ours."""
    encoder = fine_tuned(tiny_bert(tmp_path / "base"), tmp_path / "encoder", ("bpjs-kesehatan", "pln", "provinsi"))
    bundle = write_bundle(tmp_path / "bundle", registry, encoder)
    monkeypatch.setattr(engine, "BUNDLE", bundle)
    return bundle


@pytest.mark.filterwarnings("ignore")
def test_onnx_runtime_in_every_setting_answers_as_our_torch_backend(tiny: Path, tmp_path: Path) -> None:
    exact = own.RouterEngine(tmp_path, 1, "torch").classifier().predict_proba(SENTENCES)
    folder = tmp_path / "onnx"
    folder.mkdir()
    encoders.OrtEngine.make(folder, "fp32", 2)
    peer = encoders.OrtEngine(folder, 2, "fp32")
    assert len(peer.choices()) == 2 * len(encoders.BUDGETS)
    for choice in ({"streams": 1, "budget": 20, "multiple": 1}, {"streams": 2, "budget": 64, "multiple": 16}):
        peer.use(**choice)
        np.testing.assert_allclose(peer.predict_proba(SENTENCES), exact, atol=2e-4)
    assert peer.answer(SENTENCES) == [peer.labels[i] for i in exact.argmax(axis=1)]
    assert peer.classifier() is peer
    assert isinstance(peer.calibration(), Calibration)


@pytest.mark.filterwarnings("ignore")
def test_the_torch_backend_has_its_token_budget_chosen(tiny: Path, tmp_path: Path) -> None:
    peer = own.RouterEngine(tmp_path, 1, "torch")
    assert [choice["token_budget"] for choice in peer.choices()] == list(own.BUDGETS)
    peer.use(token_budget=77)
    assert peer.router.classifier.token_budget == 77  # type: ignore[attr-defined]
    assert "bert.onnx" not in {path.name for path in peer.files()}


def test_what_is_fitted_is_kept(tmp_path: Path) -> None:
    fitted = Fitted(("a", "b"), 2.0, (0.0, math.log(3.0)), Calibration())
    fitted.save(tmp_path)
    again = Fitted.load(tmp_path)
    assert again == fitted
    np.testing.assert_allclose(again.probabilities(np.zeros((1, 2))), [[0.25, 0.75]], atol=1e-6)


def test_unprepared_rows_are_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.peers import fitting

    def refuse(*_: Any) -> None:
        raise InputError("there are no prepared rows")

    monkeypatch.setattr("training.prepare.read_prepared", refuse)
    with pytest.raises(MissingError, match="no prepared rows") as caught:
        fitting.prepared_rows()
    assert caught.value.command.startswith("python -m training prepare")
