"""At the collapse time the own point keeps a little more than half of the weight."""

import math

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.transitions import collapse, speciation

HALF_BIT = math.log(2) / 2


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def test_drawn_points_weigh_what_the_integral_says(rng):
    drawn, exact = collapse.drawn_weights(60, 64, 12, [0.25, 0.45], s2=1.0, rng=rng)
    for off in drawn - exact:
        assert abs(mean(off).pull(0.0)) < 4


@pytest.mark.parametrize(("d", "alpha", "s2"), [(3, 0.3, 1.0), (20, 0.8, 0.2), (500, 0.1, 3.0)])
def test_the_annealed_weight_is_one_half_at_the_collapse_time_at_every_dimension(d, alpha, s2):
    t = speciation.collapse_time(alpha, s2=s2)
    more = math.log1p(math.exp(alpha * d))  # n - 1 other points
    assert collapse.annealed_weight(d, more, t, s2=s2) == pytest.approx(0.5, abs=1e-12)


def test_the_annealed_weight_is_below_the_true_one(rng):
    for t in (0.25, 0.4):
        true = mean(speciation.mean_own_weight(100, 16, HALF_BIT * 16, t, s2=1.0, rng=rng))
        assert true.value > collapse.annealed_weight(16, HALF_BIT * 16, t, s2=1.0) - 3 * true.error


def test_weights_with_small_bars_have_the_mean_of_plain_draws(rng):
    for t in (0.25, 0.45):
        plain = mean(speciation.mean_own_weight(150, 24, HALF_BIT * 24, t, s2=1.0, rng=rng))
        found = mean(collapse.weights(150, 24, HALF_BIT * 24, t, s2=1.0, rng=rng))
        assert abs(found.value - plain.value) < 4 * math.hypot(found.error, plain.error)
        assert found.error < 0.9 * plain.error


def test_the_excess_is_that_of_plain_draws(rng):
    plain = mean(speciation.mean_own_weight(400, 16, HALF_BIT * 16, HALF_BIT, s2=1.0, rng=rng))
    found = mean(collapse.excess(10, 16, HALF_BIT, s2=1.0, rng=rng))
    assert abs(found.value + 0.5 - plain.value) < 4 * math.hypot(found.error, plain.error)
    assert found.error < plain.error / 2


def test_the_excess_falls_with_the_root_of_the_dimension_whatever_the_variance(rng):
    A = collapse.excess_amplitude(HALF_BIT)
    for s2 in (0.25, 4.0):
        found = math.sqrt(1024) * mean(collapse.excess(6, 1024, HALF_BIT, s2=s2, rng=rng))
        assert abs(found.value - A) < 4 * found.error + 1.2 / math.sqrt(1024)  # the next order


def test_the_amplitude_has_its_limits():
    few = math.log(2) / math.sqrt(2 * math.pi * 2e-4)  # g = 0
    assert collapse.excess_amplitude(1e-4) == pytest.approx(few, rel=1e-3)
    half = -math.log(0.5) + 0.25 * (2 / math.pi) / 2  # second order in g at alpha = ln 2 / 2
    assert collapse.excess_amplitude(HALF_BIT) == pytest.approx(half / math.sqrt(math.pi), rel=0.01)


def test_impossible_collapses_are_refused(rng):
    for call, words in (
        (lambda: collapse.drawn_weights(0, 4, 4, [0.3], s2=1.0, rng=rng), "n = 0"),
        (lambda: collapse.weights(0, 4, 2.0, 0.3, s2=1.0, rng=rng), "n = 0"),
        (lambda: collapse.annealed_weight(4, 2.0, 0.0, s2=1.0), "t = 0"),
        (lambda: collapse.excess_amplitude(0.0), "alpha = 0"),
        (lambda: collapse.excess(1, 1, 0.3, s2=1.0, rng=rng), "d = 1"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
