r"""What does batch normalisation do to gradients?  It makes them explode, by a factor per layer that it cannot avoid.

    y_b = sqrt(B) (G h)_b / |G h|,   G = 1 - 11^T / B,   x = phi(y),   h = W x,   W_ij ~ N(0, 1 / N),
    rate = B / ((B - 1) (B - 3) (K_ii - K_ij)) E[ tr(G D G D) - u^T D G D u ],    D = diag phi'(y),  y = sqrt(B) u.

Derivation.  By symmetry the kernel of x over the batch has K_ii on and K_ij off the diagonal, so G h is a Gaussian of
variance K_ii - K_ij, isotropic in B - 1 dimensions: its direction u is uniform on the sphere and independent of its
length, E |G h|^-2 = 1 / ((B - 3) (K_ii - K_ij)).  The Jacobian of the norm is sqrt(B) (G - u u^T) / |G h|.  The
covariance of gradients over the batch is invariant under permutations and orthogonal to 1, hence a multiple of G: one
number grows, by the trace of its image over tr G = B - 1.  E 1 / chi^2 with B - 1 degrees of freedom diverges at B =
3.  At B = 2 the image is 0: two inputs become +1 and -1, whatever they were, and no gradient passes.

Sources: Yang, Pennington, Rao, Sohl-Dickstein and Schoenholz 2019; the finite-B forms are derived here and give their
(B - 2) / (B - 3) for linear networks and pi / (pi - 1) for ReLU at B -> infinity.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.linalg import eigh_tridiagonal
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import finite_width, gaussian
from fieldkit.propagation.gaussian import Function


def linear_growth(B: int) -> float:
    """(B - 2) / (B - 3): growth of the squared gradient per layer of a linear batch-normalised network."""
    return (_batch(B) - 2) / (B - 3)


def relu_growth(B: int) -> float:
    """Growth of the squared gradient per layer for ReLU, in closed form at any batch B > 3.

    ReLU is homogeneous, so averages of degree two over the sphere are Gaussian averages at correlation c = -1 / (B -
    1): K_ii = 1/2, K_ij = (sqrt(1 - c^2) + c (pi - acos c)) / 2 pi, and P(both positive) = 1/4 + asin(c) / 2 pi.
    """
    c = -1 / (_batch(B) - 1)
    K_ij = (math.sqrt(1 - c * c) + c * (math.pi - math.acos(c))) / (2 * math.pi)
    both = B * (B - 1) * (0.25 + math.asin(c) / (2 * math.pi))  # E of the number of ordered pairs of positive y
    # tr(G D G D) = n (1 - 1/B)^2 + (n^2 - n) / B^2 with n positive y, E n = B/2
    trace = B / 2 * (1 - 1 / B) ** 2 + both / B**2
    forward = 0.5 - (0.5 + (B - 1) * K_ij) / B
    return B * (trace - forward) / ((B - 1) * (B - 3) * (0.5 - K_ij))


def growth(activation: Function, derivative: Function, B: int, *, n: int = 256) -> float:
    """The same for any smooth activation: a two-dimensional average over the sphere, n angles and n / 4 radii.

    Two coordinates of a uniform point of the unit sphere in d = B - 1 dimensions have the density (1 - r^2)^((d - 4)
    / 2): Gauss-Jacobi points in 1 - r^2, equally spaced angles.  y_a and y_b are sqrt(B - 1) times two such
    projections at correlation -1 / (B - 1).  A kink leaves an error of order 1 / n^2; for ReLU use `relu_growth`.
    Raises `ValueError` as `large_batch_growth`.
    """
    given.function("activation", activation)
    given.function("derivative", derivative)
    given.whole("n", n, least=16, why="an average over the sphere needs angles and radii")
    d, rho = _batch(B) - 1, -1 / (B - 1)
    radius, weights = _radii(n // 4, d)
    r = torch.tensor(radius, dtype=torch.float64)[:, None]
    angle = 2 * math.pi / n * (torch.arange(n, dtype=torch.float64) + 0.5)
    weight = torch.tensor(weights / n, dtype=torch.float64)[:, None]
    a = math.sqrt(d) * r * angle.cos()
    b = math.sqrt(d) * r * (rho * angle.cos() + math.sqrt(1 - rho**2) * angle.sin())

    def over_sphere(values: Tensor) -> float:
        return (weight * values).sum().item()

    gap = over_sphere(activation(a).square() - activation(a) * activation(b))
    D_a, D_b = derivative(a), derivative(b)
    trace = B * (1 - 1 / B) ** 2 * over_sphere(D_a.square()) + (B - 1) / B * over_sphere(D_a * D_b)
    forward = (1 - 1 / B) * over_sphere((D_a * a).square()) - (B - 1) / B * over_sphere(D_a * a * D_b * b)
    slope_fits(activation, derivative)
    return B * (trace - forward) / ((B - 1) * (B - 3) * gap)


def large_batch_growth(activation: Function, derivative: Function, *, kinks: tuple[float, ...] = ()) -> float:
    """B -> infinity: E phi'(z)^2 / Var phi(z), z ~ N(0, 1); pi / (pi - 1) for ReLU.

    Never below 1, by Poincare's inequality Var phi <= E phi'^2: only a linear phi escapes.  Raises `ValueError` for a
    phi that is constant, and for a derivative too small to be that of phi: where phi jumps, gradients have no bound.
    """
    given.function("activation", activation)
    given.function("derivative", derivative)
    return slope_fits(activation, derivative, kinks=kinks)


def slope_fits(activation: Function, derivative: Function, *, kinks: tuple[float, ...] = ()) -> float:
    """E phi'(z)^2 / Var phi(z), z ~ N(0, 1), or the reason why the derivative cannot be that of phi."""
    given.function("activation", activation)
    given.function("derivative", derivative)
    one = torch.ones((), dtype=torch.float64)
    mean = gaussian.average(activation, one, kinks=kinks, n=32)
    spread = gaussian.average(lambda x: (activation(x) - mean).square(), one, kinks=kinks, n=32)
    if not gaussian.every(spread > 1e-28 * mean.square()):
        raise ValueError("phi is constant: nothing is left of it when its mean is taken; take a phi that varies.")
    ratio = (gaussian.average(lambda x: derivative(x).square(), one, kinks=kinks, n=32) / spread).item()
    if not ratio > 0.99:
        raise ValueError(
            f"E phi'^2 / Var phi = {ratio:.3g}, below Poincare's bound of 1: phi jumps, so that squared gradients have "
            "no bound, or `derivative` is not that of phi; pass the two functions that belong together."
        )
    return ratio


def sample(
    n: int, width: int, B: int, depth: int, *, activation: Function, derivative: Function, rng: torch.Generator
) -> Tensor:
    """Squared size of a random perturbation after centring over the batch, in each layer of n networks, (n, depth).

    tr J^T J of the whole net is shared by forward perturbations and backward gradients, so both grow at the same rate.
    No weights are stored: given the layer before, the pre-activations of the batch and their perturbations are
    independent Gaussians over the neurons (`finite_width.sample_layer`), and those are drawn.  From the second layer
    on the mean is a pure power: take the ratio of means.
    """
    given.function("activation", activation)
    given.function("derivative", derivative)
    _batch(B)
    given.whole("depth", depth, least=1, why="a network has layers")
    given.whole("width", width, least=1, why="a layer has at least one neuron")
    rows = gaussian.normal((n, 2 * B, width), rng)  # B signals, B perturbations
    out = []
    for _ in range(depth):
        h, v = finite_width.sample_layer(rows @ rows.mT / width, width, rng=rng).split(B, dim=1)
        h, v = h - h.mean(1, keepdim=True), v - v.mean(1, keepdim=True)
        out.append(v.square().mean((1, 2)))
        length = h.norm(dim=1, keepdim=True)
        u = h / length
        v = math.sqrt(B) / length * (v - u * (u * v).sum(1, keepdim=True))
        y = math.sqrt(B) * u
        rows = torch.cat([activation(y), derivative(y) * v], 1)
    return torch.stack(out, 1)


def _radii(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss points r and weights of the density (1 - r^2)^((d - 4) / 2) 2 r on (0, 1), at any d >= 3.

    Jacobi's three-term recurrence in d r^2, whose matrix has no near equals and no large numbers (Golub and Welsch
    1969); the weights of a table of Jacobi points overflow at d of some thousands.
    """
    k, b = np.arange(n, dtype=np.float64), (d - 4) / 2
    below = np.where(k == 0, 1, (2 * k + b) * (2 * k + b + 2))
    diagonal = d / 2 * np.where(k == 0, 2 / (b + 2), (4 * k * (k + b + 1) + 2 * b) / below)
    k = k[1:]
    above = np.where(k == 1, 4 * (1 + b) / ((2 + b) ** 2 * (3 + b)), 4 * k**2 * (k + b) ** 2 / (
        (2 * k + b) ** 2 * (2 * k + b + 1) * np.where(k == 1, 1, 2 * k + b - 1)
    ))  # fmt: skip
    points, vectors = eigh_tridiagonal(diagonal, -d / 2 * np.sqrt(above))
    return np.sqrt(points / d), vectors[0] ** 2


def _batch(B: int) -> int:
    given.whole("B", B, least=1, why="a batch has inputs")
    if B == 3:
        raise ValueError(
            "B = 3: the mean squared gradient is E 1 / chi^2 with 2 degrees of freedom, infinite: three inputs are "
            "often nearly equal, and dividing by their spread has no bounded mean.  Use B >= 4."
        )
    if B < 3:
        raise ValueError(
            f"B = {B}: two inputs become +1 and -1 whatever they were, and one becomes 0, so that every gradient is "
            "exactly 0 and has no rate of growth.  Use B >= 4."
        )
    return B
