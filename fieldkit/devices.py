"""Where does a run live, and where do its random numbers come from?  One generator carries both."""

from __future__ import annotations

import re

import torch

from fieldkit import given


def generator(device: str = "auto", seed: int = 0) -> torch.Generator:
    """The one source of randomness of a run, on the device where the run lives: "auto" is the GPU if there is one.

    Raises `ValueError` when the named device is not there or unknown, or seed is negative or 2**63 and more;
    `TypeError` for a seed that is no whole number.
    """
    given.whole("seed", seed, least=0, why="one number fixes all random draws")
    if seed >= 2**63:
        raise ValueError(f"seed = {seed}: a generator holds 63 bits; choose a seed below 2**63.")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if not isinstance(device, str) or not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise ValueError(f'device = {device!r}: this book runs on a processor or a GPU; use "auto", "cpu" or "cuda".')
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f'device = "{device}": torch sees no GPU here; use device = "auto" or "cpu".')
    return torch.Generator(device=device).manual_seed(seed)
