"""The config of a training run: one small TOML file, checked before anything is read or trained."""

from __future__ import annotations

import difflib
import sys
import typing
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from lapor_route.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SHORTEST_INPUT = 8
"""Tokens that an encoder must at least be given: the special ones, and a few words."""


@dataclass(frozen=True)
class DataConfig:
    """Which texts a model learns from.

    Attributes:
        sources: Folders, `.jsonl`, `.csv` or `.parquet` files, or hub data sets (``hub:owner/name``) with the
            columns `text` and `body_id`, optional `id`, `weight`, `acceptable`.
        caps: Whether the rows of this project's own sources are capped and weighted as in `training.data.CAPS`.
        examples: Whether the complaints written for this project are added.
        remits: Whether short texts from each body's remit are added.
        regions: Texts for each kabupaten/kota, made of the written ones; what a flat model learns places from.
        labels: ``factorised`` (central bodies and the two tiers) or ``flat`` (every body its own label).
        swap_places: Share of the place names that are swapped for others, so that a model learns what happens,
            not where. 0 for a flat model, whose labels are places.
        copies: Copies of each text that has place names, each with other names.
        held_out: Share of the rows that is held out to validate on and to calibrate with.
        validation: A file with the columns of `sources` to validate on; in their place.
    """

    sources: tuple[str, ...] = ()
    caps: bool = True
    examples: bool = True
    remits: bool = True
    regions: int = 0
    labels: Literal["factorised", "flat"] = "factorised"
    swap_places: float = 0.9
    copies: int = 1
    held_out: float = 0.2
    validation: str = ""


@dataclass(frozen=True)
class EncoderConfig:
    """Which encoder is fine-tuned.

    Attributes:
        base: A hub id or folder that `transformers.AutoModel` and `AutoTokenizer` load.
        layers: The layers to keep (0 is the first); by default all.
        max_tokens: Longest input; of a longer text the head and the tail are read.
        dropout: Before the last layer.
    """

    base: str = "build/base"
    layers: tuple[int, ...] = ()
    max_tokens: int = 192
    dropout: float = 0.1


@dataclass(frozen=True)
class TrainConfig:
    """How the encoder is fine-tuned.

    Attributes:
        epochs: Passes over the prepared rows.
        batch_size: Texts of one batch, on all devices together.
        gradient_accumulation: Batches that make one step.
        learning_rate: Of the encoder, at its highest.
        head_learning_rate: Of the last layer, at its highest.
        warmup: Share of the steps in which the learning rate rises; it then falls to 0 in a straight line.
        weight_decay: Of AdamW.
        probe: Inverse strength of the penalty of a logistic regression on the untrained encoder, from which the
            last layer starts; 0 starts it from random numbers.
        balance: Exponent of the class balance: 0 leaves rows as they are, 1 gives every label the same sum.
        label_smoothing: Probability that is spread over all labels.
        freeze_embeddings: Whether the token embeddings stay as they are.
        bf16: Whether matrix products run in bfloat16, on a GPU or a CPU that has it.
        save_every: Steps between two checkpoints.
        log_every: Steps between two lines of the log.
        reports: Where the curves go besides the log: ``tensorboard``, ``mlflow``.
    """

    epochs: float = 3.0
    batch_size: int = 32
    gradient_accumulation: int = 1
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    warmup: float = 0.06
    weight_decay: float = 0.01
    probe: float = 0.1
    balance: float = 0.25
    label_smoothing: float = 0.0
    freeze_embeddings: bool = False
    bf16: bool = True
    save_every: int = 500
    log_every: int = 25
    reports: tuple[Literal["tensorboard", "mlflow"], ...] = ("tensorboard",)


@dataclass(frozen=True)
class LinearConfig:
    """The linear model over n-grams.

    Attributes:
        c: Inverse strength of its L2 penalty.
        balance: Exponent of the class balance.
        most_features: Size of the n-gram vocabulary.
        refit: Whether the bundle's model is fitted again on all rows, once the held-out ones have done their work.
    """

    c: float = 1.0
    balance: float = 0.25
    most_features: int = 100_000
    refit: bool = True


@dataclass(frozen=True)
class ExportConfig:
    """What the bundle holds.

    Attributes:
        torch: Whether the float32 weights come along for the torch backend (four times the size).
        least_agreement: Share of the validation texts on which int8 must choose torch's label.
        most_loss: Accuracy, in points, that int8 may lose on the validation texts.
    """

    torch: bool = False
    least_agreement: float = 0.99
    most_loss: float = 0.3


@dataclass(frozen=True)
class RunConfig:
    """One training run.

    Attributes:
        name: Of the bundle.
        version: Of the bundle.
        engine: What is trained and exported: ``joint``, ``bert`` or ``linear``.
        work: Folder of everything that the steps write before the bundle.
        out: The bundle.
        seed: Of data order, dropout, swapped places and the last layer's first weights.
        licence: Of the weights.
        data: Which texts.
        encoder: Which encoder.
        train: How it is fine-tuned.
        linear: The linear model.
        export: What the bundle holds.
        rebuild: The command that makes the bundle again, for its model card.
        evaluate: Labelled files to measure the bundle on, for the model card.
    """

    name: str
    version: str
    engine: Literal["joint", "bert", "linear"] = "joint"
    work: Path = Path("build/work")
    out: Path = Path("build/bundle")
    seed: int = 7
    licence: str = "MIT"
    data: DataConfig = field(default_factory=DataConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    linear: LinearConfig = field(default_factory=LinearConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    rebuild: str = ""
    evaluate: tuple[str, ...] = ()

    @property
    def has_encoder(self) -> bool:
        """Whether an encoder is fine-tuned."""
        return self.engine != "linear"

    @property
    def has_linear(self) -> bool:
        """Whether a linear model is fitted."""
        return self.engine != "bert"


def load_config(path: Path) -> RunConfig:
    """Reads and checks a config file.

    Raises:
        InputError: The file can't be read, or holds an unknown key or a value of the wrong kind.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no config {path}; training/configs holds examples") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} isn't a readable TOML file: {error}") from error
    config: RunConfig = _build(RunConfig, content, str(path))
    _check(config, path)
    return config


def _build(kind: type[Any], content: dict[str, Any], where: str) -> Any:
    known = {entry.name: entry for entry in fields(kind)}
    types = typing.get_type_hints(kind)
    for key in content:
        if key not in known:
            raise InputError(f"{where}: unknown key {key!r}{_nearest(key, known)}")
    missing = [
        name
        for name, entry in known.items()
        if entry.default is MISSING and entry.default_factory is MISSING and name not in content
    ]
    if missing:
        raise InputError(f"{where} lacks {', '.join(missing)}")
    return kind(**{key: _value(types[key], value, f"{where}: {key}") for key, value in content.items()})


def _value(kind: Any, value: Any, where: str) -> Any:
    """A TOML value as the type that a field asks for."""
    if hasattr(kind, "__dataclass_fields__"):
        if not isinstance(value, dict):
            raise InputError(f"{where} must be a table, [{where.rpartition(' ')[2]}]")
        return _build(kind, value, where)
    if typing.get_origin(kind) is Literal:
        choices = typing.get_args(kind)
        if value not in choices:
            raise InputError(
                f"{where} must be one of {', '.join(choices)}, found {value!r}{_nearest(value, choices)}"
            )
        return value
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        if not isinstance(value, list):
            raise InputError(f"{where} must be a list, found {value!r}")
        return tuple(_value(item, entry, where) for entry in value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise InputError(f"{where} must be of type {kind.__name__}, found {value!r}")
    return value


def _nearest(key: object, known: typing.Iterable[str]) -> str:
    near = difflib.get_close_matches(str(key), list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}"


def _check(config: RunConfig, path: Path) -> None:
    """Refuses values that can't work, before hours are spent on them."""
    positive = {
        "encoder.max_tokens": config.encoder.max_tokens,
        "train.epochs": config.train.epochs,
        "train.batch_size": config.train.batch_size,
        "train.gradient_accumulation": config.train.gradient_accumulation,
        "train.learning_rate": config.train.learning_rate,
        "train.head_learning_rate": config.train.head_learning_rate,
        "train.save_every": config.train.save_every,
        "train.log_every": config.train.log_every,
        "data.copies": config.data.copies,
        "linear.c": config.linear.c,
        "linear.most_features": config.linear.most_features,
    }
    for key, number in positive.items():
        if not number > 0:
            raise InputError(f"{path}: {key} must be positive, found {number}")
    shares = {
        "data.swap_places": config.data.swap_places,
        "data.held_out": config.data.held_out,
        "encoder.dropout": config.encoder.dropout,
        "train.warmup": config.train.warmup,
        "train.label_smoothing": config.train.label_smoothing,
        "export.least_agreement": config.export.least_agreement,
    }
    for key, number in shares.items():
        if not 0 <= number <= 1:
            raise InputError(f"{path}: {key} must lie between 0 and 1, found {number}")
    if not (config.data.sources or config.data.examples):
        raise InputError(f"{path}: data.sources names nothing to learn from, and data.examples is off")
    if config.encoder.max_tokens < SHORTEST_INPUT:
        raise InputError(
            f"{path}: encoder.max_tokens must be at least {SHORTEST_INPUT}, found {config.encoder.max_tokens}"
        )
    if config.train.probe < 0:
        raise InputError(f"{path}: train.probe must be at least 0, found {config.train.probe}")
    if config.data.labels == "flat" and config.data.swap_places:
        raise InputError(f"{path}: a flat model's labels are places; set data.swap_places = 0")
