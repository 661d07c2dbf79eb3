"""How fast are the renormalisation groups of part four?  Processor seconds, and the errors that they buy.

`python -m benchmarks.rg` from the root; a minute or two.  One thread.  The peer of the tensor row is quimb's
`contract_hotrg` on the same torus, which contracts every site and keeps no translation invariance; ours and theirs
take turns, the ratio is the median over the turns.  The exact ln Z is Kaufman's.  The other rows have no peer: they
stand beside what they must not exceed.
"""

from __future__ import annotations

import importlib.util
import math
import statistics
import time
import warnings
from collections.abc import Callable

import torch

from benchmarks import table
from fieldkit.lattice import ising, ising_exact
from fieldkit.rg import blocking, enumeration, information, potential, rules, sampled, tensors
from fieldkit.rg import monte_carlo_rg as mcrg

TC = ising_exact.T_CRITICAL
LPA_NU = 0.649561773880648018
"""Polchinski's equation shot from the origin with 40 digits (Bervillier, Juettner and Litim 2007 for the method)."""


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def tensor_row(chi: int, L: int, turns: int) -> None:
    """ln Z of the L x L torus at T_c: seconds of either side, errors per site, errors times seconds."""
    n_steps = 2 * (L.bit_length() - 1)
    truth = ising_exact.log_partition(L, TC)

    def ours() -> float:
        flow = tensors.flow(TC, chi=chi, n_steps=n_steps, step=tensors.hotrg)
        return float(flow.log_partition[n_steps, 0]) * L**2

    own_error = (ours() - truth) / L**2
    name = f"HOTRG chi = {chi}, {L} x {L} torus"
    if importlib.util.find_spec("quimb") is None:
        spent = statistics.median(seconds(ours) for _ in range(turns))
        table.missing(name, f"quimb is not installed; ours: {spent:.2e} s, error a site {own_error:.1e}")
        return
    import quimb.tensor as qtn

    network = qtn.TN2D_classical_ising_partition_function(L, L, 1 / TC, cyclic=True)

    def theirs() -> float:
        mantissa, exponent = network.contract_hotrg(max_bond=chi, cutoff=0.0, strip_exponent=True)
        return math.log(abs(mantissa)) + exponent * math.log(10)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        their_error = (theirs() - truth) / L**2
        spent, peer = [], []
        for _ in range(turns):
            spent.append(seconds(ours))
            peer.append(seconds(theirs))
    ratio = statistics.median(b / a for a, b in zip(spent, peer))
    a, b = statistics.median(spent), statistics.median(peer)
    table.row(name, a, b, "s (ratio: quimb / fieldkit)", ratio=ratio)
    table.row("  error of ln Z a site", abs(own_error), abs(their_error), "")
    table.row("  error times seconds", abs(own_error) * a, abs(their_error) * b, "s")


def potential_row() -> None:
    """LPA fixed point with eigenvalues against its limit of ten milliseconds, and the digits of nu."""
    potential.fixed_point()
    spent = statistics.median(seconds(potential.fixed_point) for _ in range(20))
    table.row("LPA fixed point and eigenvalues, limit 10 ms", spent, 10e-3, "s")
    table.row("  error of nu, limit 1e-12", abs(potential.fixed_point().nu - LPA_NU), 1e-12, "")


def enumeration_row() -> None:
    """The exact linearised step of three operators, and all rules of a block."""
    majority = rules.majority()
    even = blocking.EVEN[:3]
    spent = statistics.median(seconds(lambda: enumeration.exponents(majority, even, T=TC)) for _ in range(5))
    table.row("4 x 4 -> 2 x 2 linearised, limit 1 s", spent, 1.0, "s")
    P = information.torus(4, 4, TC)
    spent = statistics.median(seconds(lambda: information.all_rules(P)) for _ in range(5))
    table.row("information of all 2^15 rules, limit 2 s", spent, 2.0, "s")


def monte_carlo_row(L: int, n_chains: int) -> None:
    """Blocking over all levels and sums of three even and two odd operators, beside one cluster sweep."""
    rng = torch.Generator().manual_seed(1)
    spins = ising.equilibrium(n_chains, L, beta=1 / TC, rng=rng, n_sweeps=20)
    n_levels = L.bit_length() - 3

    def sweep() -> None:
        ising.swendsen_wang(spins, beta=1 / TC, rng=rng)

    def measure(n_steps: int = 1) -> mcrg.Sums:
        batches = (spins for _ in range(n_steps))
        return mcrg.collect(batches, n_steps, n_levels=n_levels, operators=sampled.OPERATORS, rng=rng)

    measure()
    pairs = [(seconds(measure), seconds(sweep)) for _ in range(9)]
    ratio = statistics.median(a / b for a, b in pairs)
    table.row(
        f"MCRG L = {L}: blocking and sums, a sweep",
        statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), "s", ratio=ratio,
    )  # fmt: skip
    sizes = [sum(x.numel() for x in measure(n).columns().values()) * 8 / 1024 for n in (1, 20)]
    table.row("  kilobytes kept after 1 and 20 measurements", sizes[0], sizes[1], "kB")


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    table.head("Renormalisation groups", "peer or limit")
    tensor_row(16, 32, 3)
    tensor_row(16, 64, 3)
    potential_row()
    enumeration_row()
    monte_carlo_row(64, 64)


if __name__ == "__main__":
    main()
