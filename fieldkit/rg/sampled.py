r"""How are a magnet and a field put side by side?  The same sums over blocked configurations, from either.

`magnet`: Ising spins by cluster updates, blocked by majority.  `field`: phi^4 by `lattice.embedded`, the first step the
sign of the block sum, majority from then on, so that from level 1 on both are spins and every operator means the same.
Each returns `monte_carlo_rg.Sums`.  For a sweep over temperatures, or many machines, give the functions to
`chunks.sweep` as `columns` of their sums and join the pieces with `monte_carlo_rg.joined`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch

from fieldkit import given
from fieldkit.lattice import embedded, ising
from fieldkit.lattice.phi4 import Phi4
from fieldkit.rg import blocking, monte_carlo_rg
from fieldkit.rg.blocking import Operator, Rule
from fieldkit.rg.monte_carlo_rg import Sums

OPERATORS = blocking.EVEN[:3] + blocking.ODD[:2]
"""Nearest and next-nearest neighbours and the plaquette; the spin and three round a corner."""


def magnet(
    L: int,
    *,
    beta: float,
    n_chains: int,
    n_steps: int,
    n_levels: int,
    rng: torch.Generator,
    rule: Rule = blocking.majority,
    operators: Sequence[Operator] = OPERATORS,
    every: int = 2,
    warm_up: int = 40,
    n_groups: int = 32,
) -> Sums:
    """Ising model of side L: n_chains chains, n_steps measurements `every` cluster sweeps apart, from all spins up."""
    spins = ising.equilibrium(n_chains, L, beta=beta, rng=rng, n_sweeps=warm_up)
    chain = ising.chain(ising.swendsen_wang, spins, beta=beta, rng=rng, every=every)
    return monte_carlo_rg.collect(
        chain, n_steps, n_levels=n_levels, operators=operators, rng=rng, rule=rule, n_groups=n_groups
    )


def field(
    theory: Phi4,
    L: int,
    *,
    n_chains: int,
    n_steps: int,
    n_levels: int,
    rng: torch.Generator,
    first: Rule = blocking.sign_of_sum,
    rule: Rule = blocking.majority,
    operators: Sequence[Operator] = OPERATORS,
    every: int = 2,
    warm_up: int = 150,
    width: float = 1.0,
    n_groups: int = 32,
) -> Sums:
    """phi^4 of even side L in float32: as `magnet`, with `every` sweeps of both kinds between measurements.

    width: that of the Metropolis moves; about half of them are accepted at coupling 1, mass2 = -3.8 with width 1.
    """
    given.whole("every", every, least=1, why="a step is at least one sweep")
    start = torch.randn(n_chains, L, L, generator=rng, device=rng.device, dtype=torch.float32)
    chain = embedded.chain(theory, start, width=width, rng=rng, n_sweeps=2)
    configurations = itertools.islice(chain, warm_up, None, every)
    return monte_carlo_rg.collect(
        configurations, n_steps, n_levels=n_levels, operators=operators, rng=rng, rule=rule, first=first,
        n_groups=n_groups,
    )  # fmt: skip
