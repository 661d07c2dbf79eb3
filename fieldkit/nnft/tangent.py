r"""How much does the tangent kernel of a ReLU network of finite width fluctuate?  Exactly, on one input without biases.

    h_l = sqrt(2/n) [W_l h_(l-1)]_+,  f = v . h_L,  |h_0| = 1,      T = sum_l (d f / d W_l)^2 = sum_l A_l,
    A_l = (2/n) |p_l|^2 |h_(l-1)|^2  for l = 1 ... L,      A_(L+1) = |h_L|^2,       p_l = the gradient at the neurons on

Every A_l has mean 1, so <T> = L + 1 as in an infinite network, at every width.  The second moment is a finite sum of
products over layers because of two facts: |h_l|^2 / |h_(l-1)|^2 = (2/n) chi^2 of k_l degrees of freedom, k_l neurons
being on (binomial); and going back one layer

    |p_l|^2 = f^2 / |h_l|^2 + (2/n) |p_(l+1)|^2 chi^2 of k_l - 1 degrees of freedom,

the part along h_l being known from f = p . h at every layer (Euler).  One hidden layer: <T^2> / <T>^2 = 1 + 3/n.
That it grows with depth over width: Hanin and Nica 2020.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given

BLOCK = 2**20  # numbers of one layer's weight matrices at a time


def relu_second_moment(width: int, depth: int) -> float:
    """<T^2> / <T>^2 of `depth` hidden ReLU layers of this width, one input, no biases, sw2 = 2.

    With a = (n - 1)/n and r = 1 + 5/n the averages of (2/n)(k - 1) and of the forward factor with it: for l < m <= L

        <A_l A_m> = (2/n)^2 r^(l-1) [ V_m sum_(i < m-l) a^i r^(m-l-1-i) + a^(m-l) U_m ],
        V_m = <f^2 |p_m|^2> = 3 sum_(i <= L-m) a^i r^(L-m-i) + a^(L-m) (n - 1)/2,       U_m = <|p_m|^4>,

    both for a unit h_(m-1); <A_l^2> = (2/n)^2 r^(l-1) U_l, <A_l A_(L+1)> = (2/n) r^(l-1) [sum_(i <= L-l) a^i r^(L-l-i)
    + a^(L-l) (n - 1)/2] and <A_(L+1)^2> = r^L.
    """
    given.whole("width", width, least=1, why="a hidden layer has at least one neuron")
    given.whole("depth", depth, least=1, why="the tangent kernel of a network has at least one hidden layer")
    n, L = width, depth
    a, r, off = (n - 1) / n, 1 + 5 / n, 2.0**-n

    def chain(k: int) -> float:  # sum of a^i r^(k-1-i) over i < k
        return (r**k - a**k) / (r - a)

    V = [math.nan] + [3 * chain(L - m + 1) + a ** (L - m) * (n - 1) / 2 for m in range(1, L + 1)]
    U = [math.nan] * L + [n * (n + 5) / 4]
    on, on2 = n / 2 - (1 - off), n * (n + 1) / 4 - (1 - off)  # <k - 1> and <k^2 - 1>, at least one neuron being on
    for m in range(L - 1, 0, -1):
        U[m] = 3 * r ** (L - m) * (1 - off) + 2 * (2 / n) * on * V[m + 1] + (2 / n) ** 2 * on2 * U[m + 1]
    total = r**L
    for l in range(1, L + 1):
        start = r ** (l - 1)
        total += (2 / n) ** 2 * start * U[l] + 2 * (2 / n) * start * (chain(L - l + 1) + a ** (L - l) * (n - 1) / 2)
        for m in range(l + 1, L + 1):
            total += 2 * (2 / n) ** 2 * start * (V[m] * chain(m - l) + a ** (m - l) * U[m])
    return total / (L + 1) ** 2


def sample(n: int, width: int, depth: int, *, rng: torch.Generator) -> Tensor:
    """T of n networks with real weight matrices, forward and backward, drawn in float32: (n,) float64.

    The same as `propagation.tangent.empirical_ntk` of each network, many networks at once (a test).
    """
    given.whole("n", n, least=1, why="at least one network is drawn")
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
