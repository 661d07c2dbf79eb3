"""Lattice fields at the ends of the range of numbers, and given what they cannot take."""

import math

import pytest
import torch

from fieldkit.estimates import Estimate
from fieldkit.lattice import (
    acceleration,
    aliasing,
    continuum,
    free,
    free_exact,
    neuron,
    oscillator,
    phi4,
    slowing_exact,
)

RING = torch.cosh(0.3 * (torch.arange(16).double() - 8))


@pytest.mark.parametrize("mass2", [1e-320, 1e-300, 1e-12, 1e-3, 0.3, 1.0, 1e6])
def test_two_ways_to_the_conditional_variance_agree_at_every_mass(mass2):
    chain, dense = aliasing.least_error(12, 4, mass2=mass2), aliasing.conditional_variance(12, 4, 1, mass2=mass2)
    assert torch.allclose(chain, dense, rtol=1e-13, atol=1e-13 * float(chain.max()))
    plane = aliasing.conditional_variance(6, 2, 2, mass2=mass2)
    matrix = free.matrix(6, 2, mass2=mass2)  # what is not kept, conditioned on what is: the inverse of a block
    unkept = [k for k in range(36) if k // 6 % 2 or k % 2]
    there = torch.linalg.inv(matrix[unkept][:, unkept]).diagonal()
    for offset in ((0, 1), (1, 0), (1, 1)):
        assert float(plane[offset]) == pytest.approx(float(there[unkept.index(6 * offset[0] + offset[1])]), rel=1e-12)


def test_levels_scale_with_the_mass_wherever_it_lies():
    for mass2 in (1e-300, 1.0, 1e300):
        assert torch.allclose(
            oscillator.levels(3, mass2=mass2, coupling=0.0) / math.sqrt(mass2), torch.arange(3).double() + 0.5
        )
    quartic = oscillator.levels(2, mass2=0.0, coupling=1.0)
    for coupling in (1e-300, 1e300):
        scaled = oscillator.levels(2, mass2=0.0, coupling=coupling) / coupling ** (1 / 3)
        assert torch.allclose(scaled, quartic, rtol=1e-12)


def test_a_gap_that_drowns_in_rounding_is_refused():
    assert oscillator.gap(mass2=-8.0, coupling=0.5) == pytest.approx(0.000758187710, rel=1e-8)
    for gap in (oscillator.gap, lambda **v: oscillator.lattice_gap(0.5, **v)):
        with pytest.raises(ValueError, match="drowns in the rounding"):
            gap(mass2=-20.0, coupling=0.5)


def test_a_correlation_length_of_counts_keeps_its_digits():
    counts = torch.tensor([[100000001, 3]])
    assert torch.equal(free.second_moment_length(counts, 8), free.second_moment_length(counts.double(), 8))


def test_an_observable_that_never_changes_has_no_autocorrelation_time():
    for same in (
        lambda s: torch.ones(len(s)),
        lambda s: 0.1 + 0 * s.sum((1, 2)),
        lambda s: torch.full((len(s),), math.nan),
    ):
        with pytest.raises(ValueError, match="what never changes|finite number"):
            slowing_exact.metropolis_tau(same, 2, 2.0)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda: aliasing.mean_squared_error(aliasing.linear_transfer, 8, 2, 1, mass2=math.inf), ValueError),
        (lambda: aliasing.least_error(8, 2, mass2="1"), TypeError),
        (lambda: aliasing.conditional_mean([0.3], 4, covariance=free_exact.propagator(8, 1, mass2=1.0)), ValueError),
        (lambda: aliasing.conditional_mean([0.5], 4, covariance=free_exact.propagator(9, 1, mass2=1.0)), ValueError),
        (lambda: aliasing.conditional_mean([0.5], 0, covariance=free_exact.propagator(8, 1, mass2=1.0)), ValueError),
        (lambda: continuum.effective_gap(RING, times=[3, 4], step=1.5), TypeError),
        (lambda: continuum.effective_gap(RING, times=[3.5, 4], step=2), TypeError),
        (lambda: continuum.effective_gap(RING.repeat(16, 1), times=[3, 4], step=2), ValueError),
        (lambda: continuum.extrapolate([0.1, 0.2], [Estimate(1, 0.1)] * 2, powers=()), ValueError),
        (lambda: continuum.extrapolate([0.1, 0.2], [1.0, 2.0], powers=(0,)), TypeError),
        (lambda: continuum.exact_exponent([0.1, 0.2, 0.3], [1.0, 2, 3], n_corrections=1.5), TypeError),
        (lambda: slowing_exact.leapfrog_angle(-1.0, -0.5), ValueError),
        (lambda: slowing_exact.hmc_tau(1.0, step_size=0.5, n_leapfrog=3, acceptance=0.0), ValueError),
        (lambda: free.action(torch.ones(1, 4), mass2=math.nan), ValueError),
        (lambda: free.action(torch.ones(1, 4), mass2=1j), TypeError),
        (lambda: free_exact.mass_gap("1"), TypeError),
        (lambda: oscillator.levels(2, mass2=1j, coupling=1.0), TypeError),
        (lambda: oscillator.levels(2, mass2=-1.0, coupling=1e-320), ValueError),
        (lambda: oscillator.lattice_levels(2, 0.1, mass2=-1.0, coupling=1e-320), ValueError),
        (lambda: phi4.Phi4(1j, 0.0), TypeError),
    ],
)  # fmt: skip
def test_the_lattice_refuses_in_its_own_words(wrong, kind):
    with pytest.raises(kind, match=r"[;:] .*\w"):
        wrong()


def test_a_potential_of_no_number_is_no_wall():
    nothing = torch.tensor([math.nan], dtype=torch.float64)
    for name, (_, potential) in neuron.PAIRS.items():
        assert bool(potential(nothing).isnan()), name


def test_a_mass_is_real_before_its_modes_are_filtered():
    with pytest.raises(TypeError, match="real number"):
        acceleration.filtered(torch.ones(1, 4), torch.ones(4) + 0j)
