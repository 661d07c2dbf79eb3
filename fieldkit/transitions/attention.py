r"""By place or by meaning: which way of looking does an attention head learn?  Two minima of one loss.

Two tokens x_1, x_2 with independent components N(0, sigma^2) in d dimensions; a teacher mixes them partly by meaning
and partly by place,

    y = ((1 - omega) S(x Q*/sqrt d) + omega A) x,        S(c)_ab = softmax over b of c_a c_b,

A = ((a, 1 - a), (1 - a, a)).  A tied head of rank one, S((x + p) Q/sqrt d), with p = (1, ..., 1) added to the first
token and taken from the second, learns from n = alpha d examples with loss |y - S x|^2/(2 d) summed over them and
decay/2 |Q|^2.  Two minima coexist: a semantic one along Q*, and a positional one along p.  The positional one is exact
for alpha, d -> infinity: its row weight on itself is b = (1 - omega) <S_11> + omega a, and p.Q/sqrt d = c with
c^2 = ln(b/(1 - b))/2 (derived here).  The setting follows Cui et al. 2024 (2402.03902).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from fieldkit import given


def positional_minimum(*, omega: float, sigma: float, a: float) -> tuple[float, float]:
    """(c, b): the overlap p.Q/sqrt d of the positional minimum and its row weight b, for alpha, d -> infinity and no
    decay.  a: the weight that the teacher's place matrix leaves on the token itself, 1/2 <= a < 1."""
    given.positive("sigma", sigma, why="tokens have a size")
    given.within("omega", omega, 0, 1, why="the share of the teacher that goes by place")
    given.within("a", a, 0.5, 1, why="a row weight on the token itself", ends="[)")
    b = (1 - omega) * _own_weight(sigma) + omega * a
    return math.sqrt(max(0.0, math.log(b / (1 - b)) / 2)), b


def _own_weight(sigma: float) -> float:
    """<S_11> for two Gaussian components of size sigma, at any sigma.

    In polar coordinates the exponent is sigma^2 e (1 + sqrt(2) cos phi) with e exponentially distributed, whose average
    I(k) = sum_n (-1)^n/(1 + n k) is a difference of digamma functions.  Panels halve towards the phi where k = 0.
    """
    from scipy.special import digamma

    def average(k: np.ndarray) -> np.ndarray:
        x = 1 / np.maximum(np.abs(k), 0.02)
        size = (digamma((x + 1) / 2) - digamma(x / 2)) * x / 2
        near = 0.5 + k * (1 / 4 - k**2 * (1 / 8 - k**2 * (1 / 4 - k**2 * 17 / 16)))  # asymptotic
        return np.where(np.abs(k) < 0.02, near, np.where(k > 0, size, 1 - size))

    nodes, weight = np.polynomial.legendre.leggauss(16)
    middle, total = 3 * math.pi / 4, 0.0
    for side in (-middle, math.pi - middle):
        edges = side * np.concatenate([2.0 ** -np.arange(60), [0.0]])
        for far, near in zip(edges, edges[1:]):
            phi = middle + (far + near) / 2 + (far - near) / 2 * nodes
            offset = phi - middle  # 1 + sqrt(2) cos phi = 1 - cos - sin of it, without cancellation
            k = min(sigma, 1e75) ** 2 * (2 * np.sin(offset / 2) ** 2 - np.sin(offset))
            total += abs(far - near) / 2 * float(weight @ average(k))
    return float(total / math.pi)


def attend(tokens: Tensor, query: Tensor) -> Tensor:
    """S (n, 2, 2) of tokens (n, 2, d) under Q (d,)."""
    tokens, query = given.numbers(tokens), given.numbers(query)
    if tokens.dim() != 3 or tokens.shape[1] != 2 or query.shape != tokens.shape[2:]:
        raise ValueError(f"tokens {tuple(tokens.shape)}, query {tuple(query.shape)}: expected (n, 2, d) and (d,).")
    dtype = torch.promote_types(torch.promote_types(tokens.dtype, query.dtype), torch.float32)
    tokens, query = tokens.to(dtype), query.to(dtype)
    c = tokens @ query / math.sqrt(tokens.shape[2])
    return torch.softmax(c[:, :, None] * c[:, None, :], dim=2)


def examples(
    n: int, d: int, *, omega: float, sigma: float, a: float, rng: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """n examples: tokens (n, 2, d), answers (n, 2, d), and the teacher's Q* (d,), float64."""
    given.whole("n", n, least=1, why="examples")
    given.whole("d", d, least=1, why="dimensions")
    positional_minimum(omega=omega, sigma=sigma, a=a)  # refuses what has no answer
    given.generator(rng)
    x = sigma * torch.randn(n, 2, d, generator=rng, dtype=torch.float64, device=rng.device)
    teacher = torch.randn(d, generator=rng, dtype=torch.float64, device=rng.device)
    place = torch.tensor([[a, 1 - a], [1 - a, a]], dtype=torch.float64, device=rng.device)
    return x, (1 - omega) * attend(x, teacher) @ x + omega * place @ x, teacher


def train(tokens: Tensor, answers: Tensor, start: Tensor, *, decay: float = 0.01) -> tuple[Tensor, float]:
    """Q (d,) of the minimum that L-BFGS finds from `start`, and its loss per dimension."""
    tokens, answers, start = (given.doubles(values) for values in (tokens, answers, start))
    if not all(bool(values.isfinite().all()) for values in (tokens, answers, start)):
        raise ValueError("a token, an answer or the start is not finite; find where it comes from.")
    d = tokens.shape[-1] if tokens.dim() == 3 else 0
    given.not_negative("decay", decay, why="a weight decay is not negative")
    if d == 0 or answers.shape != tokens.shape or start.shape != (d,):
        raise ValueError(
            f"tokens {tuple(tokens.shape)}, answers {tuple(answers.shape)}, start {tuple(start.shape)}: expected "
            "(n, 2, d) twice and (d,)."
        )
    place = torch.ones(2, d, dtype=tokens.dtype, device=tokens.device)
    place[1] = -1
    query = start.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([query], max_iter=400, tolerance_grad=1e-9, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        off = answers - attend(tokens + place, query) @ tokens
        return off.square().sum() / (2 * d) + decay / 2 * query.square().sum()

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    optimiser.step(closure)
    with torch.no_grad():
        return query.detach(), float(loss()) / d


def positional_start(d: int, *, omega: float, sigma: float, a: float, device: torch.device | str = "cpu") -> Tensor:
    """Q = c p/sqrt d: near the positional minimum.  A longer start saturates the softmax, and everything collapses."""
    given.whole("d", d, least=1, why="dimensions")
    c, _ = positional_minimum(omega=omega, sigma=sigma, a=a)
    return torch.full((d,), c / math.sqrt(d), dtype=torch.float64, device=device)
