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
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from fieldkit import correlated, fits, given
from fieldkit.correlated import Curve
from fieldkit.estimates import Estimate, jackknife
from fieldkit.propagation import activations, fixed_points, gaussian, networks
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function


def circle(q: float, d: int, n_points: int, *, rng: torch.Generator) -> Tensor:
    """x, x', x'' (3, n_points, d) at equal steps round a circle of mean square q about zero in a random plane.

    x' = dx / dt for the angle t, so that |x'|^2 = d q: the metric of the circle is q.
    """
    given.positive("q", q, why="a circle has a radius, sqrt(q d)")
    given.whole("n_points", n_points, least=1, why="a curve is looked at in some points")
    one, two = networks.inputs(q * torch.eye(2, dtype=torch.float64), d, rng=rng)
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
    gaussian.variance("sw2", sw2)
    gaussian.variance("sb2", sb2)
    curve = given.doubles(curve)
    if curve.dim() != 3 or len(curve) != 3 or 0 in curve.shape:
        raise ValueError(f"shape {tuple(curve.shape)}: a curve is x, x', x'' in P points, (3, P, d).")
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
    given.whole("n", n, least=1, why="networks are drawn")
    given.generator(rng)
    given.whole("depth", depth, least=1, why="a network has at least one layer of weights")
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
    overlaps = given.numbers(overlaps)
    if overlaps.shape[-2:] != (3, 3):
        raise ValueError(f"shape {tuple(overlaps.shape)}: overlaps of h, h', h'' are (..., 3, 3), as of `propagate`.")
    gg, aa, ga = overlaps[..., 1, 1], overlaps[..., 2, 2], overlaps[..., 1, 2]
    return (gg * aa - ga.square()) / gg**3


def circles(
    depth: int,
    *,
    widths: Sequence[int],
    work: int,
    activation: Function | Activation,
    sw2: float,
    sb2: float,
    n_points: int = 12,
    rng: torch.Generator,
) -> dict[int, Tensor]:
    """Overlaps (n, depth + 1, 3, 3) of a circle at each width N, in n = 3/8 work / N networks (a cost like the one of
    `finite_width.deep_correlation`), through `depth` hidden layers; the first pre-activations have variance q*.
    """
    given.whole("depth", depth, least=0, why="it counts hidden layers")
    for N in widths:
        given.whole("width", N, least=2, why="a circle needs a plane")
        given.whole("work", work, least=8 * N, why=f"at width {N} there is a network or more")
    given.positive("sw2", sw2, why="the circle comes through the weights")
    q = fixed_points.length_fixed_point(sw2, sb2, activation=activation).item()
    found = {}
    for N in widths:
        x, n = circle((q - sb2) / sw2, N, n_points, rng=rng), 3 * work // (8 * N)
        found[N] = propagate(x, depth + 1, n=n, width=N, activation=activation, sw2=sw2, sb2=sb2, rng=rng)
    return found


def wide(f: Callable[[Tensor], Tensor], drawn: dict[int, Tensor]) -> Estimate:
    """f of the mean overlaps (depth + 1, 3, 3) at infinite width: the jackknife at each width of `circles`, then a
    straight line in 1/width."""
    return fits.finite_size(drawn, [jackknife(f, overlaps) for overlaps in drawn.values()]).estimate(0)


def edges(
    sb2: Tensor,
    sw2: Tensor,
    *,
    widths: Sequence[int],
    work: int,
    activation: Function | Activation,
    settle: int = 10,
    layers_more: int = 10,
    rng: torch.Generator,
) -> Curve:
    """Where the metric neither grows nor shrinks: sw2 for each sb2 (S,), measured, at infinite width, with covariance.

    sw2 (S,): a guess good to 15 %; networks are drawn from 0.85 to 1.15 times as much, work / 8 N of them at each width
    N, and all points see the same standard weights.  After `settle` layers the mean of g over networks is followed for
    `layers_more` layers; the rate of its growth is fitted by a parabola in ln sw2 and solved for zero.  One width is
    off by about 1 / N.  Raises `ValueError` for shapes that do not fit.
    """
    sb2, sw2 = given.doubles(sb2), given.doubles(sw2)
    if sb2.dim() != 1 or sb2.shape != sw2.shape:
        raise ValueError(f"shapes {tuple(sb2.shape)}, {tuple(sw2.shape)}: expected (S,) twice, a guess for each sb2.")
    sw2 = sw2[:, None] * torch.linspace(0.85, 1.15, 4, device=rng.device, dtype=torch.float64)
    weights = {"sw2": sw2.reshape(-1, 1), "sb2": sb2.repeat_interleave(4)[:, None]}
    found = []
    for N in widths:
        pair = networks.inputs(torch.eye(2), N, rng=rng)
        curve = torch.stack([pair[0], pair[1], torch.zeros_like(pair[0])])[:, None].expand(3, sw2.numel(), N)
        g = torch.empty(work // (8 * N), 2, *sw2.shape, device=rng.device, dtype=torch.float64)
        for network in g:
            drawn = layers(curve, settle + layers_more, width=N, activation=activation, rng=rng, **weights)
            speed = [h[1].square().mean(1).reshape(sw2.shape) for h in drawn]
            network[0], network[1] = speed[settle - 1], speed[-1]
        found.append(correlated.points(partial(_zeros, sw2.cpu().log()), g))
    return correlated.limit(widths, found)


def _zeros(x: Tensor, g: Tensor) -> Tensor:
    """exp of the zeros (S,) of the parabolas through ln(mean g after / mean g before) at x (S, k), from g (2, S, k)."""
    x, middle = x - x.mean(1, keepdim=True), x.mean(1)
    solve = torch.linalg.pinv(torch.stack([x**0, x, x.square()], 2))
    a, b, c = (solve @ (g[1] / g[0]).log()[:, :, None])[:, :, 0].T
    return (middle - 2 * a / (b + (b * b - 4 * a * c).sqrt())).exp()
