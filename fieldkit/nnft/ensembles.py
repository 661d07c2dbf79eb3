r"""Which functions does a random network draw?  An ensemble is a law of networks; a draw is a whole function.

    f_a(x) = b_a + sum_{i <= N} v_ai h(w_i . x + b_i),     w ~ N(0, sw2 / d),  v ~ N(0, sw2 / N),  all b ~ N(0, sb2)

and with more hidden layers the same again.  Given the last hidden layer the output IS Gaussian, at every width:

    f_a | hidden ~ N(0, K),   K(x, y) = sb2 + (sw2 / N) sum_i h_i(x) h_i(y)      independent for different outputs a

so K, a random kernel whose mean is the exact two-point function, holds all that a network knows (`kernel_draws`).
Draws are float32 where that is safe (`neurons.Neuron.heavy`), with |z| < 5.8 and a relative error of 1e-7 that no
average below 1e14 networks sees.  Source: Neal 1996; Halverson, Maiti and Stoner 2021.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.nnft import laws
from fieldkit.nnft.laws import Law
from fieldkit.nnft.neurons import Neuron
from fieldkit.propagation import activations, gaussian, kernels
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.finite_width import sample_layer


@dataclass(frozen=True)
class Ensemble:
    """Networks with hidden layers of these widths.  sw2, sb2: variances of weights (before / fan-in) and biases.

    Raises `ValueError` without a hidden layer, for an empty one, or for variances that make no sense.
    """

    neuron: Neuron
    widths: tuple[int, ...]
    sw2: float = 1.0
    sb2: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.neuron, Neuron):
            raise TypeError(
                f"neuron = {self.neuron!r}: moments and kernel belong to a `Neuron`; take one of `nnft.neurons`, such "
                "as neurons.relu, or make one: neurons.of(torch.tanh)."
            )
        if not isinstance(self.widths, Sequence) or isinstance(self.widths, str):
            raise TypeError(
                f"widths = {self.widths!r}: one number for each hidden layer; give them as in widths=(20,)."
            )
        object.__setattr__(self, "widths", tuple(self.widths))
        if not self.widths:
            raise ValueError("widths = (): a network of this part has at least one hidden layer, as in widths=(20,).")
        for width in self.widths:
            given.whole("width", width, least=1, why="a hidden layer has at least one neuron")
        given.positive("sw2", self.sw2, why="weights need a variance")
        given.not_negative("sb2", self.sb2, why="a variance of biases is 0 (no bias) or positive")

    @property
    def hidden_sb2(self) -> float:
        """Variance of the Gaussian biases of the hidden layers; none where the bias is a phase."""
        return 0.0 if self.neuron.phase else self.sb2


def inputs(x: Tensor, device: torch.device | str | None = None) -> Tensor:
    """Points (m, d), a tensor, an array or lists, as float64 on the device, by default their own; refuses another
    shape."""
    x = given.numbers(x)
    if x.dim() != 2 or 0 in x.shape:
        raise ValueError(f"shape {tuple(x.shape)}: inputs are (m, d), m points in d dimensions; one in d = 1 is [[x]].")
    if not gaussian.seen(x.isfinite()):
        raise ValueError(
            "inputs hold NaN, or are infinite: a network has no answer there; look for where they come from."
        )
    return x.to(x.device if device is None else device, torch.float64)


def overlaps(ensemble: Ensemble, x: Tensor, y: Tensor | None = None) -> Tensor:
    """Covariance of the first pre-activations of a neuron at points x (m, d) and y (k, d): (m, k); y = None is x."""
    x = inputs(x)
    y = x if y is None else inputs(y, x.device)
    return (ensemble.sw2 / x.shape[1]) * x @ y.T + ensemble.hidden_sb2


def kernel(ensemble: Ensemble, x: Tensor, y: Tensor | None = None) -> Tensor:
    """The kernel of infinitely wide networks, (m, k).  With ONE hidden layer: the two-point function of every width.

    Why: E f f = E K is an average over one neuron, N times divided by N.
    """
    pair = ensemble.neuron.pair
    if pair is None:
        depth, x = len(ensemble.widths), inputs(x)
        other = None if y is None else inputs(y, x.device)
        return kernels.nngp(x, other, activation=_activation(ensemble), depth=depth, sw2=ensemble.sw2, sb2=ensemble.sb2)
    k, u = overlaps(ensemble, x, y), variances(ensemble, x)
    v = u if y is None else variances(ensemble, y)
    for layer, (a, b) in enumerate(zip(u, v)):
        last = layer == len(u) - 1
        k = ensemble.sw2 * pair(a[:, None], b, k) + (ensemble.sb2 if last else ensemble.hidden_sb2)
    return k


def _activation(ensemble: Ensemble) -> Activation:
    if ensemble.neuron.activation is None:
        raise TypeError("this neuron has neither `activation` nor `pair`: its kernel is unknown; give it one of them.")
    return ensemble.neuron.activation


def variances(ensemble: Ensemble, x: Tensor) -> list[Tensor]:
    """Infinite-width variance of the pre-activations of each hidden layer, (m,) each: the q that `gauss` divides by."""
    x = inputs(x)
    q = (ensemble.sw2 / x.shape[1]) * x.square().sum(1) + ensemble.hidden_sb2
    found = [q]
    for _ in ensemble.widths[1:]:
        pair = ensemble.neuron.pair
        square = pair(q, q, q) if pair is not None else activations.moments(_activation(ensemble), q)[0]
        q = ensemble.sw2 * square + ensemble.hidden_sb2
        found.append(q)
    return found


def mixing(ensemble: Ensemble, x: Tensor) -> Tensor:
    """A (m, r): the first pre-activations of a neuron are A g with g ~ N(0, 1) of r = min(m, d or d + 1) numbers."""
    x = inputs(x)
    A = math.sqrt(ensemble.sw2 / x.shape[1]) * x
    if ensemble.hidden_sb2 > 0:
        A = torch.cat([A, torch.full_like(A[:, :1], math.sqrt(ensemble.sb2))], 1)
    if A.shape[1] > len(A):
        A = torch.linalg.qr(A.T)[1].T  # fewer points than dimensions: the same law from m numbers
    return A


def hidden(ensemble: Ensemble, x: Tensor, n: int, *, rng: torch.Generator) -> Tensor:
    """The last hidden layer h_i(x) of n networks at points x (m, d): (m, n, N).

    Deeper layers are drawn from their covariance given the layer before, without weight matrices: the same law, m
    instead of N numbers a neuron (`finite_width.sample_layer`).
    """
    given.whole("n", n, least=1, why="at least one network is drawn")
    given.generator(rng)
    x = inputs(x, rng.device)
    dtype = torch.float64 if ensemble.neuron.heavy else torch.float32
    A = mixing(ensemble, x).to(dtype)
    N = ensemble.widths[0]
    z = A @ torch.randn(A.shape[1], n * N, generator=rng, device=rng.device, dtype=dtype)
    z = z.reshape(len(A), n, N)
    q = variances(ensemble, x)
    h = ensemble.neuron.response(_phased(ensemble, z, rng), q[0].to(dtype)[:, None, None])
    for N, q_l in zip(ensemble.widths[1:], q[1:]):
        K = _kernels(ensemble, h.double(), ensemble.hidden_sb2)
        z = sample_layer(K, N, rng=rng, dtype=dtype).transpose(0, 1)
        h = ensemble.neuron.response(_phased(ensemble, z, rng), q_l.to(dtype)[:, None, None])
    return h


def _phased(ensemble: Ensemble, z: Tensor, rng: torch.Generator) -> Tensor:
    """z with a uniform phase for every neuron, if the ensemble has one."""
    if not ensemble.neuron.phase:
        return z
    return z + 2 * math.pi * torch.rand(z.shape[1:], generator=rng, device=rng.device, dtype=z.dtype)


def _kernels(ensemble: Ensemble, h: Tensor, sb2: float) -> Tensor:
    """sb2 + (sw2 / N) h h^T of each network: (n, m, m) from h (m, n, N)."""
    by_network = h.transpose(0, 1)
    return (ensemble.sw2 / h.shape[2]) * (by_network @ by_network.mT) + sb2


def kernel_draws(ensemble: Ensemble, h: Tensor) -> Tensor:
    """K (n, m, m), the covariance of the output given the last hidden layer h (m, n, N)."""
    return _kernels(ensemble, h, ensemble.sb2)


def outputs(ensemble: Ensemble, h: Tensor, *, d_out: int = 1, law: Law = laws.gaussian, rng: torch.Generator) -> Tensor:
    """f_a(x) from the last hidden layer h (m, n, N), with weights and biases of the last layer drawn: (m, d_out, n).

    law: of the output weights in units of their spread (`laws`); biases stay Gaussian.
    """
    given.whole("d_out", d_out, least=1, why="a network has at least one output")
    h = given.numbers(h)
    if h.dim() != 3 or not h.is_floating_point():
        raise ValueError(f"h {tuple(h.shape)} of {h.dtype}: the last hidden layer is (m, n, N), as of `hidden`.")
    m, n, N = h.shape
    f = torch.empty(m, d_out, n, device=h.device, dtype=h.dtype)
    for a in range(d_out):
        v = law.draw((n, N), rng, h.dtype)
        f[:, a] = (h * v).sum(-1) * math.sqrt(ensemble.sw2 / N)
        if ensemble.sb2 > 0:
            f[:, a] += math.sqrt(ensemble.sb2) * torch.randn(n, generator=rng, device=rng.device, dtype=h.dtype)
    return f


def functions(
    ensemble: Ensemble, x: Tensor, n: int, *, d_out: int = 1, law: Law = laws.gaussian, rng: torch.Generator
) -> Tensor:
    """n random functions at points x (m, d), all at once, to look at: (n, m, d_out).  Averages: see `correlators`."""
    return outputs(ensemble, hidden(ensemble, x, n, rng=rng), d_out=d_out, law=law, rng=rng).permute(2, 0, 1)
