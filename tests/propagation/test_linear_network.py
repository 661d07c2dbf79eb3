"""Laws of one given noisy linear network."""

import math

import pytest
import torch

from fieldkit import estimates, fits
from fieldkit.propagation import gaussian, linear_network, linear_network_exact
from tests.fakegpu import NAME, fake_gpu


def drawn(n, N, g, seed=1):
    return linear_network.weights(n, N, g, rng=torch.Generator().manual_seed(seed))


def test_the_covariance_solves_its_lyapunov_equation():
    J = drawn(5, 60, 0.7)
    eye, C = torch.eye(60, dtype=torch.float64), linear_network.covariance(J, D=0.3)
    assert ((eye - J) @ C + C @ (eye - J).mT - 0.3 * eye).abs().max() < 1e-13
    assert torch.linalg.eigvalsh(C).min() > 0


def test_a_single_unit_is_the_ornstein_uhlenbeck_process():
    J = torch.tensor([[[0.25]]], dtype=torch.float64)
    C = linear_network.covariance(J, D=1.5)
    assert C.item() == pytest.approx(1.5 / (2 * 0.75), rel=1e-14)
    assert linear_network.autocorrelation(J, C, 2.0).item() == pytest.approx(math.exp(-1.5) * C.item(), rel=1e-14)
    assert linear_network.response_power(J, 0.5).item() == pytest.approx(1 / (0.75**2 + 0.25), rel=1e-14)


def test_the_covariance_is_the_responses_summed_over_frequency():
    # C = D int R R^+ d omega / 2 pi; the trapezoid rule on omega = tan(a / 2) converges exponentially
    J, m = drawn(1, 20, 0.5), 256
    angles = (2 * math.pi / m) * (torch.arange(m, dtype=torch.float64) + 0.5) - math.pi
    power = sum(linear_network.response_power(J, math.tan(a / 2)).item() / math.cos(a / 2) ** 2 for a in angles) / 2
    assert power / m == pytest.approx(linear_network.covariance(J)[0].trace().item() / 20, rel=1e-12)


def test_large_networks_reach_the_mean_field():
    g, found = 0.6, {"variance": [], "memory": [], "response": []}
    for N in (60, 120):
        J = drawn(40, N, g, seed=N)
        C = linear_network.covariance(J)
        found["variance"].append(estimates.mean(C.diagonal(dim1=1, dim2=2)))
        found["memory"].append(estimates.mean(linear_network.autocorrelation(J, C, 2.0)))
        found["response"].append(estimates.mean(linear_network.response_power(J, 0.5)))
    theory = {
        "variance": linear_network_exact.linear_variance(g, 1.0),
        "memory": linear_network_exact.linear_autocorrelation(g, 1.0, torch.tensor(2.0)).item(),
        "response": linear_network_exact.response_power(torch.tensor(0.5), g).item(),
    }
    for name, truth in theory.items():
        assert abs(fits.finite_size([60, 120], found[name]).estimate(0).pull(truth)) < 4, name


def test_a_network_without_steady_state_is_refused():
    with pytest.raises(ValueError, match="hardly decays"):
        linear_network.covariance(torch.diag(torch.tensor([0.3, 1.2], dtype=torch.float64))[None])
    turning = torch.tensor([[[1.0, -2.0], [2.0, 1.0]]], dtype=torch.float64)  # a mode that turns and never dies
    with pytest.raises(ValueError, match="hardly decays"):
        linear_network.covariance(turning)
    with pytest.raises(ValueError, match="without noise"):
        linear_network.covariance(drawn(1, 3, 0.5), D=0.0)


def test_it_runs_on_the_device_of_its_generator(monkeypatch):
    monkeypatch.setattr(gaussian, "every", lambda condition: True)
    with fake_gpu() as rng:
        J = linear_network.weights(2, 4, 0.5, rng=rng)
        C = linear_network.covariance(J)
        assert C.device.type == NAME and linear_network.response_power(J, 0.3).device.type == NAME
        assert linear_network.autocorrelation(J, C, 1.0).device.type == NAME
