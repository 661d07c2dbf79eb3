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

CHECKERBOARD: dict[int, tuple[Split, ...]] = {
    1: (((0,), (1,)),),
    2: (((0, 3), (1, 2)),),
    3: (((0, 3, 5, 6), (1, 2, 4, 7)),),
}
"""The two colours of the lattice, as corners of a block, by dimension."""

EVERY_HALF: dict[int, tuple[Split, ...]] = {
    1: (((0,), (1,)),),
    2: (((0, 3), (1, 2)), ((0, 1), (2, 3)), ((0, 2), (1, 3))),
    3: (((0, 3, 5, 6), (1, 2, 4, 7)), ((0, 1, 2, 3), (4, 5, 6, 7)), ((0, 1, 4, 5), (2, 3, 6, 7)),
        ((0, 2, 4, 6), (1, 3, 5, 7))),
}  # fmt: skip
"""The colours, then the two halves along each axis: in two dimensions all ways to halve a block."""


class Hidden(nn.Module):
    """b (c, m, ..., m, n) -> hidden units (groups, width, places), the body of every network of a coupling.

    width: units of a hidden layer; depth: hidden layers; reach: how many blocks away it sees; groups: 1, or the number
    m^d of blocks for weights that are not shared.  odd: an odd function of b (no biases, an odd activation).  Raises
    `ValueError` for a width or depth below 1.
    """

    def __init__(
        self, channels: int, d: int, *, width: int, depth: int, reach: int, odd: bool, groups: int,
        rng: torch.Generator, dtype: torch.dtype,
    ) -> None:  # fmt: skip
        super().__init__()
        given.whole("width", width, least=1, why="a network has at least one hidden unit")
        given.whole("depth", depth, least=1, why="a network has at least one hidden layer")
        self.reach, self.odd, self.groups = reach, odd, groups
        given.whole("reach", reach, least=0, why="blocks away are counted")
        given.whole("groups", groups, least=1, why="a network serves all blocks, or there is one for each")
        given.generator(rng)
        sizes = [channels * (2 * reach + 1) ** d] + [width] * (depth - 1)
        weights = [head(groups, width, inputs, inputs**-0.5, rng=rng, dtype=dtype) for inputs in sizes]
        biases = [head(groups, width, 1, 0.1, rng=rng, dtype=dtype) for _ in sizes if not odd]
        self.W, self.b = nn.ParameterList(weights), nn.ParameterList(biases)

    def forward(self, b: Tensor) -> Tensor:
        u = neighbours(b, self.reach)
        u = u.reshape(len(u), self.groups, -1).transpose(0, 1)  # (groups, inputs, places)
        if self.odd:
            for W in self.W:
                u = functional.softsign(W @ u)
        for W, bias in zip(self.W, self.b):
            u = functional.silu(torch.baddbmm(bias, W, u))
        return u


def head(
    groups: int, rows: int, columns: int, size: float, *, rng: torch.Generator, dtype: torch.dtype
) -> nn.Parameter:
    """Weights (groups, rows, columns), normal with the standard deviation `size`."""
    return nn.Parameter(size * torch.randn((groups, rows, columns), generator=rng, device=rng.device, dtype=dtype))


class Conditioner(nn.Module):
    """b (c, m, ..., m, n) -> (s, t), each (c, m, ..., m, n); zero at the start, so that the coupling begins as the
    identity.

    Its arguments are those of `Hidden`; odd: t odd and s even in b (s is read off the squares).
    """

    def __init__(
        self, channels: int, d: int, *, width: int, depth: int = 2, reach: int, odd: bool, groups: int,
        rng: torch.Generator, dtype: torch.dtype,
    ) -> None:  # fmt: skip
        super().__init__()
        self.odd = odd
        self.hidden = Hidden(
            channels, d, width=width, depth=depth, reach=reach, odd=odd, groups=groups, rng=rng, dtype=dtype
        )
        self.V_s, self.V_t = (head(groups, channels, width, 0, rng=rng, dtype=dtype) for _ in range(2))
        self.b_s = head(groups, channels, 1, 0, rng=rng, dtype=dtype)
        self.b_t = None if odd else head(groups, channels, 1, 0, rng=rng, dtype=dtype)

    def forward(self, b: Tensor) -> tuple[Tensor, Tensor]:
        u = self.hidden(b)
        s = torch.baddbmm(self.b_s, self.V_s, u * u if self.odd else u)
        t = self.V_t @ u if self.b_t is None else torch.baddbmm(self.b_t, self.V_t, u)
        s, t = (y.transpose(0, 1).reshape(b.shape) for y in (s, t))
        return 2 * functional.softsign(s / 2), t


def neighbours(b: Tensor, reach: int) -> Tensor:
    """b (c, m, ..., m, n) with all blocks up to `reach` away as further channels: (c (2 reach + 1)^d, m, ..., m, n)."""
    given.whole("reach", reach, least=0, why="blocks away are counted")
    for axis in range(1, b.dim() - 1):
        b = torch.cat([b.roll(step, axis) for step in range(-reach, reach + 1)]) if reach else b
    return b


class Couplings(nn.Module):
    """n_rounds rounds of affine couplings on fields (n, L, ..., L), L even.

    Round r cuts at shift shifts[r % len(shifts)] and halves by splits[r % len(splits)].  n_networks: 1 for one
    network for all blocks, or their number for one each.  width, depth: of `Hidden`.  Raises `ValueError` for d other
    than 1, 2 and 3 or sizes below 1.
    """

    def __init__(
        self, d: int, *, n_rounds: int, width: int, depth: int = 2, reach: int = 1, odd: bool = False,
        n_networks: int = 1,
        splits: tuple[Split, ...] | None = None, shifts: tuple[int, ...] = (0, 1), rng: torch.Generator,
        dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        super().__init__()
        given.generator(rng)
        given.whole("n_rounds", n_rounds, least=0, why="rounds are counted")
        if d not in CHECKERBOARD:
            raise ValueError(f"d = {d}: blocks are halved in one, two and three dimensions; use d = 1, 2 or 3.")
        splits = CHECKERBOARD[d] if splits is None else splits
        self.plan = [(splits[r % len(splits)], shifts[r % len(shifts)]) for r in range(n_rounds)]
        self.networks = nn.ModuleList(
            Conditioner(
                2**d // 2, d, width=width, depth=depth, reach=reach, odd=odd, groups=n_networks, rng=rng, dtype=dtype
            )
            for _ in range(2 * n_rounds)
        )  # fmt: skip

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Towards the field: (n, L, ..., L) -> the same, and the log-determinant (n,)."""
        log_det = x.new_zeros(len(x))
        for r, (split, shift) in enumerate(self.plan):
            a, b = halves(x, split, shift)
            s, t = self.networks[2 * r](b)
            a, log_det = a * s.exp() + t, log_det + over_blocks(s)
            s, t = self.networks[2 * r + 1](a)
            b, log_det = b * s.exp() + t, log_det + over_blocks(s)
            x = whole(a, b, split, shift)
        return x, log_det

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Back: the field before, and the log-determinant (n,) of this direction."""
        log_det = x.new_zeros(len(x))
        for r, (split, shift) in reversed(list(enumerate(self.plan))):
            a, b = halves(x, split, shift)
            s, t = self.networks[2 * r + 1](a)
            b, log_det = (b - t) * (-s).exp(), log_det - over_blocks(s)
            s, t = self.networks[2 * r](b)
            a, log_det = (a - t) * (-s).exp(), log_det - over_blocks(s)
            x = whole(a, b, split, shift)
        return x, log_det

    def transport(self, x: Tensor, score: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`forward` of x, which must require a gradient; log-determinant and score leave without one."""
        log_det = x.new_zeros(len(x))
        for r, (split, shift) in enumerate(self.plan):
            (a, b), (g_a, g_b) = halves(x, split, shift), halves(score, split, shift)
            a, g_a, g_b, change = _carried(self.networks[2 * r], a, b, g_a, g_b)
            log_det = log_det + change
            b, g_b, g_a, change = _carried(self.networks[2 * r + 1], b, a, g_b, g_a)
            log_det = log_det + change
            x, score = whole(a, b, split, shift), whole(g_a, g_b, split, shift)
        return x, log_det, score


def _carried(
    network: nn.Module, a: Tensor, b: Tensor, g_a: Tensor, g_b: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """a after its move, both scores after it, and the log-determinant; the equations are in the module's docstring."""
    s, t = network(b)
    grow = s.exp()
    g_a = g_a / grow.detach()
    (h,) = torch.autograd.grad((s + g_a * (a.detach() * grow + t)).sum(), b, retain_graph=True)
    return a * grow + t, g_a, g_b - h, over_blocks(s.detach())


def halves(x: Tensor, split: Split, shift: int) -> tuple[Tensor, Tensor]:
    """The two halves of every block of x (n, L, ..., L), each (c, m, ..., m, n) with c corners."""
    parts = blocks.corners(x, shift=shift)
    first, second = (torch.stack([parts[k] for k in half]) for half in split)
    return first, second


def whole(a: Tensor, b: Tensor, split: Split, shift: int) -> Tensor:
    """The inverse of `halves`."""
    parts = dict(zip(split[0] + split[1], [*a, *b], strict=True))
    return blocks.lattice([parts[k] for k in range(len(parts))], shift=shift)


def over_blocks(s: Tensor) -> Tensor:
    """The sum over corners and blocks: (c, m, ..., m, n) -> (n,)."""
    return s.sum(tuple(range(s.dim() - 1)))
