r"""What does a block-spin step do, without a single random number?  All states of the 4 x 4 torus, blocked to 2 x 2.

    P'(S) = sum_s P(s) prod_blocks P(S_B | s_B),      T = <S' S'>_c^-1 <S' S>_c,      y = ln |eigenvalue of T| / ln 2

T_ab = dK'_b / dK_a linearises the flow of the couplings in a chosen list of operators (Swendsen 1979), ties averaged
exactly.  The couplings of the 2 x 2 law are exact too: its sixteen states fall into four classes, hence three couplings
and a constant, whatever the rule, if it is odd.  It is the truth for the sampler of `monte_carlo_rg`, and close to
the infinite lattice: 4 x 4 at T_c with majority gives y_T = .985, y_H = 1.8756.  CPU, float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import ising_exact
from fieldkit.rg import blocking, rules
from fieldkit.rg.blocking import Operator


def law(L: int, M: int, T: float) -> tuple[Tensor, Tensor]:
    """All states of the L x M torus (2^(L M), L, M), int8, and their probabilities at temperature T."""
    given.positive("T", T, why="a temperature is positive")
    states = ising_exact.all_states(L, M)
    aligned = blocking.sums(states, [blocking.NEAREST])[:, 0]
    return states, torch.softmax((aligned - aligned.max()) / T, 0)


def average(observable: Callable[[Tensor], Tensor], L: int, M: int, T: float) -> float:
    """The exact mean of an observable of configurations, (n, L, M) -> (n,) or (n, ...), averaged over the rest."""
    states, probability = law(L, M, T)
    values = observable(states).double().reshape(len(states), -1).mean(1)
    return float(probability @ values)


def coarse_states() -> Tensor:
    """The sixteen states of the 2 x 2 torus, (16, 2, 2) int8."""
    return rules.block_states().to(torch.int8).reshape(16, 2, 2)


def transition(table: Tensor) -> Tensor:
    """P(S | s), the chance that state s of the 4 x 4 torus is blocked to state S: (65536, 16), by the rule `table`."""
    state = rules.state_of(ising_exact.all_states(4, 4)).reshape(-1, 4)  # of each of the four blocks
    up = rules.checked(table)
    two = torch.stack([1 - up, up], 1)  # (16 states of a block, 2)
    four = torch.einsum("ab,cd->acdb", two, two).reshape(256, 4)  # two blocks: the first is the lower bit
    pairs = 16 * state[:, 0] + state[:, 1], 16 * state[:, 2] + state[:, 3]
    return (four[pairs[1]][:, :, None] * four[pairs[0]][:, None, :]).flatten(1)


def coarse_law(table: Tensor, *, T: float) -> Tensor:
    """P'(S) of the 2 x 2 block spins, (16,)."""
    return law(4, 4, T)[1] @ transition(table)


def matrix(table: Tensor, operators: Sequence[Operator], *, T: float) -> Tensor:
    """The linearised step <S' S'>_c^-1 <S' S>_c in these operators, (k, k), exact.

    Raises `ValueError` where an operator of the blocked lattice never changes: a rule that always says the same, a
    temperature near 0.
    """
    states, probability = law(4, 4, T)
    chance = transition(table)
    fine = blocking.sums(states, operators)
    coarse = blocking.sums(coarse_states(), operators)
    blocked = probability @ chance
    fine_mean, coarse_mean = probability @ fine, blocked @ coarse
    same = (coarse.T * blocked) @ coarse - torch.outer(coarse_mean, coarse_mean)
    cross = (chance @ coarse).T * probability @ fine - torch.outer(coarse_mean, fine_mean)
    found, singular = torch.linalg.solve_ex(same, cross)
    if int(singular) or not bool(found.isfinite().all()):
        raise ValueError(
            f"T = {T}: a blocked operator never changes, or two always change together, so that nothing can be solved "
            "for; choose another rule, a higher temperature or fewer operators."
        )
    return found


def exponents(table: Tensor, operators: Sequence[Operator], *, T: float) -> Tensor:
    """ln |eigenvalues| / ln 2 of `matrix`, largest first: y_T from even operators, y_H from odd ones."""
    return torch.linalg.eigvals(matrix(table, operators, T=T)).abs().log().sort(descending=True).values / math.log(2)


def couplings(table: Tensor, *, T: float) -> Tensor:
    """Exact (K_nn, K_nnn, K_plaquette) of the 2 x 2 law at a rule that is odd: ln P' = g + sum_a K_a S_a(S), each S_a
    the torus sum of `blocking.sums`.  Raises `ValueError` for a rule that breaks the symmetry."""
    if not rules.is_odd(table):
        raise ValueError(
            "this rule breaks the symmetry between up and down, so its law has fields too; use an odd one."
        )
    given.positive("T", T, why="a temperature is positive")
    values = blocking.sums(coarse_states(), blocking.EVEN[:3])
    design = torch.cat([torch.ones(16, 1, dtype=torch.float64), values], 1)
    aligned = blocking.sums(ising_exact.all_states(4, 4), [blocking.NEAREST])[:, 0]
    law_of_blocks = (aligned[:, None] / T + transition(table).log()).logsumexp(0)  # up to a constant, at every T
    return torch.linalg.lstsq(design, law_of_blocks[:, None]).solution[1:, 0]
