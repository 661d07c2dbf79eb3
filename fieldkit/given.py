"""May a function be given this?  What is refused at the door, so that no wrong number comes out of the back.

Each refusal is a sentence: the value, the rule, the remedy.  A wrong type is a `TypeError`, a wrong value a
`ValueError`.  Only types, shapes and plain numbers are looked at, never the elements of a tensor: asking an
accelerator for those would make it wait.
"""

from __future__ import annotations

import math
import os
from numbers import Integral, Real
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


def whole(name: str, value: object, *, least: int, why: str) -> None:
    """Refuse a number of things that is not whole, or less than `least`.

    >>> whole("L", 2.5, least=1, why="a lattice has at least one site a side")
    Traceback (most recent call last):
    TypeError: L = 2.5: a lattice has at least one site a side; give a whole number, 1 or more.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} = {value!r}: {why}; give a whole number, {least} or more.")
    if int(value) < least:
        raise ValueError(f"{name} = {value}: {why}; choose {least} or more.")


def positive(name: str, value: object, *, why: str) -> None:
    """Refuse a quantity that is not a plain, finite number above 0."""
    if not 0 < _plain(name, value, why, f", {name} > 0") < math.inf:
        raise ValueError(f"{name} = {value}: {why}; choose {name} > 0, finite.")


def not_negative(name: str, value: object, *, why: str) -> None:
    """Refuse a quantity that is not a plain, finite number, 0 or above; a tensor () counts as plain."""
    if not 0 <= _plain(name, _scalar(value), why, ", 0 or more") < math.inf:
        raise ValueError(f"{name} = {value}: {why}; choose 0 or more.")


def number(name: str, value: object, *, why: str) -> None:
    """Refuse a quantity of either sign that is not a plain, finite number; a tensor () counts as plain."""
    if not math.isfinite(_plain(name, _scalar(value), why, "")):
        raise ValueError(f"{name} = {value}: {why}; choose a finite number.")


def within(name: str, value: object, low: float, high: float, *, why: str, ends: str = "[]") -> None:
    """Refuse what is not a plain number from low to high; a round bracket in `ends` leaves that end out.

    >>> within("level", 1.0, 0, 1, why="how often one may be wrong", ends="()")
    Traceback (most recent call last):
    ValueError: level = 1.0: how often one may be wrong; choose 0 < level < 1.
    """
    left, right = "<" if ends[0] == "(" else "<=", "<" if ends[1] == ")" else "<="
    rule = f"{low:.12g} {left} {name} {right} {high:.12g}"
    x = _plain(name, value, why, f", {rule}")
    if not ((low < x if left == "<" else low <= x) and (x < high if right == "<" else x <= high)):
        raise ValueError(f"{name} = {value}: {why}; choose {rule}.")


def sizes(shape: tuple[object, ...]) -> None:
    """Refuse to draw fewer than one of anything, or parts of it: sizes of what is drawn, each whole, 1 or more."""
    for size in shape:
        whole("size", size, least=1, why=f"random numbers of shape {shape}, and one of each is the least")


def _scalar(value: object) -> object:
    if not isinstance(value, Tensor) or value.dim() or value.is_complex() or value.dtype == torch.bool:
        return value
    return value.item()


def _plain(name: str, value: object, why: str, rule: str) -> float:
    """value as a float; refuse what is no plain number."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} = {value!r}: {why}; give a plain number{rule}.")
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return math.inf


def fields(phi: object) -> None:
    """Refuse what is not a batch of real fields (n, L, ..., L) in float32 or float64, with n >= 1 and L >= 1."""
    if not isinstance(phi, Tensor) or phi.dtype not in (torch.float32, torch.float64):
        what = f"a tensor of {phi.dtype}" if isinstance(phi, Tensor) else f"a {type(phi).__name__}"
        raise TypeError(
            f"{what}: a batch of fields is a tensor of float32 or float64 numbers; "
            "convert with torch.as_tensor(phi, dtype=torch.float64)."
        )
    if phi.dim() < 2 or 0 in phi.shape:
        raise ValueError(
            f"shape {tuple(phi.shape)}: a batch of fields is (n, L, ..., L), n and L at least 1; "
            "add the batch dimension with phi[None]."
        )


def numbers(values: object) -> Tensor:
    """values as a tensor of real numbers, on its device; refuse what is none.

    A tensor keeps its type, and an array of floating-point numbers too.  All else, whole numbers in an array, lists,
    plain numbers, becomes float64, so that no digit is lost.

    >>> numbers([16777217, 0.1]).tolist()
    [16777217.0, 0.1]
    """
    try:
        x = values if isinstance(values, Tensor) else _read(values)
    except (OverflowError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(f"a {type(values).__name__}: expected a tensor of real numbers ({error}).") from error
    if x.is_complex():
        raise TypeError(f"a tensor of {x.dtype}: expected real numbers; take .real, .imag or .abs() first.")
    return x


def _read(values: object) -> Tensor:
    if isinstance(values, (list, tuple)) and values and all(isinstance(row, Tensor) for row in values):
        return torch.stack([row.to(torch.float64) for row in values])  # as numbers they would lose device and gradient
    if isinstance(values, (list, tuple)) and any(isinstance(row, np.ndarray) for row in values):
        values = np.array(values).tolist()  # torch reads lists of arrays one slow number at a time
    elif isinstance(values, np.ndarray) or (hasattr(values, "__array__") and not isinstance(values, np.generic)):
        array = np.asarray(values)
        if array.dtype.kind == "c":
            return torch.as_tensor(array)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"an array of {array.dtype}")
        kept = array.dtype.kind == "f" and array.dtype.itemsize <= 8
        plain = array.dtype.newbyteorder("=") if kept else np.dtype(np.float64)
        return torch.from_numpy(np.require(array, plain, ["C", "W"]))
    return torch.as_tensor(values, dtype=torch.float64)


def doubles(values: object) -> Tensor:
    """values as a float64 tensor, on its device; refuse what `numbers` refuses."""
    return numbers(values).to(torch.float64)


def draws(samples: object) -> Tensor:
    """samples (n, ...) as float64 on the CPU; refuse fewer than two draws, and what is not finite."""
    x = numbers(samples).detach().to("cpu", torch.float64)
    if x.dim() == 0 or x.shape[0] < 2 or x.numel() == 0:
        raise ValueError(
            f"shape {tuple(x.shape)}: an error bar needs at least two independent draws along dimension 0."
        )
    if not bool(torch.isfinite(x).all()):
        raise ValueError(
            f"{int((~torch.isfinite(x)).sum())} of {x.numel()} values are not finite; find where the run diverged."
        )
    return x


def floats(values: object) -> Tensor:
    """`numbers` in which whole numbers and yes or no are float64, and floating-point numbers keep their type."""
    x = numbers(values)
    return x if x.is_floating_point() else x.to(torch.float64)


def signed(spins: Tensor) -> None:
    """Refuse yes or no and numbers without a sign as spins -1 and 1."""
    if spins.dtype in (torch.bool, torch.uint8, torch.uint16, torch.uint32, torch.uint64):
        raise TypeError(f"a tensor of {spins.dtype}: spins are -1 and 1; from bits make them by 2 * bits.char() - 1.")


def law(probabilities: Tensor) -> None:
    """Refuse what is no law: a number that is negative or nan, or a sum other than 1.  Looks at its elements."""
    total = float(probabilities.sum())
    if not (bool((probabilities >= 0).all()) and abs(total - 1) < 1e-6):
        raise ValueError(f"probabilities that add up to {total:.6g}, or one below 0: divide by their sum, from 0 on.")


def symmetric(covariance: Tensor) -> None:
    """Refuse a covariance (k, k) of which two halves differ by more than rounding.  Looks at its elements."""
    sigma = covariance.diagonal().abs().sqrt()
    if bool(((covariance - covariance.T).abs() > 1e-8 * sigma[:, None] * sigma).any()):
        raise ValueError(
            "the covariance is not symmetric: C_ij and C_ji are one number; build it from one set of chains."
        )


def unit(x: Tensor) -> float:
    """The power of two at or below the largest |x|, in which squares of x neither overflow nor vanish; 1 for zeros.

    >>> unit(torch.tensor([3e-200, -1e-200], dtype=torch.float64)) * 2 > 3e-200
    True
    """
    top = x.abs().max().item() if x.numel() else 0.0
    return math.ldexp(0.5, math.frexp(top)[1]) if 0 < top < math.inf else 1.0


def function(name: str, f: object) -> None:
    """Refuse what cannot be called, as the name of a function in place of it."""
    if not callable(f):
        raise TypeError(f"{name} = {f!r}: it is a function of tensors; pass one, as torch.tanh.")


def path(name: object) -> Path:
    """name as a path in which `~` is the home folder, as in a shell; refuse what names no file."""
    plain = os.fspath(name) if isinstance(name, (str, os.PathLike)) else None
    if not isinstance(plain, str) or not plain:
        raise TypeError(f"path = {name!r}: a file is named by a string or a pathlib.Path; give one, or leave it out.")
    found = os.path.expanduser(plain)
    if found.startswith("~"):
        raise ValueError(f"path = {plain!r}: nobody of that name has a home; write ./{plain} for a file so called.")
    return Path(found)


def generator(rng: object) -> None:
    """Refuse anything but a torch.Generator: without one, torch would draw from a hidden global source."""
    if not isinstance(rng, torch.Generator):
        raise TypeError(
            f"rng = {rng!r}: all randomness comes from one torch.Generator; "
            "use ledger.rng, or torch.Generator().manual_seed(0)."
        )
