r"""When does a diffusion model make up its mind, and when does it remember?  Two times with exact laws.

Data are destroyed by dx = -x dt + sqrt 2 dW and made again by the reverse process with the score of the law at time t.

*Speciation.*  Data from two Gaussians at +-m with variance s2 a direction.  Two clones made from one x_t independently
are of the same kind with probability (1 + E tanh^2(r (z + r)))/2, z ~ N(0, 1), where r = |m| e^-t/sqrt(G) is the signal
to noise at t and G = s2 e^-2t + 1 - e^-2t: a function of one number, at every dimension d (derived here).  It passes
its middle near t_S = ln(|m|^2)/2, within a time that does not grow (Biroli et al. 2024, 2402.18491).

*Collapse.*  With the score of n = exp(alpha d) training points, the law at t is a mixture of n Gaussians, and a point
made from one of them is still tied to it where its own weight beats the sum of all others: a random energy model, with
t_C = ln(1 + s2/(exp(2 alpha) - 1))/2 for d -> infinity (same source).  The mean weight of the own point at finite n is
a one-dimensional integral in which n is an exponent, so that n = 10^38 costs what n = 10 does (derived here): with S
the sum of the other weights over the own one,

    E 1/(1 + S) = int dw e^w exp(-e^w) K(w)^(n-1),
    K(w) = E_a exp(-exp(w + |z|^2/2 - |x - e^-t a|^2/(2 (1 - e^-2t)))).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from fieldkit import given


def agreement(t: float, *, distance2: float, s2: float) -> float:
    """Probability that two clones made from one x_t are of the same kind; distance2 = |m|^2, s2 the variance of each
    kind a direction, t > 0.  Trapezoid rule, exact to rounding."""
    given.positive("t", t, why="noise has been added for a time")
    given.positive("distance2", distance2, why="two kinds lie apart")
    given.not_negative("s2", s2, why="a variance is not negative")
    decay = math.exp(-2 * t)
    r = math.sqrt(distance2 * decay / (s2 * decay - math.expm1(-2 * t)))
    z = np.linspace(-12, 12, 4801)
    weight = np.exp(-z * z / 2) * (24 / 4800) / math.sqrt(2 * math.pi)
    return (1 + float(weight @ np.tanh(r * (z + r)) ** 2)) / 2


def speciation_time(*, distance2: float) -> float:
    """t_S = ln(|m|^2)/2, for |m|^2 > 1."""
    given.positive("distance2", distance2, why="kinds lie apart")
    if not distance2 > 1:
        raise ValueError(f"distance2 = {distance2}: kinds that lie within the noise never part; choose more than 1.")
    return math.log(distance2) / 2


def score(x: Tensor, t: float, *, centre: Tensor, s2: float) -> Tensor:
    """Score of the two Gaussians at +-centre (d,), noised for t, at points x (n, d): (n, d)."""
    x, centre = given.numbers(x), given.numbers(centre)
    if x.dim() != 2 or centre.shape != x.shape[1:]:
        raise ValueError(f"x {tuple(x.shape)}, centre {tuple(centre.shape)}: expected (n, d) and (d,).")
    given.not_negative("s2", s2, why="a variance is not negative")
    given.not_negative("t", t, why="noise has been added for a time")
    if t == 0 and s2 == 0:
        raise ValueError(f"t = {t}, s2 = {s2}: a law with a score has a width; choose t > 0, or t = 0 with s2 > 0.")
    dtype = torch.promote_types(torch.promote_types(x.dtype, centre.dtype), torch.float32)
    x, centre = x.to(dtype), centre.to(dtype)
    decay = math.exp(-t)
    g = s2 * decay**2 - math.expm1(-2 * t)
    pull = torch.tanh(decay * (x @ centre) / g)
    return (decay * pull[:, None] * centre - x) / g


def clones(
    n: int, d: int, t: float, *, s2: float, rng: torch.Generator, n_steps: int = 300, distance2: float | None = None
) -> Tensor:
    """Whether two clones are of the same kind, for n originals: booleans (n,).

    Originals are drawn, noised to time t exactly, and made twice by Euler's steps of the reverse process with the exact
    score, times falling as a square so that steps are small near the data.  distance2 = |m|^2, d if left out.
    """
    given.whole("n", n, least=1, why="originals")
    given.whole("d", d, least=1, why="dimensions")
    given.whole("n_steps", n_steps, least=1, why="the reverse process takes steps")
    given.generator(rng)
    length2 = float(d) if distance2 is None else distance2
    agreement(t, distance2=length2, s2=s2)  # refuses what has no answer

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng, dtype=torch.float64, device=rng.device)

    centre = torch.full((d,), math.sqrt(length2 / d), dtype=torch.float64, device=rng.device)
    kind = 2.0 * torch.randint(2, (n, 1), generator=rng, device=rng.device) - 1
    original = kind * centre + math.sqrt(s2) * normal(n, d)
    noised = math.exp(-t) * original + math.sqrt(-math.expm1(-2 * t)) * normal(n, d)
    made = []
    times = (t * torch.linspace(1, 0, n_steps + 1, dtype=torch.float64) ** 2).tolist()
    for _ in range(2):
        x = noised
        for now, then in zip(times, times[1:]):
            h = now - then
            x = x + h * (x + 2 * score(x, now, centre=centre, s2=s2)) + math.sqrt(2 * h) * normal(n, d)
        made.append(x @ centre > 0)
    return made[0] == made[1]


def collapse_time(alpha: float, *, s2: float) -> float:
    """t_C for n = exp(alpha d) points of variance s2 a direction, d -> infinity: ln(1 + s2/(exp(2 alpha) - 1))/2."""
    given.positive("alpha", alpha, why="ln n a dimension")
    given.positive("s2", s2, why="the data have a variance")
    return math.log1p(s2 * math.exp(-2 * alpha) / -math.expm1(-2 * alpha)) / 2


def own_weight(d: int, log_n: float, t: float, *, s2: float, x2: float, z2: float) -> float:
    """Mean weight of the own point in the empirical law of n = exp(log_n) points N(0, s2 1_d) at time t, given
    |x|^2 = x2 of the noised point x and |z|^2 = z2 of its noise, x = e^-t a + sqrt(1 - e^-2t) z.

    |x - e^-t a|^2 of another point is e^-2t s2 times a noncentral chi^2 of d degrees with noncentrality
    x2 e^2t/s2.  Two trapezoid rules; the inner grid follows the lower tail 30 standard deviations down, where the
    closest of many points lies; for d < 10 panels halve towards 0, where the density is a power.  Raises `ValueError`
    for n < 1 or sizes that are not positive.
    """
    given.whole("d", d, least=1, why="dimensions")
    for name, value in (("t", t), ("s2", s2), ("x2", x2), ("z2", z2)):
        given.positive(name, value, why="a time, a variance or a squared length")
    given.within("log_n", log_n, 0, 700, why="the logarithm of the number of points", ends="[)")
    decay = math.exp(-2 * t)
    noise = -math.expm1(-2 * t)
    if decay * s2 < 1e-250 * x2:
        return math.exp(-log_n)  # so late, all points are alike
    shift = x2 / (decay * s2)
    scale = decay * s2 / (2 * noise)
    width = math.sqrt(2 * (d + 2 * shift))
    if d < 10 and d + shift < 30 * width:
        reach = (89 + z2 / 2 + shift / 2 + d / 2 * math.log1p(scale * (d + shift))) / scale  # beyond, nothing is seen
        q, step = _halving(min(d + shift + 8 * width, reach), min(width / 2, 4 / scale), d, log_n)
        density = np.exp(_log_noncentral(q, d, shift)) * step
        far = scale * q
    else:  # off is q - shift, which keeps its digits where the shift is large
        low = max(d - 30 * width, 1e-9 * (d + shift) - shift)
        off = np.linspace(low, d + 8 * width, 1600)
        late = shift > 100 * (d * d + 1e4)
        log = _log_late(off, d, shift) if late else _log_noncentral(shift + off, d, shift)
        density = np.exp(log) * ((d + 8 * width - low) / 1599)
        far = x2 / (2 * noise) + scale * off
    with np.errstate(divide="ignore"):
        others = log_n + float(np.logaddexp.reduce(np.log(density) + z2 / 2 - far))  # ln of the mean of S
    w = 4 - 0.2 * np.arange(246 + math.ceil(5 * max(0.0, others - 8)))  # down to where S has been seen
    seen = -np.expm1(-np.exp(np.minimum(w[:, None] + z2 / 2 - far, 50.0)))  # 1 - exp(-exp(...)), small where far
    lost = np.minimum(seen @ density, 1 - 1e-16)
    total = np.exp(w - np.exp(w) + math.expm1(log_n) * np.log1p(-lost))
    return min(1.0, 0.2 * float(total.sum()))


def log_others(log_n: float) -> float:
    """ln(n - 1) from ln n > 0, for any n."""
    return math.log(math.expm1(log_n)) if log_n < 1 else log_n + math.log1p(-math.exp(-log_n))


def mean_own_weight(n: int, d: int, log_n: float, t: float, *, s2: float, rng: torch.Generator) -> Tensor:
    """`own_weight` for n draws of the own point and its noise: (n,), whose mean has the bar of independent draws."""
    given.whole("n", n, least=1, why="draws")
    given.generator(rng)
    a, z = (torch.randn(n, d, generator=rng, dtype=torch.float64, device=rng.device) for _ in range(2))
    x = math.exp(-t) * math.sqrt(s2) * a + math.sqrt(-math.expm1(-2 * t)) * z
    rows = zip(x.square().sum(1).tolist(), z.square().sum(1).tolist())
    return torch.tensor([own_weight(d, log_n, t, s2=s2, x2=x2, z2=z2) for x2, z2 in rows], dtype=torch.float64)


def _halving(top: float, widest: float, d: int, log_n: float) -> tuple[np.ndarray, np.ndarray]:
    """Gauss and Legendre's nodes and weights on (0, top): panels no wider than `widest`, halved towards 0 until no
    point of exp(log_n) lies there."""
    nodes, share = np.polynomial.legendre.leggauss(12)
    first = min(top, widest)
    panels = np.linspace(first, top, 1 + math.ceil((top - first) / widest)) if top > first else np.array([top])
    halvings = math.ceil(2 * (log_n + 40) / (d * math.log(2)))
    edges = np.concatenate([first * 2.0 ** -np.arange(min(halvings, 1000), 0, -1), panels])
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * share).ravel()


def _log_late(off: np.ndarray, d: int, shift: float) -> np.ndarray:
    """`_log_noncentral` at q = shift + off for a shift far above d^2: Hankel's expansion of ln I to the third order, in
    the difference of two square roots."""
    q = shift + off
    x, mu = math.sqrt(shift) * np.sqrt(q), (d - 2.0) ** 2
    series = 1 - (mu - 1) / (8 * x) * (1 - (mu - 9) / (16 * x) * (1 - (mu - 25) / (24 * x)))
    apart = off / (np.sqrt(q) + math.sqrt(shift))
    return (
        -math.log(2) - apart**2 / 2 + (d / 4 - 0.5) * np.log1p(off / shift) - np.log(2 * np.pi * x) / 2 + np.log(series)
    )


def _log_noncentral(q: np.ndarray, d: int, shift: float) -> np.ndarray:
    """ln density of the noncentral chi^2 of d degrees: ln(1/2) - (q + shift)/2 + (d/4 - 1/2) ln(q/shift) +
    ln I_(d/2-1)(sqrt(shift q)).

    ln I by the scaled Bessel function where that is not too small for a float64, else by Debye's uniform expansion to
    fourth order in 1/order (DLMF 10.41.3), whose error there is below 1e-10.
    """
    from scipy.special import ive

    order = d / 2 - 1
    x = np.sqrt(shift * q)
    with np.errstate(divide="ignore"):
        log_bessel = np.log(ive(order, x)) + x
    if order > 20:
        root = np.sqrt(1 + (x / order) ** 2)
        p = 1 / root
        eta = root + np.log(x / order / (1 + root))
        p2 = p * p
        u1 = p * (3 - 5 * p2) / 24
        u2 = p2 * (81 - 462 * p2 + 385 * p2**2) / 1152
        u3 = p * p2 * (30375 - 369603 * p2 + 765765 * p2**2 - 425425 * p2**3) / 414720
        u4 = p2**2 * (4465125 - 94121676 * p2 + 349922430 * p2**2 - 446185740 * p2**3 + 185910725 * p2**4) / 39813120
        series = 1 + u1 / order + u2 / order**2 + u3 / order**3 + u4 / order**4
        debye = order * eta - 0.5 * np.log(2 * np.pi * order * root) + np.log(series)
        log_bessel = np.where(np.isfinite(log_bessel) & (log_bessel - x > -600), log_bessel, debye)
    return -math.log(2) - (q + shift) / 2 + (d / 4 - 0.5) * np.log(q / shift) + log_bessel
