r"""How do you draw a field and know its probability?  Push white noise through steps whose volume change is known.

    x = f(z),  z ~ prior:        ln q(x) = ln prior(z) - ln |det df/dz|.

`forward` goes from noise z to field x: **generation**.  `inverse` goes back: the renormalisation group.  Both are
exact, so ln q is known for the samples of the flow (one pass) and for any other field (`log_prob`).  z has the shape
of x, (n, L, ..., L).  A step is a module with `forward`, `inverse` and `transport` (see `couplings`); `transport`
carries the score d ln q / dx along with the sample, so that the path gradient of `training` needs no way back.

Networks are float32 unless made otherwise; `flow.double()` for numbers that are weighed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from fieldkit import given


class Prior(nn.Module):
    """White noise on `shape` = (L, ..., L), one unit Gaussian a site; with `peaks`, two of them for the mean.

    With peaks, u = sqrt(N) M, M the mean over the N sites, is e +- mu with e a unit Gaussian, both signs alike and mu
    learned: even in z, for flows that are odd maps of z and a target with two sectors.
    """

    def __init__(
        self, shape: tuple[int, ...], *, peaks: bool = False, rng: torch.Generator, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        given.generator(rng)
        for side in shape:
            given.whole("L", side, least=1, why="a lattice has at least one site a side")
        self.shape, self.volume = tuple(shape), math.prod(shape)
        self.peak = nn.Parameter(torch.ones((), device=rng.device, dtype=dtype)) if peaks else None

    def sample(self, n: int, *, rng: torch.Generator, dtype: torch.dtype) -> Tensor:
        """n draws (n, L, ..., L), differentiable in mu; n is the fastest index in memory."""
        white = torch.randn((*self.shape, n), generator=rng, device=rng.device, dtype=dtype).movedim(-1, 0)
        if self.peak is None:
            return white
        sign = torch.randint(0, 2, (n,), generator=rng, device=rng.device) * 2 - 1
        return white + self._sites(sign * self.peak)

    def log_prob(self, z: Tensor) -> Tensor:
        """ln of the density, (n,)."""
        log_p = -0.5 * z.square().flatten(1).sum(1) - self.volume / 2 * math.log(2 * math.pi)
        if self.peak is None:
            return log_p
        lift = self.peak * self._mode(z)  # ln cosh(mu u) - mu^2 / 2, without overflow
        return log_p + torch.logaddexp(lift, -lift) - math.log(2) - self.peak.square() / 2

    def score(self, z: Tensor) -> Tensor:
        """d ln prior / dz, the shape of z."""
        if self.peak is None:
            return -z
        return -z + self._sites(self.peak * torch.tanh(self.peak * self._mode(z)))

    def _mode(self, z: Tensor) -> Tensor:
        return z.flatten(1).sum(1) / math.sqrt(self.volume)

    def _sites(self, u: Tensor) -> Tensor:
        """A field whose only amplitude is u (n,) at momentum zero."""
        return (u / math.sqrt(self.volume)).reshape(-1, *(1,) * len(self.shape))


class Flow(nn.Module):
    """A prior and the steps that turn its draws into fields, first to last."""

    def __init__(self, prior: Prior, steps: Iterable[nn.Module]) -> None:
        super().__init__()
        self.prior, self.steps = prior, nn.ModuleList(steps)

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the parameters, hence of the samples."""
        return next((p.dtype for p in self.parameters()), torch.float32)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Noise (n, L, ..., L) -> field, ln |det dx/dz| (n,).  Raises `ValueError` for another shape."""
        self._refuse(z)
        return forward(self.steps, z)

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Field -> noise, ln |det dz/dx| (n,).  Raises as `forward`."""
        self._refuse(x)
        return inverse(self.steps, x)

    def log_prob(self, x: Tensor) -> Tensor:
        """ln q of any fields, (n,); one inverse pass."""
        z, log_det = self.inverse(x)
        return self.prior.log_prob(z) + log_det

    def draw(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Field and its ln q (n,) from noise z, both differentiable in the weights; one pass."""
        x, log_det = self.forward(z)
        return x, self.prior.log_prob(z) - log_det

    def transport(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Field, ln q (n,) and score d ln q / dx; only the field carries a gradient, that of z and the weights."""
        self._refuse(z)
        with torch.no_grad():
            log_q, score = self.prior.log_prob(z), self.prior.score(z)
        if not z.requires_grad:
            z = z.detach().requires_grad_()
        x, log_det, score = transport(self.steps, z, score)
        return x, log_q - log_det, score

    @torch.no_grad()
    def sample(self, n: int, *, rng: torch.Generator, batch: int = 4096) -> tuple[Tensor, Tensor]:
        """n independent fields and their ln q, (n, L, ..., L) and (n,), computed `batch` at a time; no gradients.

        Raises `ValueError` for n < 1 or batch < 1.
        """
        given.whole("n", n, least=1, why="a batch holds at least one field")
        given.whole("batch", batch, least=1, why="fields are drawn so many at a time")
        given.generator(rng)
        fields, log_q = [], []
        for start in range(0, n, batch):
            z = self.prior.sample(min(batch, n - start), rng=rng, dtype=self.dtype)
            x, log_q_part = self.draw(z)
            fields.append(x.contiguous())
            log_q.append(log_q_part)
        return torch.cat(fields), torch.cat(log_q)

    def _refuse(self, x: Tensor) -> None:
        given.fields(x)
        own = next((p.dtype for p in self.parameters()), x.dtype)
        if x.dtype != own:
            raise TypeError(
                f"fields of {x.dtype} in a flow of {own}: one precision for both; use flow.double() "
                "or flow.float(), or convert the fields."
            )
        if x.shape[1:] != self.prior.shape:
            raise ValueError(
                f"shape {tuple(x.shape)}: this flow was built for fields {('n', *self.prior.shape)}; build one for L = "
                f"{x.shape[-1]}, or give fields of its size."
            )


def forward(steps: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """All steps (modules with `forward`, `inverse`, `transport`), first to last; log-determinants add."""
    log_det = x.new_zeros(len(x))
    for step in steps:
        x, change = step(x)
        log_det = log_det + change
    return x, log_det


def inverse(steps: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """All steps back, last to first."""
    log_det = x.new_zeros(len(x))
    for step in reversed(steps):
        x, change = step.inverse(x)
        log_det = log_det + change
    return x, log_det


def transport(steps: Any, x: Tensor, score: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """All steps, first to last, with the score."""
    log_det = x.new_zeros(len(x))
    for step in steps:
        x, change, score = step.transport(x, score)
        log_det = log_det + change
    return x, log_det, score
