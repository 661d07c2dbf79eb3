"""Flows whose weights are not zero: laws are tested away from the identity, where mistakes show."""

from __future__ import annotations

import torch

from fieldkit.neuralrg.equivariant import equivariant
from fieldkit.neuralrg.flows import Flow
from fieldkit.neuralrg.mera import mera


def shaken(module: torch.nn.Module, rng: torch.Generator, size: float = 0.3) -> torch.nn.Module:
    """The module with normal noise of that size added to every parameter."""
    with torch.no_grad():
        for p in module.parameters():
            p += size * torch.randn(p.shape, generator=rng, device=rng.device, dtype=p.dtype)
    return module


def flows(rng: torch.Generator, dtype: torch.dtype = torch.float64) -> dict[str, Flow]:
    """One of every kind, by name."""
    made = {
        "waves and colours": equivariant(4, rng=rng, dtype=dtype, n_rounds=2, width=5),
        "waves and colours, L = 8": equivariant(8, rng=rng, dtype=dtype, n_rounds=2, width=4),
        "waves and colours, odd": equivariant(4, rng=rng, dtype=dtype, n_rounds=2, width=5, odd=True),
        "waves and colours, ring": equivariant(6, 1, rng=rng, dtype=dtype, n_rounds=2, width=5),
        "blocks only": equivariant(4, rng=rng, dtype=dtype, n_rounds=2, width=5, reach=0, n_terms=0),
        "hierarchy": mera(4, rng=rng, dtype=dtype, n_rounds=2, width=5),
        "hierarchy, L = 8": mera(8, rng=rng, dtype=dtype, n_rounds=1, width=3, n_terms=2),
        "hierarchy, odd": mera(4, rng=rng, dtype=dtype, n_rounds=2, width=5, odd=True),
        "hierarchy, ring": mera(8, 1, rng=rng, dtype=dtype, n_rounds=2, width=5),
        "hierarchy, one network a block": mera(8, rng=rng, dtype=dtype, n_rounds=2, width=3, shared=False),
        "hierarchy, one network a block, ring": mera(8, 1, rng=rng, dtype=dtype, n_rounds=1, width=3, shared=False),
        "hierarchy, one level": mera(6, n_levels=1, rng=rng, dtype=dtype, n_rounds=2, width=5),
        "hierarchy, repeated, deeper": mera(4, rng=rng, dtype=dtype, n_rounds=1, n_repeats=2, width=3, depth=3),
        "hierarchy, bare": mera(4, rng=rng, dtype=dtype, n_rounds=3, width=5, spectra=False, n_terms=0),
    }
    cubes = {
        "waves and colours, cube": equivariant(4, 3, rng=rng, dtype=dtype, n_rounds=2, width=4, depth=1),
        "hierarchy, cube": mera(4, 3, rng=rng, dtype=dtype, n_rounds=4, width=4),
    }
    return {name: shaken(flow, rng) for name, flow in made.items()} | {
        name: shaken(flow, rng, size=0.05) for name, flow in cubes.items()
    }


NAMES = tuple(flows(torch.Generator().manual_seed(0)))

__all__ = ["NAMES", "flows", "shaken"]
