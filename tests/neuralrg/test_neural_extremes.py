"""Correlations near one, of huge and of tiny variables; weights and pairs that do not vary."""

import math

import pytest
import torch

from fieldkit.neuralrg import information, weighing
from fieldkit.neuralrg.equivariant import equivariant


def normal(n, seed):
    return torch.randn(n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


A, B = normal(2000, 0), normal(2000, 1)


@pytest.mark.parametrize("noise", [1e-12, 1e-9, 1e-6, 1e-3, 1.0, 30.0])
def test_the_gaussian_information_near_a_correlation_of_one(noise):
    """1 - r^2 is what a regression leaves over: of the noise, its part that is orthogonal to a."""
    a, e = A - A.mean(), B - B.mean()
    rest = e - (e @ a) / (a @ a) * a
    b = A + noise * B
    centred = b - b.mean()
    truth = -0.5 * math.log(noise**2 * float(rest @ rest) / float(centred @ centred))
    for sign in (1, -1):
        found = information.gaussian(A, sign * b)
        assert float(found) == pytest.approx(truth, rel=1e-9, abs=1e-3 if noise < 1e-11 else 1e-6)


def test_the_gaussian_information_has_no_unit():
    plain = information.gaussian(A, A + B)
    assert torch.isclose(information.gaussian(1e200 * A, 1e-200 * (A + B)), plain, rtol=1e-12)
    assert information.gaussian(A, A) == math.inf


def test_what_does_not_vary_has_no_bar():
    for work in (weighing.log_partition, weighing.effective_sample_size):
        with pytest.raises(ValueError, match="all weights are equal"):
            work(torch.zeros(1000))
        with pytest.raises(ValueError, match="one weight for each draw"):
            work([])


def test_neighbours_of_spins_are_not_counted():
    with pytest.raises(ValueError, match="continuum"):
        information.mutual_information(A.sign(), A.sign())


def test_a_remedy_is_a_side_that_is_taken():
    with pytest.raises(ValueError, match="use 2 or 4"):
        equivariant(1, rng=torch.Generator().manual_seed(0))
