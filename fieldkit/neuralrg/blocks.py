"""How is a lattice cut into blocks without an index table?  By slices with a step of two, and by turning the torus.

A lattice of even side L in d dimensions has (L/2)^d blocks of 2^d corners.  `corners` gives one tensor a corner,
`lattice` puts them together again.  shift = 1 turns the torus by one site along every axis first: the blocks then
begin at odd sites, and their last corner is the one whose coordinates are all even.  The corner with bits b_1 ... b_d
(b_d the fastest) lies b_mu sites along axis mu from the block's first site.  Fields are (n, L, ..., L); corners have
their sites first and n last, (L/2, ..., L/2, n), so that shifts of the block lattice move long rows of memory.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from fieldkit import given


def corners(x: Tensor, *, shift: int = 0) -> list[Tensor]:
    """The 2^d corners of all blocks, each (L/2, ..., L/2, n), views of x (n, L, ..., L) where shift = 0."""
    x = x.movedim(0, -1)
    d = x.dim() - 1
    if any(side % 2 for side in x.shape[:-1]):
        raise ValueError(f"sides {tuple(x.shape[:-1])}: blocks have two sites a side; give fields of even sides.")
    if shift:
        x = x.roll((-shift,) * d, tuple(range(d)))
    return [x[tuple(slice(bit, None, 2) for bit in bits)] for bits in itertools.product((0, 1), repeat=d)]


def lattice(parts: list[Tensor], *, shift: int = 0) -> Tensor:
    """The inverse of `corners`: fields (n, L, ..., L) whose memory has n as the fastest index."""
    d = parts[0].dim() - 1
    for axis in reversed(range(d)):
        parts = [_interleave(parts[i], parts[i + 1], axis) for i in range(0, len(parts), 2)]
    (x,) = parts
    if shift:
        x = x.roll((shift,) * d, tuple(range(d)))
    return x.movedim(-1, 0)


def haar(d: int, *, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The orthonormal Haar matrix of a block, (2^d, 2^d): the last row is constant, the others sum to zero.

    Row k holds the signs (-1)^(bits of k', corner) over sqrt(2^d), k' = 2^d - 1 - k, so that the coarse amplitude
    stands at the last corner, where `corners(shift=1)` has the site that survives on the next lattice.
    """
    given.whole("d", d, least=1, why="a lattice has at least one dimension")
    one = torch.tensor([[1.0, -1.0], [1.0, 1.0]], dtype=dtype, device=device)
    basis = one
    for _ in range(d - 1):
        basis = torch.kron(basis, one)
    return basis / 2 ** (d / 2)


def _interleave(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """even[0], odd[0], even[1], ... along axis."""
    shape = list(even.shape)
    shape[axis] *= 2
    return torch.stack([even, odd], dim=axis + 1).reshape(shape)
