r"""What is the average of a function of a Gaussian variable?  Panels between the places where the function bends.

    E f(sqrt(q) z) = int dz exp(-z^2 / 2) / sqrt(2 pi) f(sqrt(q) z),       z ~ N(0, 1)

Gauss-Hermite nodes follow the Gaussian, but a saturating f lives on the scale 1 / sqrt(q) and a kinked f has no Taylor
series: both lose digits at any affordable number of nodes.  Here each half line is cut at the kinks, at 2 / sqrt(q)
and 6 / sqrt(q), and every panel gets Gauss-Legendre nodes.  Two correlated variables need no second integral:

    E f(u) f(v) = sum_k a_k^2 c^k,      a_k = E f(sqrt(q) z) He_k(z) / sqrt(k!),      c = E uv / q    (Mehler 1866).

Everything is float64 and stays on the device of q.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from numbers import Real

import numpy as np
import torch
from torch import Tensor

from fieldkit import given

Function = Callable[[Tensor], Tensor]

CUT = 10.0  # the Gaussian beyond weighs 1.5e-23
NODES = 18  # a panel: 72 a half line
TINY = 1e-300  # a variance below it is none


def panels(q: Tensor, *, kinks: tuple[float, ...] = (), n: int = NODES) -> tuple[Tensor, Tensor]:
    """Nodes z > 0 of the half line and their Gaussian weights, each (..., m) for variances q (...).

    `kinks` are the places x where f(x) or a derivative jumps; x and -x are both respected.  n nodes a panel; there are
    four panels, two more where q is above 20, and one more for each different |x| > 0.
    """
    given.whole("n", n, least=1, why="a panel has at least one node")
    scale = q.clamp_min(TINY).sqrt()[..., None]
    small = q.device.type == "cpu" and bool((q <= 20).all())  # an accelerator has panels to spare
    places = sorted({*scales(not small), *(abs(x) for x in kinks if x)})
    bends = torch.tensor(places, device=q.device, dtype=torch.float64)
    fixed = torch.tensor([0.0, 4.0, CUT], device=q.device, dtype=torch.float64).expand(*q.shape, 3)
    edges = torch.cat([(bends / scale).clamp_max(CUT), fixed], dim=-1).sort(dim=-1).values
    x, weight = (torch.tensor(a, device=q.device, dtype=torch.float64) for a in legendre(n))
    width = edges.diff(dim=-1)[..., None]
    z = (edges[..., :-1, None] + width * ((1 + x) / 2)).flatten(-2)
    return z, (width * (weight / 2)).flatten(-2) * density(z)


def scales(steep: bool) -> tuple[float, ...]:
    """Where in x = sqrt(q) z a panel ends because a saturating f, like tanh, changes its scale there.

    `steep`: some q is so large that what tanh has left at x = 6 would fall within a small part of the next panel.
    """
    return (2.0, 6.0, 18.0, 40.0) if steep else (2.0, 6.0)


def density(z: Tensor) -> Tensor:
    """exp(-z^2 / 2) / sqrt(2 pi), same shape."""
    return torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)


def legendre(n: int) -> tuple[list[float], list[float]]:
    """Gauss-Legendre nodes and weights on (-1, 1) to the last bit: numpy's weights err by up to 1e-13 (n = 18)."""
    given.whole("n", n, least=1, why="a rule has at least one node")
    x: np.ndarray = np.polynomial.legendre.leggauss(n)[0].astype(np.longdouble)
    before, now = np.ones_like(x), x.copy()
    for k in range(1, n):
        before, now = now, ((2 * k + 1) * x * now - k * before) / (k + 1)
    slope = n * (x * now - before) / (x * x - 1)
    nearer = x - now / slope
    slope = slope + (2 * x * slope - n * (n + 1) * now) / (1 - x * x) * (nearer - x)  # by Legendre's equation
    weight = 2 / ((1 - nearer * nearer) * slope * slope)
    return nearer.astype(float).tolist(), weight.astype(float).tolist()


def average(f: Function, q: Tensor, *, kinks: tuple[float, ...] = (), n: int = NODES) -> Tensor:
    """E f(sqrt(q) z) for every variance q, same shape; f acts element by element.

    >>> q = torch.tensor([0.5, 2.0], dtype=torch.float64)
    >>> average(torch.square, q)
    tensor([0.5000, 2.0000], dtype=torch.float64)
    """
    given.function("f", f)
    q = given.doubles(q)
    variance("q", q)
    z, w = panels(q, kinks=kinks, n=n)
    h = q.clamp_min(TINY).sqrt()[..., None] * z
    return ((f(h) + f(-h)) * w).sum(-1)


def hermite(z: Tensor, n_terms: int) -> Tensor:
    """He_k(z) / sqrt(k!) for k = 0 ... n_terms - 1, (n_terms, ...): orthonormal under the Gaussian."""
    given.whole("n_terms", n_terms, least=1, why="a series has terms")
    rows = [torch.ones_like(z), z]
    for k in range(1, n_terms - 1):
        rows.append((z * rows[k] - math.sqrt(k) * rows[k - 1]) / math.sqrt(k + 1))
    return torch.stack(rows[:n_terms])


def coefficients(
    f: Function, q: Tensor, *, n_terms: int, kinks: tuple[float, ...] = (), parity: int = 0, n: int | None = None
) -> Tensor:
    """a_k = E f(sqrt(q) z) He_k(z) / sqrt(k!), (n_terms, P) for variances q (P,).

    A smooth f shares the nodes of the largest q, so that all coefficients are one matrix product; a kinked one has
    its own panels at each q.  n nodes a panel, by default enough for the waves of the last polynomial.  `parity` +1
    (even) or -1 (odd) spares the half that vanishes; 0 computes both.
    """
    given.whole("n_terms", n_terms, least=1, why="a series has terms")
    q = given.doubles(q)
    variance("q", q)
    if q.dim() != 1 or not q.numel():
        raise ValueError(f"shape {tuple(q.shape)}: coefficients are made for a list of variances; flatten q first.")
    n = 8 + int(2 * math.sqrt(n_terms)) if n is None else n
    z, w = panels(q, kinks=kinks, n=n) if kinks else panels(q.amax(), kinks=_ladder(q), n=n)
    h = q.clamp_min(TINY).sqrt()[:, None] * z
    f_plus = f(h)
    f_minus = f(-h) if parity == 0 else parity * f_plus
    a = torch.zeros(n_terms, len(q), device=q.device, dtype=torch.float64)
    basis = None if kinks else hermite(z, n_terms) * w
    for first, sign in ((0, 1), (1, -1)):
        if parity in (0, sign):
            values = f_plus + sign * f_minus
            if basis is not None:
                a[first::2] = basis[first::2] @ values.T
            else:
                for k, row in enumerate(_hermite_rows(z, n_terms)):
                    if k % 2 == first:
                        a[k] = (row * (w * values)).sum(-1)
    return a


def _ladder(q: Tensor) -> tuple[float, ...]:
    """Ends of panels in x = sqrt(q_max) z for nodes that all variances share: each must see f change its scale."""
    rungs: list[float] = []
    x = 18.0
    while len(rungs) < 12 and not (q.device.type == "cpu" and bool((q <= (x / 9) ** 2).all())):
        rungs.append(x)
        x *= 3
    return tuple(rungs)


def tail_sums(a: Tensor, square: Tensor, slope: Tensor) -> Tensor:
    """T_j = sum_{k > j} a_k^2 for j = 0 ... K - 2, from a (K, P), and one term that completes the series: (K, P).

    E f(u)^2 - E f(u) f(v) = (1 - c) sum_j T_j c^j: the gap between twins without a difference of near equals.  What
    the series leaves out of `square` = E f(u)^2 (P,) belongs to every T_j; what it then leaves out of
    `slope` = sum_j T_j = q E f'(u)^2 is given to the last power.
    """
    t = a.square()
    total = (square - t.sum(0)).clamp_min(0)
    for k in range(len(a) - 1, 0, -1):  # in place; cumsum along the slow axis takes ten times as long
        t[k] += total
        total = t[k]
    last = torch.where(torch.isfinite(slope), slope - t[1:].sum(0), 0.0)
    return torch.cat([t[1:], last[None]])


def polynomial(t: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """sum_j t_j c^j and its derivative in c, by Horner's rule: t (J, ...), c (...)."""
    value, slope = torch.zeros_like(c), torch.zeros_like(c)
    for j in range(len(t) - 1, -1, -1):
        slope = torch.addcmul(value, slope, c)
        value = torch.addcmul(t[j], value, c)
    return value, slope


def variance(name: str, value: Tensor | float, *, why: str = "a variance cannot be negative") -> None:
    """Refuse a variance, a number or a tensor of them, that is negative, infinite or no number."""
    if isinstance(value, bool):
        raise TypeError(f"{name} = {value}: {why}; give a number, or a tensor of them.")
    if isinstance(value, Real):
        fine, shown = 0 <= float(value) < math.inf, str(value)
    else:
        numbers = given.doubles(value)
        fine = seen((numbers >= 0) & (numbers < math.inf))
        one = not fine and numbers.numel() == 1
        shown = f"{numbers.flatten()[0].item():g}" if one else "a tensor with such elements"
    if not fine:
        raise ValueError(f"{name} = {shown}: {why}; take {name} >= 0, finite.")


def seen(condition: Tensor) -> bool:
    """False if the CPU sees that some of it is false.  An accelerator is not asked: it would have to be waited for."""
    return condition.device.type != "cpu" or bool(condition.all())


def every(condition: Tensor) -> bool:
    """True if all of it is true.  The only place where a computation of this part waits for its device."""
    return bool(condition.all())


def _hermite_rows(z: Tensor, n_terms: int) -> Iterator[Tensor]:
    """The rows of `hermite`, one at a time, for nodes that are too many to keep them all."""
    before, now = torch.zeros_like(z), torch.ones_like(z)
    for k in range(n_terms):
        yield now
        before, now = now, (z * now - math.sqrt(k) * before) / math.sqrt(k + 1)


def normal(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """Standard Gaussian draws of the given shape, float64, on the device of rng; refuses an empty shape, or no rng."""
    given.generator(rng)
    given.sizes(shape)
    return torch.randn(shape, generator=rng, device=rng.device, dtype=torch.float64)
