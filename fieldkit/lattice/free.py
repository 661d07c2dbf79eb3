r"""What does a field look like when nothing acts on it?  Independent Fourier modes, each a Gaussian of known variance.

    S = sum_x [ 1/2 sum_mu (phi(x + mu) - phi(x))^2 + 1/2 mass2 phi(x)^2 ],     <|phi_p|^2> / V = 1 / (p^2 + mass2),
    p^2 = sum_mu 4 sin^2(p_mu / 2),     p_mu = 2 pi k / L (periodic),     p_mu = pi k / L (open: free ends).

Sources: Montvay and Muenster 1994, ch. 2; Rothe 2012, ch. 3.  The open lattice has L sites and L - 1 links a side;
its modes are the cosines of the discrete cosine transform of type II (Strang 1999).  Lattice spacing 1; a batch of
fields is (n, L, ..., L).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fieldkit import given, moved


def momentum_squared(L: int, d: int, *, boundary: str = "periodic", device: torch.device | str | None = None) -> Tensor:
    """Lattice momentum squared of every mode, (L, ..., L) with d axes, float64; periodic ones in the order of `fftn`.

    Raises `ValueError` for L < 1, d < 1, or a boundary other than "periodic" and "open"; `TypeError` when L or d is
    not whole.

    >>> momentum_squared(4, 1)
    tensor([0.0000, 2.0000, 4.0000, 2.0000], dtype=torch.float64)
    """
    _refuse_sides(L, d)
    half = torch.arange(L, device=device, dtype=torch.float64) * (math.pi / L) / (1 if _is_periodic(boundary) else 2)
    one = 4 * torch.sin(half).square()
    total = one
    for _ in range(d - 1):
        total = total[..., None] + one
    return total


def action(phi: Tensor, *, mass2: float, boundary: str = "periodic") -> Tensor:
    """S of each field: phi (n, L, ..., L) -> (n,).  Any d >= 1; each axis may have its own length.

    Raises `ValueError` for another shape or boundary or a mass2 that is not finite, `TypeError` unless phi is float32
    or float64 and mass2 a plain number.
    """
    axes = _axes(phi)
    given.number("mass2", mass2, why="an action is a real number")
    total = 0.5 * mass2 * phi.square().sum(axes)
    for axis in axes:
        step = phi.roll(-1, axis) - phi if _is_periodic(boundary) else phi.diff(dim=axis)
        total = total + 0.5 * step.square().sum(axes)
    return total


def sample(n: int, L: int, d: int, *, mass2: float, rng: torch.Generator, boundary: str = "periodic") -> Tensor:
    """n independent fields (n, L, ..., L), exact at every L: white noise coloured by 1 / sqrt(p^2 + mass2).

    float64 on the device of rng.  Raises `ValueError` for n < 1 or mass2 <= 0, whose
    zero mode has no normalisable weight, and as `momentum_squared`.
    """
    given.whole("n", n, least=1, why="a batch holds at least one field")
    given.generator(rng)
    _refuse_sides(L, d)
    white = torch.randn((n,) + (L,) * d, generator=rng, device=rng.device, dtype=torch.float64)
    amplitude = _positive(mass2, momentum_squared(L, d, boundary=boundary, device=rng.device)).rsqrt()
    if _is_periodic(boundary):
        axes = tuple(range(1, d + 1))
        half = amplitude[..., : L // 2 + 1]  # phi is real: half of the last axis determines the rest
        return torch.fft.irfftn(torch.fft.rfftn(white, dim=axes) * half, s=(L,) * d, dim=axes)
    modes = open_modes(L, device=rng.device)
    return _along_every_axis(white * amplitude, modes)


def open_modes(L: int, *, device: torch.device | str | None = None) -> Tensor:
    """The orthonormal modes of an open chain, (L, L): row k is c_k cos(pi k (x + 1/2) / L), with p^2 = 4 sin^2(pi k /
    2L).  Raises as `momentum_squared`."""
    _refuse_sides(L, 1)
    k = torch.arange(L, device=device, dtype=torch.float64)
    modes = torch.cos(math.pi / L * k[:, None] * (k + 0.5)) * math.sqrt(2 / L)
    modes[0] = math.sqrt(1 / L)
    return modes


def matrix(L: int, d: int, *, mass2: float, boundary: str = "periodic") -> Tensor:
    """The matrix M of the action, S = 1/2 phi^T M phi, (L**d, L**d) over sites in row-major order, from its links.

    Its inverse is the propagator: the way to the truth that knows nothing of Fourier modes; L**d up to a few thousand.
    Any real mass2; raises as `momentum_squared`.
    """
    _refuse_sides(L, d)
    given.number("mass2", mass2, why="an action is a real number")
    steps = torch.eye(L, dtype=torch.float64).roll(1, 1) - torch.eye(L, dtype=torch.float64)
    steps = steps if _is_periodic(boundary) else steps[: L - 1]
    links, total = steps.T @ steps, torch.zeros(1, 1, dtype=torch.float64)
    for _ in range(d):
        total = torch.kron(total, torch.eye(L, dtype=torch.float64)) + torch.kron(torch.eye(len(total)).double(), links)
    return total + mass2 * torch.eye(L**d, dtype=torch.float64)


def structure_factor(phi: Tensor) -> Tensor:
    """|phi_p|^2 / V of each field, (n, L, ..., L) in the order of `torch.fft.fftn`; its mean is the propagator's
    Fourier transform.

    By FFT, in V ln V steps where the sum over pairs of sites takes V^2.  Raises as `action`.
    """
    axes = _axes(phi)
    return torch.fft.fftn(phi, dim=axes).abs().square() / math.prod(phi.shape[1:])


def correlator(phi: Tensor) -> Tensor:
    """phi(y) phi(y + x) averaged over all y, of each field: (n, L, ..., L); its mean is the propagator G(x).
    Raises as `action`."""
    return torch.fft.ifftn(structure_factor(phi), dim=_axes(phi)).real


def timeslice_correlator(phi: Tensor) -> Tensor:
    """C(t) of each field, (n, L): correlator of the field averaged over all axes but the first; decays as cosh of the
    mass gap.  Raises as `action`."""
    _axes(phi)
    slices = phi.reshape(*phi.shape[:2], -1)
    return correlator(slices.mean(-1)) * slices.shape[-1]


def lowest_structure(phi: Tensor) -> Tensor:
    """(n, 2): the structure factor of each field at p = 0, and averaged over the d smallest momenta, for
    `second_moment_length`.  Raises as `action`, and `ValueError` for a side of one site."""
    _axes(phi)
    if 1 in phi.shape[1:]:
        raise ValueError(f"shape {tuple(phi.shape)}: one site has no momentum but zero; use fields with L >= 2.")
    d, s = phi.dim() - 1, structure_factor(phi)
    lowest = [s[(slice(None), *(1 if axis == mu else 0 for axis in range(d)))] for mu in range(d)]
    return torch.stack([s[(slice(None),) + (0,) * d], torch.stack(lowest).mean(0)], dim=1)


def second_moment_length(lowest: Tensor, L: int) -> Tensor:
    """Second-moment correlation length xi from mean structure factors (..., 2) = (S(0), S(p_min)) on side L.

    xi^2 = (S(0) / S(p_min) - 1) / p_min^2 with the lattice p_min^2 = 4 sin^2(pi / L): exactly 1/m for the free field
    at every L (Cooper, Freedman and Preston 1982).  NaN where S(0) < S(p_min): no length there.  Raises `ValueError`
    for L < 2.
    """
    given.whole("L", L, least=2, why="the second moment needs a non-zero momentum")
    lowest = given.floats(lowest)
    if lowest.shape[-1:] != (2,):
        raise ValueError(f"shape {tuple(lowest.shape)}: expected (..., 2) from the mean of `lowest_structure`.")
    return torch.sqrt((lowest[..., 0] / lowest[..., 1] - 1) / (4 * math.sin(math.pi / L) ** 2))


def _axes(phi: Tensor) -> tuple[int, ...]:
    given.fields(phi)
    return tuple(range(1, phi.dim()))


def _refuse_sides(L: int, d: int) -> None:
    given.whole("L", L, least=1, why="a lattice has at least one site a side")
    given.whole("d", d, least=1, why="a lattice has at least one dimension")


def _is_periodic(boundary: str) -> bool:
    if boundary not in ("periodic", "open"):
        raise ValueError(f'boundary = "{boundary}": a lattice ends "open" or closes on itself, "periodic".')
    return boundary == "periodic"


def _positive(mass2: float, p2: Tensor) -> Tensor:
    given.positive("mass2", mass2, why="a massless free field has no normalisable zero mode")
    return p2 + mass2


def _along_every_axis(phi: Tensor, modes: Tensor) -> Tensor:
    """Synthesis: contract the mode index of every axis of phi (n, k, ..., k) with modes (k, x)."""
    for _ in range(phi.dim() - 1):
        phi = torch.tensordot(phi, modes, dims=([1], [0]))  # the new axis goes last: d turns restore the order
    return phi


if not TYPE_CHECKING:
    __getattr__ = moved.names(__name__)
