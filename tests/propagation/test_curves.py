"""A circle in a random network: exact derivatives, and the laws they obey."""

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.propagation import activations, curves, maps


def test_the_circle_has_its_length_metric_and_curvature():
    x = curves.circle(1.7, 9, 5, rng=torch.Generator().manual_seed(1))
    overlaps = torch.einsum("ipd,jpd->ijp", x, x) / 9
    for i, j, value in ((0, 0, 1.7), (1, 1, 1.7), (2, 2, 1.7), (0, 1, 0.0), (0, 2, -1.7)):
        assert torch.allclose(overlaps[i, j], torch.full((5,), value, dtype=torch.float64), atol=1e-12)
    assert curves.bending(overlaps.mean(-1)).item() == pytest.approx(1 / 1.7)


def test_the_derivatives_carried_are_those_of_the_network():
    """Against central differences of the same network, seeds equal."""
    step, angle = 1e-4, torch.tensor(1e-4, dtype=torch.float64)
    x = curves.circle(1.0, 6, 1, rng=torch.Generator().manual_seed(2))
    shifted = [x + 0 for _ in range(2)]
    for sign, curve in zip((1, -1), shifted):
        curve[0] = x[0] * angle.cos() + sign * x[1] * angle.sin()

    def last(curve):
        law = {"activation": activations.tanh, "sw2": 2.0, "sb2": 0.3}
        return [*curves.layers(curve, 4, width=7, **law, rng=torch.Generator().manual_seed(5))][-1]

    (ahead, _, _), (behind, _, _), (h, first, second) = (last(c) for c in (*shifted, x))
    assert torch.allclose((ahead - behind) / (2 * step), first, atol=1e-5)
    assert torch.allclose((ahead - 2 * h + behind) / step**2, second, atol=1e-4)


def test_in_wide_networks_metric_and_curvature_follow_the_recursion():
    """A deviation of order 1 / N, with a coefficient below 20 (measured at N = 100 and 400), is allowed for."""
    N, law = 300, {"activation": activations.tanh, "sw2": 1.69, "sb2": 0.09}
    x = curves.circle(1.0, N, 16, rng=torch.Generator().manual_seed(3))
    found = curves.propagate(x, 4, n=30, width=N, **law, rng=torch.Generator().manual_seed(4))
    q = torch.tensor(1.69 + 0.09, dtype=torch.float64)
    g, k = maps.curvature(q, 3, **law, start=torch.tensor(1 / 1.69, dtype=torch.float64))
    for layer in range(4):
        metric = mean(found[:, layer, 1, 1])
        assert abs(metric.value - 1.69 * g[layer]) < 4 * metric.error + 20 * metric.value / N / 10
        bend = curves.bending(found[:, layer].mean(0))
        assert abs(bend / k[layer] - 1) < 0.1


def test_student_errors():
    with pytest.raises(ValueError, match="radius"):
        curves.circle(0.0, 5, 3, rng=torch.Generator())
    x = curves.circle(1.0, 5, 3, rng=torch.Generator())
    with pytest.raises(ValueError, match="depth = 0"):
        curves.propagate(x, 0, n=1, width=3, activation=torch.tanh, sw2=1.0, sb2=0.0, rng=torch.Generator())
