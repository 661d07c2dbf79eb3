"""How do numbers cross the wall?  Frames of a small JSON head and plain float64 numbers; nothing that runs.

4 bytes length of the head, 4 bytes length of the body, head (JSON with "shapes"), body (float64, little-endian)
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

MOST_HEAD, MOST_BODY, MOST_AXES = 1 << 20, 32 << 20, 6


class Unreadable(ValueError):
    """A frame that no honest worker sends."""


def packed(head: dict[str, Any], arrays: Sequence[np.ndarray] = ()) -> bytes:
    """One frame."""
    plain = [np.asarray(a, dtype="<f8", order="C") for a in arrays]
    text = json.dumps({**head, "shapes": [list(a.shape) for a in plain]}).encode()
    body = b"".join(a.tobytes() for a in plain)
    return struct.pack("<II", len(text), len(body)) + text + body


def unpacked(read: Callable[[int], bytes]) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The next frame of read(n), which gives exactly n bytes or raises.  Raises `Unreadable` for what is too large, no
    JSON, or shapes that do not fit."""
    n_head, n_body = struct.unpack("<II", read(8))
    if n_head > MOST_HEAD or n_body > MOST_BODY:
        raise Unreadable("its answer is larger than any that was asked for")
    text, raw = read(n_head), read(n_body)
    try:
        head = json.loads(text)
        numbers = np.frombuffer(raw, dtype="<f8")
        arrays, start = [], 0
        for shape in head["shapes"]:
            if len(shape) > MOST_AXES or any(type(k) is not int or k < 0 for k in shape):
                raise ValueError("a shape that is none")
            size = int(np.prod(shape, dtype=object)) if shape else 1
            arrays.append(numbers[start : start + size].reshape(shape).copy())
            start += size
        return head, arrays
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, MemoryError, OverflowError):
        raise Unreadable("its answer cannot be read") from None
