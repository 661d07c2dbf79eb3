"""How fast is batched HMC, and how fast a structure factor?  Against the programs one would write first.

Both sides run in one process on one thread, in turn, and are timed in CPU seconds of the process; of each side the
best round counts.  The plain HMC writes the cubic force as the formula does, phi**3; numpy takes a general power
there, which a careful programmer replaces by products.  That version is shown too.  `python -m benchmarks.hmc`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks import table
from fieldkit.lattice import free, hmc, phi4

THEORY = phi4.Phi4(mass2=-1.0, coupling=0.5)
N_LEAPFROG = 10


def cube(phi: np.ndarray) -> np.ndarray:
    """phi^3 as the formula is written."""
    return phi**3


def cube_by_products(phi: np.ndarray) -> np.ndarray:
    """phi^3 as a careful programmer writes it."""
    return phi * phi * phi


def plain_numpy(
    L: int, step_size: float, rng: np.random.Generator, third_power: Callable[[np.ndarray], np.ndarray]
) -> Iterator[bool]:
    """One chain, float64, the textbook loop: np.roll for neighbours, ten leapfrog steps, accept or reject."""
    mass2, coupling = THEORY.mass2, THEORY.coupling

    def action(phi: np.ndarray) -> float:
        bonds = phi * (np.roll(phi, -1, 0) + np.roll(phi, -1, 1))
        square = phi * phi
        return float(np.sum((2 + mass2 / 2) * square + coupling * square * square - bonds))

    def force(phi: np.ndarray) -> np.ndarray:
        neighbours = np.roll(phi, 1, 0) + np.roll(phi, -1, 0) + np.roll(phi, 1, 1) + np.roll(phi, -1, 1)
        return neighbours - (4 + mass2) * phi - 4 * coupling * third_power(phi)

    phi = 0.3 * rng.standard_normal((L, L))
    before = action(phi)
    while True:
        pi, new = rng.standard_normal((L, L)), phi.copy()
        start = before + 0.5 * np.sum(pi * pi)
        pi += 0.5 * step_size * force(new)
        for step in range(N_LEAPFROG):
            new += step_size * pi
            pi += (step_size if step < N_LEAPFROG - 1 else 0.5 * step_size) * force(new)
        after = action(new)
        accepted = rng.random() < np.exp(min(0.0, start - after - 0.5 * np.sum(pi * pi)))
        if accepted:
            phi, before = new, after
        yield bool(accepted)


def pairs_structure_factor(phi: np.ndarray) -> np.ndarray:
    """|phi_p|^2 / V by the double loop over pairs of sites: correlate the pairs, then sum cos(p x) over distances."""
    L = len(phi)
    correlator = np.zeros((L, L))
    for x in range(L):
        for y in range(L):
            for u in range(L):
                for v in range(L):
                    correlator[(u - x) % L, (v - y) % L] += phi[x, y] * phi[u, v]
    waves = np.exp(-2j * np.pi * np.outer(np.arange(L), np.arange(L)) / L)
    return (waves @ correlator @ waves.T).real / L**2


def best(*sides: tuple[Callable[[], object], int], rounds: int = 3) -> list[float]:
    """CPU seconds a call of each side, (call, number of calls a round), the sides in turn; the best round."""
    seconds = [float("inf")] * len(sides)
    for _ in range(rounds):
        for i, (call, times) in enumerate(sides):
            start = time.process_time()
            for _ in range(times):
                call()
            seconds[i] = min(seconds[i], (time.process_time() - start) / times)
    return seconds


def trajectories(L: int, n_chains: int, step_size: float) -> list[float]:
    """Trajectories a CPU second: batched float32 torch, plain numpy, numpy with products; all warmed up."""
    rng = torch.Generator().manual_seed(0)
    phi = 0.3 * torch.randn(n_chains, L, L, generator=rng, dtype=torch.float32)
    batch = hmc.trajectories(THEORY, phi, step_size=step_size, n_leapfrog=N_LEAPFROG, rng=rng)
    single, careful = (plain_numpy(L, step_size, np.random.default_rng(0), f) for f in (cube, cube_by_products))
    for _ in range(30):
        next(batch), next(single), next(careful)
    a_round = max(3, 400 * 1024 * 8 // (n_chains * L * L))
    times = 40 if L > 32 else 400
    ours, *theirs = best(
        (lambda: next(batch), a_round), (lambda: next(single), times), (lambda: next(careful), times)
    )  # fmt: skip
    return [n_chains / ours] + [1 / seconds for seconds in theirs]


def structure_factors(L: int = 32, n: int = 256) -> tuple[float, float]:
    """Fields a CPU second: by FFT in a batch, by the double loop; both give the same numbers."""
    phi = torch.randn(n, L, L, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    one = phi[0].numpy()
    if not np.allclose(pairs_structure_factor(one), free.structure_factor(phi[:1])[0].numpy()):
        raise AssertionError("the two structure factors differ: the comparison means nothing")
    ours, theirs = best((lambda: free.structure_factor(phi), 10), (lambda: pairs_structure_factor(one), 1))
    return n / ours, 1 / theirs


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    table.head("phi^4 HMC, 10 leapfrog steps, float32", "plain numpy")
    for L, n_chains, step_size in ((8, 1024, 0.1), (64, 64, 0.05)):
        ours, plain, careful = trajectories(L, n_chains, step_size)
        table.row(f"L = {L}, {n_chains} chains", ours, plain, "trajectories/s")
        table.row(f"L = {L}, numpy without powers", ours, careful, "trajectories/s")
    table.head("structure factor", "double loop")
    table.row("32 x 32 sites, by FFT", *structure_factors(), "fields/s")


if __name__ == "__main__":
    main()
