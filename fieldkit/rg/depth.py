r"""Is a deep network a renormalisation group?  Layers as steps, the kernel and its fluctuations as couplings.

    K' = sw2 E phi^2,  V' = sw2^2 (E phi^4 - (E phi^2)^2) + chi^2 V,  chi = sw2 d(E phi^2)/dK,  kurtosis 1 + V / n K^2

(`propagation.finite_width.four_point`; Roberts, Yaida and Hanin 2022).  On the critical line the kernel runs like a
marginal coupling: with phi(0) = 0 and sw2 = 1 / phi'(0)^2 it dies as 1 / (-a_1 l), marginally irrelevant, as phi^4 in
four dimensions does; and r = V / K^2 grows by 2/3 a layer for EVERY such activation, because r' = 2 - 2 r / l then.
An activation without scale (phi(2z) = 2 phi(z)) has a line of fixed points, and its own slope E phi^4 / (E phi^2)^2 -
1: 2 for a linear network, 5 for ReLU.  Layers are counted from 1, the first pre-activations, where V = 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from fieldkit import fits, given
from fieldkit.estimates import Estimate
from fieldkit.propagation import activations, criticality, finite_width, gaussian
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function


def is_scale_free(activation: Function | Activation) -> bool:
    """Whether phi(2z) = 2 phi(z): linear, ReLU, leaky ReLU."""
    z = torch.tensor([-3.0, -0.7, -1e-2, 1e-2, 0.5, 2.0], dtype=torch.float64)
    phi = activations.of(activation)
    return bool(torch.allclose(phi(2 * z), 2 * phi(z), rtol=1e-12, atol=1e-14))


def critical_sw2(activation: Function | Activation) -> float:
    """sw2 on the critical line at sb2 = 0: 1 / E phi'^2 without scale, else 1 / phi'(0)^2 with the kernel at 0.

    Raises `ValueError` when phi(0) is not 0: such a kernel does not vanish, use `criticality.critical_line`.
    """
    phi = activations.of(activation)
    zero = torch.zeros((), dtype=torch.float64)
    _vanishes(phi)
    if is_scale_free(phi):
        gain = float(activations.moments(phi, torch.ones(1, dtype=torch.float64))[1])
    else:
        gain = float(phi.derivative(zero)) ** 2
    if not gain > 0:
        raise ValueError("phi'(0) = 0: small signals are lost in every layer, at any sw2; choose another activation.")
    return 1 / gain


def running(
    activation: Function | Activation, n_layers: int, *, K: float = 1.0, sw2: float | None = None, sb2: float = 0.0
) -> tuple[Tensor, Tensor]:
    """(K_l, V_l / K_l^2) for l = 1 ... n_layers from K_1 = K, each (n_layers,); sw2 critical if not given."""
    given.whole("n_layers", n_layers, least=1, why="the first layer has the kernel that is given")
    given.positive("K", K, why="a kernel is a variance")
    sw2 = critical_sw2(activation) if sw2 is None else sw2
    start = torch.tensor([K], dtype=torch.float64)
    kernels, V = finite_width.four_point(start, n_layers, activation=activation, sw2=sw2, sb2=sb2)
    return kernels[:, 0], (V / kernels.square())[:, 0]


def kernel_amplitude(activation: Function | Activation) -> float:
    """lim l K_l = -1 / a_1 on the critical line with K* = 0; 1/2 for tanh, 1 for sine.  Infinite without scale.

    Raises `ValueError` where the kernel does not run to 0 there but grows, a_1 > 0, as for GELU.
    """
    if is_scale_free(activation):
        return float("inf")
    slope = criticality.critical_exponents(activation)[0]
    if not slope < 0:
        raise ValueError(
            f"a_1 = {slope:.3g}: at K = 0 this kernel grows with depth, so l K_l has no limit; take a_1 < 0."
        )
    return -1 / slope


def vertex_slope(activation: Function | Activation) -> float:
    """lim V / (K^2 l): the universality class.  2/3 where K* = 0, E phi^4 / (E phi^2)^2 - 1 without scale.  Raises
    `ValueError` when phi(0) is not 0."""
    _vanishes(activations.of(activation))
    if not is_scale_free(activation):
        return 2 / 3
    phi, one = activations.of(activation), torch.ones(1, dtype=torch.float64)
    fourth = gaussian.average(lambda h: phi(h) ** 4, one, kinks=phi.kinks)
    return float(fourth / activations.moments(phi, one)[0].square()) - 1


def twin_exponent(activation: Function | Activation) -> float:
    """b_1 / a_1, with which the gap between two inputs closes as l^(-b_1 / a_1) where K* = 0; 1 for every odd phi."""
    a, b = criticality.critical_exponents(activation)
    return b / a


def measured_vertex(
    activation: Function, depths: list[int], *, width: int, n: int, K: float = 1.0, sw2: float, rng: torch.Generator
) -> list[Estimate]:
    """width times (kurtosis - 1) of n drawn networks after layer l = depths (1: no hidden layer behind it, exactly 0).

    Holds corrections of order 1 / width; for ReLU and linear networks `finite_width` has them exactly.
    """
    given.function("activation", activation)
    start = torch.tensor([[K]], dtype=torch.float64)
    found = []
    for depth in depths:
        given.whole("depth", depth, least=2, why="from the second layer on the kernel fluctuates")
        drawn = finite_width.sample_kernels(
            n, start, [width] * (depth - 1), activation=activation, sw2=sw2, sb2=0.0, rng=rng
        )
        found.append((finite_width.kurtosis(drawn[:, 0, 0]) - 1) * width)
    return found


def wide_vertex(
    activation: Function,
    depths: list[int],
    *,
    widths: Sequence[int],
    n: int,
    K: float = 1.0,
    sw2: float,
    rng: torch.Generator,
) -> list[Estimate]:
    """V / K^2 as the width grows, from `measured_vertex` of n networks at each of at least two widths.

    A line in 1 / width through width ln(kurtosis): layers multiply, so the logarithm has the limit of kurtosis - 1 and
    corrections of order 1 / width that do not grow with the depth (-5/2 / width of it for ReLU, whose kurtosis is
    (1 + 5 / width)^(l - 1)).
    """
    given.function("activation", activation)
    found = [measured_vertex(activation, depths, width=w, n=n, K=K, sw2=sw2, rng=rng) for w in widths]
    logs = [[_log(e, width) for e in row] for width, row in zip(widths, found)]
    return [fits.finite_size(widths, column).estimate(0) for column in zip(*logs)]


def _vanishes(phi: Activation) -> None:
    at_zero = float(phi(torch.zeros((), dtype=torch.float64)))
    if abs(at_zero) > 1e-12:
        raise ValueError(f"phi(0) = {at_zero:.3g}: its kernel does not run to 0; see `criticality.critical_line`.")


def _log(vertex: Estimate, width: int) -> Estimate:
    kurtosis = 1 + vertex.value / width
    return Estimate(width * math.log(kurtosis), vertex.error / kurtosis)
