r"""What does a Markov chain look like whose memory is known exactly?  The autoregressive chain, one dimension of free
field.

    x_{t+1} = a x_t + sqrt(1 - a^2) noise,      rho(t) = a^|t|,      tau = 1/2 + sum_{t >= 1} a^t = (1 + a) / (2 (1 -
    a)).

It is Gaussian with variance 1, and the n-th Hermite polynomial of x decorrelates as a^{n t}, so every error bar
computed from it has an exact expectation.  Sources: Priestley 1981; the expectation of the estimator is derived in
`expected_autocovariance`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given


def memory(tau: float) -> float:
    """a of the chain with integrated autocorrelation time tau, in steps: negative below 1/2, where the chain swings
    back and a mean of n steps is better than one of n independent draws.  Raises `ValueError` for tau <= 0.

    >>> memory(1.5), memory(0.5), round(memory(3 / 14), 12)
    (0.5, 0.0, -0.4)
    """
    given.positive("tau", tau, why="half the relative variance of a mean, 1/2 for independent samples")
    return (2 * tau - 1) / (2 * tau + 1)


def autoregressive(n_chains: int, n_steps: int, *, tau: float, rng: torch.Generator) -> Tensor:
    """Chains (n_chains, n_steps) of mean 0 and variance 1 that start in equilibrium, float64.

    Raises `ValueError` for n_chains < 1, n_steps < 1 and as `memory`.
    """
    given.whole("n_chains", n_chains, least=1, why="a run has at least one chain")
    given.whole("n_steps", n_steps, least=1, why="a chain has at least one step")
    given.generator(rng)
    a = memory(tau)
    x = torch.randn((n_steps, n_chains), generator=rng, device=rng.device, dtype=torch.float64)
    x[1:] *= math.sqrt(1 - a * a)
    for t in range(1, n_steps):
        x[t] += a * x[t - 1]
    return x.T


def autocorrelation(n_lags: int, *, tau: float) -> Tensor:
    """rho(t) = a^t for t = 0 ... n_lags - 1, float64.  Raises `ValueError` for n_lags < 1 and as `memory`.

    >>> autocorrelation(3, tau=1.5)
    tensor([1.0000, 0.5000, 0.2500], dtype=torch.float64)
    """
    given.whole("n_lags", n_lags, least=1, why="lag 0 is always there")
    return memory(tau) ** torch.arange(n_lags, dtype=torch.float64)


def variance_of_mean(rho: Tensor, n_chains: int) -> float:
    """Exact variance of the mean of n_chains chains of n_steps = len(rho), unit variance and autocorrelation rho.

    Raises `ValueError` unless n_chains >= 1 and rho has the shape (n_steps,).
    """
    _refuse(rho, n_chains)
    return (_covariance_with_own_mean(rho).mean() / n_chains).item()


def expected_autocovariance(rho: Tensor, n_chains: int, *, own_means: bool) -> Tensor:
    """Expectation of the autocovariance estimated from n_chains chains of len(rho) steps, lag by lag, (n_steps,).

    With c_t = Cov(x_t, mean of its chain), the product (x_t - m)(x_{t+k} - m) averaged over t has expectation rho(k)
    - [<c_t over t < T - k> + <c_t over t >= k> - <c_t>] / B, where B = 1 when each chain's own mean m is subtracted
    and B = n_chains for the common mean, of which each chain makes one part.  Raises as
    `variance_of_mean`.
    """
    _refuse(rho, n_chains)
    c = _covariance_with_own_mean(rho)
    n_steps = len(rho)
    parts = torch.arange(n_steps, 0, -1, dtype=torch.float64)
    early = c.cumsum(0).flip(0) / parts
    late = c.flip(0).cumsum(0).flip(0) / parts
    return rho - (early + late - c.mean()) / (1 if own_means else n_chains)


def expected_squared_bar(rho: Tensor, n_chains: int, window: int, *, own_means: bool) -> float:
    """Expected squared error bar of `gamma_method(..., window=window)` over the true variance of the mean: 1 for an
    honest bar.  Raises as `variance_of_mean`, and `ValueError` for a window that is no lag of rho."""
    given.whole("window", window, least=1, why="the sum over lags begins at 1")
    if window >= len(rho):
        raise ValueError(f"window = {window}: rho has lags 0 to {len(rho) - 1}; choose a smaller window.")
    gamma = expected_autocovariance(rho, n_chains, own_means=own_means)
    total = n_chains * len(rho)
    finite = 1 + (2 * window + 1) / total  # the method's own correction for having estimated the mean
    weights = 2 * (1 - torch.arange(1, window + 1, dtype=torch.float64) / len(rho))
    summed = (gamma[0] + weights @ gamma[1 : window + 1]).item() / total
    return summed * finite / variance_of_mean(rho, n_chains)


def _refuse(rho: Tensor, n_chains: int) -> None:
    given.whole("n_chains", n_chains, least=1, why="a run has at least one chain")
    if not isinstance(rho, Tensor) or rho.dim() != 1 or len(rho) == 0:
        shape = tuple(rho.shape) if isinstance(rho, Tensor) else type(rho).__name__
        raise ValueError(f"rho is {shape}: expected a tensor (n_steps,), lag 0 first; `autocorrelation` makes one.")
    if not rho[0] > 0:
        raise ValueError(f"rho begins with {rho[0].item():g}: at lag 0 it is 1; `autocorrelation` makes one.")


def _covariance_with_own_mean(rho: Tensor) -> Tensor:
    before = rho.cumsum(0)  # sum over s <= t of rho(t - s)
    return (before + before.flip(0) - rho[0]) / len(rho)
