r"""How do spins become a field that a flow can learn?  The Ising model in its continuous dual.

    S(x) = 1/2 x K^-1 x - sum_i ln cosh x_i,     K = A / T + (shift - lambda_min) 1,     A_ij the bonds between i and j,

with lambda_min the least eigenvalue of A / T, so that the least one of K is `shift` > 0.  From the Gaussian identity
exp(1/2 s K s) ~ int dx exp(-1/2 x K^-1 x + s x), because s_i^2 = 1 makes the diagonal of K a constant: summing the
spins first leaves S, and given x they are independent with P(s_i = 1) = 1 / (1 + exp(-2 x_i)); given s, x is a
Gaussian of mean K s and covariance K.  On the torus K is diagonal in momentum space, so that L^d ln L steps do what an
inverse would.

Sources: Hubbard 1959 and Stratonovich 1957 (the identity); Li and Wang 2018 (as a target for flows).  The exact answers
are in `ising_dual_exact`.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import acceleration, free


@dataclasses.dataclass(frozen=True)
class IsingDual:
    """The dual of the Ising model at temperature T on the periodic lattice of side L in d dimensions, k_B = J = 1.

    Fields are (n, L, ..., L), float32 or float64, on any device.  A side of length 2 carries two bonds between the same
    two sites, as everywhere in this book.  Raises ValueError for L < 2, d < 1, T <= 0 or shift <= 0, TypeError for
    what is no number.
    """

    L: int
    T: float
    d: int = 2
    shift: float = 0.1

    def __post_init__(self) -> None:
        given.whole("L", self.L, least=2, why="a spin needs a neighbour other than itself")
        given.whole("d", self.d, least=1, why="a lattice has at least one dimension")
        given.positive("T", self.T, why="a ferromagnet at finite temperature")
        given.positive("shift", self.shift, why="K must be positive for its Gaussian to exist")

    @property
    def volume(self) -> int:
        """Number of sites."""
        return self.L**self.d

    @property
    def offset(self) -> float:
        """What is added to the diagonal of A / T: shift - lambda_min, lambda_min = 2d cos(2 pi floor(L/2) / L) / T."""
        return self.shift - 2 * self.d * math.cos(2 * math.pi * (self.L // 2) / self.L) / self.T

    def kernel(self, *, device: torch.device | str | None = None) -> Tensor:
        """Eigenvalues of K, (L, ..., L) in the order of torch.fft.fftn, float64.

        A has the eigenvalues 2 sum_mu cos p_mu = 2d - p^2, p^2 the lattice momentum squared.
        """
        power = free.momentum_squared(self.L, self.d, device=device)
        if self.T < 1e-3:  # two large numbers: their difference as it stands, or `shift` would be lost in rounding
            return (power.max() - power) / self.T + self.shift
        return (2 * self.d - power) / self.T + self.offset

    def action(self, x: Tensor) -> Tensor:
        """S of each field, shape (n,), in the fields' precision; 1/2 x K^-1 x by momenta."""
        self._refuse(x)
        axes = tuple(range(1, x.dim()))
        smooth = acceleration.filtered(x, self._inverse(x))
        return (0.5 * x * smooth - log_cosh(x)).sum(axes)

    def force(self, x: Tensor) -> Tensor:
        """-dS/dx = tanh x - K^-1 x, the shape of x."""
        self._refuse(x)
        return torch.tanh(x) - acceleration.filtered(x, self._inverse(x))

    def spins(self, x: Tensor, *, rng: torch.Generator) -> Tensor:
        """Spins drawn given the fields: int8 in the shape of x, each up with probability 1 / (1 + exp(-2 x))."""
        given.fields(x)
        given.generator(rng)
        uniform = torch.rand(x.shape, generator=rng, device=rng.device, dtype=x.dtype)
        return ((uniform < torch.sigmoid(2 * x)).to(torch.int8) * 2 - 1).to(torch.int8)

    def fields(self, spins: Tensor, *, rng: torch.Generator) -> Tensor:
        """Fields drawn given spins (n, L, ..., L): Gaussian of mean K s and covariance K; float64.

        From exact spins these are exact fields; a cluster chain with this at its end is a truth for every flow.
        """
        given.generator(rng)
        s = given.numbers(spins).to(torch.float64)
        self._refuse(s)
        K = self.kernel(device=rng.device)
        white = torch.randn(s.shape, generator=rng, device=rng.device, dtype=torch.float64)
        return acceleration.filtered(s, K) + acceleration.filtered(white, K.sqrt())

    def magnetization(self, x: Tensor) -> Tensor:
        """Mean over sites of <s_i> given x, tanh x_i, (n,) float64.  Its average is <m>, less noisy than the spins'."""
        return torch.tanh(x).double().mean(tuple(range(1, x.dim())))

    def squared_magnetization(self, x: Tensor) -> Tensor:
        """<m^2> given x, (n,) float64: [(sum tanh x_i)^2 + sum (1 - tanh^2 x_i)] / N^2; spins are independent."""
        t = torch.tanh(x).double().flatten(1)
        return (t.sum(1).square() + (1 - t.square()).sum(1)) / self.volume**2

    def _inverse(self, x: Tensor) -> Tensor:
        return self.kernel(device=x.device).reciprocal()

    def _refuse(self, x: Tensor) -> None:
        given.fields(x)
        if x.shape[1:] != (self.L,) * self.d:
            raise ValueError(
                f"shape {tuple(x.shape)}: this theory lives on {self.L} sites a side in {self.d} dimensions; give "
                f"fields {('n',) + (self.L,) * self.d} or build IsingDual for theirs."
            )


def log_cosh(x: Tensor) -> Tensor:
    """ln cosh x without overflow, any shape: |x| + ln(1 + e^-2|x|) - ln 2."""
    size = x.abs()
    return size + torch.log1p(torch.exp(-2 * size)) - math.log(2)
