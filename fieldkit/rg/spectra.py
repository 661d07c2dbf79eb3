r"""Which directions of a weight matrix did training make?  Singular values above the edge of what noise would have.

The scale of the noise comes from the MEDIAN singular value, which a few large ones do not move; the edge is that of
Marchenko and Pastur (`marchenko_pastur`).  Cutting below it keeps the spikes (`truncated`); the same count of stored
numbers can keep the largest entries instead (`largest_entries`), which is the comparison that counts.  With strong
weight decay nothing is left of the noise, and the median measures something else.  Matrices are (n, m) or batches of
them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.rg import marchenko_pastur


def noise(W: Tensor) -> Tensor:
    """sigma (...), the standard deviation of an entry of pure noise with the median singular value of W (..., n, m): of
    an even number of them halfway between the two in the middle, or sigma would come out low, by 2 % for 64 columns."""
    W = _matrices(W)
    long, short = _sides(W)
    values = _singular(W)
    middle = (values[..., (short - 1) // 2] + values[..., short // 2]) / 2
    return middle / (marchenko_pastur.median(short / long) * long) ** 0.5


def edge(W: Tensor, *, tracy_widom: float = 0.0) -> Tensor:
    """The largest singular value (...) that noise of that size would have: sigma (sqrt(n) + sqrt(m)) as n, m grow.

    At finite size the largest of pure noise lies above that in 17 cases of 100; tracy_widom = 0.98 or 2.02 moves the
    edge up to where that happens in 5 or 1 of 100 (quantiles of the law of Tracy and Widom; scale of Johnstone 2001).
    """
    given.not_negative("tracy_widom", tracy_widom, why="a quantile that moves the edge up")
    W = _matrices(W)
    long, short = _sides(W)
    root = long**0.5 + short**0.5
    return noise(W) * (root**2 + tracy_widom * root * (long**-0.5 + short**-0.5) ** (1 / 3)) ** 0.5


def n_spikes(W: Tensor, *, tracy_widom: float = 0.0) -> Tensor:
    """How many singular values lie above the edge, (...) int64."""
    W = _matrices(W)
    return (_singular(W) > edge(W, tracy_widom=tracy_widom)[..., None]).sum(-1)


def planted(n: int, theta: float, draws: int, *, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noise (n, n) of unit variance plus theta sqrt(n) u v^T with random unit vectors, drawn `draws` times: where the
    largest singular value lies, in units of sqrt(n), and the squared overlap of its vector with u, each (draws,).

    The truth, as n grows, is `marchenko_pastur.spike` and `marchenko_pastur.overlap`; corrections are of order 1/n.
    """
    given.whole("n", n, least=1, why="a matrix has rows")
    given.whole("draws", draws, least=1, why="matrices are drawn")
    marchenko_pastur.spike(theta)  # refuses what is no strength
    given.generator(rng)
    u, v = torch.randn(2, draws, n, 1, generator=rng, device=rng.device, dtype=torch.float64)
    u, v = u / u.norm(dim=1, keepdim=True), v / v.norm(dim=1, keepdim=True)
    noise = torch.randn(draws, n, n, generator=rng, device=rng.device, dtype=torch.float64)
    U, s, _ = torch.linalg.svd(noise + theta * n**0.5 * u @ v.mT)
    return s[:, 0] / n**0.5, (U[:, :, :1] * u).sum((1, 2)).square()


def truncated(W: Tensor, rank: int) -> Tensor:
    """The nearest matrix of this rank (Eckart and Young 1936), same shape; rank (n + m) numbers instead of n m."""
    W = _matrices(W)
    _, short = _sides(W)
    given.whole("rank", rank, least=0, why="a matrix has a rank")
    if rank > short:
        raise ValueError(f"rank = {rank}: a matrix of shape {tuple(W.shape[-2:])} has ranks from 0 to {short}.")
    try:
        U, s, Vh = torch.linalg.svd(W, full_matrices=False)
    except torch.linalg.LinAlgError as error:
        raise ValueError(f"shape {tuple(W.shape)}: an entry is not finite; find where training diverged.") from error
    return (U[..., :rank] * s[..., None, :rank]) @ Vh[..., :rank, :]


def bulk(W: Tensor, rank: int) -> Tensor:
    """What `truncated` throws away."""
    return _matrices(W) - truncated(W, rank)


def largest_entries(W: Tensor, count: int) -> Tensor:
    """W with all but the `count` entries of largest modulus set to 0; their places are stored free of charge."""
    given.whole("count", count, least=0, why="so many entries stay")
    W = _matrices(W)
    flat = W.flatten(-2)
    count = min(count, flat.shape[-1])
    kept = torch.zeros_like(flat, dtype=torch.bool)
    kept.scatter_(-1, flat.abs().topk(count, dim=-1).indices, True)
    return torch.where(kept, flat, flat.new_zeros(())).reshape(W.shape)


def numbers(W: Tensor, rank: int) -> int:
    """How many numbers a matrix of this shape and rank stores: rank (n + m)."""
    given.whole("rank", rank, least=0, why="a matrix has a rank")
    return rank * sum(_matrices(W).shape[-2:])


def _matrices(W: Tensor) -> Tensor:
    """W as floating-point matrices."""
    W = given.floats(W)
    _sides(W)
    return W


def _singular(W: Tensor) -> Tensor:
    try:
        return torch.linalg.svdvals(W.double())
    except torch.linalg.LinAlgError as error:
        raise ValueError(f"shape {tuple(W.shape)}: an entry is not finite; find where training diverged.") from error


def _sides(W: Tensor) -> tuple[int, int]:
    if W.dim() < 2 or 0 in W.shape:
        raise ValueError(f"shape {tuple(W.shape)}: a weight matrix is (n, m), a batch of them (..., n, m).")
    return max(W.shape[-2:]), min(W.shape[-2:])
