"""What does a flow look like that knows the lattice is the same everywhere?  Waves, colours, sites.

    noise -> Monotone -> Spectrum -> Couplings (checkerboards, neighbouring blocks) -> Monotone -> field.

Every weight is shared over translations.  `Monotone` and `Spectrum` commute with all symmetries of the lattice, the
couplings with shifts by an even number of sites along each axis: a checkerboard has two colours.  With `odd` parts and
a prior of two peaks the flow also commutes with x -> -x, and q(-x) = q(x) exactly.  This is the design that the
benchmark sends against the hierarchical one (`mera`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fieldkit.neuralrg.couplings import Couplings
from fieldkit.neuralrg.flows import Flow, Prior
from fieldkit.neuralrg.pointwise import Monotone
from fieldkit.neuralrg.spectrum import Spectrum
from fieldkit.neuralrg.splines import SplineCouplings


def equivariant(
    L: int, d: int = 2, *, n_rounds: int = 4, width: int = 16, depth: int = 2, reach: int = 1, n_terms: int = 6,
    n_bins: int = 0, odd: bool = False, power: Tensor | None = None, mean: float = 0.0, rng: torch.Generator,
    dtype: torch.dtype = torch.float32,
) -> Flow:  # fmt: skip
    """A flow for fields (n, L, ..., L), L even, d = 1, 2 or 3.

    n_rounds, width, depth, reach: of `Couplings`, whose blocks begin at even and odd sites in turn; n_terms: sigmoids
    of each `Monotone`, 0 for none; n_bins: above 0, the couplings are splines of so many bins (`splines`); power,
    mean: where the spectrum and its constant start, such as `IsingDual.kernel()`, and a positive number for a target
    that is one half of another (`targets.OneSector`).  Raises `ValueError` for odd L, for a mean or splines of an odd
    flow, and as the parts do.
    """
    if odd and mean:
        raise ValueError(f"mean = {mean}: an odd flow has no constant; use mean = 0, or odd = False.")
    if L % 2:
        raise ValueError(
            f"L = {L}: a checkerboard on a torus needs an even side; use {max(2, L - 1)} or {max(4, L + 1)}."
        )
    if odd and n_bins:
        raise ValueError(f"n_bins = {n_bins}: splines are not odd; use n_bins = 0, or odd = False.")
    spectrum = Spectrum(L, d, mean=None if odd else mean, power=power, rng=rng, dtype=dtype)
    moves = (
        SplineCouplings(
            d, n_rounds=n_rounds, width=width, depth=depth, n_bins=n_bins, reach=reach, rng=rng, dtype=dtype
        )
        if n_bins
        else Couplings(d, n_rounds=n_rounds, width=width, depth=depth, reach=reach, odd=odd, rng=rng, dtype=dtype)
    )
    steps: list[nn.Module] = [spectrum, moves]
    if n_terms:
        before, after = (Monotone(n_terms, odd=odd, rng=rng, dtype=dtype) for _ in range(2))
        steps = [before, *steps, after]
    return Flow(Prior((L,) * d, peaks=odd, rng=rng, dtype=dtype), steps)
