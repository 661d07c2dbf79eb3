"""Averages of one neuron: closed forms against integrals, signs and angles against what they must sum to."""

import itertools
import math

import pytest
import torch

from fieldkit.nnft import erf_moments, neurons, quadrature, relu_moments, wick
from fieldkit.propagation import activations, gaussian, powers


def rows(*values):
    return torch.tensor(values, dtype=torch.float64)


PLANE = rows([0.3, 1.0], [0.9, 1.0], [-0.7, 1.0])
SPACE = rows([0.3, 1.0, 0.2], [0.9, -1.0, 0.4], [-0.7, 0.5, 1.0], [0.1, 0.6, -0.8])


@pytest.mark.parametrize("a", [PLANE[:, :1], PLANE, SPACE])
def test_two_relus_are_cho_and_saul(a):
    C, index = a @ a.T, wick.tuples(len(a), 2)
    i, j = index.unbind(1)
    exact = activations.relu.dual(C[i, i], C[j, j], C[i, j])[0]
    assert torch.allclose(relu_moments.moments(C, index), exact, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("a", [PLANE, SPACE])
def test_squares_of_two_relus_are_the_second_arc_cosine_kernel(a):
    C = a @ a.T
    found = relu_moments.moments(C, torch.tensor([[0, 0, 1, 1]]))
    exact = powers.relu_power(2).dual(C[0, 0], C[1, 1], C[0, 1])[0]
    assert torch.allclose(found[0], exact, rtol=1e-13)


@pytest.mark.parametrize(("a", "n"), [(PLANE, 4), (PLANE, 6), (SPACE, 4), (SPACE, 6)])
def test_relus_of_all_signs_sum_to_wick(a, n):
    """relu(u) - relu(-u) = u, so a signed sum of ReLU moments is a Gaussian moment, on plane and sphere."""
    m = len(a)
    both = torch.cat([a, -a])
    index = wick.tuples(m, n)[1::4]
    total = torch.zeros(len(index), dtype=torch.float64)
    for flips in itertools.product((0, 1), repeat=n):
        total += (-1) ** sum(flips) * relu_moments.moments(both @ both.T, index + m * torch.tensor(flips))
    exact = wick.gaussian(a @ a.T, index)
    assert torch.allclose(total, exact, rtol=1e-12, atol=1e-12 * exact.abs().max())


def test_relu_on_a_line_is_a_closed_form():
    C = rows([1.0, -2.0], [-2.0, 4.0])
    found = relu_moments.moments(C, torch.tensor([[0, 0, 0, 0], [0, 1, 1, 1], [1, 1, 1, 1]]))
    assert torch.allclose(found, rows(1.5, 0.0, 24.0), rtol=1e-14)


def test_more_nodes_change_nothing(monkeypatch):
    index = wick.tuples(4, 6)[::7]
    C, S = SPACE @ SPACE.T, SPACE @ SPACE.T + 1
    before = relu_moments.moments(C, index), erf_moments.moments(S, index)
    monkeypatch.setattr(relu_moments, "ARC", 28)
    monkeypatch.setattr(relu_moments, "LATITUDE", 48)
    monkeypatch.setattr(erf_moments, "NODES", 40)
    for found, then in zip((relu_moments.moments(C, index), erf_moments.moments(S, index)), before):
        assert torch.allclose(found, then, rtol=1e-12, atol=1e-13)


def test_points_in_many_dimensions_are_taken_tuple_by_tuple():
    a = torch.eye(5, dtype=torch.float64) + 0.2
    C = a @ a.T
    found = relu_moments.moments(C, torch.tensor([[0, 0, 1, 2], [4, 4, 4, 4]]))
    assert torch.isclose(found[0], relu_moments.moments(C[:3, :3], torch.tensor([[0, 0, 1, 2]]))[0], rtol=1e-12)
    assert torch.isclose(found[1], 1.5 * C[4, 4] ** 2, rtol=1e-13)
    with pytest.raises(ValueError, match="span 4 dimensions"):
        relu_moments.moments(C, torch.tensor([[0, 1, 2, 3]]))


@pytest.mark.parametrize("n", [2, 4, 6])
def test_erf_at_one_point_is_a_plain_integral(n):
    for q in (0.3, 2.0):
        found = erf_moments.moments(rows([q]), torch.zeros(1, n, dtype=torch.int64))[0]
        exact = gaussian.average(lambda u: torch.erf(u) ** n, torch.tensor(q, dtype=torch.float64), n=40)
        assert torch.isclose(found, exact, rtol=1e-13)


@pytest.mark.parametrize("a", [PLANE, SPACE])
def test_erf_by_signs_is_erf_by_quadrature(a):
    C, index = 0.3 * a @ a.T, wick.tuples(len(a), 4)
    assert torch.allclose(erf_moments.moments(C, index), quadrature.moments(torch.erf, C, index), atol=1e-9)


def test_independent_signs_factorise():
    S = torch.block_diag(rows([1.0, 0.4], [0.4, 2.0]), rows([1.5, -0.6], [-0.6, 1.0]), rows([1.0, 0.9], [0.9, 1.0]))
    pairs = [erf_moments.signs(S[i : i + 2, i : i + 2]) for i in (0, 2, 4)]
    assert torch.isclose(erf_moments.signs(S), pairs[0] * pairs[1] * pairs[2], rtol=1e-13)
    assert torch.isclose(erf_moments.signs(S[:4, :4]), pairs[0] * pairs[1], rtol=1e-13)


@pytest.mark.parametrize("n", [2, 4, 6])
def test_a_log_normal_neuron_has_log_normal_moments(n):
    q = torch.tensor(0.7, dtype=torch.float64)
    found = neurons.gauss.moments(q[None, None], torch.zeros(1, n, dtype=torch.int64))[0]
    z = torch.linspace(-30, 30, 60001, dtype=torch.float64)  # the trapezoid rule: exact for a Gaussian integrand
    exact = (torch.exp(n * (z * q.sqrt() - q) - z**2 / 2)).sum() * 1e-3 / math.sqrt(2 * math.pi)
    assert torch.isclose(found, exact, rtol=1e-12)


def test_cosine_moments_are_averages_over_phase_and_weights():
    a = rows([0.5], [1.2], [-2.0])
    index = wick.tuples(3, 4)
    g, w = gaussian.panels(torch.ones((), dtype=torch.float64), n=30)
    g, w = torch.cat([g, -g]), torch.cat([w, w])
    phase = torch.arange(16, dtype=torch.float64) * (2 * math.pi / 16)  # exact for fewer than 16 factors
    h = torch.cos(a[:, :, None] * g[:, None] + phase)
    exact = (h[index].prod(1).mean(2) * w).sum(1)
    assert torch.allclose(neurons.cosine.moments(a @ a.T, index), exact, rtol=1e-12, atol=1e-13)


def test_any_activation_agrees_with_what_is_known():
    C, index = PLANE @ PLANE.T, wick.tuples(3, 2)
    i, j = index.unbind(1)
    swish = neurons.of(lambda u: u * torch.sigmoid(u))
    square = gaussian.average(lambda u: (u * torch.sigmoid(u)) ** 2, C.diagonal())
    assert torch.allclose(swish.moments(C, index)[i == j], square, rtol=1e-9)
    line = neurons.of(activations.relu).moments(rows([2.0]), torch.zeros(1, 6, dtype=torch.int64))
    assert torch.isclose(line[0], relu_moments.moments(rows([2.0]), torch.zeros(1, 6, dtype=torch.int64))[0])


def test_a_quadrature_that_has_not_converged_says_so():
    with pytest.raises(ValueError, match="two quadratures differ"):
        quadrature.moments(torch.relu, PLANE @ PLANE.T, wick.tuples(3, 4))
    with pytest.raises(ValueError, match="stops at 4"):
        quadrature.moments(torch.erf, torch.eye(5, dtype=torch.float64), wick.tuples(5, 2))
    with pytest.raises(ValueError, match="odd averages"):
        erf_moments.moments(torch.eye(2), wick.tuples(2, 3))
