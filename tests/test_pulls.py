"""Every test of the book, turned into sigmas, is a draw from the unit Gaussian."""

import math

import pytest
import torch

from fieldkit import pulls


def spread(z):
    z = torch.tensor(z, dtype=torch.float64)
    return z.mean().item() * math.sqrt(len(z)), (z.square().mean().item() - 1) * math.sqrt(len(z) / 2)


def test_students_t_becomes_a_unit_gaussian():
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 5, generator=rng, dtype=torch.float64)
    t = x.mean(1) / (x.std(1) / math.sqrt(5))
    assert t.square().mean() > 1.7  # the naive pull: 4/2 in the mean
    assert max(map(abs, spread([pulls.of_student(v, 4) for v in t.tolist()]))) < 4


def test_chi_squared_becomes_a_unit_gaussian_for_a_known_and_for_an_estimated_covariance():
    rng = torch.Generator().manual_seed(1)
    root = torch.tensor([[1.0, 0, 0], [0.8, 0.6, 0], [100.0, 0, 50.0]], dtype=torch.float64)
    x = torch.randn(2000, 12, 3, generator=rng, dtype=torch.float64) @ root.T
    known, hotelling, naive = [], [], []
    for draws in x:
        off, covariance = draws.mean(0), torch.cov(draws.T) / 12
        known.append(pulls.of_chi_squared(pulls.chi_squared(off, root @ root.T / 12), 3))
        t2 = pulls.chi_squared(off, covariance)
        hotelling.append(pulls.of_chi_squared(t2, 3, independent=12))
        naive.append(pulls.of_chi_squared(t2, 3))
    assert max(map(abs, spread(known))) < 4 and max(map(abs, spread(hotelling))) < 4
    assert spread(naive)[0] > 8  # a covariance from twelve things, taken for known


def test_far_tails_are_finite_and_grow():
    z = [pulls.of_chi_squared(10.0**n, 3) for n in range(1, 6)]
    assert all(math.isfinite(v) for v in z) and z == sorted(z) and z[-1] > 300
    assert pulls.of_chi_squared(0.0, 3) < -5 and pulls.of_student(1e6, 3) < 12


def test_two_points_that_are_one_are_refused():
    with pytest.raises(ValueError, match="weigh fewer points"):
        pulls.chi_squared(torch.ones(2), torch.ones(2, 2))
    with pytest.raises(ValueError, match="independent = 3"):
        pulls.of_chi_squared(1.0, 3, independent=3)
    with pytest.raises(ValueError, match="degrees = 0"):
        pulls.of_student(1.0, 0)


@pytest.mark.parametrize(
    ("t", "degrees", "truth"),
    [(-50.0, 1e9, -49.999968737542), (1e5, 100.0, 42.885429871146), (-1e300, 1.0, -37.07796031191)],
)
def test_tails_below_the_smallest_number_keep_their_probability(t, degrees, truth):
    """truth: the regularised incomplete beta function in 80 digits, inverted by a root search in the Gaussian's."""
    assert pulls.of_student(t, degrees) == pytest.approx(truth, rel=1e-11)
    assert pulls.of_student(2.0, math.inf) == 2
