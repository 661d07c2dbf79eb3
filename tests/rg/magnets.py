"""Magnets that are not those of the theory: what `tests.mutation.Mutant` takes after the claim."""

HOT_CLUSTERS = (
    "fieldkit/lattice/ising.py",
    "-math.expm1(-2 * beta), len(spins)",
    "-math.expm1(-1.8 * beta), len(spins)",
    "bonds of a hotter magnet",
)
