"""How many of my samples are worth one?  Integrated autocorrelation time, and the honest error of a correlated mean.

    tau = 1/2 + sum_{t >= 1} rho(t),    error^2 = 2 tau variance / (number of samples),    rho(t) = Gamma(t) / Gamma(0).

Gamma(t) is averaged over all chains around their **common** mean.  Subtracting each chain's own mean instead lowers
every Gamma(t) by about 2 tau variance / n_steps; over a window that is a constant fraction of the error, and with
many short chains, the shape that a GPU likes, most of the error is gone.  The sum stops at the window that balances
truncation against noise (Wolff 2004).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
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
    last lag of the sum instead, for studies whose expectation must be linear in the data.  Raises
    `ValueError` when the chains do not fluctuate, when no window is found, or when all steps together are fewer than
    50 tau: an error bar from such a run would be a guess (the refusal is that of emcee, Foreman-Mackey et al. 2013).
    """
    x = given.numbers(chains).detach().to("cpu", torch.float64)
    x = x[None] if x.dim() == 1 else x
    if x.dim() != 2 or x.numel() < 4 or x.shape[1] < 2:
        raise ValueError(
            f"shape {tuple(x.shape)}: expected (n_chains, n_steps) with at least two steps and four samples."
        )
    n_chains, n_steps = x.shape
    spectrum = torch.fft.rfft(x - x.mean(), n=2 * n_steps).abs().square().sum(0)
    lagged = torch.fft.irfft(spectrum, n=2 * n_steps)[:n_steps]
    pairs = n_chains * torch.arange(n_steps, 0, -1, dtype=torch.float64)
    return _windowed(lagged / pairs, x.mean().item(), n_chains, n_steps, S, window)


def _windowed(
    gamma: Tensor, average: float, n_chains: int, n_steps: int, S: float, window: int | None = None
) -> Series:
    """Wolff's automatic window on the lag averages gamma (n_lags,)."""
    total = n_chains * n_steps
    given.positive("S", S, why="the ratio of exponential to integrated time, 1 to 2 as a rule")
    if not (math.isfinite(average) and bool(gamma.isfinite().all())):
        raise ValueError(
            "the chains hold values that are not finite, or whose squares are not; "
            "find where the run diverged before averaging."
        )
    if gamma[0] <= 1e-24 * max(average**2, 1e-276):
        raise ValueError(
            "the chains do not fluctuate: no error can be read off a constant; check that the sampler moves."
        )
    rho = gamma[1:] / gamma[0]
    tau = 0.5 + rho.cumsum(0)
    lag = torch.arange(1, len(gamma), dtype=torch.float64)
    decay = S / torch.log1p(
        1 / (tau - 0.5).clamp(min=1e-12)
    )  # exponential time guessed from tau: exact for one exponential
    slope = torch.exp(-lag / decay) - decay / torch.sqrt(lag * total)
    stops = torch.nonzero(slope < 0)
    if window is not None:
        given.whole("window", window, least=1, why=f"the chains have lags 1 to {len(gamma) - 1}")
        if window >= len(gamma):
            raise ValueError(f"window = {window}: the chains have lags 1 to {len(gamma) - 1}; choose one of them.")
    if window is None and len(stops) == 0:
        raise ValueError(
            f"no window among {len(gamma) - 1} lags: the chains are correlated over their whole length "
            f"(tau > {tau.max().item():.0f} steps); run longer chains or a better algorithm."
        )
    window = window or int(stops[0].item()) + 1
    # the common mean is itself estimated: it lowers every Gamma by 2 tau Gamma(0) / total (Wolff 2004)
    tau_w = tau[window - 1].item() * (1 + (2 * window + 1) / total)
    if total < 50 * tau_w:
        raise ValueError(
            f"{total} steps in all, but tau = {tau_w:.1f}: under 50 tau an error bar is a guess; "
            f"take at least {math.ceil(50 * tau_w)} steps."
        )
    # a mean over n_steps holds n_steps - t pairs at distance t, not n_steps: exact for short chains as for long ones
    weights = 2 * (1 - lag[:window] / n_steps)
    summed = (gamma[0] + weights @ gamma[1 : window + 1]).item() * (1 + (2 * window + 1) / total)
    if min(summed, tau_w) <= 0:
        raise ValueError(f"tau = {tau_w:.2g} up to lag {window}: the noise outweighs the signal; take more steps.")
    error = math.sqrt(summed / total)
    tau_error = tau_w * 2 * math.sqrt(max(window + 0.5 - tau_w, 0.25) / total)
    return Series(Estimate(average, error), Estimate(tau_w, tau_error), window)


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

    def update(self, x: Tensor) -> None:
        """x (n_chains,): the observable on every chain after one more step.  Raises `ValueError` for another shape."""
        if not isinstance(x, Tensor) or x.shape != self.total.shape:
            shape = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise ValueError(f"x is {shape}: expected a tensor ({len(self.total)},), one number for every chain.")
        x = x.to(torch.float64)
        if self.steps == 0:
            self.origin = x.mean()  # keeps the sums small, so that no digits cancel
        x = x - self.origin
        if self.steps < self.max_lag:
            self.first[self.steps] = x
        self.ring[self.steps % len(self.ring)] = x
        self.total += x
        self.products += (self.ring @ x)[(self.steps - self.ago) % len(self.ring)]  # rows older than the run are zero
        self.steps += 1

    def chain_means(self) -> Tensor:
        """Mean of every chain (n_chains,): what `jackknife` needs.  Raises `ValueError` before the first step."""
        if self.steps == 0:
            raise ValueError("0 steps: nothing was fed to `update` yet, so there is no mean.")
        return self.total / self.steps + self.origin

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
        return _windowed(gamma, (centre + self.origin.cpu()).item(), n_chains, self.steps, S)
