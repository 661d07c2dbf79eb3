"""A diffusion model makes up its mind, and remembers, at times that can be computed."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from fieldkit.estimates import mean
from fieldkit.transitions import speciation
from tests.transitions.golden import golden


def test_clones_agree_as_often_as_the_integral_says():
    rng, n = torch.Generator().manual_seed(0), 1500
    for t in (1.5, 2.2, 3.0):
        exact = speciation.agreement(t, distance2=32.0, s2=0.25)
        found = speciation.clones(n, 32, t, s2=0.25, rng=rng).double().mean().item()
        assert abs(found - exact) < 4 * math.sqrt(exact * (1 - exact) / n) + 0.005  # of 300 steps


def test_far_and_near_in_time_and_the_same_curve_at_every_dimension():
    assert speciation.agreement(1e-3, distance2=64.0, s2=0.1) == pytest.approx(1.0)
    assert speciation.agreement(12.0, distance2=64.0, s2=0.1) == pytest.approx(0.5, abs=1e-4)
    at = [speciation.agreement(speciation.speciation_time(distance2=d), distance2=d, s2=1.0) for d in (1e2, 1e4, 1e8)]
    assert at == pytest.approx([at[0]] * 3, abs=1e-9)


def test_score_is_the_gradient_of_the_log_density():
    centre, t, s2 = torch.tensor([1.0, 0.5], dtype=torch.float64), 0.4, 0.3
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
    g = s2 * math.exp(-2 * t) + 1 - math.exp(-2 * t)
    parts = [-(x - k * math.exp(-t) * centre).square().sum(1) / (2 * g) for k in (1, -1)]
    slope = torch.autograd.grad(torch.logsumexp(torch.stack(parts), 0).sum(), x)[0]
    assert torch.allclose(slope, speciation.score(x.detach(), t, centre=centre, s2=s2))


def test_the_own_weight_is_that_of_points_really_drawn():
    d, n, t, rng = 12, 200, 0.35, torch.Generator().manual_seed(2)
    a = torch.randn(400, n, d, generator=rng, dtype=torch.float64)
    z = torch.randn(400, d, generator=rng, dtype=torch.float64)
    x = math.exp(-t) * a[:, 0] + math.sqrt(1 - math.exp(-2 * t)) * z
    energy = -(x[:, None] - math.exp(-t) * a).square().sum(2) / (2 * (1 - math.exp(-2 * t)))
    drawn = mean(energy.softmax(1)[:, 0])
    exact = mean(speciation.mean_own_weight(400, d, math.log(n), t, s2=1.0, rng=rng))
    assert abs(drawn.value - exact.value) < 4 * math.hypot(drawn.error, exact.error)


def test_one_point_has_all_the_weight_and_endless_points_leave_none():
    assert speciation.own_weight(16, 0.0, 0.5, s2=1.0, x2=16.0, z2=16.0) == pytest.approx(1.0, rel=1e-12)
    weights = [speciation.own_weight(64, k, 0.3, s2=1.0, x2=64.0, z2=64.0) for k in (5.0, 20.0, 40.0, 88.0)]
    assert weights == sorted(weights, reverse=True) and weights[-1] < 1e-6


@pytest.mark.parametrize(("d", "shift"), [(2, 3.0), (16, 0.5), (64, 200.0), (1024, 700.0)])
def test_the_noncentral_density_is_right_far_into_its_lower_tail(d, shift):
    q = np.linspace(max(1e-3, d + shift - 12 * math.sqrt(2 * (d + 2 * shift))), d + 2 * shift, 40)
    ours, theirs = speciation._log_noncentral(q, d, shift), stats.ncx2.logpdf(q, d, shift)
    trusted = theirs > -600
    assert ours[trusted] == pytest.approx(theirs[trusted], rel=1e-9, abs=1e-8)


def test_a_closest_point_thirty_deviations_down_is_not_cut_off():
    """d = 1024 at the collapse time: about one half; a grid that ends too early says one."""
    alpha = math.log(2) / 2
    t = speciation.collapse_time(alpha, s2=1.0)
    rng = torch.Generator().manual_seed(3)
    found = mean(speciation.mean_own_weight(60, 1024, alpha * 1024, t, s2=1.0, rng=rng))
    assert abs(found.value - 0.506) < 4 * math.hypot(found.error, 0.031)


def test_values_are_the_independent_ones():
    for numbers, value in golden("diffusion.agree"):
        found = speciation.agreement(numbers["t"], distance2=numbers["d"] * numbers["mu2"], s2=numbers["s2"])
        assert found == pytest.approx(value, rel=1e-12)
    for numbers, value in golden("diffusion.t_collapse"):
        assert speciation.collapse_time(numbers["alpha"], s2=numbers["s2"]) == pytest.approx(value, rel=1e-13)
    for numbers, value in golden("diffusion.own_weight"):
        found = speciation.own_weight(
            int(numbers["d"]),
            math.log(numbers["n"]),
            numbers["t"],
            s2=numbers["s2"],
            x2=numbers["x2"],
            z2=numbers["z2"],
        )
        assert found == pytest.approx(value, rel=1e-8)
    assert speciation.collapse_time(math.log(2) / 2, s2=1.0) == pytest.approx(math.log(2) / 2, rel=1e-14)


def test_impossible_diffusions_are_refused():
    rng = torch.Generator().manual_seed(0)
    for call, words in (
        (lambda: speciation.agreement(0.0, distance2=1.0, s2=1.0), "t = 0"),
        (lambda: speciation.agreement(1.0, distance2=1.0, s2=-1.0), "s2 = -1"),
        (lambda: speciation.speciation_time(distance2=0.5), "distance2 = 0.5"),
        (lambda: speciation.collapse_time(0.0, s2=1.0), "alpha = 0"),
        (lambda: speciation.own_weight(4, -1.0, 1.0, s2=1.0, x2=1.0, z2=1.0), "log_n = -1"),
        (lambda: speciation.clones(0, 4, 1.0, s2=1.0, rng=rng), "n = 0"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
