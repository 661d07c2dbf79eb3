r"""How do the length of one signal and the angle between two change from layer to layer of a wide random network?

    q' = sw2 E phi(sqrt(q) z)^2 / rho + sb2,        c' q' = sw2 E phi(u) phi(v) + sb2

with q and c the variance and correlation of PRE-activations h = W x + b, W ~ N(0, sw2 / fan_in), b ~ N(0, sb2), and
rho the probability with which dropout keeps a neuron (rho = 1: none).  Correlations are carried as e = 1 - c, so that
twins that differ by 1e-12 keep all their digits.  Sources: Poole et al. 2016; Schoenholz et al. 2017.

Arguments named sw2, sb2, q, e are numbers or tensors that broadcast; float64.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit.propagation import activations, gaussian
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function

TERMS = 160  # of the Mehler series
CHUNK = 4096  # points that are in memory with all their nodes


@dataclass(frozen=True)
class Gap:
    """e -> (S, dS/dc) at fixed variances (P,), made by `gap`; `last` (P,): the power of c that stands for higher."""

    at: Callable[[Tensor], tuple[Tensor, Tensor]]
    n_terms: int = 1
    last: Tensor | None = None

    def __call__(self, e: Tensor) -> tuple[Tensor, Tensor]:
        return self.at(e)

    def missing(self, e: Tensor) -> Tensor:
        """A bound on the error of S by the cut of the series; zero at c = 1 and for closed forms."""
        if self.last is None:
            return torch.zeros_like(e)
        return torch.where(e > 0, self.last.abs() * (1 - e) ** (self.n_terms - 1), 0.0)


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

    S(e = 0) = q E phi'^2, the number behind chi_1.  Closed form if the activation has one, else the Mehler series of
    `n_terms` terms, completed so that it is exact at c = 0 and c = 1.  `known`: (E phi^2, E phi'^2) at q.
    """
    phi = activations.of(activation)
    if phi.gap is not None:
        closed = phi.gap
        return Gap(lambda e: closed(q, e))
    a = gaussian.coefficients(phi, q, n_terms=n_terms, kinks=phi.kinks, parity=phi.parity)
    square, slope = activations.moments(phi, q)[:2] if known is None else known
    t = gaussian.tail_sums(a, square, q * slope)
    return Gap(lambda e: gaussian.polynomial(t, 1 - e), n_terms, t[-1])


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


def warn_if_short(error: Tensor, n_terms: int) -> None:
    """Say that the Mehler series is too short where its bound on the error of c is not below 1e-9."""
    if not gaussian.every(error < 1e-9):
        warnings.warn(
            f"{n_terms} terms of the Mehler series leave c uncertain by {error.max().item():.0e} somewhere: phi has a "
            "kink, or q is large, and c is near 1; raise n_terms, or keep away from the critical line.",
            stacklevel=5,
        )


def twice_differentiable(phi: Activation) -> None:
    """Refuse a phi with a kink, declared or known."""
    if phi.kinks or (phi.gap is not None and phi.parity != -1):  # linear has a gap and no kink
        raise ValueError("phi has a kink: phi'' contains delta functions and E phi''^2 is infinite; use a smooth phi.")


def probability(keep: float) -> float:
    """`keep` itself, or the reason why it is none."""
    if not 0 < keep <= 1:
        raise ValueError(f"keep = {keep}: the probability that dropout keeps a neuron lies in (0, 1]; 1 is none.")
    return keep
