r"""How does a random network forget its start?  The whole surface C(t, t') follows from one deterministic recursion.

    x_(t+1) = (1 - h) x_t + h eta_t + sqrt(D h) xi_t,       <eta_t eta_s> = g^2 <phi(x_t) phi(x_s)> = N[t, s],
    A[t, s] = <eta_t x_s>:      A[t, s+1] = (1 - h) A[t, s] + h N[t, s],      A[t, 0] = 0,
    C[t+1, s] = (1 - h) C[t, s] + h A[t, s]  (s <= t),
    C[t+1, t+1] = (1 - h)^2 C[t, t] + 2 h (1 - h) A[t, t] + h^2 N[t, t] + D h.

From a Gaussian start the single unit stays Gaussian for ever, because eta is: N needs only C at the same times, and no
Monte Carlo is left.  h is the Euler step of the network itself, so the recursion is exact for the network at finite h;
h = 1 is the discrete network x_(t+1) = J phi(x_t).  With new weights at each step (tied = False: a deep network with
skip connections) eta_t knows nothing of the past, N[t, s] = A[t, s] = 0 for s < t.

Sources: Sompolinsky, Crisanti and Sommers 1988; Sompolinsky and Zippelius 1982 (two-time equations); Williams 1998
(erf).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import activations, gaussian, pairs
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function

Dual = Callable[[Tensor, Tensor, Tensor], Tensor]


def linear_dual(cov: Tensor, var_u: Tensor, var_v: Tensor) -> Tensor:
    """<u v> itself."""
    return cov


def erf_dual(scale: float) -> Dual:
    """<erf(a u) erf(a v)> = (2/pi) asin(2 a^2 cov / sqrt((1 + 2 a^2 var_u)(1 + 2 a^2 var_v))) (Williams 1998).

    scale = a; a = sqrt(pi) / 2 gives slope 1 at the origin.
    """
    given.positive("scale", scale, why="it is the steepness of erf(scale x)")
    s = 2 * scale**2

    def dual(cov: Tensor, var_u: Tensor, var_v: Tensor) -> Tensor:
        root = (1 + s * (var_u + var_v) + s**2 * (var_u * var_v - cov.square()).clamp_min(0)).sqrt()
        return 2 / math.pi * torch.atan2(s * cov, root)  # as an arctangent: an arcsine near 1 loses half its digits

    return dual


def mehler_dual(activation: Function | Activation, *, n_terms: int = pairs.TERMS) -> Dual:
    """<phi(u) phi(v)> of any phi: Mehler's series sum_k a_k(var_u) a_k(var_v) c^k of n_terms terms, c the correlation,
    and quadrature for pairs at which it is not enough (`pairs`).

    What the cut leaves out of sum a_k^2 falls for tanh as exp(-pi sqrt(2 k / var)): 1e-6 of 160 terms at var = 9 and
    c = 1, where the average is therefore integrated.
    """
    phi = activations.of(activation)

    def dual(cov: Tensor, var_u: Tensor, var_v: Tensor) -> Tensor:
        cov, u, v = torch.broadcast_tensors(cov, var_u, var_v)
        q = torch.cat([u.reshape(-1), v.reshape(-1)])
        q, which = torch.unique(q, return_inverse=True)
        side = pairs.side(phi, q, n_terms=n_terms)
        for longer in (2, 4, 8):  # cheaper than integrals, as long as it helps
            if phi.dual is not None or phi.kinks or gaussian.every(side.short <= pairs.TOLERANCE):
                break
            side = pairs.side(phi, q, n_terms=longer * n_terms)
        left, right = side[which[: u.numel()]], side[which[u.numel() :]]
        flat = cov.reshape(-1)
        product = pairs.near(phi, left, right, pairs.Near.of(left.q, right.q, flat)).product
        return product.reshape(cov.shape)

    return dual


def averaged(dual: Dual, cov: Tensor, var_u: Tensor, var_v: Tensor) -> Tensor:
    """dual(cov, var_u, var_v); raises `TypeError` when dual is another kind of thing, as an activation or its pair."""
    try:
        product = dual(cov, var_u, var_v)
    except TypeError as error:
        raise TypeError(
            f"dual cannot be called ({error}): it is (cov, var_u, var_v) -> <phi(u) phi(v)>; `mehler_dual` makes one "
            "of any activation."
        ) from error
    if not isinstance(product, Tensor):
        raise TypeError(
            "dual returns a pair: here it is (cov, var_u, var_v) -> <phi(u) phi(v)>, as those of `two_time`; "
            "`mehler_dual` makes one of any activation."
        )
    return product


def covariance(
    steps: int,
    *,
    dual: Dual,
    g: float,
    h: float,
    start: float = 1.0,
    D: float = 0.0,
    tied: bool = True,
    device: str | None = None,
) -> Tensor:
    """C[t, t'] for t, t' = 0 .. steps, (steps + 1, steps + 1), in units of the Euler step h.

    dual(cov, var_u, var_v) = <phi(u) phi(v)> for Gaussian u, v.  Cost: `steps` products of a vector and a triangle.
    Raises `ValueError` for h outside (0, 1], and for a negative `start` or D.
    """
    _step(h)
    given.number("g", g, why="it is the spread of the weights")
    given.whole("steps", steps, least=0, why="a table has rows")
    given.function("dual", dual)
    for name, value in (("D", D), ("start", start), ("g^2", g * g)):
        given.not_negative(name, value, why="a variance cannot be negative")
    C = torch.zeros((steps + 1, steps + 1), device=device, dtype=torch.float64)
    C[0, 0] = start
    filtered = response(steps, h=h, device=device).T
    for t in range(steps):
        variance = C.diagonal()[: t + 1]
        N = g**2 * averaged(dual, C[t, : t + 1], variance[t], variance)
        if not tied:
            N = torch.cat([torch.zeros_like(N[:-1]), N[-1:]])
        A = N @ filtered[: t + 1, : t + 1]
        row = (1 - h) * C[t, : t + 1] + h * A
        C[t + 1, : t + 1], C[: t + 1, t + 1] = row, row
        C[t + 1, t + 1] = (1 - h) ** 2 * C[t, t] + 2 * h * (1 - h) * A[t] + h**2 * N[t] + D * h
    return C


def _step(h: float) -> None:
    given.positive("h", h, why="the Euler step is a fraction of the membrane time, at most 1")
    if h > 1:
        raise ValueError(f"h = {h}: the Euler step is a fraction of the membrane time; take 0 < h <= 1.")


def response(steps: int, *, h: float, device: str | None = None) -> Tensor:
    """R[t, s] = d x_t / d eta_s of a single unit = h (1 - h)^(t - s - 1) for t > s, else 0: (steps + 1, steps + 1).

    At small h it is h theta(t - s) e^-(t - s): the unit reacts after the kick, never before.
    """
    given.whole("steps", steps, least=0, why="a table has rows")
    _step(h)
    t = torch.arange(steps + 1, device=device, dtype=torch.float64)
    lag = t[:, None] - t
    base = torch.full_like(lag, 1 - h)
    return torch.where(lag > 0, h * base ** (lag - 1).clamp_min(0), torch.zeros_like(lag))


def linear_stationary_variance(g: float, D: float, h: float) -> float:
    """<x^2> of the linear network at Euler step h in the steady state, by summing modes; D / (2 sqrt(1 - g^2)) as h
    -> 0.

    C(w) = D h / (|e^(i w) - 1 + h|^2 - g^2 h^2); with |.|^2 = a - b cos w its mean over w is D h / sqrt(a^2 - b^2), a =
    1 + (1 - h)^2 - g^2 h^2 and b = 2 (1 - h).
    """
    gaussian.variance("D", D)
    _step(h)
    given.number("g", g, why="it is the spread of the weights")
    if not 0 <= g < 1:
        raise ValueError(f"g = {g}: a linear network explodes at g >= 1; take 0 <= g < 1.")
    a, b = 1 + (1 - h) ** 2 - (g * h) ** 2, 2 * (1 - h)
    return D / math.sqrt((1 - g) * (1 + g) * (a + b))  # a - b = h^2 (1 - g^2)


def sample(
    n: int,
    N: int,
    steps: int,
    *,
    activation: Function,
    g: float,
    h: float,
    start: float = 1.0,
    D: float = 0.0,
    tied: bool = True,
    rng: torch.Generator,
) -> Tensor:
    """Trajectories (n, steps + 1, N) of n networks with N units, x_0 ~ N(0, start), J_ij ~ N(0, g^2 / N), Euler step h.

    tied = False draws J anew at each step.  Their overlaps `overlap(...)` converge to `covariance` as N grows, with
    corrections of order 1 / N.  Raises as `covariance`, and for n < 1 or N < 1.
    """
    given.function("activation", activation)
    _step(h)
    given.whole("n", n, least=1, why="networks are drawn")
    given.number("g", g, why="it is the spread of the weights")
    given.whole("N", N, least=1, why="a network has at least one unit")
    given.whole("steps", steps, least=0, why="they count from the start on")
    for name, value in (("D", D), ("start", start), ("g^2", g * g)):
        given.not_negative(name, value, why="a variance cannot be negative")
    J = g / math.sqrt(N) * gaussian.normal((n, N, N), rng)
    x = math.sqrt(start) * gaussian.normal((n, N), rng)
    out = [x]
    for step in range(steps):
        if step and not tied:
            J = g / math.sqrt(N) * gaussian.normal((n, N, N), rng)
        drive = (activation(x)[:, None] @ J.mT)[:, 0]
        x = (1 - h) * x + h * drive
        if D > 0:
            x = x + math.sqrt(D * h) * gaussian.normal((n, N), rng)
        out.append(x)
    return torch.stack(out, 1)


def overlap(trajectories: Tensor) -> Tensor:
    """C[t, t'] of each network, (n, T, T): products averaged over its units; from (n, T, N)."""
    return trajectories @ trajectories.mT / trajectories.shape[-1]
