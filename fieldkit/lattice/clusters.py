"""Which sites hang together?  Connected components of a periodic square lattice whose bonds are on or off.

Bonds are two boolean tensors (n, L, L) for a batch of n lattices: right[., i, j] joins (i, j) to (i, j + 1) and
down[., i, j] joins (i, j) to (i + 1, j), indices modulo L.  An answer is a tensor of integers (n, L, L) from 0 to
n L^2 - 1, in which two sites carry the same number if and only if bonds connect them.  Which number a cluster gets is
up to the method.

`by_pointers` runs on any device, `by_image` is the fast path on a CPU.  They find the same partition: the tests compare
them on many bond patterns, and with a walk over the bonds.

Sources: Hoshen and Kopelman 1976 (labelling by scanning); Shiloach and Vishkin 1982 (hooking and pointer jumping).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from fieldkit import given


def spread(values: Tensor, right: Tensor, down: Tensor, *, n_rounds: int | None = None) -> Tensor:
    """values (n L^2,), one for each possible cluster number -> (n, L, L): every site holds the value of its cluster.

    Takes the faster method for the device of the bonds; `n_rounds` is that of `by_pointers`.
    Raises as `by_pointers`, and `ValueError` for another number of values.
    """
    _refuse(right, down, n_rounds)
    if values.shape != (right.numel(),):
        raise ValueError(
            f"values {tuple(values.shape)}: {right.numel()} sites have as many cluster numbers; give one each."
        )
    if right.device.type == "cpu":
        table, parts = values.numpy(), _pictures(right, down)
        return torch.cat([torch.from_numpy(table[name].take(number)) for number, name in parts])
    return values[by_pointers(right, down, n_rounds=n_rounds)]


def by_pointers(right: Tensor, down: Tensor, *, n_rounds: int | None = None) -> Tensor:
    """Cluster numbers by hooking and pointer jumping, int64, on any device: the smallest site number of the cluster.

    Every site points to a site of its cluster with a number at most its own, at first to itself.  In a round, the
    targets of two bonded sites are pointed to the smallest target of either end, then all pointers jump
    twice.  Finished when a round changes nothing: then every pointer ends at a root and no bond joins two roots.  At
    T_c and L = 256 that takes about 7 rounds.

    Whether it has finished, the host must ask the device once a round.  With `n_rounds` it does that many rounds and
    does not ask, and the answer is right only if they were enough.

    Raises `ValueError` unless right and down are boolean (n, L, L), and for n_rounds < 1.
    """
    _refuse(right, down, n_rounds)
    n, L, _ = right.shape
    site = torch.arange(n * L * L, device=right.device).view(n, L, L)
    right_end = torch.where(right, site.roll(-1, 2), site).flatten()
    lower_end = torch.where(down, site.roll(-1, 1), site).flatten()
    old = target = site.flatten()
    rounds = 0
    while rounds != n_rounds:
        beside, below = old[right_end], old[lower_end]
        smallest = torch.minimum(torch.minimum(beside, below), old)
        target = old.clone()
        for end in (old, beside, below):
            target.scatter_reduce_(0, end, smallest, "amin")
        target = target[target]
        target = target[target]
        rounds += 1
        if n_rounds is None and torch.equal(target, old):
            break
        old = target
    return target.view(n, L, L)


def by_image(right: Tensor, down: Tensor) -> Tensor:
    """Cluster numbers by scipy's image labelling, int64, for bonds on the CPU.

    Each lattice becomes a picture of 2L x 2L pixels, sites at even places and bonds between them.  The last row and
    column stay empty, which keeps the lattices of a batch apart; bonds across the boundary join numbers afterwards.
    Raises as `by_pointers`.
    """
    _refuse(right, down, None)
    return torch.cat([torch.from_numpy(name.take(number)) for number, name in _pictures(right, down)])


def _refuse(right: Tensor, down: Tensor, n_rounds: int | None) -> None:
    if n_rounds is not None:
        given.whole("n_rounds", n_rounds, least=1, why="the search starts with one round")
    n, L = right.shape[0] if right.dim() else 0, right.shape[-1] if right.dim() else 0
    if not (right.shape == down.shape == (n, L, L) and n and L and right.dtype == down.dtype == torch.bool):
        raise ValueError(
            f"bonds right {tuple(right.shape)} {right.dtype} and down {tuple(down.shape)} {down.dtype}: both are "
            "boolean (n, L, L), n and L at least 1."
        )


def _pictures(right: Tensor, down: Tensor) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Numbers (k, L, L) in a picture of k lattices and the table from them to cluster numbers, k lattices at a time.

    A picture of 2^19 pixels or fewer fits a processor's cache; the next one is painted over it, so use each at once.
    """
    n, L, _ = right.shape
    at_once = min(n, max(1, 2**17 // L**2))
    pixels = np.zeros((at_once, 2 * L, 2 * L), dtype=bool)
    pixels[:, ::2, ::2] = True
    found = np.empty((at_once, 2 * L, 2 * L), dtype=np.int64)
    for start in range(0, n, at_once):
        across, under = right[start : start + at_once].numpy(), down[start : start + at_once].numpy()
        k = len(across)
        pixels[:k, ::2, 1:-1:2] = across[:, :, :-1]
        pixels[:k, 1:-1:2, ::2] = under[:, :-1, :]
        count = ndimage.label(pixels[:k].reshape(-1, 2 * L), output=found[:k].reshape(-1, 2 * L))
        number = found[:k, ::2, ::2]
        yield number, _joined(number, across[:, :, -1], under[:, -1, :], count) + start * L**2


def _joined(number: np.ndarray, across: np.ndarray, under: np.ndarray, count: int) -> np.ndarray:
    """Cluster number from 0 of each number 0...count in the picture; 0, the background, is unused.

    The bonds `across` the last column and `under` the last row, (k, L) each, make two numbers one: the smaller
    spreads until nothing changes.
    """
    one = np.concatenate([number[:, :, -1][across], number[:, -1, :][under]])
    other = np.concatenate([number[:, :, 0][across], number[:, 0, :][under]])
    name = np.arange(-1, count)
    while True:
        a, b = name[one], name[other]
        if np.array_equal(a, b):
            return name
        smallest = np.minimum(a, b)
        np.minimum.at(name, one, smallest)
        np.minimum.at(name, other, smallest)
