"""Work done slowly is worth more, and done at any speed it gives the right partition function."""

import math

import pytest
import torch

from fieldkit.lattice import free, free_exact
from fieldkit.lattice.phi4 import Phi4
from fieldkit.neuralrg import annealing, weighing
from fieldkit.neuralrg.equivariant import equivariant
from fieldkit.neuralrg.flows import Prior
from fieldkit.neuralrg.latent import Latent
from tests.neuralrg.shaken import shaken


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(3)


def white(n, L, d, rng):
    return Prior((L,) * d, rng=rng).sample(n, rng=rng, dtype=torch.float64)


@pytest.mark.parametrize("d, L", [(1, 6), (2, 4), (3, 2)])
@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("step_size", [0.02, 0.5])
def test_the_mean_of_exp_minus_work_is_the_ratio_of_partition_functions_at_any_speed(d, L, n_steps, step_size, rng):
    z = white(20_000, L, d, rng)
    walk = annealing.anneal(
        z, annealing.Noise(), Phi4(0.6, 0.0), n_steps=n_steps, step_size=step_size, n_leapfrog=2, rng=rng
    )
    found = weighing.log_partition(walk.log_weight + L**d / 2 * math.log(2 * math.pi))
    assert abs(found.pull(free_exact.log_partition_function(L, d, mass2=0.6))) < 4


def test_one_step_is_plain_weighing(rng):
    flow = shaken(equivariant(4, n_rounds=1, width=4, rng=rng, dtype=torch.float64), rng)
    theory, z = Phi4(1.0, 0.5), white(50, 4, 2, rng)
    walk = annealing.anneal(z, annealing.Noise(), Latent(flow, theory), n_steps=1, step_size=0.1, n_leapfrog=1, rng=rng)
    x, log_q = flow.draw(z)
    off = walk.log_weight + 8 * math.log(2 * math.pi) - (-theory.action(x) - log_q).detach()
    assert off.abs().max() < 1e-11 and walk.accepted == 1 and torch.equal(walk.x, z)


def test_weighed_fields_at_the_end_are_those_of_the_target(rng):
    walk = annealing.anneal(
        white(40_000, 6, 1, rng), annealing.Noise(), Phi4(0.5, 0.0), n_steps=6, step_size=0.4, n_leapfrog=3, rng=rng
    )
    square = weighing.reweighted(walk.log_weight, walk.x.square().mean(1))
    assert abs(square.pull(free_exact.propagator(6, 1, mass2=0.5)[0].item())) < 4


@pytest.mark.parametrize("n_steps", [1, 2, 5])
def test_wide_waves_are_worth_what_gaussian_integrals_say(n_steps, rng):
    """Every wave alike: a trajectory of a quarter period forgets all."""
    wide = equivariant(4, power=1.2**2 / (free.momentum_squared(4, 2) + 1), n_rounds=0, n_terms=0, rng=rng).double()
    walk = annealing.anneal(
        white(10_000, 4, 2, rng), annealing.Noise(), Latent(wide, Phi4(1.0, 0.0)), n_steps=n_steps,
        step_size=math.pi / 2 / 1.1 / 20, n_leapfrog=20, rng=rng,
    )  # fmt: skip
    truth = annealing.ess_of_waves(1.2, 16, n_steps)
    assert abs(weighing.effective_sample_size(walk.log_weight).pull(truth)) < 4


def test_slow_walks_leave_one_over_k_of_the_exponent():
    for n_steps in (1, 10, 100):
        assert math.log(annealing.ess_of_waves(1.001, 50, n_steps)) * n_steps == pytest.approx(-1e-4, rel=0.01)
    assert annealing.ess_of_waves(0.7, 1, 1) == 0.0 < annealing.ess_of_waves(0.7, 1, 4)
    assert annealing.ess_of_waves(1.3, 1, 1) == pytest.approx(math.sqrt(2 * 1.3**2 - 1) / 1.3**2)


def test_between_two_theories_the_force_is_the_slope_of_the_action(rng):
    x = white(3, 4, 2, rng).requires_grad_()
    theory = annealing.Between(Phi4(0.3, 0.2), Phi4(-1.0, 1.0), 0.4)
    (slope,) = torch.autograd.grad(theory.action(x.clone()).sum(), x)
    assert (slope + theory.force(x.detach())).abs().max() < 1e-12
    assert (annealing.Noise().force(x) + x).abs().max() == 0


def test_a_pass_is_counted_for_every_force_and_action():
    assert annealing.passes(1, 3) == 1 and annealing.passes(8, 3) == 92


def test_what_cannot_be_is_refused(rng):
    z = white(4, 4, 2, rng)
    how = {"step_size": 0.1, "n_leapfrog": 1, "rng": rng}
    for wrong in ({"n_steps": 0}, {"n_steps": 2, "step_size": 0.0}, {"n_steps": 2, "n_leapfrog": 0}):
        with pytest.raises(ValueError):
            annealing.anneal(z, annealing.Noise(), Phi4(1.0, 0.0), **(how | wrong))
    with pytest.raises(ValueError, match="between 0 and 1"):
        annealing.Between(annealing.Noise(), annealing.Noise(), 1.5)
    with pytest.raises(ValueError):
        annealing.ess_of_waves(-1.0, 4, 1)
