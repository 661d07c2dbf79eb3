"""Which sites hang together, in one scan of the lattice?  Hoshen and Kopelman 1976, compiled: the square of `clusters`.

Read the sites line by line.  A site without a bond to what has been read, up or left, starts a new label; with one, it
takes that label; with two, the larger of the two roots is made to point to the smaller.  When all is read, the bonds
across the boundary join labels in the same way, and every label ends at a root: the smallest label of its cluster.
"""

from __future__ import annotations

import numpy as np

from fieldkit import compiled


@compiled.loop
def spread(values, right, down, together):
    """values (n L^2,), bonds (n, L, L) -> (n, L, L), every site with that of its cluster.

    A cluster has the number that `clusters.by_image` gives it, which paints `together` lattices into one picture: in a
    picture, clusters are counted in the order of their first sites, and those that only bonds across the boundary join
    are counted apart; the smallest number is theirs.
    """
    n, L, _ = right.shape
    out, found = np.empty(right.shape, values.dtype), np.empty(L * L, values.dtype)
    label, number = np.empty((L, L), np.int32), np.empty(L * L, np.int64)
    parent = np.empty(L * L + 1, np.int32)
    none = np.zeros(L, np.bool_)
    count = 0
    for k in range(n):
        if k % together == 0:
            count = k * L * L
        made = 0
        for i in range(L):
            above, row = label[i - 1], label[i]
            up, left = down[k, i - 1] if i else none, right[k, i]
            tied, here = False, 0
            # no branch but for two different labels: the processor would guess it wrong half the time
            for j in range(L):
                parent[made] = made
                other = above[j] if up[j] else made
                if tied & up[j] & (other != here):
                    other = here = _join(parent, other, here)
                made += not (tied | up[j])
                here = here if tied else other
                row[j] = here
                tied = left[j]
        for c in range(made):
            parent[c] = parent[parent[c]]
            number[c] = count
            count += parent[c] == c
        for i in range(L):
            if right[k, i, L - 1]:
                _join(parent, label[i, 0], label[i, L - 1])
            if down[k, L - 1, i]:
                _join(parent, label[0, i], label[L - 1, i])
        for c in range(made):
            parent[c] = parent[parent[c]]
            found[c] = values[number[parent[c]]]
        for i in range(L):
            row, done = label[i], out[k, i]
            for j in range(L):
                done[j] = found[row[j]]
    return out


@compiled.loop
def _join(parent, a, b):
    """Make the larger of the roots of a and b point to the smaller, which it returns."""
    while parent[a] != a:
        a = parent[a]
    while parent[b] != b:
        b = parent[b]
    root = min(a, b)
    parent[max(a, b)] = root
    return root
