"""Laws of random convolutions."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.propagation import convolution, gaussian
from tests.fakegpu import NAME, fake_gpu
from tests.propagation.golden import golden


def sech2(x):
    return 1 / torch.cosh(x) ** 2


@pytest.mark.parametrize("size, L", [(1, 4), (3, 10), (5, 7)])
def test_eigenvalues_of_the_uniform_filter_are_means_of_cosines(size, L):
    j = torch.arange(L, dtype=torch.float64)
    truth = sum(torch.cos(2 * math.pi * j * b / L) for b in range(-(size // 2), size // 2 + 1)) / size
    lambdas = convolution.eigenvalues(convolution.uniform_profile(size), (L,))
    assert torch.allclose(lambdas.real, truth, atol=1e-15) and lambdas.imag.abs().max() < 1e-15


def test_in_two_dimensions_they_are_products():
    one = convolution.eigenvalues(convolution.uniform_profile(3), (6,))
    two = convolution.eigenvalues(convolution.uniform_profile(3, 2), (6, 6))
    assert torch.allclose(two, one[:, None] * one, atol=1e-15)


def test_the_delta_filter_keeps_every_mode():
    lambdas = convolution.eigenvalues(convolution.delta_profile(5, 2), (8, 6))
    assert torch.allclose(lambdas, torch.ones(8, 6, dtype=torch.complex128))


def test_modes_are_those_of_the_averaging_itself():
    profile = torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64)  # not symmetric
    signal = torch.randn(9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    averaged = sum(v * signal.roll(1 - b) for b, v in enumerate(profile))
    assert torch.allclose(convolution.spread(signal, profile, chi=1.3, depth=1), 1.3 * averaged, atol=1e-14)


def test_golden_values():
    for name, value, _ in golden():
        if name.startswith("CNN uniform kernel 3, ring n=10"):
            lambdas = convolution.eigenvalues(convolution.uniform_profile(3), (10,)).real[: len(value)]
            assert lambdas.tolist() == pytest.approx([float(v) for v in value], abs=1e-14)


@pytest.mark.parametrize("kernel", [(3,), (5, 3), (3, 3, 3)])
def test_delta_orthogonal_layers_keep_norms(kernel):
    weight = torch.empty(8, 6, *kernel)
    assert convolution.delta_orthogonal_(weight, gain=1.5, rng=torch.Generator().manual_seed(1)) is weight
    x = torch.randn((2, 6) + (7,) * len(kernel), generator=torch.Generator().manual_seed(2))
    convolve = (torch.conv1d, torch.conv2d, torch.conv3d)[len(kernel) - 1]
    y = convolve(x, weight, padding=[k // 2 for k in kernel])
    assert torch.allclose(y.norm(), 1.5 * x.norm(), rtol=1e-5)


def test_delta_orthogonal_fills_a_module_in_place():
    layer = torch.nn.Conv2d(4, 4, 3, padding=1, bias=False)
    convolution.delta_orthogonal_(layer.weight, rng=torch.Generator().manual_seed(3))
    x = torch.randn((1, 4, 5, 5), generator=torch.Generator().manual_seed(4))
    for _ in range(50):
        x, before = layer(x), x
    assert torch.allclose(x.norm(), before.norm(), rtol=1e-4) and layer.weight.requires_grad


def test_errors_speak():
    rng = torch.Generator()
    for shape, word in (((4, 4, 2), "odd"), ((3, 4, 3), "widen"), ((4, 4), "C_out, C_in")):
        with pytest.raises(ValueError, match=word):
            convolution.delta_orthogonal_(torch.empty(shape), rng=rng)
    with pytest.raises(ValueError, match="filter fits the torus"):
        convolution.eigenvalues(convolution.uniform_profile(5), (4,))


def test_real_convolutions_spread_a_perturbation_as_predicted():
    q = 0.5
    one = torch.tensor(q, dtype=torch.float64)
    chi_per_weight = gaussian.average(lambda x: sech2(x).square(), one).item()
    sw2 = 1 / chi_per_weight
    sb2 = q - sw2 * gaussian.average(lambda x: x.tanh().square(), one).item()
    profile = [0.2, 0.5, 0.3]
    measured = convolution.sample(
        60, 80, 8, 3, profile=profile, sw2=sw2, sb2=sb2, q=q, activation=torch.tanh, derivative=sech2,
        rng=torch.Generator().manual_seed(5),
    )  # fmt: skip
    start = torch.zeros(8, dtype=torch.float64)
    start[0] = 1
    truth = convolution.spread(start, torch.tensor(profile, dtype=torch.float64), chi=1.0, depth=3)
    for site in range(8):
        estimate = estimates.mean(measured[:, 3, site])
        assert abs(estimate.value - truth[site].item()) < 4.5 * estimate.error + 0.02 * truth.max().item()


def test_it_runs_on_the_device_of_its_generator():
    with fake_gpu() as rng:
        out = convolution.sample(
            2, 4, 5, 2, profile=[0.2, 0.5, 0.3], sw2=1, sb2=0.1, q=1, activation=torch.tanh, derivative=sech2, rng=rng
        )
        assert out.device.type == NAME
        weight = torch.empty((4, 4, 3), device=rng.device)
        assert convolution.delta_orthogonal_(weight, rng=rng).device.type == NAME
