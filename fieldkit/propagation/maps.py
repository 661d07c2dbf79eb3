r"""How do the length of one signal and the angle between two change from layer to layer of a wide random network?

    q' = sw2 E phi(sqrt(q) z)^2 / rho + sb2,        c' q' = sw2 E phi(u) phi(v) + sb2

with q and c the variance and correlation of PRE-activations h = W x + b, W ~ N(0, sw2 / fan_in), b ~ N(0, sb2), and
rho the probability with which dropout keeps a neuron (rho = 1: none).  Correlations are carried as e = 1 - c, so that
twins that differ by 1e-12 keep all their digits.  Sources: Poole et al. 2016; Schoenholz et al. 2017.

Arguments named sw2, sb2, q, e are numbers or tensors that broadcast; float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from fieldkit.propagation import activations, closed_forms, gaussian, pairs
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function

TERMS = pairs.TERMS
CHUNK = 4096  # points that are in memory with all their nodes


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


def length(
    q: Tensor, *, activation: Function | Activation, sw2: Tensor | float, sb2: Tensor | float, keep: float = 1.0
) -> Tensor:
    """q of the next layer from q of this one, elementwise.  `keep` is rho, the dropout's probability to keep."""
    return sw2 / probability(keep) * activations.moments(activation, q)[0] + sb2


def lengths(
    q: Tensor,
    n_layers: int,
    *,
    activation: Function | Activation,
    sw2: Tensor | float,
    sb2: Tensor | float,
    keep: float = 1.0,
) -> Tensor:
    """q of n_layers layers after the first, which is included: (n_layers + 1, ...)."""
    history = [q]
    for _ in range(n_layers):
        history.append(length(history[-1], activation=activation, sw2=sw2, sb2=sb2, keep=keep))
    return torch.stack(history)


def gap(
    activation: Function | Activation, q: Tensor, *, n_terms: int = TERMS, known: tuple[Tensor, Tensor] | None = None
) -> Gap:
    """The map e -> (S, dS/dc) with E phi(u)^2 - E phi(u) phi(v) = e S at variances q (P,), correlation 1 - e.

    S(e = 0) = q E phi'^2, the number behind chi_1.  Closed form if the activation has one, or S = q int_0^1 dt 2 t
    P(e t^2) with a closed P = E phi' phi'; else the Mehler series of `n_terms` terms, completed so that it is exact at
    c = 0 and c = 1, and quadrature where that is not enough.  `known`: (E phi^2, E phi'^2) at q.
    """
    phi = activations.of(activation)
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
    return S, (S - q * here.slope) / e.clamp_min(gaussian.TINY)


def correlation(
    e: Tensor,
    q: Tensor,
    *,
    activation: Function | Activation,
    sw2: Tensor | float,
    sb2: Tensor | float,
    keep: float = 1.0,
    n_terms: int = TERMS,
) -> Tensor:
    """1 - c of the next layer from e = 1 - c of this one at equal variances q; all broadcast to one shape.

    Off the fixed point q' is the length map's.  With dropout two copies of one input get different masks, so that
    c = 1 is not a fixed point.
    """
    return correlations(e, q, 1, activation=activation, sw2=sw2, sb2=sb2, keep=keep, n_terms=n_terms)[1][1]


def correlations(
    e: Tensor,
    q: Tensor,
    n_layers: int,
    *,
    activation: Function | Activation,
    sw2: Tensor | float,
    sb2: Tensor | float,
    keep: float = 1.0,
    n_terms: int = TERMS,
) -> tuple[Tensor, Tensor]:
    """(q, e) of n_layers layers after the first, which is included: each (n_layers + 1, ...)."""
    sw2, sb2, e, q = broadcast(sw2, sb2, e, q)
    probability(keep)
    history, qs, shape = [e], [q], q.shape
    for _ in range(n_layers):
        square, slope, _ = activations.moments(activation, q)
        known = square.reshape(-1), slope.reshape(-1)
        S = gap(activation, q.reshape(-1), n_terms=n_terms, known=known)(e.reshape(-1))[0].reshape(shape)
        q = sw2 * square / keep + sb2
        e = sw2 * ((1 / keep - 1) * square + e * S) / q
        qs.append(q)
        history.append(e)
    return torch.stack(qs), torch.stack(history)


def curvature(
    q: Tensor,
    n_layers: int,
    *,
    activation: Function | Activation,
    sw2: Tensor | float,
    sb2: Tensor | float,
    start: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """How a circle of inputs stretches and bends: (metric ratio g_l / g_0, N kappa_l^2), each (n_layers + 1, ...).

    g_l = chi_1 g_(l-1),  N kappa_l^2 = 3 chi_2 / chi_1^2 + N kappa_(l-1)^2 / chi_1, with chi_2 = sw2 E phi''^2 and
    every chi at the q of its layer (Poole et al. 2016).  The circle starts at variance q with N kappa_0^2 = `start`,
    by default 1 / q: radius sqrt(N q) about zero, curvature 1 / radius; a bias moves the centre, and then q = radius^2
    / N + sb2.  Raises `ValueError` for a phi with kinks, whose phi'' is no function.
    """
    phi = activations.of(activation)
    twice_differentiable(phi)
    metric, bends = [torch.ones_like(q)], [1 / q if start is None else start]
    for _ in range(n_layers):
        chi_1 = sw2 * activations.moments(phi, q)[1]
        chi_2 = sw2 * gaussian.average(lambda h: phi.second_derivative(h).square(), q)
        metric.append(chi_1 * metric[-1])
        bends.append(3 * chi_2 / chi_1.square() + bends[-1] / chi_1)
        q = length(q, activation=phi, sw2=sw2, sb2=sb2)
    return torch.stack(metric), torch.stack(bends)


def broadcast(*values: Tensor | float) -> tuple[Tensor, ...]:
    """Numbers and tensors as float64 tensors of one shape on one device."""
    device = next((v.device for v in values if isinstance(v, Tensor)), None)
    tensors = [v if isinstance(v, Tensor) else torch.full((), v, device=device, dtype=torch.float64) for v in values]
    return tuple(torch.broadcast_tensors(*tensors))


def twice_differentiable(phi: Activation) -> None:
    """Refuse a phi with a kink, declared or known."""
    if phi.kinks or (phi.gap is not None and phi.parity != -1):  # linear has a gap and no kink
        raise ValueError("phi has a kink: phi'' contains delta functions and E phi''^2 is infinite; use a smooth phi.")


def probability(keep: float) -> float:
    """`keep` itself, or the reason why it is none."""
    if not 0 < keep <= 1:
        raise ValueError(f"keep = {keep}: the probability that dropout keeps a neuron lies in (0, 1]; 1 is none.")
    return keep
