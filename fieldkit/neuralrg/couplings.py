r"""How can a network with any weights be inverted exactly?  Let one half of the sites move, told by the other half.

    a -> a exp(s(b)) + t(b),  b -> b:        inverse a -> (a - t(b)) exp(-s(b)),        log-determinant sum of s(b).

A round of `Couplings` cuts the lattice into blocks of 2^d corners (`blocks`), splits the corners into two halves and
moves each half once.  s and t are the outputs of a `Conditioner`: a small network that sees the still half of a block
(reach 0) or of the block and its neighbours (reach 1), the same network for every block, or one of its own for each.
|s| < 2, so that no step can overflow.  With `odd` networks s is even and t odd in the field: x -> -x then commutes
with the flow.

Generation is `forward` (towards the field), `inverse` goes back.  `transport` is `forward` that also carries the score
g = d ln q / dx of the density q along, from before the map to after it:

    g_a -> g_a exp(-s),        g_b -> g_b - d/db [sum s + g_a . (a exp(s) + t)]        (g_a the new one, held fixed),

which is what the path gradient of `training` needs.  Sources: Dinh et al. 2017 (RealNVP); Albergo et al. 2019
(checkerboards); Vaitl et al. 2022 (the score, carried forward).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fieldkit import given
from fieldkit.neuralrg import blocks

Split = tuple[tuple[int, ...], tuple[int, ...]]

CHECKERBOARD: dict[int, tuple[Split, ...]] = {1: (((0,), (1,)),), 2: (((0, 3), (1, 2)),)}
"""The two colours of the lattice, as corners of a block, by dimension."""

EVERY_HALF: dict[int, tuple[Split, ...]] = {
    1: (((0,), (1,)),),
    2: (((0, 3), (1, 2)), ((0, 1), (2, 3)), ((0, 2), (1, 3))),
}
"""All ways to halve a block: diagonals, rows, columns."""


class Conditioner(nn.Module):
    """b (c, m, ..., m, n) -> (s, t), each (c, m, ..., m, n); zero at the start, so that the coupling begins as the
    identity.

    width: hidden units; two hidden layers.  groups: 1, or the number m^d of blocks for weights that are not shared.
    odd: t odd and s even in b (no biases, an odd activation, s read off the squares).
    """

    def __init__(
        self, channels: int, d: int, *, width: int, reach: int, odd: bool, groups: int, rng: torch.Generator,
        dtype: torch.dtype,
    ) -> None:  # fmt: skip
        super().__init__()
        self.reach, self.odd = reach, odd

        def weights(rows: int, columns: int, size: float) -> nn.Parameter:
            shape = (groups, rows, columns)
            return nn.Parameter(size * torch.randn(shape, generator=rng, device=rng.device, dtype=dtype))

        inputs = channels * 3 ** (d * reach)
        self.W1, self.W2 = weights(width, inputs, inputs**-0.5), weights(width, width, width**-0.5)
        self.V_s, self.V_t = weights(channels, width, 0), weights(channels, width, 0)
        self.b_s = weights(channels, 1, 0)
        if not odd:
            self.b1, self.b2, self.b_t = weights(width, 1, 0.1), weights(width, 1, 0.1), weights(channels, 1, 0)

    def forward(self, b: Tensor) -> tuple[Tensor, Tensor]:
        shape, groups = b.shape, len(self.W1)
        u = neighbours(b, self.reach)
        u = u.reshape(len(u), groups, -1).transpose(0, 1)  # (groups, inputs, places)
        if self.odd:
            u = functional.softsign(self.W2 @ functional.softsign(self.W1 @ u))
            s, t = torch.baddbmm(self.b_s, self.V_s, u * u), self.V_t @ u
        else:
            u = functional.silu(torch.baddbmm(self.b1, self.W1, u))
            u = functional.silu(torch.baddbmm(self.b2, self.W2, u))
            s, t = torch.baddbmm(self.b_s, self.V_s, u), torch.baddbmm(self.b_t, self.V_t, u)
        s, t = (y.transpose(0, 1).reshape(shape) for y in (s, t))
        return 2 * functional.softsign(s / 2), t


def neighbours(b: Tensor, reach: int) -> Tensor:
    """b (c, m, ..., m, n) with all blocks up to `reach` away as further channels: (c (2 reach + 1)^d, m, ..., m, n)."""
    for axis in range(1, b.dim() - 1):
        b = torch.cat([b.roll(step, axis) for step in range(-reach, reach + 1)]) if reach else b
    return b


class Couplings(nn.Module):
    """n_rounds rounds of affine couplings on fields (n, L, ..., L), L even.

    Round r cuts at shift shifts[r % len(shifts)] and halves by splits[r % len(splits)].  n_networks: 1 for one
    network for all blocks, or their number for one each.  Raises `ValueError` for d other than 1 and 2 or sizes below
    1.
    """

    def __init__(
        self, d: int, *, n_rounds: int, width: int, reach: int = 1, odd: bool = False, n_networks: int = 1,
        splits: tuple[Split, ...] | None = None, shifts: tuple[int, ...] = (0, 1), rng: torch.Generator,
        dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        super().__init__()
        given.generator(rng)
        given.whole("n_rounds", n_rounds, least=0, why="rounds are counted")
        given.whole("width", width, least=1, why="a network has at least one hidden unit")
        if d not in CHECKERBOARD:
            raise ValueError(f"d = {d}: blocks are halved in one and two dimensions; use d = 1 or 2.")
        splits = CHECKERBOARD[d] if splits is None else splits
        self.plan = [(splits[r % len(splits)], shifts[r % len(shifts)]) for r in range(n_rounds)]
        self.networks = nn.ModuleList(
            Conditioner(2**d // 2, d, width=width, reach=reach, odd=odd, groups=n_networks, rng=rng, dtype=dtype)
            for _ in range(2 * n_rounds)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Towards the field: (n, L, ..., L) -> the same, and the log-determinant (n,)."""
        log_det = x.new_zeros(len(x))
        for r, (split, shift) in enumerate(self.plan):
            a, b = _halves(x, split, shift)
            s, t = self.networks[2 * r](b)
            a, log_det = a * s.exp() + t, log_det + _over_blocks(s)
            s, t = self.networks[2 * r + 1](a)
            b, log_det = b * s.exp() + t, log_det + _over_blocks(s)
            x = _whole(a, b, split, shift)
        return x, log_det

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Back: the field before, and the log-determinant (n,) of this direction."""
        log_det = x.new_zeros(len(x))
        for r, (split, shift) in reversed(list(enumerate(self.plan))):
            a, b = _halves(x, split, shift)
            s, t = self.networks[2 * r + 1](a)
            b, log_det = (b - t) * (-s).exp(), log_det - _over_blocks(s)
            s, t = self.networks[2 * r](b)
            a, log_det = (a - t) * (-s).exp(), log_det - _over_blocks(s)
            x = _whole(a, b, split, shift)
        return x, log_det

    def transport(self, x: Tensor, score: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`forward` of x, which must require a gradient; log-determinant and score leave without one."""
        log_det = x.new_zeros(len(x))
        for r, (split, shift) in enumerate(self.plan):
            (a, b), (g_a, g_b) = _halves(x, split, shift), _halves(score, split, shift)
            a, g_a, g_b, change = _carried(self.networks[2 * r], a, b, g_a, g_b)
            log_det = log_det + change
            b, g_b, g_a, change = _carried(self.networks[2 * r + 1], b, a, g_b, g_a)
            log_det = log_det + change
            x, score = _whole(a, b, split, shift), _whole(g_a, g_b, split, shift)
        return x, log_det, score


def _carried(
    network: nn.Module, a: Tensor, b: Tensor, g_a: Tensor, g_b: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """a after its move, both scores after it, and the log-determinant; the equations are in the module's docstring."""
    s, t = network(b)
    grow = s.exp()
    g_a = g_a / grow.detach()
    (h,) = torch.autograd.grad((s + g_a * (a.detach() * grow + t)).sum(), b, retain_graph=True)
    return a * grow + t, g_a, g_b - h, _over_blocks(s.detach())


def _halves(x: Tensor, split: Split, shift: int) -> tuple[Tensor, Tensor]:
    parts = blocks.corners(x, shift=shift)
    first, second = (torch.stack([parts[k] for k in half]) for half in split)
    return first, second


def _whole(a: Tensor, b: Tensor, split: Split, shift: int) -> Tensor:
    parts = dict(zip(split[0] + split[1], [*a, *b], strict=True))
    return blocks.lattice([parts[k] for k in range(len(parts))], shift=shift)


def _over_blocks(s: Tensor) -> Tensor:
    """(c, m, ..., m, n) -> (n,)."""
    return s.sum(tuple(range(s.dim() - 1)))
