"""How many of my samples are worth one?  Integrated autocorrelation time, and the honest error of a correlated mean.

    tau = 1/2 + sum_{t >= 1} rho(t),    error^2 = 2 tau variance / (number of samples),    rho(t) = Gamma(t) / Gamma(0).

Gamma(t) is averaged over all chains around their common mean.  Subtracting each chain's own mean instead lowers
every Gamma(t) by about 2 tau variance / n_steps; over a window that is a constant fraction of the error, and with
many short chains, the shape that a GPU likes, most of the error is gone.  The sum stops at the window that balances
truncation against noise (Wolff 2004), with two changes for chains that swing back.  tau can then lie anywhere below
1/2, down to 0, and says nothing of how long rho lasts: the memory is read off the area under |rho(t)|, less that of
its noise.  And the last lag counts one half, as in the trapezoid rule: a sum of alternating terms must not hang on
where it stops.

What no window sees: a small part of the variance that lives much longer than the rest (a twentieth with tau = 200
behind tau = 2 raises the true tau from 2 to 11.9, and hides in the noise of rho).  Only chains that disagree show it:
where their means scatter far beyond the bar (chi^2 at 1e-5 and a third more), a warning says so; it takes some dozens
of chains to be seen.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import chdtri
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate


@dataclass(frozen=True)
class Series:
    """Mean with its honest error, integrated autocorrelation time with its error, and the window of its sum (steps)."""

    mean: Estimate
    tau: Estimate
    window: int


def gamma_method(chains: Tensor, *, S: float = 1.5, window: int | None = None) -> Series:
    """Mean of correlated chains (n_chains, n_steps), or one chain (n_steps,); units of the observable, times in steps.

    S is the guessed ratio of the exponential to the integrated autocorrelation time (Wolff 2004); `window` fixes the
    last lag of a plain sum instead, for studies whose expectation must be linear in the data.  Raises
    `ValueError` when the chains do not fluctuate, when no window is found, or when all steps together are fewer than
    50 tau: an error bar from such a run would be a guess (Foreman-Mackey et al. 2013 ask for twice as much, and of
    each chain).  Warns when chains disagree beyond their bar.
    """
    rows: list | tuple = chains if isinstance(chains, (list, tuple)) else []
    lengths = {len(row) for row in rows if not np.isscalar(row) and np.ndim(row)}
    if len(lengths) > 1:
        raise ValueError(
            f"chains of {min(lengths)} to {max(lengths)} steps: the window is one for all; cut them to {min(lengths)}."
        )
    x = given.numbers(chains).detach().to("cpu", torch.float64)
    x = x[None] if x.dim() == 1 else x
    if x.dim() != 2 or x.numel() < 4 or x.shape[1] < 2:
        raise ValueError(
            f"shape {tuple(x.shape)}: expected (n_chains, n_steps) with at least two steps and four samples."
        )
    unit = given.unit(x)
    n_chains, n_steps = x.shape
    x = x / unit
    spectrum = torch.fft.rfft(x - x.mean(), n=2 * n_steps).abs().square().sum(0)
    lagged = torch.fft.irfft(spectrum, n=2 * n_steps)[:n_steps]
    pairs = n_chains * torch.arange(n_steps, 0, -1, dtype=torch.float64)
    found = _windowed(lagged / pairs, x.mean(1), n_steps, S, window)
    return Series(found.mean * unit, found.tau, found.window)


def _windowed(gamma: Tensor, means: Tensor, n_steps: int, S: float, window: int | None = None) -> Series:
    """The automatic window on the lag averages gamma (n_lags,), for chains with these means (n_chains,)."""
    average, total = means.mean().item(), len(means) * n_steps
    given.positive("S", S, why="the ratio of exponential to integrated time, 1 to 2 as a rule")
    if not (math.isfinite(average) and bool(gamma.isfinite().all())):
        raise ValueError(
            "the chains hold values that are not finite, or whose squares are not; "
            "find where the run diverged before averaging."
        )
    if gamma[0] <= 1e-28 * average**2:
        raise ValueError(
            "the chains do not fluctuate: no error can be read off a constant; check that the sampler moves."
        )
    rho = gamma[1:] / gamma[0]
    lag = torch.arange(1, len(gamma), dtype=torch.float64)
    weights = torch.ones_like(lag)
    if window is None:
        window = _window(rho, lag, total, n_steps, S)
        weights[window - 1] = 0.5
    else:
        given.whole("window", window, least=1, why=f"the chains have lags 1 to {len(rho)}")
        if window > len(rho):
            raise ValueError(f"window = {window}: the chains have lags 1 to {len(rho)}; choose one of them.")
    weights[window:] = 0
    # the common mean is itself estimated: it lowers every Gamma by 2 tau Gamma(0) / total (Wolff 2004)
    finite = 1 + (2 * window + 1) / total
    tau = (0.5 + (weights @ rho).item()) * finite
    if total < 50 * tau:
        raise ValueError(
            f"{total} steps in all, but tau = {tau:.1f}: under 50 tau an error bar is a guess; "
            f"take at least {math.ceil(50 * tau)} steps."
        )
    # a mean over n_steps holds n_steps - t pairs at distance t, not n_steps: exact for short chains as for long ones
    summed = (gamma[0] + (2 * weights * (1 - lag / n_steps)) @ gamma[1:]).item() * finite
    if min(summed, tau) <= 0:
        raise ValueError(f"tau = {tau:.2g} up to lag {window}: the noise outweighs the signal; take more steps.")
    _compare(means, summed / n_steps)
    tau_error = tau * 2 * math.sqrt(max(window + 0.5 - tau, 0.25) / total)
    return Series(Estimate(average, math.sqrt(summed / total)), Estimate(tau, tau_error), window)


def _window(rho: Tensor, lag: Tensor, total: int, n_steps: int, S: float) -> int:
    """The lag at which what the sum leaves out, exp(-lag / memory), has fallen below its noise."""
    noise = math.sqrt(2 / math.pi / total)  # the mean of |rho| where there is no memory
    area = (rho.abs() - noise).cumsum(0).cummax(0).values.clamp(min=noise)
    memory = S / torch.log1p(1 / area)  # exact for one exponential and S = 1
    slope = torch.exp(-lag / memory) - memory / torch.sqrt(lag * total)
    stops = torch.nonzero((slope < 0) & (lag >= memory))  # below one memory the noise only seems to have won
    if len(stops):
        return int(stops[0].item()) + 1
    if len(rho) < n_steps - 1:
        raise ValueError(f"no window among {len(rho)} lags: the chains remember for longer; keep more lags (max_lag).")
    raise ValueError(
        f"no window among {len(rho)} lags: the chains are correlated over their whole length "
        f"(tau > {0.5 + rho.cumsum(0).max().item():.0f} steps, S = {S}); run longer chains or a better algorithm."
    )


def _compare(means: Tensor, variance: float) -> None:
    """Warn when the means of the chains scatter by more than the variance that the window gives to one of them."""
    n = len(means)
    if n > 1 and (excess := means.var().item() / variance) > 1.3 * chdtri(n - 1, 1e-5) / (n - 1):
        warnings.warn(
            f"the means of the {n} chains scatter {math.sqrt(excess):.1f} times as far as the window allows: the "
            "chains started apart, or a slow mode hides in the noise; take the bar from whole chains "
            "(`estimates.jackknife`, or `mean` of their means), or run longer.",
            stacklevel=4,
        )


class StreamedSeries:
    """The same result from a run that is never stored: memory n_chains x max_lag, whatever the number of steps.

    Feed `update` with one value per chain and step, then ask `result`; it equals `gamma_method` on the stored run to
    rounding, provided the window is at most max_lag.  float64, on `device`.  Raises `ValueError` for n_chains < 1 or
    max_lag < 1.
    """

    def __init__(self, n_chains: int, max_lag: int, device: torch.device | str = "cpu") -> None:
        given.whole("n_chains", n_chains, least=1, why="a run has at least one chain")
        given.whole("max_lag", max_lag, least=1, why="a window needs at least one lag, better several tau")
        self.steps, self.max_lag = 0, max_lag
        self.total = torch.zeros(n_chains, dtype=torch.float64, device=device)
        self.products = torch.zeros(
            max_lag + 1, dtype=torch.float64, device=device
        )  # sum over chains and t of x_t x_{t-lag}
        self.first = torch.zeros(max_lag, n_chains, dtype=torch.float64, device=device)
        self.ring = torch.zeros(max_lag + 1, n_chains, dtype=torch.float64, device=device)  # step t in row t mod length
        self.ago = torch.arange(max_lag + 1, device=device)
        self.origin = torch.zeros((), dtype=torch.float64, device=device)
        self.unit = 1.0  # a power of two in which the values are kept, so that squares neither overflow nor vanish

    def update(self, x: Tensor) -> None:
        """x (n_chains,): the observable on every chain after one more step.  Raises `ValueError` for another shape."""
        if not isinstance(x, Tensor) or x.shape != self.total.shape:
            shape = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise ValueError(f"x is {shape}: expected a tensor ({len(self.total)},), one number for every chain.")
        x = x.to(torch.float64)
        if x.device.type == "cpu":  # an accelerator would have to be waited for
            self._keep_in_range(x)
        x = x / self.unit
        if self.steps == 0:
            self.origin = x.mean()  # keeps the sums small, so that no digits cancel
        x = x - self.origin
        if self.steps < self.max_lag:
            self.first[self.steps] = x
        self.ring[self.steps % len(self.ring)] = x
        self.total += x
        self.products += (self.ring @ x)[(self.steps - self.ago) % len(self.ring)]  # rows older than the run are zero
        self.steps += 1

    def _keep_in_range(self, x: Tensor) -> None:
        """Another unit for all that is kept, when the values become very large, or were very small all the time."""
        top = given.unit(x)
        silent = self.steps == 0 or not bool(self.products[0] > 0 or self.origin != 0)
        if not (top > 1e100 * self.unit or (silent and 0 < top < 1e-100 * self.unit)):
            return
        factor, self.unit = self.unit / top, top
        for kept in (self.total, self.first, self.ring, self.origin):
            kept *= factor
        self.products *= factor
        self.products *= factor

    def chain_means(self) -> Tensor:
        """Mean of every chain (n_chains,): what `jackknife` needs.  Raises `ValueError` before the first step."""
        if self.steps == 0:
            raise ValueError("0 steps: nothing was fed to `update` yet, so there is no mean.")
        return (self.total / self.steps + self.origin) * self.unit

    def result(self, *, S: float = 1.5) -> Series:
        """As `gamma_method`; raises what it raises."""
        n_chains, lags = len(self.total), min(self.max_lag + 1, self.steps)
        if n_chains * self.steps < 4 or self.steps < 2:
            raise ValueError(f"{self.steps} steps of {n_chains} chains: too few for an error bar; take more steps.")
        centre = self.total.sum().cpu() / (n_chains * self.steps)
        zero = torch.zeros(1, dtype=torch.float64)
        last = self.ring[(self.steps - 1 - self.ago) % len(self.ring)]  # newest first
        total = self.total.sum().cpu()
        head = total - torch.cat([zero, last[: lags - 1].sum(1).cumsum(0).cpu()])  # sum over t of x_{t-lag}
        tail = total - torch.cat([zero, self.first[: lags - 1].sum(1).cumsum(0).cpu()])  # sum over t >= lag of x_t
        pairs = n_chains * (self.steps - torch.arange(lags, dtype=torch.float64))
        gamma = (self.products[:lags].cpu() - centre * (head + tail)) / pairs + centre.square()
        found = _windowed(gamma, self.chain_means().cpu() / self.unit, self.steps, S)
        return Series(found.mean * self.unit, found.tau, found.window)
