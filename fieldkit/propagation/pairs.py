r"""What is the average over two Gaussian variables, at any variance and correlation?  A series, and panels beyond it.

    E phi(u) phi(v) = sum_k a_k(q_u) a_k(q_v) c^k                                             (Mehler 1866)
                    = int dz N(z) phi(sqrt(q_u) z) E[phi(v) | u],       v = sqrt(q_v) (c z + s y),   s^2 = 1 - c^2

The series is fast and needs some 1 / (1 - c) terms for a phi with a kink, q of them for a smooth one.  What it has left
out of E phi^2 and q E phi'^2 is known, and bounds its error for every pair; a pair that misses TOLERANCE is integrated.
The inner integral has panels that end where v meets a kink, the outer one panels that end where u does, and others of
width s around the places where the inner one bends.  s comes from u v - k^2 (`closed_forms`), half the mean square of
phi(u) - phi(v) is integrated as it stands.  Where phi jumps by J_i at x_i, phi' = regular + sum J_i delta(x - x_i), and
the average of two slopes has a density of coincidences:

    E phi' phi' = E regular regular + sum_i J_i p(x_i) E[regular(v) | u = x_i] + (u <-> v) + sum_ij J_i J_j p(x_i, x_j).

float64, on the device of the variances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from fieldkit.propagation import activations, closed_forms, gaussian
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.closed_forms import Pair

TERMS = 160  # of the Mehler series
TOLERANCE = 1e-12  # of the series, relative to the averages at c = 1
NODES = 14  # a panel of the integrals
REACH = 8.5  # the Gaussian beyond weighs 2e-17
FIXED = (-3.5, 0.0, 3.5)  # ends of panels that resolve the Gaussian itself
POINTS = 2**21  # numbers in memory at once


@dataclass(frozen=True)
class Side:
    """What one variable brings to a pair: its variance q, E phi^2, E phi'^2 (...), Mehler coefficients (terms, ...),
    the share of q E phi'^2 that they leave out, and E phi', the only coefficient that counts at q = 0 (...)."""

    q: Tensor
    square: Tensor
    slope: Tensor
    a: Tensor
    short: Tensor
    first: Tensor

    def __getitem__(self, which: object) -> Side:
        """Some of the variables, in any order and shape."""
        pick = (..., *which) if isinstance(which, tuple) else (..., which)
        return Side(*(t[pick] for t in (self.q, self.square, self.slope, self.a, self.short, self.first)))


class Near(NamedTuple):
    """Pairs (P,) whose variables may be nearly one, or opposite: covariance k, determinant, E (u - v)^2 / 2."""

    k: Tensor
    det: Tensor
    a: Tensor

    @staticmethod
    def of(u: Tensor, v: Tensor, k: Tensor) -> Near:
        """From the covariance alone: a determinant below its rounding is none."""
        det = closed_forms.determinant(u, v, k)
        det = torch.where(det < 2**-50 * u * v, closed_forms.SMALL, det)
        return Near(k, det, (u + v) / 2 - k)

    @staticmethod
    def apart(u: Tensor, v: Tensor, k: Tensor, a: Tensor, b: Tensor, difference: Tensor | None = None) -> Near:
        """From a = E (u - v)^2 / 2 and b = E (u + v)^2 / 2, the smaller of which is the better known, and the
        difference of the variances u and v where it is known beyond their rounding."""
        difference = u - v if difference is None else difference
        det = (a * b - (difference / 2).square()).clamp_min(closed_forms.SMALL)
        return Near(torch.where(a < b, (u + v) / 2 - a, k), det, a)


class Averages(NamedTuple):
    """E phi(u) phi(v), E phi'(u) phi'(v) and E (phi(u) - phi(v))^2 / 2, each (P,)."""

    product: Tensor
    slope: Tensor
    gap: Tensor


def side(phi: Activation, q: Tensor, *, n_terms: int = TERMS) -> Side:
    """Everything about variances q (P,)."""
    square, slope, _ = activations.moments(phi, q)
    if phi.dual is not None:
        return Side(q, square, slope, q[None], q, q)  # the last three are not used; keeps one type
    a = gaussian.coefficients(phi, q, n_terms=n_terms, kinks=phi.kinks, parity=phi.parity)
    order = torch.arange(len(a), device=q.device, dtype=torch.float64)
    found = order @ a.square()
    whole = q * slope
    short = torch.where(torch.isfinite(whole), (1 - found / whole.clamp_min(gaussian.TINY)).clamp(0, 1), 1.0)
    short = torch.where(q > gaussian.TINY, short, 0.0)
    first = gaussian.average(phi.derivative, q, kinks=phi.kinks) if phi.parity != 1 else torch.zeros_like(q)
    return Side(q, square, slope, a, short.detach(), first)


def dual(phi: Activation, left: Side, right: Side, k: Tensor, *, skip: Tensor | None = None) -> Pair:
    """(E phi phi, E phi' phi') at covariances k, to whose shape the two sides broadcast; roughly where `skip`."""
    if phi.dual is not None:
        return phi.dual(left.q, right.q, k)
    (product, slope), poor = _series(phi, left, right, k, skip)
    if poor is None:
        return product, slope
    u, v, k = (t[poor] for t in torch.broadcast_tensors(left.q, right.q, k))
    better = _exact(phi, u, v, Near.of(u, v, k))
    return product.masked_scatter(poor, better.product), slope.masked_scatter(poor, better.slope)


def near(phi: Activation, left: Side, right: Side, pair: Near) -> Averages:
    """The three averages of pairs (P,), to rounding however near; the same variable twice has those of its `Side`."""
    u, v, (k, det, a) = left.q, right.q, pair
    square = (left.square + right.square) / 2
    if phi.dual is not None:
        product, slope = phi.near(u, v, k, det, a) if phi.near is not None else phi.dual(u, v, k)
        gap = phi.apart(u, v, k, det, a) if phi.apart is not None else square - product
    else:
        (product, slope), poor = _series(phi, left, right, k, (a == 0) & (u == v))
        gap = square - product
        if poor is not None:
            better = _exact(phi, u[poor], v[poor], Near(k[poor], det[poor], a[poor]))
            product, slope, gap = (t.masked_scatter(poor, new) for t, new in zip((product, slope, gap), better))
    twins = (a == 0) & (u == v)
    return Averages(
        torch.where(twins, square, product), torch.where(twins, left.slope, slope), torch.where(twins, 0.0, gap)
    )


def _series(phi: Activation, left: Side, right: Side, k: Tensor, skip: Tensor | None) -> tuple[Pair, Tensor | None]:
    """Mehler's series, and the pairs, `skip` apart, for which it is too short (None: for no pair)."""
    here, there = _inverse_root(left.q), _inverse_root(right.q)
    scale = here * there
    c = (k * scale).clamp(-1, 1)
    value, slope = torch.zeros_like(c), torch.zeros_like(c)
    for a, b in zip(left.a.flip(0), right.a.flip(0)):
        slope = torch.addcmul(value, slope, c)
        value = torch.addcmul(a * b, value, c)
    slope = slope * scale
    if not (gaussian.every(here > 0) and gaussian.every(there > 0)):
        slope = torch.where(scale > 0, slope, left.first * right.first)
    if gaussian.every(left.short.amax() * right.short.amax() <= TOLERANCE**2):
        return (value, slope), None
    poor = (left.short * right.short).sqrt() * c.detach().abs() ** (len(left.a) - 1) > TOLERANCE
    poor = poor if skip is None else poor & ~skip
    return (value, slope), None if gaussian.every(~poor) else poor


def _inverse_root(q: Tensor) -> Tensor:
    """1 / sqrt q, and 0 at q = 0, with finite gradients."""
    return torch.where(q > gaussian.TINY, torch.where(q > gaussian.TINY, q, 1.0).rsqrt(), 0.0)


def _exact(phi: Activation, u: Tensor, v: Tensor, pair: Near) -> Averages:
    """By quadrature; of an odd phi opposite variables are near ones, mirrored."""
    mirrored = (pair.k < 0) & (phi.parity == -1)
    k = torch.where(mirrored, -pair.k, pair.k)
    product, slope, gap = averages(phi, u, v, k, pair.det)
    return Averages(torch.where(mirrored, -product, product), slope, torch.where(mirrored, gap + 2 * product, gap))


def averages(phi: Activation, u: Tensor, v: Tensor, k: Tensor, det: Tensor) -> Averages:
    """The three averages by quadrature, for variances u, v > 0, covariances k and det = u v - k^2, all (P,)."""
    if not len(u):
        return Averages(k, k, k)
    root = u.sqrt() * v.sqrt()
    c, s = (k / root).clamp(-1, 1), (det.sqrt() / root).clamp(0, 1)
    steep = not gaussian.every(torch.maximum(u, v) <= 20)
    grid = _places(phi, u, smooth=gaussian.scales(steep))
    each = (len(grid) + 6) * (len(grid) + 9) * NODES**2
    pieces = zip(*(x.split(max(1, POINTS // each)) for x in (u, v, c, s)))
    return Averages(*(torch.cat(column) for column in zip(*(_piece(phi, grid, *piece) for piece in pieces))))


def _piece(phi: Activation, grid: Tensor, u: Tensor, v: Tensor, c: Tensor, s: Tensor) -> Averages:
    a, b = u.sqrt()[:, None], v.sqrt()[:, None]
    z, w = _outer(phi, grid, a, b, c[:, None], s[:, None])
    y, inner = _inner(grid, b, c[:, None], s[:, None], z)
    x = a * z
    there = b[..., None] * (c[:, None, None] * z[..., None] + s[:, None, None] * y)
    left, right = phi(x)[..., None], phi(there)
    product = (w * left[..., 0] * (inner * right).sum(-1)).sum(-1)
    gap = (w * (inner * (left - right).square()).sum(-1)).sum(-1) / 2
    slope = (w * phi.derivative(x) * (inner * phi.derivative(there)).sum(-1)).sum(-1)
    if phi.parity:
        product, gap, slope = 2 * product, 2 * gap, 2 * slope
    return Averages(product, slope + _coincidences(phi, grid, a, b, c[:, None], s[:, None]), gap)


def _places(phi: Activation, q: Tensor, *, smooth: tuple[float, ...]) -> Tensor:
    """Where a panel ends in x: the kinks and zero, and where a saturating phi changes its scale."""
    places = {0.0} | set(phi.kinks) | {sign * x for x in smooth for sign in (-1, 1)}
    return torch.tensor(sorted(places), device=q.device, dtype=torch.float64)


def _outer(phi: Activation, grid: Tensor, a: Tensor, b: Tensor, c: Tensor, s: Tensor) -> Pair:
    """Nodes z and Gaussian weights (P, m): the half line z > 0 for an even or odd phi."""
    bends = _places(phi, a, smooth=())
    steady = torch.where(c.abs() < 1e-3, 1e-3, c)
    centre, width = bends / (b * steady), s / steady.abs()
    around = [centre + width * reach for reach in (-REACH, -REACH / 2, 0, REACH / 2, REACH)]
    low = 0.0 if phi.parity else -REACH
    return _nodes(torch.cat([grid / a, *around], -1).clamp(low, REACH), low)


def _inner(grid: Tensor, b: Tensor, c: Tensor, s: Tensor, z: Tensor) -> Pair:
    """Nodes y and Gaussian weights (P, m, m') given the outer nodes z (P, m)."""
    bends = (grid / b[..., None] - c[..., None] * z[..., None]) / s.clamp_min(1e-300)[..., None]
    return _nodes(bends.clamp(-REACH, REACH), -REACH)


def _nodes(edges: Tensor, low: float) -> Pair:
    """Gauss-Legendre nodes between `low`, the edges (..., k), FIXED and REACH, and their Gaussian weights (..., m)."""
    fixed = [x for x in (*FIXED, low, REACH) if x >= low]
    ends = torch.tensor(fixed, device=edges.device, dtype=torch.float64).expand(*edges.shape[:-1], -1)
    edges = torch.cat([edges, ends], -1).sort(-1).values
    x, weight = (torch.tensor(t, device=edges.device, dtype=torch.float64) for t in gaussian.legendre(NODES))
    width = edges.diff(dim=-1)
    there = (width > 0).flatten(0, -2).any(0)  # panels that have shrunk to nothing for all pairs are left out
    start, width = edges[..., :-1][..., there, None], width[..., there, None]
    z = (start + width * ((1 + x) / 2)).flatten(-2)
    return z, (width * (weight / 2)).flatten(-2) * gaussian.density(z)


def _coincidences(phi: Activation, grid: Tensor, a: Tensor, b: Tensor, c: Tensor, s: Tensor) -> Tensor:
    """What the jumps of phi add to the average of two slopes, (P,)."""
    total = torch.zeros_like(a[:, 0])
    if not phi.jumps:
        return total
    at, J = (torch.tensor(t, device=a.device, dtype=torch.float64) for t in zip(*phi.jumps))
    for one, other in ((a, b), (b, a)):
        z = at / one  # (P, jumps)
        y, inner = _inner(grid, other, c, s, z)
        there = other[..., None] * (c[..., None] * z[..., None] + s[..., None] * y)
        regular = (inner * phi.derivative(there)).sum(-1)
        total = total + (J * gaussian.density(z) / one * regular).sum(-1)
    z = at / a
    y = (at / b[..., None] - c[..., None] * z[..., None]) / s[..., None]
    y = torch.where(y.isnan(), 0.0, y)  # 0 / 0: one point twice
    both = gaussian.density(z)[..., None] * gaussian.density(y) / (a * b * s)[..., None]
    both = torch.where(both.isnan(), 0.0, both)  # 0 * inf
    return total + (J[:, None] * J * both).sum((-2, -1))
