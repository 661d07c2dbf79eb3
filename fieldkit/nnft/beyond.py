r"""How far from Gaussian is a network, beyond its moments?  Expand in the fluctuation of its kernel.

    f | hidden ~ N(0, K):     E O(f) = E O(K),   O(K) the Gaussian average,
    E O(K) = O(<K>) + 1/2 O''(<K>) Cov(K, K) + O(1/N^2)           for ANY observable, also those that are no polynomial.

For the density of one value the same expansion is Edgeworth's, with Hermite polynomials He_n of u = f / sigma:

    p(f) = g(f) [1 + k4 He4 / 24 + (k6 He6 / 720 + k4^2 He8 / 1152) + ...],       k_n = kappa_n / sigma^n,

the first correction 1/N, the bracket 1/N^2.  The series is asymptotic: at small N the density goes negative.  Exact at
every N is ReLU without bias at one input: k of N neurons are on (binomial), f is a Gaussian of random variance
c^2 chi^2_k, and its density a Bessel function (`relu_density`).  Sources: Edgeworth 1905; Yaida 2020.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from scipy.special import kve
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate, mean
from fieldkit.nnft import ensembles, wick
from fieldkit.nnft.ensembles import Ensemble
from fieldkit.propagation.gaussian import legendre

Observable = Callable[[Tensor], Tensor]


def orthant(K: Tensor) -> Tensor:
    """P(f_1 > 0, f_2 > 0) for a Gaussian pair of covariance K (..., 2, 2): 1/4 + arcsin(rho) / 2 pi (Sheppard 1899).

    Raises `ValueError` for a variance that is not positive: a component that is always zero has no sign.
    """
    K = given.numbers(K)
    K = K if K.is_floating_point() else K.double()
    if K.shape[-2:] != (2, 2):
        raise ValueError(f"shape {tuple(K.shape)}: the covariance of a pair is (..., 2, 2).")
    size = K.diagonal(dim1=-2, dim2=-1)
    if not bool((size > 0).all()):
        raise ValueError("a variance on the diagonal of K is not positive: what does not vary has no sign to ask for.")
    K = K / size.amax(-1)[..., None, None]  # products of tiny variances are 0
    u, v, k = K[..., 0, 0], K[..., 1, 1], K[..., 0, 1]
    bound = u.sqrt() * v.sqrt()
    det = (bound - k) * (bound + k)  # with all its digits near k = bound
    if not bool((k.abs() <= bound * (1 + 1e-6)).all()):
        raise ValueError("K is no covariance: |K_12| exceeds the root of K_11 K_22; check its rows.")
    return 0.25 + torch.atan2(k, det.clamp_min(0).sqrt()) / (2 * math.pi)


def first_order(observable: Observable, K: Tensor, covariance: Tensor) -> Tensor:
    """1/2 O''(K) Cov(K, K): the correction of order 1/N to a Gaussian average O(K) -> one number, K (m, m).

    covariance (p, p) of the entries of the random kernel at the pairs `wick.tuples(m, 2)`; O is differentiated in these
    entries, so K_ij and K_ji move together.
    """
    m = len(K)
    pairs = wick.tuples(m, 2, K.device)

    def of_entries(entries: Tensor) -> Tensor:
        return observable(wick.symmetric(entries, m, 2))

    hessian = torch.func.hessian(of_entries)(K[pairs[:, 0], pairs[:, 1]])
    return (hessian * covariance).sum() / 2


def average(
    observable: Observable, ensemble: Ensemble, x: Tensor, n: int, *, block: int = 20000, rng: torch.Generator
) -> Estimate:
    """E O(f) over n networks from E O(K): observable maps kernels (n, m, m) to Gaussian averages (n,), with its error.

    Only hidden layers are drawn, `block` networks at a time, so that memory does not grow with n.
    """
    given.whole("n", n, least=2, why="an error bar needs at least two networks")
    given.whole("block", block, least=1, why="so many networks are drawn at a time")
    given.function("observable", observable)
    values = []
    for start in range(0, n, block):
        h = ensembles.hidden(ensemble, x, min(block, n - start), rng=rng)
        values.append(observable(ensembles.kernel_draws(ensemble, h.double())))
    return mean(torch.cat(values))


def density(f: float, ensemble: Ensemble, x: Tensor, n: int, *, rng: torch.Generator) -> Estimate:
    """p(f) of one output at one point x (1, d), averaged over the Gaussians of n networks, with its error.

    A network without a live neuron is no Gaussian but an atom at f = 0; it counts as zero at any other f.
    """

    given.number("f", f, why="it is the value of an output")

    def of_kernel(K: Tensor) -> Tensor:
        variance = K[:, 0, 0]
        return gaussian_density(torch.full_like(variance, f), variance.clamp_min(1e-99))

    return average(of_kernel, ensemble, x, n, rng=rng)


def gaussian_density(f: Tensor, variance: Tensor | float) -> Tensor:
    """Density of N(0, variance) at f."""
    f = given.numbers(f)
    if not isinstance(variance, Tensor):
        given.positive("variance", variance, why="a Gaussian of no width has no density")
        variance = torch.full((), variance, dtype=torch.float64, device=f.device)
    return torch.exp(-f.square() / (2 * variance)) / (2 * math.pi * variance).sqrt()


def edgeworth(f: Tensor, cumulants: Sequence[float] | Tensor, *, order: int) -> Tensor:
    """Density of one output at f from kappa_2, kappa_4, ... (`exact.cumulants`) to order 0, 1 or 2 in 1/N, like f.

    Raises `ValueError` for another order or too few cumulants.
    """
    kappa = [float(k) for k in cumulants]
    if order not in (0, 1, 2) or len(kappa) < order + 1:
        raise ValueError(f"order = {order} with {len(kappa)} cumulants: order 0, 1, 2 needs the first one, two, three.")
    given.positive("kappa_2", kappa[0], why="the expansion is in units of the variance")
    f = given.numbers(f)
    u = f / math.sqrt(kappa[0])
    total = torch.ones_like(u)
    if order > 0:
        k4 = kappa[1] / kappa[0] ** 2
        total = total + k4 / 24 * hermite(u, 4)
    if order > 1:
        k6 = kappa[2] / kappa[0] ** 3
        total = total + k6 / 720 * hermite(u, 6) + k4**2 / 1152 * hermite(u, 8)
    tail = gaussian_density(f, kappa[0])
    return torch.where(tail == 0, 0.0, tail * total)  # far out the polynomial alone is infinite


def hermite(u: Tensor, n: int) -> Tensor:
    """He_n(u), the probabilists' Hermite polynomial: He_(n+1) = u He_n - n He_(n-1)."""
    given.whole("n", n, least=0, why="the order of a polynomial")
    u = given.numbers(u)
    before, now = torch.zeros_like(u), torch.ones_like(u)
    for k in range(n):
        before, now = now, u * now - k * before
    return now


def relu_density(f: Tensor, width: int, *, scale: float = 1.0) -> Tensor:
    """Exact density at f of one ReLU network output without biases, of variance scale^2 / 2, like f.

    With k neurons on, f = c g_0 |g|, g in k dimensions, c = scale / sqrt(N): a variance-gamma variable of density
    (|f| / 2c)^nu K_nu(|f| / c) / (c sqrt(pi) Gamma(k / 2)), nu = (k - 1) / 2.  With probability 2^-N none is on and f
    is exactly 0: that atom is not in the density, which is infinite there (k = 1: -ln |f|).  scale = sw2 |x| / sqrt(d).
    """
    given.whole("width", width, least=1, why="a hidden layer has at least one neuron")
    given.positive("scale", scale, why="the output has a spread")
    f = given.numbers(f)
    return torch.where(f == 0, math.inf, _log_relu_density(f, width, scale).exp())


def _log_relu_density(f: Tensor, width: int, scale: float) -> Tensor:
    c = scale / math.sqrt(width)
    r = (f.abs() / c).double()
    total = torch.full_like(r, -math.inf)
    for k in range(1, width + 1):
        nu = (k - 1) / 2
        bessel = torch.as_tensor(kve(nu, r.cpu().numpy()), device=f.device).log() - r
        if nu:
            bessel = torch.where(bessel.isfinite(), bessel, _log_bessel(nu, r))
        log_weight = math.lgamma(width + 1) - math.lgamma(k + 1) - math.lgamma(width - k + 1) - width * math.log(2)
        log_p = nu * torch.log(r / 2) + bessel - math.lgamma(k / 2) - math.log(c * math.sqrt(math.pi))
        total = torch.logaddexp(total, log_weight + log_p)
    return total


def _log_bessel(nu: float, r: Tensor) -> Tensor:
    """ln K_nu(r) where K overflows: its limit at r -> 0, or Debye's expansion in 1 / nu (Olver 1954), to 1e-11."""
    if nu < 50:
        return math.lgamma(nu) - math.log(2) - nu * torch.log(r / 2)
    w = (1 + (r / nu).square()).sqrt()
    p = 1 / w
    terms = (
        (3 * p - 5 * p**3) / 24,
        (81 * p**2 - 462 * p**4 + 385 * p**6) / 1152,
        (30375 * p**3 - 369603 * p**5 + 765765 * p**7 - 425425 * p**9) / 414720,
    )
    series = 1 - terms[0] / nu + terms[1] / nu**2 - terms[2] / nu**3
    return 0.5 * math.log(math.pi / (2 * nu)) - nu * (w + torch.log(r / nu / (1 + w))) - 0.5 * w.log() + series.log()


def relu_log_odds(f: Tensor, width: int) -> Tensor:
    """ln(p / g) at outputs f != 0 (...) of `relu_density` (scale 1) over the Gaussian of the same variance 1/2, like f:
    what one output says for the network and against the Gaussian.  Linear interpolation on a mesh of 0.001.  Raises
    `ValueError` beyond |f| = 1000, where no output falls."""
    given.whole("width", width, least=1, why="a hidden layer has at least one neuron")
    f = given.numbers(f)
    if not f.numel() or not bool((f.abs() < 1000).all()):
        raise ValueError(
            "no output, or one beyond 1000, or no number: the mesh ends there; look for where it diverged."
        )
    mesh, r = 1000.0, f.abs().double()
    places = torch.arange(int(mesh * float(r.max())) + 2, device=f.device, dtype=torch.float64) / mesh
    places[0] = 1e-3 / mesh  # the logarithm at 0 is cut off where no output falls
    table = _log_relu_density(places, width, 1.0) + places.square() + math.log(math.pi) / 2
    left = (mesh * r).long()
    return torch.lerp(table[left], table[left + 1], mesh * r - left)


def half_line(*, top: float = 12.0, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Nodes and weights (k,) of an integral over 0 < f < top, panels shrinking towards 0, where the exact density has a
    logarithm (one neuron on), and short enough everywhere for the kinks of |p - q|."""
    given.positive("top", top, why="the integral needs a range")
    if not 0.02 <= top <= 1e4:
        raise ValueError(f"top = {top}: panels are 0.02 long and shrink towards 0; choose from 0.02 to 10000.")
    small, even = torch.logspace(-8, -2, 13, dtype=torch.float64), torch.arange(0.02, top, 0.02, dtype=torch.float64)
    edges = torch.cat([small.new_zeros(1), small, even, small.new_full((1,), top)])
    x, w = (torch.tensor(a, dtype=torch.float64) for a in legendre(8))
    nodes = (edges[:-1, None] + edges.diff()[:, None] * (1 + x) / 2).flatten()
    return nodes.to(device), (edges.diff()[:, None] * w / 2).flatten().to(device)
