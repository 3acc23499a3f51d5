from __future__ import annotations

from pathlib import Path

import pytest

from lapor_route.errors import InputError
from training.config import RunConfig, load_config

CONFIGS = sorted((Path(__file__).parents[2] / "training" / "configs").glob("*.toml"))

SMALLEST = 'name = "coba"\nversion = "1"\n'


def read(tmp_path: Path, content: str) -> RunConfig:
    path = tmp_path / "run.toml"
    path.write_text(content, encoding="utf-8")
    return load_config(path)


def refusal(tmp_path: Path, content: str) -> str:
    """What the user is told about a config that can't be used."""
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    message = str(caught.value)
    assert "run.toml" in message
    return message


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_examples_load(path: Path) -> None:
    config = load_config(path)
    assert config.name
    assert config.version


def test_there_are_examples() -> None:
    assert "default.toml" in {path.name for path in CONFIGS}


def test_the_smallest_config_takes_the_defaults(tmp_path: Path) -> None:
    config = read(tmp_path, SMALLEST)
    assert config == RunConfig(name="coba", version="1")
    assert config.has_encoder
    assert config.has_linear


@pytest.mark.parametrize(
    ("engine", "encoder", "linear"), [("joint", True, True), ("bert", True, False), ("linear", False, True)]
)
def test_an_engine_says_what_is_trained(tmp_path: Path, engine: str, encoder: bool, linear: bool) -> None:
    config = read(tmp_path, f'{SMALLEST}engine = "{engine}"\n')
    assert (config.has_encoder, config.has_linear) == (encoder, linear)


def test_values_of_every_kind_are_read(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        SMALLEST
        + 'work = "build/coba"\nevaluate = ["a.jsonl", "b.jsonl"]\n'
        + '[data]\nsources = ["a.csv"]\nexamples = false\nswap_places = 0\nlabels = "flat"\n'
        + "[encoder]\nlayers = [0, 3]\n[train]\nepochs = 2\nlearning_rate = 3e-5\n",
    )
    assert config.work == Path("build/coba")
    assert config.evaluate == ("a.jsonl", "b.jsonl")
    assert config.data.sources == ("a.csv",)
    assert config.data.examples is False
    assert config.data.labels == "flat"
    assert config.encoder.layers == (0, 3)
    assert isinstance(config.train.epochs, float)
    assert config.train.learning_rate == 3e-5


@pytest.mark.parametrize(
    ("content", "unknown", "nearest"),
    [
        ("sed = 7", "'sed'", "'seed'"),
        ("[encodr]\nlayers = [0]", "'encodr'", "'encoder'"),
        ("[train]\nlearnig_rate = 1e-4", "'learnig_rate'", "'learning_rate'"),
        ('[data]\nsource = ["a.csv"]', "'source'", "'sources'"),
    ],
)
def test_an_unknown_key_is_refused_and_the_nearest_named(
    tmp_path: Path, content: str, unknown: str, nearest: str
) -> None:
    message = refusal(tmp_path, SMALLEST + content)
    assert f"unknown key {unknown}" in message
    assert f"did you mean {nearest}?" in message


def test_the_known_keys_are_named_where_none_is_near(tmp_path: Path) -> None:
    message = refusal(tmp_path, f"{SMALLEST}[linear]\nzzzzz = 1")
    assert "unknown key 'zzzzz'" in message
    assert "balance, c, most_features, refit" in message


@pytest.mark.parametrize(
    ("content", "key", "wanted"),
    [
        ('[train]\nepochs = "3"', "epochs", "float"),
        ("[train]\nepochs = true", "epochs", "float"),
        ("[train]\nbatch_size = 2.5", "batch_size", "int"),
        ('[data]\nremits = "yes"', "remits", "bool"),
        ("[data]\nremits = 1", "remits", "bool"),
        ('[data]\nsources = "a.csv"', "sources", "a list"),
        ("[data]\nsources = [1]", "sources", "str"),
        ('[encoder]\nlayers = ["0"]', "layers", "int"),
        ("seed = 1.0", "seed", "int"),
        ("work = 3", "work", "Path"),
        ('encoder = "indobert"', "encoder", "a table, [encoder]"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(tmp_path: Path, content: str, key: str, wanted: str) -> None:
    message = refusal(tmp_path, SMALLEST + content)
    assert f"{key} must be" in message
    assert wanted in message


def test_a_version_that_is_a_number_is_refused(tmp_path: Path) -> None:
    assert "version must be of type str" in refusal(tmp_path, 'name = "coba"\nversion = 2026.11')


@pytest.mark.parametrize(
    ("content", "nearest"),
    [
        ('engine = "bret"', "'bert'"),
        ('[data]\nlabels = "flatt"', "'flat'"),
        ('[train]\nreports = ["tensorbord"]', "'tensorboard'"),
    ],
)
def test_a_wrong_choice_is_refused_and_the_nearest_named(tmp_path: Path, content: str, nearest: str) -> None:
    message = refusal(tmp_path, SMALLEST + content)
    assert "must be one of" in message
    assert f"did you mean {nearest}?" in message


def test_a_choice_of_another_type_is_refused(tmp_path: Path) -> None:
    assert "must be one of joint, bert, linear, found 5" in refusal(tmp_path, f"{SMALLEST}engine = 5")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    assert "lacks name" in refusal(tmp_path, 'version = "1"')
    assert "lacks name, version" in refusal(tmp_path, "")


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    assert "isn't a readable TOML file" in refusal(tmp_path, "name = coba")


def test_a_file_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(b'name = "caf\xe9"\n')
    with pytest.raises(InputError, match=r"run\.toml isn't a readable TOML file"):
        load_config(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no config .*gone\.toml; training/configs"):
        load_config(tmp_path / "gone.toml")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="isn't a readable TOML file"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[train]\nepochs = 0", "train.epochs must be positive"),
        ("[train]\nepochs = nan", "train.epochs must be positive"),
        ("[train]\nbatch_size = -4", "train.batch_size must be positive"),
        ("[train]\nlearning_rate = 0", "train.learning_rate must be positive"),
        ("[train]\nsave_every = 0", "train.save_every must be positive"),
        ("[train]\nwarmup = 1.5", "train.warmup must lie between 0 and 1"),
        ("[train]\nprobe = -0.1", "train.probe must be at least 0"),
        ("[encoder]\nmax_tokens = 0", "encoder.max_tokens must be positive"),
        ("[encoder]\nmax_tokens = 2", "encoder.max_tokens must"),
        ("[encoder]\ndropout = -0.1", "encoder.dropout must lie between 0 and 1"),
        ("[data]\nheld_out = 1.2", "data.held_out must lie between 0 and 1"),
        ("[data]\nheld_out = nan", "data.held_out must lie between 0 and 1"),
        ("[data]\ncopies = 0", "data.copies must be positive"),
        ("[linear]\nc = 0", "linear.c must be positive"),
        ("[export]\nleast_agreement = 99", "export.least_agreement must lie between 0 and 1"),
        ("[data]\nexamples = false", "data.sources names nothing to learn from"),
        ('[data]\nlabels = "flat"', "set data.swap_places = 0"),
    ],
)
def test_impossible_values_are_refused(tmp_path: Path, content: str, told: str) -> None:
    assert told in refusal(tmp_path, SMALLEST + content)
