r"""How did the first computation of an exponent go?  Wilson's approximate recursion of 1971, an integral equation.

    Q'(z) = -2^d ln [ I(2^(1 - d/2) z) / I(0) ],     I(z) = int dy exp( -y^2 - Q(z + y)/2 - Q(z - y)/2 )

for the potential Q of a field after its modes of one octave have been integrated out as if they were one number y; eta
= 0.  Q is even: it is kept at Chebyshev nodes of z^2 on [0, z_max], beyond which it is continued as a parabola in z^2
where exp(-Q) is nothing.  Newton with automatic derivatives finds the fixed point, the eigenvalues l of the linearised
step give nu = ln 2 / ln l_1, omega = -ln l_2 / ln 2.  Sources: Wilson 1971; Wilson and Kogut 1974, ch. 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from fieldkit import given
from fieldkit.propagation.gaussian import legendre
from fieldkit.rg import maps


@dataclass(frozen=True)
class FixedPoint:
    """Q (n,) at the nodes z (n,), eigenvalues of a step, largest first, nu and omega."""

    z: Tensor
    Q: Tensor
    eigenvalues: Tensor
    nu: float
    omega: float


def nodes(n: int = 24, z_max: float = 3.5) -> Tensor:
    """The n values of z at which Q is kept, largest first."""
    given.whole("n", n, least=8, why="a potential needs some nodes")
    given.positive("z_max", z_max, why="the field reaches out to z_max")
    x = torch.cos(math.pi * (torch.arange(n, dtype=torch.float64) + 0.5) / n)
    return z_max * ((x + 1) / 2).sqrt()


def step(Q: Tensor, *, d: float = 3.0, z_max: float = 3.5) -> Tensor:
    """One octave further out: Q' (n,) from Q (n,) at `nodes(n, z_max)`, normalised to Q'(0) = 0; differentiable.
    Raises `ValueError` for another shape, d or z_max that are not positive."""
    Q = given.doubles(Q)
    if Q.dim() != 1:
        raise ValueError(f"Q {tuple(Q.shape)}: a potential is kept at its nodes, (n,).")
    given.positive("d", d, why="a field lives in some dimension")
    return _map(len(Q), d, z_max)(Q)


def critical_mass(*, d: float = 3.0, u: float = 0.4, n: int = 24, z_max: float = 3.5) -> float:
    """r_c of the start Q = r z^2 + u z^4, between a potential that ends as one well and as two.

    The phase is read off the depth of the minimum: the curvature at z = 0 stays positive on either side.  Raises
    `ValueError` where r = -3 and r = 1 end alike, as below two dimensions.
    """
    given.positive("d", d, why="a field lives in some dimension")
    given.number("u", u, why="the coefficient of z^4")
    z, one = nodes(n, z_max), _map(n, d, z_max)
    low, high = -3.0, 1.0
    if not _ends_deep(low * z**2 + u * z**4, one, z) or _ends_deep(high * z**2 + u * z**4, one, z):
        raise ValueError(f"d = {d}, u = {u}: no critical mass between {low} and {high}; choose another start or d > 2.")
    for _ in range(50):
        middle = (low + high) / 2
        deep = _ends_deep(middle * z**2 + u * z**4, one, z)
        low, high = (middle, high) if deep else (low, middle)
    return (low + high) / 2


def fixed_point(*, d: float = 3.0, n: int = 24, z_max: float = 3.5) -> FixedPoint:
    """The Wilson-Fisher fixed point of the recursion, 2.8 <= d <= 3.9: nu to 1e-10 with 24 nodes in d = 3."""
    given.within("d", d, 2.8, 3.9, why="the recursion is solved where these nodes resolve it")
    z, one = nodes(n, z_max), _map(n, d, z_max)
    start = critical_mass(d=d, n=n, z_max=z_max) * z**2 + 0.4 * z**4
    path = maps.trajectory(one, start, 25)
    rest = (path.diff(dim=0).abs() / (1 + path[1:].abs())).max(1).values  # it lingers at the fixed point
    Q = maps.fixed_point(one, path[int(rest.nan_to_num(1e9).argmin()) + 1], tolerance=1e-10)
    values = torch.linalg.eigvals(maps.linearised(one, Q)).real
    values = values[values.abs().argsort(descending=True)]
    nu, omega = math.log(2) / math.log(float(values[0])), -math.log(abs(float(values[1]))) / math.log(2)
    return FixedPoint(z, Q, values, nu, omega)


def _map(n: int, d: float, z_max: float) -> maps.Map:
    """The step as a function of Q (n,): where Q is asked for is known beforehand, so it is one matrix product.

    Inside z_max the Chebyshev series; beyond, the parabola in x = 2 (z/z_max)^2 - 1 that touches it, bent upwards only.
    """
    z = torch.cat([2 ** (1 - d / 2) * nodes(n, z_max), torch.zeros(1, dtype=torch.float64)])[:, None]
    y, w = (torch.tensor(values, dtype=torch.float64) for values in legendre(200))
    y, w = 6.5 * (1 + y) / 2, 6.5 * w  # the integrand is even in y: twice the half line
    k = np.arange(n)
    to = np.linalg.inv(chebyshev.chebvander(np.cos(np.pi * (k + 0.5) / n), n - 1))
    inside, parabola = torch.zeros(len(z), len(y), n, dtype=torch.float64), torch.zeros(len(z), len(y)).double()
    for sign in (1, -1):
        x = 2 * ((z + sign * y) / z_max).square() - 1
        beyond = (x - 1).clamp(min=0)
        series = chebyshev.chebvander(x.clamp(max=1).numpy(), n - 1) + beyond.numpy()[..., None] * k**2
        inside += torch.tensor(series @ to)
        parabola += beyond.square() / 2
    bend = torch.tensor((k**2 * (k**2 - 1) / 3) @ to)
    weight = w.log() - y.square()

    def one(Q: Tensor) -> Tensor:
        log = (weight - 0.5 * (inside @ Q + (bend @ Q).clamp(min=0) * parabola)).logsumexp(1)
        return -(2.0**d) * (log[:-1] - log[-1])

    return one


def _ends_deep(Q: Tensor, one: maps.Map, z: Tensor) -> bool:
    middle = int((z - 1).abs().argmin())
    for _ in range(60):
        Q = one(Q)
        if not bool(Q.isfinite().all()) or float(Q.min()) < -8:
            return True
        if float(Q[middle]) > 6 and float(Q.min()) > -1e-3:
            return False
    return False
