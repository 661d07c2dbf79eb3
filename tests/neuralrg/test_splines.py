"""Neural spline couplings: monotone, invertible, of known volume, in one, two and three dimensions."""

from __future__ import annotations

import pytest
import torch

from fieldkit.neuralrg.equivariant import equivariant
from fieldkit.neuralrg.splines import SplineCouplings, spline, spline_inverse

DIMENSIONS = (1, 2, 3)


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(8)


def shaken(d, rng):
    flow = equivariant(4, d, n_rounds=2, width=5, n_bins=5, n_terms=0, rng=rng, dtype=torch.float64)
    for w in flow.parameters():
        w.data += 0.1 / 3 ** (d - 1) * torch.randn(w.shape, generator=rng, dtype=torch.float64)
    return flow, flow.prior.sample(3, rng=rng, dtype=torch.float64)


def some_spline(n, rng):
    widths, heights = (torch.rand(5, n, generator=rng, dtype=torch.float64).add(0.1) for _ in range(2))
    slopes = torch.rand(4, n, generator=rng, dtype=torch.float64) + 0.2
    return widths / widths.sum(0), heights / heights.sum(0), slopes


def test_a_spline_is_monotone_and_reports_its_slope(rng):
    told = some_spline(1000, rng)
    x = torch.linspace(-5, 5, 1000, dtype=torch.float64, requires_grad=True)
    y, log_slope = spline(x, *told, bound=3.0)
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert bool((slope > 0).all())
    torch.testing.assert_close(log_slope, slope.log(), rtol=0, atol=1e-10)


def test_a_spline_has_one_slope_on_both_sides_of_a_knot_and_is_the_identity_outside(rng):
    widths, heights, slopes = (y.expand(-1, 2) for y in some_spline(1, rng))
    knots = 6 * widths.cumsum(0)[:-1, 0] - 3
    for k, at in enumerate(knots):
        sides = torch.stack([at - 1e-9, at + 1e-9])
        y, log_slope = spline(sides, widths, heights, slopes, bound=3.0)
        torch.testing.assert_close(log_slope.exp(), slopes[k], rtol=1e-6, atol=0)
        torch.testing.assert_close(y[0], y[1], rtol=0, atol=1e-7)
    out = torch.tensor([-3.5, 4.0], dtype=torch.float64)
    y, log_slope = spline(out, widths, heights, slopes, bound=3.0)
    assert torch.equal(y, out) and not bool(log_slope.any())


def test_the_inverse_of_a_spline_solves_its_quadratic_equation(rng):
    told = some_spline(1000, rng)
    x = torch.linspace(-5, 5, 1000, dtype=torch.float64)
    back = spline_inverse(spline(x, *told, bound=3.0)[0], *told, bound=3.0)
    torch.testing.assert_close(back, x, rtol=0, atol=1e-10)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_spline_couplings_begin_as_the_identity(d, rng):
    moves = SplineCouplings(d, n_rounds=2, width=3, rng=rng, dtype=torch.float64)
    x = torch.randn((2,) + (4,) * d, generator=rng, dtype=torch.float64)
    y, log_det = moves(x)
    torch.testing.assert_close(y, x, rtol=0, atol=1e-12)
    torch.testing.assert_close(log_det, torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_spline_couplings_go_back_and_know_their_volume_and_their_score(d, rng):
    flow, z = shaken(d, rng)
    x, log_det = flow(z)
    again, back = flow.inverse(x)
    torch.testing.assert_close(again, z, rtol=0, atol=1e-9)
    torch.testing.assert_close(back, -log_det, rtol=0, atol=1e-9)
    matrix = torch.autograd.functional.jacobian(lambda z: flow(z)[0], z[:1]).reshape(4**d, 4**d)
    torch.testing.assert_close(matrix.slogdet()[1], log_det[0], rtol=0, atol=1e-9)
    place = x.detach().requires_grad_()
    (score,) = torch.autograd.grad(flow.log_prob(place).sum(), place)
    torch.testing.assert_close(flow.transport(z)[2], score, rtol=0, atol=1e-7)


def test_what_a_spline_cannot_be_is_refused(rng):
    for wrong in ({"n_bins": 1}, {"bound": 0.0}, {"width": 0}, {"depth": 0}):
        with pytest.raises(ValueError, match="least|positive|0"):
            SplineCouplings(2, **({"n_rounds": 1, "width": 2} | wrong), rng=rng)
    with pytest.raises(ValueError, match="d = 4"):
        SplineCouplings(4, n_rounds=1, width=2, rng=rng)
    with pytest.raises(ValueError, match="not odd"):
        equivariant(4, n_bins=4, odd=True, rng=rng)
