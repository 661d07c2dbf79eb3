r"""What happens to a free field when it is blocked?  Aliases add up, the mass grows by b^2, an action becomes perfect.

    phi'(X) = b^((d-2)/2) mean of phi over the block X,
    G'(P) = b^-2 sum over the b^d aliases p = (P + 2 pi l) / b of   prod_mu [sin(P_mu / 2) / (b sin(p_mu / 2))]^2 G(p)

exactly, b^((d-2)/2) being the dimension of a free field.  Repeated at mass 0 (mass b^-n m2 at the start) G tends to

    G*(P) = sum over all l in Z^d  prod_mu [2 sin(P_mu/2) / q_mu]^2 / (q^2 + m2),     q = P + 2 pi l

the blocked CONTINUUM: the perfect propagator, a lattice field without a lattice artefact.  The approach is as b^(-2n),
the exponent -2 of (d^2 phi)^2.  The sum is done as int dt exp(-t m2) prod_mu F(t, P_mu), F(t, P) = sum_l exp(-t q^2)
[2 sin(P/2)/q]^2, which Poisson's formula gives to all digits at small t; any d at the price of one dimension.
Sources: Bell and Wilson 1974; Bietenholz and Wiese 1996.  S = 1/2 sum (d phi)^2 + 1/2 mass2 phi^2, spectra in the
order of `torch.fft.fftn` and per volume, as in `lattice.free`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation.gaussian import legendre


def dimension(d: int) -> float:
    """(d - 2) / 2, by which a free field scales: blocks are multiplied by b^dimension."""
    given.positive("d", d, why="a field lives in some dimension")
    return (d - 2) / 2


def exponent(n: int, *, d: int, derivatives: int = 0) -> float:
    """y of phi^n with so many derivatives at the Gaussian fixed point, d - n (d - 2) / 2 - derivatives.

    >>> exponent(2, d=3), exponent(4, d=3), exponent(4, d=4), exponent(2, d=3, derivatives=4)
    (2.0, 1.0, 0.0, -2.0)
    """
    given.whole("n", n, least=1, why="an operator has at least one field")
    given.positive("d", d, why="a field lives in some dimension")
    given.whole("derivatives", derivatives, least=0, why="derivatives are counted")
    return d - n * dimension(d) - derivatives


def block_spectrum(spectrum: Tensor, *, b: int = 2, field_dimension: float | None = None) -> Tensor:
    """Spectrum of the block means times b^field_dimension, (L/b, ..., L/b), from that of the sites, (L, ..., L).

    field_dimension: (d - 2) / 2 if not given; 0 is a plain average.  Raises `ValueError` unless b divides L.
    """
    spectrum = given.floats(spectrum)
    d, L = spectrum.dim(), _divided(spectrum, b)
    if field_dimension is not None:
        given.number("field_dimension", field_dimension, why="blocks are multiplied by this power of b")
    half = torch.arange(L, dtype=torch.float64, device=spectrum.device) * (math.pi / L)
    ratio = torch.sin(b * half) / (b * torch.sin(half))
    weight = torch.where(half == 0, 1.0, ratio).square()
    power = 2 * (dimension(d) if field_dimension is None else field_dimension)
    for axis in range(d):
        shape = [1] * d
        shape[axis] = L
        spectrum = spectrum * weight.reshape(shape)
        spectrum = spectrum.unflatten(axis, (b, L // b)).sum(axis)
    return spectrum * float(b) ** (power - d)


def stride_spectrum(spectrum: Tensor, *, b: int = 2) -> Tensor:
    """Spectrum of every b-th site, (L/b, ..., L/b): all aliases alike, b^-d times their sum."""
    spectrum = given.floats(spectrum)
    L = _divided(spectrum, b)
    for axis in range(spectrum.dim()):
        spectrum = spectrum.unflatten(axis, (b, L // b)).sum(axis)
    return spectrum * float(b) ** -spectrum.dim()


def blocked(p: Tensor, n_steps: int, *, mass2: float = 0.0, b: int = 2) -> Tensor:
    """G after n_steps block averages of the nearest-neighbour action at mass2 b^(-2 n_steps), at momenta p (..., d).

    So mass2 is the mass that the blocked field has at the end; memory grows as b^(d n_steps).  Raises `ValueError` for
    mass2 < 0 and momenta that are not finite, here and below, and for more than 2^27 aliases.
    """
    given.whole("n_steps", n_steps, least=0, why="a field is blocked so many times")
    given.whole("b", b, least=2, why="a block is larger than a site")
    p, mass2 = _momenta(p), _mass(mass2)
    d = p.shape[-1]
    if d * n_steps * math.log2(b) + math.log2(max(1, p.numel() // d)) > 27:
        raise ValueError(
            f"n_steps = {n_steps}, b = {b}, d = {d}: each momentum has {b}^{d * n_steps} aliases; take fewer steps, "
            "or `perfect`, to which they lead."
        )
    B = b**n_steps
    l = torch.arange(B, dtype=torch.float64, device=p.device)
    q = (p[..., None] + 2 * math.pi * (l - (B - 1) // 2)) / B  # (..., d, B)
    sine = torch.sin(q / 2)
    weight = torch.where(sine.abs() < 1e-14, 1.0, torch.sin(p[..., None] / 2) / (B * sine)).square()
    square, product = torch.zeros_like(p[..., 0]), torch.ones_like(p[..., 0])
    for mu in range(d):
        square = square[..., None] + 4 * sine[..., mu, :].square().reshape(*p.shape[:-1], *[1] * mu, B)
        product = product[..., None] * weight[..., mu, :].reshape(*p.shape[:-1], *[1] * mu, B)
    terms = product / (square + mass2 / B**2)
    return terms.flatten(p.dim() - 1).sum(-1) / B**2


def perfect(p: Tensor, *, mass2: float = 0.0) -> Tensor:
    """The perfect propagator G* at momenta p (..., d), any d >= 1, to 1e-13; infinite at p = 0, mass2 = 0."""
    p, mass2 = _momenta(p), _mass(mass2)
    if p.numel() == 0:
        return p[..., 0]
    folded = p - 2 * math.pi * (p / (2 * math.pi)).round()  # small momenta keep their digits
    t, w = _times(float((folded.square().sum(-1) + mass2).clamp(min=1e-300).min()), mass2)
    whole = torch.exp(-t * mass2) * torch.stack([_heat(t, x) for x in folded.unbind(-1)]).prod(0)
    value = whole @ w
    return torch.where(folded.square().sum(-1) + mass2 > 0, value, math.inf)


def perfect_chain(p: Tensor, *, mass2: float = 0.0) -> Tensor:
    """G* in d = 1 in closed form, at p (...): 1 / (4 sin^2(p/2)) - 1/6 at mass2 = 0 (Bell and Wilson 1974), and

    [1 - 4 sin^2(p/2) sinh m / (2 m (cosh m - cos p))] / m^2 with a mass, m^2 = mass2 (partial fractions), written
    so that no digit is lost at a small mass, nor a large one.
    """
    p, mass2 = given.doubles(p), _mass(mass2)
    square = 4 * torch.sin(p / 2).square()
    if mass2 == 0:
        return 1 / square - 1 / 6
    m = math.sqrt(mass2)
    if m > 50:
        return (1 - square / (2 * m)) / mass2
    whole = (2 * math.sinh(m / 2)) ** 2  # 2 (cosh m - 1)
    if m > 1:
        rest = (math.sinh(m) - m) / m**3
    else:
        rest = sum(mass2**k / math.factorial(2 * k + 3) for k in range(12))
    return (whole / mass2 - square * rest) / (whole + square)


def perfect_spectrum(L: int, d: int, *, mass2: float = 0.0) -> Tensor:
    """G* on all momenta of a torus of side L, (L, ..., L); infinite at p = 0 for mass2 = 0."""
    given.whole("L", L, least=1, why="a lattice has at least one site a side")
    given.whole("d", d, least=1, why="a lattice has at least one dimension")
    k = 2 * math.pi * torch.arange(L, dtype=torch.float64) / L
    k = torch.where(k > math.pi, k - 2 * math.pi, k)
    mass2 = _mass(mass2)
    smallest = mass2 if mass2 > 0 else float(k[1:].abs().min()) ** 2 if L > 1 else 1.0
    t, w = _times(smallest, mass2)
    factor = _heat(t, k)  # (L, nodes)
    whole = torch.exp(-t * mass2) * w
    for axis in range(d):
        whole = whole.unsqueeze(-2) * factor.reshape(*[1] * axis, L, -1)
    spectrum = whole.sum(-1)
    if mass2 == 0:
        spectrum.view(-1)[0] = math.inf
    return spectrum


def perfect_action(L: int, d: int, *, kappa: float = math.inf, mass2: float = 0.0) -> Tensor:
    """rho(x) of the perfect action 1/2 sum phi(x) rho(x - y) phi(y) on a torus of side L, (L, ..., L).

    kappa: the block mean is kept only to within a Gaussian of weight exp(-kappa/2 (phi' - mean)^2), 1/kappa more
    in G*; kappa = 6 makes d = 1 ultralocal (nearest neighbours only) and d = 2 as local as can be.
    """
    if kappa != math.inf:
        given.positive("kappa", kappa, why="the block mean is kept with a weight")
    inverse = 1 / (perfect_spectrum(L, d, mass2=mass2) + 1 / kappa)
    return torch.fft.ifftn(inverse).real


def _divided(spectrum: Tensor, b: int) -> int:
    given.whole("b", b, least=2, why="a block is larger than a site")
    L = spectrum.shape[0] if spectrum.dim() else 0
    if L == 0 or any(side != L for side in spectrum.shape) or L % b:
        raise ValueError(f"spectrum {tuple(spectrum.shape)}, b = {b}: expected (L, ..., L) with a side that b divides.")
    return L


def _mass(mass2: float) -> float:
    given.not_negative("mass2", mass2, why="a mass squared below zero has no free field")
    return float(mass2)


def _momenta(p: Tensor) -> Tensor:
    p = given.doubles(p)
    if p.dim() == 0 or p.shape[-1] == 0:
        raise ValueError(f"p {tuple(p.shape)}: momenta are (..., d); in d = 1 add the axis with p[..., None].")
    if not bool(p.isfinite().all()):
        raise ValueError("a momentum is not finite; find where it comes from.")
    return p


def _times(slowest: float, mass2: float = 0.0) -> tuple[Tensor, Tensor]:
    """Nodes and weights of int_0^oo dt for integrands that bend as sqrt(t) at 0 and decay as exp(-slowest t), those
    of a large mass within 1/mass2 of 0."""
    x, w = (torch.tensor(values, dtype=torch.float64) for values in legendre(24))
    nodes, weights = [], []  # t = u^2 up to 1/4
    halvings = max(0, math.ceil(math.log2(mass2 / 32) / 2)) if mass2 > 32 else 0
    for k in range(halvings + 1):
        low, high = (0.0 if k == halvings else 0.25 / 2**k), 0.5 / 2**k
        u = low + (high - low) * (1 + x) / 2
        nodes.append(u**2)
        weights.append((high - low) * u * w)
    n_panels = max(1, math.ceil(math.log2(max(40 / slowest / 0.25, 2.0))))
    for k in range(n_panels):
        low, high = 0.25 * 2.0**k, 0.25 * 2.0 ** (k + 1)
        nodes.append(low + (high - low) * (1 + x) / 2)
        weights.append((high - low) / 2 * w)
    return torch.cat(nodes), torch.cat(weights)


def _heat(t: Tensor, p: Tensor) -> Tensor:
    """F(t, p) = sum_l exp(-t q^2) sinc^2(q / 2 pi), q = p + 2 pi l, p in [-pi, pi]: (..., len(t)) at p (...).

    Directly for t >= 1/4; below, F = 1 - 4 sin^2(p/2) int_0^t ds sum_l exp(-s q^2) with the sum turned by Poisson into
    sum_n cos(n p) exp(-n^2 / 4s) / sqrt(4 pi s), whose integral is elementary.
    """
    t, p = t.to(p.device), p[..., None, None]
    l = torch.arange(-4, 5, dtype=torch.float64, device=p.device)
    q = p + 2 * math.pi * l  # (..., 1, l)
    direct = (torch.exp(-t[:, None] * q.square()) * torch.sinc(q / (2 * math.pi)).square()).sum(-1)
    n = torch.arange(1, 8, dtype=torch.float64, device=p.device)
    small = t.clamp(max=0.25)[:, None]
    integral = (small / math.pi).sqrt() * torch.exp(-(n**2) / (4 * small)) - n / 2 * torch.erfc(n / (2 * small.sqrt()))
    turned = (small / math.pi).sqrt()[:, 0] + 2 * (torch.cos(n * p) * integral).sum(-1)
    return torch.where(t < 0.25, 1 - 4 * torch.sin(p[..., 0] / 2).square() * turned, direct)
