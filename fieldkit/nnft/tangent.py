r"""How much does the tangent kernel of a ReLU network of finite width fluctuate?  Drawn, many networks at once.

    h_l = sqrt(2/n) [W_l h_(l-1)]_+,  f = v . h_L,  |h_0| = 1,      T = sum_l (d f / d W_l)^2 = sum_l A_l,
    A_l = (2/n) |p_l|^2 |h_(l-1)|^2  for l = 1 ... L,      A_(L+1) = |h_L|^2,       p_l = the gradient at the neurons on

Every A_l has mean 1, so <T> = L + 1 as in an infinite network, at every width.  The second moment is known exactly,
`propagation.finite_width_exact.relu_tangent`.  That it grows with depth over width: Hanin and Nica 2020.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given

BLOCK = 2**20  # numbers of one layer's weight matrices at a time


def sample(n: int, width: int, depth: int, *, rng: torch.Generator) -> Tensor:
    """T of n networks with real weight matrices, forward and backward, drawn in float32: (n,) float64.

    The same as `propagation.tangent.empirical_ntk` of each network, many networks at once (a test).
    """
    given.whole("n", n, least=1, why="at least one network is drawn")
    given.generator(rng)
    given.whole("width", width, least=1, why="a hidden layer has at least one neuron")
    given.whole("depth", depth, least=1, why="the tangent kernel of a network has at least one hidden layer")
    block = max(1, BLOCK // width**2)
    return torch.cat([_block(min(block, n - first), width, depth, rng) for first in range(0, n, block)])


def _block(n: int, width: int, depth: int, rng: torch.Generator) -> Tensor:
    def normal(*shape: int) -> Tensor:
        return torch.randn(n, *shape, generator=rng, device=rng.device)

    scale = math.sqrt(2 / width)
    h = torch.zeros(n, width, device=rng.device)
    h[:, 0] = 1
    forward, weights = [h], []
    for _ in range(depth):
        weights.append(normal(width, width))
        h = scale * torch.relu((weights[-1] @ h[:, :, None])[:, :, 0])
        forward.append(h)
    total, back = h.square().sum(1), normal(width)
    for W, below, above in zip(reversed(weights), reversed(forward[:-1]), reversed(forward[1:])):
        p = scale * back * (above > 0)
        total = total + p.square().sum(1) * below.square().sum(1)
        back = (p[:, None] @ W)[:, 0]
    return total.double()
