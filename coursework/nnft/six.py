"""Six points from four: the cumulants of networks of a finite width, computed, measured, and used to find a fault."""

from __future__ import annotations

from typing import Any

import torch

from coursework.assignments import Mark, Task
from coursework.draws import Draws
from coursework.judging import barred, boxes, judged
from coursework.nnft import own_ensemble
from coursework.nnft.own_ensemble import Ensemble, bar, networks
from coursework.slips import named

NAME, TITLE = "nnft/six", "Six points from four"
NAMES = ("c1", "c2", "c3", "width", "sw2", "sb2", "so2")
HIDES = ("nnft/action.py", "nnft/beyond.py")
WITHIN, MOST = 1e-4, 20_000


def parameters(draws: Draws) -> dict[str, Any]:
    """An activation on three axes, a width, three variances."""
    return {
        "c1": draws.between("c1", 0.5, 1.5, step=0.01),
        "c2": draws.between("c2", -1.0, 1.0, step=0.01),
        "c3": draws.between("c3", -0.8, 0.8, step=0.01),
        "width": draws.one_of("width", list(range(10, 25, 2))),
        "sw2": draws.between("sw2", 1.4, 2.5, step=0.01),
        "sb2": draws.between("sb2", 0.4, 0.9, step=0.01),
        "so2": draws.between("so2", 0.1, 0.3, step=0.005),
    }


def theory(given: dict[str, Any]) -> Ensemble:
    """Raises `TypeError` or `ValueError` for numbers that are none."""
    numbers = {name: float(given[name]) for name in NAMES if name != "width"}
    return Ensemble(**numbers, width=int(given["width"]))


def truths(e: Ensemble) -> dict[str, dict[str, tuple[float, float]]]:
    """The cumulants at fixed places, with the tolerance of the marking as a quarter of a bar."""
    value, scale = e.g4(torch.tensor([[1.0, 0.0], [0.3, 0.8]], dtype=torch.float64))
    six = e.cumulants(torch.tensor([1.0, 0.5], dtype=torch.float64))[6]
    return {"g4": {"G4": (value, WITHIN * scale / 4)}, "g6": {"G6": (six, WITHIN * abs(six) / 4)}}


def mark_g4(ask: Any, draws: Draws, e: Ensemble) -> Mark:
    """Ten hidden pairs of inputs, to four digits of the largest term."""
    rng, rows = draws.rng("g4"), []
    for _ in range(10):
        x = torch.randn(2, 2, generator=rng, dtype=torch.float64)
        truth, scale = e.g4(x)
        m, unit = e.moments(x), e.sw2**2 / e.width
        slips = {
            "N is the number of terms; N - 1 is for a sample's spread": truth * e.width / (e.width - 1),
            "a pairing is missing: M_xy counts for two of the three": truth + unit * m["xy"] ** 2,
            "this is the full average, not the connected part": 3 * unit * m["xxyy"],
            "a Gaussian v has E v^4 = 3 (E v^2)^2": truth - 2 * unit * m["xxyy"],
            "the output bias is Gaussian: it is in no cumulant beyond the second": truth + e.so2**2,
        }
        rows.append((float(ask("g4", [x[0], x[1]]).reshape(-1)[:1].sum()), truth, scale, slips))
    return _compared(rows)


def mark_g6(ask: Any, draws: Draws, e: Ensemble) -> Mark:
    """Ten hidden inputs."""
    rng, rows = draws.rng("g6"), []
    for _ in range(10):
        x = torch.randn(2, generator=rng, dtype=torch.float64)
        truth, m, unit = e.cumulants(x)[6], e.powers(x), e.sw2**3 / e.width**2
        slips = {
            "this is the full average, not the connected part": 15 * unit * m[6],
            "kappa_6 = m_6 - 15 m_4 m_2 + 30 m_2^3 with m_4 = 3 M_4 of v h": 15 * unit * (m[6] - m[4] * m[2]),
            "G6 falls with the square of the width": truth * e.width,
        }
        rows.append((float(ask("g6", [x]).reshape(-1)[:1].sum()), truth, 15 * unit * m[6], slips))
    return _compared(rows)


def _compared(rows: list[tuple[float, float, float, dict[str, float]]]) -> Mark:
    """Which part of (found, truth, scale, slips) is right, and which mistake the rest is."""
    found, truth, scale = (torch.tensor(column, dtype=torch.float64) for column in zip(*(row[:3] for row in rows)))
    right = (found - truth).abs() < WITHIN * scale
    said = f"{int(right.sum())} of {len(rows)} hidden inputs right to {WITHIN:g} of the largest term"
    if not bool(right.all()):
        slips = {why: torch.tensor([row[3][why] for row in rows], dtype=torch.float64) for why in rows[0][3]}
        off = f"the worst is off by {100 * float(((found - truth).abs() / scale).max()):.2g} % of it"
        said += f"; {named(found, truth, slips, within=WITHIN * scale) or off}"
    return Mark(float(right.double().mean()), said)


def mark_measure(ask: Any, draws: Draws, e: Ensemble, *, items: int = 20) -> Mark:
    """The fourth cumulant of networks that were drawn, with its bar."""
    rng, sets = draws.rng("measure"), []
    for _ in range(items):
        x = torch.randn(1, 2, generator=rng, dtype=torch.float64)
        f = networks(e, "last layer by hand", rng)(x, MOST)[:, 0]
        k = e.cumulants(x[0])
        plain = float((f**4).mean() - 3 * (f**2).mean() ** 2)
        sets.append(([f], plain, k[4], bar(k, MOST)))
    small = "does the bar know both terms, with the right powers?"
    large = "the two averages come from the same networks and rise together; added like strangers' they do not"
    return barred(ask, "measure", sets, small=small, large=large)


def mark_is_right(ask: Any, draws: Draws, e: Ensemble) -> Mark:
    """Eight ways to draw networks behind a pipe."""

    def make(kind: str, rng: torch.Generator) -> Any:
        drawn = networks(e, kind, rng)
        return lambda x, n: drawn(x, int(n))

    return judged(ask, "is_right", boxes(draws, own_ensemble, make, _refusal), "ensembles")


def _refusal(x: torch.Tensor, n: torch.Tensor) -> str:
    if x.dim() != 2 or not 1 <= len(x) <= 4 or x.shape[1] != 2 or not bool(x.isfinite().all()):
        return "draw takes inputs (k, 2), k up to 4, and the number of networks"
    return "" if n.numel() == 1 and 1 <= float(n) <= MOST else f"n = {n}: from 1 to {MOST} networks a call"


TASKS = (
    Task("g4", 3, mark_g4),
    Task("g6", 2, mark_g6),
    Task("measure", 3, mark_measure),
    Task("is_right", 2, mark_is_right),
)
