r"""What do real gated networks do?  Minimal network, GRU and LSTM of N units, with weights kept or drawn anew.

The equations are those of `gated`, whose averages hold for weights that are UNTIED, drawn anew at every step; a real
network uses the same weights at all times, tied = True, and `tied` has the theory of that.

Sources: Chen, Pennington and Schoenholz 2018 (minimal network); Gilboa et al. 2019 (gated networks).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import gaussian
from fieldkit.propagation.gated import Gate


def minimal_sample(
    n: int, N: int, steps: int, gate: Gate, *, tied: bool, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(Q, chi) measured on n minimal networks of N units, each (n,): means over the second half of `steps`.

    tied: one set of weights for all times, as in practice; otherwise fresh weights each step, as the theory assumes.
    Each step has a new input with components N(0, R); chi is |J v|^2 / |v|^2 for a random v, its mean tr J J^T / N.
    """
    given.whole("steps", steps, least=1, why="a mean over time needs times")
    given.whole("N", N, least=1, why="a network has units")
    given.generator(rng)
    h = torch.zeros((n, 1, N), device=rng.device, dtype=torch.float64)
    v = gaussian.normal((n, 1, N), rng)
    weights = _weights(n, N, gate, gate.mu, rng)
    Q, chi = [], []
    for _ in range(steps):
        x = math.sqrt(gate.R) * gaussian.normal((n, 1, N), rng)
        if not tied:
            weights = _weights(n, N, gate, gate.mu, rng)
        h, moved = _minimal_step(h, v, x, weights)
        Q.append(h.square().mean((1, 2)))
        chi.append(moved.square().sum((1, 2)) / v.square().sum((1, 2)))
    return _late(Q), _late(chi)


def minimal_sensitivity(
    n: int, N: int, steps: int, lags: int, gate: Gate, *, tied: bool, rng: torch.Generator
) -> Tensor:
    """D (n, lags + 1), D[t] = |J_t ... J_1 v|^2 / |v|^2, in n minimal networks that have run for `steps` steps.

    v is a random push and J_t the Jacobian of step t: how much of the push is left; by transposition, how much of a
    gradient comes back.
    """
    given.whole("steps", steps, least=0, why="networks run before they are pushed")
    given.whole("lags", lags, least=0, why="there is the lag 0")
    given.whole("N", N, least=1, why="a network has units")
    given.generator(rng)
    h, weights = torch.zeros((n, 1, N), device=rng.device, dtype=torch.float64), _weights(n, N, gate, gate.mu, rng)
    v, sizes = gaussian.normal((n, 1, N), rng), []
    for t in range(steps + lags):
        if t >= steps:
            sizes.append(v.square().sum((1, 2)))
        x = math.sqrt(gate.R) * gaussian.normal((n, 1, N), rng)
        if not tied:
            weights = _weights(n, N, gate, gate.mu, rng)
        h, moved = _minimal_step(h, v, x, weights)
        v = moved if t >= steps else v
    sizes.append(v.square().sum((1, 2)))
    return torch.stack(sizes, 1) / sizes[0][:, None]


def gru_sample(n: int, N: int, steps: int, gate: Gate, *, tied: bool, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """(Q, chi) measured on n networks of N gated recurrent units, as in `minimal_sample`."""
    given.whole("steps", steps, least=1, why="a mean over time needs times")
    given.whole("N", N, least=1, why="a network has units")
    given.generator(rng)
    h = torch.zeros((n, 1, N), device=rng.device, dtype=torch.float64)
    v = gaussian.normal((n, 1, N), rng)
    means = (gate.mu, 0.0, 0.0)
    layers = [_weights(n, N, gate, mu, rng) for mu in means]
    Q, chi = [], []
    for _ in range(steps):
        x = math.sqrt(gate.R) * gaussian.normal((n, 1, N), rng)
        if not tied:
            layers = [_weights(n, N, gate, mu, rng) for mu in means]
        (Wu, Vu, bu), (Wr, Vr, br), (Ws, Vs, _) = layers
        u, r = torch.sigmoid(h @ Wu.mT + x @ Vu.mT + bu), torch.sigmoid(h @ Wr.mT + x @ Vr.mT + br)
        t = torch.tanh((r * h) @ Ws.mT + x @ Vs.mT)
        inner = (r * v + h * r * (1 - r) * (v @ Wr.mT)) @ Ws.mT
        moved = u * v + u * (1 - u) * (h - t) * (v @ Wu.mT) + (1 - u) * (1 - t * t) * inner
        h = u * h + (1 - u) * t
        Q.append(h.square().mean((1, 2)))
        chi.append(moved.square().sum((1, 2)) / v.square().sum((1, 2)))
    return _late(Q), _late(chi)


def lstm_sample(n: int, N: int, steps: int, gate: Gate, *, tied: bool, rng: torch.Generator) -> Tensor:
    """(E c^2, E c^4, E h^2) measured on n long short-term memories, (n, 3): means over the second half of `steps`.

    c' = f c + i tanh(s), h' = o tanh(c').  mu is the bias of the forget gate f; the others have mean 0.
    """
    given.whole("steps", steps, least=1, why="a mean over time needs times")
    given.whole("N", N, least=1, why="a network has units")
    given.generator(rng)
    h = torch.zeros((n, 1, N), device=rng.device, dtype=torch.float64)
    c = torch.zeros_like(h)
    means = (gate.mu, 0.0, 0.0, 0.0)
    layers = [_weights(n, N, gate, mu, rng) for mu in means]
    found = []
    for _ in range(steps):
        x = math.sqrt(gate.R) * gaussian.normal((n, 1, N), rng)
        if not tied:
            layers = [_weights(n, N, gate, mu, rng) for mu in means]
        f, i, o, s = (h @ W.mT + x @ V.mT + b for W, V, b in layers)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(s)
        h = torch.sigmoid(o) * torch.tanh(c)
        found.append(torch.stack([(c**2).mean((1, 2)), (c**4).mean((1, 2)), (h**2).mean((1, 2))], 1))
    return _late(found)


def _minimal_step(h: Tensor, v: Tensor, x: Tensor, weights: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """(h', J v), each (n, 1, N): the state after one step with the input x, and a push v after it."""
    W, V, b = weights
    u = torch.sigmoid(h @ W.mT + x @ V.mT + b)
    return u * h + (1 - u) * x, u * v + u * (1 - u) * (h - x) * (v @ W.mT)


def _weights(n: int, N: int, gate: Gate, mu: float, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    W = math.sqrt(gate.sw2 / N) * gaussian.normal((n, N, N), rng)
    V = math.sqrt(gate.sv2 / N) * gaussian.normal((n, N, N), rng)
    return W, V, mu + math.sqrt(gate.sb2) * gaussian.normal((n, 1, N), rng)


def _late(series: list[Tensor]) -> Tensor:
    return torch.stack(series[len(series) // 2 :]).mean(0)
