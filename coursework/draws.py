"""Which numbers are this student's?  HMAC-SHA256 of the assignment and the student under the course's secret.

No state and no database: the same on every machine, in every version of Python.  Who lacks the secret learns nothing
about a neighbour's numbers.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

import torch

T = TypeVar("T")


def key(name: str) -> str:
    """A name as it is compared: forms, capitals and blanks at the ends do not count.

    >>> key(" Ada") == key("ADA ")
    True
    """
    return unicodedata.normalize("NFKC", name).casefold().strip()


@dataclass(frozen=True)
class Draws:
    """One student's draws for one assignment; `what` names each of them."""

    secret: bytes = field(repr=False)
    assignment: str
    student: str

    def _number(self, what: str) -> int:
        text = "\0".join((self.assignment, key(self.student), what)).encode()
        return int.from_bytes(hmac.new(self.secret, text, sha256).digest()[:8], "big")

    def between(self, what: str, low: float, high: float, *, step: float) -> float:
        """One of low, low + step, ..., high."""
        count = round((high - low) / step) + 1
        return round(low + step * (self._number(what) % count), 10)

    def one_of(self, what: str, values: Sequence[T]) -> T:
        """One of the values, each as likely as the others."""
        return values[self._number(what) % len(values)]

    def shuffled(self, what: str, values: Sequence[T]) -> list[T]:
        """All values in an order of the student's own."""
        order = sorted(range(len(values)), key=lambda i: self._number(f"{what} {i}"))
        return [values[i] for i in order]

    def seed(self, what: str) -> int:
        """A whole number below 2^31 for a generator."""
        return self._number(what) >> 33

    def rng(self, what: str) -> torch.Generator:
        """A generator on the CPU with that seed."""
        return torch.Generator().manual_seed(self.seed(what))

    def seal(self) -> str:
        """Ten letters that tell this student's sheet from all others."""
        return f"{self._number('seal'):016x}"[:10]
