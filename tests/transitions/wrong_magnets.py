"""Wrong spins on which several chapters would rest."""

from tests.mutation import Mutant

ISING = "fieldkit/lattice/ising.py"


def potts(claim: str) -> Mutant:
    return Mutant(
        claim,
        ISING,
        "_levels(-math.expm1(-2 * beta), len(spins), rng)",
        "_levels(-math.expm1(-beta), len(spins), rng)",
        "bonds of the Potts convention, where equal spins gain 1 and not 2",
    )
