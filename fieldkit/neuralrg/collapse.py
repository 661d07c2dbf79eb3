r"""Has the flow forgotten half of the world?  A high effective sample size does not say; these do.

A flow that sits on one of two mountains gives weights that are nearly equal, an ESS near one, and averages that are
wrong for everything that tells the mountains apart.  ln Z comes out too small by -ln(the fraction that is covered).
Three tests:

- `balance`: the fraction of fields with M > 0 is 1/2 for an even target;
- `coverage`: the mirror image of a field of q has the same target density; if q does not know it, q is missing a mode.
  The ratio of the plain estimate of Z to that of the mixture [q(x) + q(-x)]/2 is 1 for a flow that covers both, 1/2
  for one;
- `effective_sample_size_seen_from`: the same ESS, estimated on fields of the target (a chain started in the missing
  mode will do): <w>_p grows without bound where q has no density.

Source: Nicoli et al. 2023, arXiv:2302.14082 (mode collapse, and estimators on samples of the target).
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from fieldkit import estimates, given
from fieldkit.estimates import Estimate, jackknife
from fieldkit.lattice import dynamics, hmc
from fieldkit.neuralrg.flows import Flow
from fieldkit.neuralrg.symmetry import Symmetrised
from fieldkit.neuralrg.targets import Target
from fieldkit.neuralrg.weighing import blocked


def balance(x: Tensor) -> Estimate:
    """Fraction of fields (n, L, ..., L) whose mean over the lattice is positive, with its binomial bar.

    Raises `ValueError` when all fields have one sign: then there is no bar, and no doubt either.
    """
    x = given.numbers(x)
    if x.dim() < 2 or not bool(x.isfinite().all()):
        raise ValueError(f"fields {tuple(x.shape)}: give finite ones (n, L, ..., L); NaN lies on neither side.")
    return estimates.fraction(x.double().flatten(1).mean(1) > 0)


@torch.no_grad()
def coverage(
    flow: Flow | Symmetrised, target: Target, n: int, *, rng: torch.Generator, n_blocks: int = 100
) -> Estimate:
    """Z by the flow's weights over Z by the weights of its symmetrisation, on the same n fields.  The target must be
    even.

    1 within the bar: the flow knows both mountains.  1/2: it knows one.  Where all n draws say the same, the bar is
    1/n, by which one draw more could change it.  Raises as `weighing.log_partition`.
    """
    x, log_q = flow.sample(n, rng=rng)
    mirror = torch.cat([flow.log_prob(-part) for part in x.split(4096)])
    log_mixture = torch.logaddexp(log_q, mirror) - math.log(2)
    action = target.action(x)
    plain, mixed = (-action - log_q).double(), (-action - log_mixture).double()
    top = mixed.max()
    share = (plain - mixed).exp()
    if share.max() - share.min() < 1e-6:  # rounding
        return Estimate(share.mean().item(), 1 / n)
    return jackknife(lambda a, b: a / b, *blocked(n_blocks, (plain - top).exp(), (mixed - top).exp()))


def witnesses(
    target: dynamics.Action, shape: tuple[int, ...], n: int, *, rng: torch.Generator, n_chains: int = 64, apart: int = 7
) -> Tensor:
    """n fields (n, *shape) of the target, float32, from chains of hybrid Monte Carlo, every `apart`-th of five steps.

    The chains begin as white noise and thermalise while `hmc.tune` looks for the step.  Fields of one chain follow each
    other; they are as good as independent where tau is a trajectory or two, as for a correlation length of about one.
    Raises `ValueError` for an n that is no multiple of n_chains, and as `hmc.tune`.
    """
    given.whole("n_chains", n_chains, least=1, why="somebody must walk")
    given.whole("apart", apart, least=1, why="every trajectory is the most that can be kept")
    given.generator(rng)
    if n < 1 or n % n_chains:
        raise ValueError(f"n = {n} fields from {n_chains} chains: take a multiple of {n_chains}.")
    x = torch.randn((n_chains, *shape), generator=rng, device=rng.device)
    x, step = hmc.tune(target, x, n_leapfrog=5, n_steps=150, rng=rng)
    chain = hmc.trajectories(target, x, step_size=step, n_leapfrog=5, rng=rng)
    kept = [phi for phi, *_ in itertools.islice(chain, apart - 1, apart * (n // n_chains), apart)]
    return torch.stack(kept, 1).flatten(0, 1)


@torch.no_grad()
def effective_sample_size_seen_from(
    x: Tensor, flow: Flow | Symmetrised, target: Target, *, n_blocks: int = 100
) -> Estimate:
    """ESS of the flow from independent fields x (n, L, ..., L) of the target: 1 / (<w>_p <1/w>_p), w = exp(-S) / q.

    <1/w>_p = 1/Z and <w>_p = <w^2>_q / Z.  Raises `ValueError` when the weights differ by more than e^600:
    then q knows nothing of some of these fields, and the answer is zero; and as `weighing.log_partition`.
    """
    log_q = torch.cat([flow.log_prob(part) for part in x.split(4096)])
    log_w = (-target.action(x) - log_q).double()
    low, high = log_w.min(), log_w.max()
    if high - low > 600:
        raise ValueError(
            f"weights from e^{low.item():.0f} to e^{high.item():.0f}: the flow has no density where some of these "
            "fields are; it has lost a mode. Symmetrise it, or train it anew."
        )
    size = blocked(n_blocks, (log_w - high).exp(), (low - log_w).exp())
    return jackknife(lambda w, inverse: 1 / (w * inverse), *size) * math.exp((low - high).item())
