"""`transformers.pipeline("text-classification")`, and infinity, which serves such a pipeline in its own batches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers.engine import BASE, MAX_TOKENS, Engine, MissingError, by_length, package, torch_bundle
from benchmarks.texts import mixed_texts
from lapor_route.bundle import Bundle
from lapor_route.classifiers.bert import BertSettings
from lapor_route.classifiers.protocol import softmax

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lapor_route import Classifier
    from lapor_route.decisions import Calibration

BATCH_SIZES = (1, 4, 8, 16, 32, 64)
VOCABULARY = 30_521
"""Word pieces of IndoBERT; its other sizes are those of BERT base."""
_INSTALL = "pip install 'lapor-route[torch]'"


class PipelineEngine(Engine):
    """A pipeline on the CPU, texts sorted by length, in the best batch size.

    Variants: the network, ``indobert`` (its shape, random weights) or ``ours``; a hyphen; and ``fp32``, ``bf16``
    (`dtype` of the pipeline) or ``int8`` (torch's `quantize_dynamic` of the linear layers).
    """

    packages = ("torch", "transformers")

    @classmethod
    def make(cls, folder: Path, variant: str, threads: int) -> None:
        """Writes the model as a Hugging Face folder."""
        (save_ours if variant.startswith("ours") else save_indobert)(folder)

    def __init__(self, folder: Path, threads: int, variant: str) -> None:
        super().__init__(folder, threads, variant)
        torch, transformers = package("torch", _INSTALL), package("transformers", _INSTALL)
        torch.set_num_threads(threads)
        self.network, _, self.numbers = variant.partition("-")
        family = _mean_pooled() if self.network == "ours" else transformers.BertForSequenceClassification
        dtype = torch.bfloat16 if self.numbers == "bf16" else torch.float32
        model = family.from_pretrained(folder, dtype=dtype).eval()
        if self.numbers == "int8":
            quantization = package("torch.ao.quantization", _INSTALL)
            model = quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self._pipeline = transformers.pipeline(
            "text-classification", model=model, tokenizer=tokenizer, device="cpu"
        )
        self._batch_size = 1
        self.single = {"batch_size": 1}

    def choices(self) -> Sequence[Mapping[str, Any]]:
        """The batch sizes."""
        return [{"batch_size": size} for size in BATCH_SIZES]

    def use(self, **choice: Any) -> None:
        """Sets the batch size."""
        self._batch_size = choice["batch_size"]

    def answer(self, texts: Sequence[str]) -> list[str]:
        """The label of each text."""
        return [found["label"] for found in self._run(texts)]

    def _run(self, texts: Sequence[str], **options: Any) -> list[Any]:
        order = by_length(texts)
        found = self._pipeline(
            [texts[i] for i in order],
            batch_size=self._batch_size,
            truncation=True,
            max_length=MAX_TOKENS,
            **options,
        )
        back = dict(zip(order, found, strict=True))
        return [back[i] for i in range(len(texts))]

    @property
    def labels(self) -> Sequence[str]:
        """Those of the network, in its order."""
        names: dict[int, str] = self._pipeline.model.config.id2label
        return [names[i] for i in range(len(names))]

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities, float array (n_texts, n_labels)."""
        rows = self._run(texts, top_k=None, function_to_apply="none")
        by_label = [{entry["label"]: entry["score"] for entry in row} for row in rows]
        return softmax(np.array([[row[label] for label in self.labels] for row in by_label], np.float32))

    def classifier(self) -> Classifier | None:
        """Itself, with our weights."""
        return self if self.network == "ours" else None

    def calibration(self) -> Calibration:
        """That of our encoder."""
        from lapor_route.decisions import Calibration

        return Calibration.from_dict(Bundle.open(torch_bundle()).calibration)


class InfinityEngine(Engine):
    """infinity-emb's `AsyncEmbeddingEngine.classify`, in its process, without HTTP; same model as ``indobert``."""

    packages = ("infinity-emb", "torch", "sentence-transformers")

    @classmethod
    def make(cls, folder: Path, variant: str, threads: int) -> None:
        """Writes the model as a Hugging Face folder."""
        save_indobert(folder)

    def __init__(self, folder: Path, threads: int, variant: str) -> None:
        super().__init__(folder, threads, variant)
        package("torch", _INSTALL).set_num_threads(threads)
        self._infinity = package("infinity_emb", "python -m benchmarks.peers install")
        self._loop = asyncio.new_event_loop()
        self._engine: Any = None
        self.single = {"batch_size": BATCH_SIZES[2]}
        self.use(**self.single)

    def choices(self) -> Sequence[Mapping[str, Any]]:
        """The batch sizes; it sorts by length itself."""
        return [{"batch_size": size} for size in BATCH_SIZES[2:]]

    def use(self, **choice: Any) -> None:
        """Starts it again with another batch size."""
        if self._engine is not None:
            self._loop.run_until_complete(self._engine.astop())
        arguments = self._infinity.EngineArgs(
            model_name_or_path=str(self.folder),
            engine="torch",
            device="cpu",
            dtype="float32",
            batch_size=choice["batch_size"],
            model_warmup=False,
            compile=False,
            bettertransformer=False,
        )
        self._engine = self._infinity.AsyncEmbeddingEngine.from_args(arguments)
        self._loop.run_until_complete(self._engine.astart())

    def answer(self, texts: Sequence[str]) -> list[str]:
        """The label of each text."""
        found, _ = self._loop.run_until_complete(self._engine.classify(sentences=list(texts)))
        return [max(row, key=lambda entry: entry["score"])["label"] for row in found]


def save_indobert(folder: Path) -> None:
    """A network of IndoBERT base's shape with random weights, and word pieces learned from the written complaints.

    The weights say nothing; how long an answer takes doesn't depend on them. IndoBERT itself lies on a model hub,
    which the benchmarks can't reach.
    """
    torch, transformers = package("torch", _INSTALL), package("transformers", _INSTALL)
    from tokenizers import BertWordPieceTokenizer

    pieces = BertWordPieceTokenizer(lowercase=True)
    pieces.train_from_iterator(mixed_texts(4000, seed=991), vocab_size=VOCABULARY, show_progress=False)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=pieces._tokenizer,
        model_max_length=MAX_TOKENS,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = transformers.BertConfig(vocab_size=VOCABULARY, num_labels=len(Bundle.open().manifest["labels"]))
    transformers.BertForSequenceClassification(config).save_pretrained(folder)


def save_ours(folder: Path) -> None:
    """Our float32 weights as a Hugging Face folder.

    Raises:
        MissingError: The weights or the tokeniser aren't there.
    """
    import json

    from transformers import AutoTokenizer, BertConfig

    from lapor_route.classifiers.backends import ARCHITECTURE_FILE, TorchBackend

    bundle = torch_bundle()
    if not BASE.exists():
        raise MissingError("build/base with the tokeniser isn't there", "make build/base")
    labels = Bundle.open(bundle).manifest["labels"]
    architecture = json.loads((bundle / ARCHITECTURE_FILE).read_text(encoding="utf-8"))
    config = BertConfig(
        **architecture, id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)}
    )
    module = TorchBackend(bundle).module.cpu()
    model = _mean_pooled()(config)
    model.bert.load_state_dict(module.encoder.state_dict())
    # Temperature and bias go into the last layer, so that the pipeline's answer is our classifier's.
    settings = BertSettings.load(bundle)
    with package("torch", _INSTALL).no_grad():
        model.classifier.weight.copy_(module.head.weight / settings.temperature)
        bias = module.head.weight.new_tensor(settings.bias or (0.0,))
        model.classifier.bias.copy_(module.head.bias / settings.temperature + bias)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(BASE)).save_pretrained(folder)


def _mean_pooled() -> Any:
    """Our network as transformers writes such classes: the head reads the mean of the tokens, not the first."""
    from transformers import BertForSequenceClassification, BertModel
    from transformers.modeling_outputs import SequenceClassifierOutput

    class MeanPooledBert(BertForSequenceClassification):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.bert = BertModel(config, add_pooling_layer=False)
            self.post_init()  # type: ignore[no-untyped-call]

        def forward(self, input_ids: Any, attention_mask: Any, **_: Any) -> Any:
            states = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(states.dtype)
            return SequenceClassifierOutput(logits=self.classifier((states * mask).sum(1) / mask.sum(1)))

    return MeanPooledBert
