r"""What if one machine is not enough, or stops half-way?  An ensemble is a sum over chunks with known seeds.

    sum over networks  =  sum over c of work(generator seeded with base + c),        base drawn once from rng

A chunk's numbers depend on its seed alone: it may run anywhere, twice or after a crash, and gives the same bits, so the
sum counts every network once.  Chunks run through joblib: sequentially by default, on all cores inside
`joblib.parallel_config("loky", n_jobs=-1)`, on a cluster inside `joblib.parallel_config("dask")` or "ray".
With `path`, finished chunks are kept in files (`checkpoints`), and a run that was killed goes on with those missing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import joblib
import torch
from torch import Tensor

from fieldkit import checkpoints, given

Work = Callable[[torch.Generator], dict[str, Tensor]]


def gather(
    work: Work, n_chunks: int, *, rng: torch.Generator, path: str | Path | None = None, label: str = ""
) -> dict[str, Tensor]:
    """work(rng_c) for c = 0 ... n_chunks - 1, each tensor stacked over the chunks: {name: (n_chunks, ...)} on the CPU.

    rng: seeds the chunks and names the device.  path: a folder for finished chunks.  label: names the settings of the
    work; chunks with another label or seed are refused with `ValueError`, not mixed in.  work must be picklable (by
    cloudpickle) when it leaves the process.
    """
    given.whole("n_chunks", n_chunks, least=1, why="a sum has at least one part")
    given.generator(rng)
    base = int(torch.randint(2**31, (), generator=rng, device=rng.device))
    jobs = [
        joblib.delayed(chunk)(work, base + c, str(rng.device), _file(path, c), label) for c in range(n_chunks)
    ]
    parts = joblib.Parallel()(jobs)
    return {name: torch.stack([part[name] for part in parts]) for name in parts[0]}


def chunk(work: Work, seed: int, device: str, path: Path | None = None, label: str = "") -> dict[str, Tensor]:
    """One chunk, from its file if it was finished before.

    Runs on one thread: the order of a sum, hence its last bit, must not depend on how many cores a machine has.
    """
    if path is not None and path.exists():
        saved = checkpoints.load(path)
        if saved.get("seed") != seed or saved.get("label") != label:
            raise ValueError(
                f'{path}: seed {saved.get("seed")}, label "{saved.get("label")}", but this run needs seed {seed}, '
                f'label "{label}"; delete the folder or choose another path.'
            )
        return saved["sums"]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        sums = {name: t.cpu() for name, t in work(torch.Generator(device=device).manual_seed(seed)).items()}
    finally:
        torch.set_num_threads(threads)
    if path is not None:
        checkpoints.save(path, {"seed": seed, "label": label, "sums": sums})
    return sums


def _file(path: str | Path | None, c: int) -> Path | None:
    return None if path is None else Path(path) / f"chunk-{c:05d}.pt"
