r"""How do two peaks come out of one?  A monotone map of every site by itself.

    y = a_0 x + sum_j a_j u_j / sqrt(1 + u_j^2),    u_j = b_j (x - c_j),    a_0, a_j, b_j > 0,

steep where peaks are to part, flat where they are to meet.  It has no closed inverse; Newton's method, kept between two
bounds that close in, finds it to the precision of the numbers.  The score of a density is carried by

    g -> (g - y''/y') / y'.

`odd` puts all centres c_j at zero.  Directions and `transport` are those of `couplings`.  This is a sum of sigmoids as
in the neural autoregressive flows of Huang et al.  2018, with algebraic sigmoids, which need no exponential.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fieldkit import given


class Monotone(nn.Module):
    """One map for all sites, n_terms sigmoids; begins close to the identity: a_0 = 1, a_j = e^-4."""

    def __init__(
        self, n_terms: int = 6, *, odd: bool = False, rng: torch.Generator, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        given.whole("n_terms", n_terms, least=1, why="without a sigmoid the map is a scale")
        spread = torch.linspace(-1, 1, n_terms, device=rng.device, dtype=dtype)
        self.log_slope = nn.Parameter(spread.new_zeros(()))
        self.log_height = nn.Parameter(torch.full_like(spread, -4.0))
        self.log_steepness = nn.Parameter(1.5 * spread)
        self.centre = None if odd else nn.Parameter(2 * spread)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Towards the field: x of any shape (n, ...) -> y, log-determinant (n,)."""
        y, slope = self._map(x)
        return y, _per_field(slope.log())

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Back, and the log-determinant (n,) of this direction; differentiable once."""
        x = self._solve(y.detach())
        again, slope = self._map(x)
        x = x - (again - y) / slope.detach()  # zero, with the right derivative
        return x, -_per_field(self._map(x)[1].log())

    def transport(self, x: Tensor, score: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`forward` of x and of the score of its density; log-determinant and score leave without a gradient."""
        y, slope = self._map(x)
        with torch.no_grad():
            score = (score - self._bend(x) / slope) / slope
            return y, _per_field(slope.log()), score

    def _terms(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """a, b (n_terms, 1, ...), u and 1 / sqrt(1 + u^2) (n_terms, ...)."""
        shape = (-1,) + (1,) * x.dim()
        a, b = self.log_height.exp().reshape(shape), self.log_steepness.exp().reshape(shape)
        u = b * x if self.centre is None else torch.addcmul(-(b * self.centre.reshape(shape)), b, x)
        return a, b, u, torch.rsqrt(1 + u * u)

    def _map(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """y and dy/dx."""
        a, b, u, r = self._terms(x)
        slope = self.log_slope.exp()
        return slope * x + (a * (u * r)).sum(0), slope + ((a * b) * r**3).sum(0)

    def _bend(self, x: Tensor) -> Tensor:
        """d^2y/dx^2."""
        a, b, u, r = self._terms(x)
        return (-3 * a * b * b * u * r**5).sum(0)

    @torch.no_grad()
    def _solve(self, y: Tensor) -> Tensor:
        """x with map(x) = y: a sigmoid adds at most a_j, so x lies within sum a_j / a_0 of y / a_0.

        Newton's step is taken where it stays between the bounds and is at most half of the last one, else the bounds
        are halved.  An accelerator is not asked whether all sites have arrived; sixty turns are enough for every one.
        """
        slope, reach = self.log_slope.exp(), self.log_height.exp().sum()
        low, high = (y - reach) / slope, (y + reach) / slope
        x, moved = y / slope, high - low
        close = 4 * torch.finfo(y.dtype).eps
        for _ in range(60):
            value, derivative = self._map(x)
            error = value - y
            low, high = torch.where(error < 0, x, low), torch.where(error > 0, x, high)
            newton = x - error / derivative
            step, near = (newton - x).abs(), close * (1 + x.abs())
            trusted = (newton >= low) & (newton <= high) & ((step <= moved / 2) | (step <= near))
            new = torch.where(trusted, newton, (low + high) / 2)
            moved, x = (new - x).abs(), new
            if y.device.type == "cpu" and bool((moved <= near).all()):
                break
        return x


def _per_field(values: Tensor) -> Tensor:
    return values.flatten(1).sum(1)
