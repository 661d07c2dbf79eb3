"""Laws of random recurrent networks."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.propagation import activations, criticality, dynamic_mean_field, recurrent
from tests.fakegpu import NAME, fake_gpu


def test_discrete_networks_have_the_mean_field_state_and_exponent():
    g = 2.0
    q, truth = (value.item() for value in recurrent.discrete_mean_field(activations.tanh, g=g))
    assert truth == pytest.approx(0.154724230, rel=1e-8)  # half of log chi_1, trapezoid rule in 28 digits
    rng = torch.Generator().manual_seed(8)
    x, growth = recurrent.discrete(24, 300, 60, activation=activations.tanh, g=g, q=q, rng=rng)
    exponent = estimates.mean(growth[..., 20:])
    assert abs(exponent.value - truth) < 4 * exponent.error + 2 / 300
    variance, lagged = recurrent.autocorrelation(x[:, 0, 20:], 2).unbind(1)
    estimate = estimates.mean(variance)
    assert abs(estimate.value - q) < 4 * estimate.error + 3 * q / 300
    assert abs(estimates.mean(lagged).pull(0.0)) < 4


def test_continuous_networks_approach_the_mean_field_variance():
    state = dynamic_mean_field.solve(torch.tanh, 3.0)
    rng = torch.Generator().manual_seed(9)
    x, growth = recurrent.continuous(10, 250, 300, activation=activations.tanh, g=3.0, q=state.Delta0, rng=rng)
    estimate = estimates.mean(recurrent.autocorrelation(x[:, 0, 15:], 1)[:, 0])
    assert abs(estimate.value - state.Delta0) < 4 * estimate.error + 10 * state.Delta0 / 250
    assert 0 < estimates.mean(growth[..., 15:]).value < 1.2 * dynamic_mean_field.lyapunov(state)  # from below


def test_below_threshold_the_exponent_is_that_of_the_matrix():
    rng = torch.Generator().manual_seed(10)
    x, growth = recurrent.continuous(4, 60, 600, activation=activations.tanh, g=0.5, rng=rng)
    assert x[..., -1, :].abs().max() < 1e-10
    rng = torch.Generator().manual_seed(10)
    J = 0.5 / math.sqrt(60) * torch.randn((4, 60, 60), generator=rng, dtype=torch.float64)
    truth = torch.linalg.eigvals(J).real.amax(1) - 1
    assert torch.allclose(growth[:, 0, 80:].mean(1), truth, atol=0.03)


def test_the_integrator_is_of_fourth_order():
    runs = [
        recurrent.continuous(
            1, 20, int(4 / h), activation=activations.tanh, g=2.0, h=h, every=1,
            rng=torch.Generator().manual_seed(11),
        )[0][0, 0, -1]
        for h in (0.2, 0.1, 0.05)
    ]  # fmt: skip
    ratio = ((runs[0] - runs[2]).norm() / (runs[1] - runs[2]).norm()).item()
    assert 13 < ratio < 21  # (4^4 - 1) / (2^4 - 1) = 17


def test_eigenvalues_fill_the_disc_evenly():
    g, rng = 2.0, torch.Generator().manual_seed(12)
    z = torch.linalg.eigvals(recurrent.weights(40, 100, g, rng=rng))
    beyond = estimates.mean((z.real > 1).double().mean(1))
    assert abs(beyond.value - recurrent.share_beyond(g)) < 4 * beyond.error + 1 / 100
    assert abs(estimates.mean((z.abs() < g / 2).double().mean(1)).pull(0.25)) < 4


def test_the_share_beyond_the_line_is_an_area_of_the_disc():
    for g in (1.0, 1.3, 2.0, 10.0):
        x = torch.linspace(1, g, 200_001, dtype=torch.float64)
        area = torch.trapezoid(2 * (g * g - x * x).clamp_min(0).sqrt(), x) / (math.pi * g * g)
        assert recurrent.share_beyond(g) == pytest.approx(area.item(), abs=1e-7)
    assert recurrent.share_beyond(0.5) == 0
    with pytest.raises(ValueError, match="spread of the weights"):
        recurrent.share_beyond(0.0)


def test_starts_of_one_network_share_its_matrix_and_nothing_else():
    run = {"activation": activations.linear, "g": 1.0}
    x, _ = recurrent.discrete(2, 6, 1, starts=40, rng=torch.Generator().manual_seed(1), **run)
    for one in x:  # x_1 = J x_0 with one J for 40 starts in 6 dimensions
        solution = torch.linalg.lstsq(one[:, 0], one[:, 1]).solution
        assert torch.allclose(one[:, 0] @ solution, one[:, 1], atol=1e-12)
        assert torch.linalg.matrix_rank(one[:, 0]) == 6


def test_twins_keep_their_distance_on_the_critical_line():
    D = torch.tensor([0.05, 0.2, 1.0], dtype=torch.float64)
    sw2, q = criticality.critical_line(D, activation=activations.tanh)
    here, exponent = recurrent.discrete_mean_field(activations.tanh, g=sw2.sqrt(), D=D)
    assert torch.allclose(here, q, rtol=1e-10) and exponent.abs().max() < 1e-10


def test_new_weights_at_each_step_make_a_deep_network():
    g = 3.0
    q, truth = (value.item() for value in recurrent.discrete_mean_field(activations.tanh, g=g))
    rng = torch.Generator().manual_seed(13)
    x, growth = recurrent.discrete(40, 60, 30, activation=activations.tanh, g=g, q=q, starts=4, tied=False, rng=rng)
    exponent = estimates.mean(growth[..., 10:].mean(1))
    assert abs(exponent.value - truth) < 4 * exponent.error + 3 / 60
    assert abs(estimates.mean(recurrent.autocorrelation(x[:, :, 10:], 3)[..., 2].mean(1)).pull(0.0)) < 4


def test_noise_adds_to_the_variance_and_calms():
    g, D = 1.5, 1.0
    q, truth = (value.item() for value in recurrent.discrete_mean_field(activations.tanh, g=g, D=D))
    assert truth < 0 < recurrent.discrete_mean_field(activations.tanh, g=g)[1]
    rng = torch.Generator().manual_seed(14)
    x, growth = recurrent.discrete(30, 200, 40, activation=activations.tanh, g=g, D=D, q=q, starts=4, rng=rng)
    variance = estimates.mean(recurrent.autocorrelation(x[:, :, 10:], 1).mean(1))
    assert abs(variance.value - q) < 4 * variance.error + 3 * q / 200
    exponent = estimates.mean(growth[..., 10:].mean(1))
    assert abs(exponent.value - truth) < 4 * exponent.error + 2 / 200


def test_lags_longer_than_the_run_are_refused():
    with pytest.raises(ValueError, match="save more states"):
        recurrent.autocorrelation(torch.zeros(1, 3, 2), 5)


def test_it_runs_on_the_device_of_its_generator():
    with fake_gpu() as rng:
        for run in (recurrent.discrete, recurrent.continuous):
            x, growth = run(2, 5, 10, activation=activations.tanh, g=1.5, rng=rng)
            assert x.device.type == NAME and growth.device.type == NAME
            assert recurrent.autocorrelation(x, 2).device.type == NAME
