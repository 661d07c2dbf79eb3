"""The shared base at the ends of the range of numbers, and given what it cannot take."""

import math

import mpmath
import pytest
import torch

from fieldkit import correlated, estimates, fits, given, pulls, scores
from fieldkit.estimates import Estimate

ONE = (torch.ones(1).double(), torch.ones(1, 1).double())


@pytest.mark.parametrize("value", ["1", None, 1j, True, [1.0], torch.ones(1)])
def test_a_quantity_of_any_kind_is_a_plain_number(value):
    for refuse in (given.positive, given.not_negative, given.number):
        with pytest.raises(TypeError, match="x = .*: why; give a plain number"):
            refuse("x", value, why="why")
    with pytest.raises(TypeError, match="give a plain number, 0 < x <= 1"):
        given.within("x", value, 0, 1, why="why", ends="(]")


def test_a_size_or_a_rate_is_no_tensor_and_a_variance_may_be_one():
    one = torch.tensor(1.0)
    for accept in (given.not_negative, given.number):
        accept("x", one, why="why")
    with pytest.raises(TypeError, match="give a plain number, x > 0"):
        given.positive("x", one, why="why")
    with pytest.raises(TypeError, match="give a plain number, 0 < x <= 1"):
        given.within("x", one, 0, 1, why="why", ends="(]")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, -(10**400)])
def test_a_quantity_of_any_kind_is_finite(value):
    for refuse in (given.positive, given.not_negative, given.number):
        with pytest.raises(ValueError, match="choose"):
            refuse("x", value, why="why")
    with pytest.raises(ValueError, match="choose 0 <= x < 1"):
        given.within("x", value, 0, 1, why="why", ends="[)")


def test_ends_of_a_range_are_in_or_out():
    given.within("x", 0, 0, 1, why="why")
    given.within("x", 1.0, 0, 1, why="why", ends="(]")
    for value, ends in ((0, "(]"), (1, "[)"), (-1e-300, "[]")):
        with pytest.raises(ValueError, match="choose"):
            given.within("x", value, 0, 1, why="why", ends=ends)


def test_whole_numbers_become_double_precision_and_others_keep_their_type():
    assert given.floats(torch.tensor([2**24 + 1])).item() == 2**24 + 1
    assert given.floats(torch.ones(1)).dtype == torch.float32
    assert given.floats(torch.tensor([True])).dtype == torch.float64


def gaussian(log_tail):
    start = math.sqrt(-2 * log_tail)
    return float(mpmath.findroot(lambda z: mpmath.log(mpmath.erfc(z / mpmath.sqrt(2)) / 2) - log_tail, start))


def test_a_chi_squared_beyond_float64_keeps_its_sigmas_at_both_ends():
    with mpmath.workdps(40):
        above = mpmath.log(mpmath.betainc(2.5, 2.5, 0, 1 / (1 + mpmath.mpf(10) ** 300 / 9), regularized=True))
        below = mpmath.log(mpmath.gammainc(2.5, 0, mpmath.mpf(10) ** -300 / 2, regularized=True))
        low = mpmath.log(mpmath.betainc(2.5, 2.5, 0, 1 / (1 + 9 / mpmath.mpf(10) ** -300), regularized=True))
        assert pulls.of_chi_squared(1e300, 5, independent=10) == pytest.approx(gaussian(above), rel=1e-12)
        assert pulls.of_chi_squared(1e-300, 5) == pytest.approx(-gaussian(below), rel=1e-12)
        assert pulls.of_chi_squared(1e-300, 5, independent=10) == pytest.approx(-gaussian(low), rel=1e-12)
    for independent in (None, 10):
        tails = [pulls.of_chi_squared(10.0**k, 5, independent=independent) for k in range(-300, 301, 20)]
        assert all(a < b for a, b in zip(tails, tails[1:]))
        with pytest.raises(ValueError, match="chi2 = inf"):
            pulls.of_chi_squared(math.inf, 5, independent=independent)


def test_a_covariance_with_two_halves_is_refused_wherever_it_is_inverted():
    with pytest.raises(ValueError, match="not symmetric"):
        pulls.chi_squared([1.0, 2.0], [[1.0, 0.9], [0.0, 1.0]])


def test_draws_that_hold_the_same_numbers_in_another_order_have_no_error():
    with pytest.raises(ValueError, match="no error can be read off a constant"):
        estimates.mean([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.2, 0.1, 0.3]])
    assert estimates.mean([1e16, 1e16 + 2, 1e16 + 4]).error > 1


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda: correlated.widening(10, -1), ValueError),
        (lambda: correlated.widening(10.5, 3), TypeError),
        (lambda: correlated.join([(ONE[0].repeat(2), ONE[1])]), ValueError),
        (lambda: correlated.bars((ONE[0], -ONE[1])), ValueError),
        (lambda: correlated.limit([10, 20], [ONE] * 2, order=-1), ValueError),
        (lambda: correlated.limit([10, 20], [ONE] * 2, order=1.5), TypeError),
        (lambda: fits.finite_size([10, 20], [1.0, 2.0]), TypeError),
        (lambda: fits.linear_fit([[1.0], [1.0]], [1.0, 2.0], [1.0, 1.0]).estimate(0.0), TypeError),
        (lambda: scores.log_score(1.0, 1.0, reference=1.0), TypeError),
        (lambda: scores.log_score(Estimate(1, 1), "1", reference=1.0), TypeError),
        (lambda: scores.share("12"), TypeError),
        (lambda: scores.share([math.nan]), ValueError),
    ],
)  # fmt: skip
def test_the_base_refuses_in_its_own_words(wrong, kind):
    with pytest.raises(kind, match=r"[;:] .*\w"):
        wrong()
