r"""Does a trained diffusion model remember its digits?  A small denoiser, its score, and clones made with any score.

A network is shown x_t = e^-t x + sqrt(1 - e^-2t) z and t, and learns z; its score is -z(x_t, t)/sqrt(1 - e^-2t).  The
score of the training pictures themselves, the empirical one, is exact and remembers everything.  Clones of x_t made
twice by the reverse process agree in kind until speciation and in the nearest training picture until collapse
(`speciation`).  float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from fieldkit import given

Score = Callable[[Tensor, float], Tensor]  # points (n, d), time -> (n, d)


class Denoiser(nn.Module):
    """Guesses the noise z (n, d) in x_t (n, d) at times (n,): two hidden layers with a skip, SiLU."""

    def __init__(self, d: int, hidden: int, *, rng: torch.Generator) -> None:
        super().__init__()
        sizes = ((d + 6, hidden), (hidden, hidden), (hidden, d))
        linear = [nn.utils.skip_init(nn.Linear, a, b, device=rng.device) for a, b in sizes]
        self.layers = nn.ModuleList(linear)
        with torch.no_grad():
            for layer in linear:
                size = 1 / math.sqrt(layer.in_features)
                layer.weight.copy_(size * torch.randn(layer.weight.shape, generator=rng, device=rng.device))
                layer.bias.zero_()

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        decay = torch.exp(-t)
        clock = torch.stack([t, decay, decay**2, (1 - decay**2).sqrt(), t.log(), 1 / (1 + t)], 1)
        first, second, last = self.layers
        h = nn.functional.silu(first(torch.cat([x, clock], 1)))
        return last(h + nn.functional.silu(second(h)))


def train(
    data: Tensor,
    *,
    rng: torch.Generator,
    hidden: int = 256,
    n_steps: int = 2500,
    step: float = 1e-3,
    batch: int = 256,
    earliest: float = 0.02,
    latest: float = 4.0,
) -> tuple[Denoiser, Tensor]:
    """A denoiser of data (n, d) and its losses (n_steps,); times are drawn evenly in their logarithm, and the last
    quarter of the steps is five times smaller.  Raises `ValueError` for other shapes or times that do not ascend."""
    x = given.numbers(data).float()
    if x.dim() != 2 or 0 in x.shape:
        raise ValueError(f"data {tuple(x.shape)}: expected (n, d).")
    given.positive("earliest", earliest, why="noise has been added for a time")
    given.positive("latest", latest, why="noise has been added for a time")
    given.positive("step", step, why="a training takes steps")
    for name, value in (("hidden", hidden), ("batch", batch)):
        given.whole(name, value, least=1, why="a network has units, and a step examples")
    if not bool(x.isfinite().all()):
        raise ValueError("the data hold values that are not finite; find where they come from.")
    if not earliest < latest:
        raise ValueError(f"times {earliest} to {latest}: choose 0 < earliest < latest.")
    given.whole("n_steps", n_steps, least=1, why="a training has steps")
    given.generator(rng)
    net = Denoiser(x.shape[1], hidden, rng=rng)
    adam = torch.optim.Adam(net.parameters(), step)
    losses = []
    for k in range(n_steps):
        if k == 3 * n_steps // 4:
            adam.param_groups[0]["lr"] = step / 5
        chosen = x[torch.randint(len(x), (batch,), generator=rng, device=rng.device)]
        luck = torch.rand(batch, generator=rng, device=rng.device)
        t = earliest * (latest / earliest) ** luck
        z = torch.randn(chosen.shape, generator=rng, device=rng.device)
        decay = torch.exp(-t)[:, None]
        loss = (net(decay * chosen + (1 - decay**2).sqrt() * z, t) - z).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.detach())
    return net, torch.stack(losses)


def learnt_score(net: Denoiser) -> Score:
    """The score of a trained denoiser, at t > 0."""

    def score(x: Tensor, t: float) -> Tensor:
        given.positive("t", t, why="noise has been added for a time")
        times = torch.full((len(x),), t, dtype=x.dtype, device=x.device)
        with torch.no_grad():
            return -net(x, times) / math.sqrt(-math.expm1(-2 * t))

    return score


def empirical_score(data: Tensor) -> Score:
    """The exact score of the training data (n, d) noised for t: a mixture of n Gaussians."""

    data = given.floats(data)
    if data.dim() != 2 or 0 in data.shape:
        raise ValueError(f"data {tuple(data.shape)}: expected (n, d).")
    far = _lies_far(data)

    def score(x: Tensor, t: float) -> Tensor:
        given.positive("t", t, why="noise has been added for a time")
        decay, noise = math.exp(-t), -math.expm1(-2 * t)
        weight = torch.softmax(-_distances(x, decay * data, far).square() / (2 * noise), 1)
        return (decay * weight @ data - x) / noise

    return score


def reverse(
    x: Tensor, t: float, score: Score, *, rng: torch.Generator, n_steps: int = 120, end: float = 0.02
) -> Tensor:
    """From x at time t back to `end` by Euler steps of the reverse process, times falling evenly in their logarithm."""
    given.whole("n_steps", n_steps, least=1, why="the reverse process takes steps")
    given.positive("t", t, why="noise has been added for a time")
    if not 0 < end < t:
        raise ValueError(f"t = {t}, end = {end}: the reverse process runs from a later time to an earlier one above 0.")
    times = [t * (end / t) ** (k / n_steps) for k in range(n_steps + 1)]
    for now, then in zip(times, times[1:]):
        h = now - then
        z = torch.randn(x.shape, generator=rng, device=rng.device, dtype=x.dtype)
        x = x + h * (x + 2 * score(x, now)) + math.sqrt(2 * h) * z
    return x


def clones(
    data: Tensor, n: int, t: float, score: Score, *, rng: torch.Generator, n_steps: int = 120
) -> tuple[Tensor, Tensor]:
    """Two clones (n, d) each of n pictures drawn from data (N, d) and noised for t; their noises are independent."""
    given.whole("n", n, least=1, why="originals")
    given.generator(rng)
    given.positive("t", t, why="noise has been added for a time")
    original = data[torch.randint(len(data), (n,), generator=rng, device=rng.device)]
    z = torch.randn(original.shape, generator=rng, device=rng.device, dtype=original.dtype)
    noised = math.exp(-t) * original + math.sqrt(-math.expm1(-2 * t)) * z
    first, second = (reverse(noised, t, score, rng=rng, n_steps=n_steps) for _ in range(2))
    return first, second


def nearest(points: Tensor, data: Tensor) -> Tensor:
    """Index (n,) of the data point (N, d) closest to each point (n, d).  Raises `ValueError` for other shapes."""
    if points.dim() != 2 or data.dim() != 2 or points.shape[1] != data.shape[1] or len(data) == 0:
        raise ValueError(f"points {tuple(points.shape)}, data {tuple(data.shape)}: expected (n, d) and (N, d).")
    return _distances(points, data, _lies_far(data)).argmin(1)


def _lies_far(data: Tensor) -> bool:
    """Whether the data (N, d) lie further from 0 than they are apart: squares would then lose the distances."""
    return bool(data.mean(0).norm() > 3 * (data - data.mean(0)).norm(dim=1).max())


def _distances(x: Tensor, data: Tensor, far: bool) -> Tensor:
    return torch.cdist(x, data, compute_mode="donot_use_mm_for_euclid_dist") if far else torch.cdist(x, data)


def alike(
    data: Tensor, kinds: Tensor, n: int, t: float, score: Score, *, rng: torch.Generator, n_steps: int = 120
) -> Tensor:
    """Whether two clones are nearest to the same picture of data (N, d), and whether their nearest pictures are of the
    same kind, kinds (N,) booleans: booleans (n, 2)."""
    a, b = (nearest(x, data) for x in clones(data, n, t, score, rng=rng, n_steps=n_steps))
    return torch.stack([a == b, kinds[a] == kinds[b]], 1)


def expected_alike(data: Tensor, kinds: Tensor, n: int, t: float, *, rng: torch.Generator) -> Tensor:
    """The same for the empirical score without its reverse process: (n, 2), whose means are exact for these data.

    The process with the empirical score draws a picture i with its weight w_i at x_t: two clones are the same picture
    with probability sum w_i^2, and of the same kind with p^2 + (1 - p)^2, p the weight of one kind.
    """
    given.whole("n", n, least=1, why="originals")
    given.generator(rng)
    given.positive("t", t, why="noise has been added for a time")
    chosen = data[torch.randint(len(data), (n,), generator=rng, device=rng.device)]
    z = torch.randn(chosen.shape, generator=rng, device=rng.device, dtype=data.dtype)
    decay, noise = math.exp(-t), -math.expm1(-2 * t)
    noised = decay * chosen + math.sqrt(noise) * z
    w = torch.softmax(-_distances(noised, decay * data, _lies_far(data)).square() / (2 * noise), 1)
    p = w @ kinds.to(w.dtype)
    return torch.stack([w.square().sum(1), p * p + (1 - p) ** 2], 1)
