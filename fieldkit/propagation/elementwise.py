"""May this function be an activation?  What acts element by element is differentiated, tried at its kinks, or refused.

For `activations.Activation`, which asks when it is made.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fieldkit.propagation import gaussian
from fieldkit.propagation.gaussian import Function

if TYPE_CHECKING:
    from fieldkit.propagation.activations import Activation

STEP = 1e-8  # to the left and right of a kink, where it is asked whether phi jumps


def refuse(phi: Activation) -> None:
    """Refuse what does not act element by element on real numbers, or has another parity than it says."""
    if not all(math.isfinite(x) for x in phi.kinks):
        raise ValueError(f"kinks = {phi.kinks}: phi bends at finite places; leave the others out.")
    x = torch.tensor([-3.0, -1.7, -0.4, 0.4, 1.7, 3.0], dtype=torch.float64)
    try:
        y = phi(x)
    except Exception as error:
        raise TypeError(
            f"phi fails on a tensor of 6 numbers ({error}): write it in functions of torch, as torch.tanh."
        ) from error
    if not isinstance(y, Tensor) or y.shape != x.shape or not y.is_floating_point():
        what = f"{tuple(y.shape)} of {y.dtype}" if isinstance(y, Tensor) else type(y).__name__
        raise TypeError(
            f"phi makes {what} of 6 numbers: it acts element by element and returns floating-point numbers; "
            "end it with .to(x.dtype), for instance."
        )
    if not bool(y.isfinite().all()):
        raise ValueError(
            f"phi is {y.tolist()} at {x.tolist()}: a pre-activation takes any value; make phi finite there."
        )
    try:
        phi.derivative(x)
    except Exception as error:
        raise TypeError(
            f"phi cannot be differentiated ({error}): write it in functions of torch, or give its `slope`."
        ) from error
    if phi.parity and not torch.allclose(y.flip(0), phi.parity * y, rtol=1e-6, atol=1e-9 * y.abs().max().item()):
        raise ValueError(f"parity = {phi.parity}: phi(-x) is not {phi.parity:+d} phi(x); leave the parity out.")


def jumps(phi: Activation) -> tuple[tuple[float, float], ...]:
    """(x, phi(x+) - phi(x-)) at zero and the kinks: a difference that does not shrink with the step."""
    x = torch.tensor(sorted({0.0, *phi.kinks}), dtype=torch.float64)
    wide, close = (phi(x + step) - phi(x - step) for step in (STEP, STEP / 16))
    real = (close.abs() > 0.5 * wide.abs()) & (close.abs() > 1e-9)
    jump = close - (wide - close) / 15  # less what the slopes beside it add
    return tuple(zip(x[real].tolist(), jump[real].tolist()))


def differentiate(f: Function) -> Function:
    """f', itself differentiable, of an f that acts element by element."""
    return torch.func.grad(lambda x: f(x).sum())


def warn(phi: Activation) -> None:
    """Compare n and 2 n nodes at three variances; warn of a kink that nobody declared."""
    q = torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64)
    coarse, fine = (gaussian.average(lambda x: phi(x).square(), q, kinks=phi.kinks, n=n) for n in (16, 32))
    difference = ((coarse - fine).abs() / fine.abs().clamp_min(1e-300)).max().item()
    if not difference < 1e-9:
        x = torch.linspace(-8, 8, 16001, dtype=torch.float64)
        kink = x[1:-1][phi(x).diff(n=2).abs().argmax()].item()
        warnings.warn(
            f"E phi^2 moves by {difference:.0e} (relative) between 16 and 32 nodes a panel: phi or its slope probably "
            f"jumps where none is declared, perhaps near x = {kink:.3g}; try Activation(phi, kinks=({kink:.3g}, ...)).",
            stacklevel=4,
        )
