"""Run the chapters that changed, in parallel, into `_build/executed`.

python -m tools.execute [--chapter lattice/phi4] [--profile full] [--device cuda] [--seed 1] [--jobs 2]

Each chapter runs in a process of its own with a kernel of its own; its result is renamed into place when complete, so
that finished chapters survive a killed build, and it works in a folder that is kept until it has finished, so that
checkpoints are found again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from tools import cache, chapters, kernel


def run_all(names: list[str], run: cache.Run, jobs: int) -> list[str]:
    """Run those of the chapters that have no result under their key; return what went wrong, one text a chapter."""
    waiting = [c for c in names if not cache.executed(c, run).exists()]
    for chapter in [c for c in names if c not in waiting]:
        kernel.say(chapter, "unchanged")
    spawn = multiprocessing.get_context("spawn")
    faults = spawn.SimpleQueue()
    running: dict[Any, Any] = {}
    texts: list[str] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                process = spawn.Process(target=kernel.execute, args=(waiting.pop(0), run, os.getpid(), faults))
                process.start()
                running[process.sentinel] = process
            for sentinel in wait(list(running)):
                process = running.pop(sentinel)
                process.join()
                while not faults.empty():
                    texts.append(faults.get())
                if process.exitcode and not texts:
                    texts.append(f"a chapter's process ended with exit code {process.exitcode}")
    finally:
        for process in running.values():
            process.kill()
    return texts


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--chapter", help="run only this one, e.g. lattice/phi4")
    arguments.add_argument("--profile", default="quick", choices=["quick", "full"])
    arguments.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="chapters at a time")
    arguments.add_argument("--root", type=Path, default=chapters.ROOT)
    options = arguments.parse_args()
    known = chapters.chapters(options.root)
    if options.chapter and options.chapter not in known:
        print(f"no chapter {options.chapter}; _toc.yml has {', '.join(known)}")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs with it ignored
    run = cache.Run(options.root.resolve(), options.profile, options.device, options.seed)
    texts = run_all([options.chapter] if options.chapter else known, run, options.jobs)
    print(*texts, sep="\n", end="\n" if texts else "")
    return bool(texts)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
