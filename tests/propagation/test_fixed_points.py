"""Laws of the length and correlation maps, their fixed points, and Poole's circle."""

import math
import warnings

import pytest
import torch

from fieldkit.propagation import activations, criticality, fixed_points, gaussian, maps
from fieldkit.propagation.activations import Activation

GRID = torch.meshgrid(
    torch.linspace(0.5, 4, 9, dtype=torch.float64), torch.linspace(0.002, 0.5, 5, dtype=torch.float64), indexing="ij"
)
SMOOTH = {"tanh": activations.tanh, "erf": activations.erf, "plain tanh": torch.tanh, "sin": activations.sin}
KINKED = {**SMOOTH, "hard tanh": activations.hard_tanh}


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("name", KINKED)
def test_fixed_points_are_fixed(name):
    phi, (sw2, sb2) = KINKED[name], GRID
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the series is short for a kink near the line; its own fixed point still holds
        p = fixed_points.phases(sw2, sb2, activation=phi)
    assert torch.allclose(maps.length(p.q, activation=phi, sw2=sw2, sb2=sb2), p.q, rtol=1e-13)
    assert torch.allclose(maps.correlation(p.e, p.q, activation=phi, sw2=sw2, sb2=sb2), p.e, atol=2e-13)
    assert ((p.e > 0) == (p.chi_1 > 1)).all() and (p.chi_c <= 1).all()


@pytest.mark.parametrize("name", SMOOTH)
def test_slopes_are_what_the_maps_do_to_small_deviations(name):
    phi, (sw2, sb2) = SMOOTH[name], GRID
    p = fixed_points.phases(sw2, sb2, activation=phi)
    step = 1e-5
    up, down = (maps.length(p.q * (1 + s), activation=phi, sw2=sw2, sb2=sb2) for s in (step, -step))
    assert torch.allclose((up - down) / (2 * step * p.q), p.chi_q, atol=1e-8)
    chaotic = p.chi_1 > 1.02
    up, down = (maps.correlation((p.e + s).clamp_min(0), p.q, activation=phi, sw2=sw2, sb2=sb2) for s in (step, -step))
    assert torch.allclose(((up - down) / (2 * step))[chaotic], p.chi_c[chaotic], atol=1e-7)
    near = maps.correlation(torch.full_like(p.q, 1e-9), p.q, activation=phi, sw2=sw2, sb2=sb2) / 1e-9
    assert torch.allclose(near, p.chi_1, rtol=1e-6)


def test_the_inverse_map_undoes_the_fixed_point():
    q, c = numbers(0.3, 1.0, 2.5), numbers(0.2, 0.6, 0.95, 1.0)
    for phi in (activations.tanh, activations.erf):
        sw2, sb2 = criticality.weights_for(q, c, activation=phi)
        exists = sb2 >= 0
        p = fixed_points.phases(sw2[exists], sb2[exists], activation=phi)
        assert exists.sum() > 6
        assert torch.allclose(p.q, q[:, None].expand_as(sw2)[exists], rtol=1e-11)
        on_the_line = (c == 1).expand_as(sw2)[exists]
        assert torch.allclose(p.c[~on_the_line], c.expand_as(sw2)[exists][~on_the_line], atol=1e-11)
        assert torch.allclose(p.chi_1[on_the_line], torch.ones_like(p.chi_1[on_the_line]), atol=1e-12)


@pytest.mark.parametrize("phi", [activations.tanh, activations.erf])
def test_at_length_is_the_critical_network_with_that_fixed_point(phi):
    sw2, sb2 = criticality.at_length(0.4, activation=phi)
    found = fixed_points.phases(sw2, activation=phi, sb2=sb2)
    assert found.q.item() == pytest.approx(0.4, rel=1e-8) and found.chi_1.item() == pytest.approx(1, rel=1e-8)


def test_the_critical_line_has_slope_one():
    sb2 = numbers(0.0, 0.001, 0.05, 0.5, 1.0)
    for phi in (activations.tanh, activations.erf, activations.hard_tanh):
        sw2, q = criticality.critical_line(sb2, activation=phi)
        assert torch.allclose(maps.length(q, activation=phi, sw2=sw2, sb2=sb2), q, atol=1e-12)
        assert torch.allclose(sw2 * activations.moments(phi, q)[1], torch.ones_like(q), atol=1e-12)
    # tanh, sb2 = 0.05: mpmath, trapezoid on the real line with 28-40 digits, root of chi_1 = 1
    assert criticality.critical_line(numbers(0.05), activation=activations.tanh)[0].item() == pytest.approx(
        1.76095463960674, abs=2e-14
    )
    with pytest.raises(ValueError, match="raise q_max"):
        criticality.critical_line(sb2, activation=activations.tanh, q_max=0.5)


# mpmath, trapezoid on the real line with 28-40 digits; c* by the Mehler series, 160 terms, against a 2-D trapezoid
@pytest.mark.parametrize(
    ("sw2", "sb2", "q", "c", "chi_1", "chi_c"),
    [
        (2.25, 0.05, 0.889424917282491, 0.5672249267589, 1.09233792948626, 0.9359901622591),
        (4.0, 0.3, 2.54836202764959, 0.5753947743412, None, 0.8584050962105),
        (1.5, 0.05, 0.418037200533478, 1.0, 0.938636268198851, 0.9386362681989),
        (16.0, 0.09, 12.6041494978443, 0.02969592158034, 2.36726103554588, 0.7597436050122),
    ],
)
def test_tanh_at_independent_points(sw2, sb2, q, c, chi_1, chi_c):
    p = fixed_points.phases(sw2, sb2, activation=activations.tanh)
    assert p.q.item() == pytest.approx(q, rel=4e-15)
    assert p.c.item() == pytest.approx(c, abs=5e-14)
    assert p.chi_c.item() == pytest.approx(chi_c, abs=5e-14)
    assert chi_1 is None or p.chi_1.item() == pytest.approx(chi_1, rel=4e-15)


def test_newton_reaches_what_iteration_would_need_ages_for():
    sw2, _ = criticality.critical_line(numbers(0.05), activation=activations.erf)
    p = fixed_points.phases(sw2 + 1e-4, 0.05, activation=activations.erf)
    again = maps.correlation(p.e, p.q, activation=activations.erf, sw2=sw2 + 1e-4, sb2=0.05)
    assert 1e-6 < p.e.item() < 1e-2
    assert abs((again - p.e) / p.e).item() < 1e-12
    no_bias = fixed_points.length_fixed_point(1.001, 0.0, activation=activations.tanh)  # q* = eps/2 + O(eps^2)
    assert no_bias.item() == pytest.approx(0.0005, rel=2e-3)


def test_order_without_bias_dies_out():
    p = fixed_points.phases(numbers(0.3, 0.9), 0.0, activation=activations.tanh)
    assert (p.q == 0).all() and (p.e == 0).all()
    assert torch.allclose(p.chi_1, numbers(0.3, 0.9))


def test_relu_is_linear_in_length_and_unbounded_from_two():
    sw2, sb2 = numbers(0.5, 1.5, 2.0, 3.0), 0.1
    p = fixed_points.phases(sw2, sb2, activation=activations.relu)
    assert torch.allclose(p.q[:2], sb2 / (1 - sw2[:2] / 2), rtol=1e-14)
    assert torch.isinf(p.q[2:]).all() and torch.isnan(p.chi_1[2:]).all()
    swish = fixed_points.phases(numbers(0.5, 3.0), sb2, activation=activations.swish)
    assert torch.isfinite(swish.q[0]) and torch.isinf(swish.q[1]) and torch.isfinite(swish.xi_c[0])


def test_he_networks_forget_angles_as_a_power_not_an_exponential():
    e = numbers(1.0)
    _, history = maps.correlations(e, numbers(1.0), 1000, activation=activations.relu, sw2=2.0, sb2=0.0)
    assert 1 - history[10].item() == pytest.approx(0.8715355160215176, rel=1e-15)  # 40-digit iteration
    assert 1000**2 * history[1000].item() == pytest.approx(43.13, abs=0.01)  # -> 9 pi^2 / 2 = 44.41


@pytest.mark.parametrize("keep", [0.99, 0.8])
def test_dropout_tells_twins_apart(keep):
    p = fixed_points.phases(numbers(1.2, 2.0), 0.05, activation=activations.tanh, keep=keep)
    assert (p.e > 0).all()
    q = maps.length(p.q, activation=activations.tanh, sw2=numbers(1.2, 2.0), sb2=0.05, keep=keep)
    e = maps.correlation(p.e, p.q, activation=activations.tanh, sw2=numbers(1.2, 2.0), sb2=0.05, keep=keep)
    assert torch.allclose(q, p.q, rtol=1e-13) and torch.allclose(e, p.e, atol=1e-13)
    with pytest.raises(ValueError, match="keep = 0"):
        fixed_points.phases(1.0, 0.1, activation=torch.tanh, keep=0)


def test_weights_measured_in_a_real_network_follow_the_maps():
    """One wide layer at a time: 4000 neurons, the mean of 40 networks against the map, five layers deep."""
    rng, n, width = torch.Generator().manual_seed(3), 40, 400
    h = torch.randn(n, 2, width, generator=rng, dtype=torch.float64)
    h[:, 1] = 0.6 * h[:, 0] + 0.8 * h[:, 1]
    qs, es = maps.correlations(numbers(0.4), numbers(1.0), 5, activation=torch.tanh, sw2=2.25, sb2=0.05)
    for _ in range(5):
        W = torch.randn(n, width, width, generator=rng, dtype=torch.float64) * (2.25 / width) ** 0.5
        h = torch.tanh(h) @ W.mT + torch.randn(n, 1, width, generator=rng, dtype=torch.float64) * 0.05**0.5
    q, cross = h.square().mean((1, 2)), (h[:, 0] * h[:, 1]).mean(1)
    for measured, exact in ((q, qs[5]), (cross, qs[5] * (1 - es[5]))):
        error = measured.std() / n**0.5 + 2 / width * 0.3  # the bias of a finite width is of order 1 / width
        assert abs(measured.mean() - exact).item() < 4 * error.item()


def test_a_circle_stretches_and_bends_to_its_fixed_curvature():
    sw2, sb2 = 6.25, 0.09
    q = fixed_points.length_fixed_point(sw2, sb2, activation=activations.tanh)
    metric, bend = maps.curvature(q, 60, activation=activations.tanh, sw2=sw2, sb2=sb2)
    # mpmath, 28-40 digits: chi_1 and N kappa*^2
    assert metric[1].item() == pytest.approx(1.58522476500603, rel=1e-13)
    assert bend[60].item() == pytest.approx(3.86770982430909, rel=1e-11)
    assert fixed_points.curvature_fixed_point(sw2, sb2, activation=activations.tanh).item() == pytest.approx(
        3.86770982430909, rel=1e-13
    )
    assert bend[0].item() == pytest.approx(1 / q.item())
    assert math.isinf(fixed_points.curvature_fixed_point(1.0, 0.1, activation=activations.tanh))
    with pytest.raises(ValueError, match="smooth phi"):
        maps.curvature(q, 2, activation=activations.hard_tanh, sw2=sw2, sb2=sb2)


def test_half_stable_points():
    q, sw2, sb2 = criticality.half_stable(1, 10, activation=activations.gelu)
    assert q.item() == pytest.approx((3 + math.sqrt(17)) / 2, rel=2e-14)
    _, slope, growth = activations.moments(activations.gelu, q)
    assert (sw2 * slope).item() == pytest.approx(1) and (sw2 * growth).item() == pytest.approx(1)
    assert criticality.critical_exponents(torch.tanh) == (-2, -2)
    with pytest.raises(ValueError, match="widen the interval"):
        criticality.half_stable(1, 2, activation=activations.gelu)


def test_a_series_that_is_too_short_is_not_believed():
    phi = activations.hard_tanh
    sw2, _ = criticality.critical_line(numbers(0.1), activation=phi)
    short, long = (fixed_points.phases(sw2 * 1.05, 0.1, activation=phi, n_terms=n) for n in (20, 160))
    assert short.e.item() == pytest.approx(long.e.item(), rel=1e-9)
    far = fixed_points.phases(3.5, 0.02, activation=phi)  # deep in chaos c* is small and the series is exact
    again = maps.correlation(far.e, far.q, activation=phi, sw2=3.5, sb2=0.02)
    assert again.item() == pytest.approx(far.e.item(), abs=1e-12)


def test_the_choice_of_closed_form_or_quadrature_changes_nothing():
    plain = Activation(torch.erf)
    a, b = (fixed_points.phases(*GRID, activation=phi) for phi in (plain, activations.erf))
    for x, y in zip(a, b):
        assert torch.allclose(x, y, atol=1e-11)


def test_negative_variances_are_refused():
    with pytest.raises(ValueError, match="cannot be negative"):
        fixed_points.phases(-1.0, 0.1, activation=torch.tanh)


def test_every_waits_for_all():
    assert gaussian.every(torch.tensor([True, True])) and not gaussian.every(torch.tensor([True, False]))
