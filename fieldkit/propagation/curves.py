r"""What becomes of a circle of inputs?  Real random networks carry a curve h(t) with its exact derivatives h', h''.

    h^(l+1) = W phi(h) + b,    (h')^(l+1) = W phi'(h) h',    (h'')^(l+1) = W [phi''(h) h'^2 + phi'(h) h'']

so its length and its bending are measured without a finite difference.  With <.> the average over neurons the metric
is g = <h' h'>, how fast the curve is run through, and the curvature (inverse radius, Poole et al. 2016)

    N kappa^2 = (<h'h'> <h''h''> - <h'h''>^2) / <h'h'>^3 .

The mean over networks of g grows by chi_1 a layer: chi_1 is what a perturbation does to a network, measured.
Sources: Poole et al. 2016.  float64 on the device of rng.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate, jackknife
from fieldkit.propagation import activations, networks
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function


def circle(q: float, d: int, n_points: int, *, rng: torch.Generator) -> Tensor:
    """x, x', x'' (3, n_points, d) at equal steps round a circle of mean square q about zero in a random plane.

    x' = dx / dt for the angle t, so that |x'|^2 = d q: the metric of the circle is q.
    """
    given.positive("q", q, why="a circle has a radius, sqrt(q d)")
    given.whole("n_points", n_points, least=1, why="a curve is looked at in some points")
    one, two = networks.inputs(q * torch.eye(2), d, rng=rng)
    t = 2 * math.pi * torch.arange(n_points, device=rng.device, dtype=torch.float64)[:, None] / n_points
    x, slope = torch.cos(t) * one + torch.sin(t) * two, torch.cos(t) * two - torch.sin(t) * one
    return torch.stack([x, slope, -x])


def ray(q: float, d: int, *, rng: torch.Generator) -> Tensor:
    """x, x, 0 (3, 1, d): an input of mean square q that is stretched, x (1 + t) with its derivatives at t = 0.

    <h h'> is half the growth of the length <h h>, so it falls by chi_q a layer at the fixed point.
    """
    given.positive("q", q, why="silence cannot be stretched")
    x = networks.inputs(torch.full((1, 1), q, dtype=torch.float64), d, rng=rng)
    return torch.stack([x, x, torch.zeros_like(x)])


def layers(
    curve: Tensor,
    depth: int,
    *,
    width: int,
    activation: Function | Activation,
    sw2: Tensor | float,
    sb2: Tensor | float,
    rng: torch.Generator,
) -> Iterator[Tensor]:
    """(h, h', h'') (3, P, width), pre-activations of each layer of one drawn network, from `curve` (3, P, d).

    sw2, sb2: numbers, or (P, 1) for a point each: the same standard weights, scaled as each point wants them.
    The weights are drawn in float32 (see `networks.propagate`) and used in float64.  Raises `ValueError` for depth < 1
    or width < 1.
    """
    given.whole("depth", depth, least=1, why="a network has at least one layer of weights")
    given.whole("width", width, least=1, why="a layer has at least one neuron")
    phi = activations.of(activation)
    for layer in range(depth):
        if layer:
            h, v, a = curve
            slope = phi.derivative(h)
            curve = torch.stack([phi(h), slope * v, phi.second_derivative(h) * v.square() + slope * a])
        W = networks.draw((width, curve.shape[2]), torch.float32, rng)
        curve = (sw2 / curve.shape[2]) ** 0.5 * (curve @ W.T)
        curve[0] += sb2**0.5 * networks.draw((1, width), torch.float32, rng)
        yield curve


def propagate(
    curve: Tensor,
    depth: int,
    *,
    n: int,
    width: int,
    activation: Function | Activation,
    sw2: float,
    sb2: float,
    rng: torch.Generator,
) -> Tensor:
    """Overlaps of h, h', h'' of `curve` (3, P, d), averaged over its P points, in n networks: (n, depth, 3, 3).

    [..., 0, 0] is the length q, [..., 1, 1] the metric g.  Raises `ValueError` for depth < 1 or width < 1.
    """
    found = torch.empty(n, depth, 3, 3, device=rng.device, dtype=torch.float64)
    for overlaps in found:
        network = layers(curve, depth, width=width, activation=activation, sw2=sw2, sb2=sb2, rng=rng)
        for layer, h in enumerate(network):
            flat = h.reshape(3, -1)
            overlaps[layer] = flat @ flat.T / flat.shape[1]
    return found


def bending(overlaps: Tensor) -> Tensor:
    """N kappa^2 (...) from overlaps (..., 3, 3).

    Average the overlaps over networks first, as in `jackknife(bending, overlaps)`: the mean of the ratio is too large,
    by about 3 % at width 1000, because g fluctuates.
    """
    gg, aa, ga = overlaps[..., 1, 1], overlaps[..., 2, 2], overlaps[..., 1, 2]
    return (gg * aa - ga.square()) / gg**3


def edges(
    sb2: Tensor,
    sw2: Tensor,
    *,
    n: int,
    width: int,
    activation: Function | Activation,
    settle: int = 10,
    layers_more: int = 10,
    rng: torch.Generator,
) -> list[Estimate]:
    """Where the metric neither grows nor shrinks, ln sw2 for each sb2 (S,), measured in n drawn networks.

    sw2 (S, k): k >= 3 values that bracket the edge.  After `settle` layers the mean of g over networks is followed for
    `layers_more` layers; the rate of its growth is fitted by a parabola in ln sw2 and solved for zero.  All points see
    the same standard weights.  Raises `ValueError` for k < 3 or a shape that does not fit.
    """
    if sw2.dim() != 2 or len(sw2) != len(sb2) or sw2.shape[1] < 3:
        raise ValueError(f"shape {tuple(sw2.shape)} of sw2: expected ({len(sb2)}, k), k >= 3 values for each sb2.")
    k = sw2.shape[1]
    pair, last = networks.inputs(torch.eye(2), width, rng=rng), settle + layers_more
    curve = torch.stack([pair[0], pair[1], torch.zeros_like(pair[0])])[:, None].expand(3, sw2.numel(), width)
    weights = {"sw2": sw2.reshape(-1, 1), "sb2": sb2.repeat_interleave(k)[:, None]}
    g = torch.empty(n, 2, *sw2.shape, device=rng.device, dtype=torch.float64)
    for network in g:
        for layer, h in enumerate(layers(curve, last, width=width, activation=activation, rng=rng, **weights), 1):
            if layer in (settle, last):
                network[layer // last] = h[1].square().mean(1).reshape(sw2.shape)
    return [_zero(sw2[i].cpu().log(), g[:, :, i]) for i in range(len(sw2))]


def _zero(x: Tensor, g: Tensor) -> Estimate:
    """The zero of the parabola through ln(mean g after / mean g before) at x (k,), from g (n, 2, k)."""
    solve = torch.linalg.pinv(torch.stack([x**0, x - x.mean(), (x - x.mean()).square()], 1))

    def zero(g: Tensor) -> Tensor:
        a, b, c = solve @ (g[1] / g[0]).log()
        return x.mean() - 2 * a / (b + (b * b - 4 * a * c).sqrt())

    return jackknife(zero, g)
