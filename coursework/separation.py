"""Are the students' truths far enough apart?  Own parameters are not yet own truths: this is measured.

Student a's right answer would pass as b's when no number of a question lies more than four of the marking's bars from
b's.  Of all pairs at most one in a hundred may be so in any question that depends on the parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

Truths = dict[str, dict[str, tuple[float, float]]]
MOST, SIGMAS = 0.01, 4.0
LEAST = 60  # students, with those who might have come; pairs are counted over at least so many


def alike(a: dict[str, tuple[float, float]], b: dict[str, tuple[float, float]]) -> bool:
    """Whether all numbers of one question lie within four bars of each other."""
    return all(abs(a[k][0] - b[k][0]) < SIGMAS * max(a[k][1], b[k][1]) for k in a)


def confused(truths: Sequence[Truths]) -> dict[str, float]:
    """{question: the part of all pairs of students whom its numbers do not tell apart}; empty for one student."""
    pairs = list(combinations(truths, 2))
    if not pairs:
        return {}
    return {q: sum(alike(a[q], b[q]) for a, b in pairs) / len(pairs) for q in truths[0]}
