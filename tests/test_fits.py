"""Generalised least squares against what it must do."""

import pytest
import torch

from fieldkit.estimates import Estimate
from fieldkit.fits import finite_size, linear_fit

RNG = torch.Generator().manual_seed(2)
X = torch.linspace(0, 1, 6, dtype=torch.float64)
LINE = torch.stack([torch.ones_like(X), X], dim=1)


def correlated(k):
    root = torch.randn(k, k, generator=RNG, dtype=torch.float64)
    return root @ root.T + 0.1 * torch.eye(k, dtype=torch.float64)


def test_points_on_the_line_are_fitted_exactly_under_any_covariance():
    fit = linear_fit(LINE, 2 - 3 * X, correlated(6))
    assert fit.parameters.tolist() == pytest.approx([2, -3], abs=1e-10)
    assert fit.chi2 < 1e-18
    assert fit.dof == 4


def test_parameters_scatter_as_their_covariance_says_and_chi2_counts_degrees_of_freedom():
    covariance = correlated(6)
    root = torch.linalg.cholesky(covariance)
    fits = [
        linear_fit(LINE, 2 - 3 * X + root @ torch.randn(6, generator=RNG, dtype=torch.float64), covariance)
        for _ in range(2000)
    ]
    pulls = torch.tensor([fit.estimate(1).pull(-3) for fit in fits])
    assert abs(pulls.mean().item()) < 4 / 2000**0.5
    assert abs(pulls.std().item() - 1) < 4 / 4000**0.5
    assert abs(sum(fit.chi2 for fit in fits) / 2000 - 4) < 4 * (8 / 2000) ** 0.5


def test_a_fit_is_continued_with_the_error_of_its_parameters_together():
    fit = linear_fit([[1.0, 0.0], [1.0, 1.0]], [2.0, 3.0], [0.04, 0.09])
    told = fit.at([1.0, 1.0])  # the second point again
    assert told.value == pytest.approx(3.0) and told.error == pytest.approx(0.3)
    assert fit.at([1.0, 0.0]) == fit.estimate(0)
    with pytest.raises(ValueError, match="2 parameters"):
        fit.at([1.0])


def test_a_question_without_an_answer_is_refused():
    with pytest.raises(ValueError, match="positive definite"):
        linear_fit(LINE, X, torch.ones(6, 6))
    with pytest.raises(ValueError, match="cannot be told apart"):
        linear_fit(torch.stack([X, 2 * X], dim=1), X, torch.ones(6))
    with pytest.raises(ValueError, match="at least as many values"):
        linear_fit(LINE[:1], X[:1], torch.ones(1))


def test_a_fit_sees_what_is_missing():
    nothing = float("nan")
    for design, values, covariance in (
        (LINE * nothing, X, torch.ones(6)), (LINE, X * nothing, torch.ones(6)), (LINE, X, torch.ones(6) * nothing),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="not finite"):
            linear_fit(design, values, covariance)
    with pytest.raises(ValueError, match="not symmetric"):
        linear_fit(LINE, X, torch.eye(6) + 0.1 * torch.ones(6, 6).triu(1))
    for design in (LINE * 0, LINE[:, :0], X):
        with pytest.raises(ValueError, match="told apart|expected"):
            linear_fit(design, X, torch.ones(6))
    for i in (-1, 2):
        with pytest.raises(ValueError, match=f"i = {i}: the fit has parameters 0 to 1"):
            linear_fit(LINE, X, torch.ones(6)).estimate(i)


def test_an_infinite_system_is_the_end_of_a_line_in_one_over_size():
    sizes = [50, 100, 400]
    exact = finite_size(sizes, [Estimate(2 - 7 / N, 0.01) for N in sizes])
    assert exact.parameters.tolist() == pytest.approx([2, -7], abs=1e-9)
    draws = [
        finite_size(sizes, [Estimate(2 - 7 / N + 0.01 * torch.randn((), generator=RNG).item(), 0.01) for N in sizes])
        for _ in range(1000)
    ]
    pulls = torch.tensor([d.estimate(0).pull(2.0) for d in draws])
    assert abs(pulls.std().item() - 1) < 4 / 2000**0.5 and abs(pulls.mean().item()) < 4 / 1000**0.5
    with pytest.raises(ValueError, match="told apart"):
        finite_size([50, 50], [Estimate(1.0, 0.1), Estimate(1.0, 0.1)])


def test_a_second_order_in_one_over_size_is_removed_when_asked_for():
    sizes = (10, 20, 40)
    exact = [Estimate(2 - 7 / N + 30 / N**2, 0.01) for N in sizes]
    assert abs(finite_size(sizes, exact, order=2).estimate(0).value - 2) < 1e-9
    assert abs(finite_size(sizes, exact).estimate(0).value - 2) > 0.01


def test_lists_are_read_with_all_their_digits():
    fit = linear_fit([[1.0], [1.0]], [16777217.0, 16777217.0], [1.0, 1.0])
    assert fit.parameters.item() == pytest.approx(16777217, abs=1e-8)
    assert fit.estimate(0).error == pytest.approx(2**-0.5, rel=1e-14)


def test_a_small_column_is_no_zero_column():
    a = 1e-7 * torch.arange(1, 6, dtype=torch.float64)
    fit = linear_fit(torch.stack([a**0, a**2], 1), 3 + 2e12 * a**2, torch.full((5,), 1e-6))
    assert fit.parameters.tolist() == pytest.approx([3, 2e12], rel=1e-12)
    with pytest.raises(ValueError, match="proportional"):
        linear_fit(torch.stack([a, 1e9 * a], 1), a, torch.full((5,), 1e-6))
