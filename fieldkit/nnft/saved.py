r"""Can an ensemble be kept, and asked later?  Outputs of n networks in one file, with the recipe that drew them.

    save(path, ensemble, x, f)      f (n, m, d_out), as `ensembles.functions` draws them
    correlators of the file         `measure`: averages over chunks of networks, as of fresh draws

The file holds tensors, numbers and strings only (`checkpoints`): one from a stranger cannot run code.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fieldkit import checkpoints, given
from fieldkit.nnft import correlators, ensembles, moments
from fieldkit.nnft.ensembles import Ensemble
from fieldkit.nnft.measured import Measured


@dataclass(frozen=True)
class Saved:
    """Outputs f (n, m, d_out) at points x (m, d), of networks with these widths and variances; activation: a name."""

    f: Tensor
    x: Tensor
    activation: str
    widths: tuple[int, ...]
    sw2: float
    sb2: float


def save(path: str | Path, ensemble: Ensemble, x: Tensor, f: Tensor, *, activation: str = "") -> None:
    """Keep outputs f (n, m, d_out) of networks at points x (m, d); activation: what the reader calls it.

    Raises `ValueError` for outputs that are not of these points.
    """
    x = ensembles.inputs(x)
    f = given.numbers(f)
    if f.dim() != 3 or f.shape[1] != len(x):
        raise ValueError(f"f of shape {tuple(f.shape)}: outputs are (n, m, d_out), here with m = {len(x)} points.")
    recipe = {"activation": activation, "widths": ensemble.widths, "sw2": ensemble.sw2, "sb2": ensemble.sb2}
    checkpoints.save(path, {"outputs": f.cpu(), "x": x.cpu(), **recipe})


def load(path: str | Path, device: torch.device | str = "cpu") -> Saved:
    """What `save` has written.  Raises `ValueError` for a damaged file or one that holds something else."""
    state = checkpoints.load(path, device)
    if not isinstance(state, dict) or not {"outputs", "x", "activation", "widths", "sw2", "sb2"} <= state.keys():
        raise ValueError(f"{path}: no outputs of networks; it was written by something else than `saved.save`.")
    widths = tuple(state["widths"])
    return Saved(state["outputs"], state["x"], state["activation"], widths, state["sw2"], state["sb2"])


def measure(saved: Saved, *, points: int = 6, n_chunks: int = 100) -> Measured:
    """2-, 4- (and 6-) point functions of the outputs in the file; site = point * d_out + output.

    Networks that do not fill a chunk are left out.  Raises `ValueError` for fewer networks than chunks.
    """
    given.whole("n_chunks", n_chunks, least=8, why="the error of an error is 1/sqrt(2 n_chunks)")
    n, m, d_out = saved.f.shape
    if n < n_chunks:
        raise ValueError(f"{n} networks in {n_chunks} chunks: every chunk holds at least one; take fewer chunks.")
    powers = correlators._powers(points, (2, 4, 6))
    each = n // n_chunks
    parts = saved.f[: each * n_chunks].reshape(n_chunks, each, m * d_out)
    found = [moments.sums(part.T.contiguous(), powers) for part in parts]
    sums = {str(p): torch.stack([chunk[k] for chunk in found]).cpu() for k, p in enumerate(powers)}
    sums["count"] = torch.full((n_chunks,), float(each), dtype=torch.float64)
    connect = functools.partial(correlators._from_moments, m * d_out)
    missing = (0.0, 0.0, 0.0)
    return Measured.of(sums, sites=m * d_out, variables=m * d_out, powers=powers, connect=connect, missing=missing)
