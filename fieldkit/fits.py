"""Which straight line do correlated points choose?  Generalised least squares, the only fit that a linear question
needs.

    parameters = (X^T C^-1 X)^-1 X^T C^-1 y,        chi^2 = (y - X p)^T C^-1 (y - X p),

X the design matrix, C the full covariance of the values y.  Points from one run are correlated; leaving C diagonal
would give bars that are too small and a chi^2 that means nothing (Aitken 1936).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate


@dataclass(frozen=True)
class Fit:
    """Parameters (p,) with covariance (p, p), chi^2 and its degrees of freedom."""

    parameters: Tensor
    covariance: Tensor
    chi2: float
    dof: int

    def estimate(self, i: int) -> Estimate:
        """Parameter i with its error.  Raises `ValueError` when there is no such parameter."""
        given.whole("i", i, least=0, why=f"the fit has parameters 0 to {len(self.parameters) - 1}")
        if i >= len(self.parameters):
            raise ValueError(f"i = {i}: the fit has parameters 0 to {len(self.parameters) - 1}; choose one of them.")
        return Estimate(self.parameters[i].item(), self.covariance[i, i].sqrt().item())

    def at(self, row: Sequence[float] | Tensor) -> Estimate:
        """What the fit says where the design has this row (p,): row @ parameters, with the error that the covariance
        gives.  Raises `ValueError` for a row of another length."""
        x = given.numbers(row).double()
        if x.shape != self.parameters.shape:
            raise ValueError(f"row {tuple(x.shape)}: the fit has {len(self.parameters)} parameters; give one for each.")
        return Estimate(float(x @ self.parameters), math.sqrt(float(x @ self.covariance @ x)))


def linear_fit(design: Tensor, values: Tensor, covariance: Tensor) -> Fit:
    """Fit values (k,) = design (k, p) @ parameters (p,), given their covariance (k, k), or (k,) variances of
    independent values.

    Raises `ValueError` when a number is not finite, when there are fewer values than parameters, when the covariance
    is not symmetric or not positive definite (fewer chains than values, or two equal columns), or when the design
    cannot tell two parameters apart.

    >>> fit = linear_fit([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 3.1, 4.9], [0.01, 0.01, 0.01])
    >>> print(fit.estimate(0), fit.estimate(1), fit.dof)
    1.05(9) 1.95(7) 1
    """
    design, values, covariance = (given.numbers(t).to("cpu", torch.float64) for t in (design, values, covariance))
    covariance = torch.diag(covariance) if covariance.dim() == 1 else covariance
    k, p = design.shape if design.dim() == 2 else (0, 0)
    if p == 0 or k < p or values.shape != (k,) or covariance.shape != (k, k):
        raise ValueError(
            f"design {tuple(design.shape)}, values {tuple(values.shape)}, covariance {tuple(covariance.shape)}: "
            "expected (k, p), (k,), (k, k) with at least as many values as parameters."
        )
    for name, numbers in (("design", design), ("values", values), ("covariance", covariance)):
        if not bool(numbers.isfinite().all()):
            raise ValueError(f"the {name} holds numbers that are not finite; find where they come from before fitting.")
    given.symmetric(covariance)
    factor, broken = torch.linalg.cholesky_ex(covariance)
    if int(broken) != 0 or not bool(torch.isfinite(factor).all()):
        raise ValueError(
            f"the covariance of the {k} values is not positive definite; "
            "use more chains than values, or fit fewer points."
        )
    white_design = torch.linalg.solve_triangular(factor, design, upper=False)
    white_values = torch.linalg.solve_triangular(factor, values[:, None], upper=False)[:, 0]
    size = white_design.norm(dim=0)
    q, r = torch.linalg.qr(white_design / size)  # a column may be small: what counts is its direction
    if not bool((size > 0).all() and (r.diagonal().abs() > 1e-12).all()):
        raise ValueError(
            "two columns of the design are proportional, or one is zero: their parameters cannot be told apart; "
            "drop one."
        )
    parameters = torch.linalg.solve_triangular(r, (q.T @ white_values)[:, None], upper=True)[:, 0] / size
    inverse = torch.linalg.solve_triangular(r, torch.eye(p, dtype=torch.float64), upper=True) / size[:, None]
    residual = white_values - white_design @ parameters
    return Fit(parameters, inverse @ inverse.T, float(residual @ residual), k - p)


def columns(points: Iterable[Estimate]) -> tuple[Tensor, Tensor]:
    """Values and errors of k estimates, (k,) each.  Raises `TypeError` for what is none: a fit weighs with bars.

    >>> columns([Estimate(1.0, 0.1), Estimate(2.0, 0.2)])[1].tolist()
    [0.1, 0.2]
    """
    points = list(points)
    for point in points:
        if not isinstance(point, Estimate):
            raise TypeError(f"a {type(point).__name__}: a measured point is an `Estimate`, a value with its bar.")
    rows = torch.tensor([(e.value, e.error) for e in points], dtype=torch.float64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def finite_size(sizes: Iterable[float], estimates: Iterable[Estimate], *, order: int = 1) -> Fit:
    """Fit a polynomial in 1 / size of this order, limit + slope / size + ..., to independent estimates at these sizes.

    `estimate(0)` is the limit of infinite size; the bias that is left is of the next order in 1 / size.  Raises
    `ValueError` as `linear_fit` does, in particular for fewer different sizes than coefficients.

    >>> print(finite_size([10, 20], [Estimate(1.3, 0.01), Estimate(1.15, 0.01)]).estimate(0))
    1.00(2)
    """
    given.whole("order", order, least=0, why="a polynomial has an order")
    x, drawn = given.doubles(list(sizes)), list(estimates)
    if x.shape != (len(drawn),) or not drawn or not bool((x > 0).all()):
        raise ValueError(f"sizes {x.tolist()} for {len(drawn)} estimates: give one size above 0 for each estimate.")
    design = torch.stack([x**-k for k in range(order + 1)], 1)
    values, errors = columns(drawn)
    return linear_fit(design, values, errors.square())
