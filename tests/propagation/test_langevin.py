"""Laws of the noisy unit."""

import pytest
import torch

from fieldkit import estimates
from fieldkit.propagation import langevin
from tests.fakegpu import NAME, fake_gpu
from tests.propagation.golden import golden


def test_the_exact_variance_obeys_the_schwinger_dyson_equation():
    # < x (a x + u x^3) > = D / 2; with <x^4> from d log Z / du = -<x^4> / (2 D) and <x^2> = -D d log Z / da
    a, D, u, e = 1.3, 0.8, 0.4, 1e-4
    x2 = langevin.exact_variance(a, D, u)
    x4 = (D / 2 - a * x2) / u
    # the mixed derivative of log Z is the same either way: d<x^2>/du = d<x^4>/da / 2
    left = (langevin.exact_variance(a, D, u + e) - langevin.exact_variance(a, D, u - e)) / (2 * e)
    plus, minus = ((D / 2 - b * langevin.exact_variance(b, D, u)) / u for b in (a + e, a - e))
    assert left == pytest.approx((plus - minus) / (4 * e), rel=1e-6)
    assert x4 > x2**2


def test_scaling_of_units():
    # x -> x / sqrt(s), t -> a t leaves one coupling u s / a
    assert langevin.exact_variance(2.0, 3.0, 0.5) == pytest.approx(
        3 / 2 * langevin.exact_variance(1.0, 1.0, 0.5 * 3 / 4), rel=1e-12
    )


def test_one_loop_is_the_first_order():
    errors = [langevin.exact_variance(1, 1, u) - langevin.one_loop_variance(1, 1, u) for u in (2e-3, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.03) and errors[1] > 0
    assert langevin.exact_variance(1, 1, 0) == pytest.approx(0.5, rel=1e-13)


def test_golden_values():
    # Boltzmann average by quadrature in high precision
    assert langevin.exact_variance(1, 1, 0.5) == pytest.approx(0.3451294981469099, rel=1e-13)
    for name, value, _ in golden():
        if name.startswith("SDE dx"):
            u = float(name.split(", u=")[1].split(":")[0])
            assert langevin.exact_variance(1, 1, u) == pytest.approx(float(value[0]), rel=1e-13)
            assert langevin.one_loop_variance(1, 1, u) == pytest.approx(float(value[1].split()[1]), rel=1e-14)


def test_the_inverse_action_has_the_blocks_of_the_generating_functional():
    h, a, D = 0.01, 1.5, 0.7
    C, R, zero = langevin.propagators(200, h=h, a=a, D=D)
    assert zero.abs().max() < 1e-13  # two derivatives in the source of xh: nothing
    assert R.triu(1).abs().max() < 1e-13  # cause before effect
    t = h * torch.arange(1, 201, dtype=torch.float64)
    assert torch.allclose(C, langevin.free_covariance(t[:, None], t, a=a, D=D), atol=0.02 * D / a)
    middle = t - h / 2  # the force acts between the grid times t - h and t
    assert torch.allclose(R, langevin.free_response(t[:, None], middle, a=a), atol=0.02)
    assert torch.allclose(C, D * h * R @ R.T, atol=1e-13)


def test_simulated_units_have_the_exact_variance():
    for u in (0.0, 0.5):
        x = langevin.sample(40000, 100, h=0.1, a=1.0, D=1.0, u=u, rng=torch.Generator().manual_seed(12))
        estimate = estimates.mean(x.square())
        truth = langevin.exact_variance(1.0, 1.0, u)
        assert abs(estimate.value - truth) < 4 * estimate.error + 0.1**2 * truth
        assert u == 0 or abs(estimate.pull(langevin.one_loop_variance(1.0, 1.0, u))) > 10


def test_errors_speak():
    with pytest.raises(ValueError, match="drives x to infinity"):
        langevin.exact_variance(1, 1, -0.1)
    with pytest.raises(ValueError, match="no steady state exists"):
        langevin.free_variance(0, 1)


def test_it_runs_on_the_device_of_its_generator():
    with fake_gpu() as rng:
        assert langevin.sample(4, 3, h=0.1, a=1, D=1, u=0.1, rng=rng).device.type == NAME
