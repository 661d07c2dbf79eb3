r"""What if weights and biases have a mean?  Then outputs have one, and the two-point function depends on the width.

    w ~ N(mw, sw2 / d),  hidden b ~ N(mb, sb2),  v ~ N(mw, sw2 / N),  output b ~ N(mb, sb2)

    G1(x)    = mb + N mw M_x,                                       M_x = E h(x),  M_xy = E h(x) h(y)  of one neuron
    G2(x, y) = sb2 + sw2 M_xy + N mw^2 (M_xy - M_x M_y)

for one hidden layer, at every width: f is a sum of N independent terms v_i h_i, and Cov(v h, v h') = (sw2 / N) M_xy +
mw^2 (M_xy - M_x M_y).  The means are not divided by the fan-in, so that an infinite width has a limit only for mw = 0
or mw ~ 1 / sqrt(N).  The convention is that of the code published with Halverson, Maiti and Stoner 2021.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.nnft import ensembles
from fieldkit.nnft.ensembles import Ensemble
from fieldkit.propagation.gaussian import legendre, scales

REACH = 9.0  # standard deviations


def functions(
    ensemble: Ensemble, x: Tensor, n: int, *, mw: float = 0.0, mb: float = 0.0, d_out: int = 1, rng: torch.Generator
) -> Tensor:
    """n random functions at points x (m, d), weights and biases with the means mw and mb: (n, m, d_out), float64.

    Raises `ValueError` for more than one hidden layer or a neuron with a phase, which has no mean bias.
    """
    given.whole("n", n, least=1, why="at least one network is drawn")
    given.whole("d_out", d_out, least=1, why="a network has at least one output")
    given.generator(rng)
    _plain(ensemble)
    x = ensembles.inputs(x, rng.device)
    A, N, q = ensembles.mixing(ensemble, x), ensemble.widths[0], ensembles.variances(ensemble, x)[0]

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, device=rng.device, dtype=torch.float64)

    z = normal(n, N, A.shape[1]) @ A.T + _shift(x, mw, mb)
    h = ensemble.neuron.response(z, q)
    v = mw + math.sqrt(ensemble.sw2 / N) * normal(n, d_out, N)
    return (v @ h).mT + mb + math.sqrt(ensemble.sb2) * normal(n, 1, d_out)


def one_and_two(ensemble: Ensemble, x: Tensor, *, mw: float = 0.0, mb: float = 0.0) -> tuple[Tensor, Tensor]:
    """G1 (m,) and the connected G2 (m, m) of one output at points x (m, d), by quadrature.  Raises as `functions`."""
    _plain(ensemble)
    x = ensembles.inputs(x)
    C, shift, N = ensembles.overlaps(ensemble, x), _shift(x, mw, mb), ensemble.widths[0]
    m = len(x)
    M = torch.stack([_product(ensemble, C, shift, a, None) for a in range(m)])
    MM = torch.stack([torch.stack([_product(ensemble, C, shift, a, b) for b in range(m)]) for a in range(m)])
    two = ensemble.sb2 + ensemble.sw2 * MM + N * mw**2 * (MM - torch.outer(M, M))
    return mb + N * mw * M, two


def _product(ensemble: Ensemble, C: Tensor, shift: Tensor, a: int, b: int | None) -> Tensor:
    """E h(a), or E h(a) h(b): z_b given z_a is Gaussian; both integrals are cut at z = 0 and where h bends."""
    q = C.diagonal()
    bends = _bends(ensemble, q)
    g, w = _cut((bends - shift[a]) / q[a].clamp_min(1e-99).sqrt())
    z = shift[a] + q[a].sqrt() * g
    first = ensemble.neuron.response(z, q[a])
    if b is None:
        return w @ first
    slope = C[a, b] / q[a].clamp_min(1e-99).sqrt()
    left = (q[b] - slope**2).clamp_min(0.0).sqrt()
    middle = shift[b] + slope * g
    inner, weight = _cut((bends - middle[:, None]) / left.clamp_min(1e-99))
    second = ensemble.neuron.response(middle[:, None] + left * inner, q[b])
    return w @ (first * (weight * second).sum(1))


def _bends(ensemble: Ensemble, q: Tensor) -> Tensor:
    """Where in z a panel ends: at zero, at the kinks, and where a saturating h of a large z changes its scale."""
    phi = ensemble.neuron.activation
    places = {0.0, *(phi.kinks if phi is not None else ())}
    if float(q.max()) > 20:
        places |= {sign * x for x in scales(True) for sign in (-1, 1)}
    return torch.tensor(sorted(places), device=q.device, dtype=torch.float64)


def _cut(bends: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes and weights (..., k) of a normal average, in pieces that meet at the bends (..., b), in rising order."""
    y, w = (torch.tensor(row, device=bends.device, dtype=torch.float64) for row in legendre(64))
    ends = torch.full_like(bends[..., :1], REACH)
    edges = torch.cat([-ends, bends.clamp(-REACH, REACH), ends], -1)
    width = edges.diff()[..., None]
    nodes = (edges[..., :-1, None] + width * (1 + y) / 2).flatten(-2)
    return nodes, (width * w / 2).flatten(-2) * torch.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)


def _shift(x: Tensor, mw: float, mb: float) -> Tensor:
    """The mean of the pre-activation at each point (m,)."""
    for name, value in (("mw", mw), ("mb", mb)):
        given.number(name, value, why="it is a mean of weights or biases")
    return mw * x.sum(1) + mb


def _plain(ensemble: Ensemble) -> None:
    if len(ensemble.widths) > 1 or ensemble.neuron.phase:
        raise ValueError(
            f"widths = {ensemble.widths}: means of weights are for one hidden layer with Gaussian biases; draw others "
            "by `ensembles.functions`, without means."
        )
