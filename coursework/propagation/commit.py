"""Commit, then measure: the edge of chaos of an activation that only one student has."""

from __future__ import annotations

import math
from typing import Any

import torch

from coursework.assignments import Mark, Task
from coursework.draws import Draws
from coursework.judging import barred, boxes, judged
from coursework.propagation import layers
from coursework.propagation.own_neuron import Neuron, grown
from coursework.slips import named

NAME, TITLE = "propagation/commit", "Commit, then measure"
NAMES = ("a", "b", "sw2", "sb2")
HIDES = ("propagation/criticality.py", "propagation/fixed_points.py")
WITHIN = 1e-4


def parameters(draws: Draws) -> dict[str, Any]:
    """An activation on two axes, and the variances of the layers that are judged."""
    return {
        "a": draws.between("a", 0.7, 1.6, step=0.005),
        "b": draws.between("b", -0.5, 0.8, step=0.005),
        "sw2": draws.between("sw2", 1.5, 3.0, step=0.01),
        "sb2": draws.between("sb2", 0.2, 0.6, step=0.01),
    }


def theory(given: dict[str, Any]) -> Neuron:
    """Raises `TypeError` or `ValueError` for numbers that are none."""
    return Neuron(*(float(given[name]) for name in NAMES))


def truths(t: Neuron) -> dict[str, dict[str, tuple[float, float]]]:
    """The two curves at fixed places, with the tolerance of the marking as a quarter of a bar."""
    sb2 = torch.tensor([0.05, 0.2], dtype=torch.float64)
    lines = {f"sw2 at sb2 = {s:g}": float(v) for s, v in zip(sb2, t.critical(sb2))}
    sees = {f"depth at {w:g}": float(t.depth(torch.tensor(w).double(), torch.tensor(0.1).double())) for w in (0.4, 2.5)}
    return {
        "critical": {k: (v, WITHIN * v / 4) for k, v in lines.items()},
        "depth": {k: (v, WITHIN * v / 4) for k, v in sees.items()},
    }


def mark_critical(ask: Any, draws: Draws, t: Neuron) -> Mark:
    """Twelve hidden bias variances, to four digits."""
    sb2 = 0.01 + 0.4 * torch.rand(12, generator=draws.rng("critical"), dtype=torch.float64)
    found = torch.stack([ask("critical", [float(s)]).reshape(-1)[:1].sum() for s in sb2])
    truth = t.critical(sb2)
    return _compared(found, truth, {
        "that is the standard deviation of the weights; sw2 is the variance": truth.sqrt(),
        "the fixed point q* has lost its sb2": t.critical(torch.full_like(sb2, 1e-9)),
        "chi_1 holds phi' squared; this has phi squared": _with_phi(t, sb2),
    })  # fmt: skip


def _with_phi(t: Neuron, sb2: torch.Tensor) -> torch.Tensor:
    """The weight variance at which sw2 E phi^2 = 1: q* is 1 + sb2."""
    z, w = _nodes()
    return 1 / (t.phi((1 + sb2).sqrt()[:, None] * z) ** 2 @ w)


def _nodes() -> tuple[torch.Tensor, torch.Tensor]:
    z = torch.linspace(-9, 9, 2001, dtype=torch.float64)
    return z, torch.exp(-z * z / 2) * (z[1] - z[0]) / math.sqrt(2 * math.pi)


def mark_depth(ask: Any, draws: Draws, t: Neuron) -> Mark:
    """Ten hidden points on either side of the edge, none of them nearer to it than a tenth."""
    rng = draws.rng("depth")
    sb2 = 0.02 + 0.4 * torch.rand(20, generator=rng, dtype=torch.float64)
    away = 0.1 + 0.5 * torch.rand(20, generator=rng, dtype=torch.float64)
    sw2 = t.critical(sb2) * torch.where(torch.arange(20) % 2 == 0, 1 - away, 1 + 2 * away)
    found = torch.stack([ask("depth", [float(w), float(b)]).reshape(-1)[:1].sum() for w, b in zip(sw2, sb2)])
    truth = t.depth(sw2, sb2)
    return _compared(found, truth, {"a depth counts layers: -1 / ln chi, with its minus sign": -truth})


def _compared(found: torch.Tensor, truth: torch.Tensor, slips: dict[str, torch.Tensor]) -> Mark:
    """Which part is right to four digits; which mistake it is, or the worst."""
    right = (found / truth - 1).abs() < WITHIN
    said = f"{int(right.sum())} of {len(truth)} hidden points right to {WITHIN:g}"
    if not bool(right.all()):
        worst = int(torch.nan_to_num((found / truth - 1).abs(), nan=math.inf).argmax())
        off = abs(float(found[worst] / truth[worst]) - 1)
        said += f"; {named(found, truth, slips, relative=1e-3) or f'the worst is off by {100 * off:.2g} %'}"
    return Mark(float(right.double().mean()), said)


def mark_edge(ask: Any, draws: Draws, t: Neuron, *, items: int = 24) -> Mark:
    """Growth per layer in networks whose layers share their weights, with its bar."""
    rng, sets = draws.rng("edge"), []
    for _ in range(items):
        growth, truth, honest = grown(rng, 100, 30)
        sets.append(([growth], float(growth.mean()), truth, honest))
    return barred(ask, "edge", sets, small="layers of one network are not independent")


def mark_is_right(ask: Any, draws: Draws, t: Neuron) -> Mark:
    """Eight layers behind a pipe: the right ones must pass, the wrong ones be caught."""

    def make(kind: str, rng: torch.Generator) -> Any:
        return layers.layer(t, kind, rng)

    return judged(ask, "is_right", boxes(draws, layers, make, _refusal), "layers")


def _refusal(x: torch.Tensor) -> str:
    few = x.dim() == 2 and all(1 <= k <= 1000 for k in x.shape) and bool(x.isfinite().all())
    return "" if few else "layer takes finite pre-activations (n, width), both from 1 to 1000"


TASKS = (
    Task("critical", 3, mark_critical),
    Task("depth", 3, mark_depth),
    Task("edge", 2, mark_edge),
    Task("is_right", 2, mark_is_right),
)
