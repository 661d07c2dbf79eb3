r"""How does the error of a regression fall with the number of examples?  Exactly, for Gaussian features.

Features with covariance eigenvalues lambda_k, a teacher with squared coefficients c_k on the normalised features, noise
of variance sigma^2, n examples, ridge delta.  As all grow together the error, noise included, is

    E = (sum_k c_k (kappa/(lambda_k + kappa))^2 + sigma^2) / (1 - gamma),
    gamma = sum_k (lambda_k/(lambda_k + kappa))^2 / n,      n = sum_k lambda_k/(lambda_k + kappa) + delta/kappa

(Bordelon, Canatar & Pehlevan 2020; Simon et al. 2021, 2110.03922).  For lambda_k = k^-b and c_k = k^-a without ridge
and noise E falls as a power with an amplitude that is exact as well, derived here by turning both sums into integrals:

    E -> Gamma(2 - s) Gamma(s) (pi/(b sin(pi/b)))^(a-1) n^-(a-1),      s = (a - 1)/b < 2;

for s > 2 the exponent stops at 2 b.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate, mean


def resolution(spectrum: Tensor, n: float, *, ridge: float = 0.0) -> float:
    """kappa: modes with lambda far above it are learnt, far below it not.  spectrum (k,) positive; 0 where n examples
    without ridge determine all k modes.  Raises `ValueError` for values that are not positive."""
    from scipy.optimize import brentq

    modes = _positive("spectrum", spectrum)
    given.positive("n", n, why="examples")
    given.not_negative("ridge", ridge, why="a ridge is not negative")
    if ridge == 0 and n >= len(modes):
        return 0.0

    def excess(log_kappa: float) -> float:
        kappa = math.exp(log_kappa)
        return float((modes / (modes + kappa)).sum()) + ridge / kappa - n

    high = math.log((float(modes.sum()) + ridge) / n) + 1e-9  # sum lambda/(lambda + kappa) < sum lambda / kappa
    low = high
    while excess(low) < 0:
        low -= 5.0
    return math.exp(brentq(excess, low, high, xtol=1e-14, rtol=1e-15))


def error(spectrum: Tensor, teacher: Tensor, n: float, *, ridge: float = 0.0, noise: float = 0.0) -> float:
    """Mean squared error on new examples, noise included; spectrum, teacher (k,) the lambda_k and c_k.

    Raises `ValueError` where examples and modes are equally many without ridge: the error diverges.
    """
    modes, c = _problem(spectrum, teacher, noise)
    kappa = resolution(modes, n, ridge=ridge)
    if kappa == 0 and n == len(modes):
        raise ValueError(f"n = {n}: as many examples as modes; without ridge the error diverges there.")
    gamma = float((modes / (modes + kappa)).square().sum()) / n
    return (float((c * (kappa / (modes + kappa)) ** 2).sum()) + noise) / (1 - gamma)


def amplitude(b: float, a: float) -> float:
    """lim n^(a-1) E for lambda_k = k^-b, c_k = k^-a, no ridge, no noise.  Raises `ValueError` unless b > 1, a > 1 and
    a - 1 < 2 b, where the exponent is a - 1."""
    for name, value in (("b", b), ("a", a)):
        given.number(name, value, why="the exponent of a power law")
    if not (b > 1 and a > 1 and a - 1 < 2 * b):
        raise ValueError(f"b = {b}, a = {a}: the power law has exponent a - 1 for b > 1, a > 1 and a - 1 < 2 b only.")
    s = (a - 1) / b
    return math.gamma(2 - s) * math.gamma(s) * (math.pi / (b * math.sin(math.pi / b))) ** (a - 1)


def exponent(b: float, a: float) -> float:
    """-d ln E/d ln n for n -> infinity without ridge and noise: min(a - 1, 2 b)."""
    for name, value in (("b", b), ("a", a)):
        given.number(name, value, why="the exponent of a power law")
    if not (b > 1 and a > 1):
        raise ValueError(f"b = {b}, a = {a}: spectrum and teacher have a finite sum for b > 1 and a > 1 only.")
    return min(a - 1, 2 * b)


def powers(k: int, exponent: float) -> Tensor:
    """j^-exponent for j = 1 ... k, (k,)."""
    given.whole("k", k, least=1, why="modes")
    given.number("exponent", exponent, why="a power")
    return torch.arange(1, k + 1, dtype=torch.float64) ** -exponent


def simulate(
    spectrum: Tensor,
    teacher: Tensor,
    n: int,
    *,
    rng: torch.Generator,
    ridge: float = 0.0,
    noise: float = 0.0,
    repeats: int,
) -> Estimate:
    """The error of really fitted regressions on n Gaussian examples each, averaged over `repeats` draws; what it is on
    new examples is known exactly once the coefficients are.  Raises as `error`."""
    modes, c = _problem(spectrum, teacher, noise)
    given.not_negative("ridge", ridge, why="a ridge is not negative")
    if ridge == 0 and n == len(modes):
        raise ValueError(f"n = {n}: as many examples as modes; without ridge the error diverges there.")
    given.whole("n", n, least=1, why="examples")
    given.whole("repeats", repeats, least=2, why="a bar needs repetitions")
    given.generator(rng)
    root, target = modes.sqrt().to(rng.device), c.sqrt().to(rng.device)
    found = []
    for _ in range(repeats):
        z = torch.randn(n, len(modes), generator=rng, dtype=torch.float64, device=rng.device)
        y = z @ target
        if noise:
            y = y + math.sqrt(noise) * torch.randn(n, generator=rng, dtype=torch.float64, device=rng.device)
        features = z * root
        if n <= len(modes):
            kernel = features @ features.T + ridge * torch.eye(n, dtype=torch.float64, device=rng.device)
            weights = features.T @ torch.linalg.solve(kernel, y)
        else:
            gram = features.T @ features + ridge * torch.eye(len(modes), dtype=torch.float64, device=rng.device)
            weights = torch.linalg.solve(gram, features.T @ y)
        found.append((root * weights - target).square().sum() + noise)
    return mean(torch.stack(found))


def minimum_norm_excess(n: int, p: int, *, noise: float, signal: float) -> float:
    """Excess error of the regression of least norm on n white Gaussian examples in p dimensions, exact at every size:
    noise p/(n - p - 1) for p < n - 1, noise n/(p - n - 1) + signal (1 - n/p) for p > n + 1; signal = |w|^2.

    From the mean of an inverse Wishart matrix.  Raises `ValueError` for n - 1 <= p <= n + 1, where it is infinite.
    """
    given.whole("n", n, least=1, why="examples")
    given.whole("p", p, least=1, why="dimensions")
    for name, value in (("noise", noise), ("signal", signal)):
        given.not_negative(name, value, why="a variance or a squared length is not negative")
    if abs(n - p) <= 1:
        raise ValueError(f"n = {n}, p = {p}: within one of each other the mean error is infinite; move apart.")
    return noise * p / (n - p - 1) if p < n else noise * n / (p - n - 1) + signal * (1 - n / p)


def _problem(spectrum: Tensor, teacher: Tensor, noise: float) -> tuple[Tensor, Tensor]:
    modes, c = _positive("spectrum", spectrum), given.numbers(teacher).double()
    if c.shape != modes.shape or not bool(((c >= 0) & c.isfinite()).all()):
        raise ValueError(f"teacher {tuple(c.shape)}: a squared coefficient for each of the {len(modes)} modes.")
    given.not_negative("noise", noise, why="a variance is not negative")
    return modes, c


def _positive(name: str, values: Tensor) -> Tensor:
    x = given.numbers(values).double()
    if x.dim() != 1 or len(x) == 0 or not bool(((x > 0) & x.isfinite()).all()):
        raise ValueError(f"{name} {tuple(x.shape)}: expected (k,) positive numbers.")
    return x
