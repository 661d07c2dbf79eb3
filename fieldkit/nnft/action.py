r"""Which couplings reproduce a measured four-point function?  A linear question, answered by generalised least squares.

    S = 1/2 f K_w^-1 f + lambda_0 int f(y)^4 + lambda_2 int |y|^2 f(y)^4 + lambda_b int int f(y)^2 f(z)^2
    G4c = lambda_0 T_0 + lambda_2 T_2 + lambda_b T_b           to first order in the couplings, with K_w = K - sb2,
    T_0 = -24 int prod_a K_w(x_a, y),   T_2 = -24 int |y|^2 prod_a K_w(x_a, y),   T_b = -8 sum_3 I_12 I_34,
    I_ab = int K_w(x_a, y) K_w(x_b, y)

The output bias is an independent constant: it is in G2 and in nothing connected, so the vertices see K_w.  `int` is a
sum over nodes and weights (`Domain`): a box, or a finite set of points.  G4c enters linearly, so no descent is needed,
and the fit comes with chi^2 and with a number that says whether the couplings can be told apart (`condition`).
Halverson, Maiti and Stoner 2021 for the ansatz, whose lambda_m is the local one; signs as in S, so G4c > 0 means
lambda_0 < 0: to this order such a weight exp(-S) is not normalisable by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit import fits, given
from fieldkit.estimates import Estimate
from fieldkit.fits import Fit
from fieldkit.nnft import ensembles, wick
from fieldkit.nnft.ensembles import Ensemble
from fieldkit.propagation.gaussian import legendre

MOST = 10**7  # nodes of a box: a kernel to each of them must fit into memory


@dataclass(frozen=True)
class Domain:
    """Where the vertices live: nodes y (k, d) and weights (k,) of the integral over y."""

    nodes: Tensor
    weights: Tensor


def points(y: Tensor) -> Domain:
    """A finite set of points (k, d) in place of the continuum: `int` is the sum over them."""
    y = ensembles.inputs(y)
    return Domain(y, torch.ones(len(y), device=y.device, dtype=torch.float64))


def box(cutoff: float, d: int, *, breaks: tuple[float, ...] = (0.0,), n: int = 24, panels: int = 12) -> Domain:
    """The box [-cutoff, cutoff]^d, with Gauss-Legendre nodes in every dimension.

    Panels between `breaks` (where a kernel bends, as ReLU's does at 0) and the cutoff, each cut again in halves towards
    the breaks so that features of size cutoff / 2^panels are seen: (2 panels + ...) n nodes a dimension.
    """
    given.positive("cutoff", cutoff, why="the box needs a size")
    given.whole("d", d, least=1, why="a box has at least one dimension")
    given.whole("n", n, least=1, why="a panel has at least one node")
    given.whole("panels", panels, least=0, why="halvings are counted")
    inside = sorted({float(b) for b in breaks if abs(b) < cutoff})
    sizes = [cutoff * 2.0**-k for k in range(panels + 1)]
    edges = {-cutoff, cutoff, *inside}
    edges |= {b + sign * size for b in inside for size in sizes for sign in (1, -1) if abs(b + sign * size) < cutoff}
    edge = torch.tensor(sorted(edges), dtype=torch.float64)
    x, w = (torch.tensor(values, dtype=torch.float64) for values in legendre(n))
    width = edge.diff()[:, None]
    y, w = (edge[:-1, None] + width * (1 + x) / 2).flatten(), (width * w / 2).flatten()
    if len(y) ** d > MOST:
        raise ValueError(
            f"d = {d}: {len(y)} nodes a dimension make {float(len(y)) ** d:.1e}; take fewer `panels` or nodes `n`, "
            "or a finite set of `points`."
        )
    nodes = torch.stack(torch.meshgrid(*[y] * d, indexing="ij"), -1).reshape(-1, d)
    weights = torch.stack(torch.meshgrid(*[w] * d, indexing="ij"), -1).reshape(-1, d).prod(1)
    return Domain(nodes, weights)


def legs(ensemble: Ensemble, x: Tensor, domain: Domain) -> Tensor:
    """K_w(x_a, y) from every point x (m, d) to every node: (m, k)."""
    return ensembles.kernel(ensemble, x, domain.nodes.to(x.device)) - ensemble.sb2


def local(ensemble: Ensemble, x: Tensor, domain: Domain, *, power: float = 0.0) -> Tensor:
    """T of the coupling int |y|^power f(y)^4 at `wick.tuples(m, 4)`, (k,): what G4c a unit of it makes.  power 0, 2."""
    given.not_negative("power", power, why="|y|^power has no integral that these nodes see")
    weights = domain.weights if power == 0 else domain.weights * domain.nodes.norm(dim=1) ** power
    x = ensembles.inputs(x)
    K = legs(ensemble, x, domain)
    index = wick.tuples(len(x), 4, x.device)
    ab, place = _pairs(K, index)
    return -24 * _rows(ab * weights, ab, place)


def bilocal(ensemble: Ensemble, x: Tensor, domain: Domain) -> Tensor:
    """T of the coupling int int f(y)^2 f(z)^2 at `wick.tuples(m, 4)`, (k,)."""
    x = ensembles.inputs(x)
    K = legs(ensemble, x, domain)
    return -8 * wick.gaussian((K * domain.weights) @ K.T, wick.tuples(len(x), 4, x.device))


def _pairs(K: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Products of two legs (pairs, k), and which two of them each tuple of four (n, 4) names: (n, 2)."""
    m = len(K)
    a, b = wick.tuples(m, 2, K.device).unbind(1)
    return K[a] * K[b], torch.stack([wick.place(index[:, :2], m), wick.place(index[:, 2:], m)], 1)


def _rows(left: Tensor, right: Tensor, place: Tensor) -> Tensor:
    return (left @ right.T)[place[:, 0], place[:, 1]]


def coupling(four: Tensor, unit: Tensor) -> Tensor:
    """G4c / T_0 tuple by tuple, (k,): the lambda_m of Halverson, Maiti and Stoner 2021.  One coupling if all agree.

    Raises `ValueError` where T_0 is zero: no coupling is told from there.
    """
    four, unit = given.numbers(four), given.numbers(unit)
    if four.shape != unit.shape:
        raise ValueError(f"shapes {tuple(four.shape)}, {tuple(unit.shape)}: give a unit vertex for each tuple.")
    if bool((unit == 0).any()):
        raise ValueError("the unit vertex is zero at some tuple: no coupling can be read there; leave it out.")
    return four / unit


def misfit(four: Tensor, *units: Tensor) -> Tensor:
    """The part of G4c (k,) that the best couplings leave over: |four - sum_i lambda_i T_i| / |four|, all entries alike.

    0: the units are enough; 1: they are orthogonal to it.  For exact functions, or ones whose noise is far below it.
    """
    four, T = _entries(four, units)
    if not bool(four.any()) or not bool(four.isfinite().all() and T.isfinite().all()):
        raise ValueError("four is zero, or an entry is no number: there is nothing of which a part could be missed.")
    left = four - T @ torch.linalg.lstsq(T, four[:, None]).solution[:, 0]
    return left.norm() / four.norm()


def _entries(four: Tensor, units: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """four (k,) and the units side by side (k, p)."""
    four, columns = given.doubles(four), [given.doubles(unit) for unit in units]
    if four.dim() != 1 or not columns or any(column.shape != four.shape for column in columns):
        raise ValueError(
            f"four {tuple(four.shape)}, {len(columns)} units: one unit or more, an entry for each of four."
        )
    return four, torch.stack(columns, 1)


def fit(four: Tensor, covariance: Tensor, *units: Tensor) -> Fit:
    """The couplings whose G4c = sum_i lambda_i T_i is nearest to four (k,), given the covariance (k, k) of its values.

    Raises as `fits.linear_fit`, also when the units cannot be told apart or the covariance is singular: then fit in
    `directions` that are measured.
    """
    four, T = _entries(four, units)
    return fits.linear_fit(T, four, given.doubles(covariance))


def condition(covariance: Tensor, *units: Tensor) -> float:
    """How well the data tell the units apart: condition number of the whitened design, each column scaled to 1.

    1: independent questions.  1e6: only one combination of the couplings is measured, the rest is noise of the input.
    """
    covariance = given.doubles(covariance)
    _, T = _entries(covariance.diagonal(), units)
    lower, bad = torch.linalg.cholesky_ex(covariance)
    if int(bad):
        raise ValueError("the covariance is singular, or none: look in the measured `directions`, after `project`.")
    white = torch.linalg.solve_triangular(lower, T, upper=False)
    return float(torch.linalg.cond(white / white.norm(dim=0)))


def directions(covariance: Tensor, *, tolerance: float = 1e-6) -> Tensor:
    """Orthonormal combinations (r, k) of the normalised values that have a variance above tolerance of the largest.

    Correlated values hold fewer numbers than entries: at nearby inputs a handful.  Apply P to everything:
    fit(P @ (four / s), P @ (covariance / s s^T) @ P.T, P @ (unit / s)) with s the bars, as `project` does.
    """
    given.not_negative("tolerance", tolerance, why="it is a part of the largest variance")
    covariance = given.doubles(covariance)
    s = covariance.diagonal().sqrt()
    if covariance.dim() != 2 or covariance.shape[0] != covariance.shape[1] or not bool((s > 0).all()):
        raise ValueError(
            f"covariance {tuple(covariance.shape)}: (k, k), its variances above 0; leave exact values out."
        )
    values, vectors = torch.linalg.eigh(covariance / (s[:, None] * s))
    return vectors[:, values > tolerance * values[-1]].T


def project(P: Tensor, covariance: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
    """(P C P^T, P v ...) with C and v in units of the bars: what `fit` gets in the measured directions P (r, k)."""
    P, covariance = given.doubles(P), given.doubles(covariance)
    values = tuple(given.doubles(v) for v in values)
    s = covariance.diagonal().sqrt()
    return (P @ (covariance / (s[:, None] * s)) @ P.T, *(P @ (v / s) for v in values))


def fit_measured(four: Tensor, covariance: Tensor, *units: Tensor) -> tuple[Fit, int]:
    """`fit` in the measured `directions`, and their number; for entries whose covariance is singular."""
    P = directions(covariance)
    projected, values, *design = project(P, covariance, four, *units)
    return fit(values, projected, *design), len(P)


def chi2_law(dof: int, n_chunks: int) -> Estimate:
    """Mean and spread of chi^2 of a TRUE model when the covariance comes from the same n_chunks chunks.

    Hotelling's T^2 = dof (c - 1) / (c - dof) F(dof, c - dof): larger than dof, because an estimated covariance is
    inverted (Hotelling 1931; exact for least-squares residuals too, which live in k - p dimensions).
    """
    given.whole("dof", dof, least=1, why="chi^2 has at least one degree of freedom")
    given.whole("n_chunks", n_chunks, least=1, why="a covariance comes from chunks")
    c, nu = n_chunks, n_chunks - dof
    if nu <= 4:
        raise ValueError(f"{n_chunks} chunks for {dof} degrees of freedom: use at least {dof + 5} chunks.")
    mean = nu / (nu - 2)
    variance = 2 * nu**2 * (dof + nu - 2) / (dof * (nu - 2) ** 2 * (nu - 4))
    scale = dof * (c - 1) / nu
    return Estimate(scale * mean, scale * math.sqrt(variance))


def predict_six(two: Tensor, four: Tensor) -> Tensor:
    """The FULL six-point function at `wick.tuples(m, 6)` that a theory with this G2 (m, m) and G4c (k,) predicts.

    sum_15 G2 G2 G2 + sum_15 G4c G2, the external leg with its bias; what is left over is G6c, of order 1/N^2.
    """
    return wick.six_from_connected(two, four)


def amputate(four: Tensor, two: Tensor) -> Tensor:
    """lambda_ijkl = -G4c amputated of its legs, over 4!, as a symmetric tensor (m, m, m, m): the exact quartic term
    sum_ijkl lambda_ijkl f_i f_j f_k f_l of the action of the values f at m points, to first order in 1/N.

    Needs a kernel that can be inverted: raises `ValueError` beyond a condition number of 1e8.
    """
    two, four = given.doubles(two), given.doubles(four)
    m = len(two)
    if two.dim() != 2 or two.shape != (m, m) or not bool(two.isfinite().all()):
        raise ValueError(f"shape {tuple(two.shape)}: a kernel over m points is (m, m), of finite entries.")
    if not float(torch.linalg.cond(two)) < 1e8:
        raise ValueError(
            f"the kernel at these {m} points has condition number {float(torch.linalg.cond(two)):.0e}: its inverse "
            "amplifies any noise; use inputs that are further apart, or fewer."
        )
    inverse = torch.linalg.inv(two)
    tensor = wick.symmetric(four, m, 4)
    return -torch.einsum("abcd,ai,bj,ck,dl->ijkl", tensor, inverse, inverse, inverse, inverse) / 24
