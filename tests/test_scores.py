"""Laws of the scores: honesty is the cheapest, and nobody gains by a bar that is none."""

from __future__ import annotations

import math

import pytest
import torch

from fieldkit import scores
from fieldkit.estimates import Estimate


def test_only_the_honest_bar_costs_nothing():
    bars = [0.5, 0.9, 0.99, 1.01, 1.1, 2.0]
    assert scores.excess(3.0, 3.0) == 0 and all(scores.excess(3 * b, 3.0) > 0 for b in bars)


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.6])
def test_the_excess_is_the_average_of_the_score_beyond_the_honest_one(factor):
    z = torch.randn(20_000, generator=torch.Generator().manual_seed(1), dtype=torch.float64).tolist()
    paid = torch.tensor([scores.log_score(Estimate(x, factor), 0.0, reference=1.0) for x in z])
    bar = float(paid.std()) / math.sqrt(len(z))
    assert abs(float(paid.mean()) - 0.5 - scores.excess(factor, 1.0)) < 4 * bar + 0.01  # the cap cuts a little


@pytest.mark.parametrize(
    "found", [(math.nan, 1.0), (math.inf, 1.0), (0.0, 0.0), (0.0, math.inf), (0.0, 1e9), (1e30, 1e3)]
)
def test_what_is_no_answer_costs_the_cap(found):
    assert scores.log_score(Estimate(*found), 0.0, reference=1.0) == scores.CAP
    assert all(scores.excess(b, 1.0) == scores.CAP for b in (0.0, -1.0, math.nan, math.inf))


def test_a_truth_that_was_looked_up_is_not_paid_beyond_a_tenth_of_the_reference():
    assert scores.log_score(Estimate(1.0, 1e-9), 1.0, reference=1.0) == pytest.approx(math.log(0.1))


def test_points_fall_from_all_to_none():
    assert [scores.share([c]) for c in (0.0, 0.022, 0.122, 9.0)] == pytest.approx([1, 1, 0, 0])
    with pytest.raises(ValueError, match="no costs"):
        scores.share([])


def test_what_leaves_the_range_of_numbers_costs_the_cap():
    assert scores.excess(1e-200, 1.0) == scores.excess(1e-300, 1e300) == scores.CAP
    assert scores.log_score(Estimate(1e200, 1.0), 0.0, reference=1.0) == scores.CAP
    assert scores.share(torch.tensor([0.0, 0.02])) == 1
    with pytest.raises(ValueError, match="truth = nan"):
        scores.log_score(Estimate(1.0, 1.0), math.nan, reference=1.0)
