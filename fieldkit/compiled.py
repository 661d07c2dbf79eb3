"""How do you tell a processor a whole loop at once?  Loops over sites, compiled by numba where it is installed.

numba is never needed: a module whose loops are marked with `loop` imports without it, its callers ask `here` and take
their own path in torch when the answer is no, and tests compare the two.  Such a module is imported at the call, since
numba takes a quarter of a second to start.  A loop is compiled at its first call, in a second or two, and kept on disk
for the next time.  It computes as the formula says, in the order in which it is written: no fast-math, so that its bits
depend neither on the processor nor on how many numbers are moved at once.  Source: Lam, Pitrou and Seibert 2015
(numba).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any


def here() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """function, compiled for the types with which it is called if numba is installed, as it is if not."""
    if not here():
        return function
    import numba

    try:
        return numba.njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # no folder can be written to, so that each start compiles anew
        return numba.njit(error_model="numpy")(function)
