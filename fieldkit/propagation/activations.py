r"""What does the field theory of a random network need to know of its non-linearity?  Two averages, and where it bends.

    E phi(u)^2,  E phi'(u)^2,  d E phi(u)^2 / dq     and for two neurons     E phi(u) phi(v),  E phi'(u) phi'(v)

Closed forms where they exist (powers are in `powers`); `of` makes any other callable an `Activation`.  Sources:
Williams 1997 (erf); Cho and Saul 2009 (ReLU); linear, leaky ReLU, sine and GELU follow in a line or two from
d E f(u) g(v) / dk = E f'(u) g'(v) (Price 1958) and Stein's E u f(u) = q E f'(u).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit.propagation import gaussian
from fieldkit.propagation.gaussian import Function

Moments = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Activation:
    """phi with what is known about it; call it like a function.

    `slope`, `bend`: phi' and phi'' (automatic differentiation if None).  `kinks`: every x != 0 where phi or a
    derivative jumps.  `parity`: +1 even, -1 odd, 0 neither or unknown.  `moments`: q -> (E phi^2, E phi'^2,
    d E phi^2 / dq).  `dual`: (q_u, q_v, k) -> (E phi phi, E phi' phi') at covariance k.  `gap`: (q, e) -> S and dS/dc
    with E phi(u)^2 - E phi(u) phi(v) = e S at correlation c = 1 - e.  A phi without closed form is integrated by
    panels; it is tried on two numbers of nodes when made, and warns with advice when they differ.
    """

    phi: Function
    slope: Function | None = None
    bend: Function | None = None
    kinks: tuple[float, ...] = ()
    parity: int = 0
    moments: Callable[[Tensor], Moments] | None = None
    dual: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]] | None = None
    gap: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None

    def __post_init__(self) -> None:
        if self.parity not in (-1, 0, 1):
            raise ValueError(f"parity = {self.parity}: +1 for an even phi, -1 for an odd one, 0 if neither or unknown.")
        if self.moments is None:
            _try(self)

    def __call__(self, x: Tensor) -> Tensor:
        return self.phi(x)

    def derivative(self, x: Tensor) -> Tensor:
        """phi'(x), same shape."""
        return self.slope(x) if self.slope is not None else _differentiate(self.phi)(x)

    def second_derivative(self, x: Tensor) -> Tensor:
        """phi''(x), same shape, without the delta functions at kinks."""
        return self.bend(x) if self.bend is not None else _differentiate(self.derivative)(x)


def of(phi: Function | Activation) -> Activation:
    """phi as an `Activation`: itself if it is one, else any callable that acts element by element on tensors.

    A kink at zero is always respected; declare others with `Activation(phi, kinks=(-1.0, 1.0))`.
    """
    return phi if isinstance(phi, Activation) else Activation(phi)


def moments(phi: Function | Activation, q: Tensor, *, n: int = gaussian.NODES) -> Moments:
    """(E phi^2, E phi'^2, d E phi^2 / dq) at pre-activation variances q, each of its shape.

    The last is E z phi phi' / sqrt(q): Stein's form of E[phi'^2 + phi phi''] that a kink does not harm.
    """
    phi = of(phi)
    if phi.moments is not None:
        return phi.moments(q)
    z, w = gaussian.panels(q, kinks=phi.kinks, n=n)
    root = q.clamp_min(1e-30).sqrt()[..., None]
    h = root * z
    plus, d_plus = phi(h), phi.derivative(h)
    if phi.parity:
        w = 2 * w
        square, slope, growth = plus.square(), d_plus.square(), plus * d_plus
    else:
        minus, d_minus = phi(-h), phi.derivative(-h)
        square, slope = plus.square() + minus.square(), d_plus.square() + d_minus.square()
        growth = plus * d_plus - minus * d_minus
    return (square * w).sum(-1), (slope * w).sum(-1), (growth / root * z * w).sum(-1)


def _differentiate(f: Function) -> Function:
    return torch.func.grad(lambda x: f(x).sum())


def _try(phi: Activation) -> None:
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


def _leaky(a: float) -> Activation:
    """slope 1 for x > 0 and a for x < 0: (1 + a)/2 x + (1 - a)/2 |x|, and E x |x| = 0."""
    odd, even = ((1 + a) / 2) ** 2, ((1 - a) / 2) ** 2
    mean = (1 + a * a) / 2

    def dual(u: Tensor, v: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        sine = (u * v - k.square()).clamp_min(0).sqrt()
        angle = torch.atan2(k, sine)  # arcsine of the correlation, exact near 1
        return odd * k + even * (2 / math.pi) * (sine + k * angle), odd + even * (2 / math.pi) * angle

    def gap(q: Tensor, e: Tensor) -> tuple[Tensor, Tensor]:
        e = e.clamp_min(1e-300)
        theta = 2 * torch.asin((e / 2).sqrt())
        S = odd + even * (1 - (2 / math.pi) * (torch.sin(theta) - theta * torch.cos(theta)) / e)
        slope = odd + even * (1 - (2 / math.pi) * theta)  # E phi' phi' = S - e dS/dc
        return q * S, q * (S - slope) / e

    return Activation(
        lambda x: torch.where(x > 0, x, a * x),
        slope=lambda x: a + (1 - a) * (x > 0).to(x.dtype),
        bend=torch.zeros_like,
        parity={1.0: -1, -1.0: 1}.get(a, 0),
        moments=lambda q: (mean * q, torch.full_like(q, mean), torch.full_like(q, mean)),
        dual=dual,
        gap=gap,
    )


def leaky_relu(a: float) -> Activation:
    """x for x > 0, a x for x < 0; a = 0 is ReLU, a = 1 linear, a = -1 the modulus."""
    return _leaky(float(a))


def _erf_moments(q: Tensor) -> Moments:
    root = (1 + 4 * q).rsqrt() * (4 / math.pi)
    return (2 / math.pi) * torch.atan2(2 * q, (1 + 4 * q).sqrt()), root, root / (1 + 2 * q)


def _erf_dual(u: Tensor, v: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    inverse = (1 + 2 * u).rsqrt() * (1 + 2 * v).rsqrt()
    sine = 2 * k * inverse
    return (2 / math.pi) * torch.asin(sine), (4 / math.pi) * inverse * (1 - sine.square()).rsqrt()


def _sin_dual(u: Tensor, v: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    plus, minus = torch.exp(k - (u + v) / 2) / 2, torch.exp(-k - (u + v) / 2) / 2
    return plus - minus, plus + minus


def _gelu_moments(q: Tensor) -> Moments:
    root = (1 + 2 * q).sqrt()
    twice = 0.25 + torch.atan2(q, root) / (2 * math.pi)  # E Phi(u)^2
    rest = q / (math.pi * (1 + q) * root)
    growth = twice + rest / 2 + rest * (2 - q / (1 + q) - q / (1 + 2 * q))
    slope = twice + (q / (2 * math.pi * root)) * (1 + 2 * (1 - q) / (1 + q) + 2 * q.square() / ((1 + q) * (1 + 2 * q)))
    return q * twice + q * rest, slope, growth


def _gelu_dual(u: Tensor, v: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    a, b = 1 + u, 1 + v
    D = a * b - k.square()
    root, s = D.sqrt(), 1 / a + 1 / b - 1
    twice = 0.25 + torch.atan2(k, root) / (2 * math.pi)  # E Phi(u) Phi(v)
    numerator = u * v + k.square() * s
    return (
        k * twice + numerator / (2 * math.pi * root),
        twice + k * (1 + 2 * s + numerator / D) / (2 * math.pi * root),
    )


def _normal_density(x: Tensor) -> Tensor:
    return torch.exp(-0.5 * x.square()) / math.sqrt(2 * math.pi)


linear = leaky_relu(1.0)
relu = leaky_relu(0.0)
erf = Activation(
    torch.erf,
    slope=lambda x: (2 / math.sqrt(math.pi)) * torch.exp(-x.square()),
    bend=lambda x: (-4 / math.sqrt(math.pi)) * x * torch.exp(-x.square()),
    parity=-1,
    moments=_erf_moments,
    dual=_erf_dual,
)
sin = Activation(
    torch.sin,
    slope=torch.cos,
    bend=lambda x: -torch.sin(x),
    parity=-1,
    moments=lambda q: (-torch.expm1(-2 * q) / 2, (1 + torch.exp(-2 * q)) / 2, torch.exp(-2 * q)),
    dual=_sin_dual,
)
gelu = Activation(
    lambda x: x * torch.special.ndtr(x),
    slope=lambda x: torch.special.ndtr(x) + x * _normal_density(x),
    bend=lambda x: (2 - x.square()) * _normal_density(x),
    moments=_gelu_moments,
    dual=_gelu_dual,
)
tanh = Activation(
    torch.tanh,
    slope=lambda x: 1 - torch.tanh(x).square(),
    bend=lambda x: -2 * torch.tanh(x) * (1 - torch.tanh(x).square()),
    parity=-1,
)
hard_tanh = Activation(
    lambda x: x.clamp(-1, 1), slope=lambda x: (x.abs() < 1).to(x.dtype), bend=torch.zeros_like, kinks=(-1, 1), parity=-1
)
swish = Activation(lambda x: x * torch.sigmoid(x))
