"""Two features on one unit: the integral is exact, and the minima cross where the weights jump."""

import numpy as np
import pytest
import torch

from fieldkit.transitions import superposition
from tests.transitions.golden import golden


@pytest.mark.parametrize(
    "weights", [(1.0, -1.0, 0.0, 0.0), (0.9, -0.4, 0.2, 0.5), (0.7, 0.7, -0.3, -0.1), (1, 0, 0, 0.3)]
)
def test_the_loss_is_the_average_over_features(weights):
    p, n = 0.6, 2_000_000
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(n, 2, generator=rng, dtype=torch.float64)
    x = x * (torch.rand(n, 2, generator=rng, dtype=torch.float64) < p)
    u, v, b1, b2 = weights
    w, b = torch.tensor([u, v], dtype=torch.float64), torch.tensor([b1, b2], dtype=torch.float64)
    sample = ((w * (x @ w)[:, None] + b).clamp_min(0) - x).square().sum(1)
    found = superposition.loss(*weights, p)
    assert abs(sample.mean().item() - found) < 4 * sample.std().item() / n**0.5


def test_the_dedicated_solution_keeps_one_feature_and_the_mean_of_the_other():
    for p in (0.1, 0.5, 1.0):
        assert superposition.loss(1.0, 0.0, 0.0, p / 2, p) == pytest.approx(superposition.dedicated(p), rel=1e-12)
        assert superposition.loss(1.0, 0.0, 0.0, p / 2 + 0.01, p) > superposition.dedicated(p)


def plain_rule(weights, p, n):
    """The same integral by one Gauss-Legendre rule of n x n nodes across the kinks."""
    x, w = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(n))
    x, w = (x + 1) / 2, w / 2
    u, v, b1, b2 = weights

    def misfit(s, t):
        unit = u * s + v * t
        return ((u * unit + b1).clamp_min(0) - s) ** 2 + ((v * unit + b2).clamp_min(0) - t) ** 2

    alone = (w * (misfit(x, 0 * x) + misfit(0 * x, x))).sum()
    both = (w[:, None] * w * misfit(x[:, None], x)).sum()
    none = max(b1, 0) ** 2 + max(b2, 0) ** 2
    return float((1 - p) ** 2 * none + p * (1 - p) * alone + p * p * both)


def test_finer_and_finer_plain_rules_end_at_the_integral():
    weights = (0.96897, -0.96897, 0.09768, 0.09768)
    off = [abs(plain_rule(weights, 0.5, n) - superposition.loss(*weights, 0.5)) for n in (100, 400, 1600)]
    assert off[2] < 2e-9 < off[0] and off[2] < off[1]


def test_antipodal_losses_are_the_independent_ones():
    """Those were found by a plain rule of 200 x 200 nodes, which is off by 1.6e-7 where outputs begin."""
    for numbers, value in golden("superposition.antipodal_loss"):
        assert superposition.antipodal(numbers["p"])[0] == pytest.approx(value, abs=2e-7)
    assert superposition.antipodal(0.5)[0] == pytest.approx(0.07628244698956, abs=1e-12)


def test_the_weights_jump_where_the_two_minima_are_equally_good():
    p = superposition.critical_density()
    assert p == pytest.approx(0.70640, abs=2e-5)
    value, (u, v, *_) = superposition.dense(p)
    other, w, _ = superposition.antipodal(p)
    assert value == pytest.approx(other, abs=1e-8)
    assert abs(v) == pytest.approx(0.516, abs=0.003) and abs(w) == pytest.approx(0.755, abs=0.003) and u > 0.8


def test_a_density_is_a_probability():
    with pytest.raises(ValueError, match="p = 1.2"):
        superposition.loss(1, 0, 0, 0, 1.2)
    with pytest.raises(ValueError, match="p = -0.5"):
        superposition.dedicated(-0.5)
