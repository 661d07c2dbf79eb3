r"""What does backpropagation feel?  The singular values of a deep Jacobian, from free probability.

    J = D_L W_L ... D_1 W_1,    D = diag phi'(h),  h ~ N(0, q) at the fixed point of the length map,
    lambda(m) = (1 + m) / m [ sw2 y m / ((1 + m) s(m)) ]^L     with   m = M(y) = E[ D^2 / (y - D^2) ],   y > max D^2.

lambda(m) is the inverse of the moment function m(lambda) = sum_k m_k / lambda^k of J J^T.  Derivation: in a wide
network the layers are free, so S-transforms multiply, S_JJT = (S_W S_D)^L; S(m) = (1 + m) / (m M^-1(m)) for each
factor; S_W = s(m) / sw2 with s = 1 for orthogonal weights and s = 1 / (1 + m) for Gaussian ones.  The upper edge is the
minimum of lambda over y, one number to search whatever the depth.  With sw2 E[D^2] = 1 the mean squared singular value
is 1 and its variance is L (mu_2 / mu_1^2 - 1 - s'(0)), s'(0) = 0 or -1, mu_k = E D^2k.

Where the minimum is explicit `jacobian_exact` has it.  Sources: Pennington, Schoenholz and Ganguli 2017 and 2018;
Voiculescu 1987 (S-transform).  Square layers, width to infinity; float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from fieldkit import given, moved
from fieldkit.propagation import gaussian as averages
from fieldkit.propagation.gaussian import Function


@dataclass(frozen=True)
class SquaredSlopes:
    """The distribution of D^2 = phi'(h)^2 as points `values` (k,) with probabilities `weights` (k,)."""

    values: Tensor
    weights: Tensor

    def moment(self, k: int) -> float:
        """mu_k = E[D^(2k)]."""
        return (self.weights * self.values**k).sum().item()


def squared_slopes(derivative: Function, q: float, *, kinks: Sequence[float] = ()) -> SquaredSlopes:
    """phi'(h)^2 for h ~ N(0, q), by quadrature panels that end at the `kinks` of phi: where phi' jumps."""
    given.function("derivative", derivative)
    given.positive("q", q, why="pre-activations need a positive variance")
    z, weights = averages.panels(torch.tensor(q, dtype=torch.float64), kinks=tuple(kinks), n=32)
    h = math.sqrt(q) * torch.cat([-z, z])
    slopes = derivative(h).square()
    if not averages.seen((slopes >= 0) & (slopes < math.inf)) or not averages.every((slopes > 0).any()):
        raise ValueError("phi' is nowhere different from 0, or not finite: nothing passes backwards, or without bound; "
                         "take a phi that rises and does not jump.")  # fmt: skip
    return SquaredSlopes(slopes, torch.cat([weights, weights]))


def orthogonal(m: Tensor) -> Tensor:
    """log s(m) of orthogonal weights, W W^T = sw2: 0."""
    return torch.zeros_like(m)


def gaussian(m: Tensor) -> Tensor:
    """log s(m) of Gaussian weights, W_ij ~ N(0, sw2 / N): -log(1 + m), the S-transform of Marchenko and Pastur."""
    return -torch.log(1 + m)


def inverse_moment_map(slopes: SquaredSlopes, y: Tensor, *, depth: float, sw2: float, weights: Function) -> Tensor:
    """log lambda at each real y > max D^2 or complex y (k,) -> (k,); `weights` is `orthogonal` or `gaussian`."""
    given.positive("depth", depth, why="a Jacobian has at least one layer")
    given.positive("sw2", sw2, why="without weights there is no spectrum")
    m = (slopes.weights * slopes.values / (y[:, None] - slopes.values)).sum(1)
    return torch.log((1 + m) / m) + depth * (torch.log(sw2 * y * m / (1 + m)) - weights(m))


def edge(slopes: SquaredSlopes, *, depth: float, sw2: float, weights: Function) -> float:
    """The largest squared singular value: the minimum of lambda(y) over y > max D^2.

    Where the minimum is the end y = max D^2 itself the top of the spectrum is an atom (hard-tanh with L (1 - p) <= 1).
    Raises `ValueError` for depth < 1.
    """
    return math.exp(_top(slopes, depth, sw2, weights)[1])


def variance(slopes: SquaredSlopes, *, depth: float, weights: Function) -> float:
    """Variance of the squared singular values over the square of their mean: L (mu_2 / mu_1^2 - 1 - s'(0))."""
    zero = torch.zeros((), dtype=torch.float64, requires_grad=True)
    out = weights(zero)
    slope = torch.autograd.grad(out, zero)[0].item() if out.requires_grad else 0.0
    given.positive("depth", depth, why="a Jacobian has at least one layer")
    mean = slopes.moment(1)
    spread = (slopes.weights * (slopes.values / mean - 1).square()).sum().item()
    return depth * (spread - slope)


def density(slopes: SquaredSlopes, lambdas: Tensor, *, depth: float, sw2: float, weights: Function) -> Tensor:
    """Spectral density of J J^T at `lambdas` (k,) -> (k,); an atom at 0 or at the top is not shown.

    Inside the support y is complex: Newton's method follows it from the edge downwards in small steps of log lambda,
    and rho = -Im G / pi with G = (1 + m) / lambda.  D^2 stands on quadrature points, so where y comes closer to the
    real axis than their distance (far below the mean) the curve is not to be trusted; with linear layers it is exact.
    Raises `ValueError` where the spectrum ends in an atom, and for lambdas that are not finite.
    """
    lambdas = given.doubles(lambdas)
    if lambdas.dim() != 1 or not len(lambdas) or not averages.seen(lambdas.isfinite()):
        raise ValueError(f"lambdas of shape {tuple(lambdas.shape)}: give squared singular values (k,), all finite.")
    t_top, log_top = _top(slopes, depth, sw2, weights)
    bound, top = slopes.values.max().item(), math.exp(log_top)
    if t_top < -31:
        raise ValueError(f"depth = {depth}: the spectrum ends in an atom, not an edge; take more layers or a larger q.")
    low = max(lambdas.min().item(), 1e-12 * top)
    path = log_top - torch.linspace(0, 1, 300, dtype=torch.float64).square() * math.log(top / low)
    wanted = lambdas.clamp_min(low).log().clamp(path[-1].item(), path[1].item())
    targets, order = torch.cat([path[1:], wanted]).sort(descending=True)
    y_top = bound * (1 + math.exp(t_top))
    shift = 1e-4 * (y_top - bound)
    ends = [_with_derivative(slopes, complex(y_top + s), depth, sw2, weights)[1].real for s in (-shift, shift)]
    curvature = (ends[1] - ends[0]) / (2 * shift)
    y, out = complex(y_top, math.sqrt(2 * (log_top - targets[0].item()) / curvature)), []
    for target in targets:
        for _ in range(30):
            value, slope = _with_derivative(slopes, y, depth, sw2, weights)
            step = (value - target) / slope
            step = step * min(1.0, 0.2 * abs(y - bound) / (abs(step) + 1e-300))
            y = y - step
            if abs(step) < 1e-13 * abs(y):
                break
        m = (slopes.weights * slopes.values / (y - slopes.values)).sum()
        out.append(abs(((1 + m) / math.exp(target)).imag) / math.pi)
    back = torch.empty(len(out), dtype=torch.float64)
    back[order] = torch.tensor(out, dtype=torch.float64)
    inside = (lambdas < top) & (lambdas >= low)
    return torch.where(inside, back[len(path) - 1 :], torch.zeros_like(lambdas))


def gaussian_weights(n: int, width: int, *, rng: torch.Generator) -> Tensor:
    """n matrices (n, width, width) with entries N(0, 1 / width)."""
    return averages.normal((n, width, width), rng) / math.sqrt(width)


def orthogonal_weights(n: int, width: int, *, rng: torch.Generator) -> Tensor:
    """n matrices (n, width, width) uniform on the orthogonal group: QR with R's signs moved to Q (Mezzadri 2007)."""
    q, r = torch.linalg.qr(gaussian_weights(n, width, rng=rng))
    return q * torch.where(torch.diagonal(r, dim1=1, dim2=2) < 0, -1.0, 1.0)[:, None, :]


def sample(
    n: int,
    width: int,
    depth: int,
    *,
    activation: Function,
    derivative: Function,
    sw2: float,
    sb2: float,
    q: float,
    weights: Callable[..., Tensor] = gaussian_weights,
    rng: torch.Generator,
) -> Tensor:
    """Squared singular values (n, width), descending, of the Jacobians of n random networks that start at length q.

    h_0 ~ N(0, q), h_l = W_l phi(h_(l-1)) + b_l, J = prod D_l W_l.  Cost: `depth` products, one SVD.
    """
    given.function("activation", activation)
    given.function("derivative", derivative)
    for name, value in (("sw2", sw2), ("sb2", sb2), ("q", q)):
        given.not_negative(name, value, why="a variance cannot be negative")
    given.whole("depth", depth, least=0, why="it counts layers")
    h = math.sqrt(q) * averages.normal((n, width, 1), rng)
    J = torch.eye(width, device=rng.device, dtype=torch.float64).expand(n, width, width)
    for _ in range(depth):
        W = math.sqrt(sw2) * weights(n, width, rng=rng)
        h = W @ activation(h) + math.sqrt(sb2) * averages.normal((n, width, 1), rng)
        J = derivative(h) * (W @ J)
    return torch.linalg.svdvals(J).square()


def _top(slopes: SquaredSlopes, depth: float, sw2: float, weights: Function) -> tuple[float, float]:
    """(t, log lambda) at the edge, y = max D^2 (1 + e^t): a scan, then a bounded search between its neighbours."""
    given.positive("depth", depth, why="a Jacobian has at least one layer")
    if not 1 <= depth < math.inf:
        raise ValueError(f"depth = {depth}: a Jacobian has at least one layer.")
    given.positive("sw2", sw2, why="without weights there is no spectrum")
    top = slopes.values.max()

    def log_lambda(t: Tensor) -> Tensor:
        return inverse_moment_map(slopes, top * (1 + t.exp()), depth=depth, sw2=sw2, weights=weights)

    t = torch.linspace(-32.0, 25.0, 600, dtype=torch.float64)
    best = t[log_lambda(t).argmin()].item()
    found = minimize_scalar(
        lambda x: log_lambda(torch.tensor([x], dtype=torch.float64)).item(),
        bounds=(max(best - 0.1, -32.0), best + 0.1),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return found.x, found.fun


def _with_derivative(
    slopes: SquaredSlopes, y: complex, depth: float, sw2: float, weights: Function
) -> tuple[complex, complex]:
    """log lambda and its derivative at a complex y.

    The branch is that of the principal logarithms, which is continuous along the path because |arg(m)| < pi there.
    """
    gap = y - slopes.values
    m = (slopes.weights * slopes.values / gap).sum()
    dm = -(slopes.weights * slopes.values / gap.square()).sum()
    log_s = weights(m)
    h = 1e-6 * (1 + abs(m))
    dlog_s = (weights(m + h) - weights(m - h)) / (2 * h)
    log = torch.log(1 + m) - torch.log(m)
    value = log + depth * (math.log(sw2) + torch.log(torch.as_tensor(y)) - log - log_s)
    slope = dm * ((depth - 1) / (m * (1 + m)) - depth * dlog_s) + depth / y
    return complex(value), complex(slope)


if not TYPE_CHECKING:
    __getattr__ = moved.names(__name__)
