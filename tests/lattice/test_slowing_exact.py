"""Exact autocorrelation times, checked against the samplers they describe."""

import math

import pytest
import torch

from fieldkit.autocorrelation import gamma_method
from fieldkit.estimates import jackknife, mean
from fieldkit.lattice import dynamics, free, hmc, ising, slowing_exact
from fieldkit.lattice import ising_exact as exact
from fieldkit.lattice.phi4 import Phi4


def test_many_small_leapfrog_steps_turn_by_the_frequency():
    assert 1000 * slowing_exact.leapfrog_angle(0.7, 0.001) == pytest.approx(0.7, rel=1e-7)


@pytest.mark.parametrize("omega", [0.3, 1.0, 2.5])
def test_the_leapfrog_angle_is_that_of_the_leapfrog(omega):
    """A one-site lattice is one oscillator: after n steps from (1, 0), phi = cos(n angle)."""
    phi, pi = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    moved, _ = dynamics.leapfrog(Phi4(omega**2, 0.0), phi, pi, step_size=0.3, n_leapfrog=7)
    assert moved.item() == pytest.approx(math.cos(7 * slowing_exact.leapfrog_angle(omega, 0.3)), abs=1e-12)


def test_an_unstable_step_is_refused():
    with pytest.raises(ValueError, match="choose a smaller step"):
        slowing_exact.leapfrog_angle(2.0, 1.0)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("accelerated", [False, True])
def test_hmc_of_the_free_field_remembers_as_derived(power, accelerated):
    L, mass2, rng = 6, 0.4, torch.Generator().manual_seed(7)
    mass = 1 / (free.momentum_squared(L, 2) + mass2) if accelerated else None
    start = free.sample(500, L, 2, mass2=mass2, rng=rng)
    step = {"step_size": 0.1, "n_leapfrog": 8}
    done = hmc.run(
        Phi4(mass2, 0.0), start, n_steps=200, rng=rng, inverse_mass=mass, measure=lambda phi: phi.mean((1, 2)), **step
    )
    omega = 1.0 if accelerated else math.sqrt(mass2)
    truth = slowing_exact.hmc_tau(omega, power=power, acceptance=done.accepted.double().mean().item(), **step)
    assert abs(gamma_method(done.measured[..., 0] ** power).tau.pull(truth)) < 4


@pytest.mark.parametrize("T", [exact.T_CRITICAL, 4.0])
@pytest.mark.parametrize("observable", [ising.energy, lambda s: ising.magnetization(s) ** 2])
def test_metropolis_on_sixteen_spins_remembers_as_summed(T, observable):
    rng = torch.Generator().manual_seed(3)
    spins = ising.swendsen_wang(torch.ones(2000, 4, 4, dtype=torch.int8), beta=1 / T, rng=rng, n_sweeps=20)
    series = []
    for _ in range(200):
        spins = ising.metropolis(spins, beta=1 / T, rng=rng)
        series.append(observable(spins))
    tau = gamma_method(torch.stack(series, 1)).tau
    assert abs(tau.pull(slowing_exact.metropolis_tau(observable, 4, T))) < 4


def test_the_sum_over_states_needs_a_checkerboard():
    with pytest.raises(ValueError, match="L = 3: .* use L = 2 or 4"):
        slowing_exact.metropolis_tau(ising.energy, 3, 2.0)


@pytest.mark.parametrize("omega", [1e-9, 1e-5, 1e-2])
def test_slow_modes_keep_their_digits(omega):
    assert slowing_exact.leapfrog_angle(omega, 1.0) == pytest.approx(2 * math.asin(omega / 2), rel=1e-15)
    angle = 2 * math.asin(omega / 20)  # one step of length 0.1: tau = 1/2 cot^2 (angle / 2)
    for power, truth in (
        (1, 0.5 / math.tan(angle / 2) ** 2),
        (2, 0.5 * (1 + math.cos(angle) ** 2) / math.sin(angle) ** 2),
    ):
        found = slowing_exact.hmc_tau(omega, step_size=0.1, n_leapfrog=1, power=power)
        assert found == pytest.approx(truth, rel=1e-12)


def test_at_small_steps_a_mode_has_no_say_in_its_own_refusal():
    tau, kept = slowing_exact.refused_tau(torch.ones(144), step_size=0.05, n_leapfrog=20)
    assert tau == pytest.approx(
        slowing_exact.hmc_tau(1.0, step_size=0.05, n_leapfrog=20, power=2, acceptance=kept), rel=2e-3
    )


@pytest.mark.parametrize("accelerated, step", [(True, {"step_size": 0.5, "n_leapfrog": 2}),
                                               (False, {"step_size": 0.25, "n_leapfrog": 12})])  # fmt: skip
def test_refused_trajectories_of_a_free_field_are_remembered(accelerated, step):
    rng, L, mass2 = torch.Generator().manual_seed(0), 12, 1 / 9
    omega2 = free.momentum_squared(L, 2) + mass2
    frequencies = torch.ones(144) if accelerated else omega2.sqrt()
    tau, kept = slowing_exact.refused_tau(frequencies, **step)
    start = free.sample(256, L, 2, mass2=mass2, rng=rng)
    run = hmc.run(
        Phi4(mass2, 0.0), start, inverse_mass=1 / omega2 if accelerated else None, n_steps=200, rng=rng,
        measure=lambda phi: phi.mean((1, 2)) ** 2, **step,
    )  # fmt: skip
    x = run.measured[..., 0] - run.measured.mean()
    found = jackknife(
        lambda v, c: 0.5 * (v + c) / (v - c), (x**2).mean(1), (x[:, 1:] * x[:, :-1]).mean(1)
    )  # fmt: skip
    assert abs(mean(run.accepted.double().mean(1)).pull(kept)) < 4
    assert abs(found.pull(tau)) < 4
    assert abs(found.pull(slowing_exact.hmc_tau(frequencies.flatten()[0].item(), **step, power=2))) > 5


@pytest.mark.parametrize("frequencies, message", [
    ([1.0], "the number of frequencies = 1: .* choose 2 or more"),
    ([1.0, -1.0], "omega = -1.0: an oscillator has a frequency"),
    ([1.0, math.nan], "omega = nan: an oscillator has a frequency"),
    ([1.0, 4.0], "unstable beyond; choose a smaller step"),
])  # fmt: skip
def test_impossible_frequencies_are_refused(frequencies, message):
    with pytest.raises(ValueError, match=message):
        slowing_exact.refused_tau(frequencies, step_size=0.5, n_leapfrog=2)
