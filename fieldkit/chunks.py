r"""What if one machine is not enough, or stops half-way?  A run is many pieces with known seeds, each kept when done.

    piece j  =  work(generator seeded with base + j),        base drawn once from rng

A piece's numbers depend on its seed alone: it may run anywhere, twice or after a crash, and gives the same bits, so
that every draw counts once.  `gather` cuts one ensemble into chunks; `sweep` runs a work at many parameters, each in
chunks.  Pieces run through joblib: sequentially by default, on all cores inside
`joblib.parallel_config("loky", n_jobs=-1)`, on a cluster inside `joblib.parallel_config("dask")` or "ray".
With `path`, finished pieces are kept in files (`checkpoints`), and a run that was killed goes on with those missing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
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
    return _stacked(_run([(work, label)] * n_chunks, rng, path))


def sweep(
    work: Callable[[Any, torch.Generator], dict[str, Tensor]],
    values: Iterable[Any],
    *,
    rng: torch.Generator,
    n_chunks: int = 1,
    path: str | Path | None = None,
    label: str = "",
) -> list[dict[str, Tensor]]:
    """work(value, rng_j) at every value, n_chunks times each: a list of {name: (n_chunks, ...)}, in the values' order.

    values: numbers, strings, tuples of them, or frozen dataclasses of them such as `phi4.Phi4(-1.0, 0.5)`; a tensor
    or an array stands for its numbers.  All pieces wait in one queue, so that a slow value does not hold up the
    others.  Values may be added at the end of a sweep that is kept: what is there is not run again.  Otherwise as
    `gather`; raises `ValueError` for no values, `TypeError` for kept ones whose text does not tell what they are.
    """
    given.whole("n_chunks", n_chunks, least=1, why="a value is run at least once")
    values = values.tolist() if isinstance(values, (Tensor, np.ndarray)) else list(values)
    if not values:
        raise ValueError("no values: a sweep goes over at least one; give a list such as [0.4, 0.5].")
    names = [f"{label} at {_text(value)}" if path is not None else label for value in values]
    pieces = [(functools.partial(work, v), name) for v, name in zip(values, names) for _ in range(n_chunks)]
    parts = _run(pieces, rng, path)
    return [_stacked(parts[j : j + n_chunks]) for j in range(0, len(parts), n_chunks)]


def chunk(work: Work, seed: int, device: str, path: Path | None = None, label: str = "") -> dict[str, Tensor]:
    """One piece, from its file if it was finished before.

    Runs on one thread: the order of a sum, hence its last bit, must not depend on how many cores a machine has.
    """
    if path is not None and path.exists():
        saved = checkpoints.load(path)
        if not isinstance(saved, dict) or not {"seed", "label", "sums"} <= saved.keys():
            raise ValueError(f"{path}: written by something else than `chunks`; choose another path.")
        if saved["seed"] != seed or saved["label"] != label:
            raise ValueError(
                f'{path}: seed {saved["seed"]}, label "{saved["label"]}", but this run needs seed {seed}, '
                f'label "{label}"; delete the folder or choose another path.'
            )
        return saved["sums"]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = work(torch.Generator(device=device).manual_seed(seed))
        if not isinstance(found, dict) or not all(isinstance(t, Tensor) for t in found.values()):
            raise TypeError(f"the work returned {type(found).__name__}: expected {{name: tensor}}, which can be kept.")
        sums = {name: t.cpu() for name, t in found.items()}
    finally:
        torch.set_num_threads(threads)
    if path is not None:
        checkpoints.save(path, {"seed": seed, "label": label, "sums": sums})
    return sums


def _run(pieces: Sequence[tuple[Work, str]], rng: torch.Generator, path: str | Path | None) -> list[dict[str, Tensor]]:
    given.generator(rng)
    folder = None if path is None else given.path(path)
    base = int(torch.randint(2**31, (), generator=rng, device=rng.device))
    return joblib.Parallel()(
        joblib.delayed(chunk)(
            work, base + j, str(rng.device), None if folder is None else folder / f"chunk-{j:05d}.pt", label
        )
        for j, (work, label) in enumerate(pieces)
    )


def _stacked(parts: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    shapes = [{name: t.shape for name, t in part.items()} for part in parts]
    if any(other != shapes[0] for other in shapes):
        raise ValueError("the pieces return tensors of different names or shapes: they cannot be stacked; let the work "
                         "return the same whatever it draws.")  # fmt: skip
    return {name: torch.stack([part[name] for part in parts]) for name in parts[0]}


def _text(value: Any) -> str:
    """The value as text, which stands in the file of its piece."""
    text = repr(value)
    if any(part in text for part in ("tensor(", "array(", " at 0x")):  # digits left out, or an address
        raise TypeError(
            f"a value {text}: its text does not tell it from others, so its file would not either; give numbers, "
            "strings, tuples or frozen dataclasses of them."
        )
    return text
