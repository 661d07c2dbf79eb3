r"""What is the free part of an interacting field?  A power spectrum that is learned: one number for each class of
waves.

    x_p -> exp(l_p / 2) x_p  for every momentum p,        then  x -> x + c at every site.

From white noise it makes a Gaussian field with <|x_p|^2> / V = exp(l_p), so that the networks need only learn what is
not Gaussian.  Momenta that reflections and exchanges of the axes carry into each other have one number: the lattice
keeps its symmetries.  The log-determinant, sum_p l_p / 2, is the same for all fields, and the score goes g_p ->
exp(-l_p / 2) g_p.  Directions and `transport` are those of `couplings`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fieldkit import given
from fieldkit.lattice import acceleration


def classes(L: int, d: int, *, device: torch.device | str | None = None) -> Tensor:
    """Number of the symmetry class of every momentum, int64 (L, ..., L) in the order of torch.fft.fftn.

    Momenta with the same sorted distances s_1 <= ... <= s_d from zero have the same number, the sum over i of the
    binomials (s_i + i - 1 over i), which counts 0, 1, 2, ... without a gap.

    >>> classes(4, 1).tolist()
    [0, 1, 2, 1]
    """
    given.whole("L", L, least=1, why="a lattice has at least one site a side")
    given.whole("d", d, least=1, why="a lattice has at least one dimension")
    k = torch.arange(L, device=device)
    size = torch.minimum(k, L - k)
    sizes = torch.stack(torch.meshgrid(*[size] * d, indexing="ij")).sort(0).values
    return torch.stack([rising(s, i) // math.factorial(i) for i, s in enumerate(sizes, start=1)]).sum(0)


def rising(s: Tensor, i: int) -> Tensor:
    """s (s + 1) ... (s + i - 1)."""
    return torch.stack([s + j for j in range(i)]).prod(0)


class Spectrum(nn.Module):
    """The filter on fields (n, L, ..., L); begins as the identity, or with the power (L, ..., L) given.

    mean: where the constant c begins; None to have none (odd flows).  Raises `ValueError` for L < 1, d < 1, or a power
    of another shape or not positive.
    """

    def __init__(
        self, L: int, d: int, *, mean: float | None = 0.0, power: Tensor | None = None, rng: torch.Generator,
        dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        super().__init__()
        given.generator(rng)
        if mean is not None:
            given.number("mean", mean, why="the field must start somewhere")
        number = classes(L, d, device=rng.device)
        self.register_buffer("number", number, persistent=False)
        start = torch.zeros(math.comb(L // 2 + d, d), dtype=torch.float64, device=rng.device)
        if power is not None:
            power = given.numbers(power)
            if power.shape != (L,) * d or not bool(((power > 0) & power.isfinite()).all()):
                raise ValueError(f"power {tuple(power.shape)}: give one positive number for each momentum, {(L,) * d}.")
            start = start.scatter(0, number.flatten(), power.flatten().log().to(start))
            if not torch.allclose(start[number], power.log().to(start), rtol=0, atol=1e-5):
                raise ValueError(
                    "power differs between waves that a reflection or exchange of axes makes one; average it."
                )
        self.log_power = nn.Parameter(start.to(dtype))
        self.mean = None if mean is None else nn.Parameter(torch.full((), mean, dtype=dtype, device=rng.device))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Towards the field: (n, L, ..., L) -> the same, log-determinant (n,)."""
        half = self._half()
        y = acceleration.filtered(x, half.exp())
        return (y if self.mean is None else y + self.mean), half.sum().expand(len(x))

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Back, and the log-determinant (n,) of this direction."""
        half = self._half()
        x = y if self.mean is None else y - self.mean
        return acceleration.filtered(x, (-half).exp()), -half.sum().expand(len(y))

    def transport(self, x: Tensor, score: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`forward` of x and of the score of its density; log-determinant and score leave without a gradient."""
        y, log_det = self.forward(x)
        with torch.no_grad():
            return y, log_det.detach(), acceleration.filtered(score, (-self._half()).exp())

    def _half(self) -> Tensor:
        number: Tensor = self.number  # type: ignore[assignment]
        return self.log_power[number] / 2


def whitened(x: Tensor) -> Tensor:
    """Fields (n, L, ..., L) less the mean of all, every wave over the root of its power <|x_p|^2> / V in these fields.

    What the best linear and translation-invariant map makes of them: no two sites are correlated any more, and of all
    Gaussian fields of the inverse map none is likelier.  What is left is not Gaussian.  Powers are means over the
    symmetry class (`classes`).  Raises `ValueError` where there are not at least two fields, or a wave is silent.
    """
    given.fields(x)
    L, d, axes = x.shape[-1], x.dim() - 1, tuple(range(1, x.dim()))
    if x.shape[1:] != (L,) * d or len(x) < 2:
        raise ValueError(f"shape {tuple(x.shape)}: a power is a mean over fields (n, L, ..., L) of equal sides, n > 1.")
    number, x = classes(L, d, device=x.device).flatten(), x - x.mean()
    power = torch.fft.fftn(x, dim=axes).abs().square().mean(0).flatten() / L**d
    none = x.new_zeros(int(number.max()) + 1)
    total, size = none.scatter_add(0, number, power), none.scatter_add(0, number, torch.ones_like(power))
    if not bool((total > 0).all()):
        raise ValueError("a wave has no power in these fields: it cannot be made white; give fields that move freely.")
    return acceleration.filtered(x, (total / size).rsqrt()[number].reshape((L,) * d))
