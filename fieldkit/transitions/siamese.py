r"""Why do networks without negative pairs not collapse, and when do they?  A saddle-node in the weight decay.

A linear encoder W and a linear predictor P look at two views of white data, x + sqrt(v) noise each; the predictor's
output chases the encoder's view of the other, which is held fixed (stop-gradient):

    loss = E |P W x_1 - sg(W x_2)|^2 / 2,        both weights with decay eta.

With P = p 1 and W W^T = s 1, gradient flow makes p^2 - s die out as exp(-2 eta t), and on p^2 = s

    p' = p [ p (1 - (1 + v) p) - eta ]:

two fixed points p > 0 for eta < eta_c = 1/(4 (1 + v)), the lower one a barrier below which everything collapses to 0;
they meet at p = 1/(2 (1 + v)) and are gone beyond.  A first-order transition, with hysteresis.  Tian, Chen & Ganguli
2021 (2102.06810) for the mechanism; here for squared loss, which a cosine loss changes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given


def critical_decay(v: float) -> float:
    """eta_c = 1/(4 (1 + v)) for views of noise variance v."""
    return 1 / (4 * (1 + _variance(v)))


def fixed_points(eta: float, v: float) -> tuple[float, float]:
    """(stable p, barrier p) of the predictor for 0 < eta <= eta_c.  Raises `ValueError` beyond: only 0 is left."""
    given.positive("eta", eta, why="without decay nothing collapses and p^2 = s is not reached")
    root = 1 - 4 * eta * (1 + _variance(v))
    if root < 0:
        raise ValueError(f"eta = {eta}: beyond eta_c = {critical_decay(v):.6g} every start collapses; choose less.")
    stable = (1 + math.sqrt(root)) / (2 * (1 + v))
    return stable, eta / ((1 + v) * stable)  # the product of the roots is eta/(1 + v): no cancellation


def train(
    eta: float,
    v: float,
    *,
    start: float,
    dim: int,
    rng: torch.Generator,
    step: float = 0.05,
    n_steps: int = 3000,
    stop_gradient: bool = True,
    predictor: bool = True,
) -> tuple[float, float]:
    """Gradient descent with autograd on the population loss, from W = start * (a random rotation) and P = start * 1:
    mean singular values of P and W at the end, (p, sqrt s).

    stop_gradient, predictor: leave either away to see the collapse that it prevents (P stays 1 without a predictor).
    Raises `ValueError` for numbers that are not positive and `ArithmeticError` when the weights blow up.
    """
    for name, value in (("eta", eta), ("start", start), ("step", step)):
        given.positive(name, value, why="decay, start and step are sizes")
    given.whole("dim", dim, least=1, why="an encoder has outputs")
    given.whole("n_steps", n_steps, least=1, why="a training has steps")
    given.generator(rng)
    noise = 1 + _variance(v)
    one = torch.eye(dim, dtype=torch.float64, device=rng.device)
    turn = torch.linalg.qr(torch.randn(dim, dim, generator=rng, dtype=torch.float64, device=rng.device))[0]
    w = (start * turn).requires_grad_()
    p = (start * one).requires_grad_() if predictor else one
    moving = [w, p] if predictor else [w]
    for _ in range(n_steps):
        target = w.detach() if stop_gradient else w
        a = p @ w
        loss = (noise * a.square().sum() - 2 * (a * target).sum() + noise * target.square().sum()) / 2
        slopes = torch.autograd.grad(loss, moving)
        with torch.no_grad():
            for weight, slope in zip(moving, slopes):
                weight -= step * (slope + eta * weight)
    if not all(bool(weight.isfinite().all()) for weight in (p, w)):
        raise ArithmeticError(f"step = {step}: the weights blew up; take a smaller step.")
    sizes = [float(torch.linalg.svdvals(weight.detach()).mean()) for weight in (p, w)]
    return sizes[0], sizes[1]


def _variance(v: float) -> float:
    if not 0 <= v < math.inf:
        raise ValueError(f"v = {v}: the views' noise has a variance; choose v >= 0.")
    return v


def variance_and_rank(embeddings: Tensor) -> tuple[float, float]:
    """Total variance of embeddings (n, k) and their effective rank, the exponential of the entropy of the normalised
    spectrum of the covariance (Roy & Vetterli 2007).

    Read the variance first: a network that has collapsed has a large rank, that of its rounding errors.  Raises
    `ValueError` for fewer than two embeddings or values that are not finite.
    """
    z = given.numbers(embeddings).double()
    if z.dim() != 2 or len(z) < 2 or not bool(z.isfinite().all()):
        raise ValueError(f"embeddings {tuple(z.shape)}: expected (n, k) finite numbers, n at least 2.")
    spectrum = torch.linalg.svdvals(z - z.mean(0)).square() / (len(z) - 1)
    total = float(spectrum.sum())
    if total == 0:
        return 0.0, 0.0
    share = spectrum / total
    return total, float(torch.special.entr(share).sum().exp())
