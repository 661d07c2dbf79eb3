"""The chain with known memory, and the exact expectation of what is estimated from it."""

import math

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.lattice import markov


@pytest.mark.parametrize("tau", [0.05, 3 / 14, 0.5, 2.0, 9.5])
def test_the_chain_is_stationary_with_the_autocorrelation_it_promises(tau):
    x = markov.autoregressive(20000, 30, tau=tau, rng=torch.Generator().manual_seed(1))
    rho = markov.autocorrelation(30, tau=tau)
    for t in (0, 7, 29):
        assert abs(mean(x[:, 0] * x[:, t]).pull(rho[t].item())) < 4
        assert abs(mean(x[:, t].square()).pull(1)) < 4
    assert 0.5 + markov.autocorrelation(4000, tau=tau)[1:].sum().item() == pytest.approx(tau, rel=1e-9)


def test_hermite_polynomials_forget_as_powers():
    x = markov.autoregressive(400000, 4, tau=3.0, rng=torch.Generator().manual_seed(2))
    fourth = x**4 - 6 * x**2 + 3
    assert abs(mean(fourth[:, 0] * fourth[:, 2]).pull(24 * markov.memory(3.0) ** 8)) < 4


@pytest.mark.parametrize(("n_chains", "own_means"), [(3, True), (3, False), (1, False)])
def test_the_expected_autocovariance_is_that_of_the_quadratic_form(n_chains, own_means):
    n_steps, rho = 7, markov.autocorrelation(7, tau=4.0)
    lags = torch.arange(n_steps)
    one = rho[(lags[:, None] - lags).abs()]
    covariance = torch.block_diag(*[one] * n_chains)
    average = torch.full_like(one, 1 / n_steps)
    total = n_chains * n_steps
    centre = torch.eye(total).double() - (
        torch.block_diag(*[average] * n_chains) if own_means else torch.full((total, total), 1 / total).double()
    )
    centred = (centre @ covariance @ centre.T).reshape(n_chains, n_steps, n_chains, n_steps)
    chains = range(n_chains)
    brute = torch.stack(
        [torch.stack([centred[b, t, b, t + k] for b in chains for t in range(n_steps - k)]).mean() for k in lags]
    )
    assert torch.allclose(markov.expected_autocovariance(rho, n_chains, own_means=own_means), brute, atol=1e-14)
    assert markov.variance_of_mean(rho, n_chains) == pytest.approx(covariance.mean().item(), rel=1e-13)


def test_memory_is_negative_below_one_half_and_tau_is_positive():
    assert math.isclose(markov.memory(0.5), 0.0)
    for a in (-0.99, -0.4, 0.3, 0.999):
        assert markov.memory((1 + a) / (2 * (1 - a))) == pytest.approx(a, rel=1e-9)
    for wrong in (0.0, -0.3, math.inf, math.nan):
        with pytest.raises(ValueError, match="tau = .*choose tau > 0"):
            markov.memory(wrong)


def test_an_autocorrelation_that_is_none_is_refused():
    rho = markov.autocorrelation(9, tau=2.0)
    for wrong in (rho[:0], rho[None], [1.0, 0.5], torch.zeros(3)):
        with pytest.raises(ValueError, match="`autocorrelation` makes one"):
            markov.variance_of_mean(wrong, 3)
    for window in (0, 9):
        with pytest.raises(ValueError, match=f"window = {window}"):
            markov.expected_squared_bar(rho, 3, window, own_means=True)
