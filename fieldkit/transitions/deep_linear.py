r"""What decides whether learning jumps or slides?  Linear networks whose order of transition is their depth.

    loss = |T - W_L ... W_1|_F^2 / 2 + (decay/2) sum_l |W_l|_F^2.

A singular mode s of T is learnt by balanced layers of strength w each, whose end-to-end map m = w^L obeys, for w > 0,
w^(L-2) (s - w^L) = decay.  With two layers m = max(0, s - decay): learning vanishes continuously.  With three or more
the left side has a maximum, the spinodal, so that m > 0 ends with a jump; before that, at the critical decay, the
minimum m > 0 and the minimum 0 are equally deep.  Zero is a local minimum for every L >= 3 and decay > 0.

Ziyin & Ueda 2022 (2205.12510) for the orders of transition; the closed forms follow from the equation above.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from fieldkit import given


def critical_decay(depth: int, s: float) -> float:
    """The decay at which not to learn becomes the better minimum: s for depth 2, else
    s/(L-1) (s (L-2)/(L-1))^((L-2)/L)."""
    _mode(depth, s)
    return s if depth == 2 else s / (depth - 1) * (s * (depth - 2) / (depth - 1)) ** ((depth - 2) / depth)


def jump(depth: int, s: float) -> float:
    """The map m just below the critical decay: s (L-2)/(L-1), which is 0 for depth 2."""
    _mode(depth, s)
    return s * (depth - 2) / (depth - 1)


def spinodal(depth: int, s: float) -> float:
    """The decay at which the minimum m > 0 disappears, with m at half its jump there; s for depth 2."""
    _mode(depth, s)
    if depth == 2:
        return s
    return (s * (depth - 2) / (2 * (depth - 1))) ** ((depth - 2) / depth) * s * depth / (2 * (depth - 1))


def learnt(depth: int, s: float, decay: float) -> float:
    """The map m > 0 of the minimum that has learnt the mode, up to the spinodal, and 0 beyond: by bisection to
    rounding."""
    from scipy.optimize import brentq

    _mode(depth, s)
    given.not_negative("decay", decay, why="a weight decay is not negative")
    if decay >= spinodal(depth, s):
        return 0.0
    if depth == 2:
        return s - decay
    unit = s ** (1 / depth)  # of w: at its own scale a mode is as strong as 1
    goal, lowest = decay / s / unit ** (depth - 2), (depth - 2) / (2 * (depth - 1))  # lowest: m at the spinodal

    def excess(log_m: float) -> float:
        return math.exp(log_m * (depth - 2) / depth) * -math.expm1(log_m) - goal

    if goal == 0 or excess(math.log(lowest)) <= 0:
        return s if goal == 0 else s * lowest
    return s * math.exp(brentq(excess, math.log(lowest), 0.0, xtol=1e-16, rtol=1e-15))


def loss_of(depth: int, s: float, decay: float, m: float) -> float:
    """The loss of one mode with balanced layers whose map is m >= 0."""
    _mode(depth, s)
    given.not_negative("m", m, why="balanced layers of one sign have a map m >= 0")
    given.not_negative("decay", decay, why="a weight decay is not negative")
    return (s - m) ** 2 / 2 + decay * depth / 2 * m ** (2 / depth)


def susceptibility(s: float, decay: float) -> float:
    """Response du/dh at h = 0 of u = (a + b)/sqrt 2, for two scalar layers a, b beyond the transition, decay > s, to a
    field h that pulls at u: 1/(decay - s)."""
    given.positive("s", s, why="a mode has a strength")
    given.positive("decay", decay, why="a weight decay beyond the transition")
    if not decay > s:
        raise ValueError(f"decay = {decay}: below s = {s} the mode is learnt without a field; choose decay > s.")
    return 1 / (decay - s)


def critical_response(h: float) -> float:
    """u at decay = s in a field h >= 0: (2 h)^(1/3), so delta = 3."""
    given.not_negative("h", h, why="the size of the field; its sign is the sign of u")
    return (2 * h) ** (1 / 3)


def sweep(
    layers: Sequence[Tensor],
    cross: Tensor,
    decays: Sequence[float],
    *,
    second: Tensor | None = None,
    field: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Train by L-BFGS at one decay after another, each from where the last one ended: singular values of the end-to-end
    map (len(decays), r) and losses (len(decays),).

    layers: initial weights W_1 ... W_L, W_1 (h, d_in) and W_L (d_out, h').  cross: E y x^T (d_out, d_in).  second:
    E x x^T (d_in, d_in), the identity if left out.  The loss is that of the module with T = cross, up to the constant
    (E|y|^2 - |T|^2)/2 and with the data's second moment:  tr(P second P^T)/2 - tr(P cross^T) + |cross|^2/2 + decay ...
    field: pulls at the trace of (sum of the layers)/sqrt L, for square layers.  Raises `ValueError` for layers that do
    not fit together.
    """
    decays = given.doubles(decays).flatten().tolist()
    given.number("field", field, why="it pulls at the trace")
    if not decays or not all(0 <= decay < math.inf for decay in decays):
        raise ValueError(f"decays {list(decays)}, field = {field}: one decay or more, 0 or larger, and a finite field.")
    weights = [given.numbers(w).double().clone(memory_format=torch.contiguous_format).requires_grad_() for w in layers]
    t = given.numbers(cross).double()
    c = torch.eye(t.shape[1], dtype=torch.float64) if second is None else given.numbers(second).double()
    widths = [t.shape[1], *[len(w) for w in weights]]
    if len(weights) < 2 or widths[-1] != t.shape[0] or any(w.shape[1] != n for w, n in zip(weights, widths)):
        raise ValueError(
            f"layers {[tuple(w.shape) for w in weights]} for a map {tuple(t.shape)}: two or more, each (out, in), must "
            "fit together from first to last."
        )

    def product() -> Tensor:
        p = weights[0]
        for w in weights[1:]:
            p = w @ p
        return p

    def loss(decay: float) -> Tensor:
        p = product()
        fit = (p @ c * p).sum() / 2 - (p * t).sum() + t.square().sum() / 2
        total = fit + decay / 2 * sum((w.square().sum() for w in weights), torch.zeros((), dtype=torch.float64))
        return total if field == 0 else total - field * sum(w.diagonal().sum() for w in weights) / len(weights) ** 0.5

    maps, losses = [], []
    for decay in decays:
        optimiser = torch.optim.LBFGS(
            weights, max_iter=4000, tolerance_grad=1e-12, tolerance_change=1e-18, line_search_fn="strong_wolfe"
        )

        def closure(decay: float = decay, optimiser: torch.optim.LBFGS = optimiser) -> Tensor:
            optimiser.zero_grad()
            value = loss(decay)
            value.backward()
            return value

        optimiser.step(closure)
        with torch.no_grad():
            maps.append(torch.linalg.svdvals(product()))
            losses.append(loss(decay))
    return torch.stack(maps), torch.stack(losses)


def _mode(depth: int, s: float) -> None:
    given.whole("depth", depth, least=2, why="a single layer learns without a transition")
    given.positive("s", s, why="a mode has a strength")
