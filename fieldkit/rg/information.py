r"""Which spin should speak for its block?  The one that knows most of what is far away: exact mutual information.

    I(H : E) = sum_{h, e} p(h, e) ln [ p(h, e) / p(h) p(e) ],      p(h, e) = sum_v p(h | v) p(v, e)      in nats

for a block V, an environment E behind a buffer, and a rule p(h | v) that turns the block into one spin (Koch-Janusz and
Ringel 2018).  I is convex in the rule, so a deterministic one is best, and all of them can be tried: 2^15 for a block
of two by two.  Environments that leave the same p(v | e) are one, which makes the sums short and loses nothing.  A
joint law is a tensor P (states of V, environments); a rule is a tensor (states of V,) of P(+ | v), as in `rules`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.rg import rules


def torus(L: int, M: int, T: float, *, buffer: int = 0) -> Tensor:
    """P(v, e) of a 2 x 2 block on the L x M Ising torus, E all sites further than `buffer`, (16, k), exact.

    Distances are the larger of rows and columns.  L M <= 20: four by five takes a second.  Raises `ValueError` for a
    larger torus or a buffer that leaves no environment.
    """
    given.whole("L", L, least=3, why="a block of two needs something beside it")
    given.whole("M", M, least=3, why="a block of two needs something beside it")
    given.whole("buffer", buffer, least=0, why="it counts the rows between block and environment")
    given.positive("T", T, why="a temperature is positive")
    if L * M > 20:
        raise ValueError(f"{L} x {M} = {L * M} spins have 2^{L * M} states; enumerate 20 spins at most.")
    block = [0, 1, M, M + 1]
    distance = {i * M + j: max(_away(i, L), _away(j, M)) for i in range(L) for j in range(M)}
    outside = [s for s in distance if distance[s] > buffer]
    between = [s for s in distance if 0 < distance[s] <= buffer]
    if not outside:
        raise ValueError(f"buffer = {buffer}: no environment is left on {L} x {M}; choose a smaller buffer.")
    order = block + outside + between  # the block in the lowest bits, the buffer in the highest
    code = torch.arange(2 ** (L * M))
    spin = {s: ((code >> k & 1) * 2 - 1).to(torch.int8) for k, s in enumerate(order)}
    aligned = torch.zeros(2 ** (L * M), dtype=torch.int8)
    for s in distance:
        right, down = s - s % M + (s + 1) % M, (s + M) % (L * M)
        aligned += spin[s] * (spin[right] + spin[down])
    weight = torch.softmax((aligned.double() - 2 * L * M) / T, 0)  # the ground state's exponent is 0 at every T
    return distinct(weight.reshape(2 ** len(between), -1, 16).sum(0).T)


def chain(K: float, *, block: int = 2, buffer: int = 0) -> Tensor:
    """P(v, e) of `block` spins of the infinite Ising chain, E all spins further than `buffer`: (2^block, 4), exact.

    The chain is Markov: of the environment only its nearest spin on either side matters.  Bit k of v is spin k.
    """
    given.whole("block", block, least=1, why="a block has spins")
    given.whole("buffer", buffer, least=0, why="it counts the spins between block and environment")
    coupling = given.doubles(K)
    if coupling.dim() or not bool(coupling.isfinite()):
        raise ValueError(
            f"K = {coupling.tolist()}: one chain has one coupling, a finite number; ask for one after another."
        )
    spins = ((torch.arange(2**block)[:, None] >> torch.arange(block)) & 1).double() * 2 - 1
    slope = torch.tanh(coupling)
    inside = ((1 + slope * spins[:, 1:] * spins[:, :-1]) / 2).prod(1)
    ends = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]], dtype=torch.float64)
    far = slope ** (buffer + 1)
    left, right = ((1 + far * spins[:, [k]] * ends[:, i]) / 2 for k, i in ((0, 0), (-1, 1)))
    return 0.5 * inside[:, None] * left * right


def distinct(P: Tensor, *, digits: int = 12) -> Tensor:
    """The same law with environments that leave the same p(v | e) taken together: fewer columns, same information.
    Raises `ValueError` for what is no law (states, environments)."""
    P = _joint(P)
    given.whole("digits", digits, least=0, why="p(v | e) is compared to so many digits")
    conditional = P / P.sum(0)
    _, group = torch.unique((conditional * 10.0**digits).round(), dim=1, return_inverse=True)
    return torch.zeros(len(P), int(group.max()) + 1, dtype=P.dtype).index_add_(1, group, P)


def of_rule(P: Tensor, rule: Tensor) -> Tensor:
    """I(H : E) in nats of one rule (v,) or many (..., v): (...)."""
    P, table = _joint(P), given.doubles(rule)
    if table.shape[-1:] != P.shape[:1] or not bool(((table >= 0) & (table <= 1)).all()):
        raise ValueError(
            f"rule {tuple(table.shape)}, P {tuple(P.shape)}: a rule is a probability of + for each of the block's "
            "states, between 0 and 1, and P (states, environments)."
        )
    up = table @ P  # p(+, e)
    p_e = P.sum(0)
    information = torch.zeros(up.shape[:-1], dtype=P.dtype)
    for joint in (up, p_e - up):
        joint = joint.clamp(min=0)
        p_h = joint.sum(-1, keepdim=True)
        information = information + (torch.special.xlogy(joint, joint) - torch.special.xlogy(joint, p_h * p_e)).sum(-1)
    return information


def of_block(P: Tensor) -> Tensor:
    """I(V : E) in nats of the whole block: what no rule can exceed.  Raises as `distinct`."""
    P = _joint(P)
    product = P.sum(1, keepdim=True) * P.sum(0)
    return (torch.special.xlogy(P, P) - torch.special.xlogy(P, product)).sum()


def all_rules(P: Tensor, *, odd: bool = False) -> tuple[Tensor, Tensor]:
    """(codes, information) of every deterministic rule of a 2 x 2 block, best first.

    A rule and its negative are one, so there are 2^15, or 2^7 that respect the symmetry (`odd`); the codes are those of
    `rules.from_code`, with P(+ | all up) = 1.  The best is best of all rules, random ones included: I is convex.
    """
    P = _joint(P)
    if len(P) != 16:
        raise ValueError(f"P {tuple(P.shape)}: all rules are tried for the sixteen states of a block of two by two.")
    codes = torch.arange(2**15) + 2**15
    tables = rules.from_code(codes)
    if odd:
        respects = (tables + tables.flip(1) == 1).all(1)
        codes, tables = codes[respects], tables[respects]
    values = torch.cat([of_rule(P, part) for part in tables.split(4096)])
    order = values.argsort(descending=True, stable=True)
    return codes[order], values[order]


def _joint(P: Tensor) -> Tensor:
    P = given.doubles(P)
    if P.dim() != 2 or 0 in P.shape:
        raise ValueError(f"P {tuple(P.shape)}: a joint law is (states of the block, environments).")
    given.law(P)
    return P


def _away(i: int, L: int) -> int:
    """Distance of row i from rows 0 and 1 on a ring of L."""
    return min(min((i - a) % L, (a - i) % L) for a in (0, 1))
