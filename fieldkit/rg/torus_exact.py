r"""What do two spins of a critical magnet know of each other on a finite torus?  Conformal field theory knows.

    <s(0) s(r)> = C L^(-1/4) |theta_1'(0) / theta_1(z)|^(1/4) sum_k |theta_k(z/2)| / sum_k |theta_k(0)|

z = (x + i y) / L; Jacobi's theta functions of nome exp(-pi), k = 1 ... 4, their argument in units of pi; C = e^(1/4)
2^(5/24) / A^3 = 0.703380 of the square lattice, A Glaisher's constant.  It holds for r, L >> 1, with corrections of
relative order 1/r^2 and 1/L^2: half a per cent for neighbours, far less from r = 4 on.  Near 0 it is C / r^(1/4), the
infinite lattice.  Sources: Di Francesco, Saleur and Zuber 1987 (the torus); McCoy and Wu 1973 (the constant).
"""

from __future__ import annotations

import math

import torch
from scipy import special
from torch import Tensor

from fieldkit import given

AMPLITUDE = math.exp(0.25) * 2 ** (5 / 24) / 1.28242712910062263687534256887**3
"""C: the critical correlation is C / r^(1/4) on the infinite square lattice."""


def correlator(r: Tensor, L: int, *, diagonal: bool = False) -> Tensor:
    """<s(0) s(r)> at T_c between spins r (...) sites apart along an axis of the L x L torus, 0 < r < L; float64.

    With `diagonal` r steps along the diagonal, sqrt(2) r apart.  Raises `ValueError` for other r.
    """
    r = given.doubles(r)
    given.whole("L", L, least=2, why="a torus has some sites")
    if not bool(((r > 0) & (r < L)).all()):
        raise ValueError(f"r = {r.tolist()}, L = {L}: on the torus two different spins are 0 < r < L steps apart.")
    z = torch.complex(r, r if diagonal else torch.zeros_like(r)) / L
    return AMPLITUDE * L**-0.25 * _shape(z)


def length_per_side(n: int = 30) -> float:
    """The second-moment correlation length over the side of the torus, at T_c and in the limit of large L.

    xi = sqrt(S_0/S_1 - 1) / (2 sin(pi/L)), S_k the structure factor at wave number k along an axis, here an integral of
    the correlator over the torus: n Gauss-Legendre nodes on the ray from 0, squeezed where r^(-1/4) is steep, times n
    angles of an eighth of it; 30 give twelve digits.  Salas and Sokal 2000 computed it so.
    """
    given.whole("n", n, least=2, why="a rule needs some nodes")
    s, w = (torch.tensor(a) for a in special.roots_legendre(n))
    s, w = (s + 1) / 2, w / 2
    x, dx = s**4 / 2, 2 * s**3 * w * s**4 / 2  # r = s^4 / 2; the side of the triangle is r again
    x = x[:, None].expand(n, n)
    y = x * s
    density = 8 * _shape(torch.complex(x, y)) * dx[:, None] * w
    waves = (torch.cos(2 * math.pi * x) + torch.cos(2 * math.pi * y)) / 2
    return math.sqrt(float(density.sum() / (density * waves).sum()) - 1) / (2 * math.pi)


def _shape(z: Tensor) -> Tensor:
    """What the torus makes of 1 / r^(1/4), in units of its side: z complex, away from 0."""
    near = (_slope() / _theta(1, z).abs()) ** 0.25
    weights = sum(_theta(k, z / 2).abs() for k in (1, 2, 3, 4))
    return near * weights / sum(_theta(k, torch.zeros_like(z)).abs() for k in (2, 3, 4))


def _theta(k: int, z: Tensor) -> Tensor:
    """theta_k(pi z) at nome exp(-pi), by its series: eight terms are exact where |Im z| <= 1."""
    n = torch.arange(-8, 9, dtype=torch.float64)
    n = n + 0.5 if k in (1, 2) else n
    sign = torch.ones_like(n)
    if k in (1, 4):
        sign = 1 - 2 * (torch.floor(n).abs() % 2)
    phase = 2j * math.pi * z[..., None] * n - math.pi * n**2
    return (sign * torch.exp(phase)).sum(-1)


def _slope() -> float:
    """theta_1'(0) = pi theta_2 theta_3 theta_4, in units in which the argument is pi z."""
    zero = torch.zeros((), dtype=torch.complex128)
    return math.pi * math.prod(float(_theta(k, zero).abs()) for k in (2, 3, 4))
