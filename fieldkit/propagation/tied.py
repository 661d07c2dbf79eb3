r"""What does a gated network remember when it keeps its weights?  One unit, driven by a Gaussian field with a memory.

    e_t = mu + Gaussian,     <e_t e_s> - mu^2 = sw2 <h_t h_s> + sv2 R delta_ts + sb2

As the number of units grows, the pre-activations of one unit become Gaussian, independent between gates, and with the
same weights at all times they are correlated in time as the units themselves are.  <h_t h_s> is an average over such
units: a causal equation, solved here one step after another with M units at a time.  No weight matrix is drawn; the
sampling error goes as 1 / sqrt M, the bias as 1 / M, as in a network of M units.  The mean field of `gated` keeps only
t = s, as if the weights were drawn anew at every step (`fresh`).

The sensitivity <(dh_t)^2> of a small perturbation obeys the same equation linearised: its field has covariance
sw2 <dh_t dh_s>, and is independent of e because <h dh> = 0.  Sources: Sompolinsky, Crisanti and Sommers 1988 (the
method, for the network without gates); Gilboa et al. 2019 (fresh weights).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation.gated import Gate
from fieldkit.propagation.gaussian import normal

Field = Callable[[Tensor], Tensor]


def field(
    k: int, shape: tuple[int, int], steps: int, gate: Gate, *, fresh: bool = False, rng: torch.Generator
) -> Field:
    """A function that turns the units' values at each next time, (n, M), into the pre-activations (k, n, M) of k gates.

    shape = (n, M): n independent populations of M units.  The function may be called `steps` times.  Conditional
    Gaussian draws: row t of Cholesky's factor of the covariance, grown by one row a step.
    """
    n, M = shape
    given.sizes((n, M))
    given.generator(rng)
    values, white = _empty((steps, n, M), rng), _empty((k, steps, n, M), rng)
    factor = torch.zeros((n, steps, steps), device=rng.device, dtype=torch.float64)
    times = iter(range(steps))

    def following(h: Tensor) -> Tensor:
        t = next(times)
        values[t] = h
        row = gate.sw2 * torch.einsum("snm,nm->ns", values[: t + 1], h) / M + gate.sb2
        row[:, t] += gate.sv2 * gate.R
        if t and not fresh:
            before = factor[:, :t, :t]
            factor[:, t, :t] = torch.linalg.solve_triangular(before, row[:, :t, None], upper=False)[..., 0]
        factor[:, t, t] = (row[:, t] - factor[:, t, :t].square().sum(1)).clamp_min(1e-300).sqrt()
        white[:, t] = normal((k, n, M), rng)
        return torch.einsum("ns,ksnm->knm", factor[:, t, : t + 1], white[:, : t + 1])

    return following


def minimal(
    n: int, M: int, steps: int, gate: Gate, *, lags: int = 0, fresh: bool = False, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(Q, D) of the minimal network h' = u h + (1 - u) x: E h^2 (n,) and the sensitivity D (n, lags + 1).

    `steps` steps bring the units to rest, `lags` more follow.  D[t] = <(dh_t)^2> / <(dh_0)^2> after a random small
    push dh_0.  Q is averaged over the second half of all steps; given the gates h is Gaussian, so what is averaged is
    its variance, which is less noisy than h^2.
    """
    given.whole("steps", steps, least=2, why="the units must come to rest before they are measured")
    given.whole("lags", lags, least=0, why="there is the lag 0")
    total = steps + lags
    e, de = (field(1, (n, M), total, g, fresh=fresh, rng=rng) for g in (gate, _linear(gate)))
    h, v, dh = _zeros((n, M), rng), _zeros((n, M), rng), normal((n, M), rng)
    Q, D = [], []
    for t in range(total + 1):
        if t >= steps:
            D.append(dh.square().mean(1))
        if t == total:
            break
        u, x = torch.sigmoid(gate.mu + e(h)[0]), math.sqrt(gate.R) * normal((n, M), rng)
        if t >= steps:
            dh = u * dh + u * (1 - u) * (h - x) * de(dh)[0]
        h, v = u * h + (1 - u) * x, u.square() * v + (1 - u).square() * gate.R
        Q.append(v.mean(1))
    return torch.stack(Q[len(Q) // 2 :]).mean(0), torch.stack(D, 1) / D[0][:, None]


def gru(n: int, M: int, steps: int, gate: Gate, *, fresh: bool = False, rng: torch.Generator) -> Tensor:
    """Q = E h^2 (n,) of the gated recurrent unit, averaged over the second half of `steps`; weights as in `gated`."""
    given.whole("steps", steps, least=1, why="a mean over time needs times")
    gates = field(2, (n, M), steps, gate, fresh=fresh, rng=rng)
    inner = field(1, (n, M), steps, Gate(gate.sw2, gate.sv2, 0.0, 0.0, gate.R), fresh=fresh, rng=rng)
    h, Q = _zeros((n, M), rng), []
    for _ in range(steps):
        u, r = gates(h)
        u, r = torch.sigmoid(gate.mu + u), torch.sigmoid(r)
        h = u * h + (1 - u) * torch.tanh(inner(r * h)[0])
        Q.append(h.square().mean(1))
    return torch.stack(Q[steps // 2 :]).mean(0)


def lstm(n: int, M: int, steps: int, gate: Gate, *, fresh: bool = False, rng: torch.Generator) -> Tensor:
    """(E c^2, E c^4, E h^2) of the long short-term memory, (n, 3), over the second half of `steps`."""
    given.whole("steps", steps, least=1, why="a mean over time needs times")
    gates = field(4, (n, M), steps, gate, fresh=fresh, rng=rng)
    h, c, found = _zeros((n, M), rng), _zeros((n, M), rng), []
    for _ in range(steps):
        f, i, o, s = gates(h)
        c = torch.sigmoid(gate.mu + f) * c + torch.sigmoid(i) * torch.tanh(s)
        h = torch.sigmoid(o) * torch.tanh(c)
        found.append(torch.stack([(c**2).mean(1), (c**4).mean(1), (h**2).mean(1)], 1))
    return torch.stack(found[steps // 2 :]).mean(0)


def _linear(gate: Gate) -> Gate:
    """The field of a perturbation: no input, no bias."""
    return Gate(gate.sw2, 0.0, 0.0, 0.0, gate.R)


def _zeros(shape: tuple[int, int], rng: torch.Generator) -> Tensor:
    return torch.zeros(shape, device=rng.device, dtype=torch.float64)


def _empty(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    return torch.empty(shape, device=rng.device, dtype=torch.float64)
