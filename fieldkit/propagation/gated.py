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
several per cent: `gated_networks` simulates both, and `tied` has the theory of the second.

Sources: Chen, Pennington and Schoenholz 2018 (minimal network); Gilboa et al. 2019 (gated networks).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from scipy.optimize import brentq
from torch import Tensor

from fieldkit import given, moved
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


def _mean(f: Callable[[Tensor], Tensor], q: float) -> float:
    return gaussian.average(f, torch.tensor(q, dtype=torch.float64), n=48).item()


def _solve(map_: Callable[[float], float], ceiling: float) -> float:
    """The fixed point of a map of [0, ceiling] into itself."""
    return brentq(lambda Q: map_(Q) - Q, 0.0, ceiling, xtol=1e-16, rtol=1e-15)


if not TYPE_CHECKING:
    __getattr__ = moved.names(__name__)
