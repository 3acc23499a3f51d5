"""From an evaluation to the figures of a side, with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers.figures import difference
from lapor_route.evaluation.metrics import interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FITTED, PLAIN = "fitted", "as it comes"
"""How the router joins topic and place: as fitted on held-out rows, or as without a calibration."""
_DRAWS = 1000


def of_side(evaluation: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Accuracy, decisions and calibration with 95 % bootstrap intervals, and which rows were right.

    Args:
        evaluation: What `lapor_route.evaluation.evaluate_file` gives.
        answers: Its rows with a body, as it writes them: `body_id` and `right`.
    """
    overall, decisions = evaluation["overall"], evaluation["decisions"]
    right = [bool(row["right"]) for row in answers]
    rows = overall["rows"] + decisions["unroutable_rows"]
    return {
        "rows": rows,
        "labelled": overall["rows"],
        "top1": overall["top1"],
        "top1_interval": overall["top1_interval"],
        "top3": overall["top3"],
        "top3_interval": share_interval(overall["top3"], overall["rows"]),
        "macro": overall["macro"],
        "macro_interval": macro_interval([str(row["body_id"]) for row in answers], right),
        "forward_precision": decisions["forward_precision"],
        "forward_precision_interval": decisions["forward_precision_interval"],
        "forward_coverage": decisions["forward_coverage"],
        "forward_coverage_interval": share_interval(decisions["forward_coverage"], rows),
        "ece": evaluation["calibration"]["ece"],
        "right": right,
    }


def share_interval(share: float, rows: int) -> list[float]:
    """95 % bootstrap interval of a share of so many rows."""
    hits = round(share * rows)
    return interval([True] * hits + [False] * (rows - hits))


def macro_interval(bodies: Sequence[str], right: Sequence[bool], seed: int = 1) -> list[float]:
    """95 % bootstrap interval of the mean over bodies of the share of right rows; rows are drawn."""
    names, column = np.unique(np.array(bodies), return_inverse=True)
    hits, random = np.array(right, dtype=float), np.random.default_rng(seed)
    means = []
    for _ in range(_DRAWS):
        rows = random.integers(len(hits), size=len(hits))
        number = np.bincount(column[rows], minlength=len(names))
        sums = np.bincount(column[rows], weights=hits[rows], minlength=len(names))
        means.append(float((sums[number > 0] / number[number > 0]).mean()))
    return [round(float(value), 4) for value in np.quantile(means, (0.025, 0.975))]


def side_by_side(sides: Mapping[str, dict[str, Any]], ours: str) -> dict[str, dict[str, Any]]:
    """The sides with `less_than_ours`, paired row by row; which rows were right is left out.

    Args:
        sides: By name, as `of_side` gives them, with `join`, `plain_top1` and `plain_right`. A side that has
            the plain join only is compared with ours in that join.
        ours: The name of the embedded router.
    """
    own = sides.get(ours)
    found = {}
    for name, side in sides.items():
        found[name] = {key: value for key, value in side.items() if not key.endswith("right")}
        if own and name != ours:
            right = "right" if side["join"] == own["join"] else "plain_right"
            found[name]["less_than_ours"] = difference(own[right], side[right])
    return found
