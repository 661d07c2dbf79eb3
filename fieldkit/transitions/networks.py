r"""What does a network answer, and how much of it is this network?  Many small networks trained at once.

K networks of one hidden layer, sigmoid(W_2 sigmoid(W_1 x + b_1) + b_2), side by side in batched matrix products: each
draws its own batches, so that their spread is the bar of training.  Every picture is shown with a random overall sign:
a magnet does not know up from down, and neither may its label.  float32; Adam (Kingma & Ba 2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit import given


@dataclass(frozen=True)
class Networks:
    """Weights of K networks: W_1 (K, V, H), b_1 (K, 1, H), W_2 (K, H, 1), b_2 (K, 1, 1)."""

    first: Tensor
    first_bias: Tensor
    second: Tensor
    second_bias: Tensor

    def logits(self, pictures: Tensor) -> Tensor:
        """Log-odds of "cold" (K, n) for pictures (n, V), or (K, n, V), each network its own."""
        hidden = torch.sigmoid(pictures @ self.first + self.first_bias)
        return (hidden @ self.second + self.second_bias)[..., 0]

    def answers(self, pictures: Tensor) -> Tensor:
        """P(cold) (K, n)."""
        return torch.sigmoid(self.logits(pictures))


def train(
    pictures: Tensor,
    labels: Tensor,
    count: int,
    *,
    rng: torch.Generator,
    hidden: int = 32,
    n_steps: int = 400,
    step: float = 5e-3,
    decay: float = 1e-4,
    batch: int = 128,
    flip: bool = True,
) -> Networks:
    """`count` networks trained on pictures (n, V) with labels (n,) in [0, 1].

    decay: of the sum of squares of all weights, in the loss.  flip: the random overall sign of each picture.  Raises
    `ValueError` for sizes that do not match or labels outside of [0, 1].
    """
    x, y = given.numbers(pictures).float(), given.numbers(labels).float()
    for name, value in (("count", count), ("hidden", hidden), ("n_steps", n_steps), ("batch", batch)):
        given.whole(name, value, least=1, why="networks have units, steps and batches")
    given.positive("step", step, why="Adam takes steps")
    given.generator(rng)
    if x.dim() != 2 or y.shape != (len(x),) or len(x) == 0 or not bool(((y >= 0) & (y <= 1)).all()):
        raise ValueError(f"pictures {tuple(x.shape)}, labels {tuple(y.shape)}: expected (n, V) and (n,) within [0, 1].")
    V = x.shape[1]

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng, device=rng.device)

    weights = [
        (normal(count, V, hidden) / math.sqrt(V)).requires_grad_(),
        torch.zeros(count, 1, hidden, device=rng.device, requires_grad=True),
        (normal(count, hidden, 1) / math.sqrt(hidden)).requires_grad_(),
        torch.zeros(count, 1, 1, device=rng.device, requires_grad=True),
    ]
    networks = Networks(*weights)
    adam = torch.optim.Adam(weights, step)
    for _ in range(n_steps):
        chosen = torch.randint(len(x), (count, batch), generator=rng, device=rng.device)
        shown = x[chosen]
        if flip:
            shown = shown * (2.0 * torch.randint(2, (count, batch, 1), generator=rng, device=rng.device) - 1)
        misfit = torch.nn.functional.binary_cross_entropy_with_logits(
            networks.logits(shown), y[chosen], reduction="none"
        )
        squares = torch.stack([w.square().sum() for w in weights]).sum()
        adam.zero_grad()
        (misfit.mean(1).sum() + decay * squares).backward()
        adam.step()
    return Networks(*(w.detach() for w in weights))


def leading_share(pictures: Tensor) -> float:
    """Share of the first principal component in the second moment of pictures (n, V), V = L^2 sites with periodic
    boundaries: <m^2>, exactly, wherever that component is the uniform one (translation invariance)."""
    x = given.numbers(pictures).double()
    if x.dim() != 2 or 0 in x.shape:
        raise ValueError(f"pictures {tuple(x.shape)}: expected (n, V).")
    if not bool(x.isfinite().all() and (x != 0).any()):
        raise ValueError(f"pictures {tuple(x.shape)}: finite numbers, not all 0; of nothing there is no share.")
    return float(torch.linalg.eigvalsh(x.T @ x / len(x))[-1]) / float(x.square().sum(1).mean())
