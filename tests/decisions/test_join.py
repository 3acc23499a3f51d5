from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from lapor_route.decisions import Candidates, Join
from lapor_route.decisions.join import CENTRAL, LOCAL, PROVINCE
from training.calibration import HeldOutRows, fit_join, join_loss, likelihood

KINDS = np.array([CENTRAL, LOCAL, PROVINCE, LOCAL])
JOINT = np.array([0.3, 0.2, 0.15, 0.1])
PLACES = np.array([1.0, 0.4, 0.5, 0.2])


def many(n: int, seed: int = 3) -> HeldOutRows:
    """Random rows whose right candidate is likelier the surer its place is."""
    rng = np.random.default_rng(seed)
    joint = rng.dirichlet(np.ones(5), n)[:, :4]
    place = np.where(KINDS == CENTRAL, 1.0, rng.uniform(0.3, 1.0, (n, 4)))
    parts = [Candidates.of(joint[i], place[i], KINDS, float(place[i].max())) for i in range(n)]
    stacked = Candidates(*(np.stack([getattr(part, name) for part in parts]) for name in Candidates.__slots__))
    true = Join(local_place=3.0, local_constant=0.5, central_topic=1.5)
    chosen = [rng.choice(5, p=[*p, 1 - p.sum()]) for p in true.probabilities(stacked)]
    right = np.array([[column == c for column in range(4)] for c in chosen])
    no = np.zeros(n, bool)
    return HeldOutRows(stacked, right, rng.uniform(0.5, 2.0, n), ~no, no, ~no, rng.integers(0, 5, n))


def test_without_coefficients_the_join_is_the_product_of_topic_and_place() -> None:
    found = Join().probabilities(Candidates.of(JOINT, PLACES, KINDS, 0.4))
    assert found == pytest.approx(JOINT)


def test_one_complaint_is_weighed_as_among_many() -> None:
    rows = many(20)
    join = Join(central_topic=1.3, local_place=1.7, province_constant=0.4, none_rest=1.2)
    single = [
        join.probabilities(Candidates(*(getattr(rows.candidates, name)[i] for name in Candidates.__slots__)))
        for i in range(20)
    ]
    assert join.probabilities(rows.candidates) == pytest.approx(np.array(single))


def test_each_coefficient_moves_its_own_kind() -> None:
    candidates = Candidates.of(JOINT, PLACES, KINDS, 0.4)
    before = Join().probabilities(candidates)
    for name, kind in (("local_constant", LOCAL), ("province_known", PROVINCE)):
        after = Join(**{name: 1.0}).probabilities(candidates)
        assert (after[kind == KINDS] > before[kind == KINDS]).all()
        assert (after[kind != KINDS] < before[kind != KINDS]).all()
    assert Join(none_constant=2.0).probabilities(candidates).sum() < before.sum()


def test_nothing_found_is_no_error() -> None:
    nothing = Candidates.of(np.zeros(0), np.zeros(0), np.zeros(0, int), 0.0)
    assert Join().probabilities(nothing).shape == (0,)


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    rows = many(30)
    point = np.random.default_rng(1).normal(1, 0.3, len(Join().coefficients))

    def loss(x: np.ndarray) -> float:
        return join_loss(x, rows)[0]

    slope = approx_fprime(point, loss, 1e-7)
    assert join_loss(point, rows)[1] == pytest.approx(slope, abs=1e-5)


def test_fitting_finds_the_coefficients_that_made_the_labels() -> None:
    rows = many(4000)
    join = fit_join(rows)
    assert join.local_place == pytest.approx(3.0, abs=0.7)
    assert join.central_topic == pytest.approx(1.5, abs=0.3)
    held_out = many(1000, seed=4)

    def mean(join: Join) -> float:
        return float(np.log(likelihood(held_out, join.probabilities(held_out.candidates))).mean())

    assert mean(join) > mean(Join()) + 0.02
