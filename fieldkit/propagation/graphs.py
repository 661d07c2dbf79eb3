r"""Can a random graph network see communities?  An untrained one, read by the eigenvectors of its kernel.

    H_(t+1) = (A / sqrt c) phi(H_t) W,   W_ij ~ N(0, sw2 / n_F),
    K_(t+1) = (sw2 / c) A F(K_t) A^T     as the number of features n_F -> infinity,
    F(K)_ab = <phi(u) phi(v)>,           (u, v) Gaussian with covariances K_aa, K_ab, K_bb.

Exact on the given graph: at infinite feature number the columns of H are independent Gaussian fields over the nodes,
and the kernel is their covariance.  Block averages of K are the order parameters.  In the stochastic block model with
two equal groups and mean degree c, no algorithm does better than chance unless (c_in - c_out)^2 > 4 c (Kesten and
Stigum), that is eps = c_out / c_in < (sqrt c - 1) / (sqrt c + 1).  A closed recursion for three block averages is not
offered: on sparse graphs it misses the returning paths of A^2 and fails from the second step.

Sources: Kawamoto, Tsubaki and Obuchi 2018 (untrained graph networks); Decelle, Krzakala, Moore and Zdeborova 2011
(threshold); Saade, Krzakala and Zdeborova 2014 (Bethe Hessian).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import gaussian, two_time
from fieldkit.propagation.gaussian import Function

Dual = Callable[[Tensor, Tensor, Tensor], Tensor]


def kesten_stigum(c: float) -> float:
    """eps* = (sqrt c - 1) / (sqrt c + 1): the largest c_out / c_in at which two groups of mean degree c can be seen.

    Raises `ValueError` for c <= 1, where the graph has no giant component to see.
    """
    given.number("c", c, why="it is a mean degree")
    if not c > 1:
        raise ValueError(f"c = {c}: below mean degree 1 the graph falls into small trees; take c > 1.")
    return (math.sqrt(c) - 1) / (math.sqrt(c) + 1)


def groups(N: int, *, device: torch.device | str | None = None) -> Tensor:
    """+1 for the first half of the nodes and -1 for the second, (N,)."""
    given.whole("N", N, least=2, why="a graph has nodes in both groups")
    if N % 2:
        raise ValueError(f"N = {N}: two equal groups need an even number of nodes.")
    return torch.where(torch.arange(N, device=device) < N // 2, 1.0, -1.0).double()


def probabilities(N: int, *, c: float, eps: float) -> tuple[float, float]:
    """(p_in, p_out) = (c_in, c_out) / N of edges inside a group and across, c = (c_in + c_out) / 2, eps = c_out / c_in.

    Raises `ValueError` if a probability exceeds 1, eps is negative, or N odd.
    """
    given.whole("N", N, least=2, why="a graph has nodes in both groups")
    if N % 2:
        raise ValueError(f"N = {N}: two equal groups need an even number of nodes; take {N + 1}.")
    given.not_negative("c", c, why="a mean degree cannot be negative")
    given.within("eps", eps, 0, math.inf, why="it is c_out / c_in, a ratio of probabilities")
    c_in = 2 * c / (1 + eps)
    c_out = eps * c_in if eps < math.inf else 2 * c  # no edge inside a group
    if not max(c_in, c_out) <= N:
        raise ValueError(
            f"c = {c}, eps = {eps}: edge probabilities {c_in / N:.3g} and {c_out / N:.3g} must lie in [0, 1]; "
            "take more nodes or a smaller degree."
        )
    return c_in / N, c_out / N


def stochastic_block_model(n: int, N: int, *, c: float, eps: float, rng: torch.Generator) -> Tensor:
    """n graphs of N nodes in the two `groups`, adjacency matrices (n, N, N) of zeros and ones without loops.

    Edges are independent, with the two `probabilities`.
    """
    given.whole("n", n, least=1, why="graphs are drawn")
    given.generator(rng)
    p_in, p_out = probabilities(N, c=c, eps=eps)
    s = groups(N, device=rng.device)
    probability = torch.where(s[:, None] * s > 0, p_in, p_out)
    draw = torch.rand((n, N, N), generator=rng, device=rng.device, dtype=torch.float64)
    upper = (draw < probability).double().triu(1)
    return upper + upper.mT


def kernel(A: Tensor, steps: int, *, dual: Dual, sw2: float, c: float) -> Tensor:
    """K after `steps` layers on graphs A (n, N, N) or (N, N), same shape, from independent inputs of variance 1, K_0
    = 1.

    dual(cov, var_u, var_v) = <phi(u) phi(v)>, as the duals of `two_time`; two products of (N, N) matrices a layer.
    A node without a neighbour is silent from the first layer on.  Raises `ValueError` for c <= 0 or a negative sw2.
    """
    given.whole("steps", steps, least=0, why="it counts layers")
    given.positive("c", c, why="without edges nothing is passed on")
    given.not_negative("sw2", sw2, why="a variance cannot be negative")
    given.function("dual", dual)
    A = _square(A)
    K = torch.eye(A.shape[-1], device=A.device, dtype=torch.float64).expand_as(A)
    for _ in range(steps):
        variance = K.diagonal(dim1=-2, dim2=-1)
        product = two_time.averaged(dual, K, variance[..., :, None], variance[..., None, :])
        K = sw2 / c * A @ product @ A.mT
        K = (K + K.mT) / 2  # where phi saturates, what rounding makes of its antisymmetric part would grow
    return K


def features(
    A: Tensor, steps: int, *, F: int, activation: Function, sw2: float, c: float, rng: torch.Generator
) -> Tensor:
    """H (n, N, F) after `steps` layers with F features and fresh Gaussian weights, from white inputs, on graphs A (n,
    N, N); H H^T / F -> K.  Raises `ValueError` for another shape, and as `kernel`."""
    given.function("activation", activation)
    A = _square(A)
    if A.dim() != 3:
        raise ValueError(f"shape {tuple(A.shape)}: graphs are adjacency matrices (n, N, N); one is A[None].")
    given.whole("steps", steps, least=0, why="it counts layers")
    given.whole("F", F, least=1, why="a node has features")
    given.positive("c", c, why="without edges nothing is passed on")
    given.not_negative("sw2", sw2, why="a variance cannot be negative")
    given.generator(rng)
    n, N = A.shape[0], A.shape[-1]
    H = torch.randn((n, N, F), generator=rng, device=rng.device, dtype=torch.float64)
    for _ in range(steps):
        W = torch.randn((n, F, F), generator=rng, device=rng.device, dtype=torch.float64) * math.sqrt(sw2 / F)
        H = A @ activation(H) @ W / math.sqrt(c)
    return H


def feature_noise(A: Tensor, *, F: int, square: float, fourth: float, sw2: float, c: float) -> Tensor:
    """E |H H^T / F - K|^2 after ONE layer with F features, exact at every F: (n,) for graphs A (n, N, N).

    square, fourth = E phi^2, E phi^4 of a unit Gaussian, phi odd.  With P = A^2, K = (sw2 / c) square P, the columns of
    A phi(H_0) have E |a|^4 = square^2 ((tr P)^2 + 2 tr P^2) + (fourth - 3 square^2) sum P_ii^2, and given them H has
    independent Gaussian columns of covariance M, so that E |H H^T / F - M|^2 = (tr M^2 + (tr M)^2) / F.
    """
    given.whole("F", F, least=1, why="a node has features")
    given.positive("c", c, why="without edges nothing is passed on")
    for name, value in (("square", square), ("fourth", fourth), ("sw2", sw2)):
        given.not_negative(name, value, why="a mean of even powers cannot be negative")
    if fourth < square**2 * (1 - 1e-12):
        raise ValueError(f"square = {square}, fourth = {fourth}: E phi^4 is at least (E phi^2)^2; check both averages.")
    A = _square(A)
    P = A @ A
    trace, power = P.diagonal(dim1=-2, dim2=-1).sum(-1), P.square().sum((-1, -2))
    scale = (sw2 / c) ** 2
    spread = square**2 * (trace**2 + 2 * power)
    spread = spread + (fourth - 3 * square**2) * P.diagonal(dim1=-2, dim2=-1).square().sum(-1)
    from_inputs = scale / F * (spread - square**2 * power)  # E |M - K|^2
    size = scale * square**2 * power + from_inputs  # E tr M^2
    trace2 = scale * square**2 * trace**2 + scale / F * (spread - square**2 * trace**2)  # E (tr M)^2
    return (size + trace2) / F + from_inputs


def block_averages(K: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(diagonal, same group, other group): means of K (..., N, N) over nodes, and over pairs of different nodes.

    labels (N,), each +1 or -1; groups of any sizes.  Raises `ValueError` for other labels, or where there is no pair.
    """
    K, labels = _square(K), given.doubles(labels)
    N, s = K.shape[-1], labels[..., :, None] * labels[..., None, :]
    if labels.shape != (N,) or not gaussian.seen(labels.abs() == 1):
        raise ValueError(f"labels {tuple(labels.shape)} of {N} nodes: give (N,), +1 for one group, -1 for the other.")
    others = (1 - s).sum() / 2
    if not gaussian.seen((others > 0) & (others < N * N - N)):
        raise ValueError("labels of a single group, or of single nodes: there is no pair to average; give two groups.")
    diagonal = K.diagonal(dim1=-2, dim2=-1).sum(-1)
    same = ((K * (s + 1) / 2).sum((-1, -2)) - diagonal) / (N * N - N - others)
    return diagonal / N, same, (K * (1 - s) / 2).sum((-1, -2)) / others


def bethe_hessian(A: Tensor, *, c: float) -> Tensor:
    """(c - 1) 1 - sqrt(c) A + D with degrees D: its negative eigenvalues mark communities down to the threshold."""
    given.positive("c", c, why="without edges no group shows")
    A = _square(A)
    N = A.shape[-1]
    eye = torch.eye(N, device=A.device, dtype=torch.float64)
    return (c - 1) * eye - math.sqrt(c) * A + torch.diag_embed(A.sum(-1))


def overlap(M: Tensor, labels: Tensor, *, largest: bool = True, among: int = 3, skip: int = 0) -> Tensor:
    """Best |<s, sign v>| / N over the `among` leading eigenvectors v of M (n, N, N): (n,), 1 for perfect recovery.

    The first `skip` of them are left out.  `largest` = False for the Bethe Hessian, whose smallest eigenvalues tell.
    Signs are taken about the median, so both groups are equal.  Chance is not zero: about 1.3 / sqrt N for the best of
    three.  The nodes are renamed first, in another order for each graph that knows nothing of groups: entries that are
    equal, and what rounding makes of them, would otherwise be told apart by their place, and the place in `groups` is
    the group.  Raises `ValueError` for shapes that do not fit, an odd N, `among` < 1, `skip` < 0, or more of both than
    N.
    """
    M, labels = given.doubles(M), given.doubles(labels)
    N = M.shape[-1]
    if M.dim() < 2 or M.shape[-2] != N or labels.shape != (N,):
        raise ValueError(f"shapes {tuple(M.shape)}, {tuple(labels.shape)}: give matrices (n, N, N) and labels (N,).")
    if not gaussian.seen(M.isfinite()):
        raise ValueError("M holds what is no number: it has no eigenvectors; find where the kernel diverged.")
    given.whole("among", among, least=1, why="an eigenvector must be looked at")
    given.whole("skip", skip, least=0, why="it counts eigenvectors that are left out")
    if N % 2 or among + skip > N:
        raise ValueError(
            f"N = {N}, among = {among}, skip = {skip}: two equal groups are even, with N eigenvectors at most."
        )
    order = _names(M.shape[:-1], M.device)
    M = M.gather(-2, order[..., :, None].expand_as(M)).gather(-1, order[..., None, :].expand_as(M))
    labels = labels[order]
    vectors = torch.linalg.eigh(M).eigenvectors
    chosen = (vectors.flip(-1) if largest else vectors)[..., skip : skip + among]
    rank = chosen.argsort(dim=-2).argsort(dim=-2)
    sides = torch.where(rank < N // 2, -1.0, 1.0).to(M)
    return (labels[..., None] * sides).mean(-2).abs().amax(-1)


def _square(A: Tensor) -> Tensor:
    """A (..., N, N) in float64, or the reason why it is no matrix over nodes."""
    A = given.doubles(A)
    if A.dim() < 2 or A.shape[-1] != A.shape[-2] or 0 in A.shape:
        raise ValueError(f"shape {tuple(A.shape)}: a matrix between nodes is (..., N, N); give a square one.")
    return A


def _names(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """An order of N nodes for each of `shape` = (..., N), by scrambled integers: the same at every call and device."""
    x = torch.arange(1, math.prod(shape) + 1, device=device).reshape(shape)
    for shift, factor in ((16, 0x45D9F3B), (15, 0x2C1B3C6D), (16, 1)):
        x = ((x ^ (x >> shift)) * factor) & 0xFFFFFFFF
    return x.argsort(dim=-1)
