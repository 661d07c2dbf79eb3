"""What to do with more chains than a processor's cache holds?  Move a part of them at a time.

Chains do not see each other, so the numbers stay the same; only each number makes its way through memory once a
trajectory instead of once an operation.  An accelerator gets all chains at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

IN_CACHE = 2**19  # numbers of a field


def in_parts(move: Callable[..., tuple[Tensor, ...]], phi: Tensor, *others: Any) -> tuple[Tensor, ...]:
    """move(phi, *others), a tuple of tensors with one entry a chain, for a part of the chains phi (n, ...) at a time.

    Of `others`, tensors with a first dimension are cut like phi.  Parts are multiples of 64 chains, so that vectors of
    numbers fall alike in the parts and in the whole, and chains stay the fastest index in memory.
    """
    n = len(phi)
    some = n if phi.device.type != "cpu" else max(64, IN_CACHE // phi[0].numel() // 64 * 64)
    if n <= some:
        return move(phi, *others)
    moved = []
    for start in range(0, n, some):
        part = slice(start, start + some)
        moved.append(move(phi[part], *(x[part] if isinstance(x, Tensor) and x.dim() else x for x in others)))
    return tuple(torch.cat([x.movedim(0, -1) for x in column], dim=-1).movedim(-1, 0) for column in zip(*moved))
