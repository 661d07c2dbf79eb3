"""How much fits in: exact answers against machines that try."""

import math

import pytest
import torch

from fieldkit.estimates import mean
from fieldkit.transitions import capacity
from tests.transitions.golden import golden


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def test_cover_counts_half_at_twice_the_dimension_and_all_below_it():
    for N in (1, 5, 300, 3000):
        assert capacity.cover(2 * N, N) == pytest.approx(0.5, rel=1e-12)
        assert capacity.cover(N, N) == 1.0
    assert capacity.cover(3, 2) == 0.75 and capacity.cover(100, 1) == pytest.approx(2.0**-99)


def test_points_are_separated_as_often_as_cover_says(rng):
    P, N, n = 22, 10, 300
    exact = capacity.cover(P, N)
    found = capacity.separable(n, P, N, rng=rng).double().mean().item()
    assert abs(found - exact) < 4 * math.sqrt(exact * (1 - exact) / n)
    one_more = sum(math.comb(P - 1, k) for k in range(N + 1)) / 2 ** (P - 1)
    assert abs(one_more - exact) > 4 * math.sqrt(exact * (1 - exact) / n)  # a sum that goes one too far would be seen


def test_the_margin_found_is_the_largest_and_tends_to_gardners(rng):
    sizes, found = (16, 32, 64), []
    for N in sizes:
        found.append(mean(capacity.margins(400, N // 2, N, rng=rng)))
    limit = capacity.largest_margin(0.5)
    assert all(a.value > b.value - 4 * math.hypot(a.error, b.error) for a, b in zip(found, found[1:]))
    extrapolated = 2 * found[2].value - found[1].value  # corrections of order 1/N
    assert abs(extrapolated - limit) < 4 * math.hypot(2 * found[2].error, found[1].error)
    assert capacity.gardner(0.0) == 2.0


def test_two_orthogonal_points_have_the_margin_of_their_bisector(monkeypatch):
    monkeypatch.setattr(torch, "randn", lambda *_, **__: torch.eye(2, dtype=torch.float64))
    found = capacity.margins(1, 2, 2, rng=torch.Generator())
    assert found.item() == pytest.approx(1 / math.sqrt(2), rel=1e-12)


def test_a_memory_keeps_what_it_can_and_forgets_beyond_its_capacity(rng):
    low = capacity.recall(6, 50, 1000, rng=rng)
    assert low.mean().item() == pytest.approx(capacity.hopfield_overlap(0.05), abs=2e-3)
    assert capacity.recall(6, 200, 1000, rng=rng).mean() < 0.7
    assert capacity.hopfield_overlap(0.2) == 0 and capacity.hopfield_overlap(0.0) == 1


def test_values_are_the_independent_ones():
    for numbers, value in golden("cover.p"):
        assert capacity.cover(int(numbers["P"]), int(numbers["N"])) == pytest.approx(value, rel=1e-14)
    for prefix, function, key in (
        ("gardner.alpha_c", capacity.gardner, "kappa"),
        ("gardner.max_margin", capacity.largest_margin, "alpha"),
        ("logistic.h_mle", capacity.logistic_threshold, "gamma"),
        ("hopfield.m", capacity.hopfield_overlap, "alpha"),
        ("hopfield.one_step_overlap", capacity.first_update, "alpha"),
    ):
        for numbers, value in golden(prefix):
            assert function(numbers[key]) == pytest.approx(value, rel=1e-10), prefix
    load, y = capacity.hopfield_capacity()
    assert load == pytest.approx(0.13790556649493174, rel=1e-12)
    assert math.erf(y) == pytest.approx(0.96741711568529159, rel=1e-6)
    assert capacity.logistic_threshold(2.0) == pytest.approx(0.34493012840402905, rel=1e-12)


def test_logistic_regression_of_strong_signals_is_limited_by_the_signal():
    h = [capacity.logistic_threshold(g) for g in (0.0, 1e-6, 0.5, 2.0, 8.0)]
    assert h[0] == pytest.approx(h[1]) == pytest.approx(0.5) and h == sorted(h, reverse=True)


def test_impossible_capacities_are_refused(rng):
    for call, words in (
        (lambda: capacity.cover(0, 3), "P = 0"),
        (lambda: capacity.gardner(-0.1), "kappa = -0.1"),
        (lambda: capacity.largest_margin(2.5), "alpha = 2.5"),
        (lambda: capacity.logistic_threshold(math.nan), "gamma = nan"),
        (lambda: capacity.hopfield_overlap(-1.0), "alpha = -1"),
        (lambda: capacity.recall(1, 0, 10, rng=rng), "P = 0"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
