"""Does the book run on this GPU, how fast, and within 15 GB?  One table and one JSON in `_build/gpu-check`.

python -m tools.gpu_check [--device cuda] [--minutes 12] [--small]

First every piece of work that the tests follow on a pretend accelerator, on the real one; then speeds against the CPU
and the floors of the device (`benchmarks.devices`); then three chapters of different parts at full size through
papermill.  What fails or finds no time is named and the rest goes on; the exit status is 1 if anything failed.  --small
takes the sizes of a CPU, to try the check itself where there is no GPU: --device cpu --small.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks import devices
from fieldkit.claims import KEY
from tools import cache, chapters, faults, options

LAWS = (
    "tests.lattice.test_devices:SAMPLERS",
    "tests.propagation.test_mean_field_devices:WORK",
    "tests.nnft.test_nnft_devices:WORK",
    "tests.rg.test_rg_devices:WORK",
    "tests.neuralrg.test_flow_devices:WORK",
)
CHAPTERS = ("lattice/critical_slowing", "nnft/coupling", "neuralrg/drawing")
LIMIT = 15e9  # bytes of a T4 that a notebook can use


def laws(rng: torch.Generator) -> Iterator[tuple[str, str]]:
    """(name, what is wrong, empty for nothing) of each piece of work: it must end on the device, and finite."""
    for where in LAWS:
        module, table = where.split(":")
        try:
            work = getattr(importlib.import_module(module), table)
        except Exception as error:
            yield where, f"{type(error).__name__}: {error}"
            continue
        for name, make in work.items():
            with torch.no_grad():
                yield f"{module.split('.')[1]}: {name}", attempt(make, rng)


def attempt(make: Callable[[torch.Generator], torch.Tensor], rng: torch.Generator) -> str:
    try:
        made = make(rng)
        found = made.device.type
        numbers = made if made.is_floating_point() else made.double()
        if found != rng.device.type:
            return f"made on {found}"
        return "" if bool(torch.isfinite(numbers).all()) else "not finite"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def chapter(name: str, device: str, profile: str, limit: float) -> dict[str, Any]:
    """Run a chapter in a process of its own: seconds, claims, the peak of the device's memory, or what went wrong."""
    command = [sys.executable, "-m", "tools.execute", "--chapter", name, "--profile", profile, "--device", device]
    peak, ended = [0.0], threading.Event()

    def watch() -> None:
        while device == "cuda" and not ended.wait(0.2):
            free, total = torch.cuda.mem_get_info()
            peak[0] = max(peak[0], total - free)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    start = time.monotonic()
    try:
        done = subprocess.run(
            [*command, "--jobs", "1"], cwd=chapters.ROOT, capture_output=True, encoding="utf-8", timeout=limit
        )
        fault = done.stdout.strip()[-2000:] if done.returncode else ""
    except subprocess.TimeoutExpired:
        fault = f"not done after {limit:.0f} s"
    ended.set()
    watcher.join()
    found: dict[str, Any] = {"seconds": round(time.monotonic() - start, 1), "peak_gigabytes": round(peak[0] / 1e9, 2)}
    if not fault:
        nb = cache.read(cache.executed(name, cache.Run(chapters.ROOT.resolve(), profile, device, 0)))
        claims = [o.metadata[KEY] for cell in nb.cells for o in cell.get("outputs", []) if KEY in o.get("metadata", {})]
        pulls = [abs(c["pull"]) for c in claims if c["bar"]]
        found |= {"claims": len(claims), "worst": max(pulls, default=0.0)}
        if peak[0] > LIMIT:
            fault = f"{peak[0] / 1e9:.1f} GB of the device were in use, of {LIMIT / 1e9:.0f}"
    return found | {"fault": fault}


def main() -> int:
    parser = options.Parser(description=__doc__)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        print("torch sees no GPU here; try the check itself with --device cpu --small")
        return 1
    end = time.monotonic() + 60 * given.minutes
    to = chapters.ROOT / "_build" / "gpu-check"
    to.mkdir(parents=True, exist_ok=True)
    name = torch.cuda.get_device_name() if given.device == "cuda" else platform.processor() or platform.machine()
    report: dict[str, Any] = {"device": name, "torch": torch.__version__, "cores": len(os.sched_getaffinity(0))}
    report |= {"laws": {}, "speeds": [], "chapters": {}, "faults": []}
    lines: list[str] = []

    def say(line: str, fault: bool = False) -> None:
        print(line, flush=True)
        lines.append(line)
        if fault:
            report["faults"].append(line)
        keep(to, "table.txt", "\n".join(lines) + "\n")
        keep(to, "report.json", json.dumps(report, indent=1) + "\n")

    say(f"{name}, torch {torch.__version__}")
    rng = torch.Generator(device=given.device).manual_seed(0)
    for what, wrong in laws(rng):
        report["laws"][what] = wrong
        if wrong:
            say(f"{what}: {wrong}", fault=True)
    say(f"{sum(not w for w in report['laws'].values())} of {len(report['laws'])} pieces of work end on the device")
    say(devices.HEAD)
    for row in devices.measure(given.device, least=0.05 if given.small else 2.0, small=given.small):
        report["speeds"] += [dataclasses.asdict(row)] if isinstance(row, devices.Row) else []
        say(devices.line(row), fault=isinstance(row, str))
    for one in CHAPTERS:
        left = end - time.monotonic()
        if left < 20:
            say(f"{one}: no time left", fault=True)
            continue
        found = report["chapters"][one] = chapter(one, given.device, "quick" if given.small else "full", left)
        facts = ", ".join(f"{k} {v}" for k, v in found.items() if k != "fault")
        say(f"{one}: {facts}" + (f": {found['fault']}" if found["fault"] else ""), fault=bool(found["fault"]))
    say(f"{len(report['faults'])} faults; kept in {to.relative_to(chapters.ROOT)}")
    return bool(report["faults"])


def keep(to: Path, name: str, text: str) -> None:
    """Written aside and renamed, so that what is there is whole."""
    aside = to / f".{name}"
    aside.write_text(text, encoding="utf-8")
    aside.replace(to / name)


if __name__ == "__main__":
    faults.end(main)
