r"""How much do two latent variables know of each other?  Mutual information in nats; zero, if the flow has done its
work.

    I(a; b) = < ln p(a, b) / (p(a) p(b)) >  >= 0,        for a Gaussian pair of correlation r:  -1/2 ln(1 - r^2).

The estimator counts neighbours in the plane of (a, b) (Kraskov, Stoegbauer and Grassberger 2004, their first one); it
sees dependence of any form.  It comes from batches, so that its error bar does not rest on a formula.  Beside it
`gaussian` gives what the correlation alone would say: much faster, and blind to everything else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from fieldkit import estimates, given
from fieldkit.estimates import Estimate


def mutual_information(a: Tensor, b: Tensor, *, n_batches: int = 16, n_neighbours: int = 3) -> Estimate:
    """I(a; b) from independent pairs a (n,), b (n,): mean over n_batches batches, with the error from their spread.

    A batch of size m says psi(k) + psi(m) - < psi(n_a + 1) + psi(n_b + 1) >, psi the digamma function: d is the
    distance of a pair from its k-th neighbour, the larger of the two differences, and n_a pairs differ by less than d
    in a, n_b in b.  Of independent pairs it is zero on average, so it may come out negative.  The neighbours leave a
    bias of order 1/m, larger for stronger dependence: at half a nat, and 16 batches of 2500, it is most of a bar, at a
    tenth of a nat far below one.  Few large batches keep it down.  Runs on the CPU.  Raises `ValueError` for other
    shapes, fewer than 50 pairs a batch, values that are not finite, a variable that never moves, or more than
    n_neighbours pairs at one place, as of spins: neighbours are counted in a continuum.
    """
    given.whole("n_batches", n_batches, least=2, why="an error needs a spread")
    given.whole("n_neighbours", n_neighbours, least=1, why="neighbours are counted")
    a, b = given.numbers(a), given.numbers(b)
    if a.dim() != 1 or a.shape != b.shape or len(a) < 50 * n_batches:
        raise ValueError(
            f"shapes {tuple(a.shape)} and {tuple(b.shape)} in {n_batches} batches: give pairs (n,) and (n,), at least "
            "fifty a batch."
        )
    if not bool(a.isfinite().all() and b.isfinite().all()):
        raise ValueError("some of the pairs are not finite; find where the flow or the chain diverged.")
    size = len(a) // n_batches
    columns = [x.detach().cpu().double()[: size * n_batches].reshape(n_batches, size).numpy() for x in (a, b)]
    columns = [x / np.abs(x).max(1, keepdims=True).clip(1e-300) for x in columns]  # spreads neither overflow nor vanish
    if not all((x.std(1) > 0).all() for x in columns):
        raise ValueError("a variable that never moves shares nothing, and all its pairs are neighbours; leave it out.")
    return estimates.mean(torch.tensor([_counted(u, v, n_neighbours) for u, v in zip(*columns)], dtype=torch.float64))


def gaussian(a: Tensor, b: Tensor) -> Tensor:
    """-1/2 ln(1 - r^2) with r the sample correlation of a (n, ...) and b (n, ...) over n, one number for each pair;
    infinite for r = 1 and -1."""
    a, b = given.numbers(a), given.numbers(b)
    if a.dim() == 0 or a.shape[:1] != b.shape[:1] or len(a) < 2:
        raise ValueError(
            f"shapes {tuple(a.shape)} and {tuple(b.shape)}: give two pairs or more, (n, ...) and (n, ...)."
        )
    a, b = (x if x.is_floating_point() else x.double() for x in (a, b))
    a, b = a - a.mean(0), b - b.mean(0)
    if not bool((a != 0).any(0).all() and (b != 0).any(0).all()):
        raise ValueError("a variable that never moves has no correlation; leave it out.")
    a, b = (x / x.abs().amax(0) for x in (a, b))  # squares neither overflow nor vanish
    a, b = a / a.norm(dim=0), b / b.norm(dim=0)
    r2 = (a * b).sum(0).square()
    left = (a - b).square().sum(0) * (a + b).square().sum(0) / 4  # 1 - r^2, with all its digits near r = 1 and -1
    return torch.where(r2 < 0.5, -0.5 * torch.log1p(-r2.clamp(max=0.5)), -0.5 * left.log())


def _counted(u: Any, v: Any, k: int) -> float:
    """The estimate of one batch of pairs, arrays u (m,) and v (m,)."""
    from scipy.spatial import cKDTree  # here: they take a while that others need not wait
    from scipy.special import digamma

    u, v = u / u.std(), v / v.std()
    # a hair less than the distance of the k-th neighbour, so that it does not count itself
    reach = cKDTree(np.stack([u, v], 1)).query(np.stack([u, v], 1), k + 1, p=np.inf)[0][:, -1] * (1 - 1e-9)
    if not (reach > 0).all():
        raise ValueError(
            f"more than {k} pairs are equal: neighbours are counted in a continuum; of discrete values count how often "
            "each pair comes."
        )
    psi: Any = 0.0
    for x in (u, v):
        ordered = np.sort(x)
        within = np.searchsorted(ordered, x + reach, "right") - np.searchsorted(ordered, x - reach, "left")
        psi = psi + digamma(within)  # the pair itself is one of them: n + 1
    return float(digamma(k) + digamma(len(u)) - psi.mean())
