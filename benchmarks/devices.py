"""How fast is each kind of work on a device, against the same on the CPU, and against what the device can do at all?

A floor is the time that the device needs to move the numbers that the work cannot do without (`bytes`), or to draw its
random numbers (`normals`), both measured on it.  `python -m benchmarks.devices` prints the table for the GPU, or
for the CPU where there is none; `make gpu-check` keeps it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from fieldkit.lattice import hmc, ising, ising_exact, phi4
from fieldkit.neuralrg import equivariant, training
from fieldkit.nnft import ensembles, neurons
from fieldkit.propagation import activations, kernels

Call = Callable[[], object]


@dataclass(frozen=True)
class Work:
    """One kind of work: make(rng, size) gives the call and how many units of it one call does.

    moved: bytes a unit that have to go through memory; drawn: normal numbers a unit.  sizes: on a GPU with 15 GB, on a
    CPU.
    """

    unit: str
    make: Callable[[torch.Generator, int], tuple[Call, float]]
    sizes: tuple[int, int]
    moved: float = 0.0
    drawn: float = 0.0


def trajectory(rng: torch.Generator, n: int) -> tuple[Call, float]:
    phi = torch.zeros(n, 32, 32, device=rng.device, dtype=torch.float32)
    steps = hmc.trajectories(phi4.Phi4(-1.0, 0.5), phi, step_size=0.05, n_leapfrog=10, rng=rng)
    return lambda: next(steps), n * 32 * 32 * 10


def magnet(update: ising.Update) -> Callable[[torch.Generator, int], tuple[Call, float]]:
    def make(rng: torch.Generator, n: int) -> tuple[Call, float]:
        spins = ising.random_spins(n, 64, rng=rng)
        return lambda: update(spins, beta=1 / ising_exact.T_CRITICAL, rng=rng, n_sweeps=1), n * 64 * 64

    return make


def networks(rng: torch.Generator, n: int) -> tuple[Call, float]:
    ensemble = ensembles.Ensemble(neurons.relu, (256,), sw2=1.0, sb2=1.0)
    x = torch.linspace(-1, 1, 4, device=rng.device, dtype=torch.float32)[:, None]
    return lambda: ensembles.functions(ensemble, x, n, rng=rng), n


def tangents(rng: torch.Generator, n: int) -> tuple[Call, float]:
    x = torch.randn(n, 64, generator=rng, device=rng.device, dtype=torch.float64)
    return lambda: kernels.kernels(x, activation=activations.erf, depth=3, sw2=2.0, sb2=0.1), n * n


def flow_step(rng: torch.Generator, n: int) -> tuple[Call, float]:
    flow, theory = equivariant.equivariant(16, n_rounds=2, width=32, rng=rng), phi4.Phi4(-1.0, 0.5)

    def step() -> None:
        z = torch.randn(n, 16, 16, generator=rng, device=rng.device)
        training.path_gradient(flow, theory, z)

    return step, n


WORK = {
    "HMC, 32 x 32 sites, float32": Work("site steps/s", trajectory, (4096, 64), moved=16),
    "Metropolis, 64 x 64 spins": Work("spins/s", magnet(ising.metropolis), (4096, 64), moved=4),
    "Swendsen-Wang, 64 x 64 spins": Work("spins/s", magnet(ising.swendsen_wang), (1024, 32), moved=5),
    "ReLU networks, width 256, 4 inputs": Work("networks/s", networks, (65536, 512), drawn=768),
    "NNGP and NTK, erf, depth 3": Work("pairs/s", tangents, (4096, 256), moved=16),
    "flow, gradient of the loss, 16 x 16": Work("fields/s", flow_step, (2048, 32)),
}


@dataclass(frozen=True)
class Row:
    """What was measured: units a second, over the CPU's (0 where the CPU is the device), over the floor (0: none)."""

    name: str
    unit: str
    speed: float
    over_cpu: float
    over_floor: float
    peak_gigabytes: float


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(call: Call, device: torch.device, *, least: float) -> float:
    """Seconds a call, wall clock: warmed up twice, then as many calls as `least` seconds hold."""
    for _ in range(2):
        call()
    synchronise(device)
    start, times = time.perf_counter(), 0
    while (spent := time.perf_counter() - start) < least or times < 3:
        call()
        times += 1
        synchronise(device)
    return spent / times


def floors(rng: torch.Generator, *, least: float, n: int) -> tuple[float, float]:
    """(bytes moved a second by a copy, float32 normals a second)."""
    a = torch.zeros(n, device=rng.device)
    b = torch.empty_like(a)
    moved = 8 * n / seconds(lambda: b.copy_(a), rng.device, least=least)
    return moved, n / seconds(lambda: a.normal_(generator=rng), rng.device, least=least)


def measure(device: str, *, least: float = 1.0, small: bool = False) -> Iterator[Row | str]:
    """The rows for a device one by one, or a line that says what went wrong with one; small: sizes of a CPU."""
    rng, cpu = (torch.Generator(device=where).manual_seed(0) for where in (device, "cpu"))
    on_cpu = rng.device.type == "cpu"
    bandwidth, normals = floors(rng, least=least, n=2**22 if small or on_cpu else 2**27)
    yield Row("floor: memory, a copy", "bytes/s", bandwidth, 0.0, 0.0, 0.0)
    yield Row("floor: normal numbers, float32", "normals/s", normals, 0.0, 0.0, 0.0)
    for name, work in WORK.items():
        try:
            if not on_cpu:
                torch.cuda.reset_peak_memory_stats(rng.device)
            call, units = work.make(rng, work.sizes[small or on_cpu])
            speed = units / seconds(call, rng.device, least=least)
            peak = 0.0 if on_cpu else torch.cuda.max_memory_allocated(rng.device) / 1e9
            other = 0.0
            if not on_cpu:
                call, units = work.make(cpu, work.sizes[1])
                other = units / seconds(call, cpu.device, least=least)
            best = bandwidth / work.moved if work.moved else normals / work.drawn if work.drawn else 0.0
            yield Row(name, work.unit, speed, speed / other if other else 0.0, speed / best if best else 0.0, peak)
        except Exception as error:  # one row that fails must not take the others with it
            yield f"{name}: {type(error).__name__}: {error}"


def line(row: Row | str) -> str:
    if isinstance(row, str):
        return row
    over = "".join(f"{x:>12.3g}" if x else f"{'-':>12}" for x in (row.over_cpu, row.over_floor, row.peak_gigabytes))
    return f"{row.name:<38}{row.speed:>12.3e} {row.unit:<14}{over}"


HEAD = f"{'work':<38}{'speed':>12} {'':<14}{'over CPU':>12}{'over floor':>12}{'peak GB':>12}"


def main() -> None:
    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"\ndevice: {device}\n{HEAD}")
    for row in measure(device):
        print(line(row), flush=True)


if __name__ == "__main__":
    main()
