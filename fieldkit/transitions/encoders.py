r"""What does a self-supervised encoder know, and from how much?  Encoders of digits, really trained, many at once.

Two views of a picture are shifted by up to one pixel and made noisy; an encoder relu(x W_1) W_2 is trained so that its
embeddings of the two agree without all becoming equal:

- `vicreg`: |a - b|^2, a hinge that keeps each standard deviation above 1, and covariances towards 0 (Bardes, Ponce &
  LeCun 2022);
- `barlow`: the cross-correlation of a and b towards 1 (Zbontar et al. 2021);
- `siamese`: a linear predictor chases the other view, held fixed or not (Chen & He 2021): see `siamese` for when it
  collapses.

How much it knows is read off by a linear probe, ridge regression on its embeddings with labels it never saw, and by the
participation ratio of the embeddings, corrected for the number of pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import digits

Objective = Callable[[Tensor, Tensor, Callable[[Tensor], Tensor]], Tensor]  # a, b (K, n, k), predictor -> (K,)


@dataclass(frozen=True)
class Encoders:
    """Weights of K encoders: W_1 (K, V, H) and W_2 (K, H, k)."""

    first: Tensor
    second: Tensor

    def embed(self, pictures: Tensor) -> Tensor:
        """Embeddings (K, n, k) of pictures (n, V), or (K, n, V), each encoder its own."""
        return torch.relu(pictures @ self.first) @ self.second


def views(pictures: Tensor, *, rng: torch.Generator, noise: float = 0.1) -> Tensor:
    """Pictures (..., L, L), each rolled by -1, 0 or 1 pixel in both directions, with noise of that size added."""
    given.generator(rng)
    pictures = given.floats(pictures)
    given.not_negative("noise", noise, why="the size of what is added")
    if pictures.dim() < 2 or pictures.shape[-1] != pictures.shape[-2]:
        raise ValueError(f"pictures {tuple(pictures.shape)}: expected (..., L, L).")
    flat = pictures.reshape(-1, *pictures.shape[-2:])
    n, L = flat.shape[0], flat.shape[-1]
    move = torch.randint(-1, 2, (2, n, 1), generator=rng, device=rng.device)
    place = torch.arange(L, device=rng.device)
    rows, columns = (place - move[0]) % L, (place - move[1]) % L
    rolled = flat[torch.arange(n, device=rng.device)[:, None, None], rows[:, :, None], columns[:, None, :]]
    rolled = rolled + noise * torch.randn(rolled.shape, generator=rng, device=rng.device, dtype=rolled.dtype)
    return rolled.reshape(pictures.shape)


def view_moments(pictures: Tensor, *, noise: float = 0.1) -> tuple[Tensor, Tensor]:
    """(C, Gamma), (V, V) each, of the views of pictures (n, L, L): second moment of one view and cross-covariance of
    two views of one picture, exactly averaged over all moves and over the noise.

    Given the picture its two views are independent, so Gamma is the second moment of the mean over the nine moves.
    """
    x = given.numbers(pictures).double()
    given.not_negative("noise", noise, why="the size of what is added")
    if x.dim() != 3 or 0 in x.shape:
        raise ValueError(f"pictures {tuple(x.shape)}: expected (n, L, L).")
    moved = torch.stack([x.roll((a, b), (1, 2)) for a in (-1, 0, 1) for b in (-1, 0, 1)]).flatten(2)
    mean, one = moved.mean(0), torch.eye(moved.shape[2], dtype=torch.float64, device=x.device)
    return (moved.mT @ moved).mean(0) / len(x) + noise**2 * one, mean.T @ mean / len(x)


def vicreg(a: Tensor, b: Tensor, predict: Callable[[Tensor], Tensor]) -> Tensor:
    """(K,): mean squared distance, hinge on each standard deviation, squared covariances over k."""
    total = (a - b).square().sum(2).mean(1)
    for z in (a, b):
        centred = z - z.mean(1, keepdim=True)
        covariance = centred.mT @ centred / (z.shape[1] - 1)
        deviation = (covariance.diagonal(dim1=1, dim2=2) + 1e-6).sqrt()
        off = covariance.square().sum((1, 2)) - covariance.diagonal(dim1=1, dim2=2).square().sum(1)
        total = total + torch.relu(1 - deviation).sum(1) + off / z.shape[2]
    return total


def barlow(a: Tensor, b: Tensor, predict: Callable[[Tensor], Tensor]) -> Tensor:
    """(K,): |C - 1|_F^2 with C the symmetrised cross-covariance of the centred embeddings."""
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    cross = a.mT @ b / a.shape[1]
    one = torch.eye(a.shape[2], dtype=a.dtype, device=a.device)
    return ((cross + cross.mT) / 2 - one).square().sum((1, 2))


def siamese(a: Tensor, b: Tensor, predict: Callable[[Tensor], Tensor]) -> Tensor:
    """(K,): squared distance of the prediction from the other view, which is held fixed, both ways."""
    return _chase(a, b.detach(), predict) + _chase(b, a.detach(), predict)


def siamese_without_stop(a: Tensor, b: Tensor, predict: Callable[[Tensor], Tensor]) -> Tensor:
    """The same with the gradient let through: everything collapses."""
    return _chase(a, b, predict) + _chase(b, a, predict)


def _chase(a: Tensor, b: Tensor, predict: Callable[[Tensor], Tensor]) -> Tensor:
    return (predict(a) - b).square().sum(2).mean(1) / 2


def train(
    pictures: Tensor,
    count: int,
    *,
    rng: torch.Generator,
    objective: Objective = vicreg,
    width: int = 128,
    outputs: int = 32,
    predictor: bool = False,
    n_steps: int = 400,
    step: float = 3e-3,
    decay: float = 0.0,
    batch: int = 256,
    noise: float = 0.1,
) -> Encoders:
    """`count` encoders trained at once on pictures (n, L, L), each with its own start, batches and views.

    Adam; weight decay is of the loss, decay/2 times the sum of squares, so that it is the one of the module `siamese`.
    predictor: a linear map beside the encoder, which only the siamese objectives use.  float32.  Raises `ValueError`
    for other shapes and `ArithmeticError` when the weights blow up.
    """
    x = given.numbers(pictures).float()
    if x.dim() != 3 or x.shape[1] != x.shape[2] or len(x) < 2:
        raise ValueError(f"pictures {tuple(x.shape)}: expected (n, L, L), n at least 2.")
    for name, value in (("count", count), ("width", width), ("outputs", outputs), ("n_steps", n_steps)):
        given.whole(name, value, least=1, why="encoders have units and steps")
    given.whole("batch", batch, least=2, why="a covariance needs two pictures")
    given.positive("step", step, why="a training takes steps")
    given.generator(rng)
    V = x.shape[1] * x.shape[2]

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng, device=rng.device)

    first = (normal(count, V, width) * math.sqrt(2 / V)).requires_grad_()
    second = (normal(count, width, outputs) / math.sqrt(width)).requires_grad_()
    map_ = (0.9 * torch.eye(outputs, device=rng.device).expand(count, -1, -1).clone()).requires_grad_()
    moving = [first, second, map_] if predictor else [first, second]
    adam = torch.optim.Adam(moving, step)

    def predict(z: Tensor) -> Tensor:
        return z @ map_ if predictor else z

    encoders = Encoders(first, second)
    for _ in range(n_steps):
        chosen = torch.randint(len(x), (count, min(batch, 4 * len(x))), generator=rng, device=rng.device)
        a, b = (encoders.embed(views(x[chosen], rng=rng, noise=noise).flatten(2)) for _ in range(2))
        loss = objective(a, b, predict).sum()
        if decay:
            loss = loss + decay / 2 * torch.stack([w.square().sum() for w in moving]).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
    if not all(bool(w.isfinite().all()) for w in moving):
        raise ArithmeticError(f"step = {step}: the weights blew up; take a smaller step.")
    return Encoders(first.detach(), second.detach())


def probe(seen: Tensor, labels: Tensor, new: Tensor, new_labels: Tensor, *, ridge: float = 1e-3) -> Tensor:
    """Accuracy (K,) on new embeddings (K, m, k) of ridge regression on those seen (K, n, k), one output a class.

    Embeddings are centred and scaled by one number per encoder, so that ridge means the same for all.  Raises
    `ValueError` for sizes that do not match.
    """
    a, b = given.numbers(seen).double(), given.numbers(new).double()
    for kinds in (given.doubles(labels), given.doubles(new_labels)):
        if not bool(((kinds >= 0) & (kinds == kinds.round())).all()):
            raise ValueError("a label is negative or not whole: number the classes from 0.")
    labels, new_labels = given.numbers(labels).long(), given.numbers(new_labels).long()
    given.positive("ridge", ridge, why="a regression on embeddings that may be alike needs one")
    if a.dim() != 3 or b.dim() != 3 or len(labels) != a.shape[1] or len(new_labels) != b.shape[1]:
        raise ValueError(
            f"embeddings {tuple(a.shape)}, {tuple(b.shape)}: expected (K, n, k), a label for each picture."
        )
    centre = a.mean(1, keepdim=True)
    size = (a - centre).square().sum(2).mean(1).sqrt().clamp_min(1e-300)[:, None, None]
    a, b = (a - centre) / size, (b - centre) / size
    classes = int(max(labels.max(), new_labels.max())) + 1
    target = torch.nn.functional.one_hot(labels, classes).double()
    offset = target.mean(0)
    gram = a.mT @ a / a.shape[1] + ridge * torch.eye(a.shape[2], dtype=torch.float64, device=a.device)
    weights = torch.linalg.solve(gram, a.mT @ (target - offset) / a.shape[1])
    return ((b @ weights + offset).argmax(2) == new_labels).double().mean(1)


def participation(embeddings: Tensor) -> Tensor:
    """(tr S)^2 / tr S^2 of the covariance S of embeddings (..., n, k): (...), how many directions share the variance,
    both traces corrected for n pictures.

    For Gaussian embeddings with nu = n - 1: E (tr C)^2 = (tr S)^2 + 2 tr S^2/nu and E tr C^2 = (1 + 1/nu) tr S^2 +
    (tr S)^2/nu, which are solved for the two.  Without that, n pictures show at most n - 1 directions.  Raises
    `ValueError` for fewer than 3 pictures or values that are not finite; nan where all embeddings are equal.
    """
    z = given.doubles(embeddings)
    if not bool(z.isfinite().all()):
        raise ValueError("an embedding is not finite: find where the training diverged.")
    z = z / given.unit(z)  # squares of what is very large or small are no numbers
    if z.dim() < 2 or z.shape[-2] < 3:
        raise ValueError(f"embeddings {tuple(z.shape)}: expected (..., n, k), n at least 3.")
    nu = z.shape[-2] - 1
    values = torch.linalg.svdvals(z - z.mean(-2, keepdim=True)).square() / nu
    values = values / values.sum(-1, keepdim=True).clamp_min(1e-300)  # no unit, so that no square overflows
    total, squares = values.sum(-1) ** 2, values.square().sum(-1)
    b = (squares - total / nu) / (1 + 1 / nu - 2 / nu**2)
    return (total - 2 * b / nu) / b


def cell(
    sizes: tuple[int, int], rng: torch.Generator, *, count: int, n_steps: int = 300, own_labels: bool = False
) -> dict[str, Tensor]:
    """One cell of the plane of model and data size, a work for `chunks.sweep`: `count` encoders of sizes[0] hidden
    units, trained without labels on sizes[1] pictures, then probed: {"accuracy", "participation"}, (count,) each.

    The pictures that are trained on and the 899 that judge are drawn anew; the probe learns from the 898 of the first
    half, with labels, so that only the encoder knows more or less.  own_labels: from the sizes[1] pictures only.  The
    encoders of one cell share their pictures; independent repetitions are chunks of the sweep.  Raises `ValueError` for
    more pictures than there are.
    """
    width, n = sizes
    given.whole("n", n, least=2, why="an encoder is trained on pictures")
    seen, labels, new, new_labels = digits.halves(rng=rng)
    if n > len(seen):
        raise ValueError(f"n = {n}: half of the digits are {len(seen)} pictures; choose so many or fewer.")
    trained = train(seen[:n], count, rng=rng, width=width, n_steps=n_steps)
    if own_labels:
        seen, labels = seen[:n], labels[:n]
    a, b = (trained.embed(x.flatten(1).float()) for x in (seen, new))
    return {"accuracy": probe(a, labels, b, new_labels), "participation": participation(b)}
