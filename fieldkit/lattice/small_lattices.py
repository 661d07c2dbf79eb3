"""What is the truth on a lattice small enough to integrate?  Exact phi^4 on rings and on L x L tori, L = 2, 3, 4.

    Z = int prod_x dphi_x exp(-S) = Tr T^N (ring),        Z = Tr M^L (torus), M the transfer matrix of a row of L sites.

Ring: T(x, y) = exp(-V(x)/2 - (x - y)^2/2 - V(y)/2) on equally spaced field values, where the trapezoid rule converges
faster than any power.  Torus: every bond carries exp(-V(x)/4 - (x - y)^2/2 - V(y)/4) = sum_a f_a(x) f_a(y)
(eigenvectors of this kernel), each site becomes the tensor int dx f_a f_b f_c f_d, and Z is their contraction over
the bonds.  A rotation of the bond index to the principal axes of that tensor (Xie et al. 2012) makes the weights of
its values fall fast; row states whose product of weights is below `tolerance` are left out.  What this loses is
tested against smaller tolerances, direct quadrature and, at coupling 0, the free field; the Schwinger-Dyson identity
shows it in every result.  Everything is float64 on the CPU.

Sources: Creutz and Freedman 1981 (ring and transfer matrix); Xie et al. 2012 (higher-order SVD of a site tensor).
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import phi4

_NODES = 201  # field values, or more where they would lie too far apart (`_field_values`)
_MOST_NODES = 2001  # a second or two
_MOST_BOND_VALUES = 80  # their fourth power is stored: 0.3 GB
_LARGEST = 4000  # row states: 0.5 GB and about ten seconds


@dataclasses.dataclass(frozen=True)
class Exact:
    """Exact expectation values; V is the number of sites.

    lnZ with measure prod dphi; phi2 = <phi^2>; phi4 = <phi^4>; nn = <phi(x) phi(x + mu)>; chi = V <M^2>, M the mean
    of the field over the lattice; S = <action>.
    """

    lnZ: float
    phi2: float
    phi4: float
    nn: float
    chi: float
    S: float


@dataclasses.dataclass(frozen=True)
class Ring(Exact):
    """The ring adds correlator (N,), <phi(0) phi(t)> at t = 0, ..., N - 1, and gap, its decay rate when N -> oo."""

    correlator: Tensor
    gap: float


def ring(theory: phi4.Phi4, N: int) -> Ring:
    """Exact results on a periodic ring of N >= 2 sites (d = 1), to about 13 digits.

    With eigenvalues l_i of T and matrix elements x_ij of the field: lnZ = ln sum_i l_i^N and
    <phi(0) phi(t)> = sum_ij l_i^(N - t) |x_ij|^2 l_j^t / Z.  The digits of the gap are absolute: that of a deep double
    well drowns in them.  Raises ValueError for N < 2 and where 2001 field values are too few, as for a nearly free
    field with mass2 below 0.0005.
    """
    given.whole("N", N, least=2, why="a ring needs at least two sites")
    x, h, weight, floor = _field_values(theory, d=1)
    kernel = h * weight.sqrt()[:, None] * torch.exp(-0.5 * (x[:, None] - x) ** 2) * weight.sqrt()
    eigenvalues, states = torch.linalg.eigh(kernel)
    levels = eigenvalues.clamp(min=0) / eigenvalues[-1]
    z = (levels**N).sum()
    moment = {k: states.T @ (x[:, None] ** k * states) for k in (1, 2, 4)}
    phi2, phi4_ = (float((levels**N * moment[k].diagonal()).sum() / z) for k in (2, 4))
    correlator = torch.stack([levels ** (N - t) @ moment[1] ** 2 @ levels**t / z for t in range(N)])
    lnZ = N * (math.log(float(eigenvalues[-1])) - floor) + math.log(float(z))
    return Ring(
        lnZ, phi2, phi4_, float(correlator[1]), float(correlator.sum()),
        _action(theory, 1, N, phi2, phi4_, float(correlator[1])), correlator, -math.log(float(levels[-2])),
    )  # fmt: skip


def torus(theory: phi4.Phi4, L: int, *, tolerance: float | None = None) -> Exact:
    """Exact results on the periodic L x L lattice, L = 2, 3 or 4, to about 1e-11; some seconds at L = 4.

    tolerance: 1e-10, 1e-7, 3e-6 at L = 2, 3, 4 if not given; 1e-4 keeps 8 digits in a fraction of the time.  Raises
    ValueError for another L, a tolerance outside 0...1, and where the truncation would need more than 4000 row states:
    a field that is light and weakly coupled swings too far for this method on L = 4.
    """
    given.whole("L", L, least=2, why="the exact torus covers L = 2, 3, 4")
    if L > 4:
        raise ValueError(f"L = {L}: the exact torus covers L = 2, 3, 4; beyond, use Monte Carlo (`hmc`).")
    tolerance = {2: 1e-10, 3: 1e-7, 4: 3e-6}[L] if tolerance is None else tolerance
    if not 0 < tolerance < 1:
        raise ValueError(
            f"tolerance = {tolerance}: the part of the weights to leave out lies between 0 and 1; try 1e-4."
        )
    sites, weights, floor = _site_tensors(theory, tolerance)
    _refuse_large(weights, L, tolerance)

    def row(*powers: int) -> Tensor:
        return _row([sites[k] for k in powers], weights, tolerance)

    rest = (0,) * (L - 2)
    M, X = row(0, 0, *rest), row(1, 0, *rest)
    powers = [torch.eye(len(M), dtype=M.dtype), M]
    for _ in range(L - 2):
        powers.append(powers[-1] @ M)
    z = _trace(powers[L - 1], M)
    phi2, phi4_, nn = (_trace(powers[L - 1], row(*k, *rest)) / z for k in ((2, 0), (4, 0), (1, 1)))
    same_row = phi2 + 2 * nn * (L > 2) + nn * (L == 2)
    if L == 4:  # the site opposite in the same row
        same_row += _trace(powers[L - 1], row(1, 0, 1, 0)) / z
    whole = torch.stack([X[turn][:, turn] for turn in _translations(weights, L, tolerance)]).sum(0)
    chi = same_row + _trace(powers[L - 2] @ X, whole) / z * (1 if L == 2 else 2)  # rows next to the first one
    if L == 4:  # and the opposite row
        chi += _trace(M @ X, M @ whole) / z
    return Exact(math.log(z) - L * L * floor, phi2, phi4_, nn, chi, _action(theory, 2, L * L, phi2, phi4_, nn))


def _field_values(theory: phi4.Phi4, *, d: int) -> tuple[Tensor, float, Tensor, float]:
    """Field values, their spacing, weights exp(-(V - floor)), the floor of V: weights are exp(-40) at the ends.

    Near its minima exp(-S) is a Gaussian of curvature k = 2d + V'', which the trapezoid rule with spacing h misses by
    exp(-2 pi^2 / (k h^2)): h <= 0.6 / sqrt(k) keeps every digit.
    """
    if not isinstance(theory, phi4.Phi4):
        raise TypeError(f"theory = {theory!r}: expected a theory such as phi4.Phi4(mass2=-1.0, coupling=0.5).")
    double_well = theory.mass2 < 0
    floor = -(theory.mass2**2) / (16 * theory.coupling) if double_well else 0.0
    # 40 = coupling s^2 + mass2 s / 2 - floor with s = phi^2, in a form without cancellation
    rise, slope = 40.0 + floor if not double_well else 40.0, theory.mass2 / 2
    if double_well:
        square = -slope / (2 * theory.coupling) + math.sqrt(rise / theory.coupling)
    else:
        square = 2 * rise / (slope + math.sqrt(slope**2 + 4 * theory.coupling * rise))
    reach, curvature = math.sqrt(square), 2 * d + max(theory.mass2, -2 * theory.mass2)
    nodes = max(_NODES, 2 * math.ceil(reach * math.sqrt(curvature) / 0.6) + 1)
    if nodes > _MOST_NODES:
        raise ValueError(
            f"mass2 = {theory.mass2}, coupling = {theory.coupling}: the field swings to {reach:.3g}, and its sharpest "
            f"structure would take {nodes} field values; {_MOST_NODES} is the limit, so choose a heavier field or a "
            "shallower double well."
        )
    x = torch.linspace(-reach, reach, nodes, dtype=torch.float64)
    return x, float(x[1] - x[0]), torch.exp(floor - theory.potential(x)), floor


def _site_tensors(theory: phi4.Phi4, tolerance: float) -> tuple[dict[int, Tensor], Tensor, float]:
    """int dx x^k f_a f_b f_c f_d for k = 0, 1, 2, 4, each (chi, chi, chi, chi); the weights of bond values (chi,)."""
    x, h, weight, floor = _field_values(theory, d=2)
    quarter = weight**0.25
    kernel = h * quarter[:, None] * torch.exp(-0.5 * (x[:, None] - x) ** 2) * quarter
    eigenvalues, states = torch.linalg.eigh(kernel)
    kept = eigenvalues > 1e-13 * eigenvalues[-1]
    if int(kept.sum()) > _MOST_BOND_VALUES:
        raise _too_large("torus", tolerance)
    f = states[:, kept] * (eigenvalues[kept] / h).sqrt()
    pairs = (f[:, :, None] * f[:, None, :]).flatten(1)
    site = (h * pairs.T @ pairs).reshape(f.shape[1], -1)
    axes, spread, _ = torch.linalg.svd(site, full_matrices=False)
    f = f @ axes[:, spread > tolerance * spread[0]]
    chi = f.shape[1]
    pairs = (f[:, :, None] * f[:, None, :]).flatten(1)
    sites = {k: (h * (pairs.T * x**k) @ pairs).reshape((chi,) * 4) for k in (0, 1, 2, 4)}
    return sites, spread[:chi] / spread[0], floor


def _row(sites: list[Tensor], weights: Tensor, tolerance: float) -> Tensor:
    """One row, its horizontal bonds summed around the ring: (states, states) from the bonds below to the bonds above.

    The left and the right half are built site by site, then closed into a ring by one matrix product.
    """
    middle = (len(sites) + 1) // 2
    halves = [_open_row(part, weights, tolerance) for part in (sites[:middle], sites[middle:])]
    (left, left_weights), (right, right_weights) = halves
    i, j = _heavy(left_weights, right_weights, tolerance)
    a, b = len(left), len(right)
    ring_closed = left.reshape(a * a, -1) @ right.transpose(2, 3).reshape(b * b, -1).T
    return ring_closed.reshape(a, a, b, b)[i[:, None], i, j[:, None], j]


def _open_row(sites: list[Tensor], weights: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
    """(below, above, left bond, right bond) of a chain of sites, and the weights of its states."""
    chain, heavy = sites[0], weights
    for site in sites[1:]:
        i, j = _heavy(heavy, weights, tolerance)
        both = torch.einsum("pqcd,abde->paqbce", chain, site)
        chain, heavy = both[i[:, None], j[:, None], i, j], heavy[i] * weights[j]
    return chain, heavy


def _heavy(left: Tensor, right: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
    """Index pairs whose product of weights exceeds the tolerance (by a hair: permuted products round differently)."""
    i, j = torch.nonzero(left[:, None] * right > tolerance * (1 + 1e-9), as_tuple=True)
    return i, j


def _translations(weights: Tensor, L: int, tolerance: float) -> list[Tensor]:
    """How the L translations along the row permute its states: L index vectors."""
    states = [torch.arange(len(weights))[:, None], torch.arange(len(weights))[:, None]]
    heavy = [weights, weights]
    for half, length in enumerate(((L + 1) // 2, L // 2)):
        for _ in range(length - 1):
            i, j = _heavy(heavy[half], weights, tolerance)
            states[half] = torch.cat([states[half][i], j[:, None]], dim=1)
            heavy[half] = heavy[half][i] * weights[j]
    i, j = _heavy(heavy[0], heavy[1], tolerance)
    labels = torch.cat([states[0][i], states[1][j]], dim=1)
    digits = len(weights) ** torch.arange(L)
    order = (labels @ digits).argsort()
    return [order[torch.searchsorted((labels @ digits)[order], labels.roll(s, dims=1) @ digits)] for s in range(L)]


def _refuse_large(weights: Tensor, L: int, tolerance: float) -> None:
    states = weights
    for _ in range(L - 1):
        i, j = _heavy(states, weights, tolerance)
        states = states[i] * weights[j]
        if len(states) > _LARGEST:
            raise _too_large(f"L = {L} torus", tolerance)


def _too_large(what: str, tolerance: float) -> ValueError:
    return ValueError(
        f"the exact {what} would keep more than {_LARGEST} row states for this light, weakly coupled field; use a "
        f"smaller L, a larger mass2 or coupling, or tolerance > {tolerance:g}."
    )


def _trace(a: Tensor, b: Tensor) -> float:
    return float((a * b.T).sum())


def _action(theory: phi4.Phi4, d: int, volume: int, phi2: float, phi4_: float, nn: float) -> float:
    return volume * ((d + theory.mass2 / 2) * phi2 + theory.coupling * phi4_ - d * nn)
