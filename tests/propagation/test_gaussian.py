"""Laws of Gaussian averages and of what is known about activations."""

import math
import warnings

import pytest
import torch

from fieldkit.propagation import activations, gaussian, powers
from fieldkit.propagation.activations import Activation

Q = torch.tensor([0.01, 0.1, 1.0, 4.0], dtype=torch.float64)
CLOSED = {
    "linear": activations.linear,
    "relu": activations.relu,
    "leaky": activations.leaky_relu(0.3),
    "modulus": activations.leaky_relu(-1.0),
    "erf": activations.erf,
    "sin": activations.sin,
    "gelu": activations.gelu,
    "square": powers.monomial(2),
    "cube": powers.monomial(3),
    "fifth power": powers.monomial(5),
    "relu squared": powers.relu_power(2),
}


def integrated(phi):
    """The same function stripped of its closed forms."""
    return Activation(phi.phi, slope=phi.slope, kinks=phi.kinks)


@pytest.mark.parametrize("n", [1, 2, 5, 18, 32])
def test_legendre_nodes_integrate_polynomials_of_degree_2n_minus_1(n):
    x, w = (torch.tensor(a, dtype=torch.float64) for a in gaussian.legendre(n))
    for degree in range(2 * n):
        exact = 2 / (degree + 1) if degree % 2 == 0 else 0.0
        assert (w * x**degree).sum().item() == pytest.approx(exact, abs=1e-15)


@pytest.mark.parametrize("k", range(0, 10, 2))
def test_moments_of_the_gaussian_are_double_factorials(k):
    exact = math.prod(range(k - 1, 0, -2)) * Q ** (k / 2)
    assert torch.allclose(gaussian.average(lambda h: h**k, Q), exact, rtol=4e-15, atol=0)


@pytest.mark.parametrize("name", CLOSED)
def test_closed_moments_are_the_integrals(name):
    q = Q[:3] if name == "sin" else Q  # the panels know where phi saturates; a sine of fifty turns they do not resolve
    for closed, panels in zip(CLOSED[name].moments(q), activations.moments(integrated(CLOSED[name]), q)):
        assert torch.allclose(closed, panels, rtol=4e-14, atol=0)


@pytest.mark.parametrize("name", CLOSED)
def test_closed_duals_are_their_mehler_series(name):
    phi = CLOSED[name]
    u, v, k = (torch.tensor(x, dtype=torch.float64) for x in ([1.0, 2.0, 0.3], [1.0, 0.7, 0.3], [0.5, -0.6, 0.1]))
    a, b = (gaussian.coefficients(phi, q, n_terms=120) for q in (u, v))
    c, power = k / (u * v).sqrt(), torch.arange(120, dtype=torch.float64)[:, None]
    product, slope = phi.dual(u, v, k)
    assert torch.allclose(product, (a * b * c**power).sum(0), rtol=1e-13, atol=1e-15)
    series = (power * a * b * c ** (power - 1).clamp_min(0)).sum(0) / (u * v).sqrt()
    assert torch.allclose(slope, series, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", [*CLOSED, "tanh", "swish", "hard tanh"])
def test_growth_is_the_derivative_of_the_square(name):
    phi = {**CLOSED, "tanh": activations.tanh, "swish": activations.swish, "hard tanh": activations.hard_tanh}[name]
    q = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)
    step = 1e-4
    numeric = (activations.moments(phi, q + step)[0] - activations.moments(phi, q - step)[0]) / (2 * step)
    assert torch.allclose(activations.moments(phi, q)[2], numeric, rtol=1e-6)


@pytest.mark.parametrize("name", [*CLOSED, "tanh", "swish", "hard tanh"])
def test_slopes_and_bends_are_derivatives(name):
    phi = {**CLOSED, "tanh": activations.tanh, "swish": activations.swish, "hard tanh": activations.hard_tanh}[name]
    x = torch.tensor([-2.3, -0.4, 0.37, 1.9], dtype=torch.float64)
    automatic = Activation(phi.phi, moments=phi.moments or (lambda q: (q, q, q)))
    assert torch.allclose(phi.derivative(x), automatic.derivative(x), atol=1e-14)
    assert torch.allclose(phi.second_derivative(x), automatic.second_derivative(x), atol=1e-13)


@pytest.mark.parametrize("name", ["relu", "leaky", "modulus", "linear"])
def test_the_gap_of_relu_is_exact_for_near_twins(name):
    phi, e = CLOSED[name], torch.tensor([1e-12, 1e-6, 0.3, 1.0, 2.0], dtype=torch.float64)
    S, slope = phi.gap(torch.full_like(e, 2.0), e)
    q = torch.tensor(2.0, dtype=torch.float64)
    direct = phi.moments(q)[0] - phi.dual(q, q, q * (1 - e))[0]
    assert torch.allclose(e * S, direct, atol=1e-15)
    assert S[0].item() == pytest.approx(2 * phi.moments(q)[1].item(), rel=1e-5)
    near = 1e-5
    numeric = (phi.gap(q, e[2:4] - near)[0] - phi.gap(q, e[2:4] + near)[0]) / (2 * near)
    assert torch.allclose(slope[2:4], numeric, rtol=1e-7)


def test_tail_sums_hold_the_gap_at_every_correlation():
    q, c = torch.tensor([0.5, 2.0], dtype=torch.float64), torch.tensor([0.3, 0.9], dtype=torch.float64)
    square, slope, _ = activations.erf.moments(q)
    t = gaussian.tail_sums(gaussian.coefficients(torch.erf, q, n_terms=160), square, q * slope)
    gap = square - activations.erf.dual(q, q, q * c)[0]
    assert torch.allclose((1 - c) * gaussian.polynomial(t, c)[0], gap, rtol=1e-13)
    assert torch.allclose(gaussian.polynomial(t, torch.ones_like(c))[0], q * slope, rtol=1e-14)


def test_coefficients_of_a_kinked_function_agree_with_those_of_a_smooth_one_given_as_kinked():
    q = torch.tensor([0.3, 2.0], dtype=torch.float64)
    matrix, rows = (gaussian.coefficients(torch.tanh, q, n_terms=30, kinks=k) for k in ((), (0.7,)))
    assert torch.allclose(matrix, rows, atol=1e-13)
    odd = gaussian.coefficients(torch.tanh, q, n_terms=30, parity=-1)
    assert torch.allclose(matrix, odd, atol=1e-15)


def test_hard_tanh_is_exact_with_its_kinks_and_warned_of_without():
    q = torch.tensor([0.25, 1.0, 9.0], dtype=torch.float64)
    inside = torch.special.erf(1 / (2 * q).sqrt())  # P(|h| < 1)
    square, slope, _ = activations.moments(activations.hard_tanh, q)
    assert torch.allclose(slope, inside, rtol=1e-14)
    density = torch.exp(-0.5 / q) * (2 / math.pi) ** 0.5 / q.sqrt()
    assert torch.allclose(square, q * (inside - density) + 1 - inside, rtol=1e-14)
    with pytest.warns(UserWarning, match=r"near x = -?1;"):
        activations.of(lambda x: x.clamp(-1, 1))


def test_smooth_callables_and_a_kink_at_zero_raise_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for phi in (torch.tanh, torch.relu, torch.nn.functional.gelu, torch.nn.functional.softplus, torch.nn.ELU()):
            activations.of(phi)


def test_student_errors():
    with pytest.raises(ValueError, match="p = 3"):
        powers.relu_power(3)
    with pytest.raises(ValueError, match="p >= 1"):
        powers.monomial(0)
    with pytest.raises(ValueError, match="parity"):
        Activation(torch.tanh, parity=2)
    with pytest.raises(ValueError, match="flatten q"):
        gaussian.coefficients(torch.tanh, torch.ones(2, 2, dtype=torch.float64), n_terms=4)
    with pytest.raises(ValueError, match="at least one node"):
        gaussian.panels(Q, n=0)
