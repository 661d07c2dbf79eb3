r"""How does a flow get a symmetry that its target has?  Built in, or by tossing a coin.

    q_sym(x) = [q(x) + q(-x)] / 2:        draw x from q, flip it with probability 1/2.

Built in: odd networks and an even prior (`odd=True` of `equivariant.equivariant` and `mera.mera`); then q(-x) = q(x),
one pass.  Symmetrised: `Symmetrised` wraps any flow, at the price of an inverse pass for q(-x), as Li and Wang 2018
do.  Cheaper, and in our hands better: train on one sector (`targets.OneSector`), and flip the samples.  Such a flow can
still be weighed as the mixture, `Symmetrised(flow)` against the whole target: fields near the border between the
sectors then count from both sides, and large weights become rarer.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fieldkit import given
from fieldkit.neuralrg.flows import Flow, Prior


class Symmetrised(nn.Module):
    """The mixture q_sym of a flow and its mirror image; the methods of `Flow` that have a meaning for it."""

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow

    @property
    def prior(self) -> Prior:
        """The prior of the flow; the coins are tossed in `sample`."""
        return self.flow.prior

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the parameters."""
        return self.flow.dtype

    def log_prob(self, x: Tensor) -> Tensor:
        """ln q_sym of any fields, (n,); two inverse passes."""
        return torch.logaddexp(self.flow.log_prob(x), self.flow.log_prob(-x)) - math.log(2)

    def draw(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Field before its coin is tossed, and ln q_sym, the same for either side; one pass forward, one back."""
        x, log_q = self.flow.draw(z)
        return x, torch.logaddexp(log_q, self.flow.log_prob(-x)) - math.log(2)

    def transport(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Field, ln q_sym (n,) and its score, by two inverse passes; only the field carries a gradient."""
        x, _ = self.flow.draw(z if z.requires_grad else z.detach().requires_grad_())
        place = x.detach().requires_grad_()
        log_q = self.log_prob(place)
        (score,) = torch.autograd.grad(log_q.sum(), place)
        return x, log_q.detach(), score

    @torch.no_grad()
    def sample(self, n: int, *, rng: torch.Generator, batch: int = 4096) -> tuple[Tensor, Tensor]:
        """n independent fields and their ln q_sym; arguments as `Flow.sample`."""
        x, log_q = self.flow.sample(n, rng=rng, batch=batch)
        mirror = torch.cat([self.flow.log_prob(-part) for part in x.split(batch)])
        return random_signs(x, rng=rng), torch.logaddexp(log_q, mirror) - math.log(2)


def random_signs(x: Tensor, *, rng: torch.Generator) -> Tensor:
    """Each field of x (n, L, ..., L) with its sign or the other, probability 1/2 each."""
    given.fields(x)
    given.generator(rng)
    sign = torch.randint(0, 2, (len(x),), generator=rng, device=rng.device).to(x.dtype) * 2 - 1
    return x * sign.reshape(-1, *(1,) * (x.dim() - 1))
