r"""How does the coupling of a network run with the size of the box?  lambda(Lambda) of NN-QFT, and what does not run.

    lambda(Lambda) = -G4c / (24 int_[-Lambda, Lambda]^d prod_a K_w(x_a, y) dy)

for the local vertex of `nnft.action`: G4c is a property of the network, so the coupling that makes it depends on
where the vertex may sit.  d ln|lambda| / d ln Lambda = -Lambda (integrand on the faces of the box) / (its integral)
tends to -(d + 4a) when K_w grows as |y|^a at large |y| (ReLU: a = 1, erf: a = 0), and to 0 when it falls (Gauss).  A
prediction fed by lambda(Lambda), the six-point function, is flat because lambda runs; with a frozen lambda it is not.
That G4c itself does not depend on Lambda is a definition; that one lambda fits ALL its entries is not, and fails
(ReLU without bias: N G4c(1, 1, -1, -1) = -1/4, where every local vertex gives 0).  Source: Halverson, Maiti and
Stoner 2021.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.nnft import action, ensembles, exact, wick
from fieldkit.nnft.ensembles import Ensemble


def coupling(ensemble: Ensemble, x: Tensor, cutoff: float, *, four: Tensor | None = None) -> float:
    """The lambda whose local vertex in the box comes nearest to G4c (k,) at the points x (m, d), all entries alike.

    four: exact for one hidden layer if not given.  With one point this is the definition above.
    """
    x = ensembles.inputs(x)
    four = exact.four_point(ensemble, x) if four is None else given.doubles(four)
    unit = action.local(ensemble, x, action.box(cutoff, x.shape[1]))
    if four.shape != unit.shape or not bool(four.isfinite().all()):
        raise ValueError(f"four {tuple(four.shape)}: a finite G4c for each of the {len(unit)} tuples of points.")
    return float((unit @ four) / (unit @ unit))


def couplings(ensemble: Ensemble, x: Tensor, cutoffs: Iterable[float]) -> Tensor:
    """`coupling` at every cutoff, (c,)."""
    four = exact.four_point(ensemble, ensembles.inputs(x))
    return torch.tensor([coupling(ensemble, x, float(c), four=four) for c in cutoffs], dtype=torch.float64)


def slope(ensemble: Ensemble, x: Tensor, cutoff: float) -> float:
    """d ln|lambda| / d ln Lambda at one point x (1, d), from the faces of the box: no difference is taken."""
    x = ensembles.inputs(x)
    if len(x) != 1:
        raise ValueError(
            f"{len(x)} points: the slope is that of the coupling tuned at one point; give x of shape (1, d)."
        )
    d = x.shape[1]
    inside = action.box(cutoff, d)
    whole = float(action.legs(ensemble, x, inside)[0] ** 4 @ inside.weights)
    face = action.box(cutoff, d - 1) if d > 1 else action.points(torch.zeros(1, 1, dtype=torch.float64))
    surface = 0.0
    for axis in range(d):
        for side in (cutoff, -cutoff):
            across = torch.full((len(face.nodes), 1), side, dtype=torch.float64)
            rest = face.nodes if d > 1 else face.nodes[:, :0]
            nodes = torch.cat([rest[:, :axis], across, rest[:, axis:]], 1)
            domain = action.Domain(nodes, face.weights)
            surface += float(action.legs(ensemble, x, domain)[0] ** 4 @ face.weights)
    return -cutoff * surface / whole


def dimension(d: int, *, growth: float | None) -> float:
    """What the slope tends to as Lambda grows: -(d + 4 growth) for K_w ~ |y|^growth, 0 if it falls (growth None).

    >>> dimension(1, growth=1), dimension(1, growth=0), dimension(2, growth=None)
    (-5, -1, 0.0)
    """
    given.whole("d", d, least=1, why="inputs have dimensions")
    if growth is not None:
        given.not_negative("growth", growth, why="K_w grows as this power; None where it falls")
    return 0.0 if growth is None else -(d + 4 * growth)


def four_point(ensemble: Ensemble, x: Tensor, cutoff: float, coupling: float) -> Tensor:
    """G4c (k,) at `wick.tuples(m, 4)` that this coupling makes in this box."""
    x = ensembles.inputs(x)
    given.number("coupling", coupling, why="a vertex has a strength")
    return coupling * action.local(ensemble, x, action.box(cutoff, x.shape[1]))


def six_point(ensemble: Ensemble, x: Tensor, cutoff: float, coupling: float) -> Tensor:
    """The full G6 (k,) at `wick.tuples(m, 6)` predicted from G2 and this coupling in this box, to first order."""
    x = ensembles.inputs(x)
    return action.predict_six(exact.two_point(ensemble, x), four_point(ensemble, x, cutoff, coupling))


def six_point_exact(ensemble: Ensemble, x: Tensor) -> Tensor:
    """The full G6 (k,) of networks of this width: G2, G4c and G6c exactly, for what the prediction leaves out."""
    x = ensembles.inputs(x)
    two = exact.two_point(ensemble, x)
    return wick.six_from_connected(two, exact.four_point(ensemble, x), exact.six_point(ensemble, x))
