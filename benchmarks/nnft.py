"""How fast are correlators of random networks, and how many networks do they need?

`python -m benchmarks.nnft` from the root.  One thread; both sides take turns in one run, and a ratio is the median over
the turns.  The peer is a transcription, of our own writing, of the loop in the public code of Halverson, Maiti and
Stoner 2021: one `nn.Sequential` a network, initialised twice (torch's default, then normal), evaluated at six inputs,
its output appended with `torch.cat`.  Its batches are kept short (the public loop's cost grows with the square of the
batch) and it makes no correlators at all; ours include all 2-, 4- and 6-point sums.
"""

from __future__ import annotations

import functools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from benchmarks import table
from fieldkit.nnft import correlators, exact, neurons
from fieldkit.nnft.ensembles import Ensemble

TURNS = 5
INPUTS = torch.tensor([[0.2], [0.4], [0.6], [0.8], [1.0], [1.2]], dtype=torch.float64)
README = (2, 3, 4, 5, 10, 20, 50, 100, 500, 1000)  # widths of the public experiment


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def public_loop(N: int, n: int) -> torch.Tensor:
    """Outputs (n, 6, 1) of n ReLU networks of width N, sw = sb = 1."""
    x, outputs = INPUTS.float(), None
    for _ in range(n):
        network = nn.Sequential(nn.Linear(1, N), nn.ReLU(), nn.Linear(N, 1))
        nn.init.normal_(network[0].weight, 0, 1)
        nn.init.normal_(network[0].bias, 0, 1)
        nn.init.normal_(network[2].weight, 0, N**-0.5)
        nn.init.normal_(network[2].bias, 0, 1)
        f = network(x)[None]
        outputs = f if outputs is None else torch.cat([outputs, f])
    assert outputs is not None
    return outputs.detach()


def numbers(N: int, n: int) -> Callable[[], object]:
    """The random numbers that n networks of one input need, single precision, and nothing else: 3 N + 1 each."""
    rng = torch.Generator().manual_seed(1)
    block = max(1, 2**18 // (3 * N + 1))
    return lambda: [torch.randn(block, 3 * N + 1, generator=rng) for _ in range(n // block)]


def speed_rows() -> None:
    """Networks a second, beside the loop and beside the random numbers alone."""
    rng = torch.Generator().manual_seed(1)
    for name, measure in (("outputs", correlators.from_outputs), ("output layer integrated", correlators.integrated)):
        table.head(f"ReLU, 6 points, {name}", "public loop")
        for N, n in ((5, 400_000), (20, 200_000), (100, 100_000), (1000, 20_000)):
            network = Ensemble(neurons.relu, (N,), sb2=1.0)
            run = functools.partial(measure, network, INPUTS, n, n_chunks=10, rng=rng)
            ours, loop, floor = [], [], []
            for _ in range(TURNS + 1):
                ours.append(n / seconds(run))
                loop.append(400 / seconds(functools.partial(public_loop, N, 400)))
                floor.append(n / seconds(numbers(N, n)))
            ratio = statistics.median(a / b for a, b in zip(ours[1:], loop[1:]))
            table.row(f"N = {N}", statistics.median(ours[1:]), statistics.median(loop[1:]), "networks/s", ratio=ratio)
            if measure is correlators.from_outputs:
                part = statistics.median(a / b for a, b in zip(ours[1:], floor[1:]))
                print(f"{'':<44}{part:>36.2f}  of the speed of torch.randn alone")


def noise_rows() -> None:
    """Networks needed for G4c at one point to one per cent: variance of one network's word over the square of that."""
    table.head("networks for G4c to 1 %", "outputs only")
    x = torch.tensor([[-1.0]], dtype=torch.float64)
    for name, N in (("relu", 100), ("erf", 20), ("erf", 100)):
        network = Ensemble(getattr(neurons, name), (N,), sb2=float(name == "erf"))
        truth, need = exact.four_point(network, x)[0].item(), []
        for measure, n in ((correlators.integrated, 10**5), (correlators.from_outputs, 10**6)):
            found = measure(network, x, n, points=4, rng=torch.Generator().manual_seed(2)).four(0, 0, 0, 0)
            need.append(n * (found.error / truth / 0.01) ** 2)
        fewer = need[1] / need[0]
        print(f"{f'{name}, N = {N}':<44}{need[0]:>12.2e}{need[1]:>14.2e}{fewer:>10.1e}  times fewer", flush=True)


def memory(kind: str) -> int:
    """VmRSS, what this process holds, or VmHWM, the most it ever held, in kB (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith(kind))
    return int(line.split()[1])


def readme_experiment() -> tuple[float, int]:
    """(processor seconds, growth of the peak memory in kB) of 10^6 networks at ten widths, 2-, 4- and 6-point."""
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(3)
    before, spent = memory("VmRSS"), 0.0
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # forget the peak of the imports
    for N in README:
        network = Ensemble(neurons.relu, (N,), sb2=1.0)
        spent += seconds(functools.partial(correlators.from_outputs, network, INPUTS, 10**6, rng=rng))
    return spent, memory("VmHWM") - before


def main() -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    speed_rows()
    noise_rows()
    code = "from benchmarks.nnft import readme_experiment; print(*readme_experiment())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8")
    spent, grown = (float(word) for word in done.stdout.split())
    table.head("10^6 networks x 10 widths, 2-, 4-, 6-point", "budget")
    table.row("processor time", spent, 60, "CPU s")
    table.row("memory beyond torch", grown / 1000, 300, "MB")


if __name__ == "__main__":
    main()
