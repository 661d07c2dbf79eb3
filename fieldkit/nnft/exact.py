r"""What are the correlators of networks of FINITE width?  Known exactly, at every N, from the averages of one neuron.

    G2  = K                                                            at every width: an identity, no test of anything
    G4c = (sw2^2 / N)   [3 M_1234 - M_12 M_34 - M_13 M_24 - M_14 M_23]
    G6c = (sw2^3 / N^2) [15 M_6 - 3 sum_15 M_4 M_2 + 2 sum_15 M_2 M_2 M_2],        M_1...n = E h(x_1) ... h(x_n)

for one hidden layer: f is a sum of N independent terms v_i h_i, cumulants of a sum are N times those of a term, and v
is Gaussian (Wick: 3, 15 pairings).  Equivalently f | hidden ~ N(0, K) with
Cov(K_12, K_34) = (sw2^2 / N)(M_1234 - M_12 M_34), and G4c is the sum of three such covariances.  With several hidden
layers the neurons of the last depend on each other; for deep ReLU networks on one input without biases the moments
factorise layer by layer (`relu_excess_four`, `relu_excess_six`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.nnft import ensembles, wick
from fieldkit.nnft.ensembles import Ensemble
from fieldkit.propagation import finite_width_exact


def two_point(ensemble: Ensemble, x: Tensor, y: Tensor | None = None) -> Tensor:
    """G2 (m, k), the same at every width."""
    _one_hidden_layer(ensemble)
    return ensembles.kernel(ensemble, x, y)


def kernel_covariance(ensemble: Ensemble, x: Tensor, index: Tensor) -> Tensor:
    """Cov(K_12, K_34) at the rows (1, 2, 3, 4) of index (k, 4), (k,): how the kernel fluctuates between networks."""
    x = ensembles.inputs(x)
    M, index = _averages(ensemble, x), _tuples(index, 4, x)
    return (ensemble.sw2**2 / ensemble.widths[0]) * (M(index) - M(index[:, :2]) * M(index[:, 2:]))


def four_point(
    ensemble: Ensemble,
    x: Tensor,
    index: Tensor | None = None,
    outputs: Tensor | None = None,
    *,
    kurtosis: float = 3.0,
) -> Tensor:
    """G4c (k,) at tuples (k, 4) of the points x (m, d), by default `wick.tuples(m, 4)`.

    outputs (k, 4): which output of the network each point belongs to; pairs of different outputs do not contribute.
    kurtosis: E v^4 / (E v^2)^2 of the output weights (`laws`), 3 if they are Gaussian; what it has above 3 is a fourth
    cumulant of the weights, which joins four points of one and the same output.
    """
    given.number("kurtosis", kurtosis, why="it is E v^4 / (E v^2)^2 of the output weights")
    if kurtosis < 1:
        raise ValueError(f"kurtosis = {kurtosis}: E v^4 is at least (E v^2)^2; choose 1 or more.")
    x = ensembles.inputs(x)
    index = wick.tuples(len(x), 4, x.device) if index is None else _tuples(index, 4, x)
    if outputs is not None:
        outputs = given.numbers(outputs)
        if outputs.shape != index.shape:
            raise ValueError(f"outputs {tuple(outputs.shape)} of tuples {tuple(index.shape)}: name one for each point.")
    M = _averages(ensemble, x)
    four = M(index)
    total = torch.zeros_like(four)
    for (a, b), (c, d) in wick.pairings(4):
        term = four - M(index[:, [a, b]]) * M(index[:, [c, d]])
        if outputs is not None:
            term = term * ((outputs[:, a] == outputs[:, b]) & (outputs[:, c] == outputs[:, d]))
        total = total + term
    same = 1.0 if outputs is None else (outputs == outputs[:, :1]).all(1)
    total = total + (kurtosis - 3) * four * same
    return (ensemble.sw2**2 / ensemble.widths[0]) * total


def six_point(ensemble: Ensemble, x: Tensor, index: Tensor | None = None) -> Tensor:
    """G6c (k,) at tuples (k, 6) of the points x (m, d), by default `wick.tuples(m, 6)`; one output."""
    x = ensembles.inputs(x)
    index = wick.tuples(len(x), 6, x.device) if index is None else _tuples(index, 6, x)
    m, M = len(x), _averages(ensemble, x)
    two = wick.symmetric(M(wick.tuples(m, 2, x.device)), m, 2)
    four = M(wick.tuples(m, 4, x.device)) if len(index) > 20 else _only_needed(M, index, m)
    total = 15 * M(index) - 3 * wick.four_with_two(four, two, index) + 2 * wick.gaussian(two, index)
    return (ensemble.sw2**3 / ensemble.widths[0] ** 2) * total


def cumulants(squares: Sequence[float] | Tensor, width: int, *, sw2: float = 1.0) -> Tensor:
    """kappa_2, kappa_4, ... of f - b at one point from the averages E h^2, E h^4, ... of one neuron (r,): (r,).

    log E exp(s f) = N log sum_k (sw2 s^2 / 2 N)^k E h^2k / k!, as a power series: kappa_2k ~ N^(1 - k).
    """
    given.whole("width", width, least=1, why="a hidden layer has at least one neuron")
    given.positive("sw2", sw2, why="weights need a variance")
    a = [1.0] + [
        (sw2 / (2 * width)) ** k * float(square) / math.factorial(k) for k, square in enumerate(squares, start=1)
    ]
    log = [0.0] * len(a)
    for k in range(1, len(a)):  # k log_k = k a_k - sum_j j log_j a_(k-j)
        log[k] = a[k] - sum(j * log[j] * a[k - j] for j in range(1, k)) / k
    found = [width * c * math.factorial(2 * k) for k, c in enumerate(log)][1:]
    return torch.tensor(found, dtype=torch.float64)


def four_point_noise(squares: Sequence[float] | Tensor, width: int, *, sw2: float = 1.0) -> tuple[float, float]:
    """Variance of what ONE network says about G4c at one point, where K is known: (from its output, from its kernel).

    The output says f^4 - 6 K f^2 + 3 K^2, the kernel 3 (K_hat - K)^2; both have the mean G4c.  squares: E h^2, E h^4,
    E h^6, E h^8 of one neuron.  As the width grows: 24 K^4, and 18 Var(K_hat)^2, which falls as 1/N^2.
    """
    given.whole("width", width, least=1, why="a hidden layer has at least one neuron")
    given.positive("sw2", sw2, why="weights need a variance")
    if len(squares) != 4:
        raise ValueError(f"{len(squares)} averages: the noise needs E h^2, E h^4, E h^6 and E h^8.")
    m2, m4, m6, m8 = (sw2**k * float(square) for k, square in enumerate(squares, start=1))
    series = [1.0] + [m / math.factorial(k) / (2 * width) ** k for k, m in enumerate((m2, m4, m6, m8), start=1)]
    power = [1.0] + [0.0] * 4
    for _ in range(width):  # the moments of a sum of independent terms: the series, to the power N
        power = [sum(power[j] * series[k - j] for j in range(k + 1)) for k in range(5)]
    f2, f4, f6, f8 = (power[k] * math.factorial(2 * k) for k in (1, 2, 3, 4))
    K, variance = m2, (m4 - m2**2) / width
    square = f8 - 12 * K * f6 + 42 * K**2 * f4 - 36 * K**3 * f2 + 9 * K**4
    kappa4 = m8 - 4 * m6 * m2 - 3 * m4**2 + 12 * m4 * m2**2 - 6 * m2**4  # of one neuron's square
    return square - 9 * variance**2, 9 * (2 * variance**2 + kappa4 / width**3)


def relu_excess_four(width: int, depth: int) -> float:
    """E f^4 / 3 (E f^2)^2 of `depth` hidden ReLU layers of this width, one input, no bias: (1 + 5/n)^depth."""
    return finite_width_exact.relu_kurtosis(width, depth + 1)


def relu_excess_six(width: int, depth: int) -> float:
    """E f^6 / 15 (E f^2)^3 of the same: (1 + 15/n + 44/n^2)^depth.

    A layer multiplies the variance by (2 / n) sum_j relu(g_j)^2, of mean 1; from E relu^2, relu^4, relu^6 = 1/2, 3/2,
    15/2 its third moment is [(n - 1)(n - 2) + 18 (n - 1) + 60] / n^2.
    """
    given.whole("width", width, least=1, why="a hidden layer has at least one neuron")
    given.whole("depth", depth, least=0, why="hidden layers are counted")
    log = depth * math.log1p((15 + 44 / width) / width)
    if log > 709:
        raise ValueError(f"depth = {depth}: the moment e^{log:.0f} leaves float64; take fewer layers, or wider ones.")
    return math.exp(log)


def _only_needed(M: Callable[[Tensor], Tensor], index: Tensor, m: int) -> Tensor:
    """M_4 at the sub-tuples of a few tuples of six, in its place among all; the others are not computed."""
    rows = torch.cat([index[:, [k for k in range(6) if k not in (a, b)]] for a in range(6) for b in range(a + 1, 6)])
    rows = torch.unique(rows.sort(1).values, dim=0)
    four = torch.full((math.comb(m + 3, 4),), math.nan, device=index.device, dtype=torch.float64)
    four[wick.place(rows, m)] = M(rows)
    return four


def _averages(ensemble: Ensemble, x: Tensor) -> Callable[[Tensor], Tensor]:
    """M: tuples of points (k, n) -> averages over one neuron (k,)."""
    _one_hidden_layer(ensemble)
    C = ensembles.overlaps(ensemble, x)
    return lambda index: ensemble.neuron.moments(C, index)


def _one_hidden_layer(ensemble: Ensemble) -> None:
    if len(ensemble.widths) > 1:
        raise ValueError(
            f"widths = {ensemble.widths}: with more than one hidden layer the neurons of the last are not independent; "
            "measure with `correlators.integrated`, or use `relu_excess_four` for one input."
        )


def _tuples(index: Tensor, n: int, x: Tensor) -> Tensor:
    index = torch.as_tensor(index)
    if index.dim() != 2 or index.shape[1] != n:
        raise ValueError(f"index of shape {tuple(index.shape)}: tuples of {n} points are (k, {n}).")
    wick.place(index, len(x))  # refuses sites that are not there
    return index.to(x.device)
