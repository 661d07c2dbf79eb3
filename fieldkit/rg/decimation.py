r"""What is left of a chain when you forget every other spin?  The one-dimensional Ising model, decimated exactly.

    weight of a configuration  prod_i exp(K s_i s_{i+1} + h (s_i + s_{i+1}) / 2),     T(K, h) its 2 x 2 transfer matrix,
    T(K, h)^b = exp(g + K' s s' + h' (s + s') / 2)

is the sum over the b - 1 spins between two that are kept: a chain again, with K', h' and a constant g per kept spin.
The field is split over the two ends of each bond; without that, T^b is no transfer matrix of the same form.  At h = 0
tanh K' = tanh^b K.  In w = exp(-2 K) the map is analytic down to temperature zero: w' = b w, h' = b h there.
Everything is a tensor that broadcasts, float64, differentiable.  Source: Nelson and Fisher 1975.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given

Couplings = tuple[Tensor, Tensor, Tensor]

Y_T = 1.0
"""Exponent of w = exp(-2 K) at the fixed point of zero temperature: w' = b w."""

Y_H = 1.0
"""Exponent of the field there: h' = b h, the dimension of the chain."""


def decimate(K: Tensor | float, h: Tensor | float = 0.0, *, b: int = 2) -> Couplings:
    """(K', h', g) of the chain of every b-th spin; K, h tensors that broadcast (beta included).

    Any sign of K and h.  K' keeps its relative digits however weak the bond: exp(4 K') = 1 + det T^b / (T^b)_{+-}^2,
    and det T = 2 sinh 2K.  Raises `ValueError` for b < 2.
    """
    K, h = _pair(K, h)
    up, across, down = _log_power(K, h, b)
    determinant = (-K.sign() * torch.expm1(-4 * K.abs())) ** b  # of T^b, in units of exp(2 b |K|)
    size = 2 * b * K.abs() - 2 * across
    strong = 0.25 * (size + (determinant + torch.exp(-size)).clamp(min=1e-300).log())
    share = determinant * torch.exp(size.clamp(max=50))
    weak = 0.25 * torch.log1p(share.clamp(min=-0.5))
    new_K = torch.where(size > 50, strong, torch.where(share < -0.5, 0.25 * (up + down - 2 * across), weak))
    return new_K, 0.5 * (up - down), across + new_K


def decimate_cold(w: Tensor | float, h: Tensor | float = 0.0, *, b: int = 2) -> tuple[Tensor, Tensor]:
    """(w', h') with w = exp(-2 K) in [0, 1]: the same map in a coordinate in which zero temperature is a point.

    Its derivative at (0, 0) is b in both directions.  Analytic there, so that a search for the fixed point may overstep
    zero a little.  Raises `ValueError` for b < 2 or w < -0.01.
    """
    w, h = _pair(w, h)
    given.whole("b", b, least=2, why="a step keeps every b-th spin")
    if bool((w < -0.01).any()):
        raise ValueError(f"w = {float(w.min())}: w = exp(-2 K) is not negative; choose 0 or more.")
    near = h.clamp(-100 / b, 100 / b)
    up, across, down = torch.exp(near), w, torch.exp(-near)
    a, c, d = up, across, down
    for _ in range(b - 1):
        a, c, d = a * up + c * across, a * across + c * down, c * across + d * down
    new_w, new_h = c / (a * d).sqrt(), 0.5 * (a.log() - d.log())
    far = h.abs() > 100 / b  # the powers would overflow
    if not bool(far.any()):
        return new_w, new_h
    up, across, down = _log_power(-w.clamp(min=1e-300).log() / 2, torch.where(far, h, 100 / b), b)
    log_w = torch.where(w > 0, across - (up + down) / 2, -math.inf)
    cold = b * h  # at w = 0 nothing but the field is left
    far_h = torch.where(w > 0, (up - down) / 2, cold)
    return torch.where(far, log_w.exp(), new_w), torch.where(far, far_h, new_h)


def flow(K: Tensor | float, h: Tensor | float = 0.0, *, b: int = 2, n_steps: int) -> Couplings:
    """K, h (n_steps + 1, ...) and g (n_steps, ...): couplings after 0, 1, ... steps, constants on the way."""
    given.whole("n_steps", n_steps, least=1, why="a flow takes so many steps")
    K, h = _pair(K, h)
    Ks, hs, gs = [K], [h], []
    for _ in range(n_steps):
        K, h, g = decimate(Ks[-1], hs[-1], b=b)
        Ks.append(K)
        hs.append(h)
        gs.append(g)
    return torch.stack(Ks), torch.stack(hs), torch.stack(gs)


def free_energy(K: Tensor | float, h: Tensor | float = 0.0, *, b: int = 2, n_steps: int) -> Tensor:
    """ln Z / N of the infinite chain, summed along the flow, after 0, 1, ... n_steps steps: (n_steps + 1, ...).

    sum_m g_m / b^(m+1) + ln(2 cosh h_n) / b^n: what the forgotten spins weigh, and the last ones as if they were free.
    """
    Ks, hs, gs = flow(K, h, b=b, n_steps=n_steps)
    shape = (-1,) + (1,) * (gs.dim() - 1)
    steps = torch.arange(n_steps + 1, dtype=torch.float64, device=gs.device).reshape(shape)
    collected = torch.cat([torch.zeros_like(gs[:1]), (gs / float(b) ** (steps[:-1] + 1)).cumsum(0)])
    return collected + torch.logaddexp(hs, -hs) / float(b) ** steps


def log_partition(K: Tensor | float, h: Tensor | float = 0.0) -> Tensor:
    """ln Z / N of the infinite chain, ln of the larger eigenvalue of T (Ising 1925)."""
    K, h = _pair(K, h)
    size = h.abs()
    cosh, sinh = 0.5 * (1 + torch.exp(-2 * size)), 0.5 * -torch.expm1(-2 * size)  # times exp(size)
    apart = -2 * K - size  # ln of what the bonds add under the root, in units of exp(size)
    unit = apart.clamp(min=0)  # an antiferromagnet's own
    root = ((sinh * torch.exp(-unit)) ** 2 + torch.exp(2 * (apart - unit))).sqrt()
    return K + size + unit + torch.log(cosh * torch.exp(-unit) + root)


def correlation_length(K: Tensor | float) -> Tensor:
    """xi = -1 / ln tanh |K| at h = 0, in spacings; b times shorter after a step, exactly.  At K < 0 signs alternate."""
    return -1 / log_tanh(_pair(K, 0.0)[0].abs())


def log_tanh(K: Tensor | float) -> Tensor:
    """ln tanh K (...) for K >= 0, nan below, with all digits where tanh K is 1 to rounding: -2 artanh exp(-2 K)."""
    K = given.doubles(K)
    far = torch.exp(-2 * K.clamp(min=0.25))
    return torch.where(K < 0.5, torch.tanh(K.clamp(max=1)).log(), torch.log1p(-far) - torch.log1p(far))


def susceptibility(K: Tensor | float) -> Tensor:
    """sum_x <s_0 s_x> = exp(2 K) of the infinite chain at h = 0."""
    return torch.exp(2 * _pair(K, 0.0)[0])


def draw(n: int, L: int, *, K: float, h: float = 0.0, rng: torch.Generator) -> Tensor:
    """n independent pieces (n, L) of L neighbouring spins of the infinite chain, exact: no Markov chain in time.

    Along the chain the spins ARE a Markov chain: the first is up with chance (psi_+)^2, the next one follows with
    T(s, s') psi(s') / (l psi(s)), where l is the larger eigenvalue of T and psi its vector.  int8.
    """
    given.whole("n", n, least=1, why="so many pieces")
    given.whole("L", L, least=1, why="a piece has spins")
    for name, value in (("K", K), ("h", h)):
        given.number(name, value, why="a chain has finite couplings")
    given.generator(rng)
    tilt = 0.0  # ln psi_+ / psi_- = arsinh(e^2K sinh h)
    if h:
        log = 2 * K + abs(h) + math.log(-math.expm1(-2 * abs(h)) / 2)  # of its modulus
        tilt = math.copysign(math.log(2) + log if log > 20 else math.asinh(math.exp(log)), h)
    top = float(log_partition(K, h))
    up = torch.tensor([tilt - K, K + h], dtype=torch.float64).sub_(top).exp_().to(rng.device)  # after down, after up
    chance = torch.rand(L, n, generator=rng, device=rng.device, dtype=torch.float64)
    site = (chance[0] < 1 / (1 + math.exp(min(-2 * tilt, 700)))).long()
    spins = torch.empty(L, n, dtype=torch.int8, device=rng.device)
    spins[0] = site
    for i in range(1, L):
        site = (chance[i] < up[site]).long()
        spins[i] = site
    return (2 * spins - 1).T


def log_partition_ring(K: float, h: float, n: int) -> float:
    """ln Z of a ring of n spins by summing over all 2^n states: slow and plain on purpose, n <= 20."""
    given.whole("n", n, least=2, why="a ring has at least two spins")
    for name, value in (("K", K), ("h", h)):
        given.number(name, value, why="a ring has finite couplings")
    if n > 20:
        raise ValueError(f"n = {n}: a ring of n spins has 2^n states; sum over 20 spins at most.")
    spins = (torch.arange(2**n)[:, None] >> torch.arange(n) & 1).double() * 2 - 1
    return float((K * (spins * spins.roll(1, 1)).sum(1) + h * spins.sum(1)).logsumexp(0))


def _pair(K: Tensor | float, h: Tensor | float) -> tuple[Tensor, Tensor]:
    K, h = given.doubles(K), given.doubles(h)
    try:
        one, other = torch.broadcast_tensors(K, h)
    except RuntimeError:
        raise ValueError(f"K {tuple(K.shape)}, h {tuple(h.shape)}: the two must broadcast.") from None
    return one, other


def _log_power(K: Tensor, h: Tensor, b: int) -> tuple[Tensor, Tensor, Tensor]:
    """Logarithms of (T^b)_{++}, (T^b)_{+-}, (T^b)_{--}; T has positive entries only, so no digit is lost."""
    given.whole("b", b, least=2, why="a step keeps every b-th spin")
    up, across, down = K + h, -K, K - h
    for _ in range(b - 1):
        up, across, down = (
            torch.logaddexp(up + K + h, across - K),
            torch.logaddexp(up - K, across + K - h),
            torch.logaddexp(across - K, down + K - h),
        )
    return up, across, down
