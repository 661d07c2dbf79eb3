"""Blurring as a renormalisation group, step scaling, and the two systems side by side."""

import math

import pytest
import torch

from fieldkit import chunks
from fieldkit.estimates import Estimate
from fieldkit.lattice import free, ising, ising_exact
from fieldkit.lattice.phi4 import Phi4
from fieldkit.rg import blocking, blurring, sampled, step_scaling
from fieldkit.rg import monte_carlo_rg as mcrg


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_flow_is_the_heat_equation(d):
    rng = torch.Generator().manual_seed(d)
    phi = torch.randn((2,) + (6,) * d, generator=rng, dtype=torch.float64)
    t, h = 0.4, 1e-4
    change = (blurring.flow(phi, t + h) - blurring.flow(phi, t - h)) / (2 * h)
    at = blurring.flow(phi, t)
    laplacian = sum(at.roll(1, axis) + at.roll(-1, axis) - 2 * at for axis in range(1, d + 1))
    assert torch.allclose(change, laplacian, atol=1e-6)
    twice = blurring.flow(blurring.flow(phi, 0.1), 0.3)
    assert torch.allclose(twice, at, atol=1e-13) and torch.allclose(blurring.flow(phi, 0), phi, atol=1e-14)
    assert torch.allclose(at.flatten(1).mean(1), phi.flatten(1).mean(1))


def test_the_variance_needs_no_blurred_field():
    phi = torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.allclose(blurring.variance(phi, 0.7), blurring.flow(phi, 0.7).square().mean((1, 2)), rtol=1e-12)
    spins = ising.random_spins(2, 4, rng=torch.Generator().manual_seed(0))
    assert blurring.variance(spins, 0.0).tolist() == pytest.approx([1, 1])


def test_the_free_field_from_independent_values_and_from_draws():
    """mpmath: L^-2 sum_p exp(-2 t p^2) / (p^2 + m2)."""
    assert blurring.free_variance(8, 2, mass2=0.1, t=2) == pytest.approx(0.16546609551915289292, rel=1e-13)
    assert blurring.free_variance(16, 2, mass2=0.1, t=0.5) == pytest.approx(0.17338480340451344988, rel=1e-13)
    phi = free.sample(3000, 8, 2, mass2=0.1, rng=torch.Generator().manual_seed(1))
    measured = blurring.variance(phi, 2.0)
    pull = (measured.mean() - blurring.free_variance(8, 2, mass2=0.1, t=2)) / (measured.std() / 3000**0.5)
    assert abs(float(pull)) < 4


def test_only_with_new_units_is_blurring_a_renormalisation():
    """A free field in d = 3 at the mass that blocking carries along: <phi'^2> stands still, <phi_t^2> does not."""
    values = []
    for L, m2 in ((8, 0.16), (16, 0.04), (32, 0.01)):
        t = blurring.time(L, 0.5)
        values.append(blurring.free_variance(L, 3, mass2=m2, t=t))
    rescaled = [v * L for v, L in zip(values, (8, 16, 32))]  # L^(2 Delta) with Delta = 1/2
    assert rescaled[2] == pytest.approx(rescaled[1], rel=0.01)
    assert values[1] / values[2] == pytest.approx(2, rel=0.01)
    phi = free.sample(4, 16, 3, mass2=0.04, rng=torch.Generator().manual_seed(2))
    new = blurring.step(phi, field_dimension=0.5, reach=2.0)
    assert new.shape == (4, 8, 8, 8)
    assert torch.allclose(new, blurring.flow(phi, 2.0)[:, ::2, ::2, ::2] * 2**0.5)


def test_the_dimension_of_the_critical_spin():
    rng = torch.Generator().manual_seed(5)
    chains = []
    for L in (8, 16):
        spins = ising.equilibrium(128, L, beta=1 / ising_exact.T_CRITICAL, rng=rng, n_sweeps=20)
        configurations = ising.chain(ising.swendsen_wang, spins, beta=1 / ising_exact.T_CRITICAL, rng=rng, every=2)
        chains.append(
            torch.stack([blurring.variance(next(configurations), blurring.time(L, 0.4)) for _ in range(20)], 1).mean(1)
        )
    found = blurring.twice_the_dimension(*chains)
    assert abs(found.pull(Estimate(0.25, 0.01))) < 4


def test_exact_step_scaling():
    """Enumeration and the transfer matrix that counts up spins."""
    assert step_scaling.pair(2, 2.2) == pytest.approx((0.6309012501447, 0.6257667312942), abs=1e-12)
    assert step_scaling.pair(3, 2.5) == pytest.approx((0.5953745267573, 0.5540074165257), abs=1e-12)
    slopes = [step_scaling.slope(L) for L in (2, 3)]
    assert slopes == pytest.approx([2.22906, 2.07914], abs=1e-5)
    assert step_scaling.inverse_nu(3) == pytest.approx(math.log2(2.07914), abs=1e-5)
    with pytest.raises(ValueError, match="L = 6"):
        step_scaling.pair(6, 2.0)


def test_the_measured_pair_lies_on_the_exact_curve():
    T = 2.5
    rng = torch.Generator().manual_seed(9)
    measured = []
    for L in (4, 8):
        spins = ising.equilibrium(128, L, beta=1 / T, rng=rng, n_sweeps=20)
        run = ising.run(ising.swendsen_wang, spins, beta=1 / T, n_steps=60, rng=rng)
        measured.append(step_scaling.binder(run.magnetization))
    curve = step_scaling.curve(4, [2.45, 2.5, 2.55])
    assert abs(step_scaling.against(*measured, curve).pull(0.0)) < 4
    assert abs(measured[0].pull(ising_exact.binder_cumulant(4, T))) < 4
    with pytest.raises(ValueError, match="extend"):
        step_scaling.against(Estimate(0.1, 0.01), measured[1], curve)


def test_a_field_becomes_a_magnet_after_one_step():
    """phi^4 at coupling 1 near its critical mass: exponents of the Ising class from level 1 on, and not before."""
    rng = torch.Generator().manual_seed(3)
    sums = sampled.field(Phi4(-3.826, 1.0), 16, n_chains=64, n_steps=40, n_levels=2, rng=rng)
    before, after = (mcrg.exponent(sums, level, blocking.ODD[:2]) for level in (0, 1))
    assert before.value < 1.5 < 1.82 < after.value < 1.93
    assert mcrg.exponent(sums, 1, blocking.EVEN[:3]).value == pytest.approx(1, abs=0.12)
    beta = 1 / ising_exact.T_CRITICAL
    magnet = sampled.magnet(16, beta=beta, n_chains=64, n_steps=20, n_levels=2, rng=rng)
    apart, covariance = mcrg.difference(magnet, sums)
    pulls = (apart / covariance.diagonal().sqrt()).abs()
    assert float(pulls[0]) > 30 and float(pulls[1:].max()) < 5


def test_a_sweep_in_chunks_is_one_run():
    def work(beta, rng):
        return sampled.magnet(8, beta=beta, n_chains=16, n_steps=3, n_levels=1, rng=rng, n_groups=8).columns()

    parts = chunks.sweep(work, [0.3, 0.44], rng=torch.Generator().manual_seed(1), n_chunks=2)
    cold, hot = (mcrg.from_columns(part, sampled.OPERATORS) for part in (parts[1], parts[0]))
    assert len(cold.mean) == 16
    assert mcrg.averages(cold)[0].value > mcrg.averages(hot)[0].value


def test_backwards_is_refused():
    with pytest.raises(ValueError, match="forward"):
        blurring.flow(torch.zeros(1, 4, 4), -1.0)
