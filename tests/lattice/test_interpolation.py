"""Laws of the kernels between the sites, and of the errors they make: position space against momentum space."""

import math
from functools import partial

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.lattice import aliasing, free, free_exact, interpolation
from tests.fakegpu import fake_gpu

KERNELS = {
    "linear": interpolation.linear,
    "narrow Gaussian": partial(interpolation.gaussian, width=0.2),
    "Gaussian": partial(interpolation.gaussian, width=0.6),
    "wide Gaussian": partial(interpolation.gaussian, width=7.0),
    "band-limited": interpolation.band_limited,
}
TRANSFERS = {
    "linear": aliasing.linear_transfer,
    "narrow Gaussian": partial(aliasing.gaussian_transfer, width=0.2),
    "Gaussian": partial(aliasing.gaussian_transfer, width=0.6),
    "wide Gaussian": partial(aliasing.gaussian_transfer, width=7.0),
    "band-limited": aliasing.band_limited_transfer,
}


def somewhere(L, k=37):
    return torch.rand(k, generator=torch.Generator().manual_seed(L), dtype=torch.float64) * 3 * L - L


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("L", [2, 3, 8, 9])
def test_weights_add_up_to_one_everywhere(name, L):
    assert torch.allclose(KERNELS[name](somewhere(L), L).sum(1), torch.ones(37, dtype=torch.float64), atol=1e-13)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_constant_field_stays_constant_in_every_dimension(name, d):
    phi = torch.full((2,) + (5,) * d, 1.7, dtype=torch.float64)
    rebuilt = interpolation.reconstruct(phi, somewhere(5, 4), kernel=KERNELS[name])
    assert rebuilt.shape == (2,) + (4,) * d
    assert torch.allclose(rebuilt, torch.full_like(rebuilt, 1.7), atol=1e-12)


@pytest.mark.parametrize("name", KERNELS)
def test_shifting_the_field_shifts_its_reconstruction(name):
    phi = torch.randn(3, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x, kernel = somewhere(7), KERNELS[name]
    shifted = interpolation.reconstruct(phi.roll(2, 1), x + 2, kernel=kernel)
    assert torch.allclose(shifted, interpolation.reconstruct(phi, x, kernel=kernel), atol=1e-12)


@pytest.mark.parametrize("name", ["linear", "band-limited"])
@pytest.mark.parametrize("L", [2, 5, 8])
def test_linear_and_band_limited_go_through_the_sites(name, L):
    weights = KERNELS[name](torch.arange(L, dtype=torch.float64), L)
    assert torch.allclose(weights, torch.eye(L, dtype=torch.float64), atol=1e-13)


@pytest.mark.parametrize("L", [7, 8])
@pytest.mark.parametrize("d", [1, 2])
def test_band_limited_fields_are_reconstructed_exactly(L, d):
    """Random modes below the edge and, for even L, the cosine at the edge, evaluated by their formula."""
    rng = torch.Generator().manual_seed(L + d)
    k = torch.arange(L // 2 + 1, dtype=torch.float64)
    sine_too = (2 * k < L).double()

    def waves(x):
        return torch.cat(
            [torch.cos(2 * math.pi / L * k * x[:, None]), torch.sin(2 * math.pi / L * k * x[:, None]) * sine_too], 1
        )

    height = torch.randn((2 * len(k),) * d, generator=rng, dtype=torch.float64)

    def field(x):
        phi = height
        for _ in range(d):
            phi = torch.tensordot(phi, waves(x), dims=([0], [1]))
        return phi

    sites, x = torch.arange(L, dtype=torch.float64), somewhere(L)
    rebuilt = interpolation.reconstruct(field(sites)[None], x, kernel=interpolation.band_limited)[0]
    # L^d weights of order one, phases of some tens of radians
    assert (rebuilt - field(x)).abs().max() < 100 * L**d * 2**-52 * height.abs().sum()


@pytest.mark.parametrize("L", [5, 6])
def test_the_band_limited_kernel_is_the_sinc_summed_over_periodic_images(L):
    """Whittaker and Shannon on the infinite line; pairs of images j, -j leave a tail of order 1 / turns."""
    x, turns = torch.tensor([0.3, 1.5, 2.9], dtype=torch.float64), 20_000
    images = L * torch.arange(-turns, turns + 1, dtype=torch.float64)
    sites = torch.arange(L, dtype=torch.float64)
    summed = torch.sinc(x[:, None, None] - sites[:, None] + images).sum(-1)
    assert torch.allclose(interpolation.band_limited(x, L), summed, atol=1 / turns)


def test_the_gaussian_is_a_softmax_of_scores_when_images_are_far():
    x, L, width = torch.linspace(8, 12, 9, dtype=torch.float64), 20, 0.7
    scores = -((x[:, None] - torch.arange(L)) ** 2) / (2 * width**2)
    assert torch.allclose(interpolation.gaussian(x, L, width=width), torch.softmax(scores, 1), atol=1e-13)


def test_a_very_narrow_gaussian_takes_the_nearest_site():
    weights = interpolation.gaussian(torch.tensor([2.4, 2.6], dtype=torch.float64), 6, width=0.001)
    assert weights.argmax(1).tolist() == [2, 3] and torch.allclose(weights.max(1).values, torch.ones(2).double())


@pytest.mark.parametrize("width", [0.2, 0.3, 0.5])
def test_the_unnormalised_gaussian_ripples_as_poisson_says(width):
    x = torch.linspace(0, 1, 21, dtype=torch.float64)
    j = torch.arange(1, 12, dtype=torch.float64)
    waves = 2 * torch.exp(-2 * (math.pi * width * j) ** 2) * torch.cos(2 * math.pi * j * x[:, None])
    total = interpolation.unnormalised_gaussian(x, 6, width=width).sum(1)
    assert torch.allclose(total, 1 + waves.sum(1), atol=1e-13)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(("L", "b", "d"), [(24, 4, 1), (21, 3, 1), (12, 3, 2), (15, 3, 2), (8, 2, 3), (12, 2, 1)])
def test_the_error_in_momentum_space_is_the_error_in_position_space(name, L, b, d):
    """G(0) - 2 sum_i w_i G(x - x_i) + sum_ij w_i w_j G(x_i - x_j), by products of matrices over all sites."""
    mass2 = 0.3
    one_axis = KERNELS[name](torch.arange(b, dtype=torch.float64) / b, L // b)
    weights, G = torch.ones(1, 1, dtype=torch.float64), free_exact.propagator(L, d, mass2=mass2)
    for _ in range(d):
        weights = torch.kron(weights, one_axis)
    axes = [torch.arange(0, L, b)] * d, [torch.arange(b)] * d
    sites, targets = (torch.cartesian_prod(*a).reshape(-1, d) for a in axes)
    between = G[tuple(((sites[:, None] - sites) % L).unbind(-1))]
    across = G[tuple(((targets[:, None] - sites) % L).unbind(-1))]
    variance = G.flatten()[0] - 2 * (weights * across).sum(1) + ((weights @ between) * weights).sum(1)
    exact = aliasing.mean_squared_error(TRANSFERS[name], L, b, d, mass2=mass2)
    assert exact.shape == (b,) * d
    assert torch.allclose(exact.flatten(), variance, atol=1e-12)


def test_the_mean_error_of_the_band_limited_kernel_is_twice_the_lost_power():
    """Averaged over the positions, a wave beyond the edge is missing once and present once as its alias."""
    L, b, mass2 = 45, 5, 0.2  # an odd number of kept sites: no mode on the edge
    k = torch.arange(L)
    beyond = torch.minimum(k, L - k) > L // b // 2
    lost = (1 / (free.momentum_squared(L, 1) + mass2))[beyond].sum() / L
    error = aliasing.mean_squared_error(aliasing.band_limited_transfer, L, b, 1, mass2=mass2).mean()
    assert error.item() == pytest.approx(2 * lost.item(), abs=1e-13)


def test_rough_fields_are_rebuilt_better_by_straight_lines_by_twelve_over_pi_squared():
    """Corrections: 1 / b^2 from the fine lattice, 1 / N^2 from the number N of kept sites, (m b)^2 from the mass."""
    N, b, mass2 = 65, 32, 1e-8
    linear, band_limited = (
        aliasing.mean_squared_error(TRANSFERS[name], N * b, b, 1, mass2=mass2).mean().item()
        for name in ("linear", "band-limited")
    )
    assert linear == pytest.approx(b / 6, rel=1 / b**2 + 1 / N**2)
    assert band_limited == pytest.approx(2 * b / math.pi**2, rel=1 / b**2 + 1 / N**2)


@pytest.mark.parametrize("mass2", [1e-4, 0.05, 2.0])
def test_no_kernel_beats_the_conditional_mean(mass2):
    L, b = 48, 6
    least = aliasing.least_error(L, b, mass2=mass2)
    for transfer in TRANSFERS.values():
        assert (aliasing.mean_squared_error(transfer, L, b, 1, mass2=mass2) >= least - 1e-11).all()


@pytest.mark.parametrize("mass2", [0.01, 1.0])
def test_the_conditional_mean_has_the_least_error_and_looks_at_two_neighbours_only(mass2):
    L, b = 40, 5
    G = free_exact.propagator(L, 1, mass2=mass2)
    x = torch.arange(b, dtype=torch.float64) / b
    weights = aliasing.conditional_mean(x, L // b, covariance=G)
    sites = b * torch.arange(L // b)
    across = G[(torch.arange(b)[:, None] - sites) % L]
    assert torch.allclose(G[0] - (weights * across).sum(1), aliasing.least_error(L, b, mass2=mass2), atol=1e-12)
    E = free_exact.mass_gap(mass2)
    assert torch.allclose(weights[:, 0], torch.sinh(E * b * (1 - x)) / math.sinh(E * b), atol=1e-12)
    assert weights[:, 2:].abs().max() < 1e-12


def test_the_conditional_variance_is_the_least_error_in_one_dimension():
    found = aliasing.conditional_variance(40, 5, 1, mass2=0.1)
    assert torch.allclose(found, aliasing.least_error(40, 5, mass2=0.1), atol=1e-12)


@pytest.mark.parametrize("d", [2, 3])
def test_no_product_kernel_beats_the_conditional_variance(d):
    least = aliasing.conditional_variance(12, 3, d, mass2=0.2)
    assert least.shape == (3,) * d and least.reshape(-1)[0].abs() < 1e-12
    for transfer in (aliasing.linear_transfer, partial(aliasing.gaussian_transfer, width=0.5)):
        assert (aliasing.mean_squared_error(transfer, 12, 3, d, mass2=0.2) >= least - 1e-12).all()
    # one kept site in all: the regression on a single number
    single = aliasing.conditional_variance(4, 4, d, mass2=0.2)
    G = free_exact.propagator(4, d, mass2=0.2)
    assert torch.allclose(single, G.reshape(-1)[0] - G**2 / G.reshape(-1)[0], atol=1e-12)


def test_with_vanishing_mass_the_conditional_mean_is_linear_interpolation():
    G = free_exact.propagator(32, 1, mass2=1e-8)
    x = torch.arange(32, dtype=torch.float64) / 4
    best = aliasing.conditional_mean(x, 8, covariance=G)
    # G is of order 1 / (L mass2): 10 digits are lost in the inverse
    assert torch.allclose(best, interpolation.linear(x, 8), atol=1e-5)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(("L", "b", "d"), [(32, 4, 1), (12, 3, 2)])
def test_the_measured_error_is_the_exact_one(name, L, b, d):
    rng = torch.Generator().manual_seed(d)
    phi = free.sample(800, L, d, mass2=0.2, rng=rng)
    measured = interpolation.squared_error(phi, b, kernel=KERNELS[name]).reshape(800, -1)
    exact = aliasing.mean_squared_error(TRANSFERS[name], L, b, d, mass2=0.2).flatten()
    for i in range(1, b**d):
        assert abs(mean(measured[:, i]).pull(exact[i].item())) < 4.5


@pytest.mark.parametrize("name", KERNELS)
def test_float32_fields_stay_float32(name):
    phi = torch.ones(2, 6, 6)
    assert interpolation.reconstruct(phi, somewhere(6, 3), kernel=KERNELS[name]).dtype == torch.float32


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: interpolation.linear(torch.zeros(1), 1), "choose 2 or more"),
        (lambda: interpolation.gaussian(torch.zeros(1), 4, width=0.0), "positive width"),
        (lambda: interpolation.reconstruct(torch.zeros(4), torch.zeros(1), kernel=interpolation.linear), "coordinates"),
        (lambda: interpolation.squared_error(torch.zeros(1, 10), 3, kernel=interpolation.linear), "divisor"),
        (lambda: aliasing.mean_squared_error(aliasing.linear_transfer, 10, 3, 1, mass2=1.0), "divisor"),
        (lambda: aliasing.least_error(12, 3, mass2=0.0), "mass2 > 0"),
        (lambda: aliasing.gaussian_transfer(torch.zeros(1, 1), torch.zeros(1), width=0.01), "width >= 0.1"),
    ],
)
def test_errors_name_the_rule_and_the_remedy(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_kernels_and_their_measured_error_stay_on_the_device():
    with fake_gpu() as rng:
        for kernel in KERNELS.values():
            phi = free.sample(3, 12, 2, mass2=0.5, rng=rng)
            assert interpolation.squared_error(phi, 3, kernel=kernel).device.type == rng.device.type


def test_the_least_error_has_no_largest_distance():
    wide = aliasing.least_error(4000, 2000, mass2=1.0)  # far from both neighbours nothing is known: G(0) is left
    assert wide[1000].item() == pytest.approx(1 / math.sqrt(5), rel=1e-14)
    assert torch.equal(aliasing.least_error(8, 2, mass2=1e300)[1] > 0, torch.tensor(True))
    assert aliasing.least_error(8, 2, mass2=1e-12)[1].item() == pytest.approx(0.5, rel=1e-11)


def test_whole_numbers_are_fields_and_halves_are_no_steps():
    phi = torch.tensor([[1, 3, 5, 3]])
    assert interpolation.reconstruct(phi, torch.tensor([0.5]), kernel=interpolation.linear).item() == 2
    with pytest.raises(TypeError, match=r"b = 2\.0"):
        interpolation.squared_error(phi.double(), 2.0, kernel=interpolation.linear)
    with pytest.raises(TypeError, match=r"L = 8\.0"):
        aliasing.least_error(8.0, 2, mass2=1.0)
