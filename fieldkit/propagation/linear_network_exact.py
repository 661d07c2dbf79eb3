"""What does an infinite noisy linear network do?  The mean field of dx = -x dt + J x dt + sqrt(D) dW in closed form.

`linear_network` has the same numbers for one given matrix J of finite size, `dynamic_mean_field` what a nonlinearity
makes of them.  Source: Helias and Dahmen 2020.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given


def linear_variance(g: float, D: float) -> float:
    """<x^2> = D / (2 sqrt(1 - g^2)) of dx = -x + J x + sqrt(D) xi for g < 1.

    From C(omega) = D / (1 + omega^2 - g^2), the single unit's |1 / (1 + i omega)|^2 (D + g^2 C) solved for C.
    """
    given.number("g", g, why="it is the spread of the weights")
    if not 0 <= g < 1:
        raise ValueError(f"g = {g}: a linear network explodes at g >= 1; take 0 <= g < 1.")
    given.not_negative("D", D, why="a variance cannot be negative")
    return D / (2 * math.sqrt((1 - g) * (1 + g)))


def linear_autocorrelation(g: float, D: float, tau: Tensor) -> Tensor:
    """<x(t) x(t + tau)> = D exp(-sqrt(1 - g^2) |tau|) / (2 sqrt(1 - g^2))."""
    return linear_variance(g, D) * torch.exp(-math.sqrt((1 - g) * (1 + g)) * given.doubles(tau).abs())


def response_power(omega: Tensor, g: float, *, mean_slope2: float = 1.0) -> Tensor:
    """(1 / N) sum_ij |R_ij(omega)|^2 = 1 / (1 + omega^2 - g^2 <phi'>^2), R_ij = delta <x_i> / delta theta_j.

    Every path i <- k <- ... <- j with random signs adds its square: a geometric series in g^2 <phi'>^2 / (1 + omega^2).
    """
    given.number("g", g, why="it is the spread of the weights")
    given.not_negative("mean_slope2", mean_slope2, why="a square cannot be negative")
    if not g**2 * mean_slope2 < 1:
        raise ValueError(f"g^2 <phi'>^2 = {g**2 * mean_slope2:g}: from 1 on echoes grow for ever; lower g.")
    return 1 / (1 + given.doubles(omega).square() - g**2 * mean_slope2)
