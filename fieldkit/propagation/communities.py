r"""What is the best that any algorithm can see in a sparse graph?  Belief propagation, and what it does on average.

    u_(i->j) = sum over neighbours k != j of f(u_(k->i)),      f(u) = 2 artanh(theta tanh(u / 2)),

log-odds that node i is in group +, as seen by j; theta = (c_in - c_out) / (c_in + c_out).  A
large sparse graph looks like a tree around every node, with a Poisson number of branches: the distribution of u obeys
one equation (density evolution), and 2 P(right) - 1 = E |tanh(u / 2)| is the overlap with the true groups.  The trivial
answer u = 0 is unstable when c theta^2 > 1: the Kesten-Stigum threshold.

How a community shows in a spectrum: the matrix of non-backtracking walks has an eigenvalue c theta, outside its bulk of
radius sqrt(c) when c theta^2 > 1.  Its eigenvalues that are not +-1 are those of [[A, 1 - D], [1, 0]] (Ihara, Bass).

Sources: Kesten and Stigum 1966; Decelle, Krzakala, Moore and Zdeborova 2011; Krzakala et al. 2013; Mossel, Neeman and
Sly 2016 (optimality of belief propagation, proved well above the threshold).
"""

from __future__ import annotations

import math

import torch
from scipy.optimize import brentq
from scipy.sparse import bmat, csr_matrix, diags, identity
from scipy.sparse.linalg import eigs
from torch import Tensor

from fieldkit import given
from fieldkit.propagation.gaussian import normal

CERTAIN = 1e3  # log-odds


def best_overlap(c: float, eps: float, *, n: int, M: int, steps: int, rng: torch.Generator) -> Tensor:
    """E |tanh(u / 2)| by density evolution, for n independent populations of M messages, (n,).

    It starts from the truth (u large) and takes `steps` generations; the second half is averaged.  At eps = 0 it is the
    fraction of nodes in the giant component.  Raises `ValueError` for c < 0 or eps < 0.
    """
    theta = _strength(c, eps)
    given.whole("n", n, least=1, why="a population is watched")
    given.whole("M", M, least=1, why="a population has messages")
    given.whole("steps", steps, least=1, why="messages are passed on")
    given.generator(rng)
    u = torch.full((n, M), 20.0, device=rng.device, dtype=torch.float64)
    found = []
    for _ in range(steps):
        degree = torch.poisson(torch.full((n, M), c, device=rng.device, dtype=torch.float64), generator=rng).long()
        most = int(degree.max())
        parent = torch.randint(M, (n, M * most), generator=rng, device=rng.device)
        sign = torch.rand((n, M, most), generator=rng, device=rng.device, dtype=torch.float64)
        sign = torch.where(sign < (1 + theta) / 2, 1.0, -1.0)  # a neighbour is of the same group this often
        heard = sign * _pass(u, theta).gather(1, parent).reshape(n, M, most)
        there = torch.arange(most, device=rng.device) < degree[..., None]
        u = torch.where(there, heard, 0.0).sum(-1)
        found.append(torch.tanh(u / 2).abs().mean(1))
    return torch.stack(found[steps // 2 :]).mean(0)


def belief_propagation(A: Tensor, *, c: float, eps: float, steps: int, rng: torch.Generator) -> Tensor:
    """Log-odds u (N,) of the nodes of one graph A (N, N) after `steps` rounds from small random messages.

    Pairs without an edge are a little evidence for different groups: together they act as the field -2 c theta m, m the
    mean of tanh(u / 2), which forbids that all nodes join one group (Decelle et al. 2011).  Raises `ValueError` for
    a matrix that is not symmetric, or of other entries than 0 and 1.
    """
    theta = _strength(c, eps)
    given.whole("steps", steps, least=0, why="messages are passed on")
    A = _graph(A)
    source, target = A.nonzero(as_tuple=True)
    # edge e = (i, j); its reverse is the same pair read the other way round
    order = torch.argsort(target * len(A) + source)
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order), device=A.device)
    given.generator(rng)
    start = normal((len(source),), rng) if len(source) else torch.zeros_like(A[0, :0])
    u, node = 0.1 * start, torch.zeros(len(A), device=A.device, dtype=A.dtype)
    for _ in range(steps):
        heard = _pass(u, theta)
        node = torch.zeros_like(node).index_add(0, target, heard) - 2 * c * theta * torch.tanh(node / 2).mean()
        u = node[source] - heard[back]
    return node


def second_eigenvalue(A: Tensor) -> float:
    """The second largest real eigenvalue of the non-backtracking matrix of one graph A (N, N): c theta if visible.

    A complex pair of the bulk may have a larger real part; then real eigenvalues x > 1 are sought where x^2 - 1 + D -
    x A becomes singular (Bass), and 1, at which it always is, is the answer if there is none.
    """
    A = _graph(A)
    sparse = csr_matrix(A.cpu().numpy())
    degrees = diags(A.sum(0).cpu().numpy())
    one = identity(len(A))
    matrix = bmat([[sparse, one - degrees], [one, None]], format="csr")
    start = torch.arange(2.0 * len(A), dtype=torch.float64).square().sin()  # no symmetry of any graph
    values = eigs(matrix, k=2, which="LR", return_eigenvectors=False, v0=start.numpy())
    second = sorted(values, key=lambda x: x.real)[0]
    if abs(second.imag) < 1e-9 * abs(second):
        return float(second.real)
    return _below(A.cpu(), float(values.real.max()))


def _below(A: Tensor, top: float) -> float:
    """The largest x in [1, top) at which the second lowest eigenvalue of x^2 - 1 + D - x A changes sign, or 1."""
    D = torch.diag(A.sum(0))
    eye = torch.eye(len(A), dtype=torch.float64)

    def lowest(x: float) -> float:
        return torch.linalg.eigvalsh((x * x - 1) * eye + D - x * A)[1].item()

    high = top
    if lowest(high) <= 0:  # what the iteration calls complex, or its rounding, hides a pair of equal real ones
        return high if high > 1 + 1e-6 else 1.0
    for x in torch.linspace(top, 1, 64, dtype=torch.float64)[1:-1].tolist():
        if lowest(x) < 0:
            return float(brentq(lowest, x, high))
        high = x
    return 1.0


def _graph(A: Tensor) -> Tensor:
    """A (N, N) in float64, or the reason why it is no graph."""
    A = given.doubles(A)
    if A.dim() != 2 or A.shape[0] != A.shape[1] or len(A) < 2 or not torch.equal(A, A.T):
        raise ValueError(f"shape {tuple(A.shape)}: expected the symmetric adjacency matrix (N, N) of one graph.")
    if not bool(((A == 0) | (A == 1)).all()) or bool(A.diagonal().any()):
        raise ValueError(
            "A has weights or loops: messages go along edges that are there or not; use 0 and 1, no loops."
        )
    return A


def _pass(u: Tensor, theta: float) -> Tensor:
    """f(u): what is left of a message after an edge that keeps the group with probability (1 + theta) / 2."""
    if abs(theta) == 1:  # everything; a bound on what is certain anyway keeps differences of messages finite
        return theta * u.clamp(-CERTAIN, CERTAIN)
    return 2 * torch.atanh(theta * torch.tanh(u / 2))


def _strength(c: float, eps: float) -> float:
    """theta, or the reason why there is none."""
    given.not_negative("c", c, why="a mean degree is 0 or more")
    given.within("eps", eps, 0, math.inf, why="it is c_out / c_in, a ratio of probabilities")
    return (1 - eps) / (1 + eps) if eps < math.inf else -1.0
