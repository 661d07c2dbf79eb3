"""Chains of an unknown process whose mean and whose error only the marker knows.

    x_{t+1} = a x_t + sqrt(1 - a^2) noise,   y = mu + sigma x,   error^2 = sigma^2 [1 + 2 sum_k (1 - k/T) a^k] / (T n)

The marker made the process, so the exact error h of the plain mean is known, and a bar is scored without luck
(`fieldkit.scores.excess`).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from coursework.assignments import Mark
from coursework.draws import Draws
from coursework.judging import barred
from fieldkit.lattice import markov


def hidden(rng: torch.Generator, n: int, steps: int, least: float, most: float) -> tuple[Tensor, float, float]:
    """Chains (n, steps) with a memory a between least and most, 0 at least; their mean; the exact error of the plain
    average."""
    u = torch.rand(2, generator=rng, dtype=torch.float64).tolist()
    mu = float(torch.randn((), generator=rng, dtype=torch.float64))
    a, sigma = least + (most - least) * u[0], 0.5 + u[1]
    tau = (1 + a) / (2 * (1 - a))
    x = markov.autoregressive(n, steps, tau=tau, rng=rng)
    error = sigma * math.sqrt(markov.variance_of_mean(markov.autocorrelation(steps, tau=tau), n))
    return mu + sigma * x, mu, error


def mark_bars(ask: Any, draws: Draws, theory: object, *, items: int = 32) -> Mark:
    """`estimate` on hidden chains, few long ones and many short ones in turn."""
    rng, sets = draws.rng("estimate"), []
    for i in range(items):
        chain, truth, honest = hidden(rng, *((32, 400, 0.0, 0.95) if i % 2 else (128, 80, 0.82, 0.9)))
        sets.append(([chain], float(chain.mean()), truth, honest))
    return barred(ask, "estimate", sets, small="do they know how long the chain remembers?")
