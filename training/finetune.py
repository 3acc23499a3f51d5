"""Step `train`: fine-tunes an encoder on the prepared rows, with `transformers.Trainer`.

Runs on one CPU or GPU, or on many by `torchrun --nproc-per-node N -m training train CONFIG`: the processes share
each batch, so that the model is the same, but for rounding and dropout, however many there are.
"""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from datasets import Dataset
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from torch.utils.data import Sampler
from transformers import AutoModel, AutoTokenizer, Trainer, TrainerCallback, TrainingArguments, set_seed
from transformers.trainer_pt_utils import get_length_grouped_indices

from lapor_route.classifiers.backends import ARCHITECTURE_FILE, TORCH_FILE
from lapor_route.classifiers.bert import BertSettings, pad
from lapor_route.classifiers.encoder import EncoderClassifier, keep_layers
from lapor_route.classifiers.tokens import (
    SENTENCEPIECE_FILE,
    HuggingFaceSegmenter,
    Segmenter,
    SentencePieceSegmenter,
    encode,
)
from lapor_route.errors import InputError
from training.data import balanced_weights
from training.prepare import mark_trained, read_facts, read_prepared
from training.probe import start_from_probe
from training.processes import check_alike, devices, texts_a_device

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training.config import EncoderConfig, RunConfig, TrainConfig
    from training.data import Example
    from training.prepare import Prepared

ENCODER_FOLDER, CHECKPOINTS, HISTORY_FILE = "encoder", "checkpoints", "history.json"
HUGGINGFACE_FOLDER = "huggingface"
_RESUME_FILE = "config.json"
_EVALUATED = 2000
"""Held-out texts whose loss is logged while training; the whole part is measured afterwards."""


def finetune(config: RunConfig) -> Path:
    """Fine-tunes the encoder, going on from the last checkpoint if there is one.

    Writes into the work folder: `checkpoints/`, `history.json` (losses, times), TensorBoard logs, and
    `encoder/`, which `BertClassifier.load(..., backend="torch")` reads, with the encoder as an ordinary Hugging
    Face folder in `encoder/huggingface/`.

    Returns:
        The folder `encoder/`.

    Raises:
        InputError: The rows aren't prepared, the encoder can't be loaded, the checkpoints are another config's, or
            several processes found different ones.
    """
    # The processes are connected from here on: the end of one ends all.
    arguments = _arguments(config)
    prepared = read_prepared(config)
    set_seed(config.seed)
    segmenter, module = base_segmenter(config.encoder.base), build(config.encoder, len(prepared.labels))
    checkpoint = _checkpoint(config)
    check_alike({"config or rows": _resumable(config), "checkpoint": Path(checkpoint or "").name})
    if arguments.process_index == 0:
        (config.work / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
        (config.work / CHECKPOINTS / _RESUME_FILE).write_text(_resumable(config), encoding="utf-8")
    rows = to_dataset(prepared.train, prepared.labels, segmenter, config, config.train.balance)
    if config.train.probe and not checkpoint:
        _probe(module.to(arguments.device), rows, config, segmenter.pad)
    trainer = WeightedTrainer(
        model=module,
        args=arguments,
        train_dataset=rows,
        eval_dataset=to_dataset(_sample(prepared.validation), prepared.labels, segmenter, config, 0.0),
        data_collator=_Collator(segmenter.pad),
        optimizers=(_optimizer(module, config.train), None),
    )
    trainer.smoothing = config.train.label_smoothing
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=checkpoint)
    folder = config.work / ENCODER_FOLDER
    if trainer.is_world_process_zero():
        settings = BertSettings(prepared.labels, config.encoder.max_tokens)
        _save(folder, module, segmenter, settings, config.encoder.base)
        history = {
            "log": trainer.state.log_history,
            "seconds": round(time.monotonic() - started),
            "resumed": checkpoint is not None,
            "parameters": sum(p.numel() for p in module.parameters()),
            "device": str(trainer.args.device),
            "threads": torch.get_num_threads(),
        }
        mark_trained(config, "bert")
        (config.work / HISTORY_FILE).write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
    return folder


def base_segmenter(base: str) -> Segmenter:
    """The segmenter of a base model: its `sentencepiece.model` if its folder has one, else its fast tokeniser.

    Raises:
        InputError: It has neither.
    """
    model = Path(base) / SENTENCEPIECE_FILE
    if model.exists():
        return SentencePieceSegmenter(model.read_bytes())
    try:
        tokenizer = AutoTokenizer.from_pretrained(base)
    except Exception as error:
        raise InputError(f"{base!r} has no tokeniser that AutoTokenizer loads: {error}") from error
    backend = getattr(tokenizer, "backend_tokenizer", None)
    # AutoTokenizer makes an empty tokeniser, special tokens alone, where a folder has none.
    empty = tokenizer.vocab_size <= len(tokenizer.all_special_ids)
    if backend is None or empty or tokenizer.pad_token_id is None:
        raise InputError(
            f"{base!r} has no fast tokeniser with a padding token; convert it to a tokenizer.json first"
        )
    return HuggingFaceSegmenter(json.loads(backend.to_str()), tokenizer.pad_token_id)


def build(config: EncoderConfig, number_of_labels: int) -> EncoderClassifier:
    """The network before training.

    Raises:
        InputError: The base can't be loaded, or has no such layers.
    """
    try:
        encoder = AutoModel.from_pretrained(config.base)
        if config.layers:
            keep_layers(encoder, config.layers)
    except Exception as error:  # transformers, safetensors and the hub's client each have errors of their own
        raise InputError(f"encoder.base {config.base!r} can't be used: {error}") from error
    if config.max_tokens > positions(encoder):
        raise InputError(f"encoder.max_tokens is {config.max_tokens}, but {config.base} reads {positions(encoder)}")
    return EncoderClassifier(encoder, number_of_labels, config.dropout)


def check_encoder(config: RunConfig, prepared: Prepared) -> dict[str, Any]:
    """What a dry run tells of the encoder: size, share of texts that are cut, steps.

    Raises:
        InputError: The base model can't be used.
    """
    segmenter, module = base_segmenter(config.encoder.base), build(config.encoder, len(prepared.labels))
    texts = [row.text for row in prepared.train[:: max(1, len(prepared.train) // _EVALUATED)]]
    lengths = np.array([len(ids) for ids in segmenter.ids(texts)])
    train = config.train
    batches_an_epoch = math.ceil(len(prepared.train) * config.data.copies / train.batch_size)
    return {
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "tokens_median_p90": np.percentile(lengths, [50, 90]).tolist(),
        "texts_cut": float((lengths > config.encoder.max_tokens).mean()),
        "steps": math.ceil(train.epochs * math.ceil(batches_an_epoch / train.gradient_accumulation)),
        "checkpoint": _checkpoint(config),
    }


def to_dataset(
    examples: Sequence[Example], labels: Sequence[str], segmenter: Segmenter, config: RunConfig, balance: float
) -> Dataset:
    """Token ids, label, weight and length of each example; weights have the mean 1."""
    column = {label: i for i, label in enumerate(labels)}
    targets = np.array([column[example.target] for example in examples])
    weights = balanced_weights(targets, np.array([example.weight for example in examples]), len(labels), balance)
    ids = encode(segmenter, [example.text for example in examples], config.encoder.max_tokens)
    return Dataset.from_dict(
        {
            "input_ids": ids,
            "labels": targets.tolist(),
            "weight": (weights / weights.mean()).tolist(),
            "length": [len(row) for row in ids],
        }
    )


class ByLength(Sampler[int]):
    """Texts of like length together, in an order that only the seed and the epoch decide.

    `transformers`' own sampler draws from the process's random numbers, which a resumed run has not used alike.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.lengths = list(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        return iter(get_length_grouped_indices(self.lengths, self.batch_size, generator=generator))


class _SetEpoch(TrainerCallback):
    """Tells an order which epoch begins: in a resumed run of many processes `set_epoch` doesn't reach a sampler."""

    def __init__(self, order: ByLength) -> None:
        self.order = order

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Sets the order's epoch."""
        self.order.epoch = int(state.epoch or 0)


class WeightedTrainer(Trainer):
    """A `Trainer` whose loss is the mean of the texts' cross-entropies, each times its weight."""

    smoothing = 0.0

    def _get_train_sampler(self, train_dataset: Any = None) -> ByLength:
        rows: Any = self.train_dataset if train_dataset is None else train_dataset
        batch = self.args.train_batch_size * self.args.world_size * self.args.gradient_accumulation_steps
        order = ByLength(rows["length"][:], batch, self.args.seed)
        self.add_callback(_SetEpoch(order))
        return order

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The weighted loss of a batch, with the scores on request."""
        scores = model(inputs["input_ids"], inputs["attention_mask"])
        losses = cross_entropy(scores, inputs["labels"], reduction="none", label_smoothing=self.smoothing)
        loss = (losses * inputs["weight"]).mean()
        return (loss, {"loss": loss, "scores": scores}) if return_outputs else loss


class _Collator:
    """Pads a batch to its longest text."""

    def __init__(self, padding: int) -> None:
        self.padding = padding

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        ids, mask = pad([row["input_ids"] for row in rows], self.padding)
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "labels": torch.tensor([row["labels"] for row in rows]),
            "weight": torch.tensor([row["weight"] for row in rows], dtype=torch.float32),
        }


def _probe(module: EncoderClassifier, rows: Dataset, config: RunConfig, padding: int) -> None:
    """Starts the last layer from a probe on one copy of each text."""
    step = config.data.copies
    texts = rows.select(range(0, len(rows), step)) if step > 1 else rows
    start_from_probe(
        module,
        texts["input_ids"][:],
        np.array(texts["labels"]),
        np.array(texts["weight"]),
        c=config.train.probe,
        padding=padding,
        bf16=config.train.bf16,
    )


def _arguments(config: RunConfig) -> TrainingArguments:
    train = config.train
    batch = texts_a_device(train.batch_size, devices())
    return TrainingArguments(
        output_dir=str(config.work / CHECKPOINTS),
        num_train_epochs=train.epochs,
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=2 * batch,
        gradient_accumulation_steps=train.gradient_accumulation,
        lr_scheduler_type="linear",
        warmup_steps=train.warmup,
        label_names=["labels"],
        bf16=train.bf16,
        seed=config.seed,
        data_seed=config.seed,
        remove_unused_columns=False,
        save_steps=train.save_every,
        save_total_limit=2,
        logging_steps=train.log_every,
        eval_strategy="steps",
        eval_steps=train.save_every,
        report_to=[name for name in train.reports if _installed(name)],
        dataloader_pin_memory=torch.cuda.is_available(),
        use_cpu=not torch.cuda.is_available(),
    )


def _optimizer(module: EncoderClassifier, train: TrainConfig) -> torch.optim.AdamW:
    """AdamW with its own learning rate for the last layer; biases and layer norms don't decay."""
    if train.freeze_embeddings:
        module.encoder.get_input_embeddings().requires_grad_(False)
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            rate = train.head_learning_rate if name.startswith("head.") else train.learning_rate
            decay = train.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": found, "lr": rate, "weight_decay": decay} for (rate, decay), found in groups.items()]
    )


def _checkpoint(config: RunConfig) -> str | None:
    """The last checkpoint of this very run, if there is one.

    Raises:
        InputError: The checkpoints are another run's.
    """
    folder = config.work / CHECKPOINTS
    # The state is written last: a checkpoint without it was cut off.
    whole = [path.parent for path in folder.glob("checkpoint-*/trainer_state.json")]
    if not whole:
        return None
    if (folder / _RESUME_FILE).read_text(encoding="utf-8") != _resumable(config):
        raise InputError(
            f"{folder} belongs to a run with another config or other rows; delete it, or choose another `work`"
        )
    return str(max(whole, key=lambda path: int(path.name.rpartition("-")[2])))


def _resumable(config: RunConfig) -> str:
    """What must be the same for a run to go on: config, and rows."""
    parts = {name: asdict(getattr(config, name)) for name in ("data", "encoder", "train")}
    return json.dumps(parts | {"seed": config.seed, "rows": read_facts(config)["sha256"]})


def _save(folder: Path, module: EncoderClassifier, segmenter: Segmenter, settings: BertSettings, base: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    state = {name: tensor.detach().cpu().float().contiguous() for name, tensor in module.state_dict().items()}
    save_file(state, folder / TORCH_FILE)
    architecture = module.encoder.config.to_diff_dict() | {"model_type": module.encoder.config.model_type}
    (folder / ARCHITECTURE_FILE).write_text(json.dumps(architecture, indent=1) + "\n", encoding="utf-8")
    segmenter.save(folder)
    settings.save(folder)
    save_huggingface(module.encoder, base, folder / HUGGINGFACE_FOLDER)


def save_huggingface(encoder: Any, base: str, folder: Path) -> None:
    """Writes the fine-tuned encoder as an ordinary Hugging Face folder, which another run can take as its base."""
    encoder.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    model = Path(base) / SENTENCEPIECE_FILE
    if model.exists():
        shutil.copy(model, folder)


def _sample(examples: Sequence[Example]) -> Sequence[Example]:
    return examples[:: max(1, len(examples) // _EVALUATED)]


def positions(encoder: Any) -> int:
    """The longest input of an encoder in tokens; RoBERTa's positions begin behind the padding's."""
    config = encoder.config
    offset = config.pad_token_id + 1 if "roberta" in config.model_type else 0
    return int(getattr(config, "max_position_embeddings", 512)) - offset


def _installed(report: str) -> bool:
    return importlib.util.find_spec(report) is not None
