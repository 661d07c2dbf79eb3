r"""What is known in closed form about averages over one neuron, and over two?

    moments(q) = E phi(u)^2,  E phi'(u)^2,  d E phi(u)^2 / dq
    dual(u, v, k) = E phi(u) phi(v),  E phi'(u) phi'(v)
    gap(q, e):  E phi(u)^2 - E phi(u) phi(v) = e S  at correlation c = 1 - e, and dS/dc

at variances u, v and covariance k.  Near c = 1 everything turns on the determinant u v - k^2, which is a difference of
near equals; who knows it better, or a = E (u - v)^2 / 2, can say so (`Near`).

Sources: Williams 1997 (erf); Cho and Saul 2009 (ReLU); linear, leaky ReLU, sine and GELU follow in a line or two from
d E f(u) g(v) / dk = E f'(u) g'(v) (Price 1958) and Stein's E u f(u) = q E f'(u).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Moments = tuple[Tensor, Tensor, Tensor]
Pair = tuple[Tensor, Tensor]
Near = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor | None], Pair]  # u, v, k, u v - k^2, E (u - v)^2 / 2
SMALL = 1e-300


def dual(near: Near) -> Callable[[Tensor, Tensor, Tensor], Pair]:
    """The dual (u, v, k) of a closed form, with the two differences as they come."""

    def at(u: Tensor, v: Tensor, k: Tensor) -> Pair:
        return near(u, v, k, determinant(u, v, k), None)

    return at


def determinant(u: Tensor, v: Tensor, k: Tensor) -> Tensor:
    """u v - k^2 >= 0; at 0 a tiny number stands for it, so that its root has a gradient."""
    return (u * v - k.square()).clamp_min(SMALL)


def lune(theta: Tensor) -> Tensor:
    """sin theta - theta cos theta, theta >= 0; by its series where the two are nearly equal."""
    t = theta.square().clamp_max(0.25)
    series = 1 / 3 - t * (1 / 30 - t * (1 / 840 - t * (1 / 45360 - t * (1 / 3991680 - t / 518918400))))
    return torch.where(theta < 0.5, theta**3 * series, torch.sin(theta) - theta * torch.cos(theta))


class Leaky:
    """x for x > 0 and a x for x < 0: odd x + even |x| with (1 + a) / 2 and (1 - a) / 2; E x |x| = 0."""

    def __init__(self, a: float) -> None:
        self.odd, self.even, self.mean = ((1 + a) / 2) ** 2, ((1 - a) / 2) ** 2, (1 + a * a) / 2

    def moments(self, q: Tensor) -> Moments:
        """Everything is proportional to q."""
        return self.mean * q, torch.full_like(q, self.mean), torch.full_like(q, self.mean)

    def near(self, u: Tensor, v: Tensor, k: Tensor, det: Tensor, a: Tensor | None) -> Pair:
        """E |u v| = (2 / pi) (s + k angle), s^2 the determinant."""
        sine = det.sqrt()
        angle = torch.atan2(k, sine)  # arcsine of the correlation, exact near 1
        share = self.even * (2 / math.pi)
        return self.odd * k + share * (sine - SMALL**0.5 + k * angle), self.odd + share * angle

    def apart(self, u: Tensor, v: Tensor, k: Tensor, det: Tensor, a: Tensor) -> Tensor:
        """E (phi(u) - phi(v))^2 / 2, without a difference of near equals."""
        theta = torch.atan2(det.sqrt(), k)
        return self.mean * a - self.even * (2 / math.pi) * (u.sqrt() * v.sqrt()) * lune(theta)

    def gap(self, q: Tensor, e: Tensor) -> Pair:
        """S and dS/dc."""
        e = e.clamp_min(SMALL)
        theta = 2 * torch.asin((e / 2).sqrt())
        bent = lune(theta) / e
        share = self.even * (2 / math.pi)
        return q * (self.mean - share * bent), q * share * (theta - bent) / e


def erf_moments(q: Tensor) -> Moments:
    """Of erf."""
    root = (1 + 4 * q).rsqrt() * (4 / math.pi)
    return (2 / math.pi) * torch.atan2(2 * q, (1 + 4 * q).sqrt()), root, root / (1 + 2 * q)


def erf_dual(u: Tensor, v: Tensor, k: Tensor) -> Pair:
    """(2 / pi) asin(2 k / sqrt((1 + 2 u)(1 + 2 v))), as an arctangent, and its derivative in k."""
    root = (u * v - k.square()).clamp_min_(0).mul_(4).add_(1 + 2 * u).add_(2 * v).sqrt_()
    return torch.atan2(2 * k, root) * (2 / math.pi), (4 / math.pi) / root


def erf_near(u: Tensor, v: Tensor, k: Tensor, det: Tensor, a: Tensor | None) -> Pair:
    """The same from a determinant that is known."""
    inverse = torch.add(1 + 2 * (u + v), det, alpha=4).rsqrt()
    return (2 / math.pi) * torch.atan(2 * k * inverse), (4 / math.pi) * inverse


def erf_gap(q: Tensor, e: Tensor) -> Pair:
    """The difference of two arcsines is the arcsine of a difference."""
    small = e.clamp_min(SMALL)
    far, near = (1 + 4 * q * (1 + q * e * (2 - e))).sqrt(), (1 + 4 * q).sqrt()
    sine = 2 * q * small * (4 * q * q * (2 - e) / (far + near) + near)
    S = (2 / math.pi) * torch.atan2(sine, far * near + 4 * q * q * (1 - e)) / small
    first = -4 * q * q / near**3  # of P = E phi' phi' by e at 0, over 4 / pi
    second = 48 * q**4 / near**5 + 4 * q * q / near**3
    return S, steepness(S, q * (4 / math.pi) / far, e, q, (4 / math.pi) * q * first, (4 / math.pi) * q * second)


def sin_moments(q: Tensor) -> Moments:
    """Of the sine."""
    return -torch.expm1(-2 * q) / 2, (1 + torch.exp(-2 * q)) / 2, torch.exp(-2 * q)


def sin_near(u: Tensor, v: Tensor, k: Tensor, det: Tensor, a: Tensor | None) -> Pair:
    """exp(-(u + v) / 2) times sinh k and cosh k, without overflow."""
    a = (u + v) / 2 - k if a is None else a
    plus, minus = torch.exp(-a), torch.exp(-a - 2 * k)
    small = torch.exp(-a - k) * torch.sinh(k.clamp(-1, 1))
    return torch.where(k.abs() < 1, small, (plus - minus) / 2), (plus + minus) / 2


def sin_gap(q: Tensor, e: Tensor) -> Pair:
    """(1 - exp(-q e)) (1 + exp(-q (2 - e))) / 2e."""
    small = e.clamp_min(SMALL)
    far = torch.exp(-q * (2 - e))
    S = -torch.expm1(-q * small) * (1 + far) / (2 * small)
    end = torch.exp(-2 * q)
    return S, steepness(S, q * (torch.exp(-q * e) + far) / 2, e, q, q * q * (end - 1) / 2, q**3 * (1 + end) / 2)


def gelu_moments(q: Tensor) -> Moments:
    """Of x times the normal distribution."""
    root = (1 + 2 * q).sqrt()
    twice = 0.25 + torch.atan2(q, root) / (2 * math.pi)  # E Phi(u)^2
    rest = q / (math.pi * (1 + q) * root)
    growth = twice + rest / 2 + rest * (2 - q / (1 + q) - q / (1 + 2 * q))
    slope = twice + (q / (2 * math.pi * root)) * ((3 + 5 * q) / (1 + q) / (1 + 2 * q))
    return q * twice + q * rest, slope, growth


def gelu_near(u: Tensor, v: Tensor, k: Tensor, det: Tensor, a: Tensor | None) -> Pair:
    """With D = (1 + u)(1 + v) - k^2 and E Phi(u) Phi(v) = 1/4 + atan(k / sqrt D) / 2 pi."""
    one, two = 1 + u, 1 + v
    D = det + (1 + u + v)
    root, s = D.sqrt(), 1 / one + 1 / two
    twice = 0.25 + torch.atan2(k, root) / (2 * math.pi)
    numerator = det + k.square() * s
    beyond = (u / one) * (v / two) - (1 + u + v) / one * ((1 + u + v) / two) - det * s  # numerator - D
    return (
        k * twice + numerator / (2 * math.pi * root),
        twice + k * (2 * s + beyond / D) / (2 * math.pi * root),
    )


def steepness(S: Tensor, P: Tensor, e: Tensor, q: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """dS/dc = (S - P) / e with P = q E phi' phi' at e; from its two derivatives at 0 where that is all rounding."""
    close = 1e-4 / (1 + q)
    return torch.where(e < close, -(first / 2 + e * second / 3), (S - P) / torch.maximum(e, close))
