r"""How many pairs before self-supervision sees anything?  A threshold in the strength of what two views share.

    x = sqrt(l) z u + e,      x' = sqrt(l) z u + e',      z ~ N(0, 1),  e, e' ~ N(0, 1_p),      n pairs, g = p/n.

A linear encoder with one output takes the top eigenvector of the symmetrised cross-covariance
M = (X^T X' + X'^T X)/2n.  With x_+- = (x +- x')/sqrt 2, M = (S_+ - S_-)/2: a spiked sample covariance minus an
independent white one.  The resolvent of the difference of two Marchenko-Pastur laws gives, with y in (0, 1) the
companion transform at the outlier,

    outlier   y/(1 - y^2) + g/(2 y),       y = g/(2 l + g),
    threshold l_c = g (1 - y_c)/(2 y_c),   2 y_c^2 (1 + y_c^2) = g (1 - y_c^2)^2,
    overlap^2 = (1 - y) (1 - (2 y^2/g) (1 + y^2)/(1 - y^2)^2)     above it, 0 below.

Derived here (`book`: How many pairs before self-supervision sees anything?), as are the pooled ones and what a loud
nuisance does; the threshold of the mean of two views is that of Baik, Ben Arous & Peche 2005 for a spiked covariance.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from fieldkit import given


def y_critical(g: float) -> float:
    """The root y_c in (0, 1): y_c^2 = (sqrt(1 + 4 g) - 1 - g)/(2 - g), written without its 0/0 at g = 2."""
    given.positive("g", g, why="dimensions over pairs")
    # (sqrt(1 + 4 g) - 1 - g)(sqrt(1 + 4 g) + 1 + g) = g (2 - g)
    return math.sqrt(g / (math.sqrt(1 + 4 * g) + 1 + g))


def threshold(g: float) -> float:
    """Strength l_c below which the top eigenvector of M knows nothing of u, as p and n -> infinity at p/n = g."""
    y = y_critical(g)
    return g / (2 * y) * _rest(g) / (1 + y)


def _rest(g: float) -> float:
    """1 - y_c^2 = (sqrt(1 + 4 g) + 1)/(sqrt(1 + 4 g) + 1 + g), without cancellation at large g."""
    root = math.sqrt(1 + 4 * g)
    return (root + 1) / (root + 1 + g)


def overlap(l: float, g: float) -> float:
    """Limit of (u . top eigenvector of M)^2."""
    if _strength(l) <= threshold(g):
        return 0.0
    y, short = g / (2 * l + g), 2 * l / (2 * l + g)  # and 1 - y
    return short * (1 - 2 * y * y / g * (1 + y * y) / (short * (1 + y)) ** 2)


def edge(g: float) -> float:
    """Upper edge of the spectrum of M without a signal."""
    y = y_critical(g)
    return y / _rest(g) + g / (2 * y)


def top(l: float, g: float) -> float:
    """Limit of the top eigenvalue of M: the outlier above the threshold, the edge below."""
    if _strength(l) <= threshold(g):
        return edge(g)
    y, short = g / (2 * l + g), 2 * l / (2 * l + g)
    return y / (short * (1 + y)) + l + g / 2


def pooled_threshold(g: float) -> float:
    """The same for principal components of all 2 n views, as if nobody knew which belong together: sqrt(g/2)."""
    given.positive("g", g, why="dimensions over pairs")
    return math.sqrt(g / 2)


def pooled_overlap(l: float, g: float) -> float:
    """Limit of the overlap^2 of the top principal component of all 2 n views:
    (1 - y) (1 - (2 y^2/g)/(1 - y)^2), y = g/(2 l + g), above `pooled_threshold`."""
    if _strength(l) <= pooled_threshold(g):
        return 0.0
    y, short = g / (2 * l + g), 2 * l / (2 * l + g)
    return short * (1 - 2 * y * y / g / short**2)


def mean_threshold(g: float) -> float:
    """The same for principal components of the means of the two views, whose noise is halved: sqrt(g)/2.  The best
    of the three where the noise is white, and blind where it is not."""
    given.positive("g", g, why="dimensions over pairs")
    return math.sqrt(g) / 2


def mean_overlap(l: float, g: float) -> float:
    """Limit of the overlap^2 of the top principal component of the n means of two views: the spiked covariance of
    strength 2 l in units of its noise, (1 - g/(2 l)^2)/(1 + g/(2 l)) (Paul 2007)."""
    if _strength(l) <= mean_threshold(g):
        return 0.0
    return (1 - g / (2 * l) ** 2) / (1 + g / (2 * l))


def density(x: Tensor, g: float) -> Tensor:
    """Density of the eigenvalues of M at x (k,) without a signal: 2 |Im y|/(pi g) with the complex root y of
    x = y/(1 - y^2) + g/(2 y).  It integrates to 1 for g < 2; for more dimensions than views the rest sits at 0."""
    given.positive("g", g, why="dimensions over pairs")
    at = given.numbers(x).double()
    if at.dim() != 1 or not bool(at.isfinite().all()):
        raise ValueError(f"x {tuple(at.shape)}: places on the axis of eigenvalues are (k,) finite numbers.")
    roots = [np.roots([2 * m, 2 - g, -2 * m, g]) for m in at.tolist()]
    return torch.tensor([2 * np.abs(r.imag).max() / (math.pi * g) for r in roots], dtype=torch.float64)


def nuisance_top(v: float, g: float) -> float:
    """Limit of the outlier of M along an axis whose noise has variance v and is not shared: v y/(1 - y^2) with
    y^2 = g/(g + 2 (v - 1)) once that is below y_c^2, else the edge.  Where it passes `top` the encoder is blind."""
    given.positive("v", v, why="a variance")
    given.positive("g", g, why="dimensions over pairs")
    y2 = g / (g + 2 * max(0.0, v - 1))
    return v * math.sqrt(y2) / (1 - y2) if y2 < y_critical(g) ** 2 else edge(g)


def nuisance_overlap(v: float, g: float) -> float:
    """Limit of the squared component of that outlier's eigenvector on its axis, 0 without an outlier:
    1/(1 + v f/(g/(2 y^2) - f)) with f = (1 + y^2)/(1 - y^2)^2."""
    given.positive("v", v, why="a variance")
    given.positive("g", g, why="dimensions over pairs")
    y2 = g / (g + 2 * max(0.0, v - 1))
    if y2 >= y_critical(g) ** 2:
        return 0.0
    f = (1 + y2) / (1 - y2) ** 2
    return 1 / (1 + v * f / (g / (2 * y2) - f))


def pairs_needed(l: float, p: int, *, overlap_wanted: float = 0.0) -> float:
    """How many pairs n a signal of strength l in p dimensions needs before the overlap^2 passes `overlap_wanted`, in
    the limit: p/g with g the root.  Raises `ValueError` for an overlap outside of [0, 1)."""
    from scipy.optimize import brentq

    given.positive("l", l, why="without a signal no number of pairs is enough")
    given.whole("p", p, least=1, why="dimensions")
    given.within("overlap_wanted", overlap_wanted, 0, 1, why="a squared cosine that can be reached", ends="[)")

    def short(log_g: float) -> float:
        g = math.exp(log_g)
        return threshold(g) - l if overlap_wanted == 0 else overlap_wanted - overlap(l, g)

    lowest = 2 * math.log(min(l, 1.0)) + math.log1p(-overlap_wanted) - 20
    return p / math.exp(brentq(short, min(-40.0, lowest), 2 * math.log1p(l) + 20, xtol=1e-13))


def draw(
    n: int,
    p: int,
    l: float,
    *,
    rng: torch.Generator,
    nuisance: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """n pairs of views (n, p), (n, p) in float64 with u the first axis.  nuisance: variance of the noise along the
    second axis, which the two views do not share."""
    given.whole("n", n, least=1, why="pairs")
    given.whole("p", p, least=2, why="a signal and a nuisance have an axis each")
    given.positive("nuisance", nuisance, why="a variance")
    given.generator(rng)
    shared = math.sqrt(_strength(l)) * torch.randn(n, generator=rng, dtype=torch.float64, device=rng.device)
    views = []
    for _ in range(2):
        x = torch.randn(n, p, generator=rng, dtype=torch.float64, device=rng.device)
        x[:, 1] *= math.sqrt(nuisance)
        x[:, 0] += shared
        views.append(x)
    return views[0], views[1]


def cross_covariance(x: Tensor, y: Tensor) -> Tensor:
    """M = (X^T X' + X'^T X)/2n of views (n, p): (p, p)."""
    x, y = _views(x, y)
    m = x.T @ y / len(x)
    return (m + m.T) / 2


def pooled_covariance(x: Tensor, y: Tensor) -> Tensor:
    """(X^T X + X'^T X')/2n of views (n, p): (p, p)."""
    x, y = _views(x, y)
    return (x.T @ x + y.T @ y) / (2 * len(x))


def top_vector(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Largest eigenvalue and its eigenvector (p,) of a symmetric matrix (p, p), in its type; by Lanczos where p is
    large.  Raises `ValueError` for another shape, numbers that are not finite and a matrix that is not symmetric."""
    matrix = given.floats(matrix)
    if matrix.dim() != 2 or matrix.shape[0] != matrix.shape[1] or 0 in matrix.shape:
        raise ValueError(f"matrix {tuple(matrix.shape)}: expected (p, p), symmetric.")
    p, size = len(matrix), matrix.abs().max()
    if not bool(size.isfinite()) or bool((matrix - matrix.mT).abs().max() > 1e-5 * size):
        raise ValueError("the matrix is not finite, or not symmetric: take the mean of it and its transpose.")
    if p <= 64 or matrix.device.type != "cpu":
        values, vectors = torch.linalg.eigh(matrix)
        return values[-1], vectors[:, -1]
    from scipy.sparse.linalg import ArpackError, eigsh

    start = matrix.abs().sum(0).numpy()
    try:
        values, vectors = eigsh(matrix.numpy(), k=1, which="LA", v0=start, tol=1e-10)
    except ArpackError:  # the start is an eigenvector itself, as of a multiple of the identity
        all_values, all_vectors = torch.linalg.eigh(matrix)
        return all_values[-1], all_vectors[:, -1]
    return torch.tensor(values[0], dtype=matrix.dtype), torch.from_numpy(vectors[:, 0]).to(matrix.dtype)


def train(matrices: Tensor, *, rng: torch.Generator, step: float, n_steps: int = 450, start: float = 1e-30) -> Tensor:
    """Weights (K, p) of K linear encoders with one output after gradient descent on (1 - w^T M w)^2, the loss of
    Barlow twins (`stairs`), from Gaussian weights of size `start`; matrices (K, p, p) their M.

    Descent stops turning when w^T M w = 1: only from a tiny start has w turned to the top eigenvector by then.  step
    times the top eigenvalue is below 1/4 where it is stable.  Raises `ArithmeticError` when the weights blow up.
    """
    given.positive("step", step, why="gradient descent takes steps")
    given.positive("start", start, why="weights of 0 never grow")
    given.whole("n_steps", n_steps, least=1, why="a training has steps")
    m = given.numbers(matrices).double()
    if m.dim() != 3 or m.shape[1] != m.shape[2]:
        raise ValueError(f"matrices {tuple(m.shape)}: expected (K, p, p), one for each encoder.")
    w = start * torch.randn(m.shape[:2], generator=rng, dtype=torch.float64, device=rng.device)
    for _ in range(n_steps):
        mw = (m @ w[:, :, None])[:, :, 0]
        w = w + 4 * step * (1 - (w * mw).sum(1, keepdim=True)) * mw
    if not bool(w.isfinite().all()):
        raise ArithmeticError(f"step = {step}: the weights blew up; take a smaller step.")
    return w


def cell(point: tuple[float, float], rng: torch.Generator, *, p: int, count: int) -> dict[str, Tensor]:
    """One cell of the plane of g and l, point = (g, l), a work for `chunks.sweep`: `count` encoders in p dimensions,
    each trained on round(p/g) pairs of its own: {"overlap": (count,)}, the squared cosine of w and u."""
    g, strength = point
    given.positive("g", g, why="dimensions over pairs")
    drawn = [draw(max(1, round(p / g)), p, strength, rng=rng) for _ in range(count)]
    w = train(torch.stack([cross_covariance(*views) for views in drawn]), rng=rng, step=0.08 / top(strength, g))
    return {"overlap": w[:, 0] ** 2 / w.square().sum(1)}


def _views(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    x, y = given.numbers(x), given.numbers(y)
    if x.dim() != 2 or x.shape != y.shape or len(x) == 0:
        raise ValueError(f"views {tuple(x.shape)}, {tuple(y.shape)}: expected (n, p) twice, row by row a pair.")
    return x, y


def _strength(l: float) -> float:
    given.not_negative("l", l, why="the variance that the views share")
    return l
