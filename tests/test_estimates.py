"""Laws of estimates and of the jackknife."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fieldkit.estimates import Estimate, blocks, fraction, jackknife, jackknife_covariance, mean
from fieldkit.significant import readable

RNG = torch.Generator().manual_seed(7)


def normal(*shape):
    return torch.randn(*shape, generator=RNG, dtype=torch.float64)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e5))
def test_what_is_printed_can_be_read_back(value, error):
    text = readable(value, error)
    body, _, power = text.partition("e")
    number, bar = body.rstrip(")").split("(")
    places = len(number.split(".")[1]) if "." in number else 0
    scale = 10.0 ** int(power or 0)
    unit = 1.0 if "." in bar else 10.0**-places
    assert float(bar) * unit * scale == pytest.approx(error, rel=0.34)  # one digit, or two when the first is a 1
    assert abs(float(number) * scale - value) <= 0.51 * error


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (0.31487, 0.00071, "0.3149(7)"),
        (0.5, 0.0995, "0.50(10)"),
        (12.34, 1.4, "12.3(1.4)"),
        (1234.5, 56, "1230(60)"),
        (0.0, 0.001, "0.0000(10)"),
        (1.0, 0.0, "1(exact)"),
    ],
)
def test_the_error_sets_the_digits(value, error, shown):
    assert str(Estimate(value, error)) == shown


def test_a_pull_counts_sigmas_and_adds_the_error_of_the_truth():
    assert Estimate(1.2, 0.1).pull(1.0) == pytest.approx(2)
    assert Estimate(1.5, 0.3).pull(Estimate(1.0, 0.4)) == pytest.approx(1)


def test_two_estimates_are_not_combined_behind_your_back():
    with pytest.raises(TypeError, match="jackknife"):
        Estimate(1, 0.1) + Estimate(2, 0.1)
    with pytest.raises(TypeError, match="jackknife"):
        Estimate(1, 0.1) * Estimate(2, 0.1)


def test_errors_that_are_not_errors_are_refused():
    with pytest.raises(ValueError, match="without a sign"):
        Estimate(1, -0.1)
    with pytest.raises(ValueError, match="tolerance"):
        Estimate(1, 0).pull(1)


def test_the_jackknife_of_a_mean_is_the_mean():
    x = normal(50)
    plain, left_out = mean(x), jackknife(lambda m: m, x)
    assert left_out.value == pytest.approx(plain.value, abs=1e-14)
    assert left_out.error == pytest.approx(plain.error, rel=1e-12)


def test_the_jackknife_knows_the_correlation_of_numerator_and_denominator():
    x = 1 + 0.1 * normal(400)
    ratio = jackknife(lambda a, b: a / b, 3 * x, x)  # the same chains: the ratio does not fluctuate at all
    assert ratio.value == pytest.approx(3, abs=1e-12)
    assert ratio.error < 1e-12


def test_the_jackknife_bar_covers_as_often_as_it_says():
    pulls = torch.tensor([jackknife(lambda a: a**2, 1 + normal(60)).pull(1.0) for _ in range(400)])
    inside = (pulls.abs() < 1).double().mean().item()
    assert abs(inside - 0.683) < 4 * math.sqrt(0.683 * 0.317 / 400)
    assert abs(pulls.mean().item()) < 4 / math.sqrt(400)  # the 1/n bias of <x>^2 is gone


def test_the_covariance_is_that_of_the_means():
    x = normal(2000, 2) @ torch.tensor([[1.0, 0.8], [0.0, 0.6]], dtype=torch.float64)
    _, covariance = jackknife_covariance(lambda m: m, x)
    expected = torch.cov(x.T) / 2000
    assert torch.allclose(covariance, expected, rtol=1e-9)


def test_bad_chains_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match="leaves out the same chain"):
        jackknife(lambda a, b: a, normal(10), normal(11))
    with pytest.raises(ValueError, match="blocks"):
        jackknife(lambda a: a, normal(5))
    with pytest.raises(ValueError, match="not finite"):
        mean(torch.tensor([1.0, float("nan"), 2.0]))
    with pytest.raises(ValueError, match="two independent draws"):
        mean(torch.tensor([1.0]))


def test_blocks_keep_the_last_steps_and_their_mean():
    x = torch.arange(22.0).reshape(2, 11)
    assert blocks(x, 5).tolist() == [3.0, 8.0, 14.0, 19.0]
    with pytest.raises(ValueError, match="shorter block"):
        blocks(x, 12)


def test_powers_and_quotients_of_an_estimate_go_through_the_jackknife():
    for wrong in (lambda e: e**2, lambda e: 2**e, lambda e: 1 / e):
        with pytest.raises(TypeError, match="jackknife"):
            wrong(Estimate(2, 0.1))
    with pytest.raises(ValueError, match="divided by 0"):
        Estimate(1, 0.1) / 0


def test_an_infinite_bar_agrees_with_nothing():
    for measured, truth in ((Estimate(1, math.inf), 5.0), (Estimate(1, 0.1), Estimate(5, math.inf))):
        with pytest.raises(ValueError, match="infinite"):
            measured.pull(truth)


def test_a_function_of_means_that_is_not_finite_is_no_estimate():
    x = normal(20) - 3
    for wrong in (torch.sqrt, torch.log, lambda m: m / 0):
        with pytest.raises(ValueError, match="f is not finite"):
            jackknife(wrong, x)
    for wrong in (lambda m: torch.stack([m, m]), lambda m: m.expand(3)):
        with pytest.raises(ValueError, match="jackknife_covariance"):
            jackknife(wrong, x)
    with pytest.raises(ValueError, match="one row of numbers"):
        jackknife_covariance(lambda m: m, x)
    assert jackknife(lambda m: float(m) / 3, x).value == pytest.approx(x.mean().item() / 3, rel=1e-14)


def test_only_real_numbers_are_averaged():
    for wrong in (torch.ones(9) + 1j, None, "abc"):
        with pytest.raises(TypeError, match="real numbers"):
            mean(wrong)
    with pytest.raises(ValueError, match="two independent draws"):
        mean(torch.zeros(9, 0))


def test_a_fraction_counts_hits_and_misses():
    assert fraction(torch.tensor([1, 0, 0, 1])).value == 0.5
    for wrong in (torch.arange(5), torch.tensor([0.0, 1.0, math.nan])):
        with pytest.raises(ValueError, match="neither true nor false"):
            fraction(wrong)
    with pytest.raises(ValueError, match="one outcome"):
        fraction(torch.ones(5))


def test_a_block_holds_steps_of_chains():
    for length in (0, -1):
        with pytest.raises(ValueError, match=f"length = {length}"):
            blocks(normal(4, 12), length)
    with pytest.raises(ValueError, match=r"x\[None\]"):
        blocks(normal(12), 3)


def test_small_and_large_numbers_have_their_error():
    """Their squares are 0 or infinite, their error is not."""
    assert str(mean([1e-200, 2e-200, 3e-200])) == "2.0(6)e-200"
    assert str(mean([1e200, 2e200, 3e200])) == "2.0(6)e+200"
    x = normal(40)
    for scale in (2.0**-900, 2.0**900):
        assert mean(x * scale).error == mean(x).error * scale
        assert jackknife(lambda m: m, x * scale).error == pytest.approx(mean(x).error * scale, rel=1e-12)
    assert readable(2e-320, 1e-321) == "2.00(10)e-320"


def test_lists_are_read_with_all_their_digits():
    found = mean([16777217.0, 16777218.0, 16777219.0, 16777217.0])
    assert found.value == 16777217.75 and found.error == pytest.approx(math.sqrt(2.75 / 3 / 4), rel=1e-12)
    assert mean([16777217, 16777218, 16777219, 16777217]) == found
    draws = [16777217.0 + k % 3 for k in range(9)]
    assert jackknife(lambda m: float(m), draws).value == pytest.approx(16777218, abs=1e-6)
    assert blocks([[16777217, 16777217, 1, 1]], 2).tolist() == [16777217.0, 1.0]


@pytest.mark.parametrize("constant", [[1.0] * 9, [0.1] * 9, [0] * 9, [True] * 9, [[1.0, 3.0]] * 9, [1e-300] * 9])
def test_a_constant_has_no_error_bar(constant):
    with pytest.raises(ValueError, match="no error can be read off a constant"):
        mean(constant)
    with pytest.raises(ValueError, match="no error can be read off a constant"):
        jackknife(lambda m: m.sum(), constant)


@pytest.mark.parametrize("f", [lambda m: m > 0, lambda m: m.round(), lambda m: 7.0, lambda m: 3, lambda m: int(m)])
def test_a_rounded_function_of_means_has_no_error_bar(f):
    with pytest.raises(ValueError, match="let f vary with its means"):
        jackknife(f, 0.2 + 0.01 * normal(50))


def test_a_component_that_never_varies_has_variance_zero():
    values, covariance = jackknife_covariance(lambda m: torch.stack([m / m, m]), 1 + normal(20))
    assert values[0] == 1 and torch.equal(covariance[0], torch.zeros(2).double()) and covariance[1, 1] > 0


def test_f_may_return_plain_numbers():
    x = normal(20)
    as_list, _ = jackknife_covariance(lambda m: [float(m), 2 * float(m)], x)
    assert as_list[1] == pytest.approx(2 * x.mean().item(), rel=1e-12)


def test_no_spread_is_lost_below_the_range_of_numbers():
    x = normal(20, 1)
    values, covariance = jackknife_covariance(lambda m: 1e-100 * m, x)
    assert (covariance / jackknife_covariance(lambda m: m, x)[1] * 1e200).item() == pytest.approx(1)
    for unit in (1e-200, 1e200):
        with pytest.raises(ValueError, match="another unit"):
            jackknife_covariance(lambda m, unit=unit: unit * m, x)
    assert Estimate(1e-310, 1e-311) / 1e-310 == Estimate(1.0, 1e-311 / 1e-310)


def test_an_error_below_rounding_is_printed_as_it_is():
    assert readable(1.0, 1e-310) == "1(1e-310)"
    assert readable(1e300, 1e-10) == "1e+300(1e-10)"
