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
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import torch
from scipy.optimize import brentq
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import activations, finite_width, gaussian, maps
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function

HUGE = 1e150  # beyond it lengths are counted in another unit


@dataclass(frozen=True)
class Block:
    """Variances of a block: sv2 and sw2 of the matrices V and W (times fan-in), sa2 and sb2 of the biases a and b.

    `skip` multiplies x_(l-1): 1 for a residual block, 0 for a plain layer, whose slope is chi_1 = sv2 sw2 E phi'^2.
    """

    sv2: float
    sw2: float
    sa2: float = 0.0
    sb2: float = 0.0
    skip: float = 1.0

    def __post_init__(self) -> None:
        for name in ("sv2", "sw2", "sa2", "sb2"):
            given.not_negative(name, getattr(self, name), why="a variance cannot be negative")
        given.number("skip", self.skip, why="it multiplies what is skipped, by 1 or 0")


def trajectory(
    blocks: Sequence[Block], *, p: float, e: float, activation: Function | Activation, n_terms: int = maps.TERMS
) -> tuple[Tensor, Tensor, Tensor]:
    """(p_l, e_l, log(chi_0 / chi_l)) for l = 0 .. len(blocks), each (len(blocks) + 1,).

    Carried is p - gamma, half the squared distance, so that nearly equal inputs keep their digits; it goes through
    `maps.gap`: in closed form for ReLU, else by a Mehler series of `n_terms` terms.  Raises `ValueError` for p <= 0 or
    |e| > 1.
    """
    given.positive("p", p, why="it is a mean square")
    given.within("e", e, -1, 1, why="it is a correlation")
    given.whole("n_terms", n_terms, least=2, why="a series has terms")
    phi = activations.of(activation)
    out, apart, log_gradient, unit = [(p, e, 0.0)], p * (1 - e), 0.0, 1.0
    for layer, block in enumerate(blocks):
        if not 1 / HUGE < p < HUGE:
            change = 1 / HUGE if p > 1 else HUGE
            if activations.degree(phi) == 1:  # phi is homogeneous: another unit of length
                p, apart, unit = p * change, apart * change, unit / change
            elif p > 1:
                raise ValueError(f"layer {layer}: p = {p:.1e} leaves the range of numbers; take fewer layers.")
        q = torch.tensor([block.sw2 * p + (block.sb2 / unit if block.sb2 else 0)], dtype=torch.float64)
        square, slope, _ = activations.moments(phi, q)
        between = block.sw2 * apart / q if q > 0 else torch.zeros_like(q)  # 1 - c of u and u'
        S = maps.gap(phi, q, n_terms=n_terms, known=(square, slope))(between)[0]
        kept = block.skip**2
        gain = kept - 1 + block.sv2 * block.sw2 * slope.item()
        log_gradient += math.log1p(gain) if gain > -1 else -math.inf
        apart = kept * apart + block.sv2 * (between * S).item()
        p = kept * p + block.sv2 * square.item() + (block.sa2 / unit if block.sa2 else 0)
        if not p > 0:
            faded = block.skip or block.sv2 * block.sw2
            why = (
                "p falls below the range of numbers; take fewer" if faded else "nothing comes out; take sv2 > 0 in all"
            )
            raise ValueError(f"layer {layer}: {why} layers.")
        out.append((p * unit, 1 - apart / p, log_gradient))
    columns = torch.tensor(out, dtype=torch.float64)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def relu_log_growth(products: Tensor) -> Tensor:
    """log(p_l / p_0) = log(chi_0 / chi_l) = sum_(k <= l) log(1 + v_k / 2) for ReLU without biases; v_k = sv2 sw2
    (depth,).

    Exact in the mean at any width, because phi is homogeneous.  Constant v overflows float64 after 1750 layers: hence
    the logarithm.  v_k = k^-b gives a power law sqrt(l) at b = 1 and a finite limit for b > 1 (Yang, Schoenholz 2018).
    """
    products = given.doubles(products)
    gaussian.variance("products", products, why="a product of variances cannot be negative")
    return torch.log1p(products / 2).cumsum(0)


def log_width_factor(widths: Sequence[int]) -> Tensor:
    """log of the factor N_l / N_0 in chi_0 / chi_l for widths N_0 .. N_L, (L + 1,).

    Where the width changes the skip is a random projection with variance 1 / fan-in, so p does not notice; but backward
    each unit sums N_l terms of variance 1 / N_(l-1).  Narrowing layers damp the gradient that layers amplify.
    """
    if len(widths) == 0:
        raise ValueError("no widths: a network has at least its input; give N_0 ... N_L.")
    for width in widths:
        given.whole("width", width, least=1, why="a layer has at least one unit")
    return torch.tensor(widths, dtype=torch.float64).log() - math.log(widths[0])


def tanh_gradient_exponent(block: Block) -> float:
    """A in log(chi_0 / chi_l) ~ A sqrt l for tanh: (4/3) sqrt(2 / pi) sv2 sw / sqrt(sv2 + sa2).

    From p ~ (sv2 + sa2) l and E sech^4(sqrt q z) ~ integral sech^4 / sqrt(2 pi q) = (4/3) / sqrt(2 pi q), summed over
    l.
    """
    if not block.sv2 + block.sa2 > 0:
        raise ValueError("sv2 + sa2 = 0: lengths do not grow, and gradients by no power law; take sv2 > 0.")
    return 4 / 3 * math.sqrt(2 * block.sw2 / math.pi) * block.sv2 / math.sqrt(block.sv2 + block.sa2)


def saturated_fixed_point(block: Block) -> tuple[float, float]:
    """(e*, delta*) of a saturating phi, |phi| -> 1: e_l - e* ~ l^-delta*.

    At large p phi is a sign and E phi phi' = (2/pi) asin e, so e* solves (sv2 + sa2) e = sv2 (2/pi) asin e + sa2 (the
    root below 1) and delta* = 1 - (2/pi) sv2 / ((sv2 + sa2) sqrt(1 - e*^2)).
    """
    total = block.sv2 + block.sa2
    if not block.sv2 > 0:
        raise ValueError("sv2 = 0: nothing comes out of the block, and angles stay as they are; take sv2 > 0.")

    share = 2 / math.pi * block.sv2 / total  # with e = cos theta: 1 - cos theta = share theta

    def excess(theta: float) -> float:
        return 2 * math.sin(theta / 2) ** 2 / theta - share

    theta = brentq(excess, share, math.pi / 2, xtol=1e-300, rtol=1e-15) if block.sa2 > 0 else math.pi / 2
    return math.cos(theta) if block.sa2 > 0 else 0.0, 1 - share / math.sin(theta)


def relu_angle_rate(v: float) -> float:
    """Growth per layer of 1 / theta, theta the angle between two inputs of a deep ReLU network: (v / 2) / (1 + v / 2)
    / (3 pi), v = sv2 sw2 and no biases; v -> infinity is the plain network.

    With e = cos theta a layer takes (sin theta - theta cos theta) / pi ~ theta^3 / 3 pi from the cosine of the ReLU
    branch, which holds the fraction (v / 2) / (1 + v / 2) of the length: d theta = -fraction theta^2 / 3 pi.  The next
    order adds 3 / (2 l) of it at layer l.  Derived here from the arc-cosine kernel of Cho and Saul 2009.
    """
    if isinstance(v, bool) or not isinstance(v, Real):
        raise TypeError(f"v = {v!r}: a product of variances is a plain number, 0 or more.")
    if not v >= 0:
        raise ValueError(f"v = {v}: a product of variances is 0 or more; infinity is the plain network.")
    return (1 if math.isinf(v) else v / (2 + v)) / (3 * math.pi)


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
    """(p, e, gradient) of n random networks at every layer, each (n, depth + 1).

    Two inputs with exact |x|^2 / N = p and correlation e.  `gradient` is |J_l v|^2 / |v|^2 for a random v: its mean is
    tr J^T J / N_0, the same trace that gives chi_0 / chi_l backward.  Average it before taking a logarithm (the mean of
    logs is smaller, by Jensen).  No weight is stored: given what it multiplies, fresh Gaussian weights return
    independent Gaussian neurons (`finite_width.sample_layer`), and those are drawn.
    Raises `ValueError` unless len(widths) = len(blocks) + 1.
    """
    given.function("activation", activation)
    given.function("derivative", derivative)
    if len(widths) != len(blocks) + 1:
        raise ValueError(f"{len(widths)} widths, {len(blocks)} blocks: give the width before and after every block.")
    given.positive("p", p, why="it is a mean square")
    given.within("e", e, -1, 1, why="it is a correlation")
    given.whole("width", widths[0], least=2, why="two inputs of any correlation need a plane")
    for width in widths[1:]:
        given.whole("width", width, least=1, why="a layer has at least one neuron")
    frame = torch.linalg.qr(gaussian.normal((n, widths[0], 2), rng))[0] * math.sqrt(widths[0] * p)
    x = torch.stack([frame[..., 0], e * frame[..., 0] + math.sqrt(1 - e * e) * frame[..., 1]], dim=1)
    v = gaussian.normal((n, 1, widths[0]), rng)
    start, rows = v.square().sum((1, 2)), torch.cat([x, v], 1)  # two signals and a perturbation, (n, 3, N)
    out = [rows.square().mean(2)]
    overlap = [(rows[:, 0] * rows[:, 1]).mean(1)]
    for block, before, after in zip(blocks, widths[:-1], widths[1:]):
        u = _weigh(rows, block.sw2, after, rng)
        u[:, :2] += math.sqrt(block.sb2) * gaussian.normal((n, 1, after), rng)
        branch = torch.cat([activation(u[:, :2]), derivative(u[:, :1]) * u[:, 2:]], 1)
        skipped = rows if after == before else _weigh(rows, 1.0, after, rng)
        rows = block.skip * skipped + _weigh(branch, block.sv2, after, rng)
        rows[:, :2] += math.sqrt(block.sa2) * gaussian.normal((n, 1, after), rng)
        out.append(rows.square().mean(2))
        overlap.append((rows[:, 0] * rows[:, 1]).mean(1))
    squares = torch.stack(out, 1)
    correlation = torch.stack(overlap, 1) / (squares[..., 0] * squares[..., 1]).sqrt()
    size = torch.tensor(widths, device=rng.device, dtype=torch.float64)
    return squares[..., 0], correlation, squares[..., 2] * size / start[:, None]


def _weigh(rows: Tensor, variance: float, width: int, rng: torch.Generator) -> Tensor:
    """W rows for fresh W_ij ~ N(0, variance / fan-in), exactly in law: rows (n, m, fan-in) -> (n, m, width)."""
    return finite_width.sample_layer(variance / rows.shape[2] * rows @ rows.mT, width, rng=rng)
