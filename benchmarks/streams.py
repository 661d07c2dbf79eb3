"""What does the library cost beyond torch?  Import time, and memory of a streamed run against its length.

`python -m benchmarks.streams` from the root.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

import torch

from benchmarks import table
from fieldkit.autocorrelation import StreamedSeries

TIMED = "import time; t = time.process_time(); {}; a = time.process_time(); {}; print(a - t, time.process_time() - a)"


def imports(module: str) -> tuple[float, float]:
    """Processor seconds of `import torch` and of `import module` after it, medians of five new processes."""
    code = TIMED.format("import torch", f"import {module}")
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, check=True, encoding="utf-8") for _ in range(5)]
    times = [[float(x) for x in run.stdout.split()] for run in runs]
    return statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)


def growth(n_steps: int) -> int:
    """Growth of the peak resident memory, in kB, over n_steps of 1024 streamed chains."""
    stream, x = StreamedSeries(1024, 200), torch.zeros(1024)
    stream.update(x)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(n_steps):
        x = 0.9 * x + torch.randn(1024)
        stream.update(x)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


def in_new_process(n_steps: int) -> int:
    code = f"from benchmarks.streams import growth; print(growth({n_steps}))"
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8").stdout)


def main() -> None:
    table.head("import (less is better)", "torch")
    for module in ("fieldkit", "fieldkit.lattice.hmc", "fieldkit.claims"):
        torch_seconds, ours = imports(module)
        table.row(f"import {module}", ours, torch_seconds, "s")
    table.head("memory of 1024 chains, 5000 steps", "stored")
    short, long = in_new_process(500), in_new_process(5000)
    stored = 5000 * 1024 * 8 / 1024
    table.row(f"streamed (500 steps: {short} kB)", long, stored, "kB")


if __name__ == "__main__":
    main()
