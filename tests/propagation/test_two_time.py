"""Laws of the two-time mean field."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.propagation import dynamic_mean_field, gaussian, linear_network_exact, two_time
from tests.fakegpu import NAME, fake_gpu
from tests.propagation.golden import golden

UNIT_ERF = two_time.erf_dual(math.sqrt(math.pi) / 2)


def unit_erf(x):
    return torch.erf(math.sqrt(math.pi) / 2 * x)


def test_the_recursion_agrees_with_an_independent_one():
    C = two_time.covariance(299, dual=UNIT_ERF, g=1.5, h=0.1)
    # deterministic causal recursion written apart, closed-form arcsine, float64
    assert C[20, 20].item() == pytest.approx(0.37936973473, rel=1e-11)
    assert C[299, 279].item() == pytest.approx(0.761471382451, rel=1e-11)
    for name, value, _ in golden():
        if name.startswith("two-time DMFT"):
            t, s = (int(k) for k in name.split("C[")[1].rstrip("]").split(","))
            assert C[t, s].item() == pytest.approx(float(value), rel=1e-11), name


def test_the_surface_is_a_covariance():
    C = two_time.covariance(80, dual=UNIT_ERF, g=2.0, h=0.2, D=0.3)
    assert torch.equal(C, C.T)
    assert torch.linalg.eigvalsh(C)[0] > -1e-12


@pytest.mark.parametrize("g, h", [(0.5, 0.1), (0.8, 0.05), (0.6, 1.0)])
def test_a_linear_network_reaches_its_stationary_variance(g, h):
    C = two_time.covariance(600, dual=two_time.linear_dual, g=g, h=h, start=0.3, D=0.7)
    assert C[600, 600].item() == pytest.approx(two_time.linear_stationary_variance(g, 0.7, h), rel=1e-4)


def test_small_steps_reach_continuous_time():
    exact = linear_network_exact.linear_variance(0.9, 1.5)
    errors = [two_time.linear_stationary_variance(0.9, 1.5, h) / exact - 1 for h in (2e-3, 1e-3)]
    assert errors[0] == pytest.approx(2 * errors[1], rel=0.01) and abs(errors[1]) < 1e-3


def test_an_isolated_linear_unit_is_the_ornstein_uhlenbeck_process():
    h, C = 1e-3, two_time.covariance(1500, dual=two_time.linear_dual, g=0.0, h=1e-3, start=0.0, D=2.0)
    t, s = 1500 * h, 700 * h
    assert C[1500, 700].item() == pytest.approx(math.exp(-(t - s)) - math.exp(-(t + s)), abs=2e-3)


def test_the_response_is_causal_and_relaxes():
    R = two_time.response(200, h=0.01)
    assert R.triu().abs().max() == 0
    assert R[200, 99].item() / 0.01 == pytest.approx(math.exp(-1), rel=0.01)


def test_the_response_is_what_a_kick_does():
    # C of a unit under independent Gaussian fields of covariance N is R N R^T plus the decaying start
    h, R = 0.1, two_time.response(40, h=0.1)
    C = two_time.covariance(40, dual=UNIT_ERF, g=1.5, h=h, start=0.4)
    v = C.diagonal()
    N = 1.5**2 * UNIT_ERF(C, v[:, None], v)
    decay = (1 - h) ** torch.arange(41, dtype=torch.float64)
    assert torch.allclose(C, R @ N @ R.T + 0.4 * decay[:, None] * decay, atol=1e-13)


def test_networks_follow_the_recursion():
    C = two_time.covariance(30, dual=UNIT_ERF, g=1.5, h=0.2)
    x = two_time.sample(40, 300, 30, activation=unit_erf, g=1.5, h=0.2, rng=torch.Generator().manual_seed(6))
    measured = two_time.overlap(x)
    for t, s in ((10, 10), (30, 30), (30, 20)):
        estimate = estimates.mean(measured[:, t, s])
        assert abs(estimate.value - C[t, s].item()) < 4 * estimate.error + 3 * C[t, s].item() / 300


def test_the_mehler_dual_is_the_closed_form():
    v = torch.tensor([0.2, 1.0, 3.0, 6.0], dtype=torch.float64)
    cov = torch.tensor([-0.9, 0.0, 0.5, 1.0], dtype=torch.float64) * (v[1] * v).sqrt()
    by_series = two_time.mehler_dual(unit_erf)(cov, v[1], v)
    assert torch.allclose(by_series, UNIT_ERF(cov, v[1], v), atol=1e-12)
    tanh = two_time.mehler_dual(torch.tanh)(v, v, v)
    assert torch.allclose(tanh, gaussian.average(lambda x: x.tanh().square(), v, n=64), atol=1e-8)


def test_the_dynamic_mean_field_is_its_stationary_limit():
    state = dynamic_mean_field.solve(torch.tanh, 3.0)
    lags = dynamic_mean_field.autocorrelation(state, torch.tensor([0.0, 2.0], dtype=torch.float64))
    gaps = []
    for h in (0.1, 0.05):
        steps = int(60 / h)
        C = two_time.covariance(steps, dual=two_time.mehler_dual(torch.tanh, n_terms=400), g=3.0, h=h, start=5.4)
        gaps.append(torch.stack([C[steps, steps], C[steps, steps - int(2 / h)]]) - lags)
    assert gaps[0][0].abs() < 5e-4  # the equal-time error is of second order
    assert gaps[0][1].item() == pytest.approx(2 * gaps[1][1].item(), rel=0.1) and gaps[1].abs().max() < 0.05


def test_new_weights_at_each_step_forget_the_past():
    # then q = (1 - h)^2 q + h^2 g^2 <phi^2> at rest, and C falls by 1 - h at each step apart
    C = two_time.covariance(60, dual=UNIT_ERF, g=3.0, h=0.5, tied=False)
    q = C[60, 60]
    assert torch.allclose(C[60, :60].flip(0)[:5], q * 0.5 ** torch.arange(1, 6, dtype=torch.float64), rtol=1e-6)
    assert (0.25 * q + 0.25 * 9 * UNIT_ERF(q, q, q)).item() == pytest.approx(q.item(), rel=1e-9)
    x = two_time.sample(
        40, 100, 20, activation=unit_erf, g=3.0, h=0.5, tied=False, rng=torch.Generator().manual_seed(8)
    )
    for t, s in ((20, 20), (20, 18)):
        estimate = estimates.mean(two_time.overlap(x)[:, t, s])
        assert abs(estimate.value - C[t, s].item()) < 4 * estimate.error + 3 * C[t, s].item() / 100


def test_discrete_time_is_step_one():
    x = two_time.sample(30, 200, 8, activation=unit_erf, g=2.0, h=1.0, rng=torch.Generator().manual_seed(7))
    C = two_time.covariance(8, dual=UNIT_ERF, g=2.0, h=1.0)
    assert (C - torch.diag(C.diagonal())).abs().max() < 1e-15  # J x_t and x_t are independent
    estimate = estimates.mean(two_time.overlap(x)[:, 8, 8])
    assert abs(estimate.value - C[8, 8].item()) < 4 * estimate.error + 5 * C[8, 8].item() / 200


def test_errors_speak():
    with pytest.raises(ValueError, match="0 < h <= 1"):
        two_time.covariance(3, dual=UNIT_ERF, g=1.0, h=1.5)
    with pytest.raises(ValueError, match="explodes"):
        two_time.linear_stationary_variance(1.0, 1.0, 0.1)


def test_it_runs_on_the_device_of_its_generator():
    with fake_gpu() as rng:
        x = two_time.sample(2, 5, 3, activation=torch.tanh, g=1.5, h=0.1, D=1.0, rng=rng)
        C = two_time.covariance(4, dual=UNIT_ERF, g=1.5, h=0.1, device=str(rng.device))
        assert two_time.overlap(x).device.type == NAME and C.device.type == NAME
