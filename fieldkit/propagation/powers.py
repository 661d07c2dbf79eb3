r"""What if the non-linearity is a power?  Kernels in closed form, from an angle or from Wick's theorem.

    E relu(u)^p relu(v)^p = (q_u q_v)^(p / 2) J_p(theta) / 2 pi,      k = sqrt(q_u q_v) cos theta
    E u^p v^p = sum_j [p! / (j! (p - j)!)]^2 j! [(p - j - 1)!!]^2 k^j (q_u q_v)^((p - j) / 2),   p - j even

(u, v) Gaussian with variances q_u, q_v and covariance k.  Sources: Cho and Saul 2009; Wick's theorem.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import closed_forms
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.closed_forms import Moments, Pair


def relu_power(p: int) -> Activation:
    """max(x, 0)^p for p = 0 (the step), 1, 2: the arc-cosine kernels J_p / 2 pi of Cho and Saul 2009.

    The slope of the step is a delta function: E phi'^2 is infinite at c = 1.
    """
    if p not in (0, 1, 2):
        raise ValueError(f"p = {p}: closed forms are written for p = 0, 1, 2; pass the function itself otherwise.")
    half = (0.5, 0.5, 1.5)

    def arc(p: int, u: Tensor, v: Tensor, k: Tensor, det: Tensor) -> Tensor:
        sine = det.sqrt()
        angle = math.pi - torch.atan2(sine, k)
        if p == 2:
            return (3 * sine * k + angle * (u * v + 2 * k.square())) / (2 * math.pi)
        if p == 1:
            return (sine - closed_forms.SMALL**0.5 + angle * k) / (2 * math.pi)
        return angle / (2 * math.pi) if p == 0 else 1 / (2 * math.pi * sine)

    def power_moments(q: Tensor) -> Moments:
        slope = p * p * half[p - 1] * q ** (p - 1) if p else torch.full_like(q, math.inf)
        return half[p] * q**p, slope, p * half[p] * q ** max(p - 1, 0)

    def near(u: Tensor, v: Tensor, k: Tensor, det: Tensor, a: Tensor | None) -> Pair:
        return arc(p, u, v, k, det), max(p * p, 1) * arc(p - 1, u, v, k, det)

    def apart(u: Tensor, v: Tensor, k: Tensor, det: Tensor, a: Tensor) -> Tensor:
        theta = torch.atan2(det.sqrt(), k)
        if p == 1:
            return closed_forms.Leaky(0.0).apart(u, v, k, det, a)
        if p == 0:
            return theta / (2 * math.pi)
        t = theta.square().clamp_max(0.25)  # theta (1 + 2 cos^2) - 3 sin cos, by its series where they nearly cancel
        series = 4 / 15 - t * (16 / 315 - t * (4 / 945 - t * (32 / 155925 - t * 8 / 1216215)))
        plain = theta * (1 + 2 * torch.cos(theta) ** 2) - 3 * torch.sin(theta) * torch.cos(theta)
        bent = torch.where(theta < 0.1, theta**5 * series, plain)
        return 0.75 * (u - v).square() + det + u * v * bent / (2 * math.pi)

    return Activation(
        lambda x: (x > 0) * x**p,
        slope=lambda x: (x > 0) * (p * x ** max(p - 1, 0)),
        moments=power_moments,
        dual=closed_forms.dual(near),
        near=near,
        apart=apart,
    )


def monomial(p: int) -> Activation:
    """x^p, p >= 1; by Wick j pairs join u to v and the others pair among themselves."""
    given.whole("p", p, least=1, why="a monomial has p >= 1")

    def double_factorial(m: int) -> int:
        return math.prod(range(m, 0, -2))

    def wick(p: int, u: Tensor, v: Tensor, k: Tensor) -> Tensor:
        total = torch.zeros_like(k)
        for j in range(p % 2, p + 1, 2):
            weight = math.comb(p, j) ** 2 * math.factorial(j) * double_factorial(p - j - 1) ** 2
            total = total + weight * k**j * (u * v) ** ((p - j) // 2)
        return total

    top, below = double_factorial(2 * p - 1), p * p * double_factorial(2 * p - 3)
    return Activation(
        lambda x: x**p,
        slope=lambda x: p * x ** (p - 1),
        bend=lambda x: p * (p - 1) * x ** max(p - 2, 0),
        parity=1 if p % 2 == 0 else -1,
        moments=lambda q: (top * q**p, below * q ** (p - 1), p * top * q ** (p - 1)),
        dual=lambda u, v, k: (wick(p, u, v, k), p * p * wick(p - 1, u, v, k)),
    )
