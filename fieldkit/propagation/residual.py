r"""What do skip connections change?  Lengths, angles and gradients then move by power laws of the depth.

    x_l = x_(l-1) + V phi(W x_(l-1) + b) + a,      p = E x^2,   gamma = E x x' = p e,
    p_l = p_(l-1) + sv2 E phi(u)^2 + sa2,          gamma_l = gamma_(l-1) + sv2 E phi(u) phi(u') + sa2,
    chi_(l-1) = chi_l (1 + sv2 sw2 E phi'(u)^2),   u, u' Gaussian with variance sw2 p + sb2, covariance sw2 gamma + sb2.

Each term is the mean over fresh weights of a square (cross terms vanish because V has mean zero); chi is the mean
squared gradient.  A tanh grows p linearly, so E phi'^2 ~ (4/3) / sqrt(2 pi sw2 p) and log(chi_0 / chi_l) ~ A sqrt l; a
ReLU multiplies p and chi by 1 + sv2 sw2 / 2, which is why variances that fall with depth are needed, and logarithms.

Sources: Yang and Schoenholz 2017 (mean field residual networks) and 2018 (layerwise variance and width variation).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from scipy.optimize import brentq
from torch import Tensor

from fieldkit.propagation import gaussian

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Block:
    """Variances of a residual block: sv2 and sw2 of the matrices V and W (times fan-in), sa2 and sb2 of the biases."""

    sv2: float
    sw2: float
    sa2: float = 0.0
    sb2: float = 0.0


def trajectory(
    blocks: Sequence[Block],
    *,
    p: float,
    e: float,
    activation: Function,
    derivative: Function,
    n_modes: int = 200,
) -> tuple[Tensor, Tensor, Tensor]:
    """(p_l, e_l, log(chi_0 / chi_l)) for l = 0 .. len(blocks), each (len(blocks) + 1,).

    For smooth phi: the correlation goes through `n_modes` Hermite coefficients.  Raises `ValueError` for p <= 0 or
    |e| > 1.
    """
    if p <= 0 or abs(e) > 1:
        raise ValueError(f"p = {p}, e = {e}: a length is positive and a correlation lies in [-1, 1].")
    out, gamma, log_gradient = [(p, e, 0.0)], p * e, 0.0
    for block in blocks:
        q = block.sw2 * p + block.sb2
        c = (block.sw2 * gamma + block.sb2) / q
        variance = torch.tensor([q], dtype=torch.float64)
        a = gaussian.coefficients(activation, variance, n_terms=n_modes, n=64)[:, 0]
        slope2 = gaussian.average(lambda x: derivative(x).square(), variance).item()
        log_gradient += math.log1p(block.sv2 * block.sw2 * slope2)
        p += block.sv2 * gaussian.average(lambda x: activation(x).square(), variance).item() + block.sa2
        gamma += block.sv2 * (a.square() * c ** torch.arange(n_modes, dtype=torch.float64)).sum().item() + block.sa2
        out.append((p, gamma / p, log_gradient))
    columns = torch.tensor(out, dtype=torch.float64)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def relu_log_growth(products: Tensor) -> Tensor:
    """log(p_l / p_0) = log(chi_0 / chi_l) = sum_(k <= l) log(1 + v_k / 2) for ReLU without biases; v_k = sv2 sw2
    (depth,).

    Exact in the mean at any width, because phi is homogeneous.  Constant v overflows float64 after 1750 layers: hence
    the logarithm.  v_k = k^-b gives a power law sqrt(l) at b = 1 and a finite limit for b > 1 (Yang, Schoenholz 2018).
    """
    return torch.log1p(products / 2).cumsum(0)


def log_width_factor(widths: Sequence[int]) -> Tensor:
    """log of the factor N_l / N_0 in chi_0 / chi_l for widths N_0 .. N_L, (L + 1,).

    Where the width changes the skip is a random projection with variance 1 / fan-in, so p does not notice; but backward
    each unit sums N_l terms of variance 1 / N_(l-1).  Narrowing layers damp the gradient that layers amplify.
    """
    if min(widths) < 1:
        raise ValueError(f"widths = {list(widths)}: a layer has at least one unit.")
    return torch.tensor(widths, dtype=torch.float64).log() - math.log(widths[0])


def tanh_gradient_exponent(block: Block) -> float:
    """A in log(chi_0 / chi_l) ~ A sqrt l for tanh: (4/3) sqrt(2 / pi) sv2 sw / sqrt(sv2 + sa2).

    From p ~ (sv2 + sa2) l and E sech^4(sqrt q z) ~ integral sech^4 / sqrt(2 pi q) = (4/3) / sqrt(2 pi q), summed over
    l.
    """
    return 4 / 3 * math.sqrt(2 * block.sw2 / math.pi) * block.sv2 / math.sqrt(block.sv2 + block.sa2)


def saturated_fixed_point(block: Block) -> tuple[float, float]:
    """(e*, delta*) of a saturating phi, |phi| -> 1: e_l - e* ~ l^-delta*.

    At large p phi is a sign and E phi phi' = (2/pi) asin e, so e* solves (sv2 + sa2) e = sv2 (2/pi) asin e + sa2 (the
    root below 1) and delta* = 1 - (2/pi) sv2 / ((sv2 + sa2) sqrt(1 - e*^2)).
    """
    total = block.sv2 + block.sa2

    def excess(e: float) -> float:
        return (block.sv2 * 2 / math.pi * math.asin(e) + block.sa2) / total - e

    e = brentq(excess, 0.0, 1 - 1e-9, xtol=1e-15) if block.sa2 > 0 else 0.0
    return e, 1 - 2 / math.pi * block.sv2 / (total * math.sqrt(1 - e * e))


def sample(
    n: int,
    widths: Sequence[int],
    blocks: Sequence[Block],
    *,
    p: float,
    e: float,
    activation: Function,
    derivative: Function,
    rng: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """(p, e, gradient) of n random residual networks at every layer, each (n, depth + 1).

    Two inputs with exact |x|^2 / N = p and correlation e.  `gradient` is |J_l v|^2 / |v|^2 for a random v: its mean is
    tr J^T J / N_0, the same trace that gives chi_0 / chi_l backward, without storing the weights.  Average it before
    taking a logarithm (the mean of logs is smaller, by Jensen).
    Raises `ValueError` unless len(widths) = len(blocks) + 1.
    """
    if len(widths) != len(blocks) + 1:
        raise ValueError(f"{len(widths)} widths, {len(blocks)} blocks: give the width before and after every block.")
    frame = torch.linalg.qr(gaussian.normal((n, widths[0], 2), rng))[0] * math.sqrt(widths[0] * p)
    x = torch.stack([frame[..., 0], e * frame[..., 0] + math.sqrt(1 - e * e) * frame[..., 1]], dim=-1)
    v = gaussian.normal((n, widths[0], 1), rng)
    start, out = v.square().sum((1, 2)), [(x, v)]
    for block, before, after in zip(blocks, widths[:-1], widths[1:]):
        W = math.sqrt(block.sw2 / before) * gaussian.normal((n, after, before), rng)
        V = math.sqrt(block.sv2 / after) * gaussian.normal((n, after, after), rng)
        u = W @ x + math.sqrt(block.sb2) * gaussian.normal((n, after, 1), rng)
        if after != before:
            skip = gaussian.normal((n, after, before), rng) / math.sqrt(before)
            x, carried = skip @ x, skip @ v
        else:
            carried = v
        x = x + V @ activation(u) + math.sqrt(block.sa2) * gaussian.normal((n, after, 1), rng)
        v = carried + V @ (derivative(u[..., :1]) * (W @ v))
        out.append((x, v))
    lengths = torch.stack([x.square().mean(1) for x, _ in out], 1)
    overlap = torch.stack([x.prod(-1).mean(1) for x, _ in out], 1)
    gradient = torch.stack([v.square().sum((1, 2)) / start for _, v in out], 1)
    return lengths[..., 0], overlap / (lengths[..., 0] * lengths[..., 1]).sqrt(), gradient
