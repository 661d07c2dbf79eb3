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
from coursework.marking import Wrong
from fieldkit import scores
from fieldkit.estimates import Estimate
from fieldkit.lattice import markov
from fieldkit.scores import CAP, excess, log_score


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


def cost(value: float, error: float, *, plain: float, truth: float, honest: float) -> float:
    """What an answer costs beyond the best one.  For the plain mean the score is averaged over luck; another value is
    scored as it fell."""
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return CAP
    if abs(value - plain) < 0.05 * honest:
        return excess(error, honest)
    return log_score(Estimate(value, error), truth, reference=honest) - 0.5


def mark_bars(ask: Any, draws: Draws, theory: object, *, items: int = 32) -> Mark:
    """`estimate` on hidden chains, few long ones and many short ones in turn."""
    rng, costs, pairs, refused = draws.rng("estimate"), [], [], ""
    for i in range(items):
        chain, truth, honest = hidden(rng, *((32, 400, 0.0, 0.95) if i % 2 else (128, 80, 0.82, 0.9)))
        try:
            value, error = ask("estimate", [chain], "pair")
        except Wrong as refusal:  # no answer to one chain costs that chain
            value, error, refused = 0.0, math.nan, str(refusal)
        costs.append(cost(value, error, plain=float(chain.mean()), truth=truth, honest=honest))
        if math.isfinite(value + error) and error > 0:
            pairs.append(((value - truth) / error, error / honest))
    bars = torch.tensor([b for _, b in pairs]).median().item() if pairs else math.nan
    said = f"{items} hidden chains: your bars are {bars:.2f} of the exact ones, at an average cost of "
    said += f"{sum(costs) / items:.3f} (free up to {scores.FREE})"
    if refused:
        said += f"; one went without: {refused}"
    elif scores.share(costs) < 1:
        small, large = "too small: do they know how long the chain remembers?", "too large: they hide what you know"
        said += f"; {small if bars < 1 else large}"
    return Mark(scores.share(costs), said, pairs)
