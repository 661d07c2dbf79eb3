"""Laws of part three where formulas lose their digits, and what it refuses."""

import math

import pytest
import torch

from fieldkit.nnft import action, beyond, ensembles, erf_moments, exact, means, measured, neurons, quadrature
from fieldkit.nnft.ensembles import Ensemble
from fieldkit.propagation import activations, gaussian

FIVE, X = Ensemble(neurons.relu, (5,)), torch.tensor([[0.5], [1.3], [-0.7]], dtype=torch.float64)


def doubles(values):
    return torch.tensor(values, dtype=torch.float64)


def test_signs_of_nearly_equal_variables_differ_as_their_angle():
    """P(both > 0) = 1/2 - theta / 2 pi, cos theta = 1 - d, theta -> sqrt(2 d); at every unit."""
    for d in (1e-6, 1e-12, 1e-15):
        c = 1 - d
        found = beyond.orthant([[1.0, c], [c, 1.0]]).item()
        assert 0.5 - found == pytest.approx(math.sqrt(2 * (1 - c)) / (2 * math.pi), rel=1e-3)
    for unit in (1e-200, 1e200):
        assert beyond.orthant(unit * doubles([[1, 0.5], [0.5, 1]])).item() == pytest.approx(1 / 3, rel=1e-15)


def test_an_erf_of_a_huge_variable_is_its_sign():
    """E erf(u) erf(v) = 1 - 2 theta / pi, theta^2 -> E (u - v)^2 / C + 1 / C for C -> infinity."""
    C = 2.0**40
    found = erf_moments.moments(doubles([[C, C - 8], [C - 8, C]]), torch.tensor([[0, 1], [0, 0]]))
    for value, gap in zip(found.tolist(), (8, 0)):
        assert 1 - value == pytest.approx(2 / math.pi * math.sqrt((2 * gap + 1) / C), rel=1e-6)


@pytest.mark.parametrize(("width", "f"), [(1000, 0.3), (1000, 1.0)])
def test_the_density_of_a_wide_network_is_a_mixture_of_gaussians(width, f):
    """f is a Gaussian of variance (1/N) chi^2_k, k binomial: by quadrature over the gamma law of the variance."""
    t = torch.linspace(-8, 8, 1001, dtype=torch.float64)
    total = 0.0
    for k in range(width // 2 - 5 * int(width**0.5), width // 2 + 5 * int(width**0.5)):
        s = k * (1 + t * math.sqrt(2 / k)).clamp_min(1e-9)  # chi^2_k on a mesh in units of its spread
        law = torch.exp((k / 2 - 1) * s.log() - s / 2 - math.lgamma(k / 2) - k / 2 * math.log(2))
        log_weight = math.lgamma(width + 1) - math.lgamma(k + 1) - math.lgamma(width - k + 1) - width * math.log(2)
        density = torch.trapezoid(law * beyond.gaussian_density(torch.full_like(s, f), s / width), s)
        total += math.exp(log_weight) * density.item()
    assert beyond.relu_density([f], width).item() == pytest.approx(total, rel=1e-5)


def test_log_odds_reach_where_both_densities_are_zero():
    near, far = beyond.relu_log_odds([20.0], 5).item(), beyond.relu_log_odds([40.0], 5).item()
    assert near == pytest.approx(
        math.log(beyond.relu_density([20.0], 5) / beyond.gaussian_density([20.0], 0.5)), rel=1e-6
    )
    assert far == pytest.approx(1600 - 40 * math.sqrt(5), rel=0.02)  # e^(f^2) against e^(-|f| / c)


@pytest.mark.parametrize("top", [0.02, 0.05, 0.913, 12.0])
def test_a_half_line_ends_where_it_is_told(top):
    nodes, weights = beyond.half_line(top=top)
    assert weights.sum().item() == pytest.approx(top, rel=1e-14)
    assert (nodes * weights).sum().item() == pytest.approx(top**2 / 2, rel=1e-14)


def test_edgeworth_vanishes_far_out_and_keeps_what_is_no_number():
    found = beyond.edgeworth([1e60, math.nan, 0.0], [1.0, 0.1, 0.1], order=2)
    assert found[0] == 0 and found[1].isnan() and found[2] > 0.39


@pytest.mark.parametrize(("name", "sw2"), [("hard_tanh", 1.0), ("hard_tanh", 1e4), ("tanh", 30.0), ("erf", 1e4)])
def test_without_means_the_two_point_function_is_the_kernel(name, sw2):
    ensemble = Ensemble(neurons.of(getattr(activations, name)), (5,), sw2=sw2, sb2=0.1)
    kernel = ensembles.kernel(ensemble, X[:2])
    assert torch.allclose(means.one_and_two(ensemble, X[:2])[1], kernel, rtol=0, atol=1e-12 * kernel.abs().max().item())


def test_points_on_a_line_are_integrated_at_every_variance():
    for q in (1.0, 100.0, 1e6):
        found = quadrature.moments(torch.tanh, [[q]], [[0, 0]]).item()
        assert found == pytest.approx(gaussian.average(lambda x: torch.tanh(x).square(), q).item(), rel=1e-13)


REFUSED = {
    "a correlation above one": lambda: beyond.orthant([[1.0, 2.0], [2.0, 1.0]]),
    "no pair": lambda: beyond.orthant([[1.0]]),
    "an output beyond the mesh": lambda: beyond.relu_log_odds([1e5], 5),
    "an endless half line": lambda: beyond.half_line(top=1e300),
    "blocks of nothing": lambda: beyond.average(beyond.orthant, FIVE, X[:2], 10, block=0, rng=torch.Generator()),
    "inputs that are none": lambda: ensembles.kernel(FIVE, [[math.nan]]),
    "a variance in words": lambda: Ensemble(neurons.relu, (5,), sb2="1"),
    "a kurtosis below one": lambda: exact.four_point(FIVE, X[:2], kurtosis=0.5),
    "outputs of other tuples": lambda: exact.four_point(FIVE, X[:2], outputs=[[0, 0, 0, 0]]),
    "negative weights": lambda: exact.cumulants([0.5, 1.5], 5, sw2=-1.0),
    "too few averages": lambda: exact.four_point_noise([0.5], 5),
    "a moment beyond numbers": lambda: exact.relu_excess_six(1, 1000),
    "chunks that are none": lambda: measured.heaviest_share([[math.nan], [1.0]]),
    "other tuples": lambda: action.coupling(torch.ones(5), torch.ones(4)),
    "half a chunk": lambda: action.chi2_law(3, 100.5),
    "a tolerance below zero": lambda: action.directions(torch.eye(2), tolerance=-1.0),
    "a kernel of no points": lambda: action.amputate(torch.ones(5), torch.ones(2, 1)),
    "a mean in words": lambda: means.one_and_two(FIVE, X, mw="1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_answer_is_refused_in_a_sentence(name):
    with pytest.raises((ValueError, TypeError), match=r"[;:] .{10}"):
        REFUSED[name]()
