r"""What is E h(u_1) ... h(u_n) for an activation without closed form?  An integral over the space that the points span.

    u = a g,  g ~ N(0, 1) in D = rank C dimensions:     D = 1 panels between kinks,  D = 2, 3, 4 Gauss-Hermite in each

The tensor rule converges geometrically for smooth h and slowly for one with kinks.  So each result is computed with two
numbers of nodes and refused when they differ.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fieldkit import given
from fieldkit.nnft.relu_moments import root
from fieldkit.propagation import gaussian
from fieldkit.propagation.gaussian import Function

NODES = {2: 128, 3: 48, 4: 24}  # a dimension


def moments(h: Function, C: Tensor, index: Tensor, *, kinks: tuple[float, ...] = (), tolerance: float = 1e-6) -> Tensor:
    """E prod h(u_j) over the columns of index (k, n), (u) ~ N(0, C), C (m, m): (k,), float64.

    Raises `ValueError` when the points span more than four dimensions, or when two rules differ by more than
    `tolerance` of the largest average of |h ... h|.
    """
    C, index = given.doubles(C), torch.as_tensor(index)
    given.function("h", h)
    given.positive("tolerance", tolerance, why="two rules differ by that much at most")
    a = root(C)
    D = a.shape[1]
    if D == 0:  # nothing varies
        return _averages(h, a.new_zeros(len(C), 1), a.new_ones(1), index)[0]
    if D == 1:
        places = (*kinks, *gaussian.scales(True)) if float(C.diagonal().max()) > 1 else kinks
        z, w = gaussian.panels(torch.ones((), device=C.device, dtype=torch.float64), kinks=_scaled(places, a))
        z, w = torch.cat([z, -z]), torch.cat([w, w])
        return _averages(h, a @ z[None], w, index)[0]
    if D not in NODES:
        raise ValueError(
            f"the points span {D} dimensions and this integral stops at 4; use fewer points, or measure with "
            "`correlators.integrated`."
        )
    fine, size = _averages(h, *_rule(a, NODES[D]), index)
    coarse, _ = _averages(h, *_rule(a, (3 * NODES[D]) // 4), index)
    error = ((fine - coarse).abs() / size).max().item()
    if not error <= tolerance:
        raise ValueError(
            f"two quadratures differ by {error:.0e} (relative): h has a kink, or its argument is large; bring the "
            "inputs nearer to 0, raise `tolerance` if that is enough for you, or measure."
        )
    return fine


def _scaled(kinks: tuple[float, ...], a: Tensor) -> tuple[float, ...]:
    """Kinks of h as places of g, for each point."""
    return tuple(kink / scale for kink in kinks for scale in a.abs().flatten().tolist() if scale > 0)


def _averages(h: Function, u: Tensor, w: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """(E prod h, the largest E |prod h|) from nodes u (m, k) and weights w (k,)."""
    values = h(u)
    parts = [values[rows].prod(1) for rows in index.split(max(1, 2**22 // len(w)))]
    return torch.cat([p @ w for p in parts]), torch.cat([p.abs() @ w for p in parts]).max()


def _rule(a: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Nodes u = a g (m, n^D) and weights (n^D,) of Gauss-Hermite in each dimension, without weights below 1e-18."""
    x, w = (torch.tensor(v, device=a.device) for v in np.polynomial.hermite_e.hermegauss(n))
    w = w / w.sum()
    D = a.shape[1]
    g = torch.stack(torch.meshgrid(*[x] * D, indexing="ij")).flatten(1)
    weight = torch.stack(torch.meshgrid(*[w] * D, indexing="ij")).flatten(1).prod(0)
    kept = weight > 1e-18
    return a @ g[:, kept], weight[kept]
