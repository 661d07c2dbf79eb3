r"""What is E relu(u_1) ... relu(u_n) of correlated Gaussians?  A radius times an angle.

    u_j = a_j.g,  g = r e:      E prod relu(a_j.g) = E r^n  <prod (a_j.e)_+>_e,      E r^n = 2^(n/2) G((n+D)/2) / G(D/2)

with D the rank of the covariance of the DIFFERENT variables (inputs plus one for a bias, never more than the number of
points).  D = 1 is a closed form.  D = 2: on each arc between the places where a factor dies the integrand is a
trigonometric polynomial, and Gauss-Legendre nodes are exact to rounding.  D = 3: arcs again on each circle of latitude
of the sphere; over the latitude, panels between all places where an arc is born or two ends meet, with the substitution
t = a + (b - a) sin^2 that removes the square roots at their ends.  n = 2 must agree with Cho and Saul 2009.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation.gaussian import legendre

ARC, LATITUDE = 14, 24  # nodes a panel; doubling either changes nothing beyond rounding (a test)
KEEP = 1e-13  # an eigenvalue of the correlations below this part of their trace is rounding


def moments(C: Tensor, index: Tensor) -> Tensor:
    """E prod relu(u_j) over the columns of index (k, n), (u) ~ N(0, C), C (m, m), n = 1 ... 6: (k,), float64.

    Raises `ValueError` when the variables of one tuple span more than three dimensions.
    """
    C, index = given.doubles(C), torch.as_tensor(index)
    n = index.shape[1]
    if root(C).shape[1] <= 3:
        return _moments(root(C), index)
    found = torch.empty(len(index), device=C.device, dtype=torch.float64)
    for sites in {tuple(sorted(set(row))) for row in index.tolist()}:  # each tuple in the space that it spans
        a = root(C[list(sites)][:, list(sites)])
        if a.shape[1] > 3:
            raise ValueError(
                f"points {sites} span {a.shape[1]} dimensions: ReLU moments are known up to 3; choose tuples with at "
                "most three different points, or inputs in a plane, or measure with `correlators.integrated`."
            )
        rows = torch.tensor([tuple(sorted(set(row))) == sites for row in index.tolist()], device=C.device)
        local = torch.tensor([sites.index(i) for row in index[rows].tolist() for i in row], device=C.device)
        found[rows] = _moments(a, local.reshape(-1, n))
    return found


def root(C: Tensor) -> Tensor:
    """a (m, D) with a a^T = C, D its rank, judged on correlations: a small variable counts beside a large one.

    Raises `ValueError` for a matrix that is no covariance.
    """
    C = given.doubles(C)
    if C.dim() != 2 or C.shape[0] != C.shape[1]:
        raise ValueError(f"shape {tuple(C.shape)}: a covariance of m variables is (m, m).")
    size = C.diagonal().clamp_min(0).sqrt()
    unit = torch.where(size > 0, size, 1.0)
    correlation = C / unit / unit[:, None]
    if not bool(correlation.isfinite().all()):
        raise ValueError(f"C {tuple(C.shape)}: a covariance has finite entries; bring the inputs nearer to 0.")
    values, vectors = torch.linalg.eigh(correlation)
    if float(values[0].detach()) < -1e-8 * len(C):
        raise ValueError(f"C {tuple(C.shape)}: an eigenvalue is below 0, so this is no covariance; check its entries.")
    kept = values > KEEP * len(C)
    return size[:, None] * vectors[:, kept] * values[kept].sqrt()


def _moments(a: Tensor, index: Tensor) -> Tensor:
    n, D = index.shape[1], a.shape[1]
    if D == 0:
        return torch.zeros(len(index), device=a.device, dtype=torch.float64)
    radius = 2 ** (n / 2) * math.exp(math.lgamma((n + D) / 2) - math.lgamma(D / 2))
    directions, weights = (_points, _circle, _sphere)[D - 1](a[a.abs().amax(1) > 0])
    values = (a @ directions).clamp_min(0)
    parts = [(values[rows].prod(1) @ weights) for rows in index.split(max(1, 2**22 // len(weights)))]
    return radius * torch.cat(parts)


def _points(a: Tensor) -> tuple[Tensor, Tensor]:
    """The two directions of a line."""
    ends = torch.ones(1, 2, device=a.device, dtype=a.dtype)
    ends[0, 1] = -1
    return ends, torch.full_like(ends[0], 0.5)


def _circle(a: Tensor) -> tuple[Tensor, Tensor]:
    """Directions (2, k) of the plane and their weights, panels between the zeros of all a_j . e."""
    zero = torch.atan2(a[:, 1], a[:, 0]) + math.pi / 2
    angle, weight = _arcs(torch.cat([zero, zero + math.pi])[None])
    return torch.stack([angle.cos(), angle.sin()]).flatten(1), weight.flatten() / (2 * math.pi)


def _sphere(a: Tensor) -> tuple[Tensor, Tensor]:
    """Directions (3, k) of space and their weights."""
    unit = a / a.abs().amax(1, keepdim=True)
    unit = unit / unit.norm(dim=1, keepdim=True)
    across, height = unit[:, :2].norm(dim=1), unit[:, 2]
    meet = torch.linalg.cross(unit[:, None].expand(-1, len(a), -1), unit[None].expand(len(a), -1, -1))
    length = meet.norm(dim=-1)
    meet = (meet[..., 2] / length)[length > 1e-12]
    edges = torch.cat([across, -across, meet, torch.tensor([-1.0, 0.0, 1.0], device=a.device, dtype=a.dtype)])
    edges = edges.clamp(-1, 1).sort().values
    s, w = _panel(LATITUDE, a)
    width = edges.diff()[:, None]
    t = (edges[:-1, None] + width * (math.pi / 2 * s).sin().square()).flatten()
    w = (width * (math.pi / 2) * (math.pi * s).sin() * w).flatten()
    t, w = t[w > 0], w[w > 0]
    r = (1 - t.square()).clamp_min(0).sqrt()
    cosine = -height * t[:, None] / (across * r[:, None]).clamp_min(1e-300)
    half = torch.where(cosine.abs() < 1, torch.acos(cosine.clamp(-1, 1)), 0.0)  # 0: the factor has no zero here
    middle = torch.atan2(unit[:, 1], unit[:, 0])
    angle, weight = _arcs(torch.cat([middle + half, middle - half], 1))
    directions = torch.stack(
        [r[:, None, None] * angle.cos(), r[:, None, None] * angle.sin(), t[:, None, None].expand_as(angle)]
    )
    return directions.flatten(1), (weight * w[:, None, None]).flatten() / (4 * math.pi)


def _arcs(zeros: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes and weights (T, arcs, nodes) on the circle, between zeros (T, z) and four fixed cuts."""
    fixed = torch.arange(5, device=zeros.device, dtype=zeros.dtype) * (math.pi / 2)
    edges = torch.cat([zeros.remainder(2 * math.pi), fixed.expand(len(zeros), 5)], 1).sort(1).values
    s, w = _panel(ARC, zeros)
    width = edges.diff()[..., None]
    return edges[:, :-1, None] + width * s, width * w


def _panel(n: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Gauss-Legendre nodes and weights on (0, 1)."""
    x, w = (torch.tensor(values, device=like.device, dtype=torch.float64) for values in legendre(n))
    return (1 + x) / 2, w / 2
