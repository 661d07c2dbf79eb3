"""A chain that no book has: what is left of it when you keep every b-th spin?

Spins have q states on a circle, and a bond between s and s' weighs w_d = exp(K v_d), d the shorter way from s to s',
v_0 = 0.  Its q x q matrix T depends on s - s' only, and so does T^b: a step is exact and stays in the family,

    T^b = exp(g) times the matrix of weights 1, exp(u_1), exp(u_2), ...

The book's chain is q = 2.  A kept bond of an open chain is independent of all others, so a coupling that is read off
configurations has an error that is known: Var ln(n_1 / 2 n_0) = (1 / p_1 + 1 / p_0) / n.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

RIGHT = ("power", "fourier", "bond by bond")
WRONG = {
    "another b": "it keeps one spin in b + 1",
    "moved bonds": "it moves bonds together before it sums, which is for other lattices",
    "base ten": "its logarithms have the base ten",
    "truncated": "it forgets all couplings but the first",
    "open circle": "its states lie on a line, not on a circle",
}


@dataclass(frozen=True)
class Chain:
    """One student's chain; v has q // 2 numbers."""

    q: int
    b: int
    v: tuple[float, ...]

    def weights(self, u: Tensor) -> Tensor:
        """exp(u_d) for s' - s = 0 ... q - 1, from u (q // 2,)."""
        d = torch.arange(self.q)
        return torch.cat([torch.zeros(1, dtype=torch.float64), u])[torch.minimum(d, self.q - d)].exp()

    def matrix(self, u: Tensor) -> Tensor:
        """T (q, q)."""
        s = torch.arange(self.q)
        return self.weights(u)[(s[:, None] - s) % self.q]

    def couplings(self, K: float) -> Tensor:
        """u_d = K v_d, (q // 2,)."""
        return K * torch.tensor(self.v[: self.q // 2], dtype=torch.float64)

    def step(self, u: Tensor, b: int | None = None) -> Tensor:
        """(g, u'_1, u'_2, ...) of the chain of every b-th spin."""
        row = torch.linalg.matrix_power(self.matrix(u), b or self.b)[0]
        logs = row[: self.q // 2 + 1].log()
        return torch.cat([logs[:1], logs[1:] - logs[0]])

    def free_energy(self, K: float) -> float:
        """ln Z per site of the infinite chain: the sum of a row, which is the largest eigenvalue."""
        return math.log(float(self.weights(self.couplings(K)).sum()))


def stepper(chain: Chain, kind: str) -> Callable[[Tensor], Tensor]:
    """A function u (q // 2,) -> u', right or wrong in the named way."""

    def step(u: Tensor) -> Tensor:
        if kind == "fourier":
            row = torch.fft.ifft(torch.fft.fft(chain.weights(u).to(torch.complex128)) ** chain.b).real
            logs = row[: chain.q // 2 + 1].log()
            return logs[1:] - logs[0]
        if kind == "bond by bond":
            T = total = chain.matrix(u)
            for _ in range(chain.b - 1):
                total = T @ total
            return (total[0, 1 : chain.q // 2 + 1] / total[0, 0]).log()
        if kind == "moved bonds":
            return chain.step(chain.b * u)[1:]
        if kind == "truncated":
            u = torch.cat([u[:1], torch.zeros_like(u[1:])])
        if kind == "open circle":
            s = torch.arange(chain.q)
            logs = torch.cat([torch.zeros(1, dtype=torch.float64), u, u[-1:].expand(chain.q)])
            row = torch.linalg.matrix_power(logs[(s[:, None] - s).abs()].exp(), chain.b)[0]
            return (row[1 : chain.q // 2 + 1] / row[0]).log()
        new = chain.step(u, chain.b + 1 if kind == "another b" else chain.b)[1:]
        return new / math.log(10) if kind == "base ten" else new

    return step


def drawn(chain: Chain, K: float, n: int, L: int, rng: torch.Generator) -> tuple[Tensor, float, float]:
    """n open chains of L spins (n, L), u_1 of them, and the error of ln(n_1 / 2 n_0)."""
    p = chain.weights(chain.couplings(K))
    p = p / p.sum()
    turns = torch.multinomial(p, n * (L - 1), replacement=True, generator=rng).reshape(n, L - 1)
    first = torch.randint(chain.q, (n, 1), generator=rng)
    s = torch.cat([first, first + turns.cumsum(1)], 1) % chain.q
    one = float(p[1] + p[-1])
    return s.double(), float(chain.couplings(K)[0]), math.sqrt((1 / one + 1 / float(p[0])) / (n * (L - 1)))
