"""An honest flow: a determinant, two weighted numbers with their bars, and a test for flows that lie."""

from __future__ import annotations

import math
from typing import Any

import torch

from coursework.assignments import Mark, Task
from coursework.draws import Draws
from coursework.judging import barred, boxes, judged
from coursework.neuralrg import own_flow
from coursework.neuralrg.own_flow import Flow, weights
from coursework.slips import named

NAME, TITLE = "neuralrg/honest", "An honest flow"
NAMES = ("alpha", "beta", "gamma", "kappa", "c1", "c2", "s")
HIDES: tuple[str, ...] = ()
DRAWS, MOST = 10_000, 20_000


def parameters(draws: Draws) -> dict[str, Any]:
    """A layer on four axes, a target on three."""
    return {
        "alpha": draws.between("alpha", 0.4, 1.2, step=0.01),
        "beta": draws.between("beta", 0.5, 1.5, step=0.01),
        "gamma": draws.between("gamma", -0.8, 0.8, step=0.01),
        "kappa": draws.between("kappa", 0.05, 0.3, step=0.002),
        "c1": draws.between("c1", 2.0, 2.8, step=0.01),
        "c2": draws.between("c2", -1.5, 1.5, step=0.01),
        "s": draws.between("s", 0.45, 0.65, step=0.005),
    }


def theory(given: dict[str, Any]) -> Flow:
    """Raises `TypeError` or `ValueError` for numbers that are none."""
    return Flow(*(float(given[name]) for name in NAMES))


def truths(f: Flow) -> dict[str, dict[str, tuple[float, float]]]:
    """The layer at a fixed place; the exact ln Z of the target, of which a test sees about a hundredth."""
    z = torch.tensor([[0.3, -0.8, 1.1, 0.6]], dtype=torch.float64)
    x = {f"x{i}": (float(v), 1e-9) for i, v in enumerate(f.layer(z)[0])}
    return {"layer": x, "log_det": {"ln det": (float(f.log_det(z)[0]), 1e-9)}}


def mark_layer(ask: Any, draws: Draws, f: Flow) -> Mark:
    """The map itself, on rings of three lengths."""
    return _compared(ask, draws, f, "layer", lambda z: {})


def mark_log_det(ask: Any, draws: Draws, f: Flow) -> Mark:
    """The logarithm of its determinant."""

    def slips(z: torch.Tensor) -> dict[str, torch.Tensor]:
        y, stretch = f.coupled(z)
        squash = torch.log1p(3 * f.kappa * y**2).sum(1)
        return {
            "the sign is that of the inverse map": -f.log_det(z),
            "the squash stretches too: its ln(1 + 3 kappa y^2) is missing": stretch.sum(1),
            "the stretch of the odd sites is missing": squash,
            "the squash acts on y, after the coupling, not on z": stretch.sum(1)
            + torch.log1p(3 * f.kappa * z**2).sum(1),
            "that is the determinant, not its logarithm": f.log_det(z).exp(),
        }

    return _compared(ask, draws, f, "log_det", slips)


def _compared(ask: Any, draws: Draws, f: Flow, name: str, slips: Any) -> Mark:
    rng, good, said = draws.rng(name), 0, []
    for L in (4, 6, 10):
        z = torch.randn(20, L, generator=rng, dtype=torch.float64)
        wanted, found = getattr(f, name)(z), ask(name, [z])
        if found.shape != wanted.shape:
            said.append(f"L = {L}: shape {tuple(found.shape)}, expected {tuple(wanted.shape)}")
        elif torch.allclose(found, wanted, rtol=1e-9, atol=1e-9):
            good += 1
        else:
            off = f"off by up to {float((found - wanted).abs().max()):.2g}"
            said.append(f"L = {L}: {named(found, wanted, slips(z), relative=1e-9, within=1e-9) or off}")
    return Mark(good / 3, "; ".join(said) or "right on rings of four, six and ten sites")


def mark_ln_z(ask: Any, draws: Draws, f: Flow, *, items: int = 24) -> Mark:
    """ln of the mean weight, with its bar."""
    rng, sets = draws.rng("ln_z"), []
    for _ in range(items):
        _, log_w, known = weights(rng, DRAWS)
        plain = float(torch.logsumexp(log_w, 0)) - math.log(DRAWS)
        sets.append(([log_w], plain, *known["ln Z"]))
    small = "the bar of ln <w> is the spread of w over its mean, over sqrt n"
    return barred(ask, "ln_z", sets, small=small, large="the spread of ln w is not that of w over its mean")


def mark_square(ask: Any, draws: Draws, f: Flow, *, items: int = 24) -> Mark:
    """The mean square of the target from weighted fields, with its bar."""
    rng, sets = draws.rng("square"), []
    for _ in range(items):
        x, log_w, known = weights(rng, DRAWS)
        w = torch.softmax(log_w, 0)
        sets.append(([x, log_w], float((w * (x**2).mean(1)).sum()), *known["square"]))
    small = "heavy fields count often: the bar holds the squares of the weights"
    large = "numerator and denominator rise together; or the bar is that of the flow's own spread"
    return barred(ask, "square", sets, small=small, large=large)


def mark_is_honest(ask: Any, draws: Draws, f: Flow) -> Mark:
    """Eight flows behind a pipe."""

    def make(kind: str, rng: torch.Generator) -> Any:
        drawn = own_flow.drawn(f, kind, rng)
        return lambda n: drawn(int(n))

    return judged(ask, "is_honest", boxes(draws, own_flow, make, _refusal), "flows")


def _refusal(n: torch.Tensor) -> str:
    return "" if n.numel() == 1 and 1 <= float(n) <= MOST else f"n = {n}: from 1 to {MOST} fields a call"


TASKS = (
    Task("layer", 1, mark_layer),
    Task("log_det", 2, mark_log_det),
    Task("ln_z", 3, mark_ln_z),
    Task("square", 2, mark_square),
    Task("is_honest", 2, mark_is_honest),
)
