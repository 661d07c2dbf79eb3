r"""Is a generator a renormalisation group run backwards?  The layout of entanglement renormalisation, MERA, made of
flows.

Level k lives on the sites whose coordinates are multiples of 2^k.  Towards the field, from the coarsest level to the
finest:

    coarse field, new noise --decimator, blocks from odd sites-->  --disentangler, blocks from even sites--> field.

Backwards, which is the direction of the renormalisation group, disentanglers act on the aligned blocks first, then
decimators split every shifted block into one coarse site, which goes on to level k + 1, and 2^d - 1 amplitudes that
must look like white noise: they are integrated out.  Every latent variable stays at its own site, so z has the shape
of x.  A decimator begins as the Haar matrix with a scale for each amplitude, followed by the level's own `Spectrum`
and `Monotone` if wanted (they see the whole level, not a block) and by couplings inside the blocks; a disentangler is
couplings.  No index tables: slices with a step, and turns of the torus.

Sources: Vidal 2007 and 2008 (MERA); Li and Wang 2018 (as a flow, with couplings in blocks).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fieldkit import given
from fieldkit.neuralrg import blocks, flows
from fieldkit.neuralrg.couplings import EVERY_HALF, Couplings
from fieldkit.neuralrg.flows import Flow, Prior
from fieldkit.neuralrg.pointwise import Monotone
from fieldkit.neuralrg.spectrum import Spectrum


class Decimator(nn.Module):
    """Amplitudes -> sites in blocks that begin at odd sites: H^T e^scale on every block, H the Haar matrix of
    `blocks.haar`.

    Before the map the last corner of a block, the site with even coordinates, holds the coarse amplitude.  scale has
    one number for each amplitude, or for each amplitude of each of the n_blocks^d blocks.
    """

    def __init__(self, d: int, *, n_blocks: int = 1, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.register_buffer("matrix", blocks.haar(d, dtype=dtype, device=rng.device), persistent=False)
        self.scale = nn.Parameter(torch.zeros((2**d, *(n_blocks,) * d, 1), dtype=dtype, device=rng.device))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Towards the field: (n, L, ..., L) -> the same, log-determinant (n,)."""
        return self._sites(x, self.scale), self._log_det(x)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Back, and the log-determinant (n,) of this direction."""
        sites = torch.stack(blocks.corners(y, shift=1))
        amplitudes = torch.tensordot(self._matrix, sites, 1) * (-self.scale).exp()
        return blocks.lattice(list(amplitudes), shift=1), -self._log_det(y)

    def transport(self, x: Tensor, score: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`forward` of x and of the score of its density; log-determinant and score leave without a gradient."""
        y, log_det = self.forward(x)
        with torch.no_grad():
            return y, log_det.detach(), self._sites(score, -self.scale)

    def _sites(self, x: Tensor, scale: Tensor) -> Tensor:
        amplitudes = torch.stack(blocks.corners(x, shift=1)) * scale.exp()
        return blocks.lattice(list(torch.tensordot(self._matrix.T, amplitudes, 1)), shift=1)

    def _log_det(self, x: Tensor) -> Tensor:
        return (self.scale.sum() * (x[0].numel() / self.scale.numel())).expand(len(x))

    @property
    def _matrix(self) -> Tensor:
        return self.matrix  # type: ignore[return-value]


class Level(nn.Module):
    """Steps that act on every `stride`-th site along each axis; the other sites, noise of finer levels, stay."""

    def __init__(self, stride: int, steps: list[nn.Module]) -> None:
        super().__init__()
        self.stride, self.steps = stride, nn.ModuleList(steps)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Towards the field: (n, L, ..., L) -> the same, log-determinant (n,)."""
        coarse, log_det = flows.forward(self.steps, self.part(x))
        return self._put(x, coarse), log_det

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Back: one step of the renormalisation group; log-determinant (n,) of this direction."""
        coarse, log_det = flows.inverse(self.steps, self.part(x))
        return self._put(x, coarse), log_det

    def transport(self, x: Tensor, score: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`forward` of x and of the score of its density."""
        coarse, log_det, moved = flows.transport(self.steps, self.part(x), self.part(score))
        return self._put(x, coarse), log_det, self._put(score, moved)

    def part(self, x: Tensor) -> Tensor:
        """The sites of this level, (n, L/stride, ..., L/stride), a view."""
        return x[(slice(None),) + (slice(None, None, self.stride),) * (x.dim() - 1)]

    def _put(self, x: Tensor, coarse: Tensor) -> Tensor:
        if self.stride == 1:
            return coarse
        x = x.clone()
        self.part(x).copy_(coarse)
        return x


def mera(
    L: int, d: int = 2, *, n_levels: int | None = None, n_rounds: int = 3, n_repeats: int = 1, width: int = 16,
    depth: int = 2, shared: bool = True, spectra: bool = True, n_terms: int = 6, odd: bool = False, mean: float = 0.0,
    rng: torch.Generator, dtype: torch.dtype = torch.float32,
) -> Flow:  # fmt: skip
    """A flow for fields (n, L, ..., L), d = 1, 2 or 3; its steps are one `Level` a scale, coarsest first, and a
    `Monotone`.

    n_levels: scales, at most as often as L can be halved, and that often if not given; with fewer, the coarsest
    lattice is white noise.  n_rounds: coupling rounds of each decimator and of each disentangler; n_repeats: how often
    both act in turn at a level.  width, depth: of the networks (`couplings.Hidden`).  shared: one network for all
    blocks of a level, or one for each block.  spectra, n_terms: whether a level has a `Spectrum`, how many
    sigmoids its `Monotone` has (0: none).  mean: where the constants of the spectra start (see `equivariant`);
    in two dimensions the field then starts at mean (1 + 1/2 + 1/4 + ...).  Raises `ValueError` when L cannot be halved
    n_levels times, for a mean without spectra or of an odd flow, and as the parts do.
    """
    given.number("mean", mean, why="the field must start somewhere")
    given.generator(rng)
    if mean and (odd or not spectra):
        raise ValueError(f"mean = {mean}: only spectra of flows that are not odd have a constant; use mean = 0.")
    given.whole("L", L, least=2, why="a block has two sites a side")
    if d not in EVERY_HALF:
        raise ValueError(f"d = {d}: blocks are halved in one, two and three dimensions; use d = 1, 2 or 3.")
    if L % 2:
        raise ValueError(f"L = {L}: an odd side cannot be cut into blocks of two; use an even L, best a power of 2.")
    L = int(L)
    most = (L & -L).bit_length() - 1
    n_levels = most if n_levels is None else n_levels
    given.whole("n_levels", n_levels, least=1, why="a hierarchy has at least one scale")
    given.whole("n_repeats", n_repeats, least=1, why="the blocks of a level act at least once")
    if n_levels > most:
        raise ValueError(f"L = {L} can be halved {most} times, not {n_levels}; use n_levels <= {most} or another L.")

    def level(k: int) -> Level:
        side = L >> k
        n_blocks = 1 if shared else side // 2

        def inside(shift: int) -> Couplings:
            return Couplings(
                d, n_rounds=n_rounds, width=width, depth=depth, reach=0, odd=odd, n_networks=n_blocks**d,
                splits=EVERY_HALF[d], shifts=(shift,), rng=rng, dtype=dtype,
            )  # fmt: skip

        steps: list[nn.Module] = [Decimator(d, n_blocks=n_blocks, rng=rng, dtype=dtype)]
        if n_terms:
            steps.append(Monotone(n_terms, odd=odd, rng=rng, dtype=dtype))
        if spectra:
            steps.append(Spectrum(side, d, mean=None if odd else mean, rng=rng, dtype=dtype))
        return Level(1 << k, steps + [inside(shift) for _ in range(n_repeats) for shift in (1, 0)])

    steps: list[nn.Module] = [level(k) for k in reversed(range(n_levels))]
    if n_terms:
        steps.append(Monotone(n_terms, odd=odd, rng=rng, dtype=dtype))
    return Flow(Prior((L,) * d, peaks=odd, rng=rng, dtype=dtype), steps)
