r"""What if you move the bonds out of the way first?  Migdal and Kadanoff's recursion, and where it is exact.

    decimate b bonds in series, then lay b^(d-1) of them side by side:     K' = b^(d-1) artanh(tanh^b K)

On a d-dimensional lattice this is a guess; on the DIAMOND lattice, in which every bond of a generation is replaced by
b^(d-1) strings of b bonds, it is the truth, field and constant included, and `brute_force` says so.  A field h sits on
the bonds, half of it at either end, so a site of degree z feels z h / 2.  The limit b -> 1 is a differential equation,
dK/dl = (d - 1) K + 1/2 sinh 2K ln tanh K, whose fixed point in d = 2 is K_c itself.
Sources: Migdal 1976; Kadanoff 1976; Berker and Ostlund 1979.
"""

from __future__ import annotations

import math

import torch
from scipy import optimize
from torch import Tensor

from fieldkit import given
from fieldkit.rg import decimation, maps


def recursion(K: Tensor | float, *, b: float, d: float, move_first: bool = False) -> Tensor:
    """K' (...) from K (...) >= 0 at h = 0; any b > 1 and d > 1, whole or not.  A whole b takes K < 0 too.

    move_first: b^(d-1) bonds side by side, then b in series; the same flow seen half a step later, so the fixed point
    is K* / b^(d-1) and the exponents are the same.
    """
    K, moved = given.doubles(K), maps.scale(b) ** (_dimension(d) - 1)
    if b != round(b) and bool((K < 0).any()):
        raise ValueError(f"K = {float(K.min())}, b = {b}: tanh^b K of a negative coupling needs a whole b; choose one.")
    if move_first:
        return _series(moved * K, b)
    return moved * _series(K, b)


def recursion_with_field(K: Tensor | float, h: Tensor | float, *, b: int, d: float) -> tuple[Tensor, Tensor, Tensor]:
    """(K', h', g) per bond, whole b: `decimation.decimate`, all three times b^(d-1); fields move with their bonds."""
    moved = maps.scale(b) ** (_dimension(d) - 1)
    new_K, new_h, g = decimation.decimate(K, h, b=b)
    return moved * new_K, moved * new_h, moved * g


def beta(K: Tensor | float, *, d: float) -> Tensor:
    """dK/dl of the limit b -> 1: (d - 1) K + 1/2 sinh 2K ln tanh K, for K >= 0; any d > 1.

    Raises `ValueError` for K < 0.
    """
    K = given.doubles(K)
    if bool((K < 0).any()):
        raise ValueError(f"K = {float(K.min())}: b -> 1 has no power of a negative tanh K; choose K >= 0.")
    near = 0.5 * torch.sinh(2 * K.clamp(1e-300, 1)) * decimation.log_tanh(K.clamp(1e-300, 1))
    x = torch.exp(-2 * K.clamp(0.25, 300))
    far = -0.5 * (1 - x.square()) * torch.atanh(x) / x
    return (_dimension(d) - 1) * K + torch.where(K < 0.5, near, far)


def fixed_point(*, b: float, d: float, move_first: bool = False) -> float:
    """K* > 0, unstable, to rounding, however near b is to 1; b = 1 is the differential equation.  Raises `ValueError`
    for d <= 1, b < 1 and where b^(d-1) leaves the range of numbers."""
    _dimension(d)
    given.positive("b", b, why="b bonds lie in series")
    if b < 1 or (d - 1) * math.log(b) > 600 or d > 300:
        raise ValueError(f"b = {b}, d = {d}: a step looks from further away; choose b >= 1, and b^(d-1) below e^600.")

    def change(log_K: float) -> float:  # ln K'/K
        K = torch.tensor(math.exp(log_K), dtype=torch.float64)
        if b == 1:
            return float(beta(K, d=d) / K)
        log = decimation.log_tanh(K)
        # what b bonds in series lose, by the addition theorem: no difference of near equals, where b is near 1
        off = float(torch.atanh(torch.exp(log) * torch.expm1((b - 1) * log) / -torch.expm1((b + 1) * log)) / K)
        if off > -0.5:
            weaker = math.log1p(off)
        else:
            weaker = (float(_series(K, b).log()) if float(b * log) > -700 else float(b * log)) - log_K
        return (d - 1) * math.log1p(b - 1) + weaker

    top = math.log(2.0 + 3.0 / (d - 1) + math.log(b))
    root = math.exp(optimize.brentq(change, -1.2 * d - 3, top, xtol=1e-15, rtol=1e-15, maxiter=300))
    return root / (b ** (d - 1) if move_first else 1)


def thermal_exponent(*, b: float, d: float) -> float:
    """y_T = ln(dK'/dK) / ln b at K*, or beta'(K*) for b = 1; nu = 1 / y_T.

    dK'/dK = b^d sinh 2S / sinh 2K* with S = K* / b^(d-1) what b bonds in series are worth."""
    K = torch.tensor(fixed_point(b=b, d=d), dtype=torch.float64, requires_grad=True)
    if b == 1:
        return float(torch.autograd.grad(beta(K, d=d), K)[0])
    size = K.item()
    share = math.expm1(-(d - 1) * math.log1p(b - 1))  # S / K* - 1
    if share < -0.5:
        series = size * (1 + share) if share > -1 + 1e-3 else size * math.exp(-(d - 1) * math.log(b))
        return d + (_log_sinh(2 * series) - _log_sinh(2 * size)) / math.log(b)
    off = size * share
    ratio = math.exp(off) * math.sinh(off) * (1 + math.exp(-4 * size - 2 * off)) / (-math.expm1(-4 * size) / 2)
    return d + math.log1p(ratio) / math.log1p(b - 1)


def field_exponent(*, b: int, d: float) -> float:
    """y_h = ln(dh'/dh) / ln b at K*, h = 0, whole b."""
    h = torch.zeros((), dtype=torch.float64, requires_grad=True)
    slope = torch.autograd.grad(recursion_with_field(fixed_point(b=b, d=d), h, b=b, d=d)[1], h)[0]
    return math.log(float(slope)) / math.log(b)


def log_partition(generation: int, *, K: float, h: float = 0.0, b: int, d: int) -> float:
    """ln Z of the diamond lattice of this generation (0: one bond), summed along the flow, exact.

    A generation multiplies the number of bonds by b^d; each step collects g of all the bonds that are left.
    """
    given.whole("generation", generation, least=0, why="generation 0 is a single bond")
    for name, value in (("K", K), ("h", h)):
        given.number(name, value, why="a bond has finite couplings")
    if d * generation * math.log10(maps.scale(b)) > 300:
        raise ValueError(f"generation = {generation}: the number of bonds, and ln Z, leave the range of numbers.")
    k, field, total = given.doubles(K), given.doubles(h), 0.0
    for left in range(generation - 1, -1, -1):
        k, field, g = recursion_with_field(k, field, b=b, d=d)
        total += float(g) * float(b) ** (d * left)
    ends = torch.stack([k + field, -k, -k, k - field])
    return total + float(ends.logsumexp(0))


def diamond(generation: int, *, b: int, d: int) -> tuple[Tensor, int]:
    """Its bonds (b^(d generation), 2) as pairs of site numbers, and how many sites there are; sites 0 and 1 are the
    ends."""
    given.whole("generation", generation, least=0, why="generation 0 is a single bond")
    given.whole("b", b, least=2, why="a string has at least two bonds")
    given.whole("d", d, least=2, why="in d = 1 nothing lies side by side: that is `decimation`")
    if d * generation * math.log2(b) > 24:
        raise ValueError(f"generation = {generation}: that are {b}^{d * generation} bonds; choose 2^24 at most.")
    bonds, n_sites = [(0, 1)], 2
    for _ in range(generation):
        finer = []
        for start, end in bonds:
            for _ in range(b ** (d - 1)):
                string = [start, *range(n_sites, n_sites + b - 1), end]
                n_sites += b - 1
                finer += list(zip(string[:-1], string[1:]))
        bonds = finer
    return torch.tensor(bonds), n_sites


def brute_force(bonds: Tensor, n_sites: int, *, K: float, h: float = 0.0) -> float:
    """ln Z of any graph by all 2^n states, n <= 20, each bond exp(K s s' + h (s + s') / 2)."""
    given.whole("n_sites", n_sites, least=1, why="a graph has sites")
    if n_sites > 20:
        raise ValueError(f"{n_sites} sites have 2^{n_sites} states; sum over 20 sites at most (generation 2 at b = 2).")
    s = ((torch.arange(2**n_sites) >> torch.arange(n_sites)[:, None]) & 1).to(torch.int8) * 2 - 1  # one row a site
    aligned, field = torch.zeros(2**n_sites, dtype=torch.int16), torch.zeros(2**n_sites, dtype=torch.int16)
    for one, other in bonds.tolist():
        aligned += s[one] * s[other]
        field += s[one] + s[other]
    return float((K * aligned.double() + h / 2 * field.double()).logsumexp(0))


def heat_bath(
    generation: int,
    K: Tensor | float,
    *,
    b: int,
    d: int,
    n: int,
    n_sweeps: int,
    rng: torch.Generator,
    n_burn: int = 200,
) -> tuple[Tensor, Tensor]:
    """Spins (n_sweeps, k, n, sites) int8 of n diamond lattices at each K (k,), h = 0, and their bonds (m, 2).

    From random spins, n_burn sweeps thrown away.  Bonds join sites at odd and even distance from site 0, so each half
    is drawn at once given the other.  Nothing here knows of the recursion.
    """
    given.whole("n", n, least=1, why="so many lattices")
    given.whole("n_burn", n_burn, least=0, why="so many sweeps are thrown away")
    given.whole("n_sweeps", n_sweeps, least=1, why="a run has sweeps")
    bonds, n_sites = diamond(generation, b=b, d=d)
    K = given.doubles(K).reshape(-1, 1, 1).to(rng.device, torch.float32)
    joined = torch.zeros(n_sites, n_sites, device=rng.device)
    for one, other in bonds.tolist():
        joined[one, other] += 1
        joined[other, one] += 1
    odd = torch.zeros(n_sites, dtype=torch.bool, device=rng.device)
    seen = torch.arange(n_sites, device=rng.device) == 0
    while not bool(seen.all()):
        reached = (joined[seen].sum(0) > 0) & ~seen  # a neighbour of what was seen lies on the other side
        odd[reached] = (joined[seen & ~odd].sum(0) > 0)[reached]
        seen = seen | reached
    s = torch.randint(2, (len(K), n, n_sites), generator=rng, device=rng.device).float() * 2 - 1
    kept = torch.empty(n_sweeps, *s.shape, dtype=torch.int8, device=rng.device)
    for sweep in range(-n_burn, n_sweeps):
        for side in (odd, ~odd):
            up = torch.sigmoid(2 * K * (s @ joined[:, side]))
            s[..., side] = (torch.rand(up.shape, generator=rng, device=rng.device) < up).float() * 2 - 1
        if sweep >= 0:
            kept[sweep] = s
    return kept, bonds


def _log_sinh(x: float) -> float:
    return x + math.log(-math.expm1(-2 * x) / 2)


def _series(K: Tensor, b: float) -> Tensor:
    """artanh(tanh^b K), of either sign; where tanh^b K is nearly 0 or 1 no digit is lost."""
    size = K.abs()
    log = b * decimation.log_tanh(size.clamp(1e-300, 100))
    q = -torch.expm1(log)  # 1 - tanh^b K
    weak, strong = torch.atanh(log.exp().clamp(max=0.5)), 0.5 * (torch.log(2 - q) - q.log())
    found = torch.where(log < -1, weak, torch.where(size > 100, size - 0.5 * math.log(b), strong))
    return found if b != round(b) or round(b) % 2 == 0 else torch.where(K < 0, -found, found)


def _dimension(d: float) -> float:
    given.positive("d", d, why="bonds lie side by side in d - 1 directions")
    if not d > 1:
        raise ValueError(f"d = {d}: in one dimension there is no bond to move, and no K*; choose d > 1.")
    return float(d)
