r"""What does a configuration look like at every scale?  A hierarchical flow, stopped after each level.

`built` follows the generator: the lattices of side L / 2^k from the coarsest on, as they are when level k is done.
`renormalised` follows the group: the same lattices, from a given field of side L down.  The two agree, for one is the
inverse of the other.  `blurred` draws each stage on the full lattice: the noise of all finer levels is set to zero, so
that the picture is what the generator knows so far.  All take flows made by `mera.mera`.  `nested` and `copies` pick
latent variables whose blocks lie one in the other, at every place where the lattice has them.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate, jackknife
from fieldkit.lattice import free
from fieldkit.neuralrg import flows, weighing
from fieldkit.neuralrg.flows import Flow
from fieldkit.neuralrg.mera import Level


def levels(flow: Flow) -> list[Level]:
    """The levels of the flow, coarsest first.  Raises `ValueError` for a flow that has none."""
    found = [step for step in flow.steps if isinstance(step, Level)]
    if not found:
        raise ValueError("this flow has no levels, hence no scales to stop at; build one with `mera.mera`.")
    return found


@torch.no_grad()
def built(flow: Flow, z: Tensor) -> list[Tensor]:
    """Fields after each level, coarsest first: (n, s, ..., s), s growing; the last is the field (n, L, ..., L)."""
    levels(flow)
    x, stages = z, []
    for step in flow.steps:
        x, _ = flows.forward([step], x)
        if isinstance(step, Level):
            stages.append(step.part(x).contiguous())
    stages[-1] = x.contiguous()
    return stages


@torch.no_grad()
def renormalised(flow: Flow, x: Tensor) -> list[Tensor]:
    """The same lattices from a field x (n, L, ..., L): x itself first, then what is left after each level is undone.

    The last one is the coarsest field, (n, s, ..., s) with s the side of the coarsest level.
    """
    order = levels(flow)
    stages, z = [x.contiguous()], x
    for step in reversed(flow.steps):
        if isinstance(step, Level) and step is not order[-1]:
            stages.append(step.part(z).contiguous())
        z, _ = flows.inverse([step], z)
    return stages


@torch.no_grad()
def blurred(flow: Flow, z: Tensor) -> list[Tensor]:
    """Full fields (n, L, ..., L): first the coarsest lattice speaks alone, then level after level joins; noise of the
    levels not yet reached is zero."""
    scale = scale_of_sites(flow)
    speaking = [torch.where(scale >= k, z, torch.zeros_like(z)) for k in reversed(range(len(levels(flow)) + 1))]
    return [flow(noise)[0] for noise in speaking]


def scale_of_sites(flow: Flow) -> Tensor:
    """At which level each site's noise enters, int64 (L, ..., L): k where 2^k is the largest power dividing all
    coordinates, at most the number of levels (the sites of the coarsest lattice that no level splits)."""
    shape, depth = flow.prior.shape, len(levels(flow))
    scale = torch.zeros(shape, dtype=torch.int64, device=next(flow.parameters()).device)
    for k in range(1, depth + 1):
        scale[(slice(None, None, 2**k),) * len(shape)] = k
    return scale


@torch.no_grad()
def put_aside(flow: Flow, x: Tensor) -> list[Tensor]:
    """Mean square of what fields x (n, L, ..., L) leave at each level on the way down, finest first: (n,) each; the
    last one is of the sites that no level splits.  1 on average, if the flow is perfect and x are draws of its target.
    """
    scale = scale_of_sites(flow)
    z = torch.cat([flow.inverse(part)[0] for part in x.split(4096)])
    return [z[:, scale == k].square().mean(1) for k in range(len(levels(flow)) + 1)]


def nested(L: int, *, n_levels: int | None = None) -> list[tuple[int, int]]:
    """Sites of latent variables of an L x L hierarchy whose blocks lie one in the other, finest level first.

    Three at each of the n_levels levels (as many as there are, if not given), stride s: the difference of the rows of
    a block at (s, 2s), that of its columns at (2s, s), the diagonal one at (s, s); then the sites that no level splits.
    Raises `ValueError` when L cannot be halved n_levels times.
    """
    given.whole("L", L, least=2, why="a block has two sites a side")
    L = int(L)
    most = (L & -L).bit_length() - 1
    n_levels = most if n_levels is None else n_levels
    given.whole("n_levels", n_levels, least=1, why="a hierarchy has at least one scale")
    if n_levels > most:
        raise ValueError(f"L = {L} can be halved {most} times, not {n_levels}; use n_levels <= {most} or another L.")
    strides = [2**k for k in range(n_levels)]
    split = [site for s in strides for site in ((s, 2 * s % L), (2 * s % L, s), (s, s))]
    left = range(0, L, 2**n_levels)
    return split + [(i, j) for i in left for j in left]


def copies(z: Tensor, site: tuple[int, int], other: tuple[int, int], *, most: int) -> tuple[Tensor, Tensor]:
    """The pair of latent variables at two sites of z (n, L, L), and shifted by whole blocks of the coarser of their
    levels, which changes nothing in the law of the pair: (n m,) each, field after field, m <= most places a field.
    """
    given.fields(z)
    given.whole("most", most, least=1, why="every field gives at least one pair")
    L = z.shape[-1]
    step = min(L, 2 * max(math.gcd(L, *site), math.gcd(L, *other)))
    shifts = list(itertools.product(range(0, L, step), repeat=2))
    shifts = shifts[:: -(-len(shifts) // most)]
    a, b = (torch.stack([z[:, (x + i) % L, (y + j) % L] for i, j in shifts], 1).flatten() for x, y in (site, other))
    return a, b


def relative(x: Tensor, *, n_blocks: int = 100) -> list[Estimate]:
    """Correlation along an axis of independent lattices x (n, s, ..., s) at distances 1, ..., s/2 - 1, over that at
    s/2, with errors from blocks of lattices.  At a critical point a function of the distance over s alone.
    """
    if x.shape[-1] % 2:
        raise ValueError(f"side {x.shape[-1]}: half of it is no distance of the lattice; give an even one.")
    (c,) = correlators([x])
    blocks = weighing.blocked(n_blocks, *c.T)
    return [jackknife(torch.divide, one, blocks[-1]) for one in blocks[1:-1]]


def correlators(stages: list[Tensor]) -> list[Tensor]:
    """Correlation function along an axis, for each of the lattices (n, s, ..., s): (n, s // 2 + 1), over the value at
    0.

    Averaged over the axes and over n's own lattice; the ratio is of the means over n.
    """
    found = []
    for x in stages:
        c = free.correlator(x.double())
        lines = [c[(slice(None), *(slice(None) if axis == mu else 0 for axis in range(x.dim() - 1)))]
                 for mu in range(x.dim() - 1)]  # fmt: skip
        line = torch.stack(lines).mean(0)[:, : x.shape[1] // 2 + 1]
        found.append(line / line[:, 0].mean())
    return found
