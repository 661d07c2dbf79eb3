r"""Can a matrix factorisation do the renormalisation group?  Z as a network of tensors, cut at the largest axes.

    Z = sum over bonds of prod A_uldr,     A_uldr = sum_s W_su W_sl W_sd W_sr,     W W^T = exp(K s s')

`trg` splits every tensor along its two diagonals and contracts four halves into one (Levin and Nave 2007); `hotrg`
joins two neighbours and rotates their doubled bond to its principal axes (Xie et al. 2012).  Both keep at most chi
values of a bond, halve the number of tensors, and are batched over temperatures: (n, up, left, down, right).
At T_c the tensor of a square block is a piece of a conformal field theory: its transfer matrix knows the scaling
dimensions (Gu and Wen 2009), Delta_i = ln(l_0 / l_i) / pi with two blocks round the ring.  A finite chi is a finite
correlation length, so what one sees is a plateau in scale, not a fixed point.  Truths are in `ring_exact`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigs
from torch import Tensor

from fieldkit import given

Step = Callable[[Tensor, int], Tensor]
"""A tensor (n, u, l, d, r) and chi to the tensor of twice as many sites: `trg` or `hotrg`."""


def site(T: Tensor | float) -> Tensor:
    """The tensor of one Ising spin at temperatures T (n,) or a number: (n, 2, 2, 2, 2) float64.

    Raises `ValueError` for temperatures that are not positive, or below 1/300, where exp(2/T) is more than a float64.
    """
    T = _temperatures(T)
    if bool((T < 1 / 300).any()):
        raise ValueError(
            f"T = {T.tolist()}: exp(2/T) overflows; `flow` takes it out; start there, or choose T > 1/300."
        )
    return _site(T)[0]


def _site(T: Tensor) -> tuple[Tensor, Tensor]:
    """The tensor of one spin over exp(shift), and shift (n,): 0, or 2/T where the tensor itself would overflow."""
    K = 1 / T
    cold = K > 100
    plain, unit = torch.where(cold, 1.0, K), torch.exp(-2 * K)
    c = torch.where(cold, (1 + unit) / 2, torch.cosh(plain)).sqrt()
    s = torch.where(cold, (1 - unit) / 2, torch.sinh(plain)).sqrt()
    W = torch.stack([torch.stack([c, s], 1), torch.stack([c, -s], 1)], 1)  # (n, spin, bond value)
    return torch.einsum("nsu,nsl,nsd,nsr->nuldr", W, W, W, W), torch.where(cold, 2 * K, 0.0)


def _temperatures(T: Tensor | float) -> Tensor:
    T = given.doubles(T).reshape(-1)
    if len(T) == 0 or not bool((T > 0).all()):
        raise ValueError(f"T = {T.tolist()}: a temperature is positive, and there is at least one.")
    return T


def trg(A: Tensor, chi: int) -> Tensor:
    """One step of Levin and Nave: half as many tensors, the lattice turned by 45 degrees; O(chi^6)."""
    n, u, l, d, r = A.shape
    S1, S3 = _split(A.reshape(n, u * l, d * r), chi)
    S2, S4 = _split(A.permute(0, 1, 4, 3, 2).reshape(n, u * r, d * l), chi)
    S1, S3 = S1.reshape(n, u, l, -1), S3.reshape(n, d, r, -1)
    S2, S4 = S2.reshape(n, u, r, -1), S4.reshape(n, d, l, -1)
    P = torch.einsum("nabx,ncby->nxyac", S3, S4)
    Q = torch.einsum("naez,ncew->naczw", S2, S1)
    x, y, z, w = (S.shape[-1] for S in (S3, S4, S2, S1))
    whole = P.reshape(n, x * y, -1) @ Q.reshape(n, -1, z * w)
    return whole.reshape(n, x, y, z, w).permute(0, 1, 3, 4, 2)


def hotrg(A: Tensor, chi: int) -> Tensor:
    """One step of Xie et al.: two tensors on top of each other, bond pairs cut, turned by 90 degrees; O(chi^7)."""
    n, u, l, d, r = A.shape
    U, lost = _axes(A, chi)
    V, lost_too = _axes(A.permute(0, 1, 4, 3, 2), chi)  # from the right side, where it throws away less
    U = torch.where((lost <= lost_too)[:, None, None], U, V).reshape(n, l, l, -1)
    x = U.shape[-1]
    upper = torch.einsum("nabx,nuakr->nxurbk", U, A)  # (x, up, right of the upper, left of the lower, the bond between)
    lower = A.permute(0, 2, 1, 3, 4).reshape(n, l * u, d * r)
    both = (upper.reshape(n, x * u * r, -1) @ lower).reshape(n, x, u, r, d, r)
    ends = both.permute(0, 1, 2, 4, 3, 5).reshape(n, x * u * d, r * r) @ U.reshape(n, r * r, x)
    return ends.reshape(n, x, u, d, x).permute(0, 1, 3, 4, 2)  # the new up is the old left


@dataclass(frozen=True)
class Flow:
    """tensors[k] (n, u, l, d, r) after k steps, each with trace 1 over the torus; log_partition (k + 1, n) = ln Z per
    site of the torus of 2^k sites that the trace closes; T (n,)."""

    tensors: list[Tensor]
    log_partition: Tensor
    T: Tensor


def flow(T: Tensor | float, *, chi: int, n_steps: int, step: Step = trg) -> Flow:
    """The Ising model at temperatures T (n,), coarse-grained n_steps times: 2^n_steps sites.

    Memory n chi^4 a step; work see `trg` and `hotrg`.  Raises `ValueError` for chi < 2 or a temperature that is not
    positive.
    """
    given.whole("chi", chi, least=2, why="a bond of one value carries nothing")
    given.whole("n_steps", n_steps, least=0, why="a flow takes so many steps")
    T = _temperatures(T)
    (A, log), n_sites = _site(T), 1.0
    tensors, logs = [], []
    for k in range(n_steps + 1):
        trace = torch.einsum("nabab->n", A).abs()
        A, log = A / trace[:, None, None, None, None], log + trace.log() / n_sites
        tensors.append(A)
        logs.append(log)
        if k < n_steps:
            A, n_sites = step(A, chi), 2 * n_sites
    return Flow(tensors, torch.stack(logs), T)


def transfer_levels(A: Tensor, n: int, *, width: int = 2) -> Tensor:
    """The n largest moduli of eigenvalues of the transfer matrix of `width` (1 or 2) blocks round the ring: (batch, n).

    Two blocks are wider than high, so that what decays fast is still seen.  Missing ones, beyond chi^width, are 0.
    """
    given.whole("n", n, least=1, why="a spectrum has a largest eigenvalue")
    if A.dim() != 5 or A.shape[1] != A.shape[3] or A.shape[2] != A.shape[4]:
        raise ValueError(f"A {tuple(A.shape)}: a ring closes tensors (n, u, l, d, r) with u = d and l = r.")
    if width == 1:
        levels = torch.linalg.eigvals(torch.einsum("nulur->nlr", A)).abs().sort(-1, descending=True).values[:, :n]
    elif width == 2:
        levels = torch.stack([_pair_levels(a, n) for a in A])
    else:
        raise ValueError(f"width = {width}: one or two blocks round the ring; give 1 or 2.")
    return torch.nn.functional.pad(levels, (0, n - levels.shape[1]))


def scaling_dimensions(flow: Flow, step: int, *, n: int = 6, width: int = 2) -> Tensor:
    """Delta_1 ... Delta_n after `step` steps (even, so that blocks are square), (batch, n): width ln(l_0 / l_i) / 2 pi.

    Meaningful at T_c, while the block is smaller than what chi can carry; a ring of width 2^(step/2) spins.
    """
    levels = transfer_levels(_square(flow, step), n + 1, width=width)
    return width / (2 * math.pi) * (levels[:, :1] / levels[:, 1:]).log()


def correlation_length(flow: Flow, step: int) -> Tensor:
    """xi in spins after `step` steps (even), (batch,): side of the block over ln(l_0 / l_1) of two blocks in a ring.

    At T_c it grows with the block until it saturates at the length that chi can carry.
    """
    levels = transfer_levels(_square(flow, step), 2)
    return 2.0 ** (step / 2) / (levels[:, 0] / levels[:, 1]).log()


def central_charge(flow: Flow, step: int, *, bulk: Tensor | float) -> Tensor:
    """c (batch,) after `step` steps: 12/pi [ln l_0 + 2 N (ln Z_N / N - bulk)], l_0 of two blocks in a ring.

    bulk: ln Z per site of the infinite lattice, -f / T; N = 2^step sites a block (Casimir energy, Bloete, Cardy and
    Nightingale 1986).
    """
    top = transfer_levels(_square(flow, step), 1)[:, 0]
    return 12 / math.pi * (top.log() + 2.0 ** (step + 1) * (flow.log_partition[step] - given.doubles(bulk)))


def _split(M: Tensor, chi: int) -> tuple[Tensor, Tensor]:
    """M (n, p, q) = X Y^T with at most chi columns, X = U sqrt(s), Y = V sqrt(s): from the axes U of M M^T.

    U U^T M is as good a truncation as that of singular vectors, at a third of the price; s = |U^T M| row by row, so
    that its digits do not suffer from squaring.
    """
    k = min(chi, *M.shape[1:])
    _, vectors = torch.linalg.eigh(M @ M.mT)
    U = vectors.flip(-1)[..., :k]
    Y = M.mT @ U
    size = Y.norm(dim=1, keepdim=True).clamp(min=1e-150)
    return U * size.sqrt(), Y / size.sqrt()


def _axes(A: Tensor, chi: int) -> tuple[Tensor, Tensor]:
    """Principal axes (n, l l, k) of the doubled left bond of two tensors on top of each other; what is thrown away."""
    n, u, l, d, r = A.shape
    top = A.permute(0, 2, 3, 1, 4).reshape(n, l, d, u * r)  # of the upper tensor: left, the bond between, the rest
    upper = torch.einsum("nakx,nbjx->nabkj", top, top)
    low = A.permute(0, 2, 1, 3, 4).reshape(n, l, u, d * r)
    lower = torch.einsum("nckx,ndjx->nkjcd", low, low)
    gram = (upper.reshape(n, l * l, -1) @ lower.reshape(n, -1, l * l)).reshape(n, l, l, l, l)
    gram = gram.transpose(2, 3).reshape(n, l * l, l * l)
    values, vectors = torch.linalg.eigh(gram)
    k = min(chi, l * l)
    return vectors.flip(-1)[..., :k], values.flip(-1)[:, k:].clamp(min=0).sum(-1)


def _pair_levels(a: Tensor, n: int) -> Tensor:
    """Of the transfer matrix (l l', r r') of two tensors in a ring, one on top of the other: moduli, largest first."""
    chi = a.shape[1]
    if chi**2 <= max(64, n + 2):
        whole = torch.einsum("uadr,dbus->abrs", a, a).reshape(chi**2, chi**2)
        return torch.linalg.eigvals(whole).abs().sort(descending=True).values[:n]

    def apply(x: np.ndarray) -> np.ndarray:
        y = torch.tensordot(torch.as_tensor(x).reshape(chi, chi), a, dims=([0], [1]))  # b; up, down, right
        return torch.tensordot(y, a, dims=([0, 2, 1], [1, 0, 2])).reshape(-1).numpy()

    operator = LinearOperator((chi**2, chi**2), matvec=apply, dtype=float)
    start = np.ones(chi**2)  # else drawn at random
    values = eigs(operator, k=n, which="LM", return_eigenvectors=False, v0=start, ncv=max(2 * n + 12, 24))
    return torch.from_numpy(abs(values)).sort(descending=True).values


def _square(flow: Flow, step: int) -> Tensor:
    given.whole("step", step, least=0, why="blocks are square after an even number of steps")
    if step % 2 or step >= len(flow.tensors):
        raise ValueError(f"step = {step}: blocks are square after 0, 2, ... {len(flow.tensors) - 1} steps; choose one.")
    return flow.tensors[step]
