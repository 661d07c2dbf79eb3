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
        found = metrics.steepest(SIZES, smooth, metric=lambda p, k=k: metrics.together(p, k))
        assert found.value == pytest.approx(math.log2(30 * k), abs=4 * found.error + 0.03) and found.error < 0.1
        level = metrics.crossing(SIZES, smooth, 0.75, metric=lambda p, k=k: metrics.together(p, k))
        assert level.value == pytest.approx(math.log2(90), abs=4 * level.error + 0.01)


def test_a_real_step_stays_where_it_is():
    """An accuracy that rises within a quarter octave at 2^6.1: steepest there under every monotone metric."""
    step = runs(0.2 + 0.7 * torch.sigmoid((SIZES.log2() - 6.1) / 0.06), spread=0.01)
    for k in (1, 3, 9):
        found = metrics.steepest(SIZES, step, metric=lambda p, k=k: metrics.together(p, k))
        assert found.value == pytest.approx(6.1, abs=0.2)


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
