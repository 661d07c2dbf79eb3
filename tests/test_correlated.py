"""Points of a figure at infinite size: their covariance is what they scatter by, also when it was measured on few
draws, and the weights of the sizes are the best there are."""

import math

import pytest
import torch

from fieldkit import correlated, fits

SPREAD = 0.5
SIZES = [25.0, 50.0, 100.0]
SLOPE = torch.tensor([3.0, -2.0, 5.0, 0.0], dtype=torch.float64)
ROOT = torch.tensor(
    [[1.0, 0, 0, 0], [0.9, 0.3, 0, 0], [0.8, 0.3, 0.4, 0], [0.7, 0.3, 0.4, 0.5]], dtype=torch.float64
)  # neighbouring points of one curve share most of their noise


def drawn(n, size, rng):
    """n draws of four points around 1 + slope / size: log-normal, a positive product of many chances."""
    x = torch.randn(n, 4, generator=rng, dtype=torch.float64) @ ROOT.T
    return (1 + SLOPE / size) * torch.exp(SPREAD * x - SPREAD**2 * ROOT.square().sum(1) / 2)


def test_a_limit_of_few_draws_scatters_as_it_says():
    """160, 80 and 40 draws at three sizes.  A fit with all covariances as they were measured strays by more: where the
    draws are skewed, a mean that is low by chance has a small bar, and counts for more."""
    rng, found, fitted, n = torch.Generator().manual_seed(1), [], [], 600
    design = [torch.cat([torch.eye(4), torch.eye(4) / size], 1).double() for size in SIZES]
    for _ in range(n):
        curves = [correlated.points(lambda m: m, drawn(4000 // int(size), size, rng)) for size in SIZES]
        value, covariance = correlated.limit(SIZES, curves)
        found.append(float((value - 1) @ torch.linalg.solve(covariance, value - 1)))
        fit = fits.linear_fit(torch.cat(design), *correlated.join(curves))
        off = fit.parameters[:4] - 1
        fitted.append(float(off @ torch.linalg.solve(fit.covariance[:4, :4], off)))
    bar = math.sqrt(8 / n)
    assert abs(sum(found) / n - 4) < 6 * bar  # the widening is exact for Gaussian draws of one size
    assert sum(fitted) / n > 4 + 8 * bar


def test_a_limit_of_alike_covariances_is_the_best_fit():
    """Zellner 1962: with one design for all points and covariances in one proportion, fits of single points with the
    same weights are the generalised least squares of all."""
    values = [1 + SLOPE / size + 0.01 * size % 0.07 for size in SIZES]
    curves = [(v, ROOT @ ROOT.T / n) for v, n in zip(values, (160, 80, 40))]
    design = torch.cat([torch.cat([torch.eye(4), torch.eye(4) / size], 1).double() for size in SIZES])
    best = fits.linear_fit(design, *correlated.join(curves))
    value, covariance = correlated.limit(SIZES, curves)
    assert torch.allclose(value, best.parameters[:4], rtol=1e-12)
    assert torch.allclose(covariance, best.covariance[:4, :4], rtol=1e-12)


def test_two_sizes_leave_no_choice_and_a_parabola_needs_three():
    curves = [(1 + SLOPE / size, (1 + k) * ROOT @ ROOT.T) for k, size in enumerate(SIZES)]
    value, covariance = correlated.limit(SIZES[:2], curves[:2])
    assert torch.allclose(value, torch.ones_like(value))
    assert torch.allclose(covariance, 4 * curves[1][1] + curves[0][1])  # 2 v(50) - v(25)
    bent = [(v + SLOPE.square() / size**2, c) for (v, c), size in zip(curves, SIZES)]
    assert torch.allclose(correlated.limit(SIZES, bent, order=2)[0], torch.ones_like(value))
    with pytest.raises(ValueError, match="at least as many values"):
        correlated.limit(SIZES[:2], curves[:2], order=2)
    with pytest.raises(ValueError, match=r"\[3, 4\] points"):
        correlated.limit(SIZES[:2], [curves[0], (curves[1][0][:3], curves[1][1][:3, :3])])


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_not_finite_or_has_two_halves_is_refused(wrong):
    good = (torch.ones(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64))
    bad = [good[0] * torch.tensor([1.0, wrong]), good[1] + torch.tensor([[0.0, wrong], [wrong, 0.0]])]
    for curve in ((bad[0], good[1]), (good[0], bad[1])):
        with pytest.raises(ValueError, match="all finite"):
            correlated.limit(SIZES, [curve, good, good])
        with pytest.raises(ValueError, match="all finite"):
            correlated.join([curve])
    with pytest.raises(ValueError, match="not symmetric"):
        correlated.limit(SIZES, [(good[0], torch.tensor([[1.0, 0.9], [0.0, 1.0]])), good, good])


def test_a_point_that_is_known_at_every_size_does_not_disturb_the_others():
    flat = torch.zeros(4, 4, dtype=torch.float64)
    flat[1:, 1:] = torch.eye(3)
    value, covariance = correlated.limit(SIZES, [(1 + SLOPE / size, flat) for size in SIZES])
    assert torch.allclose(value, torch.ones_like(value))
    assert covariance[0, 0] == 0
    assert bool((covariance.diagonal()[1:] > 0).all())
