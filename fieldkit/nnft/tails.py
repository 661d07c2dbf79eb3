r"""Where do the high moments of a log-normal neuron live, and how does one sample there?

    E exp(k z) F = exp(k^2 q / 2) E_shifted F,       z ~ N(0, q) shifted to mean k q

For h = exp(z - q) the n-th moment sits at z = n q, that is n sqrt(q) standard deviations out, while the largest of D
draws is near sqrt(2 log D): plain sampling misses the rest (`missing`) and its error bar does not know.  Cure: another
law of networks.  Every neuron is pushed out with probability p = pushed / N, by k = 2, 4 or 6 along one of the inputs j
or half-way between two, and each network is weighted with the true law over this one:

    weight = prod_i 1 / [ 1 - p + p <exp(k z_i(x_j) - k^2 q_j / 2)>_{k, j} ]  <=  (1 - p)^-N  ~  exp(pushed),

so averages are exact and no weight explodes (Owen and Zhou 2000, mixtures with bounded weights).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.nnft import ensembles
from fieldkit.nnft.ensembles import Ensemble

PUSHES = (2.0, 4.0, 6.0)


def pushed(
    ensemble: Ensemble,
    x: Tensor,
    n: int,
    *,
    rng: torch.Generator,
    pushes: Sequence[float] = PUSHES,
    number: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """The hidden layer (m, n, N) of n networks of that law, and their weights (n,): a `draw` for `correlators`.

    number: how many neurons of a network are pushed on average.  Raises `ValueError` for more than one hidden layer.
    """
    if len(ensemble.widths) > 1 or ensemble.neuron.phase:
        raise ValueError(f"widths = {ensemble.widths}: the tail is sampled for one hidden layer with Gaussian biases.")
    given.whole("n", n, least=1, why="at least one network is drawn")
    given.generator(rng)
    x = ensembles.inputs(x, rng.device)
    N = ensemble.widths[0]
    p = number / N
    if not 0 < p < 1 or not pushes:
        raise ValueError(f"number = {number}, {N} neurons: push some of them, not all; or the weights are not bounded.")
    A = ensembles.mixing(ensemble, x)
    pairs = list(itertools.combinations_with_replacement(range(len(A)), 2))
    between = torch.stack([(A[a] + A[b]) / 2 for a, b in pairs])
    g = torch.randn(n, N, A.shape[1], generator=rng, device=rng.device, dtype=torch.float64)
    k = torch.tensor(pushes, device=rng.device, dtype=torch.float64)
    coin = torch.rand(n, N, generator=rng, device=rng.device, dtype=torch.float64)
    push = torch.randint(len(k), (n, N), generator=rng, device=rng.device)
    along = torch.randint(len(between), (n, N), generator=rng, device=rng.device)
    g += torch.where(coin < p, k[push], 0.0)[..., None] * between[along]
    z = torch.einsum("mr,nir->mni", A, g)
    ratio = torch.zeros(n, N, device=rng.device, dtype=torch.float64)
    for (a, b), variance in zip(pairs, between.square().sum(1)):
        middle = (z[a] + z[b]) / 2
        for each in pushes:
            ratio += torch.exp(each * middle - each**2 * variance / 2)
    weights = torch.exp(-torch.log(1 - p + p * ratio / (len(k) * len(between))).sum(1))
    q = ensembles.variances(ensemble, x)[0]
    return ensemble.neuron.response(z, q[:, None, None]), weights


def missing(ensemble: Ensemble, x: Tensor, n: int, points: int) -> float:
    """The part of the `points`-th moment of one log-normal neuron that lies beyond the largest of n N plain draws, at
    the point of largest variance.

    P(Z > z_max - points sqrt(q)) with P(Z > z_max) = 1 / (n N): what n networks will not see.
    """
    q = float(ensembles.variances(ensemble, x)[0].max())
    draws = n * ensemble.widths[0]
    z_max = -torch.special.ndtri(torch.tensor(1 / draws, dtype=torch.float64)).item() if draws > 1 else 0.0
    return 0.5 * math.erfc((z_max - points * math.sqrt(q)) / math.sqrt(2))
