"""Every rule for a block of two by two spins is sixteen numbers: P(+ | v) for the sixteen states v of the block.

0 and 1 decide, 1/2 tosses a coin.  State v has the spins `block_states()[v]`: bit k of v is spin k, in the order
(0, 0), (0, 1), (1, 0), (1, 1).  With a table all about a rule is summed exactly (`enumeration`, `information`), and
`apply` blocks any configuration with it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fieldkit import given


def block_states() -> Tensor:
    """The sixteen blocks, (16, 4) float64 of -1 and 1.

    >>> block_states()[[0, 1, 15]].tolist()
    [[-1.0, -1.0, -1.0, -1.0], [1.0, -1.0, -1.0, -1.0], [1.0, 1.0, 1.0, 1.0]]
    """
    return ((torch.arange(16)[:, None] >> torch.arange(4)) & 1).double() * 2 - 1


def majority(*, tie: float | Tensor = 0.5) -> Tensor:
    """The sign of the sum; in the six ties + with probability `tie` (a number, or six of them in order of the state).

    0.5: a fair coin.  1: every tie goes to +, which breaks the symmetry between up and down.
    """
    total = block_states().sum(1)
    table = (total > 0).double()
    ties = given.doubles(tie)
    if ties.shape not in ((), (6,)):
        raise ValueError(f"tie {tuple(ties.shape)}: there are six ties; give one probability, or six of them.")
    table[total == 0] = ties
    return checked(table)


def majority_corner() -> Tensor:
    """The sign of the sum; in a tie the first spin decides."""
    total, first = block_states().sum(1), block_states()[:, 0]
    return (torch.where(total == 0, first, total) > 0).double()


def decimation() -> Tensor:
    """The first spin, the other three forgotten."""
    return (block_states()[:, 0] > 0).double()


def parity() -> Tensor:
    """+ for an even number of minus signs: an even rule, blind to the magnetisation."""
    return (block_states().prod(1) > 0).double()


def from_code(code: int | Tensor) -> Tensor:
    """Deterministic rule number 0 ... 2^16 - 1: bit v of the number is P(+ | v); (..., 16).  A rule and its negative,
    65535 minus the number, tell the same, so 2^15 of them are different."""
    number = given.numbers(code)
    if bool((number != number.round()).any()):
        raise TypeError(f"code = {code}: rules are numbered by whole numbers, 0 to 65535.")
    code = number.to(torch.int64)
    if bool(((code < 0) | (code >= 2**16)).any()):
        raise ValueError(f"code = {code}: sixteen states have 2^16 deterministic rules; choose 0 to 65535.")
    return ((code[..., None] >> torch.arange(16)) & 1).double()


def is_odd(table: Tensor) -> bool:
    """Whether the rule turns over with the block, P(+ | -v) = 1 - P(+ | v): whether it respects the symmetry."""
    table = checked(table)
    return bool((table + table.flip(0) - 1).abs().max() < 1e-12)


def apply(spins: Tensor, table: Tensor, *, rng: torch.Generator) -> Tensor:
    """Block a batch of spins (n, L, L), L even, by the rule: (n, L/2, L/2), same dtype.  Raises `ValueError` for
    another shape or table, `TypeError` for a type without a sign."""
    table = checked(table)
    given.generator(rng)
    spins = given.numbers(spins)
    given.signed(spins)
    if spins.dim() != 3 or spins.shape[1] % 2 or spins.shape[2] % 2 or 0 in spins.shape:
        raise ValueError(f"shape {tuple(spins.shape)}: blocks of two by two fill (n, L, L) with even L.")
    state = state_of(spins)
    draw = torch.rand(state.shape, generator=rng, device=rng.device, dtype=torch.float64)
    return torch.where(draw < table.to(rng.device)[state], 1, -1).to(spins.dtype)


def state_of(spins: Tensor) -> Tensor:
    """The state v of each block of a batch (n, L, L) of spins: (n, L/2, L/2), int64."""
    cell = (spins > 0).long()
    return cell[:, ::2, ::2] + 2 * cell[:, ::2, 1::2] + 4 * cell[:, 1::2, ::2] + 8 * cell[:, 1::2, 1::2]


def checked(table: Tensor) -> Tensor:
    """A rule as a float64 tensor (16,).  Raises `ValueError` for what is none."""
    table = given.doubles(table)
    if table.shape != (16,) or not bool(((table >= 0) & (table <= 1)).all()):
        raise ValueError(f"table {tuple(table.shape)}: a rule is sixteen probabilities between 0 and 1.")
    return table
