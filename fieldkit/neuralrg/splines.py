r"""What if a site could be bent, and not only stretched and moved?  Neural spline couplings.

In place of a -> a exp(s(b)) + t(b) (`couplings`) a monotone map of a whose whole shape is told by b: on [-B, B] it is a
chain of K rational quadratics through knots (x_k, y_k) with slopes d_k, outside a straight line.  Between two knots,

    v = (x - x_k) / w,   w = x_{k+1} - x_k,   h = y_{k+1} - y_k,   r = h / w,
    y = y_k + h [r v^2 + d_k v (1 - v)] / D,            D = r + (d_{k+1} + d_k - 2r) v (1 - v),
    dy/dx = r^2 [d_{k+1} v^2 + 2r v (1 - v) + d_k (1 - v)^2] / D^2 > 0,

and the inverse is the root of a quadratic equation.  Here the spline comes first and the affine map of `couplings`
after it, so that the interval need not fit the field.  A network at zero gives the identity.  Sources: Durkan et al.
2019 (the spline, after Gregory and Delbourgo 1982); the score is carried along as in `couplings`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from fieldkit import given
from fieldkit.neuralrg import couplings

LEAST = 0.02  # least width and height of a bin, over 2B / K, and least slope
UNIT = math.log(math.expm1(1 - LEAST))  # softplus(UNIT) = 1 - LEAST: slope one


def spline(x: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, *, bound: float) -> tuple[Tensor, Tensor]:
    """y and ln dy/dx, both in the shape (...) of x.

    widths, heights (K, ...) in units of 2 bound, each with the sum one; slopes (K - 1, ...) > 0 at the inner knots.
    Outside [-bound, bound] the map is the identity, and the outer slopes are one.
    """
    given.positive("bound", bound, why="the spline lives between -bound and bound")
    inside, (x0, w), (y0, h), (d0, d1) = _bin(x, widths, heights, slopes, bound)
    v = ((x - x0) / w).clamp(0, 1)
    r, u = h / w, v * (1 - v)
    below = r + (d1 + d0 - 2 * r) * u
    y = y0 + h * (r * v * v + d0 * u) / below
    slope = r * r * (d1 * v * v + 2 * r * u + d0 * (1 - v) ** 2) / below**2
    return torch.where(inside, y, x), torch.where(inside, slope, torch.ones_like(slope)).log()


def spline_inverse(y: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor, *, bound: float) -> Tensor:
    """x with spline(x) = y; arguments as `spline`."""
    given.positive("bound", bound, why="the spline lives between -bound and bound")
    inside, (y0, h), (x0, w), (d0, d1) = _bin(y, heights, widths, slopes, bound)
    r, z = h / w, y - y0
    s = z * (d1 + d0 - 2 * r)
    a, b, c = h * (r - d0) + s, h * d0 - s, -r * z
    v = 2 * c / (-b - (b * b - 4 * a * c).clamp(min=0).sqrt())  # the root between 0 and 1, without cancellation
    return torch.where(inside, x0 + w * v.clamp(0, 1), y)


class SplineCouplings(nn.Module):
    """Rounds of checkerboard couplings on fields (n, L, ..., L), L even, d = 1, 2 or 3, whose map is a spline and
    then affine.

    n_bins: K > 1; bound: B, in the units of the field that comes in; n_rounds, width, depth, reach as
    in `couplings.Couplings`.  Raises `ValueError` as it does, for n_bins < 2 or a bound that is not positive.
    """

    def __init__(
        self, d: int, *, n_rounds: int, width: int, n_bins: int = 6, bound: float = 4.0, depth: int = 2,
        reach: int = 1, rng: torch.Generator, dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        super().__init__()
        given.generator(rng)
        given.whole("n_rounds", n_rounds, least=0, why="rounds are counted")
        given.whole("n_bins", n_bins, least=2, why="a spline has at least one inner knot")
        given.positive("bound", bound, why="the spline lives between -bound and bound")
        if d not in couplings.CHECKERBOARD:
            raise ValueError(f"d = {d}: blocks are halved in one, two and three dimensions; use d = 1, 2 or 3.")
        self.n_bins, self.bound = n_bins, bound
        self.plan = [(couplings.CHECKERBOARD[d][0], r % 2) for r in range(n_rounds)]
        c, told = 2**d // 2, 3 * n_bins + 1  # widths, heights, inner slopes; s and t
        self.bodies = nn.ModuleList(
            couplings.Hidden(c, d, width=width, depth=depth, reach=reach, odd=False, groups=1, rng=rng, dtype=dtype)
            for _ in range(2 * n_rounds)
        )
        sizes = [(1, c * told, columns, 0) for columns in (width, 1) for _ in range(2 * n_rounds)]
        heads = [couplings.head(*size, rng=rng, dtype=dtype) for size in sizes]
        self.V, self.c = (nn.ParameterList(half) for half in (heads[: 2 * n_rounds], heads[2 * n_rounds :]))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Towards the field: (n, L, ..., L) -> the same, and the log-determinant (n,)."""
        log_det = x.new_zeros(len(x))
        for r, (split, shift) in enumerate(self.plan):
            a, b = couplings.halves(x, split, shift)
            a, slope = self._move(2 * r, a, b)
            log_det = log_det + couplings.over_blocks(slope)
            b, slope = self._move(2 * r + 1, b, a)
            log_det = log_det + couplings.over_blocks(slope)
            x = couplings.whole(a, b, split, shift)
        return x, log_det

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Back: the field before, and the log-determinant (n,) of this direction."""
        log_det = x.new_zeros(len(x))
        for r, (split, shift) in reversed(list(enumerate(self.plan))):
            a, b = couplings.halves(x, split, shift)
            b = self._back(2 * r + 1, b, a)
            log_det = log_det - couplings.over_blocks(self._move(2 * r + 1, b, a)[1])
            a = self._back(2 * r, a, b)
            log_det = log_det - couplings.over_blocks(self._move(2 * r, a, b)[1])
            x = couplings.whole(a, b, split, shift)
        return x, log_det

    def transport(self, x: Tensor, score: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`forward` of x, which must require a gradient; log-determinant and score leave without one."""
        log_det = x.new_zeros(len(x))
        for r, (split, shift) in enumerate(self.plan):
            (a, b), (g_a, g_b) = (couplings.halves(y, split, shift) for y in (x, score))
            a, g_a, g_b, slope = self._carried(2 * r, a, b, g_a, g_b)
            log_det = log_det + couplings.over_blocks(slope)
            b, g_b, g_a, slope = self._carried(2 * r + 1, b, a, g_b, g_a)
            log_det = log_det + couplings.over_blocks(slope)
            x, score = couplings.whole(a, b, split, shift), couplings.whole(g_a, g_b, split, shift)
        return x, log_det, score

    def _told(self, number: int, b: Tensor) -> tuple[Tensor, ...]:
        """Widths, heights, slopes, s and t of the map of the other half, each with the shape of b at the end."""
        K = self.n_bins
        raw = torch.baddbmm(self.c[number], self.V[number], self.bodies[number](b))
        raw = raw.reshape(-1, *b.shape)  # (3 K + 1, c, m, ..., m, n)
        widths, heights = (LEAST / K + (1 - LEAST) * functional.softmax(raw[k : k + K], 0) for k in (0, K))
        slopes = LEAST + functional.softplus(raw[2 * K : 3 * K - 1] + UNIT)
        return widths, heights, slopes, 2 * functional.softsign(raw[-2] / 2), raw[-1]

    def _move(self, number: int, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        widths, heights, slopes, s, t = self._told(number, b)
        y, slope = spline(a, widths, heights, slopes, bound=self.bound)
        return y * s.exp() + t, slope + s

    def _back(self, number: int, y: Tensor, b: Tensor) -> Tensor:
        widths, heights, slopes, s, t = self._told(number, b)
        return spline_inverse((y - t) * (-s).exp(), widths, heights, slopes, bound=self.bound)

    def _carried(
        self, number: int, a: Tensor, b: Tensor, g_a: Tensor, g_b: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """a after its move, both scores after it, and the log of its slope: g_y = (g_a - d_a ln slope) / slope, and
        g_b - d_b [ln slope + g_y y] at fixed a and g_y."""
        a = a.clone()  # a node of its own: b may have been made from a, and d_a is at fixed b
        y, slope = self._move(number, a, b)
        (bend,) = torch.autograd.grad(slope.sum(), a, retain_graph=True)
        g_y = (g_a - bend) * (-slope.detach()).exp()
        (h,) = torch.autograd.grad((slope + g_y * y).sum(), b, retain_graph=True)
        return y, g_y, g_b - h, slope.detach()


def _bin(x: Tensor, along: Tensor, across: Tensor, slopes: Tensor, bound: float) -> tuple[Any, ...]:
    """Of the bin of x along one axis: whether x is in any, its start and size there, start and size across, slopes."""
    size, other = 2 * bound * along, 2 * bound * across
    ends = size.cumsum(0) - bound
    place = (x >= ends[:-1]).sum(0, keepdim=True)  # (1, ...): 0 ... K - 1
    one = torch.ones_like(slopes[:1])
    inner = torch.cat([one, slopes, one])

    def at(knots: Tensor, k: Tensor) -> Tensor:
        return knots.gather(0, k)[0]

    w, h = at(size, place), at(other, place)
    start, start_across = at(ends, place) - w, at(other.cumsum(0), place) - bound - h
    inside = (x > -bound) & (x < bound)
    return inside, (start, w), (start_across, h), (at(inner, place), at(inner, place + 1))
