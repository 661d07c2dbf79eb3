r"""How do the values of random networks hang together?  Two estimators of one thing, and the noise of each.

    outputs only     averages of f(x_1) ... f(x_n) over networks; G4c and G6c are small differences of large numbers
    integrated       the last layer is Gaussian given the hidden ones, f | hidden ~ N(0, K), so average over it by hand:
                     G4c = sum_3 Cov(K, K),     G6c = sum_15 kappa_3(K, K, K)               (law of total cumulance)

Measured against the signal, the noise of the first grows with the width N; that of the second does not: its 1/N is in
signal and noise alike.  Both are one computation: moments of numbers F_p per network (values f, or entries of K less a
fixed reference), each symmetric entry once (`moments`), streamed through blocks that stay in cache and averaged over
chunks (`chunks`), from which the jackknife takes its errors (`measured`).  Draws float32 where that is safe, sums over
a panel in the type of the draws, sums over panels float64.  Memory: one panel and the chunk means, whatever n is.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from fieldkit import chunks, given
from fieldkit.nnft import ensembles, laws, moments, tails, wick
from fieldkit.nnft.ensembles import Ensemble
from fieldkit.nnft.laws import Law
from fieldkit.nnft.measured import Measured

BLOCK = 2**18  # numbers of a hidden layer at a time on a CPU: a megabyte, what a core's own cache holds
PANEL = 2**20  # numbers in the larger half of the products whose matrix products are the moments

Draw = Callable[..., tuple[Tensor, Tensor | None]]
Values = Callable[[Tensor, torch.Generator], Tensor]


def plain(ensemble: Ensemble, x: Tensor, n: int, *, rng: torch.Generator) -> tuple[Tensor, None]:
    """Networks of the ensemble as they are: the hidden layer (m, n, N), and no weights."""
    return ensembles.hidden(ensemble, x, n, rng=rng), None


def from_outputs(
    ensemble: Ensemble,
    x: Tensor,
    n: int,
    *,
    points: int = 6,
    d_out: int = 1,
    law: Law = laws.gaussian,
    n_chunks: int = 100,
    draw: Draw = plain,
    rng: torch.Generator,
    path: str | Path | None = None,
) -> Measured:
    """2-, 4- (and, for points = 6, 6-) point functions at x (m, d) from the outputs of n networks alone.

    Several outputs are sites of their own: site = point * d_out + output.  law: of the output weights (`laws`).  n is
    rounded up to whole chunks.  draw: another law of networks, with weights, as in `tails`.  path: a folder from which
    an interrupted run goes on.
    """
    given.whole("d_out", d_out, least=1, why="a network has at least one output")
    given.generator(rng)
    x = ensembles.inputs(x, rng.device)
    m, powers = len(x) * d_out, _powers(points, (2, 4, 6))
    values = functools.partial(_values, ensemble, d_out, law)
    sums = _sums(ensemble, x, n, values, m, powers, draw, n_chunks=n_chunks, rng=rng, path=path)
    connect, missing = functools.partial(_from_moments, m), _missing(ensemble, x, n, draw)
    return Measured.of(sums, sites=m, variables=m, powers=powers, connect=connect, missing=missing)


def integrated(
    ensemble: Ensemble,
    x: Tensor,
    n: int,
    *,
    points: int = 6,
    n_chunks: int = 100,
    draw: Draw = plain,
    rng: torch.Generator,
    path: str | Path | None = None,
) -> Measured:
    """The same with the output layer integrated out by hand: only hidden layers are drawn."""
    given.generator(rng)
    x = ensembles.inputs(x, rng.device)
    m, powers = len(x), _powers(points, (1, 2, 3))
    pairs = wick.tuples(m, 2, rng.device)
    reference = ensembles.kernel(ensemble, x)[pairs[:, 0], pairs[:, 1]]
    values = functools.partial(_fluctuations, ensemble, reference)
    sums = _sums(ensemble, x, n, values, len(pairs), powers, draw, n_chunks=n_chunks, rng=rng, path=path)
    entries = [wick.covariance_entries(wick.tuples(m, 2 * r), m) for r in powers[1:]]
    connect = functools.partial(_from_kernels, m, reference.cpu(), entries)
    missing = _missing(ensemble, x, n, draw)
    return Measured.of(sums, sites=m, variables=len(pairs), powers=powers, connect=connect, missing=missing)


def chunk_sums(
    ensemble: Ensemble,
    x: Tensor,
    n: int,
    values: Values,
    variables: int,
    powers: tuple[int, ...],
    draw: Draw,
    rng: torch.Generator,
) -> dict[str, Tensor]:
    """One chunk: the sums over n networks of all products of `powers` of their numbers F (variables, networks), by
    power and in the order of `moments.sums`; and "count"."""
    more = 1 if rng.device.type == "cpu" else 64  # an accelerator wants large pieces
    step = max(1, more * BLOCK // (len(x) * ensemble.widths[-1]))
    panel = more * max(256, min(8192, PANEL // moments.rows(variables, powers)))
    totals: list[Tensor] = []
    for start in range(0, n, panel):
        columns, weights = [], []
        for first in range(start, min(start + panel, n), step):
            h, w = draw(ensemble, x, min(step, start + panel - first, n - first), rng=rng)
            columns.append(values(h, rng))
            weights += [] if w is None else [w]
        found = moments.sums(torch.cat(columns, 1), powers, torch.cat(weights) if weights else None)
        totals = [a + b for a, b in zip(totals, found)] if totals else found
    count = torch.full((), float(n), dtype=torch.float64, device=rng.device)
    return {"count": count} | {str(power): total for power, total in zip(powers, totals)}


def _sums(
    ensemble: Ensemble,
    x: Tensor,
    n: int,
    values: Values,
    variables: int,
    powers: tuple[int, ...],
    draw: Draw,
    *,
    n_chunks: int,
    rng: torch.Generator,
    path: str | Path | None,
) -> dict[str, Tensor]:
    given.whole("n_chunks", n_chunks, least=8, why="the error of an error is 1/sqrt(2 n_chunks)")
    given.whole("n", n, least=n_chunks, why="every chunk holds at least one network")
    x = ensembles.inputs(x, rng.device)
    each = math.ceil(n / n_chunks)
    work = functools.partial(chunk_sums, ensemble, x, each, values, variables, powers, draw)
    label = ""
    if path is not None:  # a few networks of a fixed seed are the fingerprint of the whole recipe
        seed = torch.Generator(device=rng.device).manual_seed(0)
        few = chunk_sums(ensemble, x, 4, values, variables, powers, draw, seed)
        mark = " ".join(f"{total.sum().item():.15g}" for total in few.values())
        label = f"{each} networks, widths {ensemble.widths}, {mark}"
    return chunks.gather(work, n_chunks, rng=rng, path=path, label=label)


def _values(ensemble: Ensemble, d_out: int, law: Law, h: Tensor, rng: torch.Generator) -> Tensor:
    return ensembles.outputs(ensemble, h, d_out=d_out, law=law, rng=rng).flatten(0, 1)


def _fluctuations(ensemble: Ensemble, reference: Tensor, h: Tensor, rng: torch.Generator) -> Tensor:
    """K less its reference for each pair of points, (pairs, n): small numbers, so that nothing cancels later."""
    K = ensembles.kernel_draws(ensemble, h)
    a, b = wick.tuples(len(h), 2, h.device).unbind(1)
    return K.flatten(1).T[a * len(h) + b] - reference.to(K.dtype)[:, None]


def _from_moments(m: int, two: Tensor, *higher: Tensor) -> tuple[Tensor, ...]:
    two = wick.symmetric(two, m, 2)
    found: list[Tensor] = [two]
    if higher:
        found.append(wick.connected_four(two, higher[0]))
    if len(higher) > 1:
        found.append(wick.connected_six(two, *higher))
    return tuple(found)


def _from_kernels(m: int, reference: Tensor, entries: list[Tensor], *means: Tensor) -> tuple[Tensor, ...]:
    first, *kappa = wick.cumulants(*means)
    two = wick.symmetric(reference + first, m, 2)
    return (two, *(wick.from_covariance(k, e) for k, e in zip(kappa, entries)))


def _missing(ensemble: Ensemble, x: Tensor, n: int, draw: Draw) -> tuple[float, ...]:
    """What plain networks of heavy neurons will not see of the 2-, 4- and 6-point functions."""
    if draw is not plain or not ensemble.neuron.heavy:
        return (0.0, 0.0, 0.0)
    return tuple(tails.missing(ensemble, x, n, points) for points in (2, 4, 6))


def _powers(points: int, powers: tuple[int, int, int]) -> tuple[int, ...]:
    if points not in (2, 4, 6):
        raise ValueError(f"points = {points}: correlators of up to 2, 4 or 6 points are summed; choose one of these.")
    return powers[: points // 2]
