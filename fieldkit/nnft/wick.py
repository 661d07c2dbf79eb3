r"""How does a Gaussian factorise, and what is left when it does not?  Sums over pairings, each symmetric entry once.

    <f1 ... fn>_Gauss = sum over pairings of K K ... K               3 terms for n = 4, 15 for n = 6  (Isserlis 1918)
    G4c = G4 - sum_3 G2 G2,      G6c = G6 - sum_15 G4 G2 + 2 sum_15 G2 G2 G2                 for a field of mean zero

An n-point function over m sites is symmetric, so it is kept as one number for each non-decreasing tuple of sites, in
lexicographic order: 462 instead of 46 656 for n = m = 6.  If the field is Gaussian with a RANDOM covariance, the
connected functions are sums over the same pairings of the covariance's own cumulants (`from_covariance`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from fieldkit import given

Pairing = tuple[tuple[int, int], ...]
MOST = 10**8  # tuples: beyond that no memory holds the list


def tuples(m: int, n: int, device: torch.device | str = "cpu") -> Tensor:
    """All non-decreasing n-tuples of the sites 0 ... m - 1 in lexicographic order, (k, n), k = C(m + n - 1, n).

    >>> tuples(2, 3).tolist()
    [[0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1]]
    """
    given.whole("m", m, least=1, why="a field has at least one site")
    given.whole("n", n, least=1, why="a function of n points has at least one")
    if math.comb(m + n - 1, n) > MOST:
        raise ValueError(f"{n} points on {m} sites: {math.comb(m + n - 1, n):.1e} tuples; use fewer points or sites.")
    chosen = torch.arange(m, device=device)[:, None]
    for _ in range(n - 1):
        parts = [torch.cat([torch.full_like(rest[:, :1], i), rest], 1) for i, rest in _tails(chosen, m)]
        chosen = torch.cat(parts)
    return chosen


def _tails(chosen: Tensor, m: int) -> Iterator[tuple[int, Tensor]]:
    """(i, the rows that begin with i or more) for every i: the last rows of a lexicographic list."""
    n = chosen.shape[1]
    for i in range(m):
        yield i, chosen[len(chosen) - math.comb(m - i + n - 1, n) :]


def place(index: Tensor, m: int) -> Tensor:
    """Where tuples of sites (..., n) stand in the list `tuples(m, n)`, whatever their order: (...).

    Counts the tuples before: sum_p C(m - i_p + r, r + 1) with r = n - 1 - p places to the right, taken from the end.
    """
    index = _sites(index, m)
    n = index.shape[-1]
    index = index.sort(-1).values
    table = [[math.comb(m - i + r, r + 1) for i in range(m)] for r in range(n)]
    after = torch.tensor(table, device=index.device)  # tuples of r + 1 sites that are all i or more
    last = math.comb(m + n - 1, n) - 1
    behind = torch.zeros_like(index[..., 0])
    for p in range(n):
        r = n - 1 - p  # tuples that agree up to p and are larger there
        i = index[..., p]
        behind = behind + torch.where(i + 1 < m, after[r][(i + 1).clamp_max(m - 1)], 0)
    return last - behind


def _sites(index: Tensor, m: int) -> Tensor:
    """index as whole numbers from 0 to m - 1, which name the sites of a field; refuses others."""
    index = torch.as_tensor(index)
    if (
        index.is_floating_point()
        or index.dim() == 0
        or index.numel()
        and not 0 <= int(index.min()) <= int(index.max()) < m
    ):
        raise ValueError(f"index {index.tolist()}: sites are whole numbers from 0 to {m - 1}.")
    return index


def symmetric(values: Tensor, m: int, n: int) -> Tensor:
    """The whole symmetric tensor (m, ..., m) of n indices from its entries (k,) at `tuples(m, n)`."""
    values = given.numbers(values)
    if values.shape[-1] != math.comb(m + n - 1, n):
        raise ValueError(f"{values.shape[-1]} values: {n} points on {m} sites have {math.comb(m + n - 1, n)} entries.")
    sites = torch.arange(m, device=values.device)
    index = torch.stack(torch.meshgrid(*[sites] * n, indexing="ij"), -1)
    return values[..., place(index, m)]


def pairings(n: int) -> list[Pairing]:
    """All (n - 1)!! ways to pair 0 ... n - 1.

    >>> pairings(4)
    [((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))]
    """
    given.whole("n", n, least=0, why="fields are counted")
    if n % 2:
        raise ValueError(f"n = {n}: an odd number of fields cannot be paired; every odd function of ours is zero.")
    return list(_pair(tuple(range(n))))


def _pair(left: tuple[int, ...]) -> Iterator[Pairing]:
    if not left:
        yield ()
    for j in range(1, len(left)):
        for rest in _pair(left[1:j] + left[j + 1 :]):
            yield ((left[0], left[j]), *rest)


def _matrix(K: Tensor) -> Tensor:
    """K as a tensor of square matrices (..., m, m); refuses other shapes."""
    K = given.numbers(K)
    if K.dim() < 2 or K.shape[-1] != K.shape[-2] or not K.shape[-1]:
        raise ValueError(f"a covariance of shape {tuple(K.shape)}: expected (..., m, m), for m sites.")
    return K


def _entries(values: Tensor, m: int, n: int) -> Tensor:
    """values as a tensor with one entry for each of the `tuples(m, n)`; refuses another number of them."""
    values = given.numbers(values)
    if values.shape != (math.comb(m + n - 1, n),):
        raise ValueError(
            f"a {n}-point function of shape {tuple(values.shape)}: on {m} sites it has {math.comb(m + n - 1, n)} "
            f"entries, in the order of `tuples({m}, {n})`."
        )
    return values


def gaussian(K: Tensor, index: Tensor) -> Tensor:
    """<f ... f> of a Gaussian field of covariance K (..., m, m) at tuples of sites (k, n): (..., k).

    Raises `ValueError` for a K that is not square or sites that it does not have.
    """
    K = _matrix(K)
    index = _sites(index, K.shape[-1]).to(K.device)
    if index.dim() != 2:
        raise ValueError(f"index of shape {tuple(index.shape)}: give tuples of sites (k, n), one a row.")
    total = torch.zeros((*K.shape[:-2], len(index)), device=K.device, dtype=K.dtype)
    for pairing in pairings(index.shape[1]):
        term = torch.ones_like(total)
        for a, b in pairing:
            term = term * K[..., index[:, a], index[:, b]]
        total = total + term
    return total


def four_with_two(four: Tensor, K: Tensor, index: Tensor) -> Tensor:
    """sum_15 F4(four of the sites) K(the other two) at tuples of six sites (k, 6): (k,).  four at `tuples(m, 4)`."""
    K = _matrix(K)
    four, m = _entries(four, len(K), 4), len(K)
    total = torch.zeros(len(index), device=K.device, dtype=K.dtype)
    for a in range(6):
        for b in range(a + 1, 6):
            rest = [c for c in range(6) if c not in (a, b)]
            total = total + four[place(index[:, rest], m)] * K[index[:, a], index[:, b]]
    return total


def connected_four(two: Tensor, four: Tensor) -> Tensor:
    """G4c (k,) from the matrix G2 (m, m) and the full G4 (k,) at `tuples(m, 4)`."""
    two = _matrix(two)
    return _entries(four, len(two), 4) - gaussian(two, tuples(len(two), 4, two.device))


def connected_six(two: Tensor, four: Tensor, six: Tensor) -> Tensor:
    """G6c (k,) from G2 (m, m) and the full G4, G6 at `tuples(m, 4)`, `tuples(m, 6)`."""
    two = _matrix(two)
    index = tuples(len(two), 6, two.device)
    return _entries(six, len(two), 6) - four_with_two(four, two, index) + 2 * gaussian(two, index)


def six_from_connected(two: Tensor, four: Tensor, six: Tensor | float = 0.0) -> Tensor:
    """The full G6 (k,) from G2 (m, m) and the CONNECTED G4c and G6c: what a theory with these vertices predicts.

    sum_15 G2 G2 G2 + sum_15 G4c G2 + G6c; with G6c = 0 the prediction of a theory that knows four points only.
    """
    two = _matrix(two)
    index = tuples(len(two), 6, two.device)
    return gaussian(two, index) + four_with_two(four, two, index) + six


def covariance_entries(index: Tensor, m: int) -> Tensor:
    """For tuples of 2r of m sites (k, 2r): which cumulant of the covariance each pairing names, (pairings, k).

    The cumulants of order r stand at `tuples(m (m + 1) / 2, r)` of the pairs of sites `tuples(m, 2)`.
    """
    pairs = m * (m + 1) // 2
    rows = []
    for pairing in pairings(index.shape[1]):
        named = torch.stack([place(index[:, list(pair)], m) for pair in pairing], -1)
        rows.append(place(named, pairs))
    return torch.stack(rows)


def from_covariance(kappa: Tensor, entries: Tensor) -> Tensor:
    """Connected functions (k,) of f | K ~ N(0, K) with K random, from the cumulants kappa of K's entries.

    G4c = sum_3 Cov(K, K) and G6c = sum_15 kappa_3(K, K, K); entries: `covariance_entries`.
    """
    return kappa[entries].sum(0)


def cumulants(*means: Tensor) -> tuple[Tensor, ...]:
    """Joint cumulants of p variables from their means at `tuples(p, 1)` and, where given, `tuples(p, 2)`, `(p, 3)`."""
    first = means[0]
    found = [first]
    if len(means) > 1:
        a, b = tuples(len(first), 2, first.device).unbind(1)
        found.append(means[1] - first[a] * first[b])
    if len(means) > 2:
        index = tuples(len(first), 3, first.device)
        a, b, c = index.unbind(1)
        ab, ac, bc = (found[1][place(index[:, pair], len(first))] for pair in ([0, 1], [0, 2], [1, 2]))
        found.append(means[2] - ab * first[c] - ac * first[b] - bc * first[a] - first[a] * first[b] * first[c])
    return tuple(found)
