"""Wrong physics for the chapter on the Monte Carlo renormalisation group."""

from tests.mutation import Mutant

CHAPTER = "book/rg/monte_carlo.md"
ISING = "fieldkit/lattice/ising.py"
FIELD = "fieldkit/lattice/embedded.py"
BLOCKING = "fieldkit/rg/blocking.py"
MCRG = "fieldkit/rg/monte_carlo_rg.py"


def volume(claim: str) -> Mutant:
    return Mutant(claim, MCRG, "math.log(sums.b)", "math.log(sums.b**2)", "b of the volume, not of length")


def warm(claim: str) -> Mutant:
    return Mutant(claim, ISING, "on <= _levels(-math.expm1(-2 * beta)", "on <= _levels(-math.expm1(-1.9 * beta)",
                  "bonds of a warmer magnet")  # fmt: skip


def stiff(claim: str) -> Mutant:
    return Mutant(claim, FIELD, "own = d * step * (new + phi)", "own = (d + 0.2) * step * (new + phi)",
                  "a field that is not critical")  # fmt: skip


def kept(claim: str) -> Mutant:
    return Mutant(claim, CHAPTER, "n_steps=n_steps, n_levels=4,\n                        rng=rng)",
                  "n_steps=n_steps, n_levels=4,\n                        rng=rng, rule=blocking.stride)",
                  "decimation for the majority")  # fmt: skip


MUTANTS = [
    warm("bonds"),
    stiff("together"),
    Mutant("together", CHAPTER, "theory = phi4.Phi4(mass2=-3.826", "theory = phi4.Phi4(mass2=-3.75", "off criticality"),
    Mutant(
        "together-plaquette",
        FIELD,
        "off = torch.exp(-2 * (phi",
        "off = torch.exp(-1 * (phi",
        "half the bond between signs",
    ),
    kept("y-t"),
    volume("y-t"),
    kept("y-h"),
    volume("y-h"),
    volume("y-h-field"),
    stiff("y-h-field"),
    volume("nu-field"),
    warm("thermal"),
    kept("thermal"),
    Mutant("matching", MCRG, "Estimate(centre - intercept / slope", "Estimate(-intercept / slope",
           "the root counted from the middle of the trials"),
    Mutant(
        "mass",
        BLOCKING,
        "b ** (field_dimension - (field.dim() - 1))",
        "b ** (field_dimension - (field.dim() - 1) / 2)",
        "blocks divided by the root of their number of sites",
    ),
    Mutant("decimation", CHAPTER, "rule=blocking.stride)", "rule=blocking.majority)", "majority for decimation"),
    warm("decimation"),
]  # fmt: skip
