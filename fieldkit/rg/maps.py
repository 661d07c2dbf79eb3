"""What can be read off a map of couplings?  Where it stands still, and what it does to a small deviation.

    K' = R(K) after a change of scale by b,     R(K*) = K*,     y_i = ln |l_i| / ln b,  l_i eigenvalues of dR/dK at K*

y > 0: relevant, the deviation grows; y < 0: irrelevant, it dies; y = 0: marginal, look further.  nu = 1 / y of the
thermal direction.  A fixed point is the root of R(K) - K, never "three values alike": a slow flow looks like that too.
Derivatives are automatic, so R is written in torch.  Sources: Wilson and Kogut 1974; Goldenfeld 1992, ch. 9.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit import given

Map = Callable[[Tensor], Tensor]
"""Couplings (k,) to couplings (k,), float64, differentiable."""


def trajectory(step: Map, start: Tensor, n_steps: int) -> Tensor:
    """start (...), step(start), ...: (n_steps + 1, ...).  Raises `ValueError` for n_steps < 0."""
    given.whole("n_steps", n_steps, least=0, why="a flow takes so many steps")
    points = [given.doubles(start)]
    for _ in range(n_steps):
        points.append(step(points[-1]))
    return torch.stack(points)


def beta(step: Map, couplings: Tensor, *, b: float) -> Tensor:
    """(R(K) - K) / ln b at couplings (...), same shape: how fast they run with the logarithm of the scale.

    It vanishes at fixed points, like the beta function of an infinitesimal step, and tends to it as b -> 1.
    """
    couplings = given.doubles(couplings)
    return (step(couplings) - couplings) / math.log(scale(b))


def fixed_point(step: Map, guess: Tensor, *, tolerance: float = 1e-13, max_steps: int = 50) -> Tensor:
    """The root (k,) of R(K) - K near guess (k,), by Newton's method.

    Raises `ValueError` when it has not settled within max_steps, to `tolerance` times (1 + |K|): from such a guess
    there may be no fixed point to find.
    """
    given.positive("tolerance", tolerance, why="a root is found to so many digits")
    given.whole("max_steps", max_steps, least=1, why="Newton takes so many steps at most")
    point = given.doubles(guess).clone()
    if point.dim() != 1:
        raise ValueError(f"guess of shape {tuple(point.shape)}: couplings are a row (k,); one coupling is [K].")
    one = torch.eye(len(point), dtype=torch.float64, device=point.device)
    for _ in range(max_steps):
        change, info = torch.linalg.solve_ex(one - linearised(step, point), step(point) - point)
        point = point + change
        if int(info) or not bool(point.isfinite().all()):
            break
        if float(change.abs().max()) <= tolerance * (1 + float(point.abs().max())):
            return point
    raise ValueError(f"no fixed point within {max_steps} Newton steps of {guess}: start nearer, or look at the flow.")


def linearised(step: Map, point: Tensor) -> Tensor:
    """dR_i / dK_j at a point (k,): (k, k)."""
    return torch.autograd.functional.jacobian(step, given.doubles(point).detach())


def exponents(matrix: Tensor, *, b: float) -> Tensor:
    """y_i = ln |l_i| / ln b of a linearised map (k, k), largest first, (k,).  The matrix need not be symmetric."""
    matrix = given.doubles(matrix)
    if matrix.dim() != 2 or matrix.shape[0] != matrix.shape[1] or not bool(matrix.isfinite().all()):
        raise ValueError(f"matrix {tuple(matrix.shape)}: a linearised map is (k, k), of finite numbers.")
    return torch.linalg.eigvals(matrix).abs().log().sort(descending=True).values / math.log(scale(b))


def kind(y: Tensor, *, tolerance: float = 1e-9) -> str:
    """What a fixed point with exponents y (k,) is.

    >>> kind(torch.tensor([1.0, -2.0]))
    'saddle with 1 relevant of 2 directions'
    """
    y = given.doubles(y)
    if y.numel() == 0 or bool(y.isnan().any()):
        raise ValueError(f"y = {y.tolist()}: a fixed point has an exponent for each direction; give them, none nan.")
    relevant, marginal = int((y > tolerance).sum()), int((y.abs() <= tolerance).sum())
    if marginal:
        return f"{marginal} of {y.numel()} directions marginal: the linearisation does not tell"
    if relevant == 0:
        return "sink: every direction is irrelevant"
    if relevant == y.numel():
        return "source: every direction is relevant"
    return f"saddle with {relevant} relevant of {y.numel()} directions"


def scale(b: float) -> float:
    """b as a float; refuses what is no change of scale, b <= 1."""
    given.positive("b", b, why="a block is larger than its sites")
    if not b > 1:
        raise ValueError(f"b = {b}: a step of the renormalisation group looks from further away; choose b > 1.")
    return float(b)
