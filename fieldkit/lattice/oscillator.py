"""What does the phi^4 field do in one dimension?  It is quantum mechanics there, and energies come with twelve
digits.

    H = p^2/2 + V(x),   V(x) = mass2 x^2 / 2 + coupling x^4,   hbar = 1.

Time is the only dimension.  On a lattice of spacing a the path weight is a product of transfer matrices exp(-aV/2)
exp(-a p^2/2) exp(-aV/2), whose eigenvalues are exp(-a E(a)); as a -> 0 they become the levels of H.  The symmetric
product knows only even powers of a:

    E_n(a) = E_n - (a^2/24) <n| V'(x)^2 |n> + O(a^4).

Two independent routes lead to these numbers: a grid of field values (`lattice_levels`) and a harmonic-oscillator
basis (`levels`).  Sources: Creutz and Freedman 1981 (path integral of the oscillator on a lattice); Hatano and Suzuki
2005 (error of the symmetric product).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given

LARGEST = 4000  # field values on either side of 0: 0.5 GB and some minutes


def lattice_couplings(spacing: float, *, mass2: float, coupling: float) -> tuple[float, float]:
    """(mass2, coupling) of the lattice field at unit spacing that is the oscillator at spacing a = `spacing`.

    Discretised, the Euclidean action is sum_t [ (x(t+a) - x(t))^2 / (2a) + a mass2 x^2 / 2 + a coupling x^4 ].  With
    x = sqrt(a) phi the first term is (phi(t+1) - phi(t))^2 / 2, the others carry a^2 mass2 and a^3 coupling:
    convention A of the book.  A gap measured in units of 1/spacing must be divided by `spacing`.  Raises `ValueError`
    unless spacing > 0 and the energies are bounded from below.
    """
    _checked(mass2, coupling, spacing=spacing)
    return spacing**2 * mass2, spacing**3 * coupling


def levels(k: int, *, mass2: float, coupling: float, basis: int = 160) -> Tensor:
    """The lowest k energies of H in the continuum, float64 (k,).

    H is written in the basis of a harmonic oscillator whose frequency makes <0|H|0> least, or for mass2 < 0 reaches the
    walls of the double well in x and in p alike, then diagonalised.  Truncating a basis can only raise a level; 160
    states give twelve digits for the lowest ten when mass2 is of order one.  Raises `ValueError` when the energies are
    not bounded from below, k > basis / 8 (those levels would feel the truncation), or the double well is too deep for
    the basis.
    """
    energies, _, _ = _diagonalise(mass2, coupling, basis)
    _few(k, basis // 8, f"levels that a basis of {basis} does not touch")
    return energies[:k]


def artefact_slope(*, mass2: float, coupling: float, basis: int = 160) -> float:
    """The coefficient of a^2 in the lattice gap: -(<1|V'^2|1> - <0|V'^2|0>) / 24, exact.

    Baker-Campbell-Hausdorff for the symmetric product gives H(a) = H - a^2 [V,[V,K]]/24 + a^2 [K,[K,V]]/12, K =
    p^2/2; [V,[V,K]] = -V'^2, and in an eigenstate of H the double commutator [K,[K,V]] has the expectation of
    [V,[V,K]], so that E_n moves by -a^2 <V'^2>_n / 24.  For the free field it is -m^3/24, as in 2 asinh(am/2)/a.
    """
    _, states, x = _diagonalise(mass2, coupling, basis)
    force = mass2 * x + 4 * coupling * x @ x @ x
    square = (force @ force)[:basis, :basis]
    ground, first = (states[:, n] @ square @ states[:, n] for n in (0, 1))
    return float(ground - first) / 24


def lattice_levels(k: int, spacing: float, *, mass2: float, coupling: float) -> Tensor:
    """The lowest k energies E_n(a) of the transfer matrix at spacing a = `spacing`, in the units of H, float64 (k,).

    The kernel sqrt(1/(2 pi a)) exp(-(x-y)^2/(2a) - a (V(x) + V(y))/2) stands on an equidistant grid, which for
    analytic functions converges faster than any power of the step (trapezoidal rule).  Raises `ValueError` unless
    spacing > 0 and the energies are bounded from below, and when the highest level asked for has exp(-a E) below the
    accuracy of float64.
    """
    eigenvalues, _, bottom = _transfer(spacing, mass2, coupling)
    _few(k, int((eigenvalues > 1e-13 * eigenvalues[0]).sum()), f"eigenvalues above rounding at spacing {spacing}")
    return bottom - torch.log(eigenvalues[:k]) / spacing


def gap(*, mass2: float, coupling: float) -> float:
    """E_1 - E_0 in the continuum.  Raises as `levels`, and `ValueError` where the wells are so deep that the two levels
    agree to rounding: tunnelling then needs another method."""
    energies, _, _ = _diagonalise(mass2, coupling, 160)
    return _apart(energies[1] - energies[0], energies[-1], mass2, coupling)


def lattice_gap(spacing: float, *, mass2: float, coupling: float) -> float:
    """E_1(a) - E_0(a) at lattice spacing a = `spacing`, in the units of H.  Raises as `lattice_levels` and `gap`."""
    ground, first = lattice_levels(2, spacing, mass2=mass2, coupling=coupling)
    return _apart(first - ground, 1 / torch.as_tensor(spacing), mass2, coupling)


def lattice_correlator(L: int, spacing: float, *, mass2: float, coupling: float) -> Tensor:
    """<x(0) x(t)> for t = 0, ..., L-1 on a ring of L sites a = `spacing` apart, in the units of x^2, float64 (L,).

    Tr(T^(L-t) x T^t x) / Tr T^L by the eigenvectors of the transfer matrix T: every excited state and every trip
    around the ring is in it.  Raises `ValueError` for L < 1 and as `lattice_levels`.
    """
    given.whole("L", L, least=1, why="a periodic line has at least one site")
    eigenvalues, x, _ = _transfer(spacing, mass2, coupling)
    t = torch.arange(L, dtype=torch.float64)[:, None]
    weight = (eigenvalues / eigenvalues[0]).clamp(min=0)
    return torch.einsum("tm,mn,tn->t", weight ** (L - t), x**2, weight**t) / (weight**L).sum()


def _transfer(spacing: float, mass2: float, coupling: float) -> tuple[Tensor, Tensor, float]:
    """Eigenvalues of T exp(a V_min), the largest first, the matrix of x between its eigenvectors, and V_min."""
    _checked(mass2, coupling, spacing=spacing)
    reach = _reach(mass2, coupling)
    half = math.ceil(reach / min(0.45 * math.sqrt(spacing), 0.03 * reach))
    if half > LARGEST:
        raise ValueError(
            f"spacing = {spacing}: the transfer matrix would have {2.0 * half + 1:.6g} rows, {2 * LARGEST + 1} is the "
            "limit; so near the continuum use `levels` and `artefact_slope`."
        )
    x = (reach / half) * torch.arange(-half, half + 1, dtype=torch.float64)
    V = mass2 * x**2 / 2 + coupling * x**4
    bottom = float(V.min())
    exponent = -((x[:, None] - x) ** 2) / (2 * spacing) - spacing * (V[:, None] + V - 2 * bottom) / 2
    T = torch.exp(exponent) * (reach / half) / math.sqrt(2 * math.pi * spacing)
    eigenvalues, states = torch.linalg.eigh(T)
    eigenvalues, states = eigenvalues.flip(0), states.flip(1)
    return eigenvalues, states.T @ (x[:, None] * states), bottom


def _diagonalise(mass2: float, coupling: float, basis: int) -> tuple[Tensor, Tensor, Tensor]:
    """Energies (basis,), eigenvectors as columns, and x in a larger basis, so that its powers are exact where used."""
    _checked(mass2, coupling)
    given.whole("basis", basis, least=8, why="a basis has states")
    omega = _frequency(mass2, coupling)
    if mass2 < 0:
        x_far, p_far = _walls(mass2, coupling)
        if not x_far * p_far <= 2 * basis:
            raise ValueError(
                f"mass2 = {mass2}, coupling = {coupling}: so deep a double well takes {x_far * p_far / 2 + 1:.0f} "
                f"states; give basis that many instead of {basis}."
            )
        omega = max(omega, p_far / x_far)
    raise_one = torch.sqrt(torch.arange(1, basis + 8, dtype=torch.float64))
    lower = torch.diag(raise_one, 1)
    x = (lower + lower.T) / math.sqrt(2 * omega)
    p_squared = -(omega / 2) * (lower - lower.T) @ (lower - lower.T)
    H = p_squared / 2 + mass2 * (x @ x) / 2 + coupling * (x @ x @ x @ x)
    energies, states = torch.linalg.eigh(H[:basis, :basis])
    return energies, states, x


def _apart(gap: Tensor, top: Tensor, mass2: float, coupling: float) -> float:
    """The gap, if three of its digits stand above the rounding of a matrix whose largest value is `top`."""
    if not float(gap) > 1e3 * 2.2e-16 * float(top):
        raise ValueError(
            f"mass2 = {mass2}, coupling = {coupling}: the gap, {float(gap):.1e}, drowns in the rounding of levels that "
            "agree; choose a shallower double well."
        )
    return float(gap)


def _walls(mass2: float, coupling: float) -> tuple[float, float]:
    """How far a low state of the double well reaches in x and in p: its minimum and depth, and six widths more."""
    width = (-2 * mass2) ** -0.25
    depth = mass2 * mass2 / (16 * coupling)
    return math.sqrt(-mass2 / (4 * coupling)) + 6 * width, math.sqrt(2 * depth) + 6 / width


def _frequency(mass2: float, coupling: float) -> float:
    """The largest root of omega^3 - mass2 omega - 6 coupling: the harmonic ground state of least energy."""
    unit = math.sqrt(abs(mass2)) + (6 * coupling) ** (1 / 3)  # in which no power overflows
    a, b, omega = mass2 / unit / unit, 6 * coupling / unit / unit / unit, 2.0
    for _ in range(100):  # Newton from above the largest root comes down monotonically
        omega -= (omega**3 - a * omega - b) / (3 * omega**2 - a)
    return omega * unit


def _reach(mass2: float, coupling: float) -> float:
    """The field where a low state has fallen to e^-40 by its own tail, exp(-integral of sqrt(2 (V - V_min)))."""
    bottom = -mass2 * mass2 / (16 * coupling) if mass2 < 0 else 0.0
    if not math.isfinite(bottom):
        raise ValueError(f"mass2 = {mass2}, coupling = {coupling}: so deep a double well leaves the range of numbers.")
    x = math.sqrt(-mass2 / (4 * coupling)) if mass2 < 0 else 0.0
    step, fallen = 0.02 / math.sqrt(_frequency(mass2, coupling)), 0.0
    while fallen < 40:
        x += step
        fallen += step * math.sqrt(max(2 * (mass2 * x**2 / 2 + coupling * x**4 - bottom), 0.0))
    return x


def _checked(mass2: float, coupling: float, *, spacing: float = 1.0) -> None:
    given.positive("spacing", spacing, why="a spacing is a positive length; halve it to near the continuum")
    given.number("mass2", mass2, why="the curvature of V")
    given.number("coupling", coupling, why="of x^4, 0 or more")
    if not (coupling > 0 or (coupling == 0 and mass2 > 0)):
        raise ValueError(
            f"mass2 = {mass2}, coupling = {coupling}: the energies are not bounded from below, or not discrete; "
            "choose coupling > 0, or coupling = 0 with mass2 > 0."
        )


def _few(k: int, most: int, of_what: str) -> None:
    given.whole("k", k, least=1, why="levels are counted")
    if k > most:
        raise ValueError(f"k = {k}: there are {most} {of_what}; ask for at least 1 level and no more than that.")
