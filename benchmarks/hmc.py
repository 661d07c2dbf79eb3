"""How fast is batched HMC, and how fast a structure factor?  Against the best others, and what one would write first.

All sides run in one process on one thread, in turn, and are timed in CPU seconds of the process; ratios are medians
over the turns.  All go through some hundred trajectories (`every=`) before they hand out a field; fieldkit runs with
`compiled=True`, and has rows of its own for every field handed out and for the general path.  Peers are in `hmc_peers`;
one that is not installed has a row that says so.  The plain numpy writes the cubic force as the formula
does, phi**3; numpy takes a general power there, which a careful programmer replaces by products.

`python -m benchmarks.hmc [8x64 32x1 ...]`: side x chains, all sizes by default.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from benchmarks import hmc_peers, table
from fieldkit import autocorrelation
from fieldkit.lattice import acceleration, free, hmc, phi4

THEORY = phi4.Phi4(mass2=-1.0, coupling=0.5)
CRITICAL = phi4.Phi4(mass2=-2.05, coupling=0.5)  # nearly: correlated over eight sites and more
N_LEAPFROG = hmc_peers.N_LEAPFROG
STEPS = {8: 0.1, 32: 0.07, 64: 0.05}
COMPILED = ((8, 64), (32, 64), (64, 1024))  # torch.compile takes its ten seconds once a size
TURNS = 5


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


def one_site(phi: torch.Tensor) -> torch.Tensor:
    """The cheapest measurement."""
    return phi[:, 0, 0]


def race(L: int, n_chains: int) -> None:
    """Rows of one size: trajectories a CPU second of the compiled path, beside every peer."""
    rng, step_size = torch.Generator().manual_seed(0), STEPS[L]
    phi = 0.3 * torch.randn(n_chains, L, L, generator=rng, dtype=torch.float32)
    phi = hmc.run(THEORY, phi, n_steps=40, step_size=step_size, n_leapfrog=N_LEAPFROG, rng=rng, measure=one_site).phi

    a_turn = max(2, min(400, 2**19 // phi.numel()))

    def ours(compiled: bool, every: int) -> hmc_peers.Advance:
        settings: dict[str, Any] = {"step_size": step_size, "n_leapfrog": N_LEAPFROG, "compiled": compiled}
        chain = hmc.trajectories(THEORY, phi, rng=rng, every=every, **settings)
        return lambda k: [next(chain) for _ in range(k // every)][-1]

    def numpy(third_power: Callable[[np.ndarray], np.ndarray]) -> hmc_peers.Advance:
        chain = plain_numpy(L, step_size, np.random.default_rng(0), third_power)
        return lambda k: [next(chain) for _ in range(k)][-1]

    peers: dict[str, Callable[[], hmc_peers.Advance]] = {
        "fieldkit, every field": lambda: ours(True, 1),
        "fieldkit, general path": lambda: ours(False, 1),
        "JAX by hand, chains first": lambda: hmc_peers.jax_by_hand(phi, step_size, last=False),
        "JAX by hand, chains last": lambda: hmc_peers.jax_by_hand(phi, step_size, last=True),
        "blackjax": lambda: hmc_peers.blackjax_hmc(phi, step_size),
    }
    if (L, n_chains) in COMPILED:
        peers["torch.compile"] = lambda: hmc_peers.torch_compiled(phi, step_size)
    if n_chains == 1:
        peers |= {"numpy": lambda: numpy(cube), "numpy without powers": lambda: numpy(cube_by_products)}
    sides, absent = {"fieldkit": ours(True, a_turn)}, {}
    for name, make in peers.items():
        try:
            sides[name] = make()
            sides[name](a_turn)
        except ImportError as error:
            sides.pop(name, None)
            absent[name] = str(error)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(TURNS + 1):
        for name, advance in sides.items():
            start = time.process_time()
            advance(a_turn)
            seconds[name] += [(time.process_time() - start) / a_turn / n_chains] if turn else []
    table.head(f"phi^4 HMC, L = {L}, {n_chains} chain{'s' if n_chains > 1 else ''}, float32", "peer")
    for name in peers:
        if name in absent:
            table.missing(f"  {name}", absent[name])
            continue
        ratio = statistics.median(b / a for a, b in zip(seconds["fieldkit"], seconds[name]))
        ours_, theirs = (1 / statistics.median(seconds[side]) for side in ("fieldkit", name))
        table.row(f"  {name}", ours_, theirs, "trajectories/s", ratio=ratio)


def magnetisation_squared(phi: torch.Tensor) -> torch.Tensor:
    """M^2 / V of each field, whose mean is the susceptibility."""
    return phi.sum((1, 2), dtype=torch.float64).square() / phi[0].numel()


def effective(L: int, n_chains: int = 16) -> None:
    """Rows of one size: effective samples of the susceptibility a CPU second, with Fourier masses and without."""
    rng, samples, plain_step = torch.Generator().manual_seed(0), {}, 0.0
    start = 0.3 * torch.randn(n_chains, L, L, generator=rng, dtype=torch.float32)
    start, _ = hmc.tune(CRITICAL, start, n_leapfrog=N_LEAPFROG, rng=rng, compiled=True)
    masses = {"Fourier masses": acceleration.from_fields(start), "plain masses": None}
    for name, mass in masses.items():
        settings: dict[str, Any] = {"n_leapfrog": N_LEAPFROG, "rng": rng}
        settings |= {"compiled": True} if mass is None else {"inverse_mass": mass}
        phi, settings["step_size"] = hmc.tune(CRITICAL, start, **settings)
        n_steps = 4000 if mass is None else 400
        clock = time.process_time()
        run = hmc.run(CRITICAL, phi, n_steps=n_steps, measure=magnetisation_squared, **settings)
        clock = (time.process_time() - clock) / n_steps / n_chains
        tau = autocorrelation.gamma_method(run.measured[..., 0]).tau
        print(f"  L = {L}, {name}: tau = {tau} trajectories of {settings['step_size'] * N_LEAPFROG:.2f}")
        samples[name] = 1 / (2 * tau.value * clock)
        plain_step, plain_tau = settings["step_size"], tau.value
    table.row(f"  L = {L}, plain masses", samples["Fourier masses"], samples["plain masses"], "samples/s")
    try:
        advance = hmc_peers.jax_by_hand(phi, plain_step, last=True)
        advance(400)
    except ImportError as error:
        return table.missing(f"  L = {L}, JAX by hand", str(error))
    clock = time.process_time()
    advance(400)
    theirs = 400 * n_chains / (time.process_time() - clock) / (2 * plain_tau)
    table.row(f"  L = {L}, JAX by hand", samples["Fourier masses"], theirs, "samples/s")


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
    sizes = [(int(L), int(n)) for L, n in (size.split("x") for size in sys.argv[1:])]
    for L, n_chains in sizes or [(L, n) for L in STEPS for n in (1, 64, 1024)]:
        race(L, n_chains)
    table.head("effective samples near criticality, 16 chains, float32", "peer")
    for L in (32, 64):
        effective(L)
    table.head("structure factor", "double loop")
    table.row("32 x 32 sites, by FFT", *structure_factors(), "fields/s")


if __name__ == "__main__":
    main()
