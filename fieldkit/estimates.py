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
from fieldkit.significant import readable


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
        return Estimate(self.value / _exact(scale), self.error / abs(_exact(scale)))

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


def mean(samples: Tensor) -> Estimate:
    """Mean and standard error of independent draws.  samples (n, ...): dimension 0 counts the draws, the rest is
    averaged first.

    Draws of a Markov chain are not independent: use `autocorrelation.gamma_method`.  Raises `ValueError` for n < 2,
    a value that is not finite, or draws that are all the same.

    >>> print(mean([1e-200, 2e-200, 3e-200]))
    2.0(6)e-200
    """
    draws = given.draws(samples)
    unit = given.unit(draws)  # squares of very small or large numbers would be 0 or infinite
    per_draw = (draws / unit).reshape(draws.shape[0], -1).mean(1)
    off = (per_draw - per_draw[0]).abs()
    # the mean over what a draw holds is rounded: draws with the same numbers in another order are alike
    rounding = 4e-16 * float((draws / unit).abs().max()) if draws.numel() > len(draws) else 0.0
    if bool((off <= rounding).all()):
        raise ValueError(
            f"{len(per_draw)} draws, all {per_draw[0].item() * unit:g}: no error can be read off a constant; "
            "weigh an exact number with `Ledger.check` and a tolerance."
        )
    return Estimate(per_draw.mean().item(), (per_draw.std() / math.sqrt(len(per_draw))).item()) * unit


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
    `jackknife_covariance`, and `ValueError` when f returns more than one number, or the same number whichever chain is
    left out (a constant, or rounded, or a yes or no): that has no error.
    """

    def one(*means: Tensor) -> Tensor:
        value = given.numbers(f(*means))
        if value.numel() != 1:
            raise ValueError(
                f"f returned shape {tuple(value.shape)}: one number needed; else use `jackknife_covariance`."
            )
        return value.reshape(1)

    central, left_out = _left_out(one, observables)
    values = torch.cat([central[None], left_out])
    if bool((values == central).all()):
        raise ValueError(
            f"f = {central.item():g} with all chains and without any one of them: no error can be read off a constant "
            "or a rounded number; let f vary with its means, or weigh an exact number with `Ledger.check`."
        )
    unit = given.unit(values)
    error = _scatter((left_out - left_out.mean(0)) / unit).sqrt().item()
    return Estimate(_unbiased(central, left_out).item(), error * unit)


def jackknife_covariance(f: Callable[..., Tensor], *observables: Tensor) -> tuple[Tensor, Tensor]:
    """The same for f with k values: bias-corrected values (k,) and their covariance (k, k), float64 on the CPU.

    A value that never varies has variance 0 here.  Raises `ValueError` when the observables have different numbers of
    chains, fewer than 8 of them, or values that are not finite, when f returns another shape or is not finite, and
    when the square of a spread leaves the range of numbers.
    """
    central, left_out = _left_out(f, observables)
    covariance = _scatter(left_out - left_out.mean(0))
    varies = (left_out != left_out[0]).any(0)
    if not bool((covariance.isfinite().all(0) & ((covariance.diagonal() > 0) | ~varies)).all()):
        raise ValueError(
            f"values near {central.abs().max().item():.1e}: the squares of their spreads leave the range of float64; "
            "let f return them in another unit."
        )
    return _unbiased(central, left_out), covariance


def _left_out(f: Callable[..., Tensor], observables: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """f of the means of all chains (k,), and of all but one (n, k)."""
    columns = [given.draws(x) for x in observables]
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
    central = given.doubles(f(*(total / n for total in totals))).detach().cpu()
    rests = ([(total - x[i]) / (n - 1) for x, total in zip(columns, totals, strict=True)] for i in range(n))
    left_out = torch.stack([given.doubles(f(*rest)).detach().cpu() for rest in rests])
    if central.dim() != 1:
        raise ValueError(f"f returned shape {tuple(central.shape)}: expected (k,), one row of numbers.")
    if not bool(central.isfinite().all() and left_out.isfinite().all()):
        raise ValueError(
            "f is not finite at the mean of all chains, or of all but one: its argument is out of range (a root or "
            "logarithm of noise, a division by 0); take more data, or a safer f."
        )
    return central, left_out


def _scatter(spread: Tensor) -> Tensor:
    n = len(spread)
    return (n - 1) / n * spread.T @ spread


def _unbiased(central: Tensor, left_out: Tensor) -> Tensor:
    return len(left_out) * central - (len(left_out) - 1) * left_out.mean(0)


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
