"""A rule without a null finds what is not there, at a rate that can be computed."""

import math

import pytest
import torch

from fieldkit.transitions import rules
from tests.golden import entries

X = torch.linspace(6, 9, 20, dtype=torch.float64)


def noise(n, rng=None):
    return torch.randn(n, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def share(hits):
    p = hits.double().mean().item()
    return p, math.sqrt(p * (1 - p) / len(hits)) + 1e-9


def test_curvature_of_pure_noise_changes_sign_twice_a_curve():
    """Twenty sizes, noise 0.02: 2.0381 critical points a curve; the value was found independently."""
    exact = rules.expected_second_derivative(X, sigma=0.02)
    assert exact == pytest.approx(2.03813, abs=2e-5)
    for entry in entries("transitions"):
        if "seed_rule" in entry["name"]:
            assert exact == pytest.approx(entry["value"], abs=2e-5)
    found = rules.second_derivative(X, 0.02 * noise(4000)).sum(1).double()
    assert abs(found.mean() - exact) < 4 * found.std() / math.sqrt(4000)


@pytest.mark.parametrize("sigma", [1e-4, 0.005, 1.0])
def test_the_expectation_is_the_average_at_every_size_of_the_noise(sigma):
    x = torch.tensor([0.0, 0.3, 0.7, 1.5, 2.0, 3.1], dtype=torch.float64)
    found = rules.second_derivative(x, sigma * noise(40000)[:, :6]).sum(1).double()
    exact = rules.expected_second_derivative(x, sigma=sigma)
    assert abs(found.mean() - exact) < 4 * found.std() / 200


def test_running_sums_of_noise_set_off_the_alarm_as_kolmogorov_says():
    y = torch.randn(2000, 1000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for height in (30.0, 40.0):
        found, bar = share(rules.cusum(y, height=height))
        # discrete time sees a little less than the bridge: 0.5826 steps, Siegmund 1979
        assert abs(found - rules.cusum_alarm(1000, height=height + 0.5826)) < 4 * bar
    assert rules.cusum_alarm(20) > 0.15  # five standard deviations sound safe, and are not


def test_a_criterion_with_the_wrong_sign_breaks_everything_and_the_right_sign_too_much():
    e = 0.05 * noise(2000) - 0.5 * X
    assert share(rules.two_lines(X, e))[0] == 1.0
    honest, bar = share(rules.two_lines(X, e, reward=False))
    assert 0.1 < honest < 0.35


def test_a_logistic_curve_finds_a_middle_in_noise_and_the_right_one_in_a_logistic_curve():
    assert rules.sigmoid_middle(X, 1 / (1 + torch.exp(-(X - 7.3) / 0.2))) == pytest.approx(7.3, abs=1e-3)
    inside = [6 < rules.sigmoid_middle(X, y) < 9 for y in noise(40)]
    assert sum(inside) > 20


def test_what_has_no_rate_is_refused():
    for call, words in (
        (lambda: rules.expected_second_derivative(X, sigma=0.0), "sigma = 0"),
        (lambda: rules.expected_second_derivative(X[:2], sigma=1.0), "3 places"),
        (lambda: rules.cusum(X[None], height=-1.0), "height = -1"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
