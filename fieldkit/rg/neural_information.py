r"""How much does a block spin know of its surroundings, if all one has are pictures?  A network that guesses it.

    I(H : E) = H(H) - H(H | E)  >=  H(H) - cross entropy of any guess q(h | e),      with equality for the true p(h | e)

so a network trained to tell h from e gives a lower bound, and the better it guesses the closer it comes.  It is weighed
on pairs that it has never seen: on those of its training it would overestimate.  H is summed exactly, only E is
sampled; InfoNCE (van den Oord, Li and Vinyals 2018) with both values of h as the negatives.  float32.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fieldkit import estimates, given
from fieldkit.estimates import Estimate
from fieldkit.rg import descent


def windows(spins: Tensor, *, buffer: int = 1, every: int = 8) -> tuple[Tensor, Tensor]:
    """Blocks and their rings from configurations (n, L, L): V (n, w, 4) and E (n, w, k), spins as float32.

    A window has the 2 x 2 block in the middle, `buffer` rows around it that nobody sees, and one ring of spins as the
    environment, 12 + 8 buffer of them; w windows a configuration, `every` sites apart.
    """
    given.whole("buffer", buffer, least=0, why="it counts the rows between block and environment")
    spins = given.numbers(spins)
    side = 4 + 2 * buffer
    given.whole("every", every, least=1, why="windows lie so many sites apart")
    if spins.dim() != 3 or min(spins.shape[1:]) < side:
        raise ValueError(
            f"shape {tuple(spins.shape)}: a window has {side} x {side} sites; give (n, L, L) with L as large."
        )
    cut = spins.unfold(1, side, every).unfold(2, side, every).flatten(1, 2).float()  # (n, w, side, side)
    rim = [i * side + j for i in range(side) for j in range(side) if min(i, j) == 0 or max(i, j) == side - 1]
    ring = torch.tensor(rim, device=spins.device)
    middle = cut[..., 1 + buffer : 3 + buffer, 1 + buffer : 3 + buffer]
    return middle.flatten(2), cut.flatten(2)[..., ring]


def estimate(
    h: Tensor,
    e: Tensor,
    held_out: tuple[Tensor, Tensor],
    *,
    rng: torch.Generator,
    n_steps: int = 800,
    batch: int = 512,
    width: int = 64,
    rate: float = 2e-3,
    correlated: int = 1,
) -> Estimate:
    """I(H : E) in nats from pairs h (n,) of -1 and 1 and e (n, k), weighed on held_out = (h, e) of the same kind.

    A network with two hidden layers of `width` neurons, Adam, the rate cut to a fifth after 70 per cent of the steps.
    The bar is that of the held-out mean: `correlated` consecutive pairs count as one draw (windows of a configuration).
    It does not know by how much the guess falls short of p(h | e); longer training tells.
    """
    given.generator(rng)
    if h.dim() != 1 or len(h) != len(e) or e.dim() != 2 or len(held_out[0]) != len(held_out[1]):
        raise ValueError(
            f"h {tuple(h.shape)}, e {tuple(e.shape)}: give pairs (n,) and (n, k), and held-out ones alike."
        )
    parameters = _network(e.shape[1], width, rng)

    def loss(chosen: Tensor) -> Tensor:
        return -_log_ratio(parameters, h[chosen], e[chosen].float()).mean()

    descent.minimise(loss, parameters, examples=len(h), n_steps=n_steps, batch=batch, rate=rate, rng=rng)
    with torch.no_grad():
        ratios = _log_ratio(parameters, held_out[0], held_out[1].float()).double()
    given.whole("correlated", correlated, least=1, why="so many consecutive pairs are one draw")
    return estimates.mean(ratios[: len(ratios) // correlated * correlated].reshape(-1, correlated))


def _network(k: int, width: int, rng: torch.Generator) -> list[Tensor]:
    shapes = [(k, width), (width, width), (width, 2)]
    weights = [torch.randn(s, generator=rng, device=rng.device) * s[0] ** -0.5 for s in shapes]
    biases = [torch.zeros(s[1], device=rng.device) for s in shapes]
    return [x.requires_grad_(True) for pair in zip(weights, biases) for x in pair]


def _log_ratio(parameters: list[Tensor], h: Tensor, e: Tensor) -> Tensor:
    """ln q(h | e) / p(h) of each pair, p(h) the frequencies in these pairs."""
    W1, b1, W2, b2, W3, b3 = parameters
    silu = torch.nn.functional.silu
    score = silu(silu(e @ W1 + b1) @ W2 + b2) @ W3 + b3
    value = (h > 0).long()
    frequency = torch.bincount(value, minlength=2).clamp(min=1).to(score.dtype) / len(h)
    guess = score + frequency.log()  # a network that knows nothing guesses the frequencies
    return (guess.log_softmax(1) - frequency.log()).gather(1, value[:, None])[:, 0]
