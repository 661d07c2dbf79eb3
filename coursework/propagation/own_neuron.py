"""An activation that no book has: where is its edge of chaos, and how deep does a signal see?

    phi(x) = tanh(a x) + b x exp(-x^2 / 2)

The truths are those of `fieldkit.propagation`, which integrates any activation; there is no closed form to look up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit.propagation import criticality, fixed_points


@dataclass(frozen=True)
class Neuron:
    """One student's activation, and the variances of weights and biases of the layers that are judged."""

    a: float
    b: float
    sw2: float
    sb2: float

    def phi(self, x: Tensor) -> Tensor:
        """Element by element."""
        return torch.tanh(self.a * x) + self.b * x * torch.exp(-x * x / 2)

    def critical(self, sb2: Tensor) -> Tensor:
        """The weight variance at which chi_1 = 1, for each bias variance."""
        return criticality.critical_line(sb2, activation=self.phi)[0]

    def depth(self, sw2: Tensor, sb2: Tensor) -> Tensor:
        """Layers over which the correlation of two signals forgets a deviation from its fixed point, xi_c."""
        return fixed_points.phases(sw2, sb2, activation=self.phi).xi_c


def next_length(neuron: Neuron, x: Tensor, *, sw2: float | None = None) -> Tensor:
    """The variance of a layer's pre-activations for inputs x (n, width): sw2 <phi^2> + sb2, (n,)."""
    return (neuron.sw2 if sw2 is None else sw2) * (neuron.phi(x) ** 2).mean(1) + neuron.sb2


def grown(rng: torch.Generator, n: int, depth: int) -> tuple[Tensor, float, float]:
    """ln D_{l+1} / D_l of twins in n networks of this depth, (n, depth); its mean and the exact error of the average.

    A network's weights are used again in every layer, so that a network which expands goes on doing so: an effect of
    each network (standard deviation s) and one of each layer (sigma).  error^2 = s^2 / n + sigma^2 / (n depth).
    """
    u = torch.rand(3, generator=rng, dtype=torch.float64).tolist()
    mu, s, sigma = 0.4 * (u[0] - 0.5), 0.04 + 0.06 * u[1], 0.1 + 0.1 * u[2]
    network = s * torch.randn(n, 1, generator=rng, dtype=torch.float64)
    layer = sigma * torch.randn(n, depth, generator=rng, dtype=torch.float64)
    return mu + network + layer, mu, math.sqrt((s**2 + sigma**2 / depth) / n)
