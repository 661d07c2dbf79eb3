"""Curves of inputs: their derivatives are exact, and wide networks stretch and bend them as the maps say."""

import math

import pytest
import torch

from fieldkit import correlated
from fieldkit.estimates import jackknife, mean
from fieldkit.propagation import activations, criticality, curves, fixed_points, maps

SETTINGS = {"activation": activations.tanh, "sw2": 6.25, "sb2": 0.09}


def test_the_circle_has_its_radius_speed_and_curvature():
    x = curves.circle(0.7, 9, 5, rng=torch.Generator().manual_seed(1))
    overlaps = torch.einsum("apd,bpd->pab", x, x) / 9
    assert torch.allclose(overlaps[:, [0, 1, 2], [0, 1, 2]], torch.full((5, 3), 0.7, dtype=torch.float64))
    assert torch.allclose(overlaps[:, 1, [0, 2]], torch.zeros(5, 2, dtype=torch.float64), atol=1e-14)
    assert torch.allclose(curves.bending(overlaps), torch.full((5,), 1 / 0.7, dtype=torch.float64))  # 1 / radius^2


@pytest.mark.parametrize("phi", [activations.tanh, activations.erf, activations.gelu])
def test_the_derivatives_carried_along_are_those_of_the_curve(phi):
    """Against automatic differentiation through the same network, at every layer."""
    x = curves.circle(1.0, 6, 3, rng=torch.Generator().manual_seed(2))
    one, two = x[0, 0], x[1, 0]

    def point(t):
        where = torch.cos(t) * one + torch.sin(t) * two
        h = torch.stack([where, torch.zeros_like(where), torch.zeros_like(where)])[:, None]
        settings = {"activation": phi, "sw2": 1.9, "sb2": 0.2, "width": 4}
        return torch.stack([h[0, 0] for h in curves.layers(h, 4, rng=torch.Generator().manual_seed(3), **settings)])

    carried = list(curves.layers(x, 4, activation=phi, sw2=1.9, sb2=0.2, width=4, rng=torch.Generator().manual_seed(3)))
    one_step = torch.ones((), dtype=torch.float64)
    for i in range(3):
        t = torch.tensor(2 * math.pi * i / 3, dtype=torch.float64)
        h, slope = torch.func.jvp(lambda t: torch.func.jvp(point, (t,), (torch.ones_like(t),)), (t,), (one_step,))
        exact = torch.stack([h[0], h[1], slope[1]], 1)
        assert torch.allclose(torch.stack([h[:, i] for h in carried]), exact, rtol=1e-12, atol=1e-12)


def test_a_push_along_a_ray_shrinks_by_the_slope_of_the_length_map():
    """Exact after one hidden layer at every width, from whatever length."""
    q, rng = 0.9, torch.Generator().manual_seed(8)
    x = curves.ray(q, 7, rng=rng)
    assert torch.allclose(torch.einsum("apd,bpd->ab", x, x)[:2, :2] / 7, torch.full((2, 2), q, dtype=torch.float64))
    found = curves.propagate(x, 2, n=4000, width=12, rng=rng, **SETTINGS)[:, 1, 0, 1]
    chi_q = 6.25 * activations.moments(activations.tanh, torch.tensor(6.25 * q + 0.09, dtype=torch.float64))[2]
    assert abs(mean(found).pull(6.25 * q * chi_q.item())) < 4


def test_points_may_have_weights_of_their_own():
    x = curves.circle(1.0, 5, 2, rng=torch.Generator().manual_seed(4))
    settings = {"activation": activations.tanh, "width": 6}
    sw2, sb2 = (torch.tensor([[a], [b]], dtype=torch.float64) for a, b in ((1.2, 3.0), (0.0, 0.4)))
    both = list(curves.layers(x, 3, sw2=sw2, sb2=sb2, rng=torch.Generator().manual_seed(5), **settings))
    for i in range(2):
        rng = torch.Generator().manual_seed(5)
        alone = list(curves.layers(x[:, [i]], 3, sw2=sw2[i].item(), sb2=sb2[i].item(), rng=rng, **settings))
        assert all(torch.allclose(a[:, 0], b[:, i], rtol=1e-13, atol=1e-14) for a, b in zip(alone, both))


def test_one_hidden_layer_stretches_and_bends_without_bias_at_every_width():
    """Given the circle the first pre-activations are Gaussian with exactly its covariance: one step of the maps."""
    q, rng = 0.9, torch.Generator().manual_seed(6)
    x = curves.circle(q, 7, 4, rng=rng)
    found = curves.propagate(x, 2, n=4000, width=12, rng=rng, **SETTINGS)
    q1, r1 = 6.25 * q + 0.09, 6.25 * q
    start = torch.tensor(q1, dtype=torch.float64)
    metric, bends = maps.curvature(start, 1, start=torch.tensor(1 / r1), **SETTINGS)
    assert abs(mean(found[:, 1, 1, 1] / r1).pull(metric[1].item())) < 4
    assert abs(jackknife(curves.bending, found[:, 1]).pull(bends[1].item())) < 4


def test_circles_at_infinite_width_bend_and_stretch_as_the_maps_say():
    drawn = curves.circles(3, widths=(60, 120, 240), work=60_000, rng=torch.Generator().manual_seed(7), **SETTINGS)
    point = fixed_points.phases(6.25, 0.09, activation=activations.tanh)
    bends = fixed_points.circle_curvature(3, **SETTINGS)
    assert abs(curves.wide(lambda o: curves.bending(o[3]), drawn).pull(bends[3].item())) < 4
    assert abs(curves.wide(lambda o: (o[3, 1, 1] / o[0, 1, 1]) ** (1 / 3), drawn).pull(point.chi_1.item())) < 4


def test_the_measured_edge_of_chaos_is_the_critical_line():
    sb2 = torch.tensor([0.05, 0.3], dtype=torch.float64)
    line = criticality.critical_line(sb2, activation=activations.tanh)[0]
    settings = {"widths": (50, 100, 200), "work": 100_000, "activation": activations.tanh}
    found = correlated.bars(curves.edges(sb2, 1.05 * line, rng=torch.Generator().manual_seed(9), **settings))
    assert all(abs(edge.pull(exact.item())) < 4 for edge, exact in zip(found, line))
    with pytest.raises(ValueError, match="a guess for each sb2"):
        curves.edges(sb2, line[:1], rng=torch.Generator(), **settings)


def test_student_errors():
    rng = torch.Generator()
    with pytest.raises(ValueError, match="q = 0"):
        curves.circle(0.0, 4, 3, rng=rng)
    with pytest.raises(ValueError, match="n_points = 0"):
        curves.circle(1.0, 4, 0, rng=rng)
    with pytest.raises(ValueError, match="q = -1"):
        curves.ray(-1.0, 4, rng=rng)
    x = curves.circle(1.0, 4, 3, rng=rng)
    with pytest.raises(ValueError, match="depth = 0"):
        next(curves.layers(x, 0, width=3, rng=rng, **SETTINGS))
    with pytest.raises(ValueError, match="width = 0"):
        next(curves.layers(x, 1, width=0, rng=rng, **SETTINGS))
