"""An assignment that is marked in no time: what the sandbox's tests hand in answers to."""

from __future__ import annotations

import math

import torch

from coursework.assignments import Mark, Task

NAME, TITLE, NAMES, HIDES = "own/tiny", "Tiny", ("factor",), ()
ANSWERS = {
    "scaled": "def scaled(x):\n    return factor * x",
    "average": "def average(x):\n    return x.mean(), x.std() / len(x)**0.5",
    "is_fair": "def is_fair(coin):\n    return abs(float(coin(torch.zeros(400)).mean())) < 0.3",
}


def parameters(draws):
    return {"factor": draws.between("factor", 2, 9, step=0.001)}


def theory(given):
    return float(given["factor"])


def truths(factor):
    return {"scaled": {"factor": (factor, 1e-9)}}


def mark_scaled(ask, draws, factor):
    x = torch.randn(100, generator=draws.rng("x"), dtype=torch.float64)
    found = ask("scaled", [x], seconds=3)
    return Mark(float(found.shape == x.shape and torch.allclose(found, factor * x)), "compared")


def mark_average(ask, draws, factor):
    x = torch.randn(1000, generator=draws.rng("y"), dtype=torch.float64)
    value, error = ask("average", [x], "pair", seconds=3)
    good = abs(value - float(x.mean())) < 1e-9 and 0.9 < error * math.sqrt(1000) < 1.1
    return Mark(float(good), "compared", [(value / error, 1.0)] if error > 0 and math.isfinite(value + error) else [])


def mark_is_fair(ask, draws, factor):
    def coin(shift):
        rng = draws.rng(f"coin {shift}")

        def toss(x):
            if x.dim() != 1 or len(x) > 1000:
                raise ValueError("a coin takes (n,), n up to 1000")
            return torch.randn(len(x), generator=rng, dtype=torch.float64) + shift

        return toss

    said = [ask("is_fair", [coin(s)], "bool", seconds=3) for s in (0.0, 1.0, 0.0, -1.0)]
    return Mark(float(said == [True, False, True, False]), "compared")


TASKS = (Task("scaled", 4, mark_scaled), Task("average", 3, mark_average), Task("is_fair", 3, mark_is_fair))
