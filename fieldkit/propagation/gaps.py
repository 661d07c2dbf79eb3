r"""How much closer or farther are two inputs behind the non-linearity?  Their gap, right at every distance.

    E phi(u)^2 - E phi(u) phi(v) = e S(e),        e = 1 - c,        S = q int_0^1 dt 2 t P(e t^2),    P = E phi' phi'

at equal variances q.  What two nearly equal inputs become is a difference of near equals; S is not, and S(0) = q P(0)
is the number behind chi_1.  Closed forms, the Mehler series where it is long enough, and quadrature beyond (`pairs`).
Sources: Mehler 1866; Price 1958.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import activations, closed_forms, gaussian, pairs
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function
from fieldkit.propagation.pairs import TERMS


@dataclass(frozen=True)
class Gap:
    """e -> (S, dS/dc) at fixed variances (P,), made by `gap`.

    `at` is right at every e in [0, 2]; `rough`, from the series alone, is fast and bounds S from above (or, for a phi
    that jumps, from below); `missing` bounds the difference.  `slope`: e -> q E phi' phi', from `at`.
    """

    at: Callable[[Tensor], tuple[Tensor, Tensor]]
    rough: Callable[[Tensor], tuple[Tensor, Tensor]]
    missing: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]

    def __call__(self, e: Tensor) -> tuple[Tensor, Tensor]:
        return self.at(e)


def gap(
    activation: Function | Activation, q: Tensor, *, n_terms: int = TERMS, known: tuple[Tensor, Tensor] | None = None
) -> Gap:
    """The map e -> (S, dS/dc) with E phi(u)^2 - E phi(u) phi(v) = e S at variances q (P,), correlation 1 - e.

    S(e = 0) = q E phi'^2, the number behind chi_1.  Closed form if the activation has one, or S = q int_0^1 dt 2 t
    P(e t^2) with a closed P = E phi' phi'; else the Mehler series of `n_terms` terms, completed so that it is exact at
    c = 0 and c = 1, and quadrature where that is not enough.  `known`: (E phi^2, E phi'^2) at q.
    """
    phi, q = activations.of(activation), given.doubles(q)
    if not gaussian.seen(~(q < 0)):
        raise ValueError("q < 0: it is a variance of pre-activations, which cannot be negative.")
    if phi.gap is not None or phi.dual is not None:
        closed = partial(phi.gap, q) if phi.gap is not None else partial(_by_slopes, phi, q)
        if phi.dual is None:
            return Gap(closed, closed, torch.zeros_like, lambda e: _slope(*closed(e), e))
        return Gap(closed, closed, torch.zeros_like, lambda e: q * _of_slopes(phi, q, e))
    a = gaussian.coefficients(phi, q, n_terms=n_terms, kinks=phi.kinks, parity=phi.parity)
    square, slope = activations.moments(phi, q)[:2] if known is None else known
    t = gaussian.tail_sums(a, square, q * slope)

    def rough(e: Tensor) -> tuple[Tensor, Tensor]:
        return gaussian.polynomial(t, 1 - e)

    def at(e: Tensor) -> tuple[Tensor, Tensor]:
        found = rough(e)
        wrong = series_misses(phi, t, e) > pairs.TOLERANCE * found[0]
        if gaussian.every(~wrong):
            return found
        better = by_quadrature(phi, q[wrong], e[wrong])
        value, slope = (x.masked_scatter(wrong, new) for x, new in zip(found, better))
        return value, slope

    return Gap(at, rough, partial(series_misses, phi, t), lambda e: _slope(*at(e), e))


def series_misses(phi: Activation, t: Tensor, e: Tensor) -> Tensor:
    """A bound on what tail sums t (J, ...) leave out of S; nothing at c = 1, if phi has no jump."""
    rest = t[-2] / e.clamp_min(gaussian.TINY) if phi.jumps else torch.where(e > 0, t[-1].abs(), 0.0)
    return rest * (1 - e).abs() ** (len(t) - 1)


def _by_slopes(phi: Activation, q: Tensor, e: Tensor) -> tuple[Tensor, Tensor]:
    """S = q int_0^1 dt 2 t P(e t^2) and dS/dc, from a closed P; t = sinh(y A) / sinh A has nodes where P falls."""
    A = torch.asinh((q * e).sqrt()).clamp_min(1e-3)
    y, w = (torch.tensor(x, device=q.device, dtype=torch.float64) for x in gaussian.legendre(32))
    stretched = A[..., None] * (1 + y) / 2
    t = torch.sinh(stretched) / torch.sinh(A)[..., None]
    w = w / 2 * A[..., None] * torch.cosh(stretched) / torch.sinh(A)[..., None]
    weight, q_t, e_t = 2 * t * w, q[..., None], e[..., None] * t.square()
    S = q * (weight * _of_slopes(phi, q_t, e_t)).sum(-1)
    step = (1e-4 / (1 + q)).expand_as(e)  # dS/dc = (S - q P) / e is all rounding at e = 0: a little off it then
    off = torch.maximum(e, step)
    S_off = q * (weight * _of_slopes(phi, q_t, off[..., None] * t.square())).sum(-1)
    apart = (activations.moments(phi, q)[0] - _dual(phi, q, q * (1 - e))[0]) / off  # far from twins nothing is lost
    return torch.where(e > 0.5, apart, S), (S_off - q * _of_slopes(phi, q, off)) / off


def _slope(S: Tensor, steepness: Tensor, e: Tensor) -> Tensor:
    """q E phi' phi' = S - e dS/dc."""
    return S - e * steepness


def _of_slopes(phi: Activation, q: Tensor, e: Tensor) -> Tensor:
    """E phi' phi' at correlation 1 - e, closed form."""
    q, e = torch.broadcast_tensors(q, e)
    if phi.near is not None:
        return phi.near(q, q, q * (1 - e), (q * q * e * (2 - e)).clamp_min(closed_forms.SMALL), q * e)[1]
    return _dual(phi, q, q * (1 - e))[1]


def _dual(phi: Activation, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    if phi.dual is None:
        raise TypeError("this activation has no dual: its averages have no closed form.")
    return phi.dual(q, q, k)


def by_quadrature(phi: Activation, q: Tensor, e: Tensor) -> tuple[Tensor, Tensor]:
    """S and dS/dc at pairs (P,) by `pairs.averages`: directly, or from slopes where phi(u) - phi(v) is all rounding."""

    def averages(q: Tensor, e: Tensor) -> pairs.Averages:
        return pairs.averages(phi, q, q, q * (1 - e), q * q * e * (2 - e))

    here = averages(q, e)
    S = here.gap / e.clamp_min(gaussian.TINY)
    close = (e * q.clamp_min(1) < 1e-6) & (not phi.jumps)
    if not gaussian.every(~close):
        t, w = (torch.tensor(x, device=q.device, dtype=torch.float64) for x in gaussian.legendre(8))
        t, q_c = (1 + t) / 2, q[close]
        inner = averages(q_c.repeat_interleave(len(t)), (e[close, None] * t.square()).flatten()).slope
        S = S.masked_scatter(close, q_c * (t * w * inner.reshape(-1, len(t))).sum(-1))
    steepness = (S - q * here.slope) / e.clamp_min(gaussian.TINY)
    if phi.jumps:  # twins part at once: S grows like e^(-1/2)
        S, steepness = torch.where(e > 0, S, torch.inf), torch.where(e > 0, steepness, torch.inf)
    return S, steepness
