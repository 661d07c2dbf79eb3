"""What moves with the metric is no property of the network."""

import math

import pytest
import torch

from fieldkit.transitions import metrics

SIZES = 2 ** torch.linspace(3, 10, 29, dtype=torch.float64)


def runs(curve, spread=0.002, n=16):
    noise = torch.randn(n, len(SIZES), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (curve + spread * noise).clamp(0, 1)


def test_the_steepest_octave_moves_with_the_number_of_parts_and_a_level_does_not():
    """p = n / (n + 30): p^k rises fastest, per doubling, at n = 30 k exactly."""
    smooth = runs(SIZES / (SIZES + 30), spread=0.002)
    for k in (1, 2, 5):
        found = metrics.steepest(SIZES, smooth, metric=lambda p, k=k: metrics.together(p, k), degree=7)
        assert found.value == pytest.approx(math.log2(30 * k), abs=4 * found.error + 0.04) and found.error < 0.15
        level = metrics.crossing(SIZES, smooth, 0.75, metric=lambda p, k=k: metrics.together(p, k))
        assert level.value == pytest.approx(math.log2(90), abs=4 * level.error + 0.01)


def test_a_real_step_stays_nearly_where_it_is():
    """A rise within an octave at 2^6.1: nine parts move it by a fraction of its width, and a smooth rise by log2 9."""
    step = runs(0.2 + 0.7 * torch.sigmoid((SIZES.log2() - 6.1) / 0.25), spread=0.001)
    places = [
        metrics.steepest(SIZES, step, metric=lambda p, k=k: metrics.together(p, k), degree=7).value for k in (1, 9)
    ]
    assert places[0] == pytest.approx(6.1, abs=0.1) and places[1] - places[0] < 0.7 < math.log2(9)


def test_a_curve_that_is_steepest_at_an_end_is_refused():
    with pytest.raises(ValueError, match="steepest at an end"):
        metrics.steepest(SIZES, runs(1 - 2 * SIZES**-0.7))


def test_the_slope_of_a_power_law_is_exact_in_the_logarithm():
    slope, at = metrics.octaves(SIZES, SIZES.log2() * 3)
    assert torch.allclose(slope, torch.full((28,), 3.0, dtype=torch.float64))
    assert at[0] == pytest.approx(math.sqrt(SIZES[0] * SIZES[1]))


def test_impossible_curves_are_refused():
    for call, words in (
        (lambda: metrics.together([1.2], 3), "percent"),
        (lambda: metrics.together([0.5], 0), "parts"),
        (lambda: metrics.octaves([4.0, 2.0], [0.1, 0.2]), "ascend"),
        (lambda: metrics.octaves([4.0], [0.1]), "at least 2"),
        (lambda: metrics.crossing(SIZES, runs(SIZES * 0), 0.5), "does not pass"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
