r"""How good is a flow?  Its weights w = exp(-S) / q say, without any other sampler.

    F = -<ln w>_q >= -ln Z,        ln Z = ln <w>_q,        <O> = <w O>_q / <w>_q,        ESS = <w>^2 / <w^2>.

Draw new fields (`draw`), never those of the training, in float64 (`flow.double()`).  All error bars are from blocks
of independent draws.  Two warnings, both tested in the book: for a small ESS the estimate of ln Z comes out low, and
its bar too small, because the rare fields with large weights have not come yet; and an ESS can look perfect on half of
the distribution (`collapse`).

`independence_metropolis` turns the draws into a Markov chain of law exp(-S) / Z: accept the next one with probability
min(1, w'/w).  Sources: Albergo et al. 2019 (that chain); Nicoli et al. 2021 (ln Z from a flow).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit import estimates, given
from fieldkit.estimates import Estimate, jackknife
from fieldkit.neuralrg.flows import Flow
from fieldkit.neuralrg.symmetry import Symmetrised
from fieldkit.neuralrg.targets import Target


@dataclasses.dataclass(frozen=True)
class Draws:
    """Independent draws of a flow: log_weight = -S - ln q (n,) and what was measured on the fields (n, k), float64."""

    log_weight: Tensor
    measured: Tensor


def draw(
    flow: Flow | Symmetrised, target: Target, n: int, *, rng: torch.Generator,
    measure: Callable[[Tensor], Tensor] | None = None, batch: int = 4096,
) -> Draws:  # fmt: skip
    """n new fields, weighed; `measure(x) -> (n, k)` or (n,) on each batch.  The fields themselves are not kept.

    Raises as `Flow.sample`.
    """
    given.whole("n", n, least=1, why="a batch holds at least one field")
    given.whole("batch", batch, least=1, why="fields are drawn so many at a time")
    log_weight, measured = [], []
    for start in range(0, n, batch):
        x, log_q = flow.sample(min(batch, n - start), rng=rng, batch=batch)
        with torch.no_grad():
            log_weight.append((-target.action(x) - log_q).double())
            values = x.new_zeros(len(x), 0) if measure is None else given.numbers(measure(x))
        if values.dim() not in (1, 2) or len(values) != len(x):
            raise ValueError(
                f"measure gives {tuple(values.shape)} for {len(x)} fields: expected (n, k), or (n,), a row for each."
            )
        measured.append(values.double().reshape(len(x), -1))
    return Draws(torch.cat(log_weight), torch.cat(measured))


def free_energy(log_weight: Tensor) -> Estimate:
    """Variational free energy F = -<ln w>, with its standard error.  log_weight (n,); F + ln Z >= 0 up to the bar."""
    return -estimates.mean(log_weight)


def log_partition(log_weight: Tensor, *, n_blocks: int = 100) -> Estimate:
    """ln Z = ln <w>, corrected for the bias of the logarithm, -r^2/2 with r the relative error of <w>.

    The bar is r.  Raises as `blocked`, and `ValueError` for weights that are all equal: they have no bar.
    """
    log_weight = _weights(log_weight)
    top = log_weight.max()
    (w,) = blocked(n_blocks, (log_weight - top).exp())
    r = _spread(w) / math.sqrt(n_blocks)
    return Estimate((w.mean().log() + top).item() + r * r / 2, r)


def effective_sample_size(log_weight: Tensor, *, n_blocks: int = 100) -> Estimate:
    """<w>^2 / <w^2>, between 0 and 1: what a draw is worth in independent samples of the target.

    The bar, by linear propagation of the errors of both means, is honest only where the largest weights have been
    seen; near 0 it is a guess.  Raises as `log_partition`.
    """
    log_weight = _weights(log_weight)
    w = (log_weight - log_weight.max()).exp()
    w, square = blocked(n_blocks, w, w * w)
    _spread(w)
    m, s = w.mean(), square.mean()
    ess = (m**2 / s).item()
    return Estimate(ess, ess * (2 * w / m - square / s).std().item() / math.sqrt(n_blocks))


def reweighted(log_weight: Tensor, values: Tensor, *, n_blocks: int = 100) -> Estimate:
    """<O> of the target from draws of the flow: <w O> / <w>, values (n,).  Raises as `log_partition`."""
    log_weight = _weights(log_weight)
    w = (log_weight - log_weight.max()).exp()
    values = given.numbers(values)
    if values.shape != w.shape:
        raise ValueError(f"values {tuple(values.shape)} for weights {tuple(w.shape)}: one value for each draw, (n,).")
    return jackknife(lambda m, weighted: weighted / m, *blocked(n_blocks, w, w * values.to(w)))


def independence_metropolis(log_weight: Tensor, *, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Markov chains whose proposals are the draws: log_weight (n_chains, n_steps) -> (index, accepted), both of that
    shape.

    At step t chain i holds its draw number index[i, t] <= t; `values.gather(1, index)` is the chain of an observable.
    It starts with draw 0, a field of the flow and not of the target: drop the beginning.  Long rejections are its
    memory; `autocorrelation.gamma_method` measures it.  Raises `ValueError` for another shape.
    """
    given.generator(rng)
    log_weight = given.numbers(log_weight)
    log_weight = log_weight if log_weight.is_floating_point() else log_weight.double()
    if bool(log_weight.isnan().any()):
        raise ValueError(
            "some weights are not numbers: no chain can accept or reject them; find where the flow diverged."
        )
    if log_weight.dim() != 2 or log_weight.numel() == 0:
        raise ValueError(f"shape {tuple(log_weight.shape)}: expected (n_chains, n_steps); cut the draws with reshape.")
    n_chains, n_steps = log_weight.shape
    luck = torch.rand((n_chains, n_steps), generator=rng, device=rng.device, dtype=torch.float64).log().to(log_weight)
    index = torch.zeros(n_chains, n_steps, dtype=torch.int64, device=log_weight.device)
    accepted = torch.ones(n_chains, n_steps, dtype=torch.bool, device=log_weight.device)
    held, now = log_weight[:, 0], index[:, 0]
    for t in range(1, n_steps):
        accepted[:, t] = luck[:, t] < log_weight[:, t] - held
        held = torch.where(accepted[:, t], log_weight[:, t], held)
        now = torch.where(accepted[:, t], t, now)
        index[:, t] = now
    return index, accepted


def _weights(log_weight: Tensor) -> Tensor:
    log_weight = given.doubles(log_weight)
    if log_weight.dim() != 1 or len(log_weight) == 0:
        raise ValueError(f"shape {tuple(log_weight.shape)}: one weight for each draw, (n,).")
    return log_weight


def _spread(w: Tensor) -> float:
    """Standard deviation over mean of block means; refuses what does not vary."""
    spread = (w.std() / w.mean()).item()
    if spread == 0:
        raise ValueError(
            "all weights are equal: no error can be read off a constant; weigh an exact number with `Ledger.check`."
        )
    return spread


def blocked(n_blocks: int, *columns: Tensor) -> list[Tensor]:
    """Each column (n,) as means of n_blocks blocks of draws (n_blocks,), for `jackknife`; a rest at the end is not
    used.

    Raises `ValueError` for n_blocks < 8, fewer draws than blocks, or values that are not finite.
    """
    given.whole("n_blocks", n_blocks, least=8, why="the error of an error is 1/sqrt(2 n_blocks)")
    n = len(columns[0])
    if n < n_blocks:
        raise ValueError(f"{n} draws in {n_blocks} blocks: draw more, at least ten a block.")
    lost = sum(int((~column.isfinite()).sum()) for column in columns)
    if lost:
        raise ValueError(f"{lost} of {n} draws are not finite; find where the flow or what was measured diverged.")
    size = n // n_blocks
    return [column[: size * n_blocks].reshape(n_blocks, size).mean(1) for column in columns]
