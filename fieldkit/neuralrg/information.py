r"""How much do two latent variables know of each other?  Mutual information in nats; zero, if the flow has done its
work.

    I(a; b) = < ln p(a, b) / (p(a) p(b)) >  >= 0,        for a Gaussian pair of correlation r:  -1/2 ln(1 - r^2).

The estimator counts neighbours in the plane of (a, b) (Kraskov, Stoegbauer and Grassberger 2004), as kept in
scikit-learn; it sees dependence of any form.  It comes from batches, so that its error bar does not rest on a formula.
Beside it `gaussian` gives what the correlation alone would say: much faster, and blind to everything else.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fieldkit import estimates, given
from fieldkit.estimates import Estimate


def mutual_information(a: Tensor, b: Tensor, *, n_batches: int = 16, n_neighbours: int = 3) -> Estimate:
    """I(a; b) from independent pairs a (n,), b (n,): mean over n_batches batches, with the error from their spread.

    The neighbours of a batch of size m leave a bias of order 1/m, larger for stronger dependence: at half a nat, and
    16 batches of 2500, it is most of a bar, at a tenth of a nat far below one.  Few large batches keep it down.
    scikit-learn cuts negative batch estimates to zero,
    which lifts the mean of nearly independent pairs by up to 0.4 bars of a batch: judge smallness against shuffled
    pairs (`b` rolled by one).  Runs on the CPU.  Raises `ValueError` for other shapes or fewer than 50 pairs a batch.
    """
    from sklearn.feature_selection import mutual_info_regression  # here: it takes a second that others need not wait

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
    found = [
        mutual_info_regression(u[:, None], v, n_neighbors=n_neighbours, random_state=0)[0] for u, v in zip(*columns)
    ]
    return estimates.mean(torch.tensor(found, dtype=torch.float64))


def gaussian(a: Tensor, b: Tensor) -> Tensor:
    """-1/2 ln(1 - r^2) with r the sample correlation of a (n, ...) and b (n, ...) over n, one number for each pair."""
    a, b = given.numbers(a), given.numbers(b)
    a, b = a - a.mean(0), b - b.mean(0)
    if not bool((a != 0).any(0).all() and (b != 0).any(0).all()):
        raise ValueError("a variable that never moves has no correlation; leave it out.")
    r2 = (a * b).mean(0).square() / (a.square().mean(0) * b.square().mean(0))
    return -0.5 * torch.log1p(-r2)
