"""The best Gaussian: a bound that is stationary, that flows of the same kind reach, and that no Gaussian beats."""

import math

import pytest
import torch

from fieldkit.lattice import ising_exact, phi4
from fieldkit.neuralrg import ising_dual_exact, spectrum, training, variational, weighing
from fieldkit.neuralrg.equivariant import equivariant
from fieldkit.neuralrg.ising_dual import IsingDual
from fieldkit.neuralrg.targets import OneSector


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize(("L", "T", "d"), [(4, 3.0, 2), (8, ising_exact.T_CRITICAL, 2), (6, 1.0, 1), (4, 0.7, 2)])
def test_the_best_gaussian_lies_above_the_line_and_below_its_neighbours(L, T, d, rng):
    half = OneSector(IsingDual(L, T, d))
    best = variational.best(half)
    assert best.free_energy + ising_dual_exact.log_partition(half.whole) > 0
    number = spectrum.classes(L, d)
    for _ in range(20):
        shake = 0.05 * torch.randn(int(number.max()) + 1, generator=rng, dtype=torch.float64)
        mean = torch.tensor(best.mean + 0.05 * torch.randn((), generator=rng).item(), dtype=torch.float64)
        assert variational.free_energy(half, mean, best.power * shake.exp()[number]) > best.free_energy


def test_its_free_energy_is_the_mean_over_its_draws(rng):
    half = OneSector(IsingDual(4, 3.0))
    best = variational.best(half)
    flow = equivariant(4, n_rounds=0, n_terms=0, mean=best.mean, power=best.power, rng=rng, dtype=torch.float64)
    log_weight = weighing.draw(flow, half, 40_000, rng=rng).log_weight
    assert abs(weighing.free_energy(log_weight).pull(best.free_energy)) < 4
    assert abs(variational.left_over(log_weight, half).pull(1)) < 4


def test_a_flow_of_waves_and_a_constant_learns_it_and_no_more(rng):
    half = OneSector(IsingDual(4, 3.0))
    flow = equivariant(4, n_rounds=0, n_terms=0, mean=1.0, rng=rng, dtype=torch.float64)
    training.train(flow, half, n_steps=600, batch=64, rng=rng)
    found = variational.left_over(weighing.draw(flow, half, 40_000, rng=rng).log_weight, half)
    assert found.value == pytest.approx(1, abs=0.02 + 4 * found.error) and found.value > 1 - 4 * found.error


def test_where_spins_are_frozen_the_half_is_gaussian():
    half = OneSector(IsingDual(4, 0.7))
    assert variational.best(half).free_energy + ising_dual_exact.log_partition(half.whole) < 1e-3


def test_another_target_is_refused():
    with pytest.raises(ValueError, match="IsingDual"):
        variational.best(OneSector(phi4.Phi4(-1.0, 1.0)))


def test_whitened_fields_have_no_correlations_left(rng):
    x = equivariant(6, n_rounds=1, mean=2.0, rng=rng, dtype=torch.float64).sample(4000, rng=rng)[0]
    smooth = x + 0.7 * x.roll(1, 1) + 0.7 * x.roll(1, 2)
    white = spectrum.whitened(smooth)
    power = torch.fft.fftn(white, dim=(1, 2)).abs().square().mean(0) / 36
    number = spectrum.classes(6, 2)
    for k in range(int(number.max()) + 1):
        assert power[number == k].mean().item() == pytest.approx(1, abs=1e-10)
    assert white.mean().abs() < 1e-10 and math.isclose(white.square().mean().item(), 1, rel_tol=1e-10)


@pytest.mark.parametrize("x", [torch.zeros(1, 4, 4), torch.zeros(8, 4, 6), torch.zeros(8, 4, 4)])
def test_fields_that_cannot_be_whitened_are_refused(x):
    with pytest.raises(ValueError, match="mean over fields|no power"):
        spectrum.whitened(x.double())
