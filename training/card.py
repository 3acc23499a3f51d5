"""The model card of a bundle."""

from __future__ import annotations

from typing import Any


def model_card(manifest: dict[str, Any]) -> str:
    """The card as Markdown, from the manifest's facts."""
    sources = "\n".join(
        f"| {name} | {rows:,} |" for name, rows in sorted(manifest["training_data"]["sources"].items())
    )
    metrics = "\n".join(f"| {name.replace('_', ' ')} | {value} |" for name, value in manifest["metrics"].items())
    return f"""# {manifest["name"]} {manifest["version"]}

Reads an Indonesian complaint and gives a probability for each of {len(manifest["labels"])} targets: the central
bodies of registry {manifest["registry_version"]}, the tiers `provinsi` and `kabupaten_kota`, and
`out_of_scope` where it was trained with examples of it. `lapor_route.Router` joins it with the place resolver
to route to 679 bodies.

- **Engine**: {manifest["engine"]} (word and character n-grams, one linear support vector machine a
  label, 8-bit weights).
- **Licence**: {manifest["licence"]}. The weights are statistics; no training text is contained.
- **Intended use**: to propose a body to an officer, and to forward what is sure. Not for deciding a citizen's
  rights, and not without a way back for wrong forwards.
- **Limits**: real complaints are known for some 30 of the 135 central bodies, the others rest on written
  examples and on descriptions of their remit; most training texts are from 2015 to 2018; regional ones come
  from a handful of cities. The list of the 101 connected agencies is a reconstruction.

| training source | texts |
| --- | ---: |
{sources}

| on held-out training data | |
| --- | ---: |
{metrics}

Made by `python -m training.build`.
"""
