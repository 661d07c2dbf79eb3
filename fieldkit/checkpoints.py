"""What if the kernel dies?  A long loop goes on where it stopped, and ends with the same bits as if nothing had
happened.

The state that matters is the step count, the caller's tensors and the random generator.  They are written to a file
aside, flushed to the disk and renamed over the old one, so that at every instant a whole checkpoint is there; a `kill
-9` costs at most `every` steps. Loading goes through torch's weights-only reader: tensors, numbers, strings and
containers of them; a pickle of anything else is refused, so a checkpoint from a stranger cannot run code.
"""

from __future__ import annotations

import os
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch

from fieldkit import given

State = dict[str, Any]


def save(path: str | Path, state: State) -> None:
    """Write state (tensors, numbers, strings; lists, tuples and dicts of them) to path, aside and renamed.

    Raises `TypeError` for anything else, which `load` would refuse to read.
    """
    _form(state)
    path = given.path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.urandom(6).hex()}.part")  # machines may share a folder and a process id
    try:
        with open(aside, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def load(path: str | Path, device: torch.device | str = "cpu") -> State:
    """Read what `save` wrote, tensors on `device`.

    Raises `ValueError` when the file is damaged, be it by one bit, or holds anything but plain data; `OSError` when
    there is none, or it may not be read.
    """
    path = given.path(path)
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:  # torch reads the numbers, but does not look at their checksums
                spoilt = archive.testzip() or next((a.filename for a in archive.infolist() if a.external_attr), None)
            if spoilt is not None:  # or is marked as a folder, whose bytes torch would not read
                raise zipfile.BadZipFile(f"{spoilt} does not match its checksum")
            file.seek(0)
            state = torch.load(file, map_location="cpu", weights_only=True)
        except MemoryError:
            raise
        except Exception as error:  # what a reader stumbles over first depends on where the damage lies
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(
                f"{path}: not a checkpoint that can be read safely ({why}); it is damaged, or no checkpoint; "
                "delete it and run again."
            ) from error
    return _moved(state, torch.device(device))


def run(
    step: Callable[[State, int, torch.Generator], State],
    state: State,
    n_steps: int,
    *,
    rng: torch.Generator,
    path: str | Path | None = None,
    every: int = 100,
    label: str = "",
) -> State:
    """Apply `step(state, t, rng) -> state` for t = 0 ... n_steps - 1, saving every `every` steps and at the end.

    With a `path` that holds an earlier checkpoint of the same loop, the loop goes on from there and `rng` is set to
    what it was, so the result equals the uninterrupted one bit for bit.  All randomness must come from `rng`, all
    memory from `state`.  `label` names the settings of the loop: a checkpoint with another label, from another first
    state (keys, shapes, types and plain numbers are compared), or beyond n_steps, raises `ValueError` instead of being
    continued; so do n_steps < 0 and every < 1.
    """
    given.whole("n_steps", n_steps, least=0, why="steps are counted")
    given.whole("every", every, least=1, why="a checkpoint is written after so many steps")
    given.generator(rng)
    start, form = 0, _form(state)
    path = None if path is None else given.path(path)
    if path is not None and path.exists():
        # read on the CPU, where a generator's state lives whatever its device; the tensors go back to where they were
        saved = load(path)
        if not isinstance(saved, dict) or not {"label", "form", "t", "state", "rng"} <= saved.keys():
            raise ValueError(f"{path}: written by something else than `checkpoints.run`; choose another path.")
        _as_written(path, saved)
        if saved["form"] != form:
            pairs = zip_longest(saved["form"].split(", "), form.split(", "))
            theirs, ours = next((a, b) for a, b in pairs if a != b)
            raise ValueError(
                f'{path}: is of a loop that began otherwise, there "{theirs}", here "{ours}"; delete the file or '
                "choose another path."
            )
        if saved["label"] != label or saved["t"] > n_steps:
            raise ValueError(
                f'{path}: holds step {saved["t"]} of a loop labelled "{saved["label"]}", but this is "{label}" '
                f"with {n_steps} steps; delete the file or choose another path."
            )
        if saved["rng"].shape != rng.get_state().shape:
            raise ValueError(
                f"{path}: its random generator lived on another kind of device than {rng.device}; delete the file or "
                "choose another path."
            )
        try:
            rng.set_state(saved["rng"])
        except RuntimeError as error:
            raise ValueError(f"{path}: its random generator is damaged ({error}); delete the file.") from error
        start, state = saved["t"], _moved(saved["state"], rng.device)
    for t in range(start, n_steps):
        state = step(state, t, rng)
        if path is not None and ((t + 1) % every == 0 or t + 1 == n_steps):
            save(path, {"label": label, "form": form, "t": t + 1, "state": state, "rng": rng.get_state()})
    return state


def _as_written(path: Path, saved: State) -> None:
    """Refuse a record in which something stands that `run` never writes."""
    t, state = saved["t"], saved["rng"]
    whole = isinstance(t, int) and not isinstance(t, bool) and t >= 0
    words = all(isinstance(saved[name], str) for name in ("label", "form"))
    bits = isinstance(state, torch.Tensor) and state.dtype == torch.uint8
    if not (whole and words and bits and isinstance(saved["state"], dict)):
        raise ValueError(f"{path}: not as `checkpoints.run` writes it; it is damaged: delete it and run again.")


def _form(state: Any) -> str:
    """Keys, shapes, types and plain numbers of a state, as text; refuses what a checkpoint cannot hold."""
    if isinstance(state, torch.Tensor):
        return f"{str(state.dtype).removeprefix('torch.')}{list(state.shape)}"
    if type(state) in (dict, OrderedDict):
        return "{" + ", ".join(f"{key}: {_form(value)}" for key, value in state.items()) + "}"
    if type(state) in (list, tuple):
        return "[" + ", ".join(_form(value) for value in state) + "]"
    if state is None or type(state) in (bool, int, float, complex, str):
        return repr(state)
    raise TypeError(
        f"the state holds a {type(state).__name__}: a checkpoint holds tensors, numbers, strings, and lists, tuples "
        "and dicts of them; convert it, for instance with torch.as_tensor or float."
    )


def _moved(state: Any, device: torch.device) -> Any:
    if isinstance(state, torch.Tensor):
        return state.to(device)
    if isinstance(state, dict):
        return type(state)({key: _moved(value, device) for key, value in state.items()})
    if isinstance(state, (list, tuple)):
        return type(state)(_moved(value, device) for value in state)
    return state
