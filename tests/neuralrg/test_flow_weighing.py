"""Weights say what they should: exact partition functions, a chain of the right law, and forgotten halves found out."""

import math

import pytest
import torch

from fieldkit.autocorrelation import gamma_method
from fieldkit.estimates import mean
from fieldkit.lattice import free_exact, hmc, ising_exact, markov
from fieldkit.lattice.phi4 import Phi4
from fieldkit.neuralrg import collapse, ising_dual_exact, latent, prices, training, weighing
from fieldkit.neuralrg.equivariant import equivariant
from fieldkit.neuralrg.ising_dual import IsingDual
from fieldkit.neuralrg.mera import mera
from fieldkit.neuralrg.symmetry import Symmetrised, random_signs
from fieldkit.neuralrg.targets import OneSector
from tests.neuralrg.shaken import shaken


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(21)


def rough(rng, theory, make=equivariant):
    """A flow that is about right: a hundred steps of training, float64 afterwards."""
    flow = make(theory.L, n_rounds=1, width=4, n_terms=3, rng=rng)
    training.train(flow, theory, n_steps=100, batch=64, rng=rng)
    return flow.double()


@pytest.mark.parametrize("T", [5.0, 8.0])
@pytest.mark.parametrize("make", [equivariant, mera])
def test_the_mean_weight_is_the_exact_partition_function(T, make, rng):
    theory = IsingDual(2, T)
    flow = rough(rng, theory, make)
    log_weight = weighing.draw(flow, theory, 40000, rng=rng).log_weight
    truth = ising_dual_exact.log_partition(theory)
    assert weighing.effective_sample_size(log_weight).value > 0.05
    assert abs(weighing.log_partition(log_weight).pull(truth)) < 4
    assert weighing.free_energy(log_weight).pull(-truth) > -4


def test_weighed_observables_are_those_of_the_target(rng):
    theory = IsingDual(2, 5.0)
    draws = weighing.draw(rough(rng, theory), theory, 40000, rng=rng, measure=theory.squared_magnetization)
    found = weighing.reweighted(draws.log_weight, draws.measured[:, 0])
    assert draws.measured.shape == (40000, 1)
    assert abs(found.pull(ising_exact.magnetization_moment(2, 5.0, 2))) < 4


def test_gaussian_weights_have_the_effective_sample_size_of_the_formula(rng):
    """ln w of variance v: ESS = e^-v, ln Z = v / 2."""
    log_weight = math.sqrt(0.5) * torch.randn(100000, generator=rng, dtype=torch.float64) + 700
    assert abs(weighing.effective_sample_size(log_weight).pull(math.exp(-0.5))) < 4
    assert abs(weighing.log_partition(log_weight).pull(700.25)) < 4


def test_one_draw_that_outweighs_all_others_counts_as_one(rng):
    """ESS = 1/n and ln Z = ln(w/n), with bars of a whole one, however large the weight; no number is lost in it."""
    for height in (15.0, 40.0, 500.0):
        log_weight = 0.5 * torch.randn(10000, generator=rng, dtype=torch.float64)
        log_weight[123] = height
        ess, log_z = weighing.effective_sample_size(log_weight), weighing.log_partition(log_weight)
        assert ess.value == pytest.approx(1e-4, rel=0.02) and ess.error == pytest.approx(1e-4, rel=0.1)
        assert log_z.value == pytest.approx(height - math.log(10000) + 0.5, abs=0.02) and 0.9 < log_z.error < 1.1


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_a_weight_that_is_no_number_is_not_averaged_over(lost):
    log_weight = torch.zeros(1000, dtype=torch.float64)
    log_weight[3] = lost
    for estimate in (weighing.free_energy, weighing.log_partition, weighing.effective_sample_size):
        with pytest.raises(ValueError, match="of 1000 .* not finite"):
            estimate(log_weight)
    with pytest.raises(ValueError, match="of 1000 .* not finite"):
        weighing.reweighted(log_weight, torch.ones(1000))


def test_independence_metropolis_has_the_law_of_the_target(rng):
    """Three states with proposals q and target p: the fractions of time are p, and tau is that of the weights."""
    p, q = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64), torch.tensor([0.5, 0.4, 0.1], dtype=torch.float64)
    draws = torch.multinomial(q, 400 * 500, replacement=True, generator=rng).reshape(400, 500)
    index, accepted = weighing.independence_metropolis((p / q).log()[draws], rng=rng)
    chain = draws.gather(1, index)
    for state in range(3):
        part = (chain[:, 50:] == state).double()
        assert abs(gamma_method(part).mean.pull(p[state].item())) < 4
    held = index[:, 1:] == index[:, :-1]
    assert torch.equal(held, ~accepted[:, 1:]) and bool((index <= torch.arange(500)).all())
    rate = sum(p[i] * q[j] * min(1, p[j] * q[i] / (q[j] * p[i])) for i in range(3) for j in range(3)).item()
    assert accepted[:, 50:].double().mean().item() == pytest.approx(rate, abs=0.01)


def test_a_flow_that_forgot_half_of_the_world_is_found_out(rng):
    """A target of two far mountains; a flow on one of them has a good ESS, half of Z, and no balance."""
    far = Phi4(-8.0, 1.0)
    flow = equivariant(2, n_rounds=1, width=4, rng=rng)
    training.train(flow, OneSector(far), n_steps=200, batch=64, rng=rng)
    flow.double()
    whole = Symmetrised(flow)
    x, _ = whole.sample(4000, rng=rng)
    one_x, _ = flow.sample(4000, rng=rng)
    assert abs(collapse.balance(x).pull(0.5)) < 4
    with pytest.raises(ValueError):
        collapse.balance(one_x)
    n = 8000
    one, both = (weighing.draw(f, far, n, rng=rng).log_weight for f in (flow, whole))
    assert weighing.effective_sample_size(one).value > 0.3
    gap = weighing.log_partition(both).value - weighing.log_partition(one).value
    assert gap == pytest.approx(math.log(2), abs=0.2)
    assert collapse.coverage(flow, far, n, rng=rng).value == pytest.approx(0.5, abs=1e-6)
    assert collapse.coverage(whole, far, n, rng=rng).value == pytest.approx(1, abs=1e-6)
    truth = random_signs(one_x, rng=rng)  # chains on both mountains: refused, or next to nothing
    try:
        assert collapse.effective_sample_size_seen_from(truth, flow, far).value < 1e-20
    except ValueError as error:
        assert "lost a mode" in str(error)
    with pytest.raises(ValueError, match="lost a mode"):
        collapse.effective_sample_size_seen_from(torch.cat([one_x, 30 * one_x]), flow, far)
    seen = collapse.effective_sample_size_seen_from(x, whole, far)
    assert seen.value > 0.3


def test_both_ways_to_see_the_effective_sample_size_agree(rng):
    theory = IsingDual(2, 8.0)
    flow = rough(rng, theory)
    from_flow = weighing.effective_sample_size(weighing.draw(flow, theory, 40000, rng=rng).log_weight)
    H, _ = ising_exact.enumerate_states(2, 2)
    states = ising_exact.all_states(2, 2)[torch.multinomial((-H / 8).softmax(0), 40000, True, generator=rng)]
    from_target = collapse.effective_sample_size_seen_from(theory.fields(states, rng=rng), flow, theory)
    assert abs(from_flow.pull(from_target)) < 4


def test_latent_action_is_the_target_through_the_flow(rng):
    theory = OneSector(IsingDual(4, 2.5))
    flow = shaken(mera(4, n_rounds=1, width=4, rng=rng, dtype=torch.float64), rng)
    walk, z = latent.Latent(flow, theory), torch.randn(3, 4, 4, generator=rng, dtype=torch.float64)
    with torch.no_grad():
        x, log_q = flow.draw(z)
    assert torch.allclose(walk.action(z), theory.action(x) + log_q - flow.prior.log_prob(z), atol=1e-9)
    place = z.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(walk._action(place).sum(), place)
    assert torch.allclose(walk.force(z), -gradient, atol=1e-10)
    h = torch.zeros_like(z)
    h[:, 2, 1] = 1e-5
    slope = (walk.action(z + h) - walk.action(z - h)) / 2e-5
    assert torch.allclose(walk.force(z)[:, 2, 1], -slope, atol=1e-5)


def test_latent_hmc_draws_from_the_target(rng):
    theory = IsingDual(2, 5.0)
    flow = rough(rng, theory)
    walk = latent.Latent(flow, theory)
    z, step = hmc.tune(walk, torch.randn(200, 2, 2, generator=rng, dtype=torch.float64), n_leapfrog=4, rng=rng,
                       n_steps=60)  # fmt: skip
    run = hmc.run(walk, z, n_steps=200, step_size=step, n_leapfrog=4, rng=rng,
                  measure=walk.seen(theory.squared_magnetization))  # fmt: skip
    m2 = gamma_method(run.measured[..., 0]).mean
    assert abs(m2.pull(ising_exact.magnetization_moment(2, 5.0, 2))) < 4
    assert abs(mean((-run.delta_h).exp().mean(1)).pull(1.0)) < 4


def test_weights_that_cannot_be_weighed_are_refused(rng):
    for call, text in (
        (lambda: weighing.log_partition(torch.zeros(5)), "draw more"),
        (lambda: weighing.independence_metropolis(torch.zeros(5), rng=rng), "n_chains"),
        (lambda: weighing.blocked(2, torch.zeros(50)), "n_blocks = 2"),
    ):
        with pytest.raises(ValueError, match=text):
            call()


def test_prices_are_seconds_over_independent_samples(rng):
    log_weight = math.sqrt(0.5) * torch.randn(100000, generator=rng, dtype=torch.float64)
    price = prices.of_draws(log_weight, 3.0)
    assert abs(price.pull(3.0 / 100000 / math.exp(-0.5))) < 4
    chains = markov.autoregressive(50, 4000, tau=5.0, rng=rng)
    assert abs(prices.of_chains(chains, 2.0).pull(2.0 / (200000 / 10.0))) < 4


def test_three_prices_are_positive_and_the_clock_runs(rng):
    theory = IsingDual(4, 3.0)
    flow = equivariant(4, n_rounds=1, width=4, rng=rng)
    training.train(flow, OneSector(theory), n_steps=50, batch=32, rng=rng)
    found = prices.three(flow, OneSector(theory), theory, n_draws=2000, n_steps=300, rng=rng)
    assert len(found) == 3 and all(price.value > 0 for price in found)


def test_witnesses_are_fields_of_the_target(rng):
    x = collapse.witnesses(Phi4(1.5, 0.0), (4, 4), 6400, rng=rng)
    assert x.shape == (6400, 4, 4)
    chains = x.double().square().mean((1, 2)).reshape(64, 100).mean(1)
    assert abs(mean(chains).pull(free_exact.propagator(4, 2, mass2=1.5)[0, 0].item())) < 4
    with pytest.raises(ValueError, match="multiple of 64"):
        collapse.witnesses(Phi4(1.5, 0.0), (4, 4), 100, rng=rng)
