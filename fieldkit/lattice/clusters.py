"""Which sites hang together?  Connected components of a periodic lattice, in any dimension, whose bonds are on or off.

Bonds are boolean tensors (n, L, ..., L) for a batch of n lattices, one for each axis, from the last axis to the first.
On a square lattice these are right and down: right[., i, j] joins (i, j) to (i, j + 1) and down[., i, j] joins (i, j)
to (i + 1, j), indices modulo L.  An answer is a tensor of integers (n, L, ..., L) from 0 to n L^d - 1, in which two
sites carry the same number if and only if bonds connect them.  Which number a cluster gets is up to the method.

`by_pointers` runs on any device, `by_image` is the fast path on a CPU, and on squares a compiled scan is faster still,
where numba is installed (`hoshen_kopelman`).  They find the same partition: the tests compare them on many bond
patterns, and with a walk over the bonds.  The two paths of a CPU agree in every number, so that nothing changes with
numba but the time.

Sources: Hoshen and Kopelman 1976 (labelling by scanning); Shiloach and Vishkin 1982 (hooking and pointer jumping).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from fieldkit import compiled, given


def spread(values: Tensor, *bonds: Tensor, n_rounds: int | None = None) -> Tensor:
    """values (n L^d,), one for each possible cluster number -> (n, L, ..., L): every site holds that of its cluster.

    Takes the faster method for the device of the bonds; `n_rounds` is that of `by_pointers`.
    Raises as `by_pointers`, and `ValueError` for another number of values.
    """
    _refuse(bonds, n_rounds)
    if values.shape != (bonds[0].numel(),):
        raise ValueError(
            f"values {tuple(values.shape)}: {bonds[0].numel()} sites have as many cluster numbers; give one each."
        )
    if bonds[0].device.type == "cpu":
        if len(bonds) == 2 and compiled.here():
            from fieldkit.lattice import hoshen_kopelman  # at the call, as `compiled` says

            table, right, down = (x.contiguous().numpy() for x in (values, *bonds))
            return torch.from_numpy(hoshen_kopelman.spread(table, right, down, _together(bonds)))
        table, parts = values.numpy(), _pictures(bonds)
        return torch.cat([torch.from_numpy(table[name].take(number)) for number, name in parts])
    return values[by_pointers(*bonds, n_rounds=n_rounds)]


def by_pointers(*bonds: Tensor, n_rounds: int | None = None) -> Tensor:
    """Cluster numbers by hooking and pointer jumping, int64, on any device: the smallest site number of the cluster.

    Every site points to a site of its cluster with a number at most its own, at first to itself.  In a round, the
    targets of two bonded sites are pointed to the smallest target of either end, then all pointers jump
    twice.  Finished when a round changes nothing: then every pointer ends at a root and no bond joins two roots.  On
    the square lattice at T_c and L = 256 that takes about 7 rounds.

    Whether it has finished, the host must ask the device once a round.  With `n_rounds` it does that many rounds and
    does not ask, and the answer is right only if they were enough.

    Raises `ValueError` unless the bonds are boolean (n, L, ..., L), one for each axis, and for n_rounds < 1.
    """
    _refuse(bonds, n_rounds)
    shape, d, count = bonds[0].shape, len(bonds), bonds[0].numel()
    small = torch.int32 if count < 2**31 else torch.int64  # half the bytes, and most of the time is memory
    site = torch.arange(count, device=bonds[0].device, dtype=small).view(shape)
    far_ends = [torch.where(on, site.roll(-1, d - k), site).flatten() for k, on in enumerate(bonds)]
    old = target = site.flatten()
    rounds = 0
    while rounds != n_rounds:
        beyond = [old.index_select(0, end) for end in far_ends]
        smallest = functools.reduce(torch.minimum, beyond, old)
        target = old.clone()
        for end in (old, *beyond):
            target.scatter_reduce_(0, end.long(), smallest, "amin")
        target = target.index_select(0, target)
        target = target.index_select(0, target)
        rounds += 1
        if n_rounds is None and torch.equal(target, old):
            break
        old = target
    return target.view(shape).long()


def by_image(*bonds: Tensor) -> Tensor:
    """Cluster numbers by scipy's image labelling, int64, for bonds on the CPU.

    Each lattice becomes a picture of 2L x ... x 2L pixels, sites at even places and bonds between them.  The last
    places of every axis stay empty, which keeps the lattices of a batch apart; bonds across the boundary join numbers
    afterwards.  Raises as `by_pointers`.
    """
    _refuse(bonds, None)
    return torch.cat([torch.from_numpy(name.take(number)) for number, name in _pictures(bonds)])


def _refuse(bonds: tuple[Tensor, ...], n_rounds: int | None) -> None:
    if n_rounds is not None:
        given.whole("n_rounds", n_rounds, least=1, why="the search starts with one round")
    if not bonds or not all(isinstance(on, Tensor) for on in bonds):
        raise TypeError(f"bonds {[type(on).__name__ for on in bonds]}: give one boolean tensor for each axis.")
    n, L = bonds[0].shape[0] if bonds[0].dim() else 0, bonds[0].shape[-1] if bonds[0].dim() else 0
    if not n * L or any(on.shape != (n,) + (L,) * len(bonds) or on.dtype != torch.bool for on in bonds):
        found = ", ".join(f"{tuple(on.shape)} {on.dtype}" for on in bonds)
        raise ValueError(
            f"bonds {found}: all are boolean (n, L, ..., L), n and L at least 1, and there are as many as axes of "
            "length L, from the last to the first."
        )


def _pictures(bonds: tuple[Tensor, ...]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Numbers (k, L, ..., L) in a picture of k lattices, and the table from them to cluster numbers, for all lattices.

    The next picture is painted over it, so use each at once.
    """
    n, L, d = bonds[0].shape[0], bonds[0].shape[-1], len(bonds)
    at_once = _together(bonds)
    sites = (slice(None),) + (slice(None, None, 2),) * d
    pixels = np.zeros((at_once,) + (2 * L,) * d, dtype=bool)
    pixels[sites] = True
    found = np.empty(pixels.shape, dtype=np.int64)
    for start in range(0, n, at_once):
        on = {d - k: axis[start : start + at_once].numpy() for k, axis in enumerate(bonds)}
        k = len(on[d])
        for axis, there in on.items():
            pixels[:k][_at(sites, axis, slice(1, -1, 2))] = there[_at((slice(None),) * (d + 1), axis, slice(-1))]
        flat = (-1,) + (2 * L,) * (d - 1)
        count = ndimage.label(pixels[:k].reshape(flat), output=found[:k].reshape(flat))
        number = found[:k][sites]
        yield number, _joined(number, on, count) + start * L**d


def _together(bonds: tuple[Tensor, ...]) -> int:
    """Lattices in a picture: 2^19 pixels or fewer fit a processor's cache."""
    n, L, d = bonds[0].shape[0], bonds[0].shape[-1], len(bonds)
    return min(n, max(1, 2**19 // (2 * L) ** d))


def _joined(number: np.ndarray, on: dict[int, np.ndarray], count: int) -> np.ndarray:
    """Cluster number from 0 of each number 0...count in the picture; 0, the background, is unused.

    The bonds across the boundary of each axis make two numbers one: the smaller spreads until nothing changes.
    """
    seams = [(axis, there.take(-1, axis)) for axis, there in on.items()]
    one = np.concatenate([number.take(-1, axis)[across] for axis, across in seams])
    other = np.concatenate([number.take(0, axis)[across] for axis, across in seams])
    name = np.arange(-1, count)
    while True:
        a, b = name[one], name[other]
        if np.array_equal(a, b):
            return name
        smallest = np.minimum(a, b)
        np.minimum.at(name, one, smallest)
        np.minimum.at(name, other, smallest)


def _at(index: tuple[slice, ...], axis: int, places: slice) -> tuple[slice, ...]:
    return index[:axis] + (places,) + index[axis + 1 :]
