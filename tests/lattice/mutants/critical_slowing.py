"""Wrong physics for the chapter on critical slowing down."""

from tests.mutation import Mutant

CHAPTER = "book/lattice/critical_slowing.md"
ISING = "fieldkit/lattice/ising.py"

MUTANTS = [
    Mutant(
        "metropolis-energy",
        ISING,
        "courage = (word < _threshold(math.exp(-4 * beta)))",
        "courage = (word < _threshold(math.exp(-2 * beta)))",
        "the cost of a flip without the factor 2",
    ),
    Mutant(
        "cluster-energy",
        ISING,
        "_levels(-math.expm1(-2 * beta), len(spins), rng)",
        "_levels(-math.expm1(-beta), len(spins), rng)",
        "bonds of the Potts convention, where equal spins gain 1 and not 2",
    ),
    Mutant("magnetisation", CHAPTER, ".magnetization.abs()).mean", ".magnetization).mean", "the sign averages out"),
    Mutant("binder", CHAPTER, "m2, m4 = (m**2).mean(1)", "m2, m4 = m.mean(1) ** 2", "square of the mean"),
    Mutant("specific-heat", CHAPTER, "(32 / T_c) ** 2 *", "32**2 / T_c *", "one factor of beta instead of two"),
    Mutant(
        "tau-16-spins",
        ISING,
        "spins = update(spins, beta=beta, rng=rng, n_sweeps=every)",
        "spins = update(spins, beta=beta, rng=rng, n_sweeps=2 * every)",
        "two sweeps counted as one",
    ),
    Mutant(
        "hmc-plain",
        CHAPTER,
        "action, start = phi4.Phi4(mass2, 0.0)",
        "action, start = phi4.Phi4(2 * mass2, 0.0)",
        "m^2 phi^2 in the action, without the 1/2",
    ),
    Mutant(
        "hmc-fourier",
        CHAPTER,
        "inertia = 1 / (free.momentum_squared(L, 2, device=rng.device) + mass2)",
        "inertia = 1 / (free.momentum_squared(L, 2, device=rng.device) + 1)",
        "the modes' own mass left out of their inertia",
    ),
]
