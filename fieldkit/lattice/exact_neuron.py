r"""What must a neuron and a regularised layer do, exactly?  The truths for `neuron` and `layers`.

One neuron of weight exp(-beta [V(phi) - h phi]) is integrated over its pre-activation x, phi = f(x), so that neither V
nor an inverse of f is needed:

    V(f(x)) = x f(x) - F(x),     <A> = int dx f'(x) A(f(x)) exp(-beta [(x - h) f(x) - F(x)]) / (the same with A = 1).

A layer that minimises lattice action minus <h, x> answers with the propagator 1 / (p^2 + m^2): `driven_length`.
Each function carries its derivation.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy import special
from torch import Tensor

from fieldkit import given

Function = Callable[[Tensor], Tensor]


def moments(h: Tensor, *, activation: Function, beta: float, reach: float = 60.0) -> tuple[Tensor, Tensor]:
    """Mean and variance of phi at inverse temperature beta in each field h (k,): two tensors (k,), float64 on the CPU.

    Quadrature over |x| <= reach with 3200 Gauss-Legendre nodes in arsinh x and a panel edge at 0, where ReLU has its
    kink; where the weight is narrower than some panels, or ends not before `reach`, over the part of the line that it
    fills: to about 1e-10 of mean and variance for beta up to 1e6 and activations that are smooth apart from 0.  Raises
    ValueError for beta or reach that is not positive and finite, fields that are not finite, and an activation that is
    flat everywhere.
    """
    given.function("activation", activation)
    h = _fields(h)
    given.positive("beta", beta, why="below 0 the weight exp(-beta V) grows without bound")
    given.positive("reach", reach, why="the integral has a length")
    end = math.asinh(reach)
    mean, variance, filled = _on_panels(h, (-end, end), activation, beta)
    for k, (low, high) in enumerate(filled):
        place = (-end, end)
        for _ in range(60):
            narrow = high - low < (place[1] - place[0]) / 8
            beyond = (low <= place[0] > -300) or (high >= place[1] < 300)
            if not (narrow or beyond):
                break
            grown = (place[1] - place[0]) / 4
            place = (low - grown if low <= place[0] else low, high + grown if high >= place[1] else high)
            mean[k : k + 1], variance[k : k + 1], [(low, high)] = _on_panels(h[k : k + 1], place, activation, beta)
    return mean, variance


def response(h: Tensor, *, activation: Function, beta: float) -> Tensor:
    """d<phi>/dh (k,) by a five-point difference of the exact mean: to about 1e-8, and no variance enters.  Raises as
    `moments`."""
    given.function("activation", activation)
    given.positive("beta", beta, why="below 0 the weight exp(-beta V) grows without bound")
    h, step = _fields(h), 1e-2 / math.sqrt(beta)
    a, b, c, d = (moments(h + k * step, activation=activation, beta=beta)[0] for k in (-2, -1, 1, 2))
    return (a - 8 * b + 8 * c - d) / (12 * step)


def relu_mean(h: float, beta: float) -> float:
    """<phi> of the ReLU neuron in closed form: a Gaussian of mean h and variance 1/beta, cut at 0.

    <phi> = h + N(a) / (Phi(a) sqrt(beta)) with a = sqrt(beta) h, N and Phi the unit Gaussian's density and
    distribution.  Far below 0 both vanish and h cancels: there from a + N/Phi = (1 - 2/a^2 + 10/a^4 - ...) / |a|, by
    dividing the asymptotic series of the Gaussian's tail.  Raises ValueError for beta that is not positive and finite.

    >>> relu_mean(0.0, 1.0), relu_mean(-50.0, 1.0)
    (0.7978845608..., 0.0199840...)
    """
    given.positive("beta", beta, why="below 0 the weight exp(-beta V) grows without bound")
    given.number("h", h, why="a neuron sits in a field")
    a = math.sqrt(beta) * h
    if a < -30:
        y = 1 / a / a
        return sum(c * y**k for k, c in enumerate((1, -2, 10, -74, 706, -8162))) / (-a * math.sqrt(beta))
    return h + math.sqrt(2 / math.pi) / float(special.erfcx(-a / math.sqrt(2))) / math.sqrt(beta)


def first_correction(h: float, *, activation: Function) -> float:
    r"""The coefficient c in <phi> = f(h) + c / beta + O(1/beta^2) at a place where f is smooth.

    Saddle point: phi = f(h) + y has the weight exp(-beta [V'' y^2 / 2 + V''' y^3 / 6 + ...]), so to first order
    <y> = -beta V''' <y^4> / 6 with <y^4> = 3 / (beta V'')^2, which is -V''' / (2 beta V''^2).  With V'' = 1 / f' and
    V''' = -f'' / f'^3 this is c = f'' / (2 f'), here by automatic differentiation.  Raises `ValueError` on a plateau.
    """
    given.number("h", h, why="a neuron sits in a field")
    given.function("activation", activation)
    x = torch.tensor(h, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(activation(x), x, create_graph=True)
        if slope <= 0:
            raise ValueError(f"f'({h}) = {slope.item()}: on a plateau the neuron leans on a wall, in no smooth bowl.")
        (curvature,) = torch.autograd.grad(slope, x)
    return (curvature / (2 * slope)).item()


def gelu_turn() -> float:
    """The field at which GELU, h Phi(h), turns: the root of Phi(h) + h N(h), by Newton's method from -0.75.

    Phi and N are the unit Gaussian's distribution and density; the slope of the left side is (2 - h^2) N(h).
    """
    h = -0.75
    for _ in range(8):
        density = math.exp(-h * h / 2) / math.sqrt(2 * math.pi)
        h -= (math.erfc(-h / math.sqrt(2)) / 2 + h * density) / ((2 - h * h) * density)
    return h


def driven_length(mass: float, side: int) -> float:
    """Second-moment length of h = G x for white x on a periodic lattice of the given side.

    The spectrum is 1 / (p^2 + m^2)^2, so xi = sqrt(S(0) / S(p1) - 1) / p1 = sqrt(2 / m^2 + p1^2 / m^4), with p1 =
    2 sin(pi / side): more than sqrt(2) / m.  Raises ValueError for mass <= 0 or side < 2.
    """
    given.positive("mass", mass, why="without a mass nothing bounds the length")
    given.whole("side", side, least=2, why="the second moment needs a non-zero momentum")
    p1 = 2 * math.sin(math.pi / side)
    return math.hypot(math.sqrt(2) / mass, p1 / mass / mass)


def window_covariance(height: int, width: int, *, mass2: float, eta: float = 0.0) -> Tensor:
    """(-Laplacian + mass2)^-(1 - eta/2) on the open window, scaled to mean diagonal 1: (height * width, the same).

    The Laplacian is written bond by bond and the power taken in its numerical eigenbasis: no cosine is assumed.
    Raises ValueError for a window without sites, mass2 <= 0 or eta that is not finite.
    """
    for name, side in (("height", height), ("width", width)):
        given.whole(name, side, least=1, why="a window holds at least one site")
    given.positive("mass2", mass2, why="a massless free field has no normalisable zero mode")
    if not math.isfinite(eta):
        raise ValueError(f"eta = {eta}: the power of the Laplacian is a number; 0 is the free field.")
    sites = torch.arange(height * width).reshape(height, width)
    laplacian = torch.zeros(height * width, height * width, dtype=torch.float64)
    for here, there in ((sites[:-1], sites[1:]), (sites[:, :-1], sites[:, 1:])):
        for a, b in zip(here.flatten().tolist(), there.flatten().tolist(), strict=True):
            laplacian[a, a] += 1
            laplacian[b, b] += 1
            laplacian[a, b] -= 1
            laplacian[b, a] -= 1
    values, modes = torch.linalg.eigh(laplacian)
    covariance = (modes * (values.clamp_min(0) + mass2) ** (eta / 2 - 1)) @ modes.T
    return covariance / covariance.diagonal().mean()


def _fields(h: object) -> Tensor:
    h = given.doubles(h).detach().cpu()
    if h.dim() != 1 or not bool(h.isfinite().all()):
        raise ValueError(f"h of shape {tuple(h.shape)}: expected finite fields (k,); one field is [h].")
    return h


def _on_panels(
    h: Tensor, place: tuple[float, float], activation: Function, beta: float
) -> tuple[Tensor, Tensor, list[tuple[float, float]]]:
    """Mean and variance (k,) from the part `place` of the line, in u = arsinh x, and the part that each weight fills:
    its panels with more than e^-40 of the peak, and one panel more on either side."""
    x, weight, edges = _line(*place)
    f, primitive, slope = _on_the_line(activation, x)
    if not bool((slope > 0).any()):
        raise ValueError("the activation rises nowhere: phi has only plateaus, and no law; choose one that rises.")
    exponent = -beta * ((x - h[:, None]) * f - primitive)
    exponent = exponent.where(slope > 0, -math.inf)  # a plateau has no width in phi
    density = weight * slope * torch.exp(exponent - exponent.max(1, keepdim=True).values)
    density = density / density.sum(1, keepdim=True)
    mean = (density * f).sum(1)
    filled = []
    for row in density.reshape(len(h), len(edges) - 1, -1).amax(2):
        there = (row > math.exp(-40) * row.max()).nonzero().flatten().tolist()
        filled.append((edges[max(there[0] - 1, 0)], edges[min(there[-1] + 2, len(edges) - 1)]))
    return mean, (density * (f - mean[:, None]) ** 2).sum(1), filled


def _line(low: float, high: float) -> tuple[Tensor, Tensor, list[float]]:
    """Nodes x and weights dx, 400 panels of 8 Gauss-Legendre nodes in arsinh x, one edge at 0; and the edges."""
    nodes, w = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(low, high, 401)
    if low < 0 < high:
        edges[np.abs(edges[1:-1]).argmin() + 1] = 0.0
    middle, half = (edges[1:] + edges[:-1])[:, None] / 2, (edges[1:] - edges[:-1])[:, None] / 2
    u, weights = (middle + half * nodes).ravel(), (half * w).ravel()
    return torch.tensor(np.sinh(u)), torch.tensor(weights * np.cosh(u)), edges.tolist()


def _on_the_line(activation: Function, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """f, F = int_0^x f and f' at the nodes."""
    with torch.enable_grad():
        leaf = x.clone().requires_grad_()
        f = activation(leaf)
        (slope,) = torch.autograd.grad(f.sum(), leaf)
    u, w = (torch.tensor(a) for a in np.polynomial.legendre.leggauss(64))
    reach = torch.asinh(x)[:, None]
    t = reach * (u + 1) / 2
    return f.detach(), (w / 2 * reach * activation(torch.sinh(t)) * torch.cosh(t)).sum(1), slope
