"""How a bundle does on the held-out fifth of the written examples."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from lapor_route.classifiers.protocol import OUT_OF_SCOPE
from training.examples import body_of, fill, fitting, has_slots, is_tail, rows
from training.phrases import regions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lapor_route import Router
    from lapor_route.bodies import Registry

FALSE_ALARMS = 0.02


def tail_rows(registry: Registry, seed: int = 13) -> Iterator[dict[str, Any]]:
    """The held-out fifth in the form that `lapor-route evaluate` reads, slots filled.

    What no body should get has no `body_id`, but the decision that is right.
    """
    rng = random.Random(seed)
    codes = sorted(regions()[1])
    for path, number, row in rows():
        if not is_tail(row):
            continue
        code = rng.choice(fitting(row, codes))
        body_id = body_of(row, code, registry) or None
        decision = None if body_id else "review" if row["target"] == OUT_OF_SCOPE else "ask"
        yield {
            "id": f"{path.stem}-{number}",
            "text": fill(row["text"], code, rng),
            "body_id": body_id,
            "acceptable": ";".join(i for i in row["also"] if i in registry),
            **({"decision": decision} if decision else {}),
            "target": row["target"],
            "source": path.stem,
            "style": row["style"],
            "names_body": row["names_body"],
            "slots": has_slots(row["text"]),
            **{key: row[key] for key in ("contrast", "pair", "language") if key in row},
        }


def measure(router: Router) -> dict[str, float | int]:
    """Figures on the held-out fifth: topic targets, contrast pairs, what is out of scope."""
    tail = list(tail_rows(router.registry))
    labels = list(router.classifier.labels)
    probabilities = router.classifier.predict_proba([row["text"] for row in tail])
    targets = [labels[i] for i in probabilities.argmax(axis=1)]
    right = np.array([target == row["target"] for target, row in zip(targets, tail, strict=True)])
    central = np.array([row["target"] in router.registry for row in tail])
    nameless = np.array([not row["names_body"] for row in tail])
    figures: dict[str, float | int] = {
        "tail texts": len(tail),
        "target right": _share(right),
        "target right, central": _share(right[central]),
        "target right, central, unnamed": _share(right[central & nameless]),
        "target right, tiers": _share(right[~central & np.array([r["target"] != OUT_OF_SCOPE for r in tail])]),
    }
    pairs: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for row, good in zip(tail, right, strict=True):
        if "contrast" in row:
            pairs[row["contrast"], row["pair"]].append(bool(good))
    if pairs:
        figures["contrast pairs"] = len(pairs)
        figures["pairs with all sides right"] = _share(np.array([all(sides) for sides in pairs.values()]))
    if OUT_OF_SCOPE in labels:
        score = probabilities[:, labels.index(OUT_OF_SCOPE)]
        outside = np.array([row["target"] == OUT_OF_SCOPE for row in tail])
        threshold = np.quantile(score[~outside], 1 - FALSE_ALARMS)
        figures["out-of-scope recall at 2 % false alarms"] = _share(score[outside] > threshold)
    return figures


def _share(values: np.ndarray) -> float:
    return round(float(values.mean()), 4) if len(values) else float("nan")
