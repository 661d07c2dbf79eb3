r"""How do many deep networks learn at once?  They are stacked, so that one matrix product moves all of them a layer on.

    h^1 = sqrt(sw2 / d) W^1 x + sqrt(sb2) b^1,    h^(l+1) = sqrt(sw2 / N) W^(l+1) phi(h^l) + sqrt(sb2) b^(l+1),    l < L
    logits = sqrt(sw2 / N) V phi(h^L)

at the start, with W, V and b from N(0, 1) (W may be orthogonal instead); then every entry of the products, such as
sqrt(sw2 / N) W, is free and descends on the cross entropy of labels by backpropagation.  n networks may differ in sw2,
sb2, learning rate, random numbers and the pictures they see, and never in shape.  float32: training needs speed and no
digits.  Source of the experiment: Schoenholz et al. 2017, section 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from numbers import Real
from pathlib import Path

import torch
from torch import Tensor

from fieldkit import checkpoints, given
from fieldkit.propagation import gaussian
from fieldkit.propagation.gaussian import Function
from fieldkit.propagation.jacobian import gaussian_weights

Parameters = dict[str, Tensor]  # "first" (n, d, N), "hidden" (L - 1, n, N, N), "bias" (L, n, 1, N), "last" (n, N, k)
Rule = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]  # gradient, memory, rate -> step, memory
Forward = Callable[[Parameters, Tensor], Tensor]  # parameters, pictures (n, B, ...) -> logits (n, B, k)


def draw(
    sw2: Tensor | float,
    sb2: Tensor | float,
    depth: int,
    *,
    n: int,
    d: int = 64,
    width: int = 64,
    n_classes: int = 10,
    weights: Callable[..., Tensor] = gaussian_weights,
    rng: torch.Generator,
) -> Parameters:
    """n random networks with `depth` hidden layers; sw2 and sb2 are numbers or tensors (n,).

    `weights` draws the hidden matrices: `jacobian.gaussian_weights` or `orthogonal_weights`.  The first and the last
    layer, which change the number of neurons, are Gaussian.
    """
    given.whole("depth", depth, least=1, why="a network has at least one hidden layer")
    given.sizes((n, d, width, n_classes))
    given.generator(rng)
    gaussian.variance("sw2", sw2)
    gaussian.variance("sb2", sb2)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, device=rng.device)

    gain, spread = (_each(v, n, rng).sqrt() for v in (sw2, sb2))
    hidden = torch.empty(depth - 1, n, width, width, device=rng.device)
    for layer in hidden:
        layer.copy_(weights(n, width, rng=rng))
    return {
        "first": gain / math.sqrt(d) * normal(n, d, width),
        "hidden": gain * hidden,
        "bias": spread * normal(depth, n, 1, width),
        "last": gain / math.sqrt(width) * normal(n, width, n_classes),
    }


def layers(parameters: Parameters, x: Tensor, *, activation: Function = torch.tanh) -> list[Tensor]:
    """Pre-activations h^1 ... h^L, each (n, B, N), and the logits (n, B, k), of pictures x (B, d) or (n, B, d)."""
    bias = parameters["bias"].unbind()  # one at a time: indexing would fill a tensor of all layers in each gradient
    given.function("activation", activation)
    x, (n, d, _) = given.numbers(x), parameters["first"].shape
    if x.dim() not in (2, 3) or x.shape[-1] != d or x.shape[:-2] not in ((), (n,)):
        raise ValueError(f"pictures {tuple(x.shape)}: expected (B, {d}), or (n, B, {d}) with n = {n} networks.")
    x = x.to(parameters["first"].dtype).expand(n, -1, -1)
    h = [torch.baddbmm(bias[0], x, parameters["first"])]
    for b, W in zip(bias[1:], parameters["hidden"].unbind()):
        h.append(torch.baddbmm(b, activation(h[-1]), W))
    return [*h, activation(h[-1]) @ parameters["last"]]


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of labels (B,) or (n, B), averaged over the pictures, for logits (n, B, k): (n,).

    Raises `ValueError` for labels outside 0 ... k - 1, or between whole numbers.
    """
    logits, labels = given.numbers(logits), given.numbers(labels)
    _fit(logits, labels)
    if not gaussian.seen(labels == labels.round()):
        raise ValueError("a label lies between two classes: classes are counted from 0; round the labels.")
    if not gaussian.seen((labels >= 0) & (labels < logits.shape[2])):
        raise ValueError(f"labels go beyond the {logits.shape[2]} classes, 0 to {logits.shape[2] - 1}; draw more, or "
                         "name fewer.")  # fmt: skip
    chosen = labels.expand(logits.shape[:2])[..., None] == torch.arange(logits.shape[2], device=logits.device)
    return -(logits.log_softmax(-1) * chosen).sum(-1).mean(1)


def accuracy(parameters: Parameters, x: Tensor, labels: Tensor, *, activation: Function = torch.tanh) -> Tensor:
    """The fraction of pictures x (B, d) that each network names rightly, (n,)."""
    with torch.no_grad():
        return right(layers(parameters, x, activation=activation)[-1], labels)


def right(logits: Tensor, labels: Tensor) -> Tensor:
    """The fraction of labels (B,) that the largest of the logits (n, B, k) names, (n,); NaN names nothing."""
    logits, labels = given.numbers(logits), given.numbers(labels)
    _fit(logits, labels)
    return ((logits.argmax(-1) == labels) & logits.isfinite().all(-1)).double().mean(-1)


def gradients(parameters: Parameters, x: Tensor, labels: Tensor, *, activation: Function = torch.tanh) -> Parameters:
    """d losses / d parameters, by backpropagation; arguments as in `layers` and `losses`."""
    return _descent(partial(_logits, activation=activation), parameters, x, labels)[1]


def squared_gradients(
    parameters: Parameters, x: Tensor, labels: Tensor, *, activation: Function = torch.tanh
) -> Tensor:
    """|dL / dW^l|^2 of the hidden layers l = 1 ... L, summed over the entries of W^l: (n, L), float64."""
    found = gradients(parameters, x, labels, activation=activation)
    first, hidden = (found[name].square().sum((-2, -1), dtype=torch.float64) for name in ("first", "hidden"))
    return torch.cat([first[None], hidden]).T


def plain(gradient: Tensor, memory: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient descent: a step -rate gradient, and no memory."""
    return -rate * gradient, memory


def momentum(gradient: Tensor, memory: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient descent with a memory of ten steps or so: a step -rate memory, memory <- 0.9 memory + gradient.

    It does not rescale, so a gradient that exploded or vanished on its way through the layers is felt.
    """
    memory = 0.9 * memory + gradient
    return -rate * memory, memory


def rmsprop(gradient: Tensor, memory: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
    """RMSprop (Tieleman and Hinton 2012): -rate gradient / (its root mean square over the last ten steps or so)."""
    memory = 0.9 * memory + 0.1 * gradient.square()
    return -rate * gradient / (memory.sqrt() + 1e-8), memory


def train(
    parameters: Parameters,
    images: Tensor,
    labels: Tensor,
    *,
    n_steps: int,
    rate: Tensor | float,
    rule: Rule = rmsprop,
    batch: int = 64,
    activation: Function = torch.tanh,
    rng: torch.Generator,
    path: str | Path | None = None,
) -> tuple[Parameters, Tensor]:
    """`descend` for the networks of `layers`: images (M, d), labels (M,)."""
    return descend(
        partial(_logits, activation=activation),
        parameters,
        images,
        labels,
        n_steps=n_steps,
        rate=rate,
        rule=rule,
        batch=batch,
        rng=rng,
        path=path,
    )


def descend(
    forward: Forward,
    parameters: Parameters,
    images: Tensor,
    labels: Tensor,
    *,
    n_steps: int,
    rate: Tensor | float,
    rule: Rule = rmsprop,
    batch: int = 64,
    rng: torch.Generator,
    path: str | Path | None = None,
) -> tuple[Parameters, Tensor]:
    """Parameters after n_steps of `rule`, and the loss of each step's batch: (n_steps, n).

    `rule` is `plain`, `momentum` or `rmsprop`.  images (M, ...), labels (M,).  Every network sees its own random
    batches, so that networks are independent draws.  rate: a number or (n,).  With a `path` the run can be interrupted
    and goes on with the same bits (`checkpoints.run`).
    Raises `ValueError` for a negative rate, labels that are no classes, or not one for every image.
    """
    given.whole("batch", batch, least=1, why="a gradient is averaged over pictures")
    given.whole("n_steps", n_steps, least=0, why="steps are counted")
    gaussian.variance("rate", rate, why="a step goes downhill")
    images = given.numbers(images)
    labels = given.numbers(labels)
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images, {len(labels)} labels: give one label for every image.")
    n = len(parameters["first"])
    pace = _each(rate, n, rng)

    def step(state: checkpoints.State, t: int, rng: torch.Generator) -> checkpoints.State:
        seen = torch.randint(len(labels), (n, batch), generator=rng, device=rng.device)
        loss, gradient = _descent(forward, state["parameters"], images[seen], labels[seen])
        moves = {name: rule(g, state["memory"][name], pace) for name, g in gradient.items()}
        state["loss"][t] = loss
        return {
            "parameters": {name: p + moves[name][0] for name, p in state["parameters"].items()},
            "memory": {name: memory for name, (_, memory) in moves.items()},
            "loss": state["loss"],
        }

    state: checkpoints.State = {
        "parameters": parameters,
        "memory": {name: torch.zeros_like(p) for name, p in parameters.items()},
        "loss": torch.zeros(n_steps, n, device=rng.device),
    }
    images = images.float()
    state = checkpoints.run(step, state, n_steps, rng=rng, path=path, label=f"batches of {batch}")
    return state["parameters"], state["loss"]


def _fit(logits: Tensor, labels: Tensor) -> None:
    if logits.dim() != 3 or 0 in logits.shape or labels.shape not in (logits.shape[:2], logits.shape[1:2]):
        raise ValueError(f"logits {tuple(logits.shape)}, labels {tuple(labels.shape)}: expected (n, B, k), and (B,) or "
                         "(n, B).")  # fmt: skip


def _logits(parameters: Parameters, x: Tensor, *, activation: Function) -> Tensor:
    return layers(parameters, x, activation=activation)[-1]


def _descent(forward: Forward, parameters: Parameters, x: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """(losses (n,), their gradients): no network knows of another, so the sum's gradient is each one's own."""
    leaves = {name: p.detach().requires_grad_() for name, p in parameters.items()}
    loss = losses(forward(leaves, x), labels)
    return loss.detach(), dict(zip(leaves, torch.autograd.grad(loss.sum(), list(leaves.values()))))


def _each(value: Tensor | float, n: int, rng: torch.Generator) -> Tensor:
    """One number for each of n networks, (n, 1, 1), float32 on rng's device."""
    if isinstance(value, Real):
        return torch.full((n, 1, 1), float(value), device=rng.device)
    value = given.doubles(value)
    if value.numel() != n:
        raise ValueError(f"shape {tuple(value.shape)} for {n} networks: give a number, or (n,), one for each.")
    return value.to(rng.device, torch.float32).reshape(n, 1, 1)
