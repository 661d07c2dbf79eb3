"""Networks of a width that no limit covers: what are their cumulants, exactly?

    f(x) = sum_i v_i h(w_i x + b_i) + c,        h(u) = c1 erf(u) + c2 cos(u) + c3 u exp(-u^2 / 2)

v ~ N(0, sw2 / width), w ~ N(0, 1/2) for x in the plane, b ~ N(0, sb2), c ~ N(0, so2).  f is a sum of independent terms
and a Gaussian c, which is in no higher cumulant; with M the averages over one neuron

    G4(x, x, y, y) = (sw2^2 / N) [3 M_xxyy - M_xx M_yy - 2 M_xy^2]
    G6(x) = (sw2^3 / N^2) [15 M_6 - 45 M_4 M_2 + 30 M_2^3]

as in `fieldkit.nnft.exact`.  The averages are trapezoid sums over smooth functions, exact to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

RIGHT = ("plain", "last layer by hand", "two halves")
WRONG = {
    "no fan-in": "its last layer has variance sw2, not sw2 over the width",
    "root": "its last layer has standard deviation sw2 / sqrt(N)",
    "no output bias": "it has forgotten the output bias",
    "narrow": "it has a third of the neurons",
    "no hidden bias": "its neurons have no biases",
}


@dataclass(frozen=True)
class Ensemble:
    """One student's networks."""

    c1: float
    c2: float
    c3: float
    width: int
    sw2: float
    sb2: float
    so2: float

    def h(self, u: Tensor) -> Tensor:
        """Element by element."""
        return self.c1 * torch.erf(u) + self.c2 * torch.cos(u) + self.c3 * u * torch.exp(-u * u / 2)

    def covariance(self, x: Tensor) -> Tensor:
        """Of one neuron's pre-activations at inputs x (k, 2): (k, k)."""
        return self.sb2 + x @ x.T / 2

    def moments(self, x: Tensor) -> dict[str, float]:
        """M_xx, M_yy, M_xy, M_xxyy at two inputs x (2, 2)."""
        root = torch.linalg.cholesky(self.covariance(x))
        z, w = _nodes(8.0, 161)
        a = self.h(root[0, 0] * z)
        b = self.h(root[1, 0] * z[:, None] + root[1, 1] * z)
        pairs = {"xx": (2, 0), "yy": (0, 2), "xy": (1, 1), "xxyy": (2, 2)}
        return {name: float(w @ (a[:, None] ** i * b**j) @ w) for name, (i, j) in pairs.items()}

    def powers(self, x: Tensor) -> dict[int, float]:
        """E h^k for k = 2, 4, 6, 8 at one input x (2,)."""
        z, w = _nodes(10.0, 801)
        values = self.h(self.covariance(x[None])[0, 0].sqrt() * z)
        return {k: float(w @ values**k) for k in (2, 4, 6, 8)}

    def g4(self, x: Tensor) -> tuple[float, float]:
        """The connected <f(x) f(x) f(y) f(y)>, and its first term, the scale against which it is read."""
        m = self.moments(x)
        unit = self.sw2**2 / self.width
        return unit * (3 * m["xxyy"] - m["xx"] * m["yy"] - 2 * m["xy"] ** 2), 3 * unit * m["xxyy"]

    def cumulants(self, x: Tensor) -> dict[int, float]:
        """Of f at one input: 2, 4, 6 and 8; those of v h are 3 M_4 - 3 M_2^2 and so on, times sw2^(k/2)."""
        m, s, n = self.powers(x), self.sw2 / self.width, self.width
        a, b, c, d = m[2], 3 * m[4], 15 * m[6], 105 * m[8]  # moments of v h in units of s
        four, six = b - 3 * a**2, c - 15 * b * a + 30 * a**3
        eight = d - 28 * c * a - 35 * b**2 + 420 * b * a**2 - 630 * a**4
        return {2: self.sw2 * a + self.so2, 4: n * s**2 * four, 6: n * s**3 * six, 8: n * s**4 * eight}


def _nodes(reach: float, n: int) -> tuple[Tensor, Tensor]:
    z = torch.linspace(-reach, reach, n, dtype=torch.float64)
    return z, torch.exp(-z * z / 2) * (z[1] - z[0]) / math.sqrt(2 * math.pi)


def bar(k: dict[int, float], n: int) -> float:
    """The error of m4 - 3 m2^2 from n independent networks, by their moments up to the eighth; leading order in 1/n."""
    two, four = k[2], k[4] + 3 * k[2] ** 2
    six = k[6] + 15 * k[4] * two + 15 * two**3
    eight = k[8] + 28 * k[6] * two + 35 * k[4] ** 2 + 210 * k[4] * two**2 + 105 * two**4
    return math.sqrt((eight - four**2 - 12 * two * (six - four * two) + 36 * two**2 * (four - two**2)) / n)


def networks(e: Ensemble, kind: str, rng: torch.Generator) -> Callable[[Tensor, int], Tensor]:
    """A function (x (k, 2), n) -> f (n, k): n networks at k inputs, right or wrong in the named way."""
    width = e.width // 3 if kind == "narrow" else e.width
    s = {"no fan-in": math.sqrt(e.sw2), "root": e.sw2 / math.sqrt(width)}.get(kind, math.sqrt(e.sw2 / width))
    sb, so = (math.sqrt(v) for v in (e.sb2, e.so2))
    sb, so = 0.0 if kind == "no hidden bias" else sb, 0.0 if kind == "no output bias" else so

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64)

    def draw(x: Tensor, n: int) -> Tensor:
        h = e.h(normal(n, width, 2) @ x.T / math.sqrt(2) + sb * normal(n, width, 1))
        if kind == "last layer by hand":  # given the neurons f is Gaussian
            K = s**2 * h.mT @ h + so**2 + 1e-12 * torch.eye(x.shape[0], dtype=torch.float64)
            return (torch.linalg.cholesky(K) @ normal(n, x.shape[0], 1))[:, :, 0]
        if kind == "two halves":
            first = h[:, : width // 2], h[:, width // 2 :]
            return sum(s * (normal(n, 1, part.shape[1]) @ part)[:, 0] for part in first) + so * normal(n, 1)
        return s * (normal(n, 1, width) @ h)[:, 0] + so * normal(n, 1)

    return draw
