"""The partition is the cheapest of all, and a run length is what Bayes' rule says."""

import itertools
import math

import numpy as np
import pytest
import torch

from fieldkit.transitions import partitions


def price(y, cuts, penalty):
    pieces = np.split(y.numpy(), cuts)
    return sum(((p - p.mean(0)) ** 2).sum() for p in pieces) + penalty * len(cuts)


def cheapest(y, penalty, least):
    n = len(y)
    return min(
        price(y, cuts, penalty)
        for k in range(n // least)
        for cuts in itertools.combinations(range(least, n - least + 1), k)
        if min(np.diff([0, *cuts, n])) >= least
    )


@pytest.mark.parametrize("least", [1, 2, 3])
def test_no_partition_is_cheaper(least):
    rng = torch.Generator().manual_seed(least)
    for _ in range(20 if least == 1 else 100):
        y = torch.randn(10, generator=rng, dtype=torch.float64)
        penalty = 0.2 + 1.8 * torch.rand(1, generator=rng).item()
        found = partitions.partition(y, penalty=penalty, least=least)
        assert min(np.diff([0, *found.cuts, 10])) >= least
        assert found.cost + penalty * len(found.cuts) == pytest.approx(cheapest(y, penalty, least), abs=1e-10)


def test_a_series_whose_optimum_is_lost_by_dropping_candidates_too_early():
    assert partitions.partition(torch.tensor([0.0, 1, 0, 0, 1]), penalty=0.1, least=2).cuts == []


def test_components_are_cut_together_and_means_are_of_the_pieces():
    y = torch.tensor([[0.0, 1], [0.1, 1], [5, 3], [5.1, 3]])
    found = partitions.partition(y, penalty=0.5)
    assert found.cuts == [2] and torch.allclose(found.means, torch.tensor([[0.05, 1], [5.05, 3]], dtype=torch.float64))


def test_a_far_offset_moves_no_cut():
    rng = torch.Generator().manual_seed(5)
    y = torch.randn(60, generator=rng, dtype=torch.float64) + 4 * (torch.arange(60) > 30)
    assert partitions.partition(y, penalty=12.0).cuts == partitions.partition(y + 1e8, penalty=12.0).cuts == [31]


def test_run_lengths_are_bayes_rule_over_all_partitions():
    """Eight points: every way to cut them, weighed with its prior and the Student laws of its pieces."""
    y = torch.randn(6, generator=torch.Generator().manual_seed(2), dtype=torch.float64) + torch.tensor(
        [0.0, 0, 0, 3, 3, 3]
    )
    hazard, n = 0.2, 6

    def evidence(piece):
        k, a, b, m = 0.01, 1.0, 1.0, 0.0
        total = 0.0
        for v in piece:
            s2 = b * (k + 1) / (a * k)
            total += math.lgamma(a + 0.5) - math.lgamma(a) - 0.5 * math.log(2 * math.pi * a * s2)
            total -= (a + 0.5) * math.log1p((v - m) ** 2 / (2 * a * s2))
            b += k * (v - m) ** 2 / (2 * (k + 1))
            m, k, a = (k * m + v) / (k + 1), k + 1, a + 0.5
        return total

    weights = np.zeros(n + 1)  # by the age of the piece that is open after the last point
    for ends in itertools.product([False, True], repeat=n):  # does the piece end after point t?
        cuts = [t + 1 for t, end in enumerate(ends) if end]
        pieces = [p for p in np.split(y.numpy(), cuts) if len(p)]
        prior = math.prod(hazard if end else 1 - hazard for end in ends)
        weights[n - (cuts[-1] if cuts else 0)] += prior * math.exp(sum(evidence(p) for p in pieces))
    found = partitions.run_lengths(y, hazard=hazard)[n]
    assert found.tolist() == pytest.approx((weights / weights.sum()).tolist(), rel=1e-10)


def test_a_far_value_leaves_probabilities_that_add_up():
    table = partitions.run_lengths(torch.tensor([0.0, 1e150, 0.0], dtype=torch.float64), hazard=0.01)
    assert torch.allclose(table.sum(1), torch.ones(4, dtype=torch.float64))


def test_what_cannot_be_cut_is_refused():
    y = torch.zeros(4)
    for call, words in (
        (lambda: partitions.partition(y, penalty=-1.0), "penalty = -1"),
        (lambda: partitions.partition(y, penalty=1.0, least=5), "least = 5"),
        (lambda: partitions.partition(y[:0], penalty=1.0), "shape"),
        (lambda: partitions.partition(y / 0, penalty=1.0), "finite"),
        (lambda: partitions.run_lengths(y, hazard=1.0), "hazard = 1"),
        (lambda: partitions.run_lengths(y, hazard=0.1, scale=0.0), "scale = 0"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
