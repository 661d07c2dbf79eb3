r"""What do gates do to memory?  Mean fields of the minimal recurrent network and of the gated recurrent unit.

    minimal   h' = u h + (1 - u) x,            u = sigma(e),  e = W h + V x + b,   x ~ N(0, R) anew each step
              Q = R E(1-u)^2 / (1 - E u^2),    chi = E u^2 + sw2 E u'^2 (Q + R)
    GRU       h' = u h + (1 - u) tanh(s),      s = W_s (r h) + U_s x,   r, u gates of pre-activation W h + U x + b
              Q = E(1-u)^2 E tanh^2(s) / (1 - E u^2),        Var s = sw2 E r^2 Q + su2 R,
              chi = E u^2 + sw2 E u'^2 (Q + T) + E(1-u)^2 E tanh'^2(s) sw2 (E r^2 + sw2 E r'^2 Q),   T = E tanh^2(s)

Q = E h^2 in the steady state, e ~ N(mu, sw2 Q + sv2 R + sb2), u' = sigma'(e).  Derivation: square the update, h and x
(or tanh s) are independent of the gate and of each other, so the cross terms vanish; chi = (1 / N) tr E J J^T collects
the squares of the paths by which h' depends on h.  That independence holds for inputs that are uncorrelated in time and
for UNTIED weights, drawn anew at every step.  A real network uses the same weights at all times, and then Q differs by
several per cent: both are simulated here, and `tied` has the theory of the second.

Sources: Chen, Pennington and Schoenholz 2018 (minimal network); Gilboa et al. 2019 (gated networks).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.optimize import brentq
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import gaussian


@dataclass(frozen=True)
class Gate:
    """Variances of a gated network: sw2 recurrent, sv2 input, sb2 bias weights; mu the mean gate bias; R = E x^2."""

    sw2: float
    sv2: float
    sb2: float = 0.0
    mu: float = 0.0
    R: float = 1.0

    def __post_init__(self) -> None:
        for name in ("sw2", "sv2", "sb2", "R"):
            given.not_negative(name, getattr(self, name), why="a variance cannot be negative")
        given.number("mu", self.mu, why="it is the mean bias of a gate")

    def forgotten(self, Q: float) -> float:
        """1 - E u^2 at E h^2 = Q, which may be far below the rounding of 1.

        Raises `ValueError` where it is below the smallest number.
        """
        variance = self.sw2 * Q + self.sv2 * self.R + self.sb2

        def share(e: Tensor) -> Tensor:
            rest = torch.sigmoid(-e - self.mu)
            return rest * (2 - rest)

        found = _mean(share, variance)
        if not found > 0:
            raise ValueError(f"mu = {self.mu}: this gate never lets go of anything that float64 can tell; lower mu.")
        return found

    def averages(self, Q: float) -> tuple[float, float, float]:
        """(E u^2, E (1 - u)^2, E u'^2) at E h^2 = Q."""
        variance = self.sw2 * Q + self.sv2 * self.R + self.sb2
        mu = self.mu

        def at(f: Callable[[Tensor], Tensor]) -> float:
            return _mean(lambda e: f(torch.sigmoid(e + mu)), variance)

        rest = _mean(lambda e: torch.sigmoid(-e - mu).square(), variance)
        return at(torch.square), rest, at(lambda u: (u * (1 - u)).square())


def minimal_fixed_point(gate: Gate) -> tuple[float, float]:
    """(Q, chi) of the minimal recurrent network; memory of a perturbation lasts -1 / log chi steps."""

    def map_(Q: float) -> float:
        _, rest2, _ = gate.averages(Q)
        return gate.R * rest2 / gate.forgotten(Q)

    Q = _solve(map_, gate.R)
    u2, _, slope2 = gate.averages(Q)
    return Q, u2 + gate.sw2 * slope2 * (Q + gate.R)


def gru_fixed_point(gate: Gate) -> tuple[float, float, float]:
    """(Q, T, chi) of the gated recurrent unit; all three matrices share the variances of `gate`, s has no bias."""

    def candidate(Q: float) -> tuple[float, float, float, float]:
        u2, rest2, _ = gate.averages(Q)
        r2 = Gate(gate.sw2, gate.sv2, gate.sb2, 0.0, gate.R).averages(Q)[0]
        variance = gate.sw2 * r2 * Q + gate.sv2 * gate.R
        return u2, rest2, r2, variance

    def map_(Q: float) -> float:
        _, rest2, _, variance = candidate(Q)
        return rest2 * _mean(lambda s: torch.tanh(s).square(), variance) / gate.forgotten(Q)

    Q = _solve(map_, 1.0)
    u2, rest2, r2, variance = candidate(Q)
    T = _mean(lambda s: torch.tanh(s).square(), variance)
    slope2 = _mean(lambda s: torch.cosh(s) ** -4, variance)
    du2 = gate.averages(Q)[2]
    dr2 = Gate(gate.sw2, gate.sv2, gate.sb2, 0.0, gate.R).averages(Q)[2]
    chi = u2 + gate.sw2 * du2 * (Q + T) + rest2 * slope2 * gate.sw2 * (r2 + gate.sw2 * dr2 * Q)
    return Q, T, chi


def lstm_moments(gate: Gate, Q: float) -> tuple[float, float]:
    """(E c^2, E c^4) of the cell c' = f c + i tanh(s) of a long short-term memory with fresh weights, at E h^2 = Q.

    Four independent pre-activations of one variance; f has the mean mu.  c is a perpetuity: a sum of products of random
    gates, not Gaussian, and its density has no closed form.  Its moments close one after another, because tanh(s) is
    symmetric.  With t = tanh(s)

        E c^2 (1 - E f^2) = E i^2 E t^2,      E c^4 (1 - E f^4) = 6 E f^2 E c^2 E i^2 E t^2 + E i^4 E t^4.

    Q itself is E o^2 E tanh^2(c), which no finite number of moments gives; `tied.lstm` samples it.
    """
    given.not_negative("Q", Q, why="a variance cannot be negative")
    variance = gate.sw2 * Q + gate.sv2 * gate.R + gate.sb2

    def moments(f: Callable[[Tensor], Tensor]) -> tuple[float, float]:
        return _mean(lambda e: f(e) ** 2, variance), _mean(lambda e: f(e) ** 4, variance)

    def forgotten4(e: Tensor) -> Tensor:  # 1 - f^4, far below the rounding of 1 for a large mu
        f, rest = torch.sigmoid(e + gate.mu), torch.sigmoid(-e - gate.mu)
        return rest * (1 + f) * (1 + f * f)

    f2, _ = moments(lambda e: torch.sigmoid(e + gate.mu))
    i2, i4 = moments(torch.sigmoid)
    t2, t4 = moments(torch.tanh)
    lost2, lost4 = gate.forgotten(Q), _mean(forgotten4, variance)
    c2 = i2 * t2 / lost2
    return c2, (6 * f2 * c2 * i2 * t2 + i4 * t4) / lost4


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
    h = torch.zeros((n, N, 1), device=rng.device, dtype=torch.float64)
    v = gaussian.normal((n, N, 1), rng)
    weights = _weights(n, N, gate, gate.mu, rng)
    Q, chi = [], []
    for _ in range(steps):
        x = math.sqrt(gate.R) * gaussian.normal((n, N, 1), rng)
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
    h, weights = torch.zeros((n, N, 1), device=rng.device, dtype=torch.float64), _weights(n, N, gate, gate.mu, rng)
    v, sizes = gaussian.normal((n, N, 1), rng), []
    for t in range(steps + lags):
        if t >= steps:
            sizes.append(v.square().sum((1, 2)))
        x = math.sqrt(gate.R) * gaussian.normal((n, N, 1), rng)
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
    h = torch.zeros((n, N, 1), device=rng.device, dtype=torch.float64)
    v = gaussian.normal((n, N, 1), rng)
    means = (gate.mu, 0.0, 0.0)
    layers = [_weights(n, N, gate, mu, rng) for mu in means]
    Q, chi = [], []
    for _ in range(steps):
        x = math.sqrt(gate.R) * gaussian.normal((n, N, 1), rng)
        if not tied:
            layers = [_weights(n, N, gate, mu, rng) for mu in means]
        (Wu, Vu, bu), (Wr, Vr, br), (Ws, Vs, _) = layers
        u, r = torch.sigmoid(Wu @ h + Vu @ x + bu), torch.sigmoid(Wr @ h + Vr @ x + br)
        t = torch.tanh(Ws @ (r * h) + Vs @ x)
        inner = Ws @ (r * v + h * r * (1 - r) * (Wr @ v))
        moved = u * v + u * (1 - u) * (h - t) * (Wu @ v) + (1 - u) * (1 - t * t) * inner
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
    h = torch.zeros((n, N, 1), device=rng.device, dtype=torch.float64)
    c = torch.zeros_like(h)
    means = (gate.mu, 0.0, 0.0, 0.0)
    layers = [_weights(n, N, gate, mu, rng) for mu in means]
    found = []
    for _ in range(steps):
        x = math.sqrt(gate.R) * gaussian.normal((n, N, 1), rng)
        if not tied:
            layers = [_weights(n, N, gate, mu, rng) for mu in means]
        f, i, o, s = (W @ h + V @ x + b for W, V, b in layers)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(s)
        h = torch.sigmoid(o) * torch.tanh(c)
        found.append(torch.stack([(c**2).mean((1, 2)), (c**4).mean((1, 2)), (h**2).mean((1, 2))], 1))
    return _late(found)


def _minimal_step(h: Tensor, v: Tensor, x: Tensor, weights: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """(h', J v), each (n, N, 1): the state after one step with the input x, and a push v after it."""
    W, V, b = weights
    u = torch.sigmoid(W @ h + V @ x + b)
    return u * h + (1 - u) * x, u * v + u * (1 - u) * (h - x) * (W @ v)


def _weights(n: int, N: int, gate: Gate, mu: float, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    W = math.sqrt(gate.sw2 / N) * gaussian.normal((n, N, N), rng)
    V = math.sqrt(gate.sv2 / N) * gaussian.normal((n, N, N), rng)
    return W, V, mu + math.sqrt(gate.sb2) * gaussian.normal((n, N, 1), rng)


def _late(series: list[Tensor]) -> Tensor:
    return torch.stack(series[len(series) // 2 :]).mean(0)


def _mean(f: Callable[[Tensor], Tensor], q: float) -> float:
    return gaussian.average(f, torch.tensor(q, dtype=torch.float64), n=48).item()


def _solve(map_: Callable[[float], float], ceiling: float) -> float:
    """The fixed point of a map of [0, ceiling] into itself."""
    return brentq(lambda Q: map_(Q) - Q, 0.0, ceiling, xtol=1e-16, rtol=1e-15)
