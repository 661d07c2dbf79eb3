r"""How well can anyone tell two temperatures apart from one picture, and how well once the picture has been pooled?

    ceiling = 1/2 sum_x max[ P_1(x), P_2(x) ]      x a picture, P_1 and P_2 its laws, each shown half of the time

No guess is right more often (Neyman and Pearson 1933): one says 1 where P_1 > P_2.  For a magnet at two temperatures
P_1 / P_2 depends on the energy alone, so the best guess is a threshold on the energy, not on the order parameter.
Pooling makes several pictures one, adds their probabilities inside the maximum, and can only lower the ceiling.
`accuracy` trains a network, with or without pooling weights, and weighs it on pictures that it has not seen.
Pictures are (n, L, L), labels (n,) of 0 and 1; float32 for the network, float64 for the laws.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit import estimates, given
from fieldkit.estimates import Estimate
from fieldkit.lattice import ising_exact
from fieldkit.rg import descent, enumeration


def ceiling(first: Tensor, second: Tensor) -> float:
    """The largest fraction of right guesses between two laws (k,) over the same k pictures.

    Raises `ValueError` for laws of different lengths, or what is no law: negative, or not adding up to 1.
    """
    one, other = given.doubles(first), given.doubles(second)
    if one.shape != other.shape or one.dim() != 1:
        raise ValueError(f"laws {tuple(one.shape)}, {tuple(other.shape)}: two laws over the same k pictures.")
    given.law(one)
    given.law(other)
    return 0.5 * float(torch.maximum(one, other).sum())


def seen(statistic: Callable[[Tensor], Tensor], T: float) -> Tensor:
    """The law of what `statistic` leaves of the 4 x 4 torus at T, (n, 4, 4) -> (n,) or (n, ...), exact: (k,).

    The k different outcomes are sorted, so that laws at two temperatures can be compared.
    """
    states, probability = enumeration.law(4, 4, T)
    outcome = statistic(states).double().reshape(len(states), -1)
    _, which = torch.unique((outcome * 1e9).round(), dim=0, return_inverse=True)
    return torch.zeros(int(which.max()) + 1, dtype=torch.float64).index_add_(0, which, probability)


def seen_by_rule(table: Tensor, T: float) -> Tensor:
    """The same for a rule with coins (`rules`): the law of the sixteen pooled pictures, (16,)."""
    return enumeration.coarse_law(table, T=T)


def magnetization_ceiling(L: int, first: float, second: float) -> float:
    """The same for |m| alone on the L x L torus, L <= 11, exact: what a threshold on the order parameter can reach."""
    laws = [ising_exact.magnetization_law(L, T) for T in (first, second)]
    return ceiling(*((law + law.flip(0)) / 2 for law in laws))  # of |m|, each value twice


def magnetization_cut(L: int, first: float, second: float) -> float:
    """The |m| above which the colder temperature `first` is likelier, L <= 11, exact: halfway between values.

    Raises `ValueError` unless first < second.
    """
    if not first < second:
        raise ValueError(f"first = {first}, second = {second}: the colder temperature comes first; exchange them.")
    laws = [ising_exact.magnetization_law(L, T) for T in (first, second)]
    m = torch.linspace(-1, 1, L * L + 1, dtype=torch.float64)
    return float(m[(laws[0] > laws[1]) & (m >= 0)].min()) - 1 / L**2


def by_threshold(values: Tensor, labels: Tensor, held_out: tuple[Tensor, Tensor]) -> Estimate:
    """Fraction right on held-out (values, labels) of the threshold that is best on the first ones, values (n,).

    Equal values fall on the same side, and the two labels need not be equally frequent.  Raises `ValueError` for other
    shapes, labels other than 0 and 1 and values that are not finite.
    """
    values, labels = given.numbers(values), given.numbers(labels)
    held_out = given.numbers(held_out[0]), given.numbers(held_out[1])
    for place, named in ((values, labels), held_out):
        if not bool(place.isfinite().all() & ((named == 0) | (named == 1)).all()):
            raise ValueError(
                "a value is not finite, or a label neither 0 nor 1: leave the first out, rename the others."
            )
    if values.dim() != 1 or len(values) == 0 or labels.shape != values.shape:
        raise ValueError(f"values {tuple(values.shape)}, labels {tuple(labels.shape)}: a label for each value, (n,).")
    order = values.argsort()
    ones = labels[order].double().cumsum(0)
    zeros = torch.arange(1, len(values) + 1, device=values.device) - ones
    right = zeros - ones - (zeros[-1] - ones[-1]) / 2  # up to a constant, when all up to here are called 0
    last = torch.cat([values[order].diff() > 0, right.new_ones(1, dtype=torch.bool)])  # of its value
    best = int(torch.where(last, right.abs(), -1.0).argmax())
    cut, low_is_zero = values[order[best]], bool(right[best] > 0)
    called = (held_out[0] > cut).long() if low_is_zero else (held_out[0] <= cut).long()
    return estimates.fraction(called == held_out[1])


def accuracy(
    pictures: Tensor,
    labels: Tensor,
    held_out: tuple[Tensor, Tensor],
    *,
    rng: torch.Generator,
    n_pools: int = 0,
    n_steps: int = 1000,
    batch: int = 512,
    width: int = 32,
    rate: float = 1e-2,
) -> Estimate:
    """Fraction right on held_out = (pictures, labels) of a network with one hidden layer of tanh, trained by Adam.

    n_pools: so many poolings by two with four trained weights each (a softmax: they are positive and sum to one) come
    first.  The bar is binomial.  Raises `ValueError` when pictures and labels do not match.
    """
    given.generator(rng)
    given.whole("n_pools", n_pools, least=0, why="poolings are counted")
    if pictures.dim() != 3 or len(pictures) != len(labels) or len(held_out[0]) != len(held_out[1]):
        raise ValueError(f"pictures {tuple(pictures.shape)}, labels {tuple(labels.shape)}: give (n, L, L) and (n,).")
    if pictures.shape[1] % 2**n_pools or pictures.shape[2] % 2**n_pools:
        raise ValueError(f"pictures {tuple(pictures.shape)}: {n_pools} poolings need sides that 2^{n_pools} divides.")
    labels, held_out = labels.long(), (held_out[0], held_out[1].long())
    sites = pictures[0].numel() // 4**n_pools
    weights = [torch.randn(s, generator=rng, device=rng.device) * s[0] ** -0.5 for s in ((sites, width), (width, 2))]
    zeros = [torch.zeros(n, device=rng.device) for n in (width, 2)]
    pools = torch.randn(n_pools, 4, generator=rng, device=rng.device)
    parameters = [x.requires_grad_(True) for x in (weights[0], zeros[0], weights[1], zeros[1], pools)]

    def loss(chosen: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(_scores(parameters, pictures[chosen]), labels[chosen])

    descent.minimise(loss, parameters, examples=len(pictures), n_steps=n_steps, batch=batch, rate=rate, rng=rng)
    with torch.no_grad():
        return estimates.fraction(_scores(parameters, held_out[0]).argmax(1) == held_out[1])


def pooled(pictures: Tensor, logits: Tensor) -> Tensor:
    """(n, L, L) -> (n, L/2, L/2): the mean over each block with weights softmax(logits (4,)), sites as in `rules`.
    Raises `ValueError` for other shapes or an odd side."""
    if pictures.dim() != 3 or pictures.shape[1] % 2 or pictures.shape[2] % 2 or logits.shape != (4,):
        raise ValueError(
            f"pictures {tuple(pictures.shape)}, logits {tuple(logits.shape)}: blocks of two by two fill (n, L, L) with "
            "even L, and each has four weights."
        )
    w = logits.softmax(0)
    a, b = pictures[:, ::2], pictures[:, 1::2]
    return w[0] * a[:, :, ::2] + w[1] * a[:, :, 1::2] + w[2] * b[:, :, ::2] + w[3] * b[:, :, 1::2]


def _scores(parameters: list[Tensor], pictures: Tensor) -> Tensor:
    W1, b1, W2, b2, pools = parameters
    x = pictures.float()
    for logits in pools:
        x = pooled(x, logits)
    return torch.tanh(x.flatten(1) @ W1 + b1) @ W2 + b2
