r"""What does the field theory of a random network need to know of its non-linearity?  Two averages, and where it bends.

    E phi(u)^2,  E phi'(u)^2,  d E phi(u)^2 / dq     and for two neurons     E phi(u) phi(v),  E phi'(u) phi'(v)

Closed forms where they exist (`closed_forms`, and `powers`); `of` makes any other callable an `Activation`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import closed_forms, elementwise, gaussian
from fieldkit.propagation.closed_forms import Moments, Near, Pair
from fieldkit.propagation.gaussian import Function


@dataclass(frozen=True)
class Activation:
    """phi with what is known about it; call it like a function.

    `slope`, `bend`: phi' and phi'' (automatic differentiation if None).  `kinks`: every x != 0 where phi or a
    derivative jumps.  `parity`: +1 even, -1 odd, 0 neither or unknown.  `moments`: q -> (E phi^2, E phi'^2,
    d E phi^2 / dq).  `dual`: (q_u, q_v, k) -> (E phi phi, E phi' phi') at covariance k; `near` is the same, given
    q_u q_v - k^2 and E (u - v)^2 / 2 as well, and `apart` then E (phi(u) - phi(v))^2 / 2 (`closed_forms`).  `gap`:
    (q, e) -> S and dS/dc with E phi(u)^2 - E phi(u) phi(v) = e S at correlation c = 1 - e.  A phi without closed form
    is integrated by panels; it is tried on two numbers of nodes when made, and warns with advice when they differ.
    `jumps`, found at zero and the kinks: (x, phi(x+) - phi(x-)) where phi itself jumps; E phi'(u)^2 is infinite then.
    `bent`: phi' jumps at zero.
    """

    phi: Function
    slope: Function | None = None
    bend: Function | None = None
    kinks: tuple[float, ...] = ()
    parity: int = 0
    moments: Callable[[Tensor], Moments] | None = None
    dual: Callable[[Tensor, Tensor, Tensor], Pair] | None = None
    near: Near | None = None
    apart: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor] | None = None
    gap: Callable[[Tensor, Tensor], Pair] | None = None
    jumps: tuple[tuple[float, float], ...] = field(init=False)
    bent: bool = field(init=False)

    def __post_init__(self) -> None:
        if not callable(self.phi):
            raise TypeError(f"phi = {self.phi!r}: an activation is a function of tensors; pass one, as torch.tanh.")
        if self.parity not in (-1, 0, 1):
            raise ValueError(f"parity = {self.parity}: +1 for an even phi, -1 for an odd one, 0 if neither or unknown.")
        object.__setattr__(self, "kinks", tuple(float(x) for x in self.kinks))
        elementwise.refuse(self)
        object.__setattr__(self, "jumps", elementwise.jumps(self))
        beside = self.derivative(torch.tensor([-1e-9, -1e-12, 1e-12, 1e-9], dtype=torch.float64))
        wide, close = (beside[-1] - beside[0]).abs().item(), (beside[2] - beside[1]).abs().item()
        object.__setattr__(self, "bent", not (wide < 1e-6 or close < 0.1 * wide))  # what is smooth shrinks
        if self.moments is None:
            elementwise.warn(self)

    def __call__(self, x: Tensor) -> Tensor:
        return self.phi(x)

    def derivative(self, x: Tensor) -> Tensor:
        """phi'(x), same shape."""
        return self.slope(x) if self.slope is not None else elementwise.differentiate(self.phi)(x)

    def second_derivative(self, x: Tensor) -> Tensor:
        """phi''(x), same shape, without the delta functions at kinks."""
        return self.bend(x) if self.bend is not None else elementwise.differentiate(self.derivative)(x)


def of(phi: Function | Activation) -> Activation:
    """phi as an `Activation`: itself if it is one, else any callable that acts element by element on tensors.

    A kink at zero is always respected; declare others with `Activation(phi, kinks=(-1.0, 1.0))`.
    """
    return phi if isinstance(phi, Activation) else Activation(phi)


def degree(phi: Function | Activation) -> int | None:
    """p with phi(t x) = t^p phi(x) for all t > 0, up to 3: 0 of a sign, 1 of ReLU; None if phi has a scale."""
    x = torch.tensor([-3.0, -0.7, 0.7, 3.0], dtype=torch.float64)
    one, far = phi(x), phi(1e3 * x)
    return next((p for p in range(4) if torch.allclose(far, 1e3**p * one, rtol=1e-12, atol=0)), None)


def moments(phi: Function | Activation, q: Tensor, *, n: int = gaussian.NODES) -> Moments:
    """(E phi^2, E phi'^2, d E phi^2 / dq) at pre-activation variances q, each of its shape.

    The last is E z phi phi' / sqrt(q): Stein's form of E[phi'^2 + phi phi''] that a kink does not harm; a jump of
    phi^2 at x adds x p(x) / 2q times its height.  E phi'^2 is infinite for a phi that jumps.
    """
    phi, q = of(phi), given.doubles(q)
    if not gaussian.seen(q >= 0):
        raise ValueError("q < 0: a variance cannot be negative; take q >= 0.")
    if phi.moments is not None:
        return phi.moments(q)
    gaussian.variance("q", q)
    z, w = gaussian.panels(q, kinks=phi.kinks, n=n)
    root = q.clamp_min(gaussian.TINY).sqrt()[..., None]
    h = root * z
    plus, d_plus = phi(h), phi.derivative(h)
    if phi.parity:
        w = 2 * w
        square, slope, growth = plus.square(), d_plus.square(), plus * d_plus
    else:
        minus, d_minus = phi(-h), phi.derivative(-h)
        square, slope = plus.square() + minus.square(), d_plus.square() + d_minus.square()
        growth = plus * d_plus - minus * d_minus
    growth = (growth / root * z * w).sum(-1)
    slope = (slope * w).sum(-1)
    if phi.jumps:
        slope = torch.full_like(slope, math.inf)
        growth = growth + sum(_moved(phi, x, J, q) for x, J in phi.jumps)
    at_zero = phi(torch.zeros((), device=q.device, dtype=torch.float64)).square()
    return torch.where(q > gaussian.TINY, (square * w).sum(-1), at_zero), slope, growth


def _moved(phi: Activation, x: float, J: float, q: Tensor) -> Tensor:
    """What a jump J of phi at x adds to d E phi^2 / dq: the Gaussian flows over it."""
    one_side, other = phi(torch.tensor([x - elementwise.STEP, x + elementwise.STEP], dtype=torch.float64)).tolist()
    root = q.clamp_min(gaussian.TINY).sqrt()
    return x * J * (one_side + other) / 2 * gaussian.density(x / root) / root**3


def leaky_relu(a: float) -> Activation:
    """x for x > 0, a x for x < 0; a = 0 is ReLU, a = 1 linear, a = -1 the modulus."""
    given.number("a", a, why="it is the slope on the left, 0 of ReLU, 1 of the identity")
    a = float(a)
    form = closed_forms.Leaky(a)
    return Activation(
        lambda x: torch.where(x > 0, x, a * x),
        slope=lambda x: a + (1 - a) * (x > 0).to(x.dtype),
        bend=torch.zeros_like,
        parity={1.0: -1, -1.0: 1}.get(a, 0),
        moments=form.moments,
        dual=closed_forms.dual(form.near),
        near=form.near,
        apart=form.apart,
        gap=form.gap,
    )


linear = leaky_relu(1.0)
relu = leaky_relu(0.0)
erf = Activation(
    torch.erf,
    slope=lambda x: (2 / math.sqrt(math.pi)) * torch.exp(-x.square()),
    bend=lambda x: (-4 / math.sqrt(math.pi)) * x * torch.exp(-x.square()),
    parity=-1,
    moments=closed_forms.erf_moments,
    dual=closed_forms.erf_dual,
    near=closed_forms.erf_near,
    gap=closed_forms.erf_gap,
)
sin = Activation(
    torch.sin,
    slope=torch.cos,
    bend=lambda x: -torch.sin(x),
    parity=-1,
    moments=closed_forms.sin_moments,
    dual=closed_forms.dual(closed_forms.sin_near),
    near=closed_forms.sin_near,
    gap=closed_forms.sin_gap,
)
gelu = Activation(
    lambda x: x * torch.special.ndtr(x),
    slope=lambda x: torch.special.ndtr(x) + x * gaussian.density(x),
    bend=lambda x: (2 - x.square()) * gaussian.density(x),
    moments=closed_forms.gelu_moments,
    dual=closed_forms.dual(closed_forms.gelu_near),
    near=closed_forms.gelu_near,
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
swish = Activation(
    lambda x: x * torch.sigmoid(x),
    slope=lambda x: torch.sigmoid(x) * (1 + x * torch.sigmoid(-x)),
    bend=lambda x: torch.sigmoid(x) * torch.sigmoid(-x) * (2 - x * torch.tanh(x / 2)),
)
