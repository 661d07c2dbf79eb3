r"""What does one given noisy linear network do?  Exact for its own matrix J; only the average over J is left to draw.

    dx = -A x dt + sqrt(D) dW,    A = 1 - J,    J_ij ~ N(0, g^2 / N):
    A C + C A^T = D,              C(tau) = exp(-A tau) C,              R(omega) = (A + i omega)^-1.

No path is simulated, so no step size and no waiting time enter.  The Lyapunov equation is solved by doubling (Smith
1968): with B = (A + 1)^-1 and E = (A - 1) B, C = 2 D (B B^T + E B B^T E^T + E^2 ...), and k rounds sum 2^k terms.

The mean-field values for N -> infinity are in `linear_network_exact`; the networks here miss them by 1 / N while every
drawn J is stable, that is for g well below 1 - 1 / sqrt(N).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import gaussian


def weights(n: int, N: int, g: float, *, rng: torch.Generator) -> Tensor:
    """n matrices J (n, N, N) with J_ij ~ N(0, g^2 / N)."""
    given.whole("N", N, least=1, why="a network has at least one unit")
    given.not_negative("g", g, why="it is the spread of the weights")
    return g / math.sqrt(N) * gaussian.normal((n, N, N), rng)


def covariance(J: Tensor, *, D: float = 1.0, rounds: int = 12) -> Tensor:
    """The stationary <x_i x_j> of each network, (n, N, N), to rounding.

    2^rounds terms: enough for modes that live up to 300 times as long as an isolated unit.  Raises `ValueError` when
    one lives longer, or for ever.
    """
    given.positive("D", D, why="without noise nothing moves in a stable linear network")
    J = given.numbers(J)
    _networks(J)
    given.whole("rounds", rounds, least=1, why="terms are summed")
    eye = torch.eye(J.shape[-1], device=J.device, dtype=J.dtype)
    B = torch.linalg.inv(2 * eye - J)
    E, C = -J @ B, 2 * D * B @ B.mT
    for _ in range(rounds):
        C = C + E @ C @ E.mT
        E = E @ E
    if not gaussian.every(E.square().sum((-2, -1)) < 1e-20):
        raise ValueError(
            "a network has a mode that hardly decays, or grows: an eigenvalue of J comes near 1 or passes it; "
            "lower g, or take larger networks, whose eigenvalues stay closer to |z| < g."
        )
    return C


def autocorrelation(J: Tensor, C: Tensor, tau: float) -> Tensor:
    """(1 / N) sum_i <x_i(t) x_i(t + tau)> of each network, (n,), from its covariance C and a lag tau >= 0."""
    J, C = given.numbers(J), given.numbers(C)
    _networks(J)
    given.not_negative("tau", tau, why="a lag is counted forwards")
    if C.shape != J.shape:
        raise ValueError(f"shapes {tuple(J.shape)}, {tuple(C.shape)}: a covariance for each network, as `covariance`.")
    eye = torch.eye(J.shape[-1], device=J.device, dtype=J.dtype)
    return (torch.linalg.matrix_exp(tau * (J - eye)) @ C).diagonal(dim1=-2, dim2=-1).mean(-1)


def response_power(J: Tensor, omega: float) -> Tensor:
    """(1 / N) sum_ij |R_ij(omega)|^2 of each network, (n,): what all units do when each is pushed in turn at frequency
    omega."""
    given.number("omega", omega, why="it is a frequency")
    J = given.numbers(J)
    _networks(J)
    eye = torch.eye(J.shape[-1], device=J.device, dtype=J.dtype)
    return torch.linalg.inv((1 + 1j * omega) * eye - J).abs().square().sum((-2, -1)) / J.shape[-1]


def _networks(J: Tensor) -> None:
    if not J.is_floating_point():
        raise TypeError(f"J of {J.dtype}: weights are floating-point numbers; convert with .double().")
    if J.dim() != 3 or J.shape[1] != J.shape[2] or 0 in J.shape:
        raise ValueError(f"shape {tuple(J.shape)}: networks of N units are matrices (n, N, N); one is J[None].")
