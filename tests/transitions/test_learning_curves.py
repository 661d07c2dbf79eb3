"""Regressions that are really fitted fall on the exact curve, and the curve on its power."""

import math

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.transitions import learning_curves as curves
from tests.transitions.golden import golden


@pytest.mark.parametrize(("ridge", "noise"), [(0.0, 0.0), (0.01, 0.1)])
def test_fitted_regressions_have_the_error_of_the_law(ridge, noise):
    spectrum, teacher = curves.powers(600, 1.5), curves.powers(600, 2.0)
    rng = torch.Generator().manual_seed(0)
    for n in (64, 160):
        found = curves.simulate(spectrum, teacher, n, rng=rng, ridge=ridge, noise=noise, repeats=32)
        exact = curves.error(spectrum, teacher, n, ridge=ridge, noise=noise)
        assert abs(found.value - exact) < 4 * found.error + exact / n  # corrections of order 1/n


def test_more_examples_than_modes_leave_the_noise_only():
    spectrum, teacher = torch.ones(50), torch.ones(50) / 50
    exact = curves.error(spectrum, teacher, 200, noise=0.25)
    assert exact == pytest.approx(0.25 / (1 - 50 / 200))
    found = curves.simulate(spectrum, teacher, 200, rng=torch.Generator().manual_seed(1), noise=0.25, repeats=200)
    excess = 0.25 + curves.minimum_norm_excess(200, 50, noise=0.25, signal=1.0)
    assert abs(found.value - excess) < 4 * found.error


@pytest.mark.parametrize(("b", "a"), [(1.5, 2.0), (2.0, 3.0), (1.5, 1.5)])
def test_the_curve_ends_on_its_power_with_its_amplitude(b, a):
    n, modes = 400, 400_000
    beyond = modes ** (1 - a) / (a - 1)  # what the teacher has in the modes left out is noise
    exact = curves.error(curves.powers(modes, b), curves.powers(modes, a), n, noise=beyond)
    assert exact * n ** (a - 1) == pytest.approx(curves.amplitude(b, a), rel=0.02)


def test_a_steep_teacher_is_limited_by_the_spectrum():
    b, a, modes = 1.2, 5.0, 400_000
    e = [curves.error(curves.powers(modes, b), curves.powers(modes, a), n) for n in (100, 200)]
    assert math.log2(e[0] / e[1]) == pytest.approx(curves.exponent(b, a), abs=0.06) == pytest.approx(2.4, abs=0.06)


def test_values_are_the_independent_ones():
    for numbers, value in golden("kernel.error"):
        spectrum, teacher = (curves.powers(int(numbers["M"]), numbers[k]) for k in "ba")
        found = curves.error(spectrum, teacher, numbers["n"], ridge=numbers["ridge"], noise=numbers["noise"])
        assert found == pytest.approx(value, rel=1e-11)
    for numbers, value in golden("kernel.amplitude"):
        assert curves.amplitude(numbers["b"], numbers["a"]) == pytest.approx(value, rel=1e-13)
    for numbers, value in golden("minnorm.excess"):
        n, p = int(numbers["n"]), int(numbers["p"])
        found = curves.minimum_norm_excess(n, p, noise=numbers["noise"], signal=numbers["r2"])
        assert found == pytest.approx(value, rel=1e-13)


def test_least_norm_beyond_the_interpolation_threshold_is_exact_at_every_size():
    n, p, rng = 12, 18, torch.Generator().manual_seed(2)
    x = torch.randn(40000, n, p, generator=rng, dtype=torch.float64)
    w = torch.zeros(p, dtype=torch.float64)
    w[0] = 1
    e = 0.5 * torch.randn(40000, n, generator=rng, dtype=torch.float64)
    fitted = x.mT @ torch.linalg.solve(x @ x.mT, (x @ w + e)[..., None])
    found = mean((fitted[..., 0] - w).square().sum(-1))
    assert abs(found.value - curves.minimum_norm_excess(n, p, noise=0.25, signal=1.0)) < 4 * found.error


def test_impossible_curves_are_refused():
    ones = torch.ones(5)
    for call, words in (
        (lambda: curves.error(ones, ones, 5), "diverges"),
        (lambda: curves.error(ones * 0, ones, 3), "positive"),
        (lambda: curves.error(ones, ones[:2], 3), "each of the 5"),
        (lambda: curves.error(ones, ones, 3, ridge=-1.0), "ridge = -1"),
        (lambda: curves.error(ones, ones, 3, noise=-1.0), "noise = -1"),
        (lambda: curves.amplitude(1.2, 5.0), "a - 1 < 2 b"),
        (lambda: curves.exponent(0.9, 2.0), "finite sum"),
        (lambda: curves.minimum_norm_excess(10, 11, noise=1.0, signal=1.0), "infinite"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
