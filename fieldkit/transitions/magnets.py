r"""Can a network find a phase transition by itself?  What the best possible network would answer, exactly.

Pictures of a magnet are drawn at many temperatures and labelled "cold" or "hot" by the known T_c.  A network that sees
a statistic k of the picture can do no better than Bayes' rule,

    P(cold | k) = sum_{T < T_c} p_T(k) / sum_T p_T(k),

whose mean at temperature T passes 1/2 at T_half.  From the exact law of |m|, or of all 2^16 states at L = 4, both are
numbers without test-set noise.  T_half has finite-size corrections and a sign that changes with L: one lattice on which
it agrees with T_c proves nothing.  Learning by confusion labels by a trial temperature instead and asks at which trial
the labels are easiest to learn.  Carrasquilla & Melko 2017; van Nieuwenburg, Liu & Huber 2017.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import ising, ising_exact

Law = Callable[[float], Tensor]  # T -> probabilities (k,) of the values of a statistic


def law_of_magnetization(L: int) -> Law:
    """Law of |sum(s)| on the periodic L x L lattice, L <= 11: values 0 or 1, then every second, up to L^2."""

    def law(T: float) -> Tensor:
        p = ising_exact.magnetization_law(L, T)
        folded = p + p.flip(0)
        upper = folded[len(p) // 2 :].clone()
        if len(p) % 2:
            upper[0] /= 2  # sum(s) = 0 is its own mirror image
        return upper

    return law


def law_of_states(
    L: int, statistic: Callable[[Tensor, Tensor], Tensor], energy: Tensor | None = None
) -> tuple[Law, Tensor]:
    """The law of any statistic of energy and magnetisation over all states of the L x L torus, L <= 4, and the number
    (2^(L^2),) of the value that each state of `ising_exact.all_states` has.

    energy (2^(L^2),): of each state, where it is not that of the square lattice (`triangular.energy`).
    """
    square, magnetization = ising_exact.enumerate_states(L, L)
    energy = square if energy is None else energy
    _, value = torch.unique(statistic(energy, magnetization), return_inverse=True)
    count = int(value.max()) + 1

    lowest = energy.min()

    def law(T: float) -> Tensor:
        given.positive("T", T, why="a temperature is positive")
        weight = torch.softmax((lowest - energy) / T, 0)
        return torch.zeros(count, dtype=torch.float64).index_add_(0, value, weight)

    return law, value


def remembered(law: Law, low: float, high: float, n: int = 28) -> Law:
    """The same law between `low` and `high`, by the polynomial through n temperatures.

    On a finite lattice every probability is a ratio of sums of exponentials of 1/T, so that the error falls
    geometrically with n at Chebyshev's nodes (barycentric formula; Berrut & Trefethen 2004).  Raises `ValueError` for
    temperatures outside.
    """
    given.positive("low", low, why="a temperature")
    given.whole("n", n, least=2, why="a polynomial goes through points")
    if not high > low:
        raise ValueError(f"low = {low}, high = {high}: a range of temperatures goes upwards; exchange them.")
    angle = math.pi * (torch.arange(n, dtype=torch.float64) + 0.5) / n
    nodes = (low + high) / 2 + (high - low) / 2 * angle.cos()
    weight = angle.sin() * (-1.0) ** torch.arange(n)
    rows = torch.stack([law(T) for T in nodes.tolist()])

    def quick(T: float) -> Tensor:
        if not low <= T <= high:
            raise ValueError(f"T = {T}: the law is remembered from {low} to {high}; ask there, or widen the range.")
        away = T - nodes
        hit = away.abs().argmin()
        if away[hit].abs() < 1e-13:
            return rows[hit].clone()
        share = weight / away
        return ((share / share.sum()) @ rows).clamp_min(0)

    return quick


def posterior(law: Law, temperatures: Sequence[float], critical: float = ising.T_CRITICAL) -> Tensor:
    """P(cold | value) (k,) for labels by `critical` and all temperatures equally likely; 1/2 for values that never
    occur.

    Raises `ValueError` unless there are temperatures on both sides, and none at `critical`.
    """
    cold, hot = _sides(law, temperatures, critical)
    total = cold + hot
    return torch.where(total > 0, cold / total.clamp_min(1e-300), 0.5)


def half_temperature(law: Law, answer: Tensor, *, low: float, high: float) -> float:
    """T in (low, high) at which the mean of `answer` (k,) over the law is 1/2.  Raises `ValueError` where the mean does
    not pass it."""
    from scipy.optimize import brentq

    answer = given.doubles(answer)
    if answer.shape != law(low).shape or not bool(answer.isfinite().all()):
        raise ValueError(f"answer {tuple(answer.shape)}: a finite one for each of {len(law(low))} values.")

    def excess(T: float) -> float:
        return float(law(T) @ answer) - 0.5

    if excess(low) * excess(high) > 0:
        raise ValueError(f"the answer does not pass 1/2 between T = {low} and {high}: widen the range.")
    return brentq(excess, low, high, xtol=1e-12)


def logistic_optimum(
    law: Law, feature: Tensor, temperatures: Sequence[float], critical: float = ising.T_CRITICAL
) -> tuple[float, float]:
    """(a, b) of the smallest network, sigmoid(a feature + b), that learns best from unlimited pictures.

    The cross-entropy is convex in both, so that Newton's steps end at its only minimum.  feature (k,): of each value.
    Raises `ValueError` as `posterior`, and for a feature of another shape; `ArithmeticError` where no finite minimum
    exists.
    """
    cold, hot = _sides(law, temperatures, critical)
    feature = given.doubles(feature)
    if feature.shape != cold.shape:
        raise ValueError(f"feature {tuple(feature.shape)}: expected one number for each of {len(cold)} values.")
    x = torch.stack([feature.double(), torch.ones_like(cold)])
    weight = torch.zeros(2, dtype=torch.float64)
    for _ in range(200):
        answer = torch.sigmoid(weight @ x)
        slope = x @ (cold - (cold + hot) * answer)
        bend = (x * ((cold + hot) * answer * (1 - answer))) @ x.T
        if float(torch.linalg.det(bend)) <= 1e-14 * float(bend.diagonal().prod()):
            break
        step = torch.linalg.solve(bend, slope)
        weight = weight + step * min(1.0, 5 / float(step.abs().max().clamp_min(1e-300)))
        if float(step.abs().max()) < 1e-11 * (1 + float(weight.abs().max())):
            return float(weight[0]), float(weight[1])
    raise ArithmeticError("no finite minimum: the feature parts cold from hot without an error; mix the temperatures.")


def passing(temperatures: Tensor, answers: Tensor) -> Tensor:
    """T (...,) at which falling mean answers (..., n) at n >= 3 temperatures pass 1/2.

    A parabola through their log-odds, each with the weight q (1 - q): smooth in the answers, so that a jackknife may go
    through it, and deaf to where they are certain.  Newton's steps start where the straight line passes.
    """
    temperatures = given.doubles(temperatures)
    q = given.doubles(answers)
    if not bool(((q >= 0) & (q <= 1)).all() and temperatures.isfinite().all()):
        raise ValueError("an answer is no probability, 0 to 1, or a temperature is not finite; leave such places out.")
    q = q.clamp(1e-12, 1 - 1e-12)
    if temperatures.dim() == 1 and len(temperatures) > 2 and len(temperatures.unique()) < 3:
        raise ValueError(f"temperatures {temperatures.tolist()}: a parabola goes through three different ones.")
    if temperatures.shape != q.shape[-1:] or len(temperatures) < 3:
        raise ValueError(
            f"{len(temperatures)} temperatures, {tuple(q.shape)} answers: expected three or more, (..., n)."
        )
    middle, width = float(temperatures.double().mean()), float(temperatures.double().std())
    x = ((temperatures.double() - middle) / width).to(q.device)
    powers, weight = x[:, None] ** torch.arange(3, device=q.device), (q * (1 - q))[..., None]
    c = torch.linalg.solve(powers.mT @ (weight * powers), (powers.mT @ (weight * q.logit()[..., None])))[..., 0]
    root = -c[..., 0] / c[..., 1]
    for _ in range(20):
        root = root - (c[..., 0] + root * (c[..., 1] + root * c[..., 2])) / (c[..., 1] + 2 * root * c[..., 2])
    return middle + width * root


def best_accuracy(law: Law, temperatures: Sequence[float], critical: float = ising.T_CRITICAL) -> float:
    """The largest possible fraction of right labels over pictures at these temperatures.  Raises as `posterior`."""
    cold, hot = _sides(law, temperatures, critical)
    return float(torch.maximum(cold, hot).sum()) / len(temperatures)


def accuracy(answer: Tensor, law: Law, temperatures: Sequence[float], critical: float = ising.T_CRITICAL) -> float:
    """Fraction of right labels of answers (k,) in [0, 1], cold where above 1/2.  Raises as `posterior`."""
    cold, hot = _sides(law, temperatures, critical)
    answer = given.doubles(answer)
    if answer.shape != cold.shape or not bool(((answer >= 0) & (answer <= 1)).all()):
        raise ValueError(f"answer {tuple(answer.shape)}: a probability for each of {len(cold)} values, 0 to 1.")
    return float(torch.where(answer > 0.5, cold, hot).sum()) / len(temperatures)


def confusion(law: Law, temperatures: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Trial temperatures half-way between neighbours (n - 1,) and the best possible accuracy (n - 1,) of labels by each
    of them: two ends near 1, and a maximum inside where the pictures themselves change - or several, if L is small."""
    ordered = sorted(temperatures)
    if len(ordered) < 2:
        raise ValueError(f"temperatures {ordered}: a trial lies between two; give at least two.")
    trials = [(a + b) / 2 for a, b in zip(ordered, ordered[1:])]
    rows = torch.stack([law(T) for T in ordered])
    below, total = rows.cumsum(0)[:-1], rows.sum(0)
    best = torch.maximum(below, total - below).sum(1) / len(ordered)
    return torch.tensor(trials, dtype=torch.float64), best


def _sides(law: Law, temperatures: Sequence[float], critical: float) -> tuple[Tensor, Tensor]:
    given.positive("critical", critical, why="a temperature that parts cold from hot")
    cold = [T for T in temperatures if critical > T]
    hot = [T for T in temperatures if critical < T]
    if not cold or not hot or len(cold) + len(hot) != len(temperatures):
        raise ValueError(f"{len(cold)} temperatures below {critical:.4g} and {len(hot)} above: both labels are needed.")
    return sum((law(T) for T in cold[1:]), law(cold[0])), sum((law(T) for T in hot[1:]), law(hot[0]))
