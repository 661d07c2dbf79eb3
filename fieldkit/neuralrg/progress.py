"""How far is the training?  One line on stderr that writes over itself: steps, free energy, gap, sample size."""

from __future__ import annotations

import sys
import time

from torch import Tensor


class Line:
    """The line of one run of n_steps; says nothing unless `show`.  truth: exact ln Z, for the gap a site."""

    def __init__(self, n_steps: int, *, truth: float | None, volume: int, show: bool) -> None:
        self.n_steps, self.truth, self.volume, self.show = n_steps, truth, volume, show
        self.start, self.first = time.perf_counter(), 0

    def update(self, done: int, summary: Tensor) -> None:
        """After `done` steps; summary (3,): free energy, spread, effective sample size of the last batch."""
        if not self.show:
            return
        free_energy, _, ess = summary.tolist()
        gap = "" if self.truth is None else f"  gap/site {(free_energy + self.truth) / self.volume:.2e}"
        filled = 24 * done // self.n_steps
        end = "\n" if done == self.n_steps else ""
        print(
            f"\r[{'#' * filled}{'.' * (24 - filled)}] {done}/{self.n_steps}  F {free_energy:.3f}{gap}  ESS {ess:.2f}  "
            f"{time.perf_counter() - self.start:.0f} s",
            end=end, file=sys.stderr, flush=True,
        )  # fmt: skip
