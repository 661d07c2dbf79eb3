r"""How sharp is the moment at which a diffusion model remembers?  The own point's weight around t_C at finite d.

A point x = e^-t a + sqrt(D) z, D = 1 - e^-2t, was made from one of n = exp(alpha d) points a ~ N(0, s2 1_d).  S is the
sum of the others' weights over its own (`speciation`).  Let G = s2 e^-2t + D, x = sqrt(G) xi, rho^2 = D/G.

*Annealed.*  The mean of S over the others is a Gaussian integral:

    ln E S = ln(n - 1) + (d/2) ln(D/G) + (|z|^2 - |xi|^2)/2 .

At t_C rho^2 = exp(-2 alpha), and the first two terms cancel.  z and xi are a pair that can be exchanged, so y = ln E S
is as often positive as negative: 1/(1 + E S) is 1/2 on average there, at every d.  As 1/(1 + S) is convex in S, the
true weight is larger.

*By how much.*  y is Gaussian of variance d (1 - rho^2).  At the level of z's own length there are exp(sqrt(d) u) other
points, u = (1 - rho^2) (d - |xi|^2)/(2 sqrt d).  If there are none, u < 0, E S rests on points that are not there, and
typically S = E S Phi(g), with Phi the normal distribution function and g = u over the spread of the levels,
sqrt((1 - rho^4)/2).  Given y = 0, g ~ N(0, (1 - rho^2)/2).  A shift of ln S near y = 0 changes the weight in
proportion, so that

    E 1/(1 + S) = 1/2 + A/sqrt(d) + ...,   A = E[-ln Phi(g)] / sqrt(2 pi (1 - exp(-2 alpha))),

whatever s2 is.  (Derived here, to leading order.)
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from fieldkit import given
from fieldkit.transitions import speciation


def drawn_weights(
    n: int, n_points: int, d: int, times: list[float], *, s2: float, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Weights of the own point (times, n) among n_points that are really drawn, and the exact mean over the others for
    the same own points, `speciation.own_weight`.  The own point and its noise are the same at all times, the others
    are drawn anew, so that the differences have mean zero and are uncorrelated."""
    for name, value in (("n", n), ("n_points", n_points), ("d", d)):
        given.whole(name, value, least=1, why="draws, points, dimensions")
    given.positive("s2", s2, why="the data have a variance")
    for t in times:
        given.positive("t", t, why="noise has been added for a time")
    given.generator(rng)
    if not len(times):
        raise ValueError("no times: name at least one at which the weights are asked for.")

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng, dtype=torch.float64, device=rng.device)

    own, z = math.sqrt(s2) * normal(n, d), normal(n, d)
    drawn, exact = [], []
    for t in times:
        decay, noise = math.exp(-t), -math.expm1(-2 * t)
        x = decay * own + math.sqrt(noise) * z
        row = []
        for one, mine in zip(x, z.square().sum(1) / 2):
            others = decay * math.sqrt(s2) * normal(n_points - 1, d)
            energy = (one - others).square().sum(1) / (2 * noise)
            row.append(torch.sigmoid(-torch.logsumexp(mine - energy, 0)))
        drawn.append(torch.stack(row).cpu())
        pairs = zip(x.square().sum(1).tolist(), z.square().sum(1).tolist())
        exact.append([speciation.own_weight(d, math.log(n_points), t, s2=s2, x2=x2, z2=z2) for x2, z2 in pairs])
    return torch.stack(drawn), torch.tensor(exact, dtype=torch.float64)


def annealed_weight(d: int, log_n: float, t: float, *, s2: float) -> float:
    """E 1/(1 + E S): the own point's weight with the sum of the others replaced by its mean, a lower bound.

    (|z|^2 - |xi|^2)/2 = sqrt(1 - rho^2) |p| h with |p|^2 chi-squared of d degrees and h normal, independent: quantiles
    of the one, trapezoid rule for the other.
    """
    from scipy import stats

    given.whole("d", d, least=1, why="dimensions")
    given.positive("t", t, why="noise has been added for a time")
    given.positive("s2", s2, why="the data have a variance")
    given.within("log_n", log_n, 0, 700, why="the logarithm of the number of points", ends="[)")
    if log_n == 0:
        return 1.0  # there is no other point
    noise = -math.expm1(-2 * t)
    ratio = noise / (s2 * math.exp(-2 * t) + noise)
    h = np.linspace(-9, 9, 901)
    weight = np.exp(-h * h / 2) * (18 / 900) / math.sqrt(2 * math.pi)
    length = np.sqrt(stats.chi2.ppf((np.arange(40) + 0.5) / 40, d))
    y = speciation.log_others(log_n) + d / 2 * math.log(ratio) + math.sqrt(1 - ratio) * np.outer(length, h)
    return float((weight / (1 + np.exp(np.clip(y, -700, 700)))).sum() / 40)


def weights(n: int, d: int, log_n: float, t: float, *, s2: float, rng: torch.Generator) -> Tensor:
    """n independent estimates of the own point's mean weight, as `speciation.mean_own_weight`, with smaller bars: what
    is averaged over own points is the difference to 1/(1 + E S), to which its mean, `annealed_weight`, is added."""
    given.whole("n", n, least=1, why="draws")
    given.generator(rng)
    known = annealed_weight(d, log_n, t, s2=s2)
    if log_n == 0:
        return torch.ones(n, dtype=torch.float64)
    decay2, noise = math.exp(-2 * t) * s2, -math.expm1(-2 * t)
    own, z = (torch.randn(n, d, generator=rng, dtype=torch.float64, device=rng.device).cpu() for _ in range(2))
    x2 = (math.sqrt(decay2) * own + math.sqrt(noise) * z).square().sum(1)
    z2 = z.square().sum(1)
    fixed = speciation.log_others(log_n) + d / 2 * math.log(noise / (decay2 + noise))
    y = fixed + (z2 - x2 / (decay2 + noise)) / 2
    pairs = zip(x2.tolist(), z2.tolist())
    found = [speciation.own_weight(d, log_n, t, s2=s2, x2=a, z2=b) for a, b in pairs]
    return torch.tensor(found, dtype=torch.float64) - torch.sigmoid(-y) + known


def excess_amplitude(alpha: float) -> float:
    """A = E[-ln Phi(g)]/sqrt(2 pi (1 - exp(-2 alpha))), g ~ N(0, (1 - exp(-2 alpha))/2): the own point's weight at t_C
    is 1/2 + A/sqrt(d) for large d.  Trapezoid rule."""
    from scipy.special import log_ndtr

    given.positive("alpha", alpha, why="ln n a dimension")
    free = -math.expm1(-2 * alpha)
    h = np.linspace(-10, 10, 4001)
    weight = np.exp(-h * h / 2) * (20 / 4000) / math.sqrt(2 * math.pi)
    return float(-weight @ log_ndtr(math.sqrt(free / 2) * h)) / math.sqrt(2 * math.pi * free)


def excess(n: int, d: int, alpha: float, *, s2: float, rng: torch.Generator, strata: int = 20) -> Tensor:
    """n independent estimates of the own point's weight at t_C minus 1/2, at finite d.

    What is averaged is 1/(1 + S) - 1/(1 + E S), whose second part is 1/2 on average.  The two differ near y = ln E S
    = 0 only, so y is drawn there, evenly from each of the `strata` parts of -7 < y < 8, and the rest of the own point
    given y: z and xi are sums and differences of independent Gaussians p and m, and y = sqrt(1 - rho^2) p.m.
    """
    for name, value in (("n", n), ("strata", strata)):
        given.whole(name, value, least=1, why="estimates and parts")
    given.whole("d", d, least=2, why="dimensions")
    given.generator(rng)
    t = speciation.collapse_time(alpha, s2=s2)
    rho, span = math.exp(-alpha), 15.0
    side = math.sqrt(1 - rho**2)

    def lengths2(degrees: int) -> Tensor:
        return torch.randn(n, strata, degrees, generator=rng, dtype=torch.float64, device=rng.device).square().sum(2)

    luck = torch.rand(n, strata, generator=rng, dtype=torch.float64, device=rng.device)
    y = -7 + span * (torch.arange(strata, device=rng.device) + luck) / strata
    p2, rest = lengths2(d), lengths2(d - 1)
    along = y / (side * p2.sqrt())  # the part of m along p that makes this y
    m2 = rest + along.square()
    z2 = ((1 + rho) * p2 + (1 - rho) * m2) / 2 + y
    x2 = (z2 - 2 * y) * (s2 * math.exp(-2 * t) - math.expm1(-2 * t))
    density = torch.exp(-along.square() / 2) / (math.sqrt(2 * math.pi) * side * p2.sqrt())
    pairs = zip(x2.flatten().tolist(), z2.flatten().tolist())
    found = [speciation.own_weight(d, alpha * d, t, s2=s2, x2=a, z2=b) for a, b in pairs]
    weight = torch.tensor(found, dtype=torch.float64).reshape(n, strata)
    mean = torch.sigmoid(-y.cpu() - math.log1p(-math.exp(-alpha * d)))
    return span * (density.cpu() * (weight - mean)).mean(1)
