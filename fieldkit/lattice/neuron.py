r"""Which energy does a neuron minimise?  Activation f and potential V are a Fenchel pair.  A neuron in a field h has

    E(phi) = V(phi) - h phi,                        least where V'(phi) = h, that is at phi = f(h), when
    V(phi) = sup_h [h phi - F(h)],  F(h) = int_0^h f,       so that V'(f(h)) = h and V''(f(h)) = 1 / f'(h).

V'' is the local mass squared: where f is flat the neuron is stiff, and where f saturates V has a wall.  The pair exists
when F is convex, that is when f never falls.  The constant is fixed by V(f(0)) = 0.  At inverse temperature beta the
weight is exp(-beta E).  Sources: Rockafellar 1970 (conjugates); Hopfield 1984, whose graded neurons carry the energy
int f^-1, which is this V.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.special import xlogy

from fieldkit import given
from fieldkit.estimates import mean
from fieldkit.fits import Fit, linear_fit

Function = Callable[[Tensor], Tensor]


def linear_potential(phi: Tensor) -> Tensor:
    """f(h) = h:  V = phi^2 / 2, the harmonic oscillator; shape of phi."""
    return phi.square() / 2


def relu_potential(phi: Tensor) -> Tensor:
    """f(h) = max(h, 0):  V = phi^2 / 2 for phi >= 0 and an infinite wall below; shape of phi.

    At phi = 0 every h <= 0 is a subgradient: the neuron leans on the wall, and f' = 0 says that no field moves it.
    """
    return torch.where(phi < 0, math.inf, phi.square() / 2)


def leaky_relu_potential(phi: Tensor, *, slope: float = 0.01) -> Tensor:
    """f(h) = h above 0 and slope h below:  V = phi^2 / 2 above 0 and phi^2 / (2 slope) below; shape of phi.

    A stiff spring in place of the wall.  Raises `ValueError` for slope <= 0.
    """
    given.number("slope", slope, why="f falls by it below 0")
    if slope <= 0:
        raise ValueError(f"slope = {slope}: V is phi^2 / (2 slope) below 0; take slope > 0, or `relu_potential`.")
    return phi.square() / 2 * torch.where(phi >= 0, 1.0, 1 / slope)


def tanh_potential(phi: Tensor) -> Tensor:
    """f(h) = tanh h:  V = phi artanh phi + ln(1 - phi^2) / 2, walls at phi = -1 and 1; shape of phi.

    It is ln 2 minus the entropy of an Ising spin of mean phi: a tanh neuron is the mean field of a spin.
    """
    return torch.where(phi.abs() > 1, math.inf, (xlogy(1 + phi, 1 + phi) + xlogy(1 - phi, 1 - phi)) / 2)


def sigmoid_potential(phi: Tensor) -> Tensor:
    """f(h) = 1 / (1 + e^-h):  V = ln 2 + phi ln phi + (1 - phi) ln(1 - phi), walls at 0 and 1; shape of phi.

    It is ln 2 minus the binary entropy.
    """
    return torch.where((phi - 0.5).abs() > 0.5, math.inf, math.log(2) + xlogy(phi, phi) + xlogy(1 - phi, 1 - phi))


def softplus_potential(phi: Tensor) -> Tensor:
    """f(h) = ln(1 + e^h):  V = phi ln(e^phi - 1) + Li2(1 - e^phi) + pi^2 / 12, a wall at phi = 0; shape of phi.

    The dilogarithm is -int_0^phi s / (1 - e^-s) ds, by Gauss-Legendre quadrature: to 1e-12 for phi < 30.
    """
    inside = phi.clamp_min(torch.finfo(phi.dtype).tiny)
    nodes, weights = _gauss(32, 1, phi)
    s = inside[..., None] * nodes
    dilogarithm = -inside * (weights * s / -torch.expm1(-s)).sum(-1)
    value = inside * (inside + torch.log(-torch.expm1(-inside))) + dilogarithm + math.pi**2 / 12
    return torch.where(phi < 0, math.inf, value)


PAIRS: dict[str, tuple[Function, Function]] = {
    "linear": (torch.nn.Identity(), linear_potential),
    "ReLU": (torch.relu, relu_potential),
    "leaky ReLU": (torch.nn.functional.leaky_relu, leaky_relu_potential),
    "tanh": (torch.tanh, tanh_potential),
    "sigmoid": (torch.sigmoid, sigmoid_potential),
    "softplus": (torch.nn.functional.softplus, softplus_potential),
}


def local_mass2(h: Tensor, *, activation: Function) -> Tensor:
    """V''(phi) at phi = f(h), which is 1 / f'(h): infinite where f is flat; shape of h."""
    given.function("activation", activation)
    return 1 / slope_of(activation, h)


def slope_of(function: Function, x: Tensor) -> Tensor:
    """The derivative of an elementwise function at every element of x, by automatic differentiation; shape of x."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return torch.autograd.grad(function(x).sum(), x)[0]


def bend(potential: Function, phi: Tensor, *, step: float = 1e-5) -> Tensor:
    """V''(phi) as a symmetric difference of V': to about 1e-5 for the pairs above and |h| <= 3; shape of phi."""
    return (slope_of(potential, phi + step) - slope_of(potential, phi - step)) / (2 * step)


def primitive(h: Tensor, *, activation: Function) -> Tensor:
    """F(h) = int_0^h f; shape of h.

    256 Gauss-Legendre nodes in arsinh h: to rounding for a smooth f and for a kink at 0, to about 1e-4 for a kink
    elsewhere.
    """
    given.function("activation", activation)
    u = torch.asinh(h)[..., None]
    nodes, weights = _gauss(8, 32, h)
    return (weights * u * activation(torch.sinh(u * nodes)) * torch.cosh(u * nodes)).sum(-1)


def conjugate(activation: Function, *, h_max: float = 1000.0) -> Function:
    """The potential V of any activation that never falls, as a function phi -> V(phi) of the same shape.

    Solves f(h) = phi by bisection in arsinh h, then V = h phi - F(h).  Outside the values that f takes on |h| <= h_max,
    V is infinite if f has saturated there (a wall), else it goes on with slope h_max.  Raises `ValueError` for an f
    that falls somewhere and says where it turns.  The reason is older than convexity: d<phi>/dh = beta Var(phi) >= 0 at
    every temperature, so no energy V(phi) - h phi gives such an f.
    """
    given.function("activation", activation)
    turn = turning_point(activation, h_max=h_max)
    if turn is not None:
        raise ValueError(
            f"the activation turns at h = {turn:.4f} and falls on one side of it: two fields h give the same phi, "
            "so V' would need two values there and no potential exists; choose an activation that never falls."
        )
    edge = math.asinh(h_max)

    def potential(phi: Tensor) -> Tensor:
        low, high = torch.full_like(phi, -edge), torch.full_like(phi, edge)
        for _ in range(64):
            middle = (low + high) / 2
            below = activation(torch.sinh(middle)) < phi
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        h = torch.sinh((low + high) / 2)
        ends = torch.tensor([-h_max, -h_max / 2, h_max / 2, h_max], dtype=phi.dtype, device=phi.device)
        least, second, third, most = activation(ends).unbind()
        small = 1e-12 * (1 + most.abs() + least.abs())
        walled = ((phi < least) & (second - least < small)) | ((phi > most) & (most - third < small))
        return torch.where(walled, math.inf, h * phi - primitive(h, activation=activation))

    return potential


def turning_point(activation: Function, *, h_max: float = 1000.0) -> float | None:
    """Where an f that falls somewhere in |h| <= h_max turns; None for an f that never falls.

    A scan of 40001 points, dense near 0, finds the first fall; its end (or its beginning, if it never ends) is then
    bisected on the sign of f'.
    """
    given.function("activation", activation)
    edge = math.asinh(h_max)
    h = torch.sinh(torch.linspace(-edge, edge, 40001, dtype=torch.float64))
    f = activation(h)
    rises = f.diff()
    falls = (rises < -1e-13 * (1 + f[1:].abs())).nonzero().flatten()
    if not len(falls):
        return None
    start = int(falls[0])
    again = (rises[start:] > 0).nonzero().flatten()
    turn = start + int(again[0]) if len(again) else start
    sign = 1 if len(again) else -1  # of f' beyond the turning point
    low, high = h[max(turn - 1, 0)], h[min(turn + 1, len(h) - 1)]
    for _ in range(60):
        middle = (low + high) / 2
        beyond = sign * slope_of(activation, middle) > 0
        low, high = torch.where(beyond, low, middle), torch.where(beyond, middle, high)
    return float((low + high) / 2)


def sample(
    n: int, h: Tensor, *, pair: tuple[Function, Function], beta: float, steps: int = 200, rng: torch.Generator
) -> Tensor:
    """n independent neurons in each of the fields h, of weight exp(-beta [V(phi) - h phi]); shape (n, *h.shape).

    pair = (f, V), an entry of `PAIRS` or (f, conjugate(f)); f only names the start, the bottom f(h) of the bowl.
    Metropolis: every neuron is a chain of its own and only its last state is kept, so that draws are independent.  A
    proposal is phi + w Gaussian, and V = inf is never accepted.  Its width w is drawn anew each time, sqrt(beta) w
    log-uniform between 0.08 and 4: against a wall the bowl is far narrower than in the open.  `steps` must be many
    autocorrelation times; 200 are enough for the pairs above with |h| <= 3 and 1 <= beta <= 200.  Raises
    `ValueError` for beta <= 0.
    """
    given.positive("beta", beta, why="the weight exp(-beta E) needs a positive inverse temperature")
    given.whole("n", n, least=1, why="a batch holds at least one neuron")
    given.whole("steps", steps, least=1, why="a chain that does not move is its start")
    f, V = pair
    phi = f(h).expand(n, *h.shape).clone()
    energy = V(phi) - h * phi
    for _ in range(steps):
        dice = torch.rand((2, *phi.shape), generator=rng, device=rng.device, dtype=phi.dtype)
        kick = torch.randn(phi.shape, generator=rng, device=rng.device, dtype=phi.dtype)
        proposal = phi + 4 / math.sqrt(beta) * 50.0 ** -dice[0] * kick
        proposed = V(proposal) - h * proposal
        accept = dice[1] < torch.exp(-beta * (proposed - energy))
        phi, energy = torch.where(accept, proposal, phi), torch.where(accept, proposed, energy)
    return phi


def cool(
    n: int, h: Tensor, *, pair: tuple[Function, Function], powers: Sequence[int] = (0, 1, 2),
    betas: Sequence[float] = (24, 40, 80, 160), rng: torch.Generator,
) -> Fit:  # fmt: skip
    """<phi> in one field h (1,), n draws a temperature, fitted over T = 1/beta by the given powers of T, in order.

    The coefficient of power 0 is <phi> at zero temperature; when powers leave out 0, f(h) is subtracted first.  For
    tanh with (0, 1, 2) at h = 1/2 and sigmoid with (1, 2) at h = 1, the powers left out cost under a tenth of the error
    at n = 400 000 (for tanh at h = 1 half of it).
    """
    T = 1 / torch.tensor(betas, dtype=torch.float64)
    means = [mean(sample(n, h, pair=pair, beta=beta, rng=rng)) for beta in betas]
    rest = 0.0 if 0 in powers else pair[0](h).item()
    y = torch.tensor([m.value - rest for m in means], dtype=torch.float64)
    variance = torch.tensor([m.error**2 for m in means], dtype=torch.float64)
    return linear_fit(torch.stack([T**k for k in powers], dim=1), y, variance)


def _gauss(order: int, panels: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes and weights, (order * panels,) each, of composite Gauss-Legendre quadrature on [0, 1], typed as `like`."""
    x, w = np.polynomial.legendre.leggauss(order)
    nodes = ((np.arange(panels)[:, None] + (x + 1) / 2) / panels).ravel().tolist()
    weights = np.tile(w / (2 * panels), panels).tolist()
    both = torch.tensor([nodes, weights], dtype=like.dtype, device=like.device)
    return both[0], both[1]
