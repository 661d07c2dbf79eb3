"""What is a measured number?  A value with an error, and never one without the other.

    error of the mean = sqrt(variance / n)          for n independent draws (`mean`),
    error of f(means) = spread of f when one chain at a time is left out          (`jackknife`).

The jackknife propagates every correlation between the observables that enter f, because they come from the same
chains; adding their errors as if they were independent is wrong by factors (Efron 1982; Wolff 2004 compares it with
the Gamma method of `autocorrelation`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit import given


@dataclass(frozen=True)
class Estimate:
    """A measured value and its one-sigma error, in the same units.

    It can be shifted and scaled by exact numbers.  Two estimates cannot be added or multiplied: whether they are
    correlated is not known to them, so `TypeError` sends you to `jackknife`, as it does for powers and quotients.
    Raises `ValueError` for a negative error.

    >>> print(Estimate(0.31487, 0.00071))
    0.3149(7)
    >>> print(2 * Estimate(0.31487, 0.00071) - 1)
    -0.3703(14)
    """

    value: float
    error: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", float(self.value))
        object.__setattr__(self, "error", float(self.error))
        if self.error < 0:
            raise ValueError(f"error = {self.error}: an error bar is a standard deviation; give it without a sign.")

    def pull(self, truth: float | Estimate) -> float:
        """(value - truth) / error, in units of one sigma; a truth with an error of its own adds it in quadrature.

        Raises `ValueError` when there is no error to divide by, or an infinite one.
        """
        true, spread = (truth.value, truth.error) if isinstance(truth, Estimate) else (float(truth), 0.0)
        error = math.hypot(self.error, spread)
        if math.isinf(error):
            raise ValueError(f"error = {error}: within an infinite bar everything agrees; find why it is infinite.")
        if error == 0:
            raise ValueError(
                "error = 0: a pull needs an error bar; weigh an exact number with `Ledger.check` and a tolerance."
            )
        return (self.value - true) / error

    def __add__(self, shift: float) -> Estimate:
        return Estimate(self.value + _exact(shift), self.error)

    def __mul__(self, scale: float) -> Estimate:
        return Estimate(self.value * _exact(scale), self.error * abs(_exact(scale)))

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Estimate:
        return self * -1.0

    def __sub__(self, shift: float) -> Estimate:
        return self + -_exact(shift)

    def __rsub__(self, shift: float) -> Estimate:
        return -self + shift

    def __truediv__(self, scale: float) -> Estimate:
        if _exact(scale) == 0:
            raise ValueError("an estimate divided by 0 has no value and no error; check the divisor.")
        return self * (1 / _exact(scale))

    def __pow__(self, power: object) -> Estimate:
        raise TypeError(
            "powers and quotients change an estimate's value and error in a way that the bar alone does not tell; "
            "compute them inside `jackknife(f, *observables)`."
        )

    __rtruediv__ = __rpow__ = __pow__

    def __str__(self) -> str:
        return readable(self.value, self.error)


def _exact(number: float) -> float:
    if isinstance(number, Estimate):
        raise TypeError(
            "two estimates may be correlated, so fieldkit does not combine them; compute f inside "
            "`jackknife(f, *observables)`, which sees the common chains."
        )
    if isinstance(number, str):
        raise TypeError(f"{number!r} is text: scale or shift an estimate by a number.")
    return float(number)


def readable(value: float, error: float) -> str:
    """value(error), the error >= 0 in units of the last digit shown: one digit of it, two where its first digit is a 1.

    >>> readable(-1.43365, 0.0123), readable(1234.5, 56.0), readable(3.2e-9, 4e-11)
    ('-1.434(12)', '1230(60)', '3.20(4)e-09')
    """
    if error < 0:
        raise ValueError(f"error = {error}: an error bar is a standard deviation; give it without a sign.")
    if not (math.isfinite(value) and math.isfinite(error)) or error == 0:
        return f"{value:.10g}({'exact' if error == 0 else f'{error:.2g}'})"
    top = max(abs(value), error)
    if top < 1e-4 or top >= 1e7:
        power = math.floor(math.log10(top))
        return f"{readable(value / 10.0**power, error / 10.0**power)}e{power:+03d}"
    lead = math.floor(math.log10(error))
    places = -lead + (error < 1.95 * 10.0**lead)
    if round(error, places) >= 10.0 ** (lead + 1) * 1.95:  # 0.0196 would print as (20): one digit is enough
        places -= 1
    if places <= 0:
        return f"{round(value, places):.0f}({round(error, places):.0f})"
    bar = f"{round(error * 10**places):d}" if error < 1 else f"{error:.{places}f}"
    return f"{value:.{places}f}({bar})"


def mean(samples: Tensor) -> Estimate:
    """Mean and standard error of independent draws.  samples (n, ...): dimension 0 counts the draws, the rest is
    averaged first.

    Draws of a Markov chain are not independent: use `autocorrelation.gamma_method`.  Raises `ValueError` for n < 2 or
    a value that is not finite.
    """
    per_draw = _checked(samples)
    per_draw = per_draw.reshape(per_draw.shape[0], -1).mean(1)
    return Estimate(per_draw.mean().item(), (per_draw.std() / math.sqrt(per_draw.shape[0])).item())


def fraction(hits: Tensor) -> Estimate:
    """How often something happened in independent trials: hits of any shape, true or 1 where it happened, false or 0
    elsewhere; with its binomial error sqrt(p (1 - p) / n).

    Raises `ValueError` for other numbers, and when it happened always or never: n trials do not tell the error then.

    >>> print(fraction(torch.tensor([True, False, True, True])))
    0.8(2)
    """
    hits = given.numbers(hits)
    if not bool(((hits == 0) | (hits == 1)).all()):
        raise ValueError("hits are neither true nor false everywhere; compare first, as in (x.abs() < 1).")
    n, p = hits.numel(), hits.double().mean().item()
    if n == 0 or p in (0.0, 1.0):
        raise ValueError(f"{n} trials, all with one outcome: no binomial error can be read off; take more trials.")
    return Estimate(p, math.sqrt(p * (1 - p) / n))


def jackknife(f: Callable[..., Tensor], *observables: Tensor) -> Estimate:
    """f of the means of observables, with its error from leaving one chain out at a time.

    observables: tensors (n, ...) over the same n independent chains (or draws); f takes their means over dimension 0,
    trailing dimensions kept, and returns a scalar.  The bias of order 1/n is removed.  Source: Efron 1982.  Raises as
    `jackknife_covariance`, and `ValueError` when f returns more than one number.
    """

    def one(*means: Tensor) -> Tensor:
        value = torch.as_tensor(f(*means), dtype=torch.float64)
        if value.numel() != 1:
            raise ValueError(
                f"f returned shape {tuple(value.shape)}: one number needed; else use `jackknife_covariance`."
            )
        return value.reshape(1)

    values, covariance = jackknife_covariance(one, *observables)
    return Estimate(values[0].item(), covariance[0, 0].sqrt().item())


def jackknife_covariance(f: Callable[..., Tensor], *observables: Tensor) -> tuple[Tensor, Tensor]:
    """The same for f with k values: bias-corrected values (k,) and their covariance (k, k), float64 on the CPU.

    Raises `ValueError` when the observables have different numbers of chains, fewer than 8 of them, or values that
    are not finite, and when f returns another shape or is not finite.
    """
    columns = [_checked(x) for x in observables]
    n = columns[0].shape[0] if columns else 0
    if any(x.shape[0] != n for x in columns):
        raise ValueError(
            f"observables over {[x.shape[0] for x in columns]} chains: the jackknife leaves out the same chain "
            "everywhere; give tensors with one and the same first dimension."
        )
    if n < 8:
        raise ValueError(
            f"{n} chains: the error of an error is 1/sqrt(2n), so use at least 8; cut long chains with `blocks`."
        )
    totals = [x.sum(0) for x in columns]
    central = f(*(total / n for total in totals))
    left_out = torch.stack(
        [f(*((total - x[i]) / (n - 1) for x, total in zip(columns, totals, strict=True))) for i in range(n)]
    )
    if central.dim() != 1:
        raise ValueError(f"f returned shape {tuple(central.shape)}: expected (k,), one row of numbers.")
    if not bool(central.isfinite().all() and left_out.isfinite().all()):
        raise ValueError(
            "f is not finite at the mean of all chains, or of all but one: its argument is out of range (a root or "
            "logarithm of noise, a division by 0); take more data, or a safer f."
        )
    spread = left_out - left_out.mean(0)
    return n * central - (n - 1) * left_out.mean(0), (n - 1) / n * spread.T @ spread


def blocks(chains: Tensor, length: int) -> Tensor:
    """Cut chains (n_chains, n_steps, ...) into blocks of `length` steps and average each: (n_chains * n_steps //
    length, ...).

    Blocks count as independent for `jackknife` when `length` is many autocorrelation times.  Steps that do not fill a
    block are dropped from the front.  Raises `ValueError` when not one block fits or length < 1.
    """
    given.whole("length", length, least=1, why="a block holds at least one step")
    chains = given.numbers(chains)
    if chains.dim() < 2:
        raise ValueError(f"shape {tuple(chains.shape)}: expected (n_chains, n_steps, ...); a single chain is x[None].")
    n_chains, n_steps = chains.shape[:2]
    count = n_steps // length
    if count == 0:
        raise ValueError(f"length = {length}: the chains have {n_steps} steps only; choose a shorter block.")
    cut = chains[:, n_steps - count * length :].reshape(n_chains * count, length, *chains.shape[2:])
    return cut.double().mean(1)


def _checked(samples: Tensor) -> Tensor:
    x = given.numbers(samples).detach().to("cpu", torch.float64)
    if x.dim() == 0 or x.shape[0] < 2 or x.numel() == 0:
        raise ValueError(
            f"shape {tuple(x.shape)}: an error bar needs at least two independent draws along dimension 0."
        )
    if not bool(torch.isfinite(x).all()):
        raise ValueError(
            f"{int((~torch.isfinite(x)).sum())} of {x.numel()} values are not finite; find where the run diverged."
        )
    return x
