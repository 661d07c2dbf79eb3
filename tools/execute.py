"""Run the chapters that changed, in parallel, into `_build/executed`.

python -m tools.execute [--chapter lattice/phi4] [--profile full] [--device cuda] [--seed 1] [--jobs 2]

Each chapter runs in a process of its own with a kernel of its own; its result is renamed into place when complete, so
that finished chapters survive a killed build, and it works in a folder that is kept until it has finished, so that
checkpoints are found again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from tools import cache, chapters, faults, kernel, options, turns


def run_all(names: list[str], run: cache.Run, jobs: int) -> list[str]:
    """Run those of the chapters that have no result under their key; return what went wrong, one text a chapter."""
    waiting = [c for c in names if not cache.finished(cache.executed(c, run))]
    for chapter in [c for c in names if c not in waiting]:
        kernel.say(chapter, "unchanged")
    spawn = multiprocessing.get_context("spawn")
    told = spawn.SimpleQueue()
    running: dict[Any, Any] = {}
    texts: list[str] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                chapter = waiting.pop(0)
                process = spawn.Process(target=kernel.execute, args=(chapter, run, os.getpid(), told), name=chapter)
                process.start()
                running[process.sentinel] = process
            for sentinel in wait(list(running)):
                process = running.pop(sentinel)
                process.join()
                while not told.empty():
                    texts.append(told.get())
                if process.exitcode and not cache.finished(cache.executed(process.name, run)):
                    texts.append(f"book/{process.name}.md: its process {faults.ended(process.exitcode)}")
    finally:
        for process in running.values():
            process.kill()
    return texts


def unfit(root: Path, names: list[str], device: str) -> list[str]:
    """What would stop the run after minutes and can be known now, one line each."""
    lines = []
    for chapter in names:
        nb = chapters.read(chapters.source(root, chapter))
        try:
            chapters.claims(nb)
            chapters.needs(nb)
        except faults.Fault as fault:
            lines.append(f"book/{chapter}.md: {fault}")
    if device == "cuda":
        from torch import cuda  # a second, and only here

        if not cuda.is_available():
            lines.append("DEVICE=cuda: torch sees no GPU here; use DEVICE=auto or DEVICE=cpu")
    return lines


def main() -> int:
    arguments = options.of_a_run(__doc__)
    cores = len(os.sched_getaffinity(0))
    arguments.add_argument("--jobs", type=options.whole(1), default=cores, help="chapters at a time")
    given = arguments.parse_args()
    names = options.chapters_of(given.root, given.chapter)
    if texts := unfit(given.root, names, given.device):
        print(*texts, sep="\n")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs with it ignored
    run = cache.Run(given.root.resolve(), given.profile, given.device, given.seed)
    with turns.turn(run.root / "_build"):
        texts = run_all(names, run, given.jobs)
    print(*texts, sep="\n", end="\n" if texts else "")
    return bool(texts)


if __name__ == "__main__":
    faults.end(main)
