r"""How do the length of one signal and the angle between two change from layer to layer of a wide random network?

    q' = sw2 E phi(sqrt(q) z)^2 / rho + sb2,        c' q' = sw2 E phi(u) phi(v) + sb2

with q and c the variance and correlation of PRE-activations h = W x + b, W ~ N(0, sw2 / fan_in), b ~ N(0, sb2), and
rho the probability with which dropout keeps a neuron (rho = 1: none).  Correlations are carried as e = 1 - c, so that
twins that differ by 1e-12 keep all their digits.  Sources: Poole et al. 2016; Schoenholz et al. 2017.

Arguments named sw2, sb2, q, e are numbers or tensors that broadcast; float64.
"""

from __future__ import annotations

from numbers import Real

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import activations, gaussian
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaps import gap
from fieldkit.propagation.gaussian import Function
from fieldkit.propagation.pairs import TERMS

CHUNK = 4096  # points that are in memory with all their nodes


def length(
    q: Tensor, *, activation: Function | Activation, sw2: Tensor | float, sb2: Tensor | float, keep: float = 1.0
) -> Tensor:
    """q of the next layer from q of this one, elementwise.  `keep` is rho, the dropout's probability to keep."""
    variances(sw2, sb2, q)
    q, sw2, sb2 = given.doubles(q), _plain(sw2), _plain(sb2)
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
    given.whole("n_layers", n_layers, least=0, why="it counts layers after the first")
    activation = activations.of(activation)
    history = [broadcast(q, sw2, sb2)[0]]
    for _ in range(n_layers):
        history.append(length(history[-1], activation=activation, sw2=sw2, sb2=sb2, keep=keep))
    return torch.stack(history)


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
    variances(sw2, sb2, q)
    given.whole("n_layers", n_layers, least=0, why="it counts layers after the first")
    sw2, sb2, e, q = broadcast(sw2, sb2, e, q)
    if not gaussian.seen((e >= 0) & (e <= 2)):
        raise ValueError("e outside [0, 2]: e = 1 - c, and a correlation c lies in [-1, 1].")
    probability(keep)
    activation = activations.of(activation)
    history, qs, shape = [e], [q], q.shape
    for _ in range(n_layers):
        square, slope, _ = activations.moments(activation, q)
        known = square.reshape(-1), slope.reshape(-1)
        S = gap(activation, q.reshape(-1), n_terms=n_terms, known=known)(e.reshape(-1))[0].reshape(shape)
        q = sw2 * square / keep + sb2
        S = torch.where(e > 0, S, 0.0)  # infinite for twins and a phi that jumps
        e = sw2 * ((1 / keep - 1) * square + e * S) / q
        e = torch.where(q > 0, e, 0.0)  # silence twice is the same
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
    / N + sb2.  Raises `ValueError` for a phi with kinks, whose phi'' is no function, and for a circle without radius or
    weights.
    """
    phi = activations.of(activation)
    twice_differentiable(phi)
    given.whole("n_layers", n_layers, least=0, why="it counts layers after the first")
    variances(sw2, sb2, q)
    q, sw2, sb2 = given.doubles(q), _plain(sw2), _plain(sb2)
    start = 1 / q if start is None else given.doubles(start)
    if not gaussian.seen(start < torch.inf) or not gaussian.seen(given.doubles(sw2) > 0):
        raise ValueError("a circle of radius 0, or weights of variance 0: no curve is left that could bend; take q and "
                         "sw2 above 0.")  # fmt: skip
    metric, bends = [torch.ones_like(q)], [start]
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
    plain = [torch.full((), v, device=device, dtype=torch.float64) if isinstance(v, Real) else v for v in values]
    return tuple(torch.broadcast_tensors(*(given.doubles(v) for v in plain)))


def _plain(value: Tensor | float) -> Tensor | float:
    """A number as it is, all else as a float64 tensor."""
    return value if isinstance(value, Real) else given.doubles(value)


def variances(sw2: Tensor | float, sb2: Tensor | float, q: Tensor | float = 0.0) -> None:
    """Refuse negative ones."""
    gaussian.variance("sw2", sw2)
    gaussian.variance("sb2", sb2)
    if not gaussian.seen(given.doubles(q) >= 0):
        raise ValueError("q < 0: it is a variance of pre-activations, which cannot be negative.")


def twice_differentiable(phi: Activation) -> None:
    """Refuse a phi with a kink, declared or known."""
    if phi.kinks or phi.jumps or phi.bent:
        raise ValueError("phi has a kink: phi'' contains delta functions and E phi''^2 is infinite; use a smooth phi.")


def probability(keep: float) -> float:
    """`keep` itself, or the reason why it is none."""
    given.number("keep", keep, why="it is the probability that dropout keeps a neuron")
    if not 0 < keep <= 1:
        raise ValueError(f"keep = {keep}: the probability that dropout keeps a neuron lies in (0, 1]; 1 is none.")
    return keep
