"""Which straight line do correlated points choose?  Generalised least squares, the only fit that a linear question
needs.

    parameters = (X^T C^-1 X)^-1 X^T C^-1 y,        chi^2 = (y - X p)^T C^-1 (y - X p),

X the design matrix, C the full covariance of the values y.  Points from one run are correlated; leaving C diagonal
would give bars that are too small and a chi^2 that means nothing (Aitken 1936).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit.estimates import Estimate


@dataclass(frozen=True)
class Fit:
    """Parameters (p,) with covariance (p, p), chi^2 and its degrees of freedom."""

    parameters: Tensor
    covariance: Tensor
    chi2: float
    dof: int

    def estimate(self, i: int) -> Estimate:
        """Parameter i with its error."""
        return Estimate(self.parameters[i].item(), self.covariance[i, i].sqrt().item())


def linear_fit(design: Tensor, values: Tensor, covariance: Tensor) -> Fit:
    """Fit values (k,) = design (k, p) @ parameters (p,), given their covariance (k, k), or (k,) variances of
    independent values.

    Raises `ValueError` when there are fewer values than parameters, when the covariance is not positive definite
    (fewer chains than values, or two equal columns), or when the design cannot tell two parameters apart.
    """
    design, values, covariance = (torch.as_tensor(t).to("cpu", torch.float64) for t in (design, values, covariance))
    covariance = torch.diag(covariance) if covariance.dim() == 1 else covariance
    (k, p) = design.shape
    if k < p or values.shape != (k,) or covariance.shape != (k, k):
        raise ValueError(
            f"design {tuple(design.shape)}, values {tuple(values.shape)}, covariance {tuple(covariance.shape)}: "
            "expected (k, p), (k,), (k, k) with at least as many values as parameters."
        )
    factor, broken = torch.linalg.cholesky_ex(covariance)
    if int(broken) != 0 or not bool(torch.isfinite(factor).all()):
        raise ValueError(
            f"the covariance of the {k} values is not positive definite; "
            "use more chains than values, or fit fewer points."
        )
    white_design = torch.linalg.solve_triangular(factor, design, upper=False)
    white_values = torch.linalg.solve_triangular(factor, values[:, None], upper=False)[:, 0]
    q, r = torch.linalg.qr(white_design)
    if bool((r.diagonal().abs() < 1e-12 * r.diagonal().abs().max()).any()):
        raise ValueError("two columns of the design are proportional: their parameters cannot be told apart; drop one.")
    parameters = torch.linalg.solve_triangular(r, (q.T @ white_values)[:, None], upper=True)[:, 0]
    inverse = torch.linalg.solve_triangular(r, torch.eye(p, dtype=torch.float64), upper=True)
    residual = white_values - white_design @ parameters
    return Fit(parameters, inverse @ inverse.T, float(residual @ residual), k - p)
