"""Critical points read off small systems carry all of their errors, and nothing is extrapolated."""

import math

import pytest
import torch

from fieldkit.transitions import capacity, data_collapse, scaling


def cover_curves(sizes=(10, 20, 40, 80), trials=400, seed=0):
    """Fractions of separable sets of points: exact at every size, x_c = 2, 1/nu = 1/2, beta/nu = 0."""
    rng = torch.Generator().manual_seed(seed)
    curves = []
    for N in sizes:
        P = sorted({round(N * (2 + 2.6 * k / math.sqrt(N) / 5)) for k in range(-5, 6)})
        p = torch.tensor([capacity.cover(q, N) for q in P], dtype=torch.float64)
        hits = torch.binomial(torch.full_like(p, trials), p, generator=rng)
        soft = (hits + 1) / (trials + 2)
        error = (soft * (1 - soft) / trials).sqrt()
        curves.append(data_collapse.Curve(N, torch.tensor([q / N for q in P]), hits / trials, error))
    return curves


def test_a_right_collapse_is_near_one_and_a_wrong_one_far_above():
    curves = cover_curves()
    assert 0.5 < data_collapse.quality(curves, 2.0, 0.5, 0.0) < 2
    assert data_collapse.quality(curves, 2.0, 1.0, 0.0) > 10 and data_collapse.quality(curves, 2.1, 0.5, 0.0) > 5


def test_the_best_collapse_finds_the_capacity_and_its_exponents():
    found = torch.stack([data_collapse.best(cover_curves(seed=s), start=(2.05, 0.45, 0.02))[0] for s in range(8)])
    middle, bar = found.mean(0), found.std(0)
    assert abs(middle[0] - 2) < 0.03 and abs(middle[1] - 0.5) < 0.06 and (bar < 0.1).all()


def test_quality_is_invariant_under_units_and_order():
    curves = cover_curves()
    scaled = [data_collapse.Curve(c.size, 10 * c.x, 3 * c.value, 3 * c.error) for c in reversed(curves)]
    assert data_collapse.quality(scaled, 20.0, 0.5, 0.0) == pytest.approx(
        data_collapse.quality(curves, 2.0, 0.5, 0.0), rel=1e-9
    )


def magnets(seed, sizes=(8, 12, 16, 24, 32), chains=64, x_c=2.27, a=1.0, b=0.125, u=0.3):
    """Moments with a known scaling form, a correction L^-1.75 in the ratio, and chains that fluctuate in common."""
    rng = torch.Generator().manual_seed(seed)
    x = torch.linspace(2.2, 2.34, 6, dtype=torch.float64)
    found = []
    for L in sizes:
        z = (x - x_c) * L**a
        m = L**-b * torch.exp(-0.1 - 0.25 * z - 0.02 * z**2)
        ratio = 0.61 - 0.12 * z + 0.01 * z**2 + u * L**-1.75
        m2 = 1.1 * m**2
        m4 = 3 * m2**2 * (1 - ratio)
        e = 0.05 * torch.randn(chains, 6, 1, generator=rng, dtype=torch.float64)
        own = 0.03 * torch.randn(chains, 6, 3, generator=rng, dtype=torch.float64)
        found.append(torch.stack([m, m2, m4], -1) * (1 + e * torch.tensor([1.0, 2.0, 4.0]) + own))
    return sizes, x, found


def test_bars_of_the_whole_fit_are_the_spread_of_whole_fits():
    fits = [scaling.fit(*magnets(seed), start=(2.26, 1.1), omega=1.75) for seed in range(24)]
    for name, truth in (("x_c", 2.27), ("1/nu", 1.0), ("beta/nu", 0.125)):
        pulls = torch.tensor([fit.estimate(name).pull(truth) for fit in fits], dtype=torch.float64)
        assert abs(pulls.mean()) < 4 / math.sqrt(24) and 0.6 < pulls.std() < 1.6, name
    chi2 = torch.tensor([fit.chi2 for fit in fits])
    # a covariance from 64 chains: the mean of chi^2 is larger by 63/(63 - 3), Hotelling's factor for pairs
    assert chi2.mean() / fits[0].dof == pytest.approx(63 / 60, abs=4 * math.sqrt(2 / fits[0].dof / 24))


def test_a_correction_left_out_shows_in_small_sizes():
    sizes, x, moments = magnets(3, u=3.0)
    with_it = scaling.fit(sizes, x, moments, start=(2.27, 1.0), omega=1.75)
    without = scaling.fit(sizes, x, moments, start=(2.27, 1.0), omega=0.0)  # a constant corrects nothing
    assert without.chi2 > 2 * with_it.chi2


def test_the_square_of_the_order_parameter_doubles_its_exponent():
    sizes, x, moments = magnets(4)
    squared = [torch.stack([m[..., 1], m[..., 1], m[..., 2]], -1) for m in moments]
    found = scaling.fit(sizes, x, squared, start=(2.27, 1.0), omega=1.75).estimate("beta/nu")
    assert found.value == pytest.approx(0.25, abs=5 * found.error)


def test_ratios_of_sizes_cross_at_the_critical_point():
    sizes, x, moments = magnets(5, chains=256, u=0.0)
    found = scaling.crossings(sizes, x, moments, scaling.binder)
    assert all(abs(c.pull(2.27)) < 4 for c in found) and found[-1].error < 0.01


def test_nothing_is_extrapolated():
    curves = cover_curves()
    apart = [curves[0], data_collapse.Curve(40, curves[2].x + 50, curves[2].value, curves[2].error)]
    sizes, x, moments = magnets(6)
    for call, words in (
        (lambda: data_collapse.quality(apart, 2.0, 0.5, 0.0), "nothing is extrapolated"),
        (lambda: data_collapse.quality(curves[:1], 2.0, 0.5, 0.0), "two sizes"),
        (lambda: data_collapse.Curve(4, torch.tensor([1.0, 0.0]), torch.ones(2), torch.ones(2)), "ascend"),
        (lambda: data_collapse.Curve(4, torch.arange(2.0), torch.ones(2), torch.zeros(2)), "not positive"),
        (lambda: scaling.fit(*magnets(6, x_c=2.5), start=(2.4, 1.0), omega=1.75), "outside of the data"),
        (lambda: scaling.fit(sizes, x, moments, start=(2.27, 1.0), omega=1.75, smallest=32), "two or more sizes"),
        (
            lambda: scaling.fit(sizes[:2], x[:2], [m[:, :2] for m in moments[:2]], start=(2.2, 1.0), omega=1.75),
            "parameters",
        ),
        (lambda: scaling.crossings(sizes, x[:2], [m[:, :2] for m in moments], scaling.binder), "do not cross"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
