"""Right and wrong random layers for one activation.  They stay outside of the sandbox.

A layer takes pre-activations (n, width), applies the activation and gives fresh random pre-activations (n, width): each
call draws new weights and biases, the same for all n inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from coursework.propagation.own_neuron import Neuron

RIGHT = ("gaussian", "uniform", "orthogonal")
WRONG = {
    "no fan-in": "its weights have variance sw2, not sw2 over the width",
    "root": "its weights have standard deviation sw2 instead of variance sw2",
    "no bias": "it has forgotten the biases",
    "bias of each": "its biases have standard deviation sb2 instead of variance sb2",
    "other order": "its activation comes after the weights",
}


def layer(neuron: Neuron, kind: str, rng: torch.Generator) -> Callable[[Tensor], Tensor]:
    """A function (n, width) -> (n, width), right or wrong in the named way."""
    sw2 = neuron.sw2**2 if kind == "root" else neuron.sw2
    sb = {"no bias": 0.0, "bias of each": neuron.sb2}.get(kind, math.sqrt(neuron.sb2))

    def forward(x: Tensor) -> Tensor:
        width = x.shape[1]
        W = torch.randn(width, width, generator=rng, dtype=torch.float64)
        if kind == "uniform":
            W = math.sqrt(12) * (torch.rand(width, width, generator=rng, dtype=torch.float64) - 0.5)
        if kind == "orthogonal":
            W = math.sqrt(width) * torch.linalg.qr(W)[0]
        W = W * math.sqrt(sw2 if kind == "no fan-in" else sw2 / width)
        bias = sb * torch.randn(width, generator=rng, dtype=torch.float64)
        if kind == "other order":
            return neuron.phi(x @ W + bias)
        return neuron.phi(x) @ W + bias

    return forward
