r"""What has been measured, and can it be trusted?  Correlators of an ensemble with errors from its chunks.

    value and error of f(G2, G4c, G6c) = jackknife over chunks

A bar is honest only if the networks that matter are in the sample.  Where they are known not to be (log-normal neurons,
`tails.missing`), and where one chunk carries three quarters of the variance of the chunk means, which Gaussian means
do with probability n P(Beta(1/2, n/2 - 1) > share) (Grubbs 1950), the answer is an error message
instead of a small bar.  The chunk's weight is judged on f itself: on the values of f with one chunk left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.special import betainc
from torch import Tensor

from fieldkit import correlated, given
from fieldkit.estimates import Estimate, jackknife, jackknife_covariance
from fieldkit.nnft import moments, wick

SHARE, CHANCE = 0.75, 1e-6  # refused: more than this share, if Gaussian means have it less often than this
MISSING = 0.01  # refused: more than this part of a moment is known to lie beyond the sample
Connect = Callable[..., tuple[Tensor, ...]]
Function = Callable[..., Tensor]


@dataclass(frozen=True)
class Measured:
    """n networks at `sites` sites: chunk means `blocks` of the measured moments, one tensor (n_chunks, k) an order.

    missing: the part of the 2-, 4- and 6-point functions that is known to lie beyond the sample.
    connect: means -> (G2 (m, m), G4c (k4,), and G6c (k6,) if measured), connected functions at `wick.tuples(m, 4)` and
    `wick.tuples(m, 6)`, float64 on the CPU.
    """

    n: int
    sites: int
    blocks: tuple[Tensor, ...]
    connect: Connect
    missing: tuple[float, ...] = (0.0, 0.0, 0.0)

    @staticmethod
    def of(
        sums: dict[str, Tensor],
        *,
        sites: int,
        variables: int,
        powers: tuple[int, ...],
        connect: Connect,
        missing: tuple[float, ...],
    ) -> Measured:
        """From the sums of the chunks: "count" (c,) and, by power, (c, k) in the order of `moments.sums`."""
        count = sums["count"]
        blocks = tuple(moments.sort(sums[str(p)] / count[:, None], variables, p) for p in powers)
        return Measured(int(count.sum()), sites, blocks, connect, missing)

    def jackknife(self, f: Function, *, points: int | None = None, unchecked: bool = False) -> Estimate:
        """f(G2, G4c, G6c) -> one number, with its error.

        f is given the functions up to `points` points, by default all that were measured.  Raises `ValueError` when
        the bar cannot be trusted (unchecked=True returns it all the same, to show a failure), or for points that were
        not measured.
        """
        recorded: list[Tensor] = []
        found = jackknife(self._recording(f, recorded), *self._reachable(points, unchecked))
        _refuse_if_heavy(torch.stack([value.reshape(1) for value in recorded]), unchecked)
        return found

    def covariance(self, f: Function, *, points: int | None = None, unchecked: bool = False) -> tuple[Tensor, Tensor]:
        """f(G2, G4c, G6c) -> (k,) numbers: values (k,) and their covariance (k, k).  As `jackknife` otherwise."""
        recorded: list[Tensor] = []
        found = jackknife_covariance(self._recording(f, recorded), *self._reachable(points, unchecked))
        _refuse_if_heavy(torch.stack(recorded), unchecked)
        return found

    def curve(self, f: Function, *, points: int | None = None) -> correlated.Curve:
        """As `covariance`, widened as in `correlated`: what `Ledger.weigh_curve` wants of k numbers of one ensemble."""
        values, covariance = self.covariance(f, points=points)
        return values, covariance * correlated.widening(len(self.blocks[0]), len(values))

    def _recording(self, f: Function, recorded: list[Tensor]) -> Function:
        """f of the chunk means, which keeps every value that the jackknife asks for."""

        def of_means(*means: Tensor) -> Tensor:
            value = torch.as_tensor(f(*self.connect(*means)), dtype=torch.float64)
            recorded.append(value)
            return value

        return of_means

    def two(self, a: int, b: int) -> Estimate:
        """G2 at two sites."""
        return self.jackknife(lambda two, *more: two[a, b], points=2)

    def four(self, a: int, b: int, c: int, d: int) -> Estimate:
        """G4c at four sites."""
        here = self._place((a, b, c, d))
        return self.jackknife(lambda two, four, *more: four[here], points=4)

    def six(self, a: int, b: int, c: int, d: int, e: int, f: int) -> Estimate:
        """G6c at six sites."""
        here = self._place((a, b, c, d, e, f))
        return self.jackknife(lambda two, four, six: six[here], points=6)

    def _place(self, sites: tuple[int, ...]) -> int:
        if not all(0 <= site < self.sites for site in sites):
            raise ValueError(f"sites {sites}: they are numbered from 0 to {self.sites - 1}.")
        return int(wick.place(torch.tensor(sites), self.sites))

    def _reachable(self, points: int | None, unchecked: bool) -> tuple[Tensor, ...]:
        """The chunk means of functions up to so many points, or the reason why their bars would say nothing."""
        points = 2 * len(self.blocks) if points is None else points
        if points not in range(2, 2 * len(self.blocks) + 1, 2):
            raise ValueError(f"points = {points}: 2 to {2 * len(self.blocks)} were measured, in steps of two.")
        lost = max(self.missing[: points // 2])
        if lost > MISSING and not unchecked:
            raise ValueError(
                f"{points} points: {lost:.0%} of a log-normal neuron's moment lies beyond the largest draw of these "
                f"{self.n} networks, and no bar would show it; sample the tail with draw=tails.pushed."
            )
        return self.blocks[: points // 2]


def _refuse_if_heavy(left_out: Tensor, unchecked: bool) -> None:
    """Raise when the spread of the jackknife's values (1 + n_chunks, k) rests on one chunk."""
    share, chance = heaviest_share(left_out)
    if share > SHARE and chance < CHANCE and not unchecked:
        raise ValueError(
            f"one of {len(left_out) - 1} chunks carries {share:.0%} of the variance, which Gaussian means would do "
            f"with probability {chance:.0e}: a few networks decide the sum and no bar can be read off it. Take more "
            "networks, integrate the output layer out, or sample the tail (`tails`)."
        )


def heaviest_share(blocks: Tensor) -> tuple[float, float]:
    """(the largest share of one chunk in the variance of the chunk means, how often Gaussian means would have it),
    the worst of the columns of blocks (n_chunks, k); the probability counts all columns."""
    blocks = given.doubles(blocks)
    if blocks.dim() != 2 or len(blocks) < 2 or not bool(blocks.isfinite().all()):
        raise ValueError(f"blocks {tuple(blocks.shape)}: chunk means (n_chunks, k) are finite, of two chunks or more.")
    square = (blocks - blocks.mean(0)).square()
    total = square.sum(0)
    n, k = blocks.shape
    share = float((square.amax(0) / total.clamp_min(1e-300)).max()) * n / (n - 1)
    return min(share, 1.0), min(1.0, n * k * float(betainc(n / 2 - 1, 0.5, max(0.0, 1 - share))))
