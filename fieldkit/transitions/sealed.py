r"""How do you predict a critical point so that nobody can say you knew?  Seal the prediction before you measure.

A prediction with its bar is turned into a hash (SHA-256 of its text and a random salt) and shown.  Nothing can be read
from the hash, and nothing else has it: after the measurement the prediction is opened, the hash is compared, and the
pull is (measured - predicted) / (both bars in quadrature).  A prediction without a bar cannot be sealed.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import torch

from fieldkit import given
from fieldkit.estimates import Estimate


@dataclass(frozen=True)
class Seal:
    """What is shown before the measurement: of what, and the hash.  The salt is kept by who sealed it."""

    what: str
    digest: str

    def __str__(self) -> str:
        return f"sealed: {self.what},\n  {self.digest[:16]}…"


def seal(what: str, prediction: Estimate, *, rng: torch.Generator) -> tuple[Seal, str]:
    """The seal, to be shown, and its salt, to be kept.

    Raises `TypeError` for a prediction that is no `Estimate`, `ValueError` for one without a finite bar or an empty
    `what`.
    """
    _refuse(what, prediction)
    given.generator(rng)
    words = torch.randint(2**32, (4,), generator=rng, device=rng.device).tolist()
    salt = "".join(f"{word:08x}" for word in words)
    return Seal(what, _digest(what, prediction, salt)), salt


def opened(sealed: Seal, prediction: Estimate, salt: str) -> Estimate:
    """The prediction, if it is the one that was sealed.  Raises `ValueError` if it is not, to the last digit."""
    if not isinstance(sealed, Seal):
        raise TypeError(f"a {type(sealed).__name__}: what is opened is a `Seal`, as `seal` gave it.")
    _refuse(sealed.what, prediction)
    if _digest(sealed.what, prediction, salt) != sealed.digest:
        raise ValueError(f"{sealed.what}: {prediction} is not what was sealed; a prediction is not changed afterwards.")
    return prediction


def pull(sealed: Seal, prediction: Estimate, salt: str, measured: Estimate) -> float:
    """(measured - predicted) / error, both errors in quadrature, of a prediction that is opened now."""
    return measured.pull(opened(sealed, prediction, salt))


def _digest(what: str, prediction: Estimate, salt: str) -> str:
    text = f"{what}\0{prediction.value!r}\0{prediction.error!r}\0{salt}"
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse(what: str, prediction: Estimate) -> None:
    if not isinstance(prediction, Estimate):
        raise TypeError(f"a {type(prediction).__name__}: a prediction is an `Estimate`, a value with its bar.")
    if not isinstance(what, str):
        raise TypeError(f"what = {what!r}: say in words what is predicted.")
    if not what.strip():
        raise ValueError("what = '': say what is predicted.")
    if not (math.isfinite(prediction.value) and 0 < prediction.error < math.inf):
        raise ValueError(f"{what}: {prediction} has no bar that could be weighed; say how sure you are.")
