"""Blind critical point: an energy and a critical temperature of one's own, and magnets that only the marker knows."""

from __future__ import annotations

import math
from typing import Any

import torch

from coursework.assignments import Mark, Task
from coursework.draws import Draws
from coursework.judging import barred
from coursework.marking import Wrong
from coursework.slips import named
from coursework.transitions.own_magnet import Magnet, magnetizations
from fieldkit.estimates import Estimate
from fieldkit.scores import log_score

NAME, TITLE = "transitions/blind", "Blind critical point"
NAMES = ("J1", "J2", "J3")
HIDES: tuple[str, ...] = ()
SIZES, MOST, BUDGET = (4, 6, 8), 4000, 200_000
REFERENCE, FULL, NOTHING = 0.02, 0.8, 1.6  # the bar of a good crossing over T_c; average costs for all points and none


def parameters(draws: Draws) -> dict[str, Any]:
    """Three couplings."""
    return {name: draws.between(name, 0.2, 1.6, step=0.005) for name in NAMES}


def theory(given: dict[str, Any]) -> Magnet:
    """Raises `TypeError` or `ValueError` for numbers that are none."""
    return Magnet(*(float(given[name]) for name in NAMES))


def truths(m: Magnet) -> dict[str, dict[str, tuple[float, float]]]:
    """T_c, and the energy of one configuration."""
    s = torch.ones(1, 3, 3, dtype=torch.float64)
    s[0, 0, 0] = s[0, 1, 2] = s[0, 1, 1] = -1
    Tc = m.critical()
    return {"energy": {"H": (float(m.energy(s)[0]), 1e-9)}, "critical": {"Tc": (Tc, 1e-6 * Tc / 4)}}


def mark_energy(ask: Any, draws: Draws, m: Magnet) -> Mark:
    """On tori of three sizes."""
    rng, good, said = draws.rng("energy"), 0, ""
    for L in (3, 4, 7):
        s = 2.0 * torch.randint(2, (10, L, L), generator=rng).double() - 1
        found, wanted = ask("energy", [s]), m.energy(s)
        slips = {
            "the sign: like spins lower the energy": -wanted,
            "every bond is counted twice": 2 * wanted,
            "that is the energy of a site": wanted / L**2,
            "the diagonal is missing": Magnet(m.J1, m.J2, 0).energy(s),
            "right and down are exchanged": Magnet(m.J2, m.J1, m.J3).energy(s),
        }
        if found.shape == wanted.shape and torch.allclose(found, wanted, atol=1e-9):
            good += 1
        else:
            alike = found.shape == wanted.shape and named(found, wanted, slips, within=1e-9)
            said = alike or "differs from the energy of your magnet"
    return Mark(good / 3, said or "right on tori of 3, 4 and 7 sites a side")


def mark_critical(ask: Any, draws: Draws, m: Magnet) -> Mark:
    """One number, to six digits."""
    found, Tc = float(ask("critical", []).reshape(-1)[:1].sum()), m.critical()
    if abs(found / Tc - 1) < 1e-6:
        return Mark(1.0, "right to six digits")
    square = 2 * (m.J1 + m.J2 + m.J3) / 3 / math.log(1 + math.sqrt(2))
    slips = {
        "T_c of the square lattice with the mean coupling": square,
        "that is 1 / T_c": 1 / Tc,
        "K = J / T, not 2 J / T": Tc * 2,
        "the diagonal is missing": Magnet(m.J1, m.J2, 0).critical(),
    }
    answer, right, *others = torch.tensor([found, Tc, *slips.values()], dtype=torch.float64)
    why = named(answer, right, dict(zip(slips, others)), relative=1e-4)
    return Mark(0.0, f"{found:.6g}: {why or f'off by {100 * abs(found / Tc - 1):.2g} %'}")


def mark_exponent(ask: Any, draws: Draws, m: Magnet, *, items: int = 24) -> Mark:
    """A power law through points with unequal bars."""
    rng, sets = draws.rng("exponent"), []
    for _ in range(items):
        u = torch.rand(2, generator=rng, dtype=torch.float64).tolist()
        L = torch.tensor([8.0, 12, 16, 24, 32, 48], dtype=torch.float64)
        relative = 0.004 + 0.03 * torch.rand(6, generator=rng, dtype=torch.float64)
        noise = relative * torch.randn(6, generator=rng, dtype=torch.float64)
        truth, amplitude = 0.1 + 0.8 * u[0], 0.5 + u[1]
        value = amplitude * L**-truth * torch.exp(noise)
        x, w = L.log(), relative**-2
        x = x - (w * x).sum() / w.sum()
        plain = -float((w * x * value.log()).sum() / (w * x**2).sum())
        sets.append(([L, value, relative * value], plain, truth, float((w * x**2).sum().rsqrt())))
    return barred(ask, "exponent", sets, small="does each point count with its own bar?")


def mark_kind(ask: Any, draws: Draws, m: Magnet, *, items: int = 12) -> Mark:
    """Is it critical, two phases side by side, or nothing?  Twelve sets of magnetizations at three sizes."""
    rng, right, said = draws.rng("kind"), 0, ""
    names = ("nothing", "second order", "first order")
    kinds = draws.shuffled("kinds", [0, 1, 2] * (items // 3))
    for truth in kinds:
        u = torch.rand(3, generator=rng, dtype=torch.float64).tolist()
        magnet = Magnet(0.5 + u[0], 0.5 + u[1], 0.6 * u[2])
        Tc = magnet.critical()
        if truth < 2:
            rows = [magnetizations(magnet, Tc * (1 if truth else 2.2), L, 2000, rng) for L in SIZES]
        else:
            noise = torch.randn(3, 2000, generator=rng, dtype=torch.float64)
            phase = torch.randint(4, (3, 2000), generator=rng)
            centre = torch.where(phase < 2, 0.0, 0.85) * torch.where(phase % 2 == 0, 1.0, -1.0)
            width = torch.where(phase < 2, 1.1, 0.6) / torch.tensor(SIZES, dtype=torch.float64)[:, None]
            rows = list((centre + width * noise).clamp(-1, 1))
        found = float(ask("kind", [torch.stack(rows)]).reshape(-1)[:1].sum())
        right += found == truth
        if found != truth and not said:
            said = f"; one that is {names[truth]} you call {names[int(found)] if found in (0, 1, 2) else found}"
    part = max(0.0, (right / items - 0.5) / 0.5)  # always the same answer, or a guess, is right in a third
    return Mark(part, f"{right} of {items} sets named rightly{said}")


def mark_find_tc(ask: Any, draws: Draws, m: Magnet, *, items: int = 5) -> Mark:
    """Magnets behind a pipe; only pulls exist here, so the score is the logarithmic one, luck included."""
    rng, costs, pairs, said = draws.rng("find"), [], [], ""
    for i in range(items):
        u = torch.rand(3, generator=rng, dtype=torch.float64).tolist()
        magnet = Magnet(0.6 + u[0], 0.6 + u[1], 0.5 * u[2])
        Tc = magnet.critical()
        try:
            value, error = ask("find_tc", [_simulator(magnet, draws.rng(f"magnet {i}"))], "pair", seconds=40)
        except Wrong as refusal:
            value, error, said = 0.0, math.nan, f"; {refusal}"
        honest = math.isfinite(value) and math.isfinite(error) and error > 0
        costs.append(log_score(Estimate(value, error), Tc, reference=REFERENCE * Tc) - 0.5 if honest else 8.0)
        if honest:
            pairs.append(((value - Tc) / error, error / (REFERENCE * Tc)))
    cost = sum(costs) / items
    worst = max((abs(z) for z, _ in pairs), default=math.nan)
    said = f"average cost {cost:.2f} (free up to {FULL:g}); the worst of {items} is {worst:.1f} of your bars off{said}"
    return Mark(min(1.0, max(0.0, (NOTHING - cost) / (NOTHING - FULL))), said, pairs)


def _simulator(magnet: Magnet, rng: torch.Generator) -> Any:
    left = BUDGET

    def simulate(T: torch.Tensor, L: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        nonlocal left
        if not all(v.numel() == 1 for v in (T, L, n)) or int(L) not in SIZES or not 0.1 <= float(T) <= 50:
            raise ValueError(f"simulate(T, L, n): T from 0.1 to 50, L one of {SIZES}")
        if not 1 <= int(n) <= MOST or int(n) > left:
            raise ValueError(f"simulate(T, L, n): n up to {MOST} a call and {BUDGET} in all; {left} are left")
        left -= int(n)
        return magnetizations(magnet, float(T), int(L), int(n), rng)

    return simulate


TASKS = (
    Task("energy", 2, mark_energy),
    Task("critical", 1, mark_critical),
    Task("exponent", 2, mark_exponent),
    Task("kind", 2, mark_kind),
    Task("find_tc", 3, mark_find_tc),
)
