r"""What is E erf(u_1) ... erf(u_n) of correlated Gaussians?  A question about signs, answered by one integral or two.

    erf(u) = E sign(u + noise),  noise ~ N(0, 1/2),        so          E prod erf(u_j) = E prod sign(z_j),   S = C + 1/2

where each factor has noise of its own, so S never degenerates, whatever the inputs and in any dimension.  Scale the
off-diagonal entries of S by t from 0 to 1.  Because d sign(z) / dz = 2 delta(z) (Price 1958; Plackett 1954),

    d/dt E s_1 ... s_n = sum_{i<j} S_ij (2/pi) (S_ii S_jj - t^2 S_ij^2)^(-1/2)  E[the other signs | z_i = z_j = 0]

and two signs have E s_1 s_2 = (2/pi) arcsin rho.  Four signs are one integral over t, six signs two; the integrands are
analytic, so Gauss-Legendre nodes converge geometrically.  At a large variance a singularity comes as near to t = 1 as
the noise is small beside C: then panels shrink towards it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation.gaussian import legendre

NODES = 24  # for correlations up to 0.9 the last digit does not move beyond


def moments(C: Tensor, index: Tensor) -> Tensor:
    """E prod erf(u_j) over the columns of index (k, n), (u) ~ N(0, C), C (m, m), n = 2, 4, 6: (k,), float64."""
    C, index = given.doubles(C), torch.as_tensor(index)
    n = index.shape[1]
    if n not in (2, 4, 6):
        raise ValueError(f"n = {n}: odd averages of an odd function vanish, and beyond six points none is written.")
    S = C.double()[index[:, :, None], index[:, None, :]] + 0.5 * torch.eye(n, device=C.device, dtype=torch.float64)
    rule = _rule(C.double())
    if n < 6:
        return signs(S, rule)
    more = len(rule[0]) // NODES  # the double integral of 64 tuples at a time
    return torch.cat([signs(part, rule) for part in S.split(max(1, 64 // more**2))])


def signs(S: Tensor, rule: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """E sign(z_1) ... sign(z_n), z ~ N(0, S), S (..., n, n) positive definite, n = 2, 4 or 6: (...).

    rule: nodes and weights of the integral over t, by default one panel, for correlations up to 0.9.
    """
    S = given.doubles(S)
    n = S.shape[-1]
    if n == 2:
        k, bound = S[..., 0, 1], (S[..., 0, 0] * S[..., 1, 1]).sqrt()
        return (2 / math.pi) * torch.atan2(k, ((bound - k) * (bound + k)).clamp_min(1e-300).sqrt())
    nodes, weights = _panels(0, S.device) if rule is None else rule
    diagonal = torch.diag_embed(S.diagonal(dim1=-2, dim2=-1))
    t = nodes.reshape(-1, *[1] * S.dim())
    scaled = diagonal + t * (S - diagonal)  # (nodes, ..., n, n)
    total = torch.zeros(scaled.shape[:-2], device=S.device, dtype=torch.float64)
    for i in range(n):
        for j in range(i + 1, n):
            rest = [k for k in range(n) if k not in (i, j)]
            a, b, c = scaled[..., i, i], scaled[..., j, j], scaled[..., i, j]
            det = a * b - c.square()
            others, u, v = scaled[..., rest, :][..., rest], scaled[..., rest, i], scaled[..., rest, j]
            outer = b[..., None, None] * _outer(u, u) + a[..., None, None] * _outer(v, v)
            outer = outer - c[..., None, None] * (_outer(u, v) + _outer(v, u))
            total = total + S[..., i, j] * det.rsqrt() * signs(others - outer / det[..., None, None], rule)
    return (2 / math.pi) * torch.tensordot(weights, total, 1)


def _rule(C: Tensor) -> tuple[Tensor, Tensor]:
    """The rule for variances C_ii: the singularity is about 1/(2 C) beyond t = 1."""
    top = float(C.detach().diagonal().max())
    return _panels(math.ceil(math.log(2 * top, 4)) if top > 4.5 else 0, C.device)


def _panels(halvings: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Nodes and weights on [0, 1] between the edges 0, 1 - 1/4, 1 - 1/16, ..., 1."""
    x, w = (torch.tensor(a, device=device, dtype=torch.float64) for a in legendre(NODES))
    edge = torch.tensor([1 - 4.0**-k for k in range(halvings + 1)] + [1.0], device=device, dtype=torch.float64)
    width = edge.diff()[:, None]
    return (edge[:-1, None] + width * (1 + x) / 2).flatten(), (width * w / 2).flatten()


def _outer(u: Tensor, v: Tensor) -> Tensor:
    return u[..., :, None] * v[..., None, :]
