r"""How do you measure an exponent without knowing one coupling?  Swendsen's Monte Carlo renormalisation group.

    A_ab = <S'_a S'_b> - <S'_a><S'_b>,    B_ab = <S'_a S_b> - <S'_a><S_b>,    T = A^-1 B,    y = ln |eigenvalue| / ln b

for operators S on one level and S' on the next, both from the same configuration: T_ab = dK'_a / dK_b by the chain
rule, at a point of the flow that nobody has to name.  Even and odd operators do not mix.  Near the fixed point y no
longer changes with the level; a list that is too short shows in the drift with its length.

Nothing but sums is kept (`Sums`), one set for each group of whole chains: memory does not grow with the number of
measurements, and the jackknife leaves out what is independent, whole chains.  Level l lives on L / b^l; the last one
must stay at 4 or more for next-nearest neighbours to be operators of their own.
Sources: Swendsen 1979; Wilson 1980, Shenker and Tobochnik 1980 for the matching of two lattices.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit import fits, given
from fieldkit.estimates import Estimate, jackknife_covariance
from fieldkit.rg import blocking
from fieldkit.rg.blocking import Operator, Rule

SMALLEST = 4
"""Side of the smallest lattice on which two next-nearest neighbours are two sites."""


@dataclass(frozen=True)
class Sums:
    """Averages over each group of chains, per site of the first lattice for every level.

    mean (g, levels + 1, k): <S_a>;  same (g, levels + 1, k, k): <S_a S_b> of a level with itself;  cross
    (g, levels, k, k): <S'_a S_b> with the level before.  `operators` names the columns, `sites` (levels + 1,) their
    lattices, b the change of scale from the second level on.
    """

    mean: Tensor
    same: Tensor
    cross: Tensor
    operators: tuple[Operator, ...]
    sites: Tensor
    b: int = 2

    def columns(self) -> dict[str, Tensor]:
        """The numbers by name, as `chunks.gather` and `chunks.sweep` take them; `from_columns` reads them back."""
        return {"mean": self.mean, "same": self.same, "cross": self.cross, "sites": self.sites}


def levels(
    field: Tensor, n_levels: int, *, rng: torch.Generator, rule: Rule, first: Rule | None = None
) -> list[Tensor]:
    """The field and its blocked descendants, n_levels + 1 of them.  `first` is the first step's rule."""
    given.whole("n_levels", n_levels, least=0, why="a field is blocked so many times")
    chain = [field]
    for step in range(n_levels):
        chain.append((first if first is not None and step == 0 else rule)(chain[-1], rng=rng))
    return chain


def collect(
    configurations: Iterable[Tensor],
    n_steps: int,
    *,
    n_levels: int,
    operators: Sequence[Operator],
    rng: torch.Generator,
    rule: Rule = blocking.majority,
    first: Rule | None = None,
    n_groups: int = 32,
) -> Sums:
    """Take n_steps batches (n, L, L) from `configurations` and sum products of operators over levels 0 ... n_levels.

    The n chains are cut into n_groups equal groups.  One list holds even and odd operators; which of them span a matrix
    is chosen afterwards.  Raises `ValueError` for fewer than 8 groups, a number of chains that they do not divide, or a
    last level with a side below 4.
    """
    given.whole("n_steps", n_steps, least=1, why="sums need measurements")
    given.whole("n_levels", n_levels, least=1, why="a step leads from one level to the next")
    given.whole("n_groups", n_groups, least=8, why="the jackknife leaves out one group of chains at a time")
    total: list[Tensor] | None = None
    for field in itertools.islice(configurations, n_steps):
        if len(field) % n_groups:
            raise ValueError(f"{len(field)} chains, {n_groups} groups: give every group as many chains.")
        chain = levels(field, n_levels, rng=rng, rule=rule, first=first)
        if chain[-1].shape[-1] < SMALLEST:
            raise ValueError(
                f"level {n_levels} has side {chain[-1].shape[-1]}: below {SMALLEST} two neighbours are one site and "
                "operators coincide; take fewer levels or a larger lattice."
            )
        scale = field[0].numel() ** 0.5  # products of order one
        S = torch.stack([blocking.sums(x, operators) for x in chain], 1).reshape(
            n_groups, -1, len(chain), len(operators)
        )
        S = S / scale
        new = [S.mean(1), _outer(S, S), _outer(S[:, :, 1:], S[:, :, :-1])]
        total = new if total is None else [old.add_(more) for old, more in zip(total, new)]
        sites = torch.tensor([x[0].numel() for x in chain], dtype=torch.float64)
        b = round(math.sqrt(chain[-2][0].numel() / chain[-1][0].numel()))
    if total is None:
        raise ValueError("no configuration came: give an iterator of batches (n, L, L), such as `ising.chain`.")
    mean, same, cross = ((x / n_steps).cpu() for x in total)
    return Sums(mean, same, cross, tuple(operators), sites, b)


def from_columns(columns: dict[str, Tensor], operators: Sequence[Operator], *, b: int = 2) -> Sums:
    """Sums from chunks of a run, {name: (n_chunks, ...)}: every chunk's groups become groups of the whole."""
    mean, same, cross = (columns[name].flatten(0, 1) for name in ("mean", "same", "cross"))
    return Sums(mean, same, cross, tuple(operators), columns["sites"][0], b)


def joined(parts: Sequence[Sums]) -> Sums:
    """Sums from independent runs with the same operators and sizes, as more groups: what chunks of a sweep bring."""
    if not parts:
        raise ValueError("no parts: joined are the sums of one run or more.")
    if any(part.operators != parts[0].operators or not torch.equal(part.sites, parts[0].sites) for part in parts):
        raise ValueError("these runs differ in operators or sizes: only alike can be joined.")
    mean, same, cross = (torch.cat([getattr(part, name) for part in parts]) for name in ("mean", "same", "cross"))
    return Sums(mean, same, cross, parts[0].operators, parts[0].sites, parts[0].b)


def matrix(sums: Sums, level: int, operators: Sequence[Operator]) -> Tensor:
    """T (k, k) of the step from `level` to level + 1 in these operators, all groups together."""
    return _linearised(*(x.mean(0) for x in _step(sums, level, _places(sums, operators))))


def exponent(sums: Sums, level: int, operators: Sequence[Operator], *, which: int = 0) -> Estimate:
    """y of the step level -> level + 1 in these operators; which = 0 is the largest eigenvalue by modulus."""
    values, covariance = exponents(sums, operators, which=which, steps=(level,))
    return Estimate(values[0].item(), covariance[0, 0].sqrt().item())


def exponents(
    sums: Sums, operators: Sequence[Operator], *, which: int = 0, steps: Sequence[int] | None = None
) -> tuple[Tensor, Tensor]:
    """y of several steps (all if not given) and their covariance, (s,) and (s, s): they come from the same chains.

    By the jackknife over groups of whole chains, bias removed.  Raises `ValueError` for a step or an operator that was
    not measured, and for operators of both parities.
    """
    places = _places(sums, operators)
    given.whole("which", which, least=0, why="eigenvalues are counted from the largest, number 0")
    if which >= len(places):
        raise ValueError(f"which = {which}: {len(places)} operators have as many eigenvalues, counted from 0.")
    steps = range(sums.cross.shape[1]) if steps is None else steps
    if not len(steps):
        raise ValueError("no steps: name at least one, counted from 0.")
    columns = [x for level in steps for x in _step(sums, level, places)]

    def y(*means: Tensor) -> Tensor:
        matrices = [_linearised(*means[4 * i : 4 * i + 4]) for i in range(len(means) // 4)]
        found = [torch.linalg.eigvals(T).abs().sort(descending=True).values[which] for T in matrices]
        return torch.stack(found).log() / math.log(sums.b)

    return jackknife_covariance(y, *columns)


def averages(sums: Sums, operator: Operator = blocking.NEAREST) -> list[Estimate]:
    """The operator's mean a figure and site on every level, with its error."""
    values, covariance = by_level(sums, operator)
    return [Estimate(v, e) for v, e in zip(values.tolist(), covariance.diagonal().sqrt().tolist())]


def by_level(sums: Sums, operator: Operator = blocking.NEAREST) -> tuple[Tensor, Tensor]:
    """The same as a curve over the levels, (levels + 1,), with its covariance: one chain gives all of its points."""
    figures, place = blocking.count([operator]), _places(sums, [operator])[0]
    return jackknife_covariance(lambda m: m * sums.sites[0].sqrt() / sums.sites / figures, sums.mean[:, :, place])


def difference(one: Sums, other: Sums, operator: Operator = blocking.NEAREST) -> tuple[Tensor, Tensor]:
    """Two independent systems of equal size compared level by level: (levels + 1,) and the covariance.

    Two members of a universality class differ at level 0 and, at criticality, less and less above.
    """
    if not torch.equal(one.sites, other.sites):
        raise ValueError("the systems differ in size, so their levels do not correspond; run them on equal lattices.")
    (a, A), (c, C) = by_level(one, operator), by_level(other, operator)
    return a - c, A + C


def mismatch(large: Sums, small: Sums, operator: Operator = blocking.NEAREST) -> tuple[Tensor, Tensor]:
    """Two-lattice matching: level l + 1 of a lattice minus level l of one of half its side, and the covariance.

    Both live on the same number of sites, so at the fixed point they agree, whatever the finite size: (levels,).
    """
    (a, A), (c, C) = by_level(large, operator), by_level(small, operator)
    n = min(len(a) - 1, len(c))
    if not torch.equal(large.sites[1 : n + 1], small.sites[:n]):
        raise ValueError("the lattices do not match: the larger must have twice the side of the other.")
    return a[1 : n + 1] - c[:n], A[1 : n + 1, 1 : n + 1] + C[:n, :n]


def matched_coupling(couplings: Sequence[float], differences: Sequence[Estimate]) -> Estimate:
    """The coupling at which the mismatch of one level is zero: a straight line through independent points, its root.

    The root's bar is that of a ratio, first order in the errors of the line.  Raises `ValueError` for fewer than two
    couplings, and where the line is level within its error: then it has no root.
    """
    couplings = given.doubles(couplings).flatten().tolist()
    if len(couplings) < 2:
        raise ValueError(f"{len(couplings)} couplings: a line goes through two points or more.")
    centre = sum(couplings) / len(couplings)
    x = torch.tensor([K - centre for K in couplings], dtype=torch.float64)
    design = torch.stack([torch.ones_like(x), x], 1)
    values, errors = fits.columns(differences)
    fit = fits.linear_fit(design, values, errors.square())
    intercept, slope = fit.parameters.tolist()
    if not abs(slope) > fit.estimate(1).error:
        raise ValueError(
            f"slope = {fit.estimate(1)}: the mismatch does not change with the coupling; go further apart."
        )
    gradient = torch.tensor([-1 / slope, intercept / slope**2], dtype=torch.float64)
    return Estimate(centre - intercept / slope, float(gradient @ fit.covariance @ gradient) ** 0.5)


def _outer(a: Tensor, b: Tensor) -> Tensor:
    """(g, n, l, k) twice -> mean over n of a_i b_j, (g, l, k, k)."""
    return torch.einsum("gnli,gnlj->glij", a, b) / a.shape[1]


def _places(sums: Sums, operators: Sequence[Operator]) -> list[int]:
    missing = [operator.name for operator in operators if operator not in sums.operators]
    if missing or not operators:
        raise ValueError(f"{', '.join(missing) or 'no operator'}: not measured; choose from those given to `collect`.")
    if len({operator.odd for operator in operators}) > 1:
        raise ValueError("even and odd operators do not mix under the flow: give one parity at a time.")
    return [sums.operators.index(operator) for operator in operators]


def _step(sums: Sums, level: int, k: list[int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    given.whole("level", level, least=0, why="steps are counted from 0")
    if level >= sums.cross.shape[1]:
        raise ValueError(f"level = {level}: steps 0 to {sums.cross.shape[1] - 1} were measured; choose one of them.")
    same, cross = sums.same[:, level + 1][:, k][:, :, k], sums.cross[:, level][:, k][:, :, k]
    return sums.mean[:, level + 1, k], sums.mean[:, level, k], same, cross


def _linearised(coarse: Tensor, fine: Tensor, same: Tensor, cross: Tensor) -> Tensor:
    T, singular = torch.linalg.solve_ex(same - torch.outer(coarse, coarse), cross - torch.outer(coarse, fine))
    if int(singular) or not bool(T.isfinite().all()):
        raise ValueError(
            "a blocked operator never changes, or two always change together, so that nothing can be solved for; take "
            "fewer operators, or spins that move."
        )
    return T
