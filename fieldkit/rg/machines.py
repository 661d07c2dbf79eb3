r"""Does a learning machine do the renormalisation group?  Restricted Boltzmann machines of spins -1 and 1, no biases.

    p(v, h) = exp(v W h) / Z,     p(v) ~ prod_j 2 cosh (v W)_j,     p(h_j = + | v) = sigmoid(2 (v W)_j)

Trained by likelihood (persistent contrastive divergence, Tieleman 2008), p(v) tends to the law of the data.  The step
v -> h -> v that has been read as a flow of couplings (Iso, Shiba and Yokoo 2018) is Gibbs sampling of p(v): iterated,
it goes to the training set, from wherever it starts, and to no fixed point of a renormalisation group.
Spins are float32 (n, N), weights W (N, H).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from fieldkit import checkpoints, given


def train(
    data: Tensor,
    n_hidden: int,
    *,
    n_steps: int,
    rng: torch.Generator,
    batch: int = 500,
    n_chains: int = 500,
    rate: float = 0.01,
    path: str | Path | None = None,
) -> Tensor:
    """W (N, n_hidden) from spins data (n, N): n_steps of persistent contrastive divergence, the rate falling in the
    second half.  Every ten steps chains are turned over at random, since p(v) = p(-v) and a sector must not be lost.

    path: a checkpoint file, so that a kernel that dies goes on where it stopped.  Raises `ValueError` for sizes below 1
    or data other than -1 and 1.
    """
    given.whole("n_hidden", n_hidden, least=1, why="a machine has hidden spins")
    given.whole("n_steps", n_steps, least=1, why="a machine learns by steps")
    for name, value in (("batch", batch), ("n_chains", n_chains)):
        given.whole(name, value, least=1, why="a gradient is a difference of two means")
    given.positive("rate", rate, why="a machine learns by steps")
    given.generator(rng)
    data = _spins(data).to(rng.device)
    if not bool((data.abs() == 1).all()):
        raise ValueError("some spins are neither -1 nor 1; from bits 0 and 1 make spins by 2 * bits - 1.")
    N = data.shape[1]
    start = torch.randint(len(data), (n_chains,), generator=rng, device=rng.device)
    state = {"W": 0.01 * torch.randn(N, n_hidden, generator=rng, device=rng.device), "v": data[start]}

    def step(state: checkpoints.State, t: int, rng: torch.Generator) -> checkpoints.State:
        W, v = state["W"], state["v"]
        seen = data[torch.randint(len(data), (batch,), generator=rng, device=rng.device)]
        v = gibbs(W, v, 1, rng=rng)
        gradient = seen.T @ torch.tanh(seen @ W) / batch - v.T @ torch.tanh(v @ W) / n_chains
        W = W + rate * min(1.0, 2 * (1 - t / n_steps)) * gradient
        if t % 10 == 0:
            v = v * _coins((n_chains, 1), rng)
        return {"W": W, "v": v}

    label = f"{n_hidden} hidden, rate {rate}, batch {batch}, {n_steps} steps, {len(data)} data"
    return checkpoints.run(step, state, n_steps, rng=rng, path=path, every=max(1, n_steps // 10), label=label)["W"]


def gibbs(W: Tensor, v: Tensor, n_steps: int, *, rng: torch.Generator) -> Tensor:
    """v (n, N) after n_steps of v -> h -> v: a Markov chain whose stationary law is the machine's p(v)."""
    given.whole("n_steps", n_steps, least=0, why="a chain takes so many steps")
    given.generator(rng)
    W, v = _weights(W), _spins(v)
    _fit(W, v)
    for _ in range(n_steps):
        v = _draw(_draw(v @ W, rng) @ W.T, rng)
    return v


def hidden(W: Tensor, v: Tensor, *, rng: torch.Generator) -> Tensor:
    """h (n, H) given v (n, N): the machine's own block spins."""
    given.generator(rng)
    W, v = _weights(W), _spins(v)
    _fit(W, v)
    return _draw(v @ W, rng)


def log_weight(W: Tensor, v: Tensor) -> Tensor:
    """ln [p(v) Z] = sum_j ln 2 cosh (v W)_j, (n,) float64."""
    v, W = given.doubles(v), given.doubles(W)
    _fit(W, v)
    a = v @ W
    return torch.logaddexp(a, -a).sum(1)


def log_partition(W: Tensor) -> float:
    """ln Z by all states of the smaller layer, at most 20 spins."""
    W = given.doubles(W)
    if W.dim() != 2 or 0 in W.shape:
        raise ValueError(f"W {tuple(W.shape)}: weights are (N, H).")
    W = W if W.shape[0] <= W.shape[1] else W.T
    if len(W) > 20:
        raise ValueError(
            f"layers of {W.shape[0]} and {W.shape[1]} spins: the smaller may have 20 at most, for 2^20 states."
        )
    states = ((torch.arange(2 ** len(W))[:, None] >> torch.arange(len(W))) & 1).double() * 2 - 1
    return float(log_weight(W, states).logsumexp(0))


def _fit(W: Tensor, v: Tensor) -> None:
    if v.dim() != 2 or W.dim() != 2 or v.shape[1] != W.shape[0]:
        raise ValueError(f"v {tuple(v.shape)}, W {tuple(W.shape)}: spins are (n, N), weights (N, H).")


def _draw(field: Tensor, rng: torch.Generator) -> Tensor:
    """Spins of p(+) = sigmoid(2 field)."""
    uniform = torch.rand(field.shape, generator=rng, device=rng.device, dtype=field.dtype)
    return torch.where(uniform < torch.sigmoid(2 * field), 1.0, -1.0).to(field.dtype)


def _coins(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    return torch.randint(0, 2, shape, generator=rng, device=rng.device).float() * 2 - 1


def _weights(W: Tensor) -> Tensor:
    return given.numbers(W).float()


def _spins(v: Tensor) -> Tensor:
    v = given.numbers(v)
    if v.dim() != 2 or 0 in v.shape:
        raise ValueError(f"shape {tuple(v.shape)}: spins are (n, N); flatten a lattice with spins.flatten(1).")
    return v.float()
