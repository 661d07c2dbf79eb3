"""Which mistake is it?  First those that an assignment knows, then those that everybody makes.

The words for what everybody makes, and the rule by which a slip is named, are those of the book's own exercises
(`fieldkit.verdicts`).  Here an answer is an array, and a slip counts when it explains half or more of what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from fieldkit import verdicts


def named(
    found: Tensor, truth: Tensor, slips: Mapping[str, Tensor | Sequence[Tensor]], *,
    within: Tensor | float = 0.0, relative: float = 0.0,
) -> str:  # fmt: skip
    """The sentence for an answer in the shape of the truth, or nothing; slips are {sentence: what one would get}, or
    several of them.  A number hits a target when it is nearer than `within`, or `relative` times the target."""
    values, margin = found.double().reshape(-1), torch.as_tensor(within, dtype=torch.float64)
    margin = margin.expand(truth.shape).reshape(-1)

    def distances(target: Tensor) -> Tensor:
        return torch.nan_to_num((values - target).abs() / torch.maximum(margin, relative * target.abs()), nan=math.inf)

    right = truth.double().reshape(-1)
    wrong = distances(right) > 1
    if not bool(wrong.any()):
        return ""
    own = [(t, why) for why, ts in slips.items() for t in ([ts] if isinstance(ts, Tensor) else ts)]
    said = verdicts.remark(
        right.tolist(),
        [(t.double().reshape(-1).tolist(), why) for t, why in own],
        lambda target: float(distances(torch.tensor(target, dtype=torch.float64))[wrong].median()),
    )
    return said if said in slips else (said[:1].lower() + said[1:]).rstrip(".")
