r"""How far does a flow get without any network?  The best Gaussian, exactly.

A flow that has only waves, scales and constants draws a Gaussian field: mean c at every site, <|x_p - <x_p>|^2> / V =
P_p.  For one half of the dual magnet (`targets.OneSector` of an `ising_dual.IsingDual`, N sites, sharpness k) its free
energy is

    F = -sum_p 1/2 [1 + ln 2 pi P_p - P_p / K_p] + N c^2 / (2 K_0) - N < ln cosh(c + sigma u) >
        - ln 2 + < ln(1 + exp(-k (c + tau u))) >,        sigma^2 = sum_p P_p / N,  tau^2 = P_0 / N,

u a unit Gaussian: the averages are integrals over one variable.  The least F is the Gaussian variational principle of
Gibbs, Bogoliubov and Feynman; F + ln Z of it is what only a network can take away (`left_over`).
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor
from torch.nn import functional

from fieldkit.estimates import Estimate
from fieldkit.neuralrg import ising_dual_exact, weighing
from fieldkit.neuralrg.ising_dual import IsingDual, log_cosh
from fieldkit.neuralrg.spectrum import classes
from fieldkit.neuralrg.targets import OneSector


@dataclasses.dataclass(frozen=True)
class Gaussian:
    """A Gaussian field: its free energy F, its mean at every site, its power (L, ..., L) in the order of fftn."""

    free_energy: float
    mean: float
    power: Tensor


def free_energy(half: OneSector, mean: Tensor, power: Tensor) -> Tensor:
    """F of the Gaussian field of that mean () and power (L, ..., L), float64, differentiable; ValueError for another
    target than a half of the dual magnet."""
    magnet = half.whole
    if not isinstance(magnet, IsingDual):
        raise ValueError(f"{type(magnet).__name__}: the averages are known for a half of `IsingDual(L, T)` only.")
    K, volume = magnet.kernel(device=power.device), magnet.volume
    u = torch.linspace(-12, 12, 961, dtype=torch.float64, device=power.device)
    weight = torch.exp(-u * u / 2) * (0.025 / math.sqrt(2 * math.pi))  # trapezoid: exact to rounding where sigma < 8
    site, sector = mean + (power.sum() / volume).sqrt() * u, mean + (power.flatten()[0] / volume).sqrt() * u
    waves = -0.5 * (1 + math.log(2 * math.pi) + power.log() - power / K).sum() + volume * mean**2 / (2 * K.flatten()[0])
    border = (weight * functional.softplus(-half.sharpness * sector)).sum() - math.log(2)
    return waves - volume * (weight * log_cosh(site)).sum() + border


def best(half: OneSector) -> Gaussian:
    """The Gaussian of least F for one half of the dual magnet; F to 1e-9 of it.  Raises as `free_energy`.

    Least over one number a class of momenta and the mean, by a quasi-Newton method, from an ordered and from a
    disordered start: where both are minima, the lower one.
    """
    K = half.whole.kernel() if isinstance(half.whole, IsingDual) else torch.ones(1, dtype=torch.float64)
    number = classes(K.shape[0], K.dim())
    found = [_descend(half, K, number, start) for start in (0.1, K.flatten()[0].item())]
    return min(found, key=lambda one: one.free_energy)


def left_over(log_weight: Tensor, half: OneSector) -> Estimate:
    """(F + ln Z) / (F_G + ln Z), F from the weights (n,) of a flow for this half, F_G of the best Gaussian, d = 1 or 2.

    0 for a perfect flow, 1 for one that has learned nothing but waves and constants.  Raises as `free_energy`.
    """
    bound = best(half).free_energy
    line = ising_dual_exact.log_partition(half.whole)  # type: ignore[arg-type]
    return (weighing.free_energy(log_weight) + line) / (bound + line)


def _descend(half: OneSector, K: Tensor, number: Tensor, start: float) -> Gaussian:
    log_power = torch.zeros(int(number.max()) + 1, dtype=torch.float64)
    log_power = log_power.scatter(0, number.flatten(), K.log().flatten()).requires_grad_()
    mean = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [log_power, mean], max_iter=1000, tolerance_grad=1e-10, tolerance_change=1e-15, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = free_energy(half, mean, log_power[number].exp())
        value.backward()
        return value

    optimiser.step(closure)
    with torch.no_grad():
        power = log_power[number].exp()
        return Gaussian(free_energy(half, mean, power).item(), mean.item(), power)
