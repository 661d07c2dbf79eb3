"""A machine of your own: a sampler for an action that only one student has, and a test that finds broken ones."""

from __future__ import annotations

import math
from typing import Any

import torch

from coursework.assignments import Mark, Task
from coursework.chains import mark_bars
from coursework.draws import Draws
from coursework.judging import boxes, judged
from coursework.lattice import machines
from coursework.lattice.own_action import Theory, averages, observed
from coursework.slips import named

NAME, TITLE = "lattice/machine", "A machine of your own"
NAMES = ("stiffness", "mass2", "coupling", "extra", "power")
HIDES: tuple[str, ...] = ()
FIELDS = 24_000


def parameters(draws: Draws) -> dict[str, Any]:
    """An action, on five axes."""
    return {
        "stiffness": draws.between("stiffness", 0.6, 1.6, step=0.01),
        "mass2": draws.between("mass2", -1.5, 0.5, step=0.01),
        "coupling": draws.between("coupling", 0.2, 1.0, step=0.005),
        "extra": draws.between("extra", 0.02, 0.2, step=0.002),
        "power": draws.one_of("power", [6, 8]),
    }


def theory(given: dict[str, Any]) -> Theory:
    """Raises `TypeError` or `ValueError` for numbers that are none."""
    stiffness, mass2, coupling, extra = (float(given[name]) for name in NAMES[:4])
    return Theory(stiffness, mass2, coupling, extra, int(given["power"]))


def truths(t: Theory) -> dict[str, dict[str, tuple[float, float]]]:
    """What tells one student from another: the averages with the bars of the marking, and the law of the force."""
    probe = t.force(torch.tensor([[0.3, 0.7, 1.1, 1.6]], dtype=torch.float64))[0]
    return {
        "force": {f"force at site {i}": (float(f), 1e-9) for i, f in enumerate(probe)},
        "trajectory": {name: (v, s / math.sqrt(FIELDS)) for name, (v, s) in averages(t).items()},
    }


def mark_force(ask: Any, draws: Draws, t: Theory) -> Mark:
    """Minus the gradient, in one, two and three dimensions."""
    rng, good, said = draws.rng("force"), 0, []
    for d, L in ((1, 5), (2, 4), (3, 3)):
        phi = torch.randn((3,) + (L,) * d, generator=rng, dtype=torch.float64)
        found, wanted = ask("force", [phi]), t.force(phi)
        if found.shape != wanted.shape:
            said.append(f"d = {d}: shape {tuple(found.shape)}, the field has {tuple(wanted.shape)}")
        elif torch.allclose(found, wanted, rtol=1e-9, atol=1e-9):
            good += 1
        else:
            said.append(f"d = {d}: {_slip(t, phi, found)}")
    return Mark(good / 3, "; ".join(said) or "minus the gradient of your action in one, two and three dimensions")


def _slip(t: Theory, phi: torch.Tensor, found: torch.Tensor) -> str:
    """Which mistake it is, or how far off."""
    d, wanted = phi.dim() - 1, t.force(phi)
    last, springs = t.extra * phi ** (t.power - 1), t.stiffness * (2 * d - 4)
    slips = {
        "the sign is that of the gradient; a force is minus it": -wanted,
        f"the springs pull with 2d phi, here {2 * d}; yours have the 4 of two dimensions": wanted + springs * phi,
        "the last term lacks its power: d/dphi of phi^k is k phi^(k-1)": wanted + (t.power - 1) * last,
        "the last term of your action is missing": wanted + t.power * last,
        "the quartic term lacks its 4": wanted + 3 * t.coupling * phi**3,
    }
    off = f"differs from minus the gradient of your action by up to {float((found - wanted).abs().max()):.2g}"
    return named(found, wanted, slips, relative=1e-9, within=1e-9) or off


def mark_trajectory(ask: Any, draws: Draws, t: Theory) -> Mark:
    """From equilibrium and from far away, at a step at which a mistake shows; then 6 x 6 sites by an identity."""
    rng, part, said = draws.rng("trajectory"), 0.0, list[str]()
    start = machines.equilibrium(t, FIELDS, 2, rng)
    step = machines.telling_step(t, start[:2000], rng)
    far = 0.05 * torch.randn(FIELDS, 2, 2, generator=rng, dtype=torch.float64)
    for name, phi, times in (("from equilibrium", start, 12), ("from far away", far, 80)):
        end = ask("trajectory", [phi, step, 4, rng_of(draws, name)], times=times, seconds=60)
        if end.shape != phi.shape or not bool(end.isfinite().all()):
            return Mark(part, f"{name}: shape {tuple(end.shape)}; expected {tuple(phi.shape)}, finite numbers")
        seen = observed(end)  # with the exact bar: a bar of one's own hides a wild value
        pulls = {o: (seen[o] - v) / (s / math.sqrt(FIELDS)) for o, (v, s) in averages(t).items()}
        part += 0.35 * all(abs(z) < 4 for z in pulls.values())
        worst = max(pulls, key=lambda o: abs(pulls[o]))
        said.append(f"{name}, step {step:g}: <{worst}> is {pulls[worst]:+.1f} bars off" + _hint(abs(pulls[worst]) < 4))
    phi = machines.equilibrium(t, 1000, 6, rng, n_trajectories=30)
    bar = float(_law(t, phi).std()) / math.sqrt(len(phi))
    phi = ask("trajectory", [phi, 0.8 * step, 4, rng_of(draws, "large")], times=40, seconds=60)
    if tuple(phi.shape) != (1000, 6, 6) or not bool(phi.isfinite().all()):
        return Mark(part, f"{said[0]}; {said[1]}; fields (1000, 6, 6) come back as {tuple(phi.shape)}")
    pull = float(_law(t, phi).mean()) / bar
    part += 0.3 * (abs(pull) < 4)
    said.append(f"6 x 6 sites: <phi dS/dphi> - 1 has pull {pull:+.1f}")
    return Mark(part, "; ".join(said))


def _hint(right: bool) -> str:
    return "" if right else " (momenta of variance one? the whole energy before and after? accepted with exp(-dH)?)"


def _law(t: Theory, phi: torch.Tensor) -> torch.Tensor:
    """phi dS/dphi - 1 of each field: zero on average, the integral of a derivative."""
    return (-phi * t.force(phi)).mean((1, 2)) - 1


def rng_of(draws: Draws, what: str) -> torch.Generator:
    """The generator that the student's function draws from."""
    return draws.rng(f"student {what}")


def mark_is_correct(ask: Any, draws: Draws, t: Theory) -> Mark:
    """Nine machines behind a pipe: the right ones must pass, the wrong ones be caught."""
    step = machines.telling_step(t, machines.equilibrium(t, 2000, 2, draws.rng("telling")), draws.rng("step"))

    def make(kind: str, rng: torch.Generator) -> Any:
        return machines.machine(t, kind, rng, step=step)

    return judged(ask, "is_correct", boxes(draws, machines, make, _refusal), "machines")


def _refusal(phi: torch.Tensor) -> str:
    few = phi.dim() == 3 and phi.shape[1:] == (2, 2) and 1 <= len(phi) <= 4096
    return "" if few else "step takes fields (n, 2, 2) with n from 1 to 4096"


TASKS = (
    Task("force", 2, mark_force),
    Task("trajectory", 3, mark_trajectory),
    Task("estimate", 3, mark_bars),
    Task("is_correct", 2, mark_is_correct),
)
