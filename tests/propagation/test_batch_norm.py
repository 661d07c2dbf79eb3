"""Laws of batch normalisation."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.propagation import batch_norm
from tests.fakegpu import NAME, fake_gpu
from tests.propagation.golden import golden


def sech2(x):
    return 1 / torch.cosh(x) ** 2


def step(x):
    return (x > 0).double()


def bell(x):
    return 2 / math.sqrt(math.pi) * torch.exp(-(x**2))


@pytest.mark.parametrize("B", [4, 5, 8, 32])
def test_the_average_over_the_sphere_gives_the_linear_law(B):
    assert batch_norm.growth(lambda x: x, torch.ones_like, B) == pytest.approx(batch_norm.linear_growth(B), rel=1e-12)


@pytest.mark.parametrize("B", [5, 8, 32])
def test_the_average_over_the_sphere_gives_the_relu_law(B):
    assert batch_norm.growth(torch.relu, step, B, n=1024) == pytest.approx(batch_norm.relu_growth(B), rel=1e-3)


def test_large_batches_reach_the_gaussian_limit():
    assert batch_norm.large_batch_growth(torch.relu, step, kinks=(0.0,)) == pytest.approx(math.pi / (math.pi - 1))
    for phi, slope in ((torch.tanh, sech2), (torch.erf, bell)):
        limit = batch_norm.large_batch_growth(phi, slope)
        gaps = [batch_norm.growth(phi, slope, B) - limit for B in (200, 400)]
        assert gaps[0] == pytest.approx(2 * gaps[1], rel=0.05)  # corrections of order 1 / B
    assert batch_norm.relu_growth(10**7) == pytest.approx(math.pi / (math.pi - 1), rel=1e-6)


def test_small_batches_are_refused_with_the_reason():
    for call, why in (
        (lambda: batch_norm.linear_growth(3), "infinite"),
        (lambda: batch_norm.relu_growth(2), "exactly 0"),
        (
            lambda: batch_norm.sample(
                1, 2, 3, 1, activation=torch.tanh, derivative=sech2, rng=torch.Generator()
            ),
            "infinite",
        ),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=why):
            call()


def test_golden_values():
    laws = {"tanh": (torch.tanh, sech2), "erf": (torch.erf, bell)}
    for name, value, _ in golden():
        if name.startswith("BN linear"):
            for B, rate in value:
                assert batch_norm.linear_growth(B) == pytest.approx(float(rate), rel=1e-14)
        elif name.startswith("BN ReLU: squared"):
            for B, rate in value:
                assert batch_norm.relu_growth(B) == pytest.approx(float(rate), rel=1e-13)
        elif name.startswith("BN ") and "B->inf: squared" in name:
            assert batch_norm.large_batch_growth(*laws[name.split()[1]]) == pytest.approx(float(value), rel=1e-14)
        elif name.startswith("BN ReLU BSB1"):  # E relu^2 = 1/2 and correlation 1 / pi: rate = (1/2) / (1/2 - 1 / 2 pi)
            assert batch_norm.relu_growth(10**8) == pytest.approx(1 / (1 - float(value[1])), rel=1e-7)
    # closed form for finite B, evaluated apart from the library
    assert batch_norm.relu_growth(8) == pytest.approx(1.788189976658748, rel=1e-14)


@pytest.mark.parametrize("phi, slope", [(lambda x: x, torch.ones_like), (torch.relu, step), (torch.tanh, sech2)])
def test_real_networks_explode_at_the_rate(phi, slope):
    B, rng = 16, torch.Generator().manual_seed(4)
    sizes = batch_norm.sample(80, 200, B, 6, activation=phi, derivative=slope, rng=rng)
    rate = estimates.jackknife(lambda s: (s[5] / s[1]) ** 0.25, sizes)
    truth = batch_norm.relu_growth(B) if phi is torch.relu else batch_norm.growth(phi, slope, B)
    assert abs(rate.value - truth) < 4 * rate.error + 2e-3 * truth  # and corrections of order 1 / width


def test_it_runs_on_the_device_of_its_generator():
    with fake_gpu() as rng:
        out = batch_norm.sample(2, 5, 4, 3, activation=torch.tanh, derivative=sech2, rng=rng)
        assert out.device.type == NAME
