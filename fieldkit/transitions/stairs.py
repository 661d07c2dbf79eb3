r"""Why does self-supervised learning climb stairs?  Linear encoders of pairs of views, exactly in time.

An encoder W (k, p) sees pairs x, x' of views with symmetrised cross-covariance Gamma = (E x x'^T + E x' x^T)/2 and
wants correlated, decorrelated outputs: the loss of Barlow Twins,

    loss = |W Gamma W^T - 1|_F^2,        dW/dt = -grad = -4 (W Gamma W^T - 1) W Gamma.

A row along an eigenvector of Gamma with eigenvalue gamma has lambda = gamma |w|^2, and lambda' = 8 gamma lambda
(1 - lambda): a logistic step.  From small random weights the steps come one after another: while W is small it grows as
W_0 exp(4 Gamma t), so that the part of a column which the columns before it have not used up decides when its step
comes.  That part is the diagonal of R in W_0 V = Q R, V the eigenvectors in descending order, and

    t_j = ln( 1/(gamma_j R_jj^2) - 1 ) / (8 gamma_j).

Source: Simon et al. 2023 (2303.15438) for the steps of an aligned start; the clock read off QR is derived here.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit import given


def eigenvalue(t: Tensor | float, gamma: Tensor | float, *, start: Tensor | float) -> Tensor:
    """lambda(t) of an aligned row that began at lambda = start = gamma |w_0|^2, 0 < start < 1; any shapes that
    broadcast."""
    t, gamma, start = (torch.as_tensor(v, dtype=torch.float64) for v in (t, gamma, start))
    if not bool(((start > 0) & (start < 1)).all()):
        raise ValueError("start is outside of 0 to 1: a row of length 0 never grows, one beyond 1 never climbs.")
    return torch.sigmoid(8 * gamma * t + torch.logit(start))


def step_times(weights: Tensor, cross: Tensor, *, steps: int | None = None, step: float = 0.0) -> Tensor:
    """Predicted times (..., steps) at which lambda_j passes 1/2, from small weights (..., k, p) at t = 0; cross = Gamma
    (p, p).

    steps: how many; as a rule min(k, number of positive gamma).  step: that of gradient descent, 0 for the flow: then
    the logistic is the recursion lambda -> lambda (1 + 4 step gamma (1 - lambda))^2.  Exact as weights -> 0; at weights
    of 1e-3 it is right to 3e-4.  Raises `ValueError` for other shapes, a cross-covariance that is not symmetric, or
    more steps than there are rows or positive eigenvalues.
    """
    w, g = _operands(weights, cross)
    values, vectors = torch.linalg.eigh(g)
    values, vectors = values.flip(0), vectors.flip(1)
    most = min(w.shape[-2], int((values > 1e-12 * values.abs().max()).sum()))
    steps = most if steps is None else steps
    given.whole("steps", steps, least=1, why="stairs have at least one step")
    if steps > most:
        raise ValueError(
            f"steps = {steps}: {w.shape[-2]} rows and their correlations have {most} steps; ask for so many."
        )
    used = torch.linalg.qr(w @ vectors)[1].diagonal(dim1=-2, dim2=-1)[..., :steps].square()
    gamma = values[:steps]
    if step == 0:
        if not bool((gamma * used < 1).all()):
            raise ValueError("the start is beyond 1 already, from where nothing climbs; begin with smaller weights.")
        return torch.log(1 / (gamma * used) - 1) / (8 * gamma)
    given.positive("step", step, why="gradient descent takes steps")
    return _recursion_times(gamma * used, gamma, step)


def average_step_times(cross: Tensor, *, size: float, rows: int, steps: int | None = None, step: float = 0.0) -> Tensor:
    """Mean times (steps,) over Gaussian starts: weights (rows, p) with independent entries of standard deviation size.

    R_jj^2/size^2 is then chi-squared with rows - j + 1 degrees of freedom, and the clock is linear in its logarithm,
    whose mean is ln 2 + digamma((rows - j + 1)/2).  Exact as size -> 0; step as in `step_times`, and raises as it.
    """
    given.positive("size", size, why="a start of 0 never grows")
    given.whole("rows", rows, least=1, why="an encoder has outputs")
    g = given.numbers(cross).double()
    if g.dim() != 2 or g.shape[0] != g.shape[1] or 0 in g.shape:
        raise ValueError(f"cross {tuple(g.shape)}: a cross-covariance is (p, p).")
    values, vectors = torch.linalg.eigh(g)
    left = (rows - torch.arange(min(rows, len(g)), dtype=torch.float64, device=g.device)) / 2
    typical = size * (math.log(2) + torch.special.digamma(left)).exp().sqrt()
    w = torch.zeros(rows, len(g), dtype=torch.float64, device=g.device)
    w[: len(typical)] = typical[:, None] * vectors.flip(1).T[: len(typical)]
    return step_times(w, g, steps=steps, step=step)


def _recursion_times(value: Tensor, gamma: Tensor, step: float) -> Tensor:
    """When the recursion of gradient descent from value < 1/2 passes 1/2, on the chord between two steps."""
    if not bool((value < 0.5).all()):
        raise ValueError("the start is beyond 1/2 already; begin with smaller weights.")
    times = torch.full_like(value, math.inf)
    n = 0
    while not bool(times.isfinite().all()):
        new = value * (1 + 4 * step * gamma * (1 - value)).square()
        passes = (value <= 0.5) & (new > 0.5)
        times = torch.where(passes, step * (n + (0.5 - value) / (new - value)), times)
        value, n = new, n + 1
    return times


def gradient(weights: Tensor, cross: Tensor) -> Tensor:
    """Gradient of the loss, (..., k, p)."""
    weights, cross = given.doubles(weights), given.doubles(cross)
    if weights.dim() < 2 or cross.shape != (weights.shape[-1], weights.shape[-1]):
        raise ValueError(
            f"weights {tuple(weights.shape)}, cross {tuple(cross.shape)}: expected (..., k, p) and (p, p)."
        )
    return 2 * _half_gradient(weights, cross, cross)


def flow(weights: Tensor, cross: Tensor, times: Tensor) -> Tensor:
    """Eigenvalues of W Gamma W^T, descending, (len(times), k), along the gradient flow from weights at t = 0; by an
    adaptive Runge-Kutta method of order 8 to a relative 1e-10.

    times ascend from 0 or later.  Raises as `step_times`.
    """
    from scipy.integrate import solve_ivp

    w, g = _operands(weights, cross)
    at = given.numbers(times).double()
    if at.dim() != 1 or len(at) == 0 or not bool((at >= 0).all() and (at.diff() > 0).all()):
        raise ValueError("times do not ascend from 0: sort them.")

    def slope(_: float, y: object) -> object:
        return -gradient(torch.as_tensor(y).reshape(w.shape), g).reshape(-1).numpy()

    done = solve_ivp(
        slope, (0.0, float(at[-1])), w.reshape(-1).numpy(), "DOP853", t_eval=at.numpy(), rtol=1e-10, atol=1e-14
    )
    path = torch.from_numpy(done.y.T.copy()).reshape(-1, *w.shape)
    return torch.linalg.eigvalsh(path @ g @ path.transpose(1, 2)).flip(1)


def train(
    weights: Tensor, pairs: Callable[[], tuple[Tensor, Tensor]], *, cross: Tensor, step: float, n_steps: int
) -> tuple[Tensor, Tensor]:
    """Stochastic gradient descent on views that `pairs()` draws anew for every step, x and x' (..., n, p): the times
    (n_steps + 1,) = step * number of steps, and the eigenvalues (n_steps + 1, ..., k) of W Gamma W^T with `cross` the
    Gamma by which progress is judged.  weights (..., k, p): many encoders at once, each with views of its own.

    The loss is quadratic in a mean over the batch, so its gradient on one batch is biased by 1/n, which delays the
    later steps.  The two factors therefore come from the two halves of the batch: no bias at any n.

    Raises as `step_times`, and `ArithmeticError` when the weights blow up: take a smaller step.
    """
    given.positive("step", step, why="gradient descent takes steps")
    given.whole("n_steps", n_steps, least=1, why="a training has steps")
    w, g = _operands(weights, cross)
    seen = [w @ g @ w.mT]
    for _ in range(n_steps):
        x, y = pairs()
        one, two = (_cross(x[..., i::2, :], y[..., i::2, :], w.dtype) for i in (0, 1))
        w = w - step * (_half_gradient(w, one, two) + _half_gradient(w, two, one))
        seen.append(w @ g @ w.mT)
    path = torch.stack(seen)
    if not bool(path.isfinite().all()):
        raise ArithmeticError(f"step = {step}: the weights blew up; take a smaller step.")
    return step * torch.arange(n_steps + 1, dtype=torch.float64), torch.linalg.eigvalsh(path).flip(-1)


def _cross(x: Tensor, y: Tensor, dtype: torch.dtype) -> Tensor:
    sampled = (x.mT @ y / x.shape[-2]).to(dtype)
    return (sampled + sampled.mT) / 2


def _half_gradient(weights: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Half of the gradient, its two factors from two cross-covariances."""
    rest = weights @ first @ weights.mT - torch.eye(weights.shape[-2], dtype=weights.dtype, device=weights.device)
    return 2 * rest @ weights @ second


def half_times(times: Tensor, eigenvalues: Tensor) -> Tensor:
    """When each column of eigenvalues (n, ...) first passes 1/2, on the chord between two times (n,), (...); inf where
    never."""
    times, eigenvalues = given.doubles(times), given.doubles(eigenvalues)
    if times.dim() != 1 or eigenvalues.dim() == 0 or len(eigenvalues) != len(times):
        raise ValueError(f"times {tuple(times.shape)}, eigenvalues {tuple(eigenvalues.shape)}: (n,) and (n, ...).")
    found = []
    for column in eigenvalues.reshape(len(times), -1).T:
        above = (column > 0.5).nonzero()
        if not len(above) or int(above[0]) == 0:
            found.append(math.inf if not len(above) else float(times[0]))
            continue
        i = int(above[0])
        part = (0.5 - column[i - 1]) / (column[i] - column[i - 1])
        found.append(float(times[i - 1] + part * (times[i] - times[i - 1])))
    return torch.tensor(found, dtype=torch.float64).reshape(eigenvalues.shape[1:])


def two_layer_half_time(strength: float, *, start: float) -> float:
    """When the product of two scalar weights, both begun at sqrt(start), has learnt half of `strength`, under the flow
    of (strength - product)^2 / 2: ln(strength/start - 1)/(2 strength) (Saxe, McClelland & Ganguli 2014)."""
    given.positive("strength", strength, why="a mode that is learnt has a strength")
    given.positive("start", start, why="a product of 0 never grows")
    if start > strength / 2:
        raise ValueError(f"start = {start}: it begins above half of strength = {strength}; choose a smaller start.")
    return math.log(strength / start - 1) / (2 * strength)


def _operands(weights: Tensor, cross: Tensor) -> tuple[Tensor, Tensor]:
    w, g = given.numbers(weights).double(), given.numbers(cross).double()
    if w.dim() < 2 or g.shape != (w.shape[-1], w.shape[-1]):
        raise ValueError(f"weights {tuple(w.shape)}, cross {tuple(g.shape)}: expected (..., k, p) and (p, p).")
    if not bool(torch.isclose(g, g.T, rtol=1e-9, atol=1e-12 * float(g.abs().max())).all()):
        raise ValueError("cross is not symmetric: take the mean of the cross-covariance and its transpose.")
    return w, g
