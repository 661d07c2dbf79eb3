r"""What if the output weights are not Gaussian?  Laws of mean zero and variance one, told apart by their kurtosis.

    E v^4 / (E v^2)^2 = k:      G2 = K for every law,      G4c = (sw2^2 / N) [k M_1234 - sum_3 M_12 M_34]

for one output of one hidden layer (`exact.four_point`): two-point functions ask for the variance only, four-point
functions for k too, and at infinite width nobody asks.  Several outputs can be rotated into each other, without
anybody noticing, for the Gaussian law alone (Maxwell 1860): no other law of independent numbers is isotropic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Draw = Callable[[tuple[int, ...], torch.Generator, torch.dtype], Tensor]


@dataclass(frozen=True)
class Law:
    """A law of independent weights: draw(shape, rng, dtype) -> numbers of mean 0 and variance 1; kurtosis: E v^4."""

    draw: Draw
    kurtosis: float


def _gaussian(shape: tuple[int, ...], rng: torch.Generator, dtype: torch.dtype) -> Tensor:
    return torch.randn(shape, generator=rng, device=rng.device, dtype=dtype)


def _uniform(shape: tuple[int, ...], rng: torch.Generator, dtype: torch.dtype) -> Tensor:
    return math.sqrt(12) * (torch.rand(shape, generator=rng, device=rng.device, dtype=dtype) - 0.5)


def _signs(shape: tuple[int, ...], rng: torch.Generator, dtype: torch.dtype) -> Tensor:
    return 2 * torch.randint(2, shape, generator=rng, device=rng.device).to(dtype) - 1


def _laplace(shape: tuple[int, ...], rng: torch.Generator, dtype: torch.dtype) -> Tensor:
    """A difference of two exponential numbers has density exp(-|v|) / 2, variance 2 and fourth moment 24."""
    size = torch.empty((2, *shape), device=rng.device, dtype=dtype).exponential_(generator=rng)
    return (size[0] - size[1]) / math.sqrt(2)


gaussian = Law(_gaussian, 3.0)
uniform = Law(_uniform, 9 / 5)
signs = Law(_signs, 1.0)
laplace = Law(_laplace, 6.0)
