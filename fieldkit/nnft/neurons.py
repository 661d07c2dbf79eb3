r"""What does one hidden neuron tell the world?  Its averages, from which every correlator of every width follows.

    relu, erf        h(z),  z = w.x + b                     moments by angles (`relu_moments`), by signs (`erf_moments`)
    gauss            h = exp(z - q),  q = Var z               E h(x) h(y) = exp(-sw2 |x - y|^2 / 2 d)
    cosine           h = cos(w.x + b),  b uniform             E h(x) h(y) = exp(-sw2 |x - y|^2 / 2 d) / 2

`gauss` is log-normal: E h_1 ... h_n = exp(sum_ab C_ab / 2 - sum_a C_aa), and its sixth moment lives at z = 6 q, where
no sample ever comes (`tails`).  Any other activation is integrated over the space that the inputs span (`of`).
Sources: Williams 1997 (erf); Cho and Saul 2009 (ReLU); Halverson, Maiti and Stoner 2021 (gauss, with the norm that is
right in every dimension); a cosine neuron is a random Fourier feature (Rahimi and Recht 2007).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit.nnft import erf_moments, quadrature, relu_moments
from fieldkit.propagation import activations
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function


@dataclass(frozen=True)
class Neuron:
    """response: (z, q) -> h, pre-activations z of infinite-width variance q.  moments: (C, index) -> E prod h over the
    columns of index (k, n), C (m, m) the covariance of z.

    Kernel: from `activation`, or from `pair`: (q_u, q_v, k) -> E h h where there is none.  `phase`: the hidden bias is
    uniform on the circle instead of Gaussian, and C is the covariance of w.x alone.  `heavy`: averages live so far out
    that single precision draws (|z| < 5.8) never reach them; it is drawn in float64.
    """

    response: Callable[[Tensor, Tensor], Tensor]
    moments: Callable[[Tensor, Tensor], Tensor]
    activation: Activation | None = None
    pair: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None
    phase: bool = False
    heavy: bool = False


def of(activation: Function | Activation) -> Neuron:
    """A neuron of any activation: kernel as in `propagation.kernels`, moments by quadrature in up to 4 dimensions."""
    phi = activations.of(activation)
    return Neuron(
        lambda z, q: phi(z), lambda C, index: quadrature.moments(phi, C, index, kinks=phi.kinks), activation=phi
    )


def _gauss_moments(C: Tensor, index: Tensor) -> Tensor:
    together = C.double()[index[:, :, None], index[:, None, :]].sum((1, 2))
    return torch.exp(together / 2 - C.double().diagonal()[index].sum(1))


def _cosine_moments(C: Tensor, index: Tensor) -> Tensor:
    """2^-n sum over signs s with sum s = 0 of exp(-s C s / 2): the uniform phase kills all others."""
    n = index.shape[1]
    S = C.double()[index[:, :, None], index[:, None, :]]
    signs = [row for row in itertools.product((1.0, -1.0), repeat=n) if sum(row) == 0]
    s = torch.tensor(signs, device=C.device, dtype=torch.float64).reshape(-1, n)
    return torch.exp(-torch.einsum("sa,kab,sb->ks", s, S, s) / 2).sum(1) / 2**n


relu = Neuron(lambda z, q: torch.relu(z), relu_moments.moments, activation=activations.relu)
erf = Neuron(lambda z, q: torch.erf(z), erf_moments.moments, activation=activations.erf)
gauss = Neuron(
    lambda z, q: torch.exp(z - q), _gauss_moments, pair=lambda u, v, k: torch.exp(k - (u + v) / 2), heavy=True
)
cosine = Neuron(
    lambda z, q: torch.cos(z), _cosine_moments, pair=lambda u, v, k: torch.exp(k - (u + v) / 2) / 2, phase=True
)
