"""What is it to ask a function of a notebook?  Arguments in, numbers out: the same in the sandbox and in a rehearsal.

An argument is a tensor, a number, a generator with a seed, or a box: a function that lives outside of the sandbox.
An answer is an array, a pair (value, error), a list of such pairs, or True or False; nothing else ever leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

Described = list[list[Any]]
Box = Callable[..., Any]


def described(arguments: Sequence[Any]) -> tuple[Described, list[np.ndarray]]:
    """Arguments as plain data: tensors by their place among the arrays, generators by seed, functions as boxes."""
    found: Described = []
    arrays: list[np.ndarray] = []
    for a in arguments:
        if isinstance(a, torch.Tensor):
            found.append(["array", len(arrays)])
            arrays.append(a.detach().to(torch.float64).numpy())
        elif isinstance(a, torch.Generator):
            found.append(["rng", a.initial_seed()])
        elif callable(a):
            found.append(["box", 0])
        else:
            found.append(["number", a])
    return found, arrays


def called(names: dict[str, Any], request: dict[str, Any], arrays: Sequence[np.ndarray], outside: Box) -> np.ndarray:
    """names[request["name"]] asked; with "times" its first argument is what it gave before, so many times over."""
    if request["name"] not in names:
        raise NameError(f"there is no {request['name']} in the notebook")
    f = names[request["name"]]
    arguments: list[Any] = []
    for kind, value in request["arguments"]:
        if kind == "array":
            arguments.append(torch.from_numpy(np.array(arrays[value])))
        elif kind == "rng":
            arguments.append(torch.Generator().manual_seed(value))
        elif kind == "box":
            arguments.append(outside)
        else:
            arguments.append(value)
    answer = f(*arguments) if callable(f) else f
    for _ in range(request.get("times", 1) - 1):
        answer = f(answer, *arguments[1:])
    return numbers(answer, request["answers"])


def numbers(answer: Any, kind: str) -> np.ndarray:
    """An answer as float64 numbers.  Raises `TypeError` or `ValueError` for one of another kind."""
    if kind == "pair":
        return np.array(_pair(answer))
    if kind == "pairs":
        return np.array([_pair(a) for a in answer]).reshape(-1, 2)
    if kind == "bool":
        return np.array(float(bool(answer)))
    if answer is None:
        raise TypeError("it returned None: does it end with `return`?")
    if isinstance(answer, (list, tuple)):
        answer = torch.stack([torch.as_tensor(a, dtype=torch.float64) for a in answer])
    return torch.as_tensor(answer).detach().to("cpu", torch.float64).numpy()


def _pair(answer: Any) -> tuple[float, float]:
    if hasattr(answer, "value") and hasattr(answer, "error"):
        return float(answer.value), float(answer.error)
    value, error = answer
    return float(value), float(error)
