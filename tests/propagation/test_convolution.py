"""Laws of random convolutions."""

import math

import pytest
import torch

from fieldkit import estimates
from fieldkit.propagation import activations, convolution, gaussian, maps, random_filters
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
    v = torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64)  # not symmetric
    signal = torch.randn(9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    averaged = sum(share * signal.roll(1 - b) for b, share in enumerate(v))
    assert torch.allclose(convolution.spread(signal, v, chi=1.3, depth=1), 1.3 * averaged, atol=1e-14)


def test_golden_values():
    for name, value, _ in golden():
        if name.startswith("CNN uniform kernel 3, ring n=10"):
            lambdas = convolution.eigenvalues(convolution.uniform_profile(3), (10,)).real[: len(value)]
            assert lambdas.tolist() == pytest.approx([float(v) for v in value], abs=1e-14)


@pytest.mark.parametrize("kernel", [(3,), (5, 3), (3, 3, 3)])
def test_delta_orthogonal_layers_keep_norms(kernel):
    weight = torch.empty(8, 6, *kernel)
    assert random_filters.delta_orthogonal_(weight, gain=1.5, rng=torch.Generator().manual_seed(1)) is weight
    x = torch.randn((2, 6) + (7,) * len(kernel), generator=torch.Generator().manual_seed(2))
    convolve = (torch.conv1d, torch.conv2d, torch.conv3d)[len(kernel) - 1]
    y = convolve(x, weight, padding=[k // 2 for k in kernel])
    assert torch.allclose(y.norm(), 1.5 * x.norm(), rtol=1e-5)


def test_delta_orthogonal_fills_a_module_in_place():
    layer = torch.nn.Conv2d(4, 4, 3, padding=1, bias=False)
    random_filters.delta_orthogonal_(layer.weight, rng=torch.Generator().manual_seed(3))
    x = torch.randn((1, 4, 5, 5), generator=torch.Generator().manual_seed(4))
    for _ in range(50):
        x, before = layer(x), x
    assert torch.allclose(x.norm(), before.norm(), rtol=1e-4) and layer.weight.requires_grad


def test_errors_speak():
    rng = torch.Generator()
    for shape, word in (((4, 4, 2), "odd"), ((3, 4, 3), "widen"), ((4, 4), "C_out, C_in")):
        with pytest.raises(ValueError, match=word):
            random_filters.delta_orthogonal_(torch.empty(shape), rng=rng)
    with pytest.raises(ValueError, match="filter fits the torus"):
        convolution.eigenvalues(convolution.uniform_profile(5), (4,))
    with pytest.raises(ValueError, match="2 axes"):
        convolution.covariance(
            torch.eye(4), 1, v=convolution.uniform_profile(3, 2), activation=torch.tanh, sw2=1, sb2=0
        )


def test_real_convolutions_spread_a_perturbation_as_predicted():
    q = 0.5
    one = torch.tensor(q, dtype=torch.float64)
    chi_per_weight = gaussian.average(lambda x: sech2(x).square(), one).item()
    sw2 = 1 / chi_per_weight
    sb2 = q - sw2 * gaussian.average(lambda x: x.tanh().square(), one).item()
    v = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    measured = random_filters.sample(
        60, 80, (8,), 3, v=v, sw2=sw2, sb2=sb2, q=q, activation=torch.tanh, derivative=sech2,
        rng=torch.Generator().manual_seed(5),
    )  # fmt: skip
    start = torch.zeros(8, dtype=torch.float64)
    start[0] = 1
    truth = convolution.spread(start, v, chi=1.0, depth=3)
    assert (measured[:, 3, 4] == 0).all() and truth[4].abs() < 1e-15  # out of reach
    for site in (0, 1, 2, 3, 5, 6, 7):
        estimate = estimates.mean(measured[:, 3, site])
        assert abs(estimate.value - truth[site].item()) < 4.5 * estimate.error + 0.02 * truth.max().item()


def picture(seed=0, shape=(2, 4, 3)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_covariance_is_that_of_two_explicit_sites():
    # one site pair, by hand: sum over the filter of erf's arcsine
    x, v = picture(shape=(1, 5)), torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    K = convolution.of_images(x, v=v, sw2=2.0, sb2=0.1)
    after = convolution.covariance(K, 1, v=v, activation=activations.erf, sw2=1.5, sb2=0.2)[1]

    def first(a, b):
        return 2.0 * sum(v * x[0, (a + i) % 5] * x[0, (b + i) % 5] for v, i in zip((0.2, 0.5, 0.3), (-1, 0, 1))) + 0.1

    def second(a, b):
        sines = [2 * first(a + i, b + i) / math.sqrt((1 + 2 * first(a + i, a + i)) * (1 + 2 * first(b + i, b + i)))
                 for i in (-1, 0, 1)]  # fmt: skip
        return 1.5 * sum(v * 2 / math.pi * math.asin(s) for v, s in zip((0.2, 0.5, 0.3), sines)) + 0.2

    for a, b in ((0, 0), (0, 3), (4, 2)):
        assert after[0, a, 0, b].item() == pytest.approx(second(a, b), rel=1e-13)


@pytest.mark.parametrize("phi", [activations.relu, activations.tanh])
def test_a_filter_of_one_site_makes_a_fully_connected_network_of_every_site(phi):
    x = picture(shape=(3,))
    K = convolution.of_images(x[:, None], v=convolution.delta_profile(1), sw2=1.5, sb2=0.1)
    after = convolution.covariance(K, 4, v=convolution.delta_profile(1), activation=phi, sw2=1.5, sb2=0.1)
    q, e = 1.5 * x.square() + 0.1, 0.0
    q = maps.lengths(q, 4, activation=phi, sw2=1.5, sb2=0.1)[4]
    assert torch.allclose(after[4].diagonal(dim1=0, dim2=2)[0, 0], q, rtol=1e-12)
    same = torch.tensor([1.0, 1.0], dtype=torch.float64)
    K = torch.tensor([[1.0, 0.3], [0.3, 1.0]], dtype=torch.float64).reshape(1, 2, 1, 2)
    after = convolution.covariance(K, 4, v=convolution.delta_profile(1), activation=phi, sw2=1.5, sb2=0.1)[4]
    q, e = maps.correlations(same - 0.3, same, 4, activation=phi, sw2=1.5, sb2=0.1)
    assert after[0, 0, 0, 1].item() == pytest.approx((q[4] * (1 - e[4]))[0].item(), rel=1e-10)


def test_shifting_the_image_shifts_its_covariance():
    x, v = picture(), convolution.uniform_profile(3, 2)

    def deep(x):
        K = convolution.of_images(x, v=v, sw2=1.0, sb2=0.1)
        return convolution.covariance(K, 3, v=v, activation=activations.erf, sw2=1.5, sb2=0.1)[3]

    moved = deep(x.roll((1, 2), (1, 2)))
    assert torch.allclose(moved, deep(x).roll((1, 2, 1, 2), (1, 2, 4, 5)), atol=1e-14)


def test_a_wide_filter_forgets_where():
    x, v = picture(shape=(1, 6)), convolution.uniform_profile(3)
    K = convolution.of_images(x, v=v, sw2=1.5, sb2=0.1)
    after = convolution.covariance(K, 400, v=v, activation=activations.erf, sw2=1.5, sb2=0.1)[400]
    assert torch.allclose(after, after.roll((1, 1), (1, 3)), atol=1e-12)  # depends on the distance only


def test_real_convolutions_have_this_covariance():
    x, v = picture(), convolution.uniform_profile(3, 2)
    K = convolution.of_images(x, v=v, sw2=1.5, sb2=0.1)
    settings = {"v": v, "sw2": 1.5, "sb2": 0.1}
    truth = convolution.covariance(K, 3, activation=activations.erf, **settings)
    drawn = random_filters.sample_covariance(
        40, 300, K, 3, activation=torch.erf, rng=torch.Generator().manual_seed(2), **settings
    )
    for site in ((0, 0, 0, 0, 0, 0), (0, 1, 1, 1, 2, 0), (1, 3, 2, 1, 3, 2)):
        for layer in (0, 3):
            estimate = estimates.mean(drawn[(slice(None), layer, *site)])
            assert abs(estimate.value - truth[(layer, *site)].item()) < 4 * estimate.error + 2e-3


def test_drawn_layers_are_those_of_torch_convolutions():
    # second moments over channels of one layer with explicit filters
    x, v = picture(3, (1, 3, 5)), torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    rng = torch.Generator().manual_seed(6)
    rows = x.permute(0, 2, 1)[:, None]  # (n, m, L, C)
    drawn = random_filters._convolve(rows.expand(40_000, -1, -1, -1), v, 1.7, rng).flatten(1, 2).movedim(2, 1)
    weight = torch.randn(120_000, 3, 3, generator=rng, dtype=torch.float64) * (1.7 / 3 * v).sqrt()
    explicit = torch.conv1d(torch.nn.functional.pad(x, (1, 1), mode="circular"), weight)[0]
    for a, b in ((0, 0), (1, 2), (4, 1)):
        mine, torchs = (estimates.mean(h[..., a] * h[..., b]) for h in (drawn.reshape(-1, 5), explicit))
        assert abs(mine.pull(torchs)) < 4


def test_a_drawn_layer_averages_squares_over_its_filter_both_ways():
    rng = torch.Generator().manual_seed(6)
    v = torch.tensor([[0.1, 0.2, 0.0], [0.1, 0.3, 0.1], [0.05, 0.05, 0.1]], dtype=torch.float64)
    h = torch.rand(4000, 2, 5, 4, generator=rng, dtype=torch.float64).requires_grad_()
    after = random_filters.layer(h, v=v, sw2=1.7, rng=rng)
    truth = convolution.spread(h.detach().square().mean((0, 1)), v, chi=1.7, depth=1)
    found = after.detach().square().mean(1)
    assert all(abs(estimates.mean(found[:, i, j]).pull(truth[i, j].item())) < 4.5 for i in range(5) for j in range(4))
    (back,) = torch.autograd.grad(after[:, 0, 2, 2].sum(), h)
    assert back[0, 0].count_nonzero() == 8  # one tap is off
    with pytest.raises(ValueError, match="C, L, L"):
        random_filters.layer(h, v=v[0], sw2=1.0, rng=rng)
    found = estimates.mean(back.square().sum(1)[:, 3, 1])  # (2, 2) sees (3, 1) through its tap (+1, -1)
    assert abs(found.pull(1.7 * v[2, 0].item())) < 4.5


def test_squares_of_relu_networks_spread_exactly_at_any_number_of_channels():
    rng, v = torch.Generator().manual_seed(7), convolution.uniform_profile(3, 2)
    h = gaussian.normal((4000, 3, 4, 4), rng) * torch.arange(4)
    after = random_filters.layers(h, 3, activation=torch.relu, v=v, sw2=2.0, rng=rng)
    truth = convolution.spread(torch.arange(4.0).double().square().expand(4, 4), v, chi=1.0, depth=3)
    assert len(after) == 4
    found = after[3].square().mean((1, 2))
    assert all(abs(estimates.mean(found[:, i]).pull(truth[0, i].item())) < 4 for i in range(4))


def test_it_runs_on_the_device_of_its_generator(monkeypatch):
    monkeypatch.setattr(gaussian, "every", lambda condition: True)  # has the series converged?
    with fake_gpu() as rng:
        v, settings = torch.full((3,), 1 / 3, device=rng.device, dtype=torch.float64), {"sw2": 1, "sb2": 0.1}
        out = random_filters.sample(
            2, 4, (5,), 2, v=v, q=1, activation=torch.tanh, derivative=sech2, rng=rng, **settings
        )
        assert out.device.type == NAME
        x = torch.rand(2, 5, generator=rng, device=rng.device, dtype=torch.float64)
        K = convolution.of_images(x, v=v, **settings)
        for phi in (activations.erf, activations.tanh):
            after = convolution.covariance(K, 2, v=v, activation=phi, **settings)
            assert after.device.type == NAME
        out = random_filters.sample_covariance(3, 4, K, 2, v=v, activation=torch.tanh, rng=rng, **settings)
        assert out.device.type == NAME
        flat = torch.full((3, 3), 1 / 9, device=rng.device, dtype=torch.float64)
        h = torch.rand(2, 4, 5, 5, generator=rng, device=rng.device, dtype=torch.float64)
        assert random_filters.layer(h, v=flat, sw2=1.0, rng=rng).device.type == NAME
        weight = torch.empty((4, 4, 3), device=rng.device)
        assert random_filters.delta_orthogonal_(weight, rng=rng).device.type == NAME
