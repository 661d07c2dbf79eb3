"""Two questions that every assignment asks: is your bar honest, and can you tell right from wrong?

Bars are scored against the exact error, without luck (`fieldkit.scores`).  A test is scored by what it passes and what
it catches: one right thing condemned and all is lost, so that always, never and a coin get nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import torch

from coursework.assignments import Mark
from coursework.draws import Draws
from coursework.marking import Wrong
from fieldkit import scores
from fieldkit.estimates import Estimate


def cost(value: float, error: float, *, plain: float, truth: float, honest: float) -> float:
    """What an answer costs beyond the best one.  For the plain estimate the score is averaged over luck; another value
    is scored as it fell."""
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return scores.CAP
    if abs(value - plain) < 0.05 * honest:
        return scores.excess(error, honest)
    return scores.log_score(Estimate(value, error), truth, reference=honest) - 0.5


def barred(
    ask: Any, name: str, items: Iterable[tuple[Sequence[Any], float, float, float]], *, small: str, large: str = ""
) -> Mark:
    """name(*arguments) -> (value, error) on items (arguments, plain estimate, truth, exact error); small and large are
    what to think of when the bars are so."""
    costs, pairs, refused = [], [], ""
    for arguments, plain, truth, honest in items:
        try:
            value, error = ask(name, arguments, "pair")
        except Wrong as refusal:  # no answer to one item costs that item
            value, error, refused = 0.0, math.nan, str(refusal)
        costs.append(cost(value, error, plain=plain, truth=truth, honest=honest))
        if math.isfinite(value + error) and error > 0:
            pairs.append(((value - truth) / error, error / honest))
    if not pairs:
        return Mark(0.0, refused or "no answer was a finite value with a positive error")
    bars = torch.tensor([b for _, b in pairs]).median().item()
    said = f"{len(costs)} hidden sets: your bars are {bars:.2f} of the exact ones, at an average cost of "
    said += f"{sum(costs) / len(costs):.3f} (free up to {scores.FREE})"
    if refused:
        said += f"; one went without: {refused}"
    elif scores.share(costs) < 1:
        said += f"; too small: {small}" if bars < 1 else f"; too large: {large or 'they hide what you know'}"
    return Mark(scores.share(costs), said, pairs)


class Kinds(Protocol):
    """A module that builds right and wrong things: their names, and of a wrong one what is wrong with it."""

    @property
    def RIGHT(self) -> Sequence[str]: ...

    @property
    def WRONG(self) -> dict[str, str]: ...


def boxes(
    draws: Draws, kinds: Kinds, make: Callable[[str, torch.Generator], Callable[..., Any]],
    refusal: Callable[..., str],
) -> list[tuple[str, Callable[..., Any]]]:  # fmt: skip
    """make(kind, rng) of each kind, in this student's order, each behind a gate: what refusal(*arguments) says, if it
    says something, is all that the student's function gets."""
    found = []
    for i, kind in enumerate(draws.shuffled("order", [*kinds.RIGHT, *kinds.WRONG])):
        found.append((kinds.WRONG.get(kind, ""), _gated(make(kind, draws.rng(f"box {i}")), refusal)))
    return found


def _gated(box: Callable[..., Any], refusal: Callable[..., str]) -> Callable[..., Any]:
    def asked(*arguments: Any) -> Any:
        if why := refusal(*arguments):
            raise ValueError(why)
        return box(*arguments)

    return asked


def judged(
    ask: Any, name: str, boxes: Iterable[tuple[str, Callable[..., Any]]], what: str, *, seconds: float = 20
) -> Mark:
    """name(box) -> True or False for boxes (what is wrong with it, or nothing; the box), in their order."""
    caught, wrong, condemned, right, lives = 0, 0, 0, 0, ""
    for fault, box in boxes:
        wrong, right = wrong + bool(fault), right + (not fault)
        try:
            says = ask(name, [box], "bool", seconds=seconds)
        except Wrong as refusal:  # no answer is a wrong answer
            says, lives = bool(fault), lives or f"; {refusal}"
        caught += bool(fault) and not says
        condemned += not fault and not says
        lives = lives or (f"; one that you let pass: {fault}" if fault and says else "")
    said = f"{caught} of {wrong} wrong {what} caught, {condemned} of {right} right ones condemned"
    return Mark(0.0 if condemned else caught / wrong, said + ("" if condemned and "raised" not in lives else lives))
