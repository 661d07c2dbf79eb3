"""How fast are the Ising samplers?  Attempted flips (sites, for clusters) per second of processor time, beside mcising.

`python -m benchmarks.ising` from the root.  One thread; both programs take turns in one run, at T_c, from
equilibrium, and the ratio is the median over the turns, so that a busy machine disturbs both.  fieldkit moves a batch,
mcising (Rust) one lattice.  Clusters with the compiled scan, where numba is installed; a row without says so.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from benchmarks import table
from fieldkit import compiled
from fieldkit.lattice import ising
from fieldkit.lattice import ising_exact as exact

SITES = 2**19  # a batch holds this many
TURNS = 9


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(update: ising.Update, algorithm: str, L: int, sweeps: int, rng: torch.Generator) -> None:
    """One row of the table."""
    name = f"{algorithm} L = {L}, {SITES // L**2} lattices"
    try:
        import mcising
    except ImportError as error:
        table.missing(name, str(error))
        return
    n = SITES // L**2
    T = exact.T_CRITICAL
    spins = ising.swendsen_wang(torch.ones(n, L, L, dtype=torch.int8), beta=1 / T, rng=rng, n_sweeps=30)
    peer = mcising.IsingSimulation(L, 1.0, 0.0, 0.0, 0.0, 1, "swendsen_wang")
    peer.sweep(100, temperature=T)
    state = peer.get_spins()
    peer = mcising.IsingSimulation(L, 1.0, 0.0, 0.0, 0.0, 2, algorithm)
    peer.set_spins(state)
    work = SITES * sweeps
    ours, theirs = [], []
    for _ in range(TURNS + 1):
        ours.append(work / seconds(lambda: update(spins, beta=1 / T, rng=rng, n_sweeps=sweeps)))
        theirs.append(work / seconds(lambda: peer.sweep(n * sweeps, temperature=T)))
    ratio = statistics.median(a / b for a, b in zip(ours[1:], theirs[1:]))  # the first turn warms up
    table.row(
        name,
        statistics.median(ours[1:]), statistics.median(theirs[1:]), "sites/s", ratio=ratio,
    )  # fmt: skip


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(1)
    table.head("Ising at T_c", "mcising")
    for L in (64, 128, 256):
        compare(ising.metropolis, "metropolis", L, 20, rng)
    for L in (64, 128, 256):
        compare(ising.swendsen_wang, "swendsen_wang", L, 2, rng)
    if not compiled.here():
        table.missing("swendsen_wang, compiled scan", "numba is not installed: the rows above are the picture's")


if __name__ == "__main__":
    main()
