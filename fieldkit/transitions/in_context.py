r"""When does attention learn to learn?  Linear attention on linear regressions, with exact clocks.

A prompt holds N pairs x_i ~ N(0, 1_D), y_i = w.x_i with a new w ~ N(0, 1_D) each time, and asks for w.q.  One head of
linear attention with merged key and query answers v b^T U q, b = (1/N) sum_i y_i x_i.  Its population loss is

    D/2 - v tr U + c v^2 |U|^2 / 2,        c = 1 + (D + 1)/N.

From a small aligned start U = u 1/sqrt D, u = v, the product s = u v obeys s' = 2 s (sqrt D - c s): a plateau, then one
logistic drop, to s = sqrt D/c and the floor D/2 (1 - 1/c) that finite prompts leave.  Zhang, Singh, Latham & Saxe 2025
(2501.16265) for the model; the clocks are derived here.  With k = kappa D tasks only, unlimited prompts of N = alpha D
pairs and D -> infinity the error on new tasks per dimension is

    1 - 2 <g> + (1 + 1/alpha) <g^2>,       g = r/(r + 1/alpha),     r from the Marchenko-Pastur law of ratio 1/kappa

(derived here; for the transition with task diversity Raventos et al. 2023, 2306.15063; Lu et al. 2024, 2405.11751).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from fieldkit import given


def spread(D: int, N: int) -> float:
    """c = 1 + (D + 1)/N, from E b b^T = c 1."""
    given.whole("D", D, least=1, why="inputs have a dimension")
    given.whole("N", N, least=1, why="a prompt has examples")
    return 1 + (D + 1) / N


def plateau_end(D: int, N: int) -> float:
    """s_inf = sqrt(D)/c, to which s grows."""
    return math.sqrt(D) / spread(D, N)


def floor(D: int, N: int) -> float:
    """The loss that is left: D/2 (1 - 1/c)."""
    return D / 2 * (1 - 1 / spread(D, N))


def half_time(D: int, N: int, *, start: float) -> float:
    """When s reaches half of s_inf under gradient flow, s(0) = start: ln(s_inf/start - 1)/(2 sqrt D)."""
    end = plateau_end(D, N)
    given.positive("start", start, why="s grows from a small value")
    if start >= end / 2:
        raise ValueError(f"start = {start}: s begins above half of s_inf = {end:.4g}; choose a smaller start.")
    return math.log(end / start - 1) / (2 * math.sqrt(D))


def recursion(D: int, N: int, *, start: float, step: float) -> Iterator[float]:
    """s after 0, 1, 2, ... steps of gradient descent on the population loss from u = v = sqrt(start)."""
    c = spread(D, N)
    given.positive("start", start, why="s grows from a small value")
    given.positive("step", step, why="gradient descent takes steps")
    u = v = math.sqrt(start)
    while True:
        yield u * v
        u, v = u + step * (math.sqrt(D) * v - c * v * v * u), v + step * (math.sqrt(D) * u - c * v * u * u)


def half_time_of_steps(D: int, N: int, *, start: float, step: float) -> float:
    """The same for steps of finite size: step times the number of steps, on the chord between two of them."""
    goal, last = plateau_end(D, N) / 2, 0.0
    half_time(D, N, start=start)  # refuses a start beyond half
    for i, s in enumerate(recursion(D, N, start=start, step=step)):
        if goal <= s < 3 * goal:
            return step * (i - 1 + (goal - last) / (s - last))
        if i > 10**7 or not s < goal:
            raise ArithmeticError(f"step = {step}: s does not reach half of s_inf; take a step between 1e-6 and 0.1.")
        last = s
    raise AssertionError("the recursion does not end")


def prompts(n: int, D: int, N: int, *, rng: torch.Generator, tasks: Tensor | None = None) -> tuple[Tensor, ...]:
    """b (n, D), queries q (n, D) and answers w.q (n,) of n prompts, float32; tasks (k, D): draw w from these."""
    given.whole("n", n, least=1, why="prompts")
    spread(D, N)
    given.generator(rng)
    x = torch.randn(n, N, D, generator=rng, device=rng.device)
    if tasks is None:
        w = torch.randn(n, D, generator=rng, device=rng.device)
    else:
        tasks = given.numbers(tasks).to(rng.device, torch.float32)
        if tasks.dim() != 2 or len(tasks) == 0 or tasks.shape[1] != D:
            raise ValueError(f"tasks {tuple(tasks.shape)}: expected (k, D) with D = {D}.")
        w = tasks[torch.randint(len(tasks), (n,), generator=rng, device=rng.device)]
    b = (x * (x @ w[:, :, None])).mean(1)
    q = torch.randn(n, D, generator=rng, device=rng.device)
    return b, q, (w * q).sum(1)


def train(
    D: int,
    N: int,
    *,
    rng: torch.Generator,
    start: float = 1e-3,
    step: float = 0.01,
    n_steps: int = 300,
    batch: int = 4000,
) -> tuple[Tensor, Tensor]:
    """Stochastic gradient descent from the small aligned start on prompts drawn anew: s (n_steps,) before each step and
    the losses (n_steps,) of its batch."""
    given.whole("n_steps", n_steps, least=1, why="a training has steps")
    given.whole("batch", batch, least=1, why="a batch holds prompts")
    given.positive("start", start, why="s grows from a small value")
    size = math.sqrt(start)
    u = (size / math.sqrt(D) * torch.eye(D, device=rng.device)).requires_grad_()
    v = torch.tensor(size, device=rng.device, requires_grad=True)
    path, losses = [], []
    for _ in range(n_steps):
        b, q, y = prompts(batch, D, N, rng=rng)
        loss = (v * ((b @ u) * q).sum(1) - y).square().mean() / 2
        slopes = torch.autograd.grad(loss, (u, v))
        path.append((v * u.diagonal().sum()).detach() / math.sqrt(D))
        losses.append(loss.detach())
        with torch.no_grad():
            u -= step * slopes[0]
            v -= step * slopes[1]
    return torch.stack(path).double(), torch.stack(losses).double()


def diversity_error(kappa: float, alpha: float) -> float:
    """Error on new tasks per dimension after learning kappa D tasks from prompts of alpha D pairs, D -> infinity.

    <1/(r + a)> is the Stieltjes transform h of the Marchenko-Pastur law, a y h^2 + (1 - y + a) h = 1 with y = 1/kappa,
    and <1/(r + a)^2> = -dh/da.  The error is <(1 - g)^2> + a <g^2>, a sum without cancellation.
    """
    given.positive("kappa", kappa, why="tasks a dimension")
    given.positive("alpha", alpha, why="pairs a dimension")
    y, a = 1 / kappa, 1 / alpha
    b = 1 - y + a
    root = math.hypot(b, 2 * math.sqrt(a * y))
    h = 2 / (b + root) if b > 0 else (root - b) / (2 * a * y)
    slope = (y * h * h + h) / root  # -dh/da
    g = 2 / (1 + y + a + root)  # y g^2 - (1 + y + a) g + 1 = 0, and <g^2> = <g> + a d<g>/da
    g2 = g / root * ((1 - y) ** 2 + 2 * a * (1 + y)) / (root + a)
    return a * a * slope + a * g2


def diversity_error_of(tasks: Tensor, N: int) -> float:
    """The same for given tasks (k, D) and prompts of N pairs at unlimited numbers of prompts, exact at every size: the
    best U is R ((1 + 1/N) R + tr R/N)^-1 with R = E w w^T over the tasks."""
    w = given.numbers(tasks).double()
    if w.dim() != 2 or 0 in w.shape:
        raise ValueError(f"tasks {tuple(w.shape)}: expected (k, D).")
    given.whole("N", N, least=1, why="a prompt has examples")
    if not bool(w.isfinite().all() and (w != 0).any()):
        raise ValueError(f"tasks {tuple(w.shape)}: finite numbers, not all 0; from no task nothing can be learnt.")
    k, D = w.shape
    r = torch.linalg.eigvalsh(w.T @ w / k).clamp_min(0)
    g = r / ((1 + 1 / N) * r + r.sum() / N)
    return float((1 - 2 * g + spread(D, N) * g * g).mean())
