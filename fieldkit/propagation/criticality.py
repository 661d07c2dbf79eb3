r"""Which weights and biases give the fixed point you want?  The maps read backwards, and the line between two phases.

    (q*, c*) -> sw2 = q / S(c),  sb2 = q - sw2 E phi^2,      e S(c) = E phi(u)^2 - E phi(u) phi(v)  (`maps.gap`)

No root is needed, so whole contour figures cost milliseconds; c -> 1 is the critical line chi_1 = sw2 E phi'^2 = 1.
Sources: Poole et al. 2016; Schoenholz et al. 2017; half-stable points and exponents: Roberts, Yaida and Hanin 2022.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import activations, elementwise, gaps, gaussian, maps
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function

SHORT = 1e-11  # what the Mehler series may leave out of S, relative; more is integrated


def weights_for(
    q: Tensor, c: Tensor, *, activation: Function | Activation, n_terms: int = maps.TERMS
) -> tuple[Tensor, Tensor]:
    """(sw2, sb2), each (len(q), len(c)), of the network whose fixed point is (q*, c*): no root to find.

    c = 1 gives the critical line.  A negative sb2 means that no network has that fixed point.  c (C,) in [-1, 1],
    q (Q,) > 0; memory Q n_terms + Q C.
    """
    phi, (q, c) = activations.of(activation), (given.doubles(x) for x in (q, c))
    if q.dim() != 1 or c.dim() != 1 or not gaussian.seen((q > 0) & (q < math.inf)) or not gaussian.seen(c.abs() <= 1):
        raise ValueError(f"shapes {tuple(q.shape)}, {tuple(c.shape)}: give lengths q (Q,) > 0 and c (C,) in [-1, 1].")
    square, slope, _ = activations.moments(phi, q)
    grid = torch.broadcast_tensors(q[:, None], 1 - c)
    if phi.gap is not None or phi.dual is not None:
        S = maps.gap(phi, grid[0].flatten())(grid[1].flatten())[0].reshape(grid[0].shape)
    else:
        a = gaussian.coefficients(phi, q, n_terms=n_terms, kinks=phi.kinks, parity=phi.parity)
        t = gaussian.tail_sums(a, square, q * slope)
        powers = torch.cumprod(torch.cat([torch.ones_like(c)[None], c.expand(n_terms - 1, -1)]), dim=0)
        S = t.T @ powers
        poor = gaps.series_misses(phi, t[:, :, None], grid[1]) > SHORT * S
        if not gaussian.every(~poor):
            S = S.masked_scatter(poor, gaps.by_quadrature(phi, grid[0][poor], grid[1][poor])[0])
    sw2 = q[:, None] / S
    return sw2, q[:, None] - sw2 * square[:, None]


def at_length(q: float, *, activation: Function | Activation) -> tuple[float, float]:
    """(sw2, sb2) of the network on the critical line whose fixed point is q* = q: `weights_for` at c = 1.

    Raises `ValueError` for a phi that jumps or is constant, and where the biases would need a negative variance: no
    critical network has this fixed point, as for a phi whose mean is large beside its slope.
    """
    given.positive("q", q, why="a signal has a length")
    phi = activations.of(activation)
    _smooth_enough(phi)
    square, slope = (x.item() for x in activations.moments(phi, torch.tensor([q], dtype=torch.float64))[:2])
    if not slope > 0:
        raise ValueError(f"q = {q}: phi does not vary there, and no weights make the network critical; take another.")
    sw2 = 1 / slope
    sb2 = q - sw2 * square
    if sb2 < -1e-12 * q:
        raise ValueError(f"q = {q}: sb2 = {sb2:.3g} would be needed, and a variance cannot be negative; raise q.")
    return sw2, max(sb2, 0.0)


def critical_line(sb2: Tensor, *, activation: Function | Activation, q_max: float = 1e4) -> tuple[Tensor, Tensor]:
    """(sw2, q*), each of the shape of sb2, at which chi_1 = 1: the root q of sb2 = q - E phi^2 / E phi'^2.

    By bisection in ln q, to rounding; raises `ValueError` when the line does not reach some sb2 with q* < q_max.
    At sb2 = 0 an activation with phi(0) = 0 is critical at q* = 0, sw2 = 1 / phi'(0)^2.
    """
    phi = activations.of(activation)
    _smooth_enough(phi)
    gaussian.variance("sb2", sb2)
    given.positive("q_max", q_max, why="the line is sought up to some length")
    sb2 = given.doubles(sb2)

    def excess(q: Tensor) -> Tensor:
        square, slope, _ = activations.moments(phi, q)
        return q - square / slope - sb2

    q = _bisect(excess, torch.full_like(sb2, 1e-12), torch.full_like(sb2, q_max))
    if not gaussian.every(excess(torch.full_like(sb2, q_max)) > 0):
        raise ValueError(f"the critical line does not reach these sb2 with q* < {q_max:g}; lower sb2 or raise q_max.")
    silent = phi(torch.zeros_like(sb2)) == 0
    q = torch.where((sb2 == 0) & silent, 0.0, q)
    return 1 / activations.moments(phi, q)[1], q


def half_stable(
    q_low: float, q_high: float, *, activation: Function | Activation, device: torch.device | str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(q*, sw2, sb2) between q_low and q_high where chi_1 = chi_q = 1: critical, though phi is no power of x.

    The root of E phi'^2 = d E phi^2 / dq; GELU: q* = (3 + sqrt 17) / 2.  Raises `ValueError` without a change of sign.
    """
    phi = activations.of(activation)
    low, high = (torch.full((), x, device=device, dtype=torch.float64) for x in (q_low, q_high))

    def difference(q: Tensor) -> Tensor:
        _, slope, growth = activations.moments(phi, q)
        return slope - growth

    first, last = difference(low), difference(high)
    if not gaussian.every(first * last < 0):
        raise ValueError(f"q = {q_low} ... {q_high}: chi_1 - chi_q has the same sign at both ends; widen the interval.")
    sign = torch.sign(last)
    q = _bisect(lambda q: sign * difference(q), low, high)
    square, slope, _ = activations.moments(phi, q)
    return q, 1 / slope, q - square / slope


def critical_exponents(activation: Function | Activation) -> tuple[float, float]:
    """(a_1, b_1) of a phi with phi(0) = 0 at sw2 = 1 / phi'(0)^2, sb2 = 0:  q' = q + a_1 q^2,  chi_1 = 1 + b_1 q.

    a_1 = s_3 / s_1 + 3/4 (s_2 / s_1)^2,  b_1 = s_3 / s_1 + (s_2 / s_1)^2 with Taylor coefficients s_k = phi^(k)(0);
    l q_l -> -1 / a_1 and the gap between twins falls as l^(-b_1 / a_1) (Roberts, Yaida and Hanin 2022).
    """
    phi = activations.of(activation)
    zero = torch.zeros((), dtype=torch.float64)
    third = elementwise.differentiate(phi.second_derivative)
    s1, s2, s3 = (f(zero).item() for f in (phi.derivative, phi.second_derivative, third))
    if phi.bent or phi(zero).item() != 0 or not (math.isfinite(s1) and s1 != 0):
        raise ValueError("phi has no such expansion: it must be smooth at 0, phi(0) = 0 and phi'(0) != 0, as of tanh.")
    return s3 / s1 + 0.75 * (s2 / s1) ** 2, s3 / s1 + (s2 / s1) ** 2


def _smooth_enough(phi: Activation) -> None:
    """Refuse a phi that jumps: its chi_1 is infinite."""
    if phi.jumps:
        raise ValueError(
            f"phi jumps at x = {', '.join(f'{x:g}' for x, _ in phi.jumps)}: chi_1 is infinite and no weights make the "
            "network critical; take a continuous phi."
        )


def _bisect(f: Callable[[Tensor], Tensor], low: Tensor, high: Tensor) -> Tensor:
    """The root of f, negative below and positive above, by halving ln q to rounding."""
    for _ in range(64):
        middle = (low * high).sqrt()
        positive = f(middle) > 0
        low, high = torch.where(positive, low, middle), torch.where(positive, middle, high)
    return (low * high).sqrt()
