r"""How much do repetitions differ near a transition?  A spiked matrix drawn exactly at any size.

    Y = theta u u^T + G,   G from the Gaussian orthogonal ensemble with off-diagonal variance 1/N.

The overlap o^2 = (u . top eigenvector)^2 tends to 1 - 1/theta^2 above theta = 1 and to 0 below (Benaych-Georges &
Nadakuditi 2011).  In a basis that Householder's reflections begin with u, Y is tridiagonal with independent entries:
diagonal N(0, 2/N), the first with theta added, off-diagonal chi_(N-k)/sqrt N (Dumitriu & Edelman 2002), so that
N = 10^5 costs what its top corner costs.  From seed to seed the overlap spreads by

    N Var(o^2) -> 2 (theta^2 + 1)/(theta^4 (theta^2 - 1)),

a susceptibility with exponent one; derived here by the delta method on the resolvent.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from fieldkit import given


def overlap(theta: float) -> float:
    """Limit of o^2: 1 - 1/theta^2 above 1, else 0."""
    given.positive("theta", theta, why="a spike has a size")
    return (1 - 1 / theta) * (1 + 1 / theta) if theta > 1 else 0.0


def spread(theta: float) -> float:
    """Limit of N Var(o^2) over draws, theta > 1.  Raises `ValueError` at and below the transition, where o^2 is not
    self-averaging."""
    if not theta > 1:
        raise ValueError(f"theta = {theta}: at and below 1 the overlap does not concentrate; choose theta > 1.")
    x = 1 / theta
    return 2 * x**4 * (1 + x * x) / ((theta - 1) / theta * (1 + x))


def overlaps(n: int, N: int, theta: float, *, rng: torch.Generator) -> Tensor:
    """n independent draws (n,) of o^2 at size N >= 2, exact for the corner of 60 N^(1/3) + 50 rows outside of which the
    top eigenvector has nothing left (all rows where that is less)."""
    from scipy.linalg import eigh_tridiagonal

    given.whole("n", n, least=1, why="draws")
    given.whole("N", N, least=2, why="a matrix")
    given.positive("theta", theta, why="a spike has a size")
    given.generator(rng)
    rows = min(N, int(60 * N ** (1 / 3)) + 50)
    normal = torch.randn(n, rows, generator=rng, dtype=torch.float64, device=rng.device).cpu()
    diagonal = normal.numpy() * math.sqrt(2 / N)
    diagonal[:, 0] += theta
    # chi^2 of k degrees: twice a standard gamma of shape k/2, which numpy draws from a seed of the generator's own
    seed = int(torch.randint(2**62, (1,), generator=rng, device=rng.device))
    degrees = N - np.arange(1, rows)
    off = np.sqrt(np.random.default_rng(seed).chisquare(degrees, size=(n, rows - 1)) / N)
    found = np.empty(n)
    for i in range(n):
        _, vectors = eigh_tridiagonal(diagonal[i], off[i], select="i", select_range=(rows - 1, rows - 1))
        found[i] = vectors[0, 0] ** 2
    return torch.from_numpy(found)
