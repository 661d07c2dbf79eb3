"""Your own blocking: a step that is exact, blocks with their ties, a coupling that is measured, steps with a fault."""

from __future__ import annotations

import math
from typing import Any

import torch

from coursework.assignments import Mark, Task
from coursework.draws import Draws
from coursework.judging import barred, boxes, judged
from coursework.rg import own_chain
from coursework.rg.own_chain import Chain, drawn
from coursework.slips import named

NAME, TITLE = "rg/blocking", "Your own blocking"
NAMES = ("q", "b", "v1", "v2", "v3")
HIDES = ("rg/decimation.py",)


def parameters(draws: Draws) -> dict[str, Any]:
    """Two whole numbers and three weights."""
    found: dict[str, Any] = {"q": draws.one_of("q", [4, 5, 6, 7]), "b": draws.one_of("b", [2, 4, 6])}
    return found | {name: draws.between(name, -1.5, -0.3, step=0.005) for name in NAMES[2:]}


def theory(given: dict[str, Any]) -> Chain:
    """Raises `TypeError` or `ValueError` for numbers that are none."""
    return Chain(int(given["q"]), int(given["b"]), tuple(float(given[name]) for name in NAMES[2:]))


def truths(c: Chain) -> dict[str, dict[str, tuple[float, float]]]:
    """What a step makes of K = 1, and the free energy there."""
    found = c.step(c.couplings(1.0))
    step = {f"step {i}": (float(found[i]), 1e-9) for i in range(3)}
    return {"decimate": step, "free_energy": {"ln Z per site": (c.free_energy(1.0), 1e-9)}}


def mark_decimate(ask: Any, draws: Draws, c: Chain) -> Mark:
    """Ten hidden K."""
    couplings = (0.3 + 2 * torch.rand(10, generator=draws.rng("decimate"), dtype=torch.float64)).tolist()
    given, answers = [c.couplings(K) for K in couplings], []
    for K in couplings:
        answers.append(ask("decimate", [K]).reshape(-1))
        if answers[-1].shape != (1 + c.q // 2,):
            return Mark(0.0, f"decimate gave {len(answers[-1])} numbers; expected g and q // 2 = {c.q // 2} couplings")
    found, wanted = torch.stack(answers), torch.stack([c.step(u) for u in given])
    g, u = wanted[:, :1], wanted[:, 1:]
    slips: dict[str, torch.Tensor | list[torch.Tensor]] = {
        "keep every b-th spin: T^b, not one power more or less": [
            torch.stack([c.step(u, max(1, c.b + i)) for u in given]) for i in (1, -1)
        ],
        "the constant g is lost": torch.cat([0 * g, u], 1),
        "take the natural logarithm": wanted / math.log(10),
        "couplings are measured against the weight of equal spins": torch.cat([g, u + g], 1),
    }
    good = sum(torch.allclose(f, w, rtol=1e-8, atol=1e-9) for f, w in zip(found, wanted))
    why = named(found, wanted, slips, relative=1e-6, within=1e-9) if good < 10 else ""
    return Mark(good / 10, f"{good} of 10 hidden couplings right to eight digits" + (f"; {why}" if why else ""))


def mark_free_energy(ask: Any, draws: Draws, c: Chain) -> Mark:
    """Five hidden K."""
    couplings = (0.3 + 2 * torch.rand(5, generator=draws.rng("free"), dtype=torch.float64)).tolist()
    found = torch.stack([ask("free_energy", [K]).reshape(-1)[:1].sum() for K in couplings])
    wanted = torch.tensor([c.free_energy(K) for K in couplings], dtype=torch.float64)
    good = int(((found - wanted).abs() < 1e-8).sum())
    why = named(found, wanted, {}, within=1e-8) if good < 5 else ""
    return Mark(good / 5, f"{good} of 5 hidden values right" + (f"; {why}" if why else ""))


def mark_block(ask: Any, draws: Draws, c: Chain) -> Mark:
    """Blocks of b x b spins; where there is a majority it decides, and a tie is a fair coin."""
    rng = draws.rng("block")
    s = 2.0 * torch.randint(2, (400, 4 * c.b, 4 * c.b), generator=rng).double() - 1
    found = ask("block", [s, draws.rng("student block")])
    total = s.reshape(400, 4, c.b, 4, c.b).sum((2, 4))
    if found.shape != total.shape:
        return Mark(0.0, f"shape {tuple(found.shape)}, expected {tuple(total.shape)}")
    decided = total != 0
    if not bool((found[decided] == total[decided].sign()).all()) or not bool((found.abs() == 1).all()):
        return Mark(0.0, "some block does not follow its majority; blocks are b x b neighbours, and spins -1 or 1")
    ties = found[~decided]
    if len(ties) and abs(float(ties.mean())) > 4 / math.sqrt(len(ties)):
        up = float((ties > 0).double().mean())
        return Mark(0.5, f"majorities are right; of {len(ties)} ties {up:.2f} go up: a bias")
    return Mark(1.0, "majorities decide, ties are fair")


def mark_coupling(ask: Any, draws: Draws, c: Chain, *, items: int = 20) -> Mark:
    """u_1 of chains with an unknown K, with its bar."""
    rng, sets = draws.rng("coupling"), []
    for K in (0.3 + 1.5 * torch.rand(items, generator=rng, dtype=torch.float64)).tolist():
        s, truth, honest = drawn(c, K, 50, 60, rng)
        turn = (s[:, 1:] - s[:, :-1]) % c.q
        ones, none = float(((turn == 1) | (turn == c.q - 1)).sum()), float((turn == 0).sum())
        sets.append(([s], math.log(ones / 2 / none), truth, honest))
    return barred(ask, "coupling", sets, small="both counts fluctuate", large="bonds of an open chain are independent")


def mark_is_right(ask: Any, draws: Draws, c: Chain) -> Mark:
    """Eight steps behind a pipe."""

    def make(kind: str, rng: torch.Generator) -> Any:
        return own_chain.stepper(c, kind)

    def refusal(u: torch.Tensor) -> str:
        few = u.shape == (c.q // 2,) and bool(u.abs().max() < 20)
        return "" if few else f"step takes q // 2 = {c.q // 2} couplings between -20 and 20"

    return judged(ask, "is_right", boxes(draws, own_chain, make, refusal), "steps")


TASKS = (
    Task("decimate", 3, mark_decimate),
    Task("free_energy", 1, mark_free_energy),
    Task("block", 2, mark_block),
    Task("coupling", 2, mark_coupling),
    Task("is_right", 2, mark_is_right),
)
