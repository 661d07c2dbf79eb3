r"""Why do networks without negative pairs not collapse, and when do they?  A saddle-node in the weight decay.

A linear encoder W and a linear predictor P look at two views of white data, x + sqrt(v) noise each; the predictor's
output chases the encoder's view of the other, which is held fixed (stop-gradient):

    loss = E |P W x_1 - sg(W x_2)|^2 / 2,        both weights with decay eta.

With P = p 1 and W W^T = s 1, gradient flow makes p^2 - s die out as exp(-2 eta t), and on p^2 = s

    p' = p [ p (1 - (1 + v) p) - eta ]:

two fixed points p > 0 for eta < eta_c = 1/(4 (1 + v)), the lower one a barrier below which everything collapses to 0;
they meet at p = 1/(2 (1 + v)) and are gone beyond.  Real views are whitened, E x x^T = 1; the eigenvalues rho of what
is left of their cross-covariance are correlations, and each direction lives or falls for itself:

    p (rho - p) = eta,        up to eta_c = rho^2/4.

A first-order transition, with hysteresis.  Tian, Chen & Ganguli 2021 (2102.06810) for the mechanism; here for squared
loss, which a cosine loss changes.
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


def whitened(second: Tensor, cross: Tensor) -> Tensor:
    """C^(-1/2) Gamma C^(-1/2), (p, p), from the second moment C of one view and the cross-covariance Gamma of two: what
    two views share when each is made white.  Raises `ValueError` when C is not positive."""
    c, gamma = given.doubles(second), given.doubles(cross)
    if not bool(c.isfinite().all() and gamma.isfinite().all()):
        raise ValueError("a moment is not finite: find where it comes from.")
    if c.dim() != 2 or c.shape[0] != c.shape[1] or gamma.shape != c.shape:
        raise ValueError(f"second {tuple(c.shape)}, cross {tuple(gamma.shape)}: expected (p, p) twice.")
    if not bool(torch.isclose(c, c.T, rtol=1e-6, atol=1e-9 * float(c.abs().max())).all()):
        raise ValueError("second is not symmetric: a second moment E x x^T is; check what it was computed from.")
    values, vectors = torch.linalg.eigh(c)
    if not float(values[0]) > 0:
        raise ValueError(f"second has an eigenvalue {float(values[0]):.3g}: views need noise in every direction.")
    root = vectors / values.sqrt() @ vectors.T
    both = root @ gamma @ root
    return (both + both.T) / 2


def living(eta: Tensor | float, rho: Tensor | float) -> Tensor:
    """The stable p = (rho + sqrt(rho^2 - 4 eta))/2 >= 0 of a direction whose views have correlation rho; 0 beyond
    rho^2/4, and for rho < 0.  Any shapes that broadcast; raises `ValueError` for eta < 0."""
    eta, rho = given.doubles(eta), given.doubles(rho)
    if not bool((eta >= 0).all()):
        raise ValueError("eta is below 0, or not a number: a weight decay is not negative; choose 0 or more.")
    left = rho.square() - 4 * eta
    return torch.where((left < 0) | (rho < 0), 0.0, (rho + left.clamp_min(0).sqrt()) / 2)


def sweep(
    cross: Tensor,
    decays: Tensor,
    *,
    outputs: int,
    rng: torch.Generator,
    start: Tensor | float = 0.7,
    step: float = 0.5,
    n_steps: int = 2000,
    stop_gradient: bool = True,
    predictor: bool = True,
) -> tuple[Tensor, Tensor]:
    """K encoders by gradient descent at one decay after another, each from where the last one ended: moduli of the
    predictor's eigenvalues and singular values of W, (len(decays), K, outputs) each, descending.

    cross: (K, p, p), of white views (`whitened`).  decays: (n,) or (n, K).  start: of W = start * (random orthonormal
    rows) and P = start * 1, a number or (K,).  The loss is that of the module, with its mean over views taken exactly.
    stop_gradient, predictor: as in `train`.  Raises `ValueError` for shapes that do not fit and `ArithmeticError` when
    the weights blow up.
    """
    g = given.numbers(cross).double()
    at = given.numbers(decays).double()
    given.whole("outputs", outputs, least=1, why="an encoder has outputs")
    given.whole("n_steps", n_steps, least=0, why="a training has steps")
    given.generator(rng)
    if at.dim() == 0 or at.shape[0] == 0 or not bool(((at >= 0) & at.isfinite()).all()):
        raise ValueError(f"decays {tuple(at.shape)}: one or more, (n,) or (n, K), each 0 or larger.")
    if g.dim() != 3 or g.shape[1] != g.shape[2] or outputs > g.shape[1] or at.shape[1:] not in ((), (len(g),)):
        raise ValueError(
            f"cross {tuple(g.shape)}, decays {tuple(at.shape)}, {outputs} outputs: expected (K, p, p), (n,) or (n, K), "
            "and at most p outputs."
        )
    given.positive("step", step, why="gradient descent takes steps")
    K, p, _ = g.shape
    size = given.doubles(start).to(g.device)
    if size.shape not in ((), (K,)) or not bool(((size > 0) & size.isfinite()).all()):
        raise ValueError(f"start {size.tolist()}: a size above 0, a number or one for each of {K} encoders.")
    size = size.expand(K)[:, None, None]
    rows = torch.linalg.qr(torch.randn(K, p, outputs, generator=rng, dtype=torch.float64, device=rng.device))[0].mT
    one = torch.eye(outputs, dtype=torch.float64, device=g.device).expand(K, -1, -1)
    W, P = size * rows.to(g.device), size * one if predictor else one
    found = []
    for eta in at.reshape(len(at), -1, 1, 1):
        for _ in range(n_steps):
            off = P @ W - W @ g  # mean of (prediction - target) x^T
            slope_w = P.mT @ off
            if not stop_gradient:
                slope_w = slope_w + W - P @ W @ g
            slope_p = off @ W.mT
            W = W - step * (slope_w + eta * W)
            P = P - step * (slope_p + eta * P) if predictor else P
        found.append((torch.linalg.eigvals(P).abs().sort(-1, descending=True)[0], torch.linalg.svdvals(W)))
    if not bool(W.isfinite().all() and P.isfinite().all()):
        raise ArithmeticError(f"step = {step}: the weights blew up; take a smaller step.")
    return torch.stack([a for a, _ in found]), torch.stack([b for _, b in found])


def _variance(v: float) -> float:
    given.not_negative("v", v, why="the views' noise has a variance")
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
    values = torch.linalg.svdvals(z - z.mean(0))
    unit = given.unit(values)  # squares of what is very large or small are no numbers
    spectrum = (values / unit).square()
    total = float(spectrum.sum())
    if total == 0:
        return 0.0, 0.0
    share = spectrum / total
    return total / (len(z) - 1) * unit * unit, float(torch.special.entr(share).sum().exp())
