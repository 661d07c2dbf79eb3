r"""How are all moments of p numbers summed over many draws, each symmetric entry once?  As a few matrix products.

    sum_draws F_i1 ... F_in,  i1 <= ... <= in:    a left half (largest index k) times a right half (smallest index >= k)

Every non-decreasing tuple has exactly one such split.  With left halves ordered by their largest index and right halves
by their smallest, both belonging to k are adjacent rows, so p products of contiguous blocks give the C(p + n - 1, n)
moments and nothing twice: 462 for p = n = 6, a seventh of the full product of halves and a hundredth of all p^n.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit.nnft import wick


def sums(F: Tensor, orders: tuple[int, ...], weights: Tensor | None = None) -> list[Tensor]:
    """sum over draws of [weights] F_i1 ... F_in for each n of orders, F (p, draws): a list of (k_n,) in float64.

    Entries stand in the order of `split_tuples(p, n)`; sort them once at the end with `sort`.
    """
    rising = _by_smallest(F, max(orders) // 2)
    falling = _by_largest(F if weights is None else F * weights, F, (max(orders) + 1) // 2)
    found = []
    for n in orders:
        a, b = (n + 1) // 2, n // 2
        if n == 1:
            found.append(falling[0].sum(1).double())
            continue
        left, right = falling[a - 1], rising[b - 1]
        p = len(F)
        blocks = []
        for k in range(p):
            rows = left[math.comb(k + a - 1, a) : math.comb(k + a, a)]
            blocks.append((rows @ right[len(right) - math.comb(p - k + b - 1, b) :].T).flatten())
        found.append(torch.cat(blocks).double())
    return found


def rows(p: int, orders: tuple[int, ...]) -> int:
    """How many numbers a draw the larger half of the products takes."""
    a = (max(orders) + 1) // 2
    return math.comb(p + a - 1, a)


def _by_smallest(F: Tensor, top: int) -> list[Tensor]:
    """Products of 1 ... top factors, rows in lexicographic order: those whose smallest index is >= k come last."""
    p, rows = len(F), [F]
    for n in range(1, top):
        last = rows[-1]
        rows.append(torch.cat([last[len(last) - math.comb(p - i + n - 1, n) :] * F[i] for i in range(p)]))
    return rows


def _by_largest(first: Tensor, F: Tensor, top: int) -> list[Tensor]:
    """The same with rows ordered by the largest index: those whose largest index is <= k come first.  The first factor
    carries the weights."""
    p, rows = len(F), [first]
    for n in range(1, top):
        last = rows[-1]
        rows.append(torch.cat([last[: math.comb(k + n, n)] * F[k] for k in range(p)]))
    return rows


def split_tuples(p: int, n: int, device: torch.device | str = "cpu") -> Tensor:
    """The tuples (k, n) in the order of `sums`."""
    if n == 1:
        return wick.tuples(p, 1, device)
    a, b = (n + 1) // 2, n // 2
    left, right = wick.tuples(p, a, device), wick.tuples(p, b, device)
    rows = []
    for k in range(p):
        mine, theirs = _colex(left[left[:, -1] == k], p), right[right[:, 0] >= k]
        rows.append(torch.cat([mine.repeat_interleave(len(theirs), 0), theirs.repeat(len(mine), 1)], 1))
    return torch.cat(rows)


def _colex(rows: Tensor, p: int) -> Tensor:
    """Tuples sorted by their last index first, then the one before it, and so on."""
    key = (rows * p ** torch.arange(rows.shape[1], device=rows.device)).sum(1)
    return rows[key.argsort()]


def sort(values: Tensor, p: int, n: int) -> Tensor:
    """Values (..., k) in the order of `sums`, brought to the order of `wick.tuples(p, n)`."""
    places = wick.place(split_tuples(p, n, values.device), p)
    out = torch.empty_like(values)
    out[..., places] = values
    return out
