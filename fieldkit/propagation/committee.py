r"""What do many trained networks answer?  Torch networks in the NTK parameterisation, all taught the same lesson.

    h^1 = sqrt(sw2 / d) W^1 x + sqrt(sb2) b^1,    h^(l+1) = sqrt(sw2 / N) W^(l+1) phi(h^l) + sqrt(sb2) b^(l+1),

f the last h, one number.  W and b start from N(0, 1) and are what is trained, by full-batch gradient descent on
sum |f - y|^2 / 2; `kernel_regression` says what infinitely wide ones answer.  (In `training` the products
sqrt(sw2 / N) W are trained, on random batches of a classification.)  float64 unless a dtype is named: float32 trains
faster.  Source: Jacot, Gabriel and Hongler 2018; Lee et al. 2019.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from fieldkit import given
from fieldkit.propagation import activations, gaussian
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function, normal

NUMBERS = 2**24  # parameters of the networks whose tangent kernels are taken at once: 128 MB


class Wide(nn.Module):
    """A network of `depth` hidden layers of `width` neurons in the NTK parameterisation: (m, d) -> (m, 1).

    h = sqrt(sw2 / fan_in) W x + sqrt(sb2) b with standard Gaussian W and b, drawn from rng on its device.
    """

    def __init__(
        self,
        d: int,
        *,
        depth: int,
        width: int,
        activation: Function,
        sw2: float,
        sb2: float,
        rng: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        _refuse(d, depth, width, activation, sw2, sb2)
        self.weights, self.biases = (
            nn.ParameterList(p.to(dtype) for p in part) for part in _drawn(d, depth, width, rng)
        )
        self.activation, self.sw2, self.sb2 = activation, sw2, sb2

    def forward(self, x: Tensor) -> Tensor:
        for layer, (W, b) in enumerate(zip(self.weights, self.biases)):
            x = self.activation(x) if layer else x
            x = math.sqrt(self.sw2 / W.shape[1]) * (x @ W.mT) + math.sqrt(self.sb2) * b
        return x


def _refuse(d: int, depth: int, width: int, activation: Function, sw2: float, sb2: float) -> None:
    given.whole("depth", depth, least=0, why="it counts hidden layers; 0 is the linear model")
    given.whole("width", width, least=1, why="a layer has at least one neuron")
    given.whole("d", d, least=1, why="a network has at least one input")
    given.not_negative("sw2", sw2, why="a variance cannot be negative")
    given.not_negative("sb2", sb2, why="a variance cannot be negative")
    given.function("activation", activation)


def _drawn(d: int, depth: int, width: int, rng: torch.Generator) -> tuple[list[Tensor], list[Tensor]]:
    """Standard Gaussian weights (fan_out, fan_in) and biases (fan_out,) of each layer of one network."""
    sizes = [d, *[width] * depth, 1]
    return [normal((b, a), rng) for a, b in zip(sizes, sizes[1:])], [normal((b,), rng) for b in sizes[1:]]


def draw(
    n: int,
    d: int,
    *,
    depth: int,
    width: int,
    activation: Function,
    sw2: float,
    sb2: float,
    rng: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> list[Wide]:
    """n independent networks, see `Wide`."""
    given.whole("n", n, least=1, why="networks are drawn")
    given.function("activation", activation)
    return [
        Wide(d, depth=depth, width=width, activation=activation, sw2=sw2, sb2=sb2, rng=rng, dtype=dtype)
        for _ in range(n)
    ]


def tangents(
    n: int,
    x: Tensor,
    *,
    depth: int,
    width: int,
    activation: Function,
    sw2: float,
    sb2: float,
    rng: torch.Generator,
) -> Tensor:
    """Empirical tangent kernels of n random networks, see `draw`, over inputs x (m, d): (n, m, m).

    A layer that takes z to h, with the gradient g = df/dh, adds (sw2 / fan_in z_i . z_j + sb2) g_i . g_j: the sum over
    its weights and biases of the products of their gradients (Jacot, Gabriel and Hongler 2018).  As many networks at
    once as `NUMBERS` parameters hold.  Raises `ValueError` as `Wide` does, and for n < 1 or another shape of x.
    """
    given.whole("n", n, least=1, why="there is a network to ask")
    x = given.doubles(x)
    if x.dim() != 2 or 0 in x.shape:
        raise ValueError(f"shape {tuple(x.shape)}: inputs are (m, d), m points in d dimensions; one is x[None].")
    d, phi = x.shape[1], activations.of(activation)
    _refuse(d, depth, width, activation, sw2, sb2)
    size, found = max(1, NUMBERS // (width * (d + 1 + depth * width))), []
    for first in range(0, n, size):
        some = [_drawn(d, depth, width, rng) for _ in range(min(size, n - first))]
        weights, biases = ([torch.stack(layer) for layer in zip(*part)] for part in zip(*some))
        found.append(_tangents(weights, biases, x, phi, sw2, sb2))
    return torch.cat(found)


@torch.no_grad()
def _tangents(
    weights: list[Tensor], biases: list[Tensor], x: Tensor, phi: Activation, sw2: float, sb2: float
) -> Tensor:
    z, h = [x.expand(len(weights[0]), -1, -1)], []
    for W, b in zip(weights, biases):
        h.append(math.sqrt(sw2 / W.shape[2]) * (z[-1] @ W.mT) + math.sqrt(sb2) * b[:, None])
        z.append(phi(h[-1]))
    g, total = torch.ones_like(h[-1]), torch.zeros_like(x @ x.mT)
    for layer in reversed(range(len(weights))):
        W = weights[layer]
        total = total + (sw2 / W.shape[2] * (z[layer] @ z[layer].mT) + sb2) * (g @ g.mT)
        if layer:
            g = math.sqrt(sw2 / W.shape[2]) * (g @ W) * phi.derivative(h[layer - 1])
    return total


def lesson(images: Tensor, named: Tensor, *, classes: tuple[int, int], n: int) -> tuple[Tensor, Tensor]:
    """(x, y): the first n pictures of two classes as inputs (n, d), with targets +1 for the first class, else -1.

    images (k, ...) with labels named (k,).  Raises `ValueError` when there are fewer than n.
    """
    given.whole("n", n, least=1, why="there is a picture to learn")
    images, named = given.numbers(images), given.numbers(named)
    if named.dim() != 1 or len(named) != len(images):
        raise ValueError(f"{len(images)} pictures, labels {tuple(named.shape)}: give one label for each picture, (k,).")
    chosen = ((named == classes[0]) | (named == classes[1])).nonzero()[:n, 0]
    if len(chosen) < n:
        raise ValueError(f"{n} pictures asked for: there are {len(chosen)} of the classes {classes}; take fewer.")
    return images[chosen].flatten(1), torch.where(named[chosen] == classes[0], 1.0, -1.0).double()


def train(
    networks: Sequence[nn.Module], x: Tensor, y: Tensor, *, rate: float, steps: Sequence[int], new: Tensor
) -> Tensor:
    """Answers of n networks to the inputs `new` (m, d) after each of the numbers of `steps`, (len(steps), n, m).

    Every network is trained for itself on x (k, d) and targets y, (k,) or (n, k) if each has its own; all data in every
    step, loss sum (f - y)^2 / 2.
    Raises `ValueError` when the steps do not increase from 0 or more, and for a negative rate.
    """
    gaussian.variance("rate", rate, why="a step goes downhill")
    x, y, new = (given.numbers(t) for t in (x, y, new))
    if list(steps) != sorted(set(steps)) or min(steps, default=-1) < 0:
        raise ValueError(f"steps = {list(steps)}: name increasing numbers of steps, 0 for the untrained network.")
    parameters, buffers = stack_module_state(list(networks))
    one, dtype = networks[0], next(iter(parameters.values())).dtype
    x, y, new = x.to(dtype), y.to(dtype).expand(len(networks), -1), new.to(dtype)

    def loss(theta: dict[str, Tensor], state: dict[str, Tensor], y: Tensor) -> Tensor:
        return (functional_call(one, (theta, state), (x,))[:, 0] - y).square().sum() / 2

    def answer(theta: dict[str, Tensor], state: dict[str, Tensor]) -> Tensor:
        return functional_call(one, (theta, state), (new,))[:, 0]

    theta = {name: p.detach() for name, p in parameters.items()}
    found = []
    for t in range(steps[-1] + 1):
        if t in steps:
            found.append(vmap(answer)(theta, buffers))
        if t < steps[-1]:
            slopes = vmap(grad(loss))(theta, buffers, y)
            theta = {name: p - rate * slopes[name] for name, p in theta.items()}
    return torch.stack(found).double()
