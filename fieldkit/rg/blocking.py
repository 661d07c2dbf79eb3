r"""Which one number speaks for a block of b^d sites?  Rules that make a configuration smaller, and operators.

    majority     the sign of the sum, a tie by coin          stride       one site for all, called decimation
    average      the mean, times b^Delta if you wish         maximum      the largest value, called max-pooling
    sign_of_sum  a block of a continuous field becomes a spin

A rule takes a batch (n, L, ..., L) in any d and returns (n, L/b, ..., L/b).  Only some of them are a renormalisation:
the rule has to keep what is seen from far away.  `Operator` is a product of fields on a small figure, summed over the
lattice and over the figure's images; EVEN and ODD are lists of them for the square lattice, nearest neighbours first.
Sources: Kadanoff 1966; Swendsen 1979; Boureau, Ponce and LeCun 2010 (average and maximum as pooling).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from fieldkit import given


class Rule(Protocol):
    """A blocking rule; rng is there for ties, other rules do not touch it."""

    def __call__(self, field: Tensor, *, rng: torch.Generator) -> Tensor: ...


def majority(field: Tensor, *, rng: torch.Generator, b: int = 2) -> Tensor:
    """The sign of the sum over each block of b^d spins -1 and 1, ties by a fair coin; dtype kept.

    Raises `ValueError` unless b divides every side, `TypeError` without a generator or for a type without a sign.
    """
    given.generator(rng)
    field = given.numbers(field)
    given.signed(field)
    total = _block_sum(field, b)
    if field.is_floating_point():  # a sum below 1/2 must not lose against a coin
        total = total.sign()
    if b ** (field.dim() - 1) % 2:
        return total.sign().to(field.dtype)
    words = torch.empty(-(-total.numel() // 8), dtype=torch.int64, device=field.device)
    words.random_(-(2**63), None, generator=rng)  # a byte a coin
    coins = words.view(torch.int8)[: total.numel()].view(total.shape).bitwise_or(1).sign_()
    return total.mul_(2).add_(coins.to(total.dtype)).sign_().to(field.dtype)


def stride(field: Tensor, *, rng: torch.Generator | None = None, b: int = 2) -> Tensor:
    """The first site of each block, the others forgotten; exact in d = 1, no renormalisation of a magnet in d = 2."""
    field = given.numbers(field)
    _refuse(field, b)
    for axis in range(1, field.dim()):
        field = field.unflatten(axis, (-1, b)).select(axis + 1, 0)
    return field.contiguous()


def average(field: Tensor, *, rng: torch.Generator | None = None, b: int = 2, field_dimension: float = 0.0) -> Tensor:
    """The mean of each block times b^field_dimension; float32 stays float32, spins become float64.

    field_dimension 0 is average pooling; (d - 2) / 2 is the free field's, 1/8 the critical square-lattice magnet's.
    """
    field, field_dimension = given.floats(field), _power(field_dimension)
    return _block_sum(field, b) * b ** (field_dimension - (field.dim() - 1))


def sign_of_sum(field: Tensor, *, rng: torch.Generator | None = None, b: int = 2) -> Tensor:
    """The sign of each block's sum as a spin, int8: the first step from a continuous field, which has no ties.

    A spin cannot say that a number is none: raises `ValueError` for a sum that is nan (looked at on a CPU)."""
    total = _block_sum(given.floats(field), b)
    if total.device.type == "cpu" and bool(total.isnan().any()):
        raise ValueError("the field holds values that are not finite; find where the run diverged.")
    return torch.where(total < 0, -1, 1).to(torch.int8)


def maximum(field: Tensor, *, rng: torch.Generator | None = None, b: int = 2) -> Tensor:
    """The largest value of each block: max-pooling.  It knows up from down, so it breaks the symmetry phi -> -phi."""
    field = given.numbers(field)
    _refuse(field, b)
    for axis in range(1, field.dim()):
        field = field.unflatten(axis, (-1, b)).amax(axis + 1)
    return field


@dataclass(frozen=True)
class Operator:
    """A sum over the lattice of products of fields; `figures` are its images, each a tuple of sites (row, column)."""

    name: str
    figures: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def odd(self) -> bool:
        """Whether it changes sign with the field."""
        return len(self.figures[0]) % 2 == 1


NEAREST = Operator("nearest neighbours", (((0, 0), (0, 1)), ((0, 0), (1, 0))))
DIAGONAL = Operator("next-nearest neighbours", (((0, 0), (1, 1)), ((0, 0), (1, -1))))
PLAQUETTE = Operator("plaquette", (((0, 0), (0, 1), (1, 0), (1, 1)),))
THIRD = Operator("third neighbours", (((0, 0), (0, 2)), ((0, 0), (2, 0))))
KNIGHT = Operator("a knight's move", tuple(((0, 0), m) for m in ((1, 2), (2, 1), (1, -2), (2, -1))))
SPIN = Operator("field", (((0, 0),),))
CORNER = Operator(
    "three round a corner",
    tuple(((0, 0), (0, right), (down, 0)) for right in (1, -1) for down in (1, -1)),
)
LINE = Operator("three in a line", (((0, 0), (0, 1), (0, 2)), ((0, 0), (1, 0), (2, 0))))

EVEN = (NEAREST, DIAGONAL, PLAQUETTE, THIRD, KNIGHT)
ODD = (SPIN, CORNER, LINE)


def sums(field: Tensor, operators: Sequence[Operator]) -> Tensor:
    """Each operator summed over its lattice and images: field (n, L, M) -> (n, k) float64.

    A side of 2 meets each neighbour twice, as every sum over s_x s_{x+mu} does; a side of 1 is refused.  Spins of int8
    are added up as they are; on an accelerator, where nobody looks, other whole numbers are for other types.
    """
    field = given.numbers(field)
    if not field.is_floating_point() and not _is_small(field):
        field = field.double()  # products would overflow
    elif field.dtype in (torch.float16, torch.bfloat16):
        field = field.float()
    if not operators:
        raise ValueError("no operators: name at least one, such as `NEAREST`.")
    if field.dim() != 3 or min(field.shape) < 1 or min(field.shape[1:]) < 2:
        raise ValueError(f"shape {tuple(field.shape)}: operators live on square lattices (n, L, L) with L >= 2.")
    shifted: dict[tuple[int, int], Tensor] = {}

    def at(site: tuple[int, int]) -> Tensor:
        if site not in shifted:
            shifted[site] = field if site == (0, 0) else field.roll((-site[0], -site[1]), (1, 2))
        return shifted[site]

    columns = []
    for operator in operators:
        terms = []
        for rest, firsts in _by_first(operator.figures).items():
            term = sum((at(site) for site in firsts[1:]), start=at(firsts[0]))
            for site in rest:
                term = term * at(site)
            terms.append(term)
        columns.append(_sum(sum(terms[1:], start=terms[0])))
    return torch.stack(columns, 1)


def count(operators: Sequence[Operator]) -> Tensor:
    """How many figures of each operator there are a site, (k,) float64: divide `sums` by it and by L^2 for averages."""
    return torch.tensor([float(len(operator.figures)) for operator in operators], dtype=torch.float64)


def averaged_correlator(G: Tensor, *, b: int = 2, field_dimension: float = 0.0) -> Tensor:
    """<phi'(0) phi'(X)> of block averages from G(x) = <phi(0) phi(x)>, (L, ..., L) -> (L/b, ..., L/b), exact:
    b^(2 field_dimension - 2d) times the sum of G over all pairs of sites of the two blocks."""
    G, field_dimension = given.doubles(G), _power(field_dimension)
    d = G.dim()
    _refuse(G[None], b)
    for axis in range(d):
        spread = sum((b - abs(k)) * G.roll(k, axis) for k in range(-b + 1, b))
        G = torch.as_tensor(spread)
    return stride(G[None], b=b)[0] * b ** (2 * field_dimension - 2 * d)


def strided_correlator(G: Tensor, *, b: int = 2) -> Tensor:
    """The same for `stride`: G(bX), exact."""
    return stride(given.numbers(G)[None], b=b)[0]


def _by_first(figures: tuple[tuple[tuple[int, int], ...], ...]) -> dict[tuple[tuple[int, int], ...], list]:
    """Figures that share all sites but one, together: s (s_right + s_down) costs one product."""
    groups: dict[tuple[tuple[int, int], ...], list[tuple[int, int]]] = {}
    for figure in figures:
        for i in range(len(figure)):
            rest = figure[:i] + figure[i + 1 :]
            if rest in groups:
                groups[rest].append(figure[i])
                break
        else:
            groups[figure[:-1]] = [figure[-1]]
    return groups


def _sum(x: Tensor) -> Tensor:
    if x.is_floating_point():
        return x.sum((1, 2), dtype=torch.float64)
    return x.sum(2, dtype=torch.int32).sum(1, dtype=torch.int64).double()


def _block_sum(field: Tensor, b: int) -> Tensor:
    _refuse(field, b)
    if not field.is_floating_point() and not (2 * b ** (field.dim() - 1) + 1 <= 127 and _is_small(field)):
        field = field.to(torch.int64)
    for axis in range(1, field.dim()):
        cells = field.unflatten(axis, (-1, b))
        total = cells.select(axis + 1, 0) + cells.select(axis + 1, 1)
        for k in range(2, b):
            total = total + cells.select(axis + 1, k)
        field = total
    return field


def _is_small(field: Tensor) -> bool:
    """Whether whole numbers are spins of int8, none beyond -1 and 1; one configuration is looked at, on a CPU."""
    if field.dtype != torch.int8 or field.device.type != "cpu" or field.dim() == 0 or len(field) == 0:
        return field.dtype == torch.int8
    return bool(field[0].abs().max() <= 1) if field[0].numel() else True


def _power(field_dimension: float) -> float:
    given.number("field_dimension", field_dimension, why="blocks are multiplied by this power of b")
    return float(field_dimension)


def _refuse(field: Tensor, b: int) -> None:
    given.whole("b", b, least=2, why="a block is larger than a site")
    if field.dim() < 2 or 0 in field.shape or any(side % b for side in field.shape[1:]):
        good = math.lcm(b) * 4
        raise ValueError(
            f"shape {tuple(field.shape)}, b = {b}: blocks fill (n, L, ..., L) if b divides L, say L = {good}."
        )
