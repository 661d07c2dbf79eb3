"""Beyond moments: probabilities and densities, exact and expanded in one over the width."""

import math

import pytest
import torch

from fieldkit.nnft import beyond, ensembles, exact, neurons, wick
from fieldkit.nnft.ensembles import Ensemble

PAIR = torch.tensor([[-0.6], [1.0]], dtype=torch.float64)


def covariance(network, x):
    pairs = wick.tuples(len(x), 2)
    both = torch.cat([pairs.repeat_interleave(len(pairs), 0), pairs.repeat(len(pairs), 1)], 1)
    return exact.kernel_covariance(network, x, both).reshape(len(pairs), len(pairs))


def test_first_order_of_a_moment_is_the_connected_function():
    """O = f_1^2 f_2^2 is a polynomial: its Gaussian average has an exact second order, and the correction is G4c."""
    network = Ensemble(neurons.erf, (4,), sb2=0.3)
    K = exact.two_point(network, PAIR)
    index = torch.tensor([[0, 0, 1, 1]])
    found = beyond.first_order(lambda k: wick.gaussian(k, index)[0], K, covariance(network, PAIR))
    assert torch.isclose(found, exact.four_point(network, PAIR, index)[0], rtol=1e-12)


def test_the_orthant_probability_follows_its_first_order():
    network = Ensemble(neurons.erf, (1,), sb2=1.0)
    K = exact.two_point(network, PAIR)
    slope = beyond.first_order(beyond.orthant, K, covariance(network, PAIR)).item()
    for width in (5, 10):
        wide = Ensemble(neurons.erf, (width,), sb2=1.0)
        rng = torch.Generator().manual_seed(width)
        measured = beyond.average(beyond.orthant, wide, PAIR, 200_000, rng=rng)
        residual = measured.value - beyond.orthant(K).item() - slope / width
        assert abs(residual) < 4 * measured.error + 0.03 / width**2  # the next order, 0.02 / N^2
        assert measured.pull(beyond.orthant(K).item()) > 20  # it is no Gaussian


def test_the_orthant_of_kernels_is_the_orthant_of_outputs():
    network, rng = Ensemble(neurons.relu, (3,), sb2=0.1), torch.Generator().manual_seed(3)
    f = ensembles.functions(network, PAIR, 200_000, rng=rng)[..., 0]
    counted = beyond.mean((f > 0).all(1).double())
    assert abs(beyond.average(beyond.orthant, network, PAIR, 50_000, rng=rng).pull(counted)) < 4


@pytest.mark.parametrize("width", [1, 2, 5, 20, 100])
def test_the_exact_density_is_a_density_with_the_exact_moments(width):
    # substitute f = t^3: the integrand is smooth at the logarithm of k = 1
    t = torch.linspace(1e-4, 6 ** (1 / 3) * 3, 400_001, dtype=torch.float64)
    f, weight = t**3, 2 * 3 * t**2 * (t[1] - t[0])
    p = beyond.relu_density(f, width) * weight
    assert math.isclose(p.sum().item() + 2.0**-width, 1, abs_tol=1e-6)
    kappa = exact.cumulants([0.5, 1.5, 7.5], width)
    assert math.isclose((p * f**2).sum().item(), kappa[0], rel_tol=1e-6)
    assert math.isclose((p * f**4).sum().item(), kappa[1] + 3 * kappa[0] ** 2, rel_tol=1e-6)


def test_the_exact_density_is_what_networks_draw():
    width, rng = 6, torch.Generator().manual_seed(5)
    f = ensembles.functions(Ensemble(neurons.relu, (width,)), torch.ones(1, 1), 200_000, rng=rng).double().flatten()
    edges = torch.linspace(0.1, 2.1, 6, dtype=torch.float64)
    for low, high in zip(edges, edges[1:]):
        inside = torch.linspace(low, high, 2001, dtype=torch.float64)
        probability = 2 * torch.trapezoid(beyond.relu_density(inside, width), inside).item()
        counted = beyond.mean(((f.abs() > low) & (f.abs() < high)).double())
        assert abs(counted.pull(probability)) < 4
    assert abs(beyond.mean((f == 0).double()).pull(2.0**-width)) < 4


def test_edgeworth_gains_an_order_with_each_term():
    f = torch.linspace(0.02, 4, 400, dtype=torch.float64)
    error = {}
    for width in (50, 200):
        p, kappa = beyond.relu_density(f, width), exact.cumulants([0.5, 1.5, 7.5], width)
        error[width] = [(p - beyond.edgeworth(f, kappa, order=k)).abs().mean().item() for k in (0, 1, 2)]
    for k in (0, 1, 2):
        power = math.log(error[50][k] / error[200][k]) / math.log(4)
        assert abs(power - (k + 1)) < 0.25


def test_edgeworth_fails_at_small_width():
    f = torch.linspace(0, 6, 200, dtype=torch.float64)
    assert beyond.edgeworth(f, exact.cumulants([0.5, 1.5, 7.5], 5), order=2).min() < 0
    assert beyond.relu_density(f[1:], 5).min() > 0


def test_hermite_polynomials_are_orthogonal():
    u = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    g = beyond.gaussian_density(u, 1.0) * (u[1] - u[0])
    for n in range(5):
        for m in range(5):
            product = (g * beyond.hermite(u, n) * beyond.hermite(u, m)).sum().item()
            assert math.isclose(product, math.factorial(n) if n == m else 0, abs_tol=1e-9)


def test_student_errors():
    with pytest.raises(ValueError, match="order = 2 with 2 cumulants"):
        beyond.edgeworth(torch.zeros(1), [1.0, 0.1], order=2)
    with pytest.raises(ValueError, match="order = 3"):
        beyond.edgeworth(torch.zeros(1), [1.0, 0.1, 0.2, 0.3], order=3)


def test_the_density_of_drawn_networks_is_the_exact_one():
    network, x = Ensemble(neurons.relu, (4,)), torch.ones(1, 1, dtype=torch.float64)
    for f in (0.2, 1.0, 2.5):
        found = beyond.density(f, network, x, 40_000, rng=torch.Generator().manual_seed(2))
        assert abs(found.pull(beyond.relu_density(torch.tensor([f]).double(), 4).item())) < 4


def test_the_log_odds_are_those_of_the_density():
    f = torch.tensor([-2.3, 0.011, 0.7, 3.0004], dtype=torch.float64)
    exactly = (beyond.relu_density(f, 20) / beyond.gaussian_density(f, 0.5)).log()
    assert torch.allclose(beyond.relu_log_odds(f, 20), exactly, atol=1e-5)


def test_the_half_line_integrates_a_logarithm_and_a_gaussian():
    f, weight = beyond.half_line()
    assert float(torch.exp(-f.square()) @ weight) == pytest.approx(math.sqrt(math.pi) / 2, rel=1e-12)
    assert float((f.log() * torch.exp(-f)) @ weight) == pytest.approx(-0.5772156649, abs=2e-5)  # Euler, up to f = 12
