r"""Does it help to walk where the field is noise?  Hybrid Monte Carlo in the latent space of a flow.

    S_latent(z) = S(f(z)) - ln |det df/dz|:        if z has density exp(-S_latent), then x = f(z) has exp(-S) / Z.

For a perfect flow S_latent = z^2 / 2 + const: every direction alike, no slow mode, one stiffness.  For any other flow
the chain is exact all the same, for the accept step sees the true action.  `Latent` is an action for `lattice.hmc`:
start from prior draws, `hmc.tune`, `hmc.run`, and measure on `flow(z)[0]`.  Source: Li and Wang 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit.neuralrg.flows import Flow
from fieldkit.neuralrg.targets import Target


@dataclass(frozen=True)
class Latent:
    """The target seen through the flow: an action of z (n, L, ..., L), in the precision of z and the flow."""

    flow: Flow
    target: Target

    @torch.no_grad()
    def action(self, z: Tensor) -> Tensor:
        """S(f(z)) - ln |det df/dz|, (n,); one forward pass."""
        return self._action(z)

    @torch.enable_grad()
    def force(self, z: Tensor) -> Tensor:
        """-dS_latent/dz, the shape of z; one pass forward and one of differentiation."""
        z = z.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self._action(z).sum(), z)
        return -gradient

    def _action(self, z: Tensor) -> Tensor:
        x, log_det = self.flow(z)
        return self.target.action(x) - log_det

    def seen(self, measure: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """`measure` of fields as a function of z, for `hmc.run(measure=...)`."""

        @torch.no_grad()
        def measured(z: Tensor) -> Tensor:
            return measure(self.flow(z)[0])

        return measured
