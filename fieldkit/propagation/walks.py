r"""How many ways lead from one node to another?  Exact means over graphs of the stochastic block model, at every size.

    E (A^k)_ij = sum over which steps of the walk meet  (number of ways to choose the nodes) x p^(number of edges)

A walk of k steps visits k + 1 places, some of which may be the same node; every pattern of meetings is one set
partition, and an edge that is walked twice counts once.  On sparse graphs the patterns that go back over an edge weigh
as much as those that do not: an average that treats K and A as independent (`unreturned`) loses them, and is wrong from
the second layer of a graph network on.  In a linear one K_t = (sw2 / c)^t A^(2t): its block averages are exact here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from fieldkit import given
from fieldkit.propagation.graphs import probabilities


def mean_walks(k: int, N: int, *, c: float, eps: float) -> tuple[float, float, float]:
    """E (A^k)_ij for (i = j, i and j of one group, of two groups), over graphs of N nodes; Bell(k + 1) 2^k terms.

    Raises `ValueError` for k < 1 or k > 8.
    """
    given.whole("k", k, least=1, why="a walk has at least one step")
    if k > 8:
        raise ValueError(f"k = {k}: the number of patterns grows like the Bell numbers; take k of 8 or less.")
    p = probabilities(N, c=c, eps=eps)
    totals = [0.0, 0.0, 0.0]
    for places in _patterns(k + 1):
        free = [b for b in range(max(places) + 1) if b not in (places[0], places[-1])]
        edges = {frozenset(step) for step in itertools.pairwise(places)}
        for kinds in itertools.product((0, 1), repeat=len(free)):
            for which, other in ((0, 0),) if places[0] == places[-1] else ((1, 0), (2, 1)):
                group = dict(zip(free, kinds)) | {places[-1]: other, places[0]: 0}
                ends = [group[b] for b in {places[0], places[-1]}]
                ways = math.prod(math.perm(N // 2 - ends.count(side), kinds.count(side)) for side in (0, 1))
                totals[which] += ways * math.prod(p[len({group[b] for b in edge}) - 1] for edge in edges)
    return totals[0], totals[1], totals[2]


def unreturned(k: int, *, N: int, c: float, eps: float) -> tuple[float, float]:
    """(one group, two groups): the number of walks of k steps that never meet themselves, to leading order in 1 / N.

    ((c_in + c_out)^k +- (c_in - c_out)^k) / (2^k N): what a closed recursion of block averages would say.
    """
    given.whole("k", k, least=1, why="a walk has at least one step")
    p_in, p_out = probabilities(N, c=c, eps=eps)
    plus, minus = ((N / 2 * (p_in + sign * p_out)) ** k / N for sign in (1, -1))
    return plus + minus, plus - minus


def _patterns(places: int) -> Iterator[tuple[int, ...]]:
    """Set partitions of the places of a walk as names of nodes, 0 first; neighbours in the walk differ: no loops."""

    def grow(names: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(names) == places:
            yield names
            return
        for name in range(max(names) + 2):
            if name != names[-1]:
                yield from grow((*names, name))

    return grow((0,))
