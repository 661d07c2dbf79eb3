r"""Where do length and angle come to rest in a deep random network, and how fast?  Newton's method, safeguarded.

    q* = V(q*),   c* = C(c*);    chi_1 = sw2 E phi'^2,   chi_q = V'(q*),   chi_c = C'(c*);    xi = -1 / ln chi

chi_1 > 1 is chaos: twins part, c* < 1; chi_1 < 1 is order: c* = 1; chi_1 = 1 is the critical line.  Plain iteration
creeps there (hundreds of thousands of layers); Newton does not, if it starts above q* (V is concave) and works with
1 - c.  With e S(c) = E phi(u)^2 - E phi(u) phi(v) (`maps.gap`) the trivial root c = 1 divides out:

    C(c) = c, c != 1    <=>    sw2 S(c) = q

Sources: Poole et al. 2016; Schoenholz et al. 2017 (also for dropout).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import activations, gaussian, maps
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function

STEPS = 200  # at most; a handful is used away from criticality
Slopes = Callable[[Tensor], tuple[Tensor, Tensor]]  # a function with its derivative
SHORT = 1e-10  # error of c* that the Mehler series may have; more, and averages are integrated
INFINITE = 1e12  # a length beyond it counts as unbounded


class Phases(NamedTuple):
    """What becomes of signals at each point, all of one shape: q* and e* = 1 - c*, and the slopes there."""

    q: Tensor
    e: Tensor
    chi_1: Tensor
    chi_q: Tensor
    chi_c: Tensor

    @property
    def c(self) -> Tensor:
        """The correlation c* that all pairs reach."""
        return 1 - self.e

    @property
    def xi_q(self) -> Tensor:
        """Layers over which a deviation from q* falls by a factor e."""
        return depth_scale(self.chi_q)

    @property
    def xi_c(self) -> Tensor:
        """Layers over which a deviation from c* falls by a factor e; infinite on the critical line."""
        return depth_scale(self.chi_c)


def depth_scale(chi: Tensor) -> Tensor:
    """xi = -1 / ln |chi|; infinite at |chi| = 1, negative for |chi| > 1 (a growth length).

    At a negative chi, as chi_q of an even phi may be, a deviation changes its sign from layer to layer.
    """
    chi = given.doubles(chi).abs()
    return torch.where(chi == 1, torch.inf, -1 / torch.log(chi))


def phases(
    sw2: Tensor | float,
    sb2: Tensor | float,
    *,
    activation: Function | Activation,
    keep: float = 1.0,
    n_terms: int = maps.TERMS,
) -> Phases:
    """Fixed points and slopes on any grid of (sw2, sb2) that broadcasts.

    q* is infinite where lengths grow without bound or never move (ReLU at sw2 = 2, sb2 = 0), and the rest then NaN.
    Where the Mehler series of n_terms terms is too short, near the critical line of a phi with a kink or at large q,
    averages are integrated, which takes longer.  A phi that jumps has chi_1 = inf: always chaos.  Raises `ValueError`
    for negative variances.
    """
    phi = activations.of(activation)
    maps.probability(keep)
    given.whole("n_terms", n_terms, least=2, why="a series has terms")
    maps.variances(sw2, sb2)
    sw2, sb2 = maps.broadcast(sw2, sb2)

    def part(sw2: Tensor, sb2: Tensor) -> tuple[Tensor, ...]:
        q = _length(phi, sw2 / keep, sb2)
        bad = torch.isinf(q)
        safe = torch.where(bad, 1.0, q)
        square, slope, growth = activations.moments(phi, safe)
        e, chi_c = _angle(phi, sw2, safe, (square, slope), keep, n_terms)
        return q, *(torch.where(bad, torch.nan, x) for x in (e, sw2 * slope, sw2 / keep * growth, chi_c))

    return Phases(*_in_chunks(part, sw2, sb2))


def length_fixed_point(
    sw2: Tensor | float, sb2: Tensor | float, *, activation: Function | Activation, keep: float = 1.0
) -> Tensor:
    """q* on any grid of (sw2, sb2): the fixed point that Newton meets coming from above; inf if there is none."""
    phi = activations.of(activation)
    maps.variances(sw2, sb2)
    sw2, sb2 = maps.broadcast(sw2, sb2)
    return _in_chunks(lambda w, b: (_length(phi, w / maps.probability(keep), b),), sw2, sb2)[0]


def curvature_fixed_point(sw2: Tensor | float, sb2: Tensor | float, *, activation: Function | Activation) -> Tensor:
    """N kappa*^2 = 3 chi_2 / chi_1^2 / (1 - 1 / chi_1), which a curve of inputs reaches in chaos; inf in order.

    From the recursion of Poole et al. 2016 (`maps.curvature`).  Raises `ValueError` for a phi with kinks.
    """
    phi = activations.of(activation)
    maps.twice_differentiable(phi)
    sw2, sb2 = maps.broadcast(sw2, sb2)
    q = length_fixed_point(sw2, sb2, activation=phi)
    chi_1 = sw2 * activations.moments(phi, q)[1]
    chi_2 = sw2 * gaussian.average(lambda h: phi.second_derivative(h).square(), q)
    return torch.where(chi_1 > 1, 3 * chi_2 / (chi_1 * (chi_1 - 1)), torch.inf)


def circle_curvature(
    n_layers: int, sw2: Tensor | float, sb2: Tensor | float, *, activation: Function | Activation
) -> Tensor:
    """N kappa^2 (n_layers + 1, ...) of a circle of inputs about zero, from its first pre-activations of variance q* on.

    They lie on a circle of radius sqrt(N (q* - sb2)) about the bias: `maps.curvature` from 1 / (q* - sb2).
    """
    given.whole("n_layers", n_layers, least=0, why="it counts layers after the first")
    sw2, sb2 = maps.broadcast(sw2, sb2)
    q = length_fixed_point(sw2, sb2, activation=activation)
    return maps.curvature(q, n_layers, activation=activation, sw2=sw2, sb2=sb2, start=1 / (q - sb2))[1]


def _length(phi: Activation, sw2: Tensor, sb2: Tensor) -> Tensor:
    """Newton from above on V(q) - q, inside a bracket: first with few nodes, then with all."""
    q = sb2 + sw2
    for n in (6, gaussian.NODES) if phi.moments is None else (gaussian.NODES,):
        q = _newton(_length_map(phi, q, sw2, sb2, n), q, sb2, rough=n == 6)
    trial = sw2 + sb2
    still = [((sw2 * activations.moments(phi, t)[0] + sb2) / t - 1).abs() < 1e-14 for t in (trial, 4 * trial)]
    q = torch.where((sb2 == 0) & still[0] & still[1], torch.inf, q)  # every length is fixed
    return torch.where((q < 1e-20) & (sb2 < 1e-24), 0.0, torch.where(q > INFINITE, torch.inf, q))


def _length_map(phi: Activation, q: Tensor, sw2: Tensor, sb2: Tensor, n: int) -> Slopes:
    """q -> (V, V') near the given q.  V' = sw2 E phi^2 (z^2 - 1) / 2q needs no phi'.

    A smooth phi keeps the nodes of the given q; kinks move with q and take their panels along.
    """
    if phi.moments is not None:
        closed = phi.moments
        return lambda q: (sw2 * closed(q)[0] + sb2, sw2 * closed(q)[2])
    z_given, w_given = gaussian.panels(q, kinks=phi.kinks, n=n)

    def V(q: Tensor) -> tuple[Tensor, Tensor]:
        z, w = gaussian.panels(q, kinks=phi.kinks, n=n) if phi.kinks else (z_given, w_given)
        q = q.clamp_min(1e-30)
        h = q.sqrt()[..., None] * z
        values = phi(h).square() * 2 if phi.parity else phi(h).square() + phi(-h).square()
        values *= w
        first, second = values.sum(-1), (values * z.square()).sum(-1)
        return sw2 * first + sb2, sw2 * (second - first) / (2 * q)

    return V


def _newton(V: Slopes, q: Tensor, low: Tensor, *, rough: bool) -> Tensor:
    high, last = torch.full_like(q, torch.inf), torch.full_like(q, torch.inf)
    for _ in range(STEPS):
        value, slope = V(q)
        below = value > q
        low, high = torch.where(below, q, low), torch.where(below, high, q)
        new = q - (value - q) / (slope - 1)
        reach = torch.minimum(high, 4 * q)
        good = (new >= low) & (new <= reach) & (slope < 1)
        new = torch.where(good, new, torch.where(reach < high, reach, (low + high) / 2))
        new = torch.where(value == q, q, new)
        step, q = (new - q).abs(), new
        if gaussian.every(_settled(step, last, q, 1e-3 if rough else 1e-9) | (q < 1e-25) | (q > INFINITE)):
            break
        last = step
    return q


def _settled(step: Tensor, last: Tensor, x: Tensor, tolerance: float) -> Tensor:
    """The step is below tolerance (Newton squares it), or shrinks no more: rounding is the floor near criticality."""
    return (step <= tolerance * x) | ((step >= 0.5 * last) & (step <= 1e-7 * x))


def _angle(
    phi: Activation, sw2: Tensor, q: Tensor, known: tuple[Tensor, Tensor], keep: float, n_terms: int
) -> tuple[Tensor, Tensor]:
    """e* = 1 - c* and chi_c there, at points (P,), known = (E phi^2, E phi'^2); in order e* = 0 without looking."""
    chi_1 = sw2 * known[1]
    twins = (chi_1 <= 1) & (keep == 1.0)
    if gaussian.every(twins):
        return torch.zeros_like(q), chi_1
    S = maps.gap(phi, q, known=known, n_terms=n_terms)
    ratio, masks = sw2 / q, (1 / keep - 1) * known[0]
    e, last = torch.full_like(q, float(keep < 1)), torch.full_like(q, torch.inf)
    for _ in range(STEPS):
        value, slope = S.rough(e)
        if keep == 1.0:  # sw2 S / q is convex and grows with c: Newton comes down from c = 1 without overshoot
            change = (ratio * value - 1) / (ratio * slope)
        else:  # C(c) - c is convex and falls: Newton comes up from c = 0
            change = (ratio * (masks + e * value) - e) / (1 - ratio * (value - e * slope))
        new = torch.where(twins, 0.0, (e + change).clamp(0, 1))
        step, e = (new - e).abs(), new
        if gaussian.every(_settled(step, last, e, 1e-9) | (step <= 1e-15) | twins):
            break
        last = step
    value, slope = S.rough(e)
    P = S.slope(e) if phi.dual is not None else value - e * slope
    chi_c = torch.where(twins, chi_1, ratio * P)
    poor = ~twins & ((S.missing(e) > SHORT * slope) | torch.isinf(chi_1))
    if gaussian.every(~poor):
        return e, chi_c
    refined = _refined(phi, ratio[poor], q[poor], masks[poor], e[poor], keep, n_terms)
    return e.masked_scatter(poor, refined[0]), chi_c.masked_scatter(poor, refined[1])


def _refined(
    phi: Activation, ratio: Tensor, q: Tensor, masks: Tensor, e: Tensor, keep: float, n_terms: int
) -> tuple[Tensor, Tensor]:
    """e* and chi_c where the series is too short: Newton in the root of e, in which kinks and jumps are smooth."""
    S = maps.gap(phi, q, n_terms=n_terms)
    y = e.sqrt().clamp(1e-6, 1)
    low, high, last = torch.zeros_like(y), torch.ones_like(y), torch.ones_like(y)
    for _ in range(STEPS):
        value, slope = S(y.square())
        if keep == 1.0:
            excess, change = ratio * value - 1, -2 * y * ratio * slope
        else:
            e = y.square()
            excess, change = ratio * (masks + e * value) - e, 2 * y * (ratio * (value - e * slope) - 1)
        low, high = torch.where(excess > 0, y, low), torch.where(excess > 0, high, y)
        new = y - excess / change
        new = torch.where((new >= low) & (new <= high), new, (low + high) / 2)
        step, y = (new - y).abs(), new
        if gaussian.every(_settled(step, last, y, 1e-9) | (step <= 1e-15)):
            break
        last = step
    e = y.square()
    return e, ratio * S.slope(e)


def _in_chunks(part: Callable[..., tuple[Tensor, ...]], *grids: Tensor) -> list[Tensor]:
    """Apply `part` to flat pieces of `maps.CHUNK` points and put the grids together again."""
    pieces = zip(*(grid.reshape(-1).split(maps.CHUNK) for grid in grids))
    return [torch.cat(columns).reshape(grids[0].shape) for columns in zip(*(part(*piece) for piece in pieces))]
