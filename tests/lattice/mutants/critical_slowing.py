"""Wrong physics for the chapter on critical slowing down."""

from tests.mutation import Mutant

CHAPTER = "book/lattice/critical_slowing.md"
ISING = "fieldkit/lattice/ising.py"
DYNAMICS = "fieldkit/lattice/dynamics.py"
EXACT = "fieldkit/lattice/slowing_exact.py"

POTTS = "_levels(-math.expm1(-2 * beta), len(spins), rng)", "_levels(-math.expm1(-beta), len(spins), rng)"
DOWN = "down = (spins == spins.roll(-1, 1)).logical_and_(on_down)"
EDGE = DOWN, DOWN + "\n        down[:, -1] = False"
POTTS_BONDS = "bonds of the Potts convention, where equal spins gain 1 and not 2"
TWICE = (
    "spins = update(spins, beta=beta, rng=rng, n_sweeps=every)",
    "spins = update(spins, beta=beta, rng=rng, n_sweeps=2 * every)",
)
CHEAP = "courage = (word < _threshold(math.exp(-4 * beta)))", "courage = (word < _threshold(math.exp(-2 * beta)))"
SHORT = "for remaining in reversed(range(n_leapfrog)):", "for remaining in reversed(range(n_leapfrog // 2)):"
HEAVY = "phi4.Phi4(mass2, 0.0)", "phi4.Phi4(2 * mass2, 0.0)"
INERTIA = "inverse_mass = 1 / (p2 + mass2)", "inverse_mass = 1 / (p2 + 1)"

MUTANTS = [
    Mutant("metropolis-energy", CHAPTER, "cost = 2 * spins * around", "cost = spins * around",
           "the cost of a flip without the factor 2"),
    Mutant("metropolis-energy", CHAPTER, "flip = colour & (dice", "flip = (dice", "all spins at once, neighbours too",
           refuses="the chains are correlated over their whole length"),
    Mutant("cluster-energy", CHAPTER, "ties = dice < 1 - math.exp(-2 * beta)", "ties = dice < 1 - math.exp(-beta)",
           POTTS_BONDS),
    Mutant("cluster-energy", CHAPTER, "down = ties[1] & (spins", "down = ties[0] & (spins",
           "one throw decides about both bonds of a site"),
    Mutant("magnetisation", CHAPTER, "gamma_method(cold.abs()).mean", "gamma_method(cold).mean",
           "the sign averages out"),
    Mutant("magnetisation", ISING, *POTTS, POTTS_BONDS),
    Mutant("magnetisation", ISING, *EDGE, "no bonds across one edge of the torus"),
    Mutant("binder", CHAPTER, "m2, m4 = (m**2).mean(1)", "m2, m4 = m.mean(1) ** 2", "square of the mean"),
    Mutant("binder", ISING, *POTTS, POTTS_BONDS),
    Mutant("binder", ISING, *EDGE, "no bonds across one edge of the torus"),
    Mutant("specific-heat", CHAPTER, "(32 / T_c) ** 2 *", "32**2 / T_c *", "one factor of beta instead of two"),
    Mutant("specific-heat", ISING, *POTTS, POTTS_BONDS),
    Mutant("tau-16-spins", ISING, *TWICE, "two sweeps counted as one"),
    Mutant("tau-16-spins", ISING, *CHEAP, "the cost of a flip without the factor 2"),
    Mutant("tau-curve", ISING, *TWICE, "two sweeps counted as one"),
    Mutant("tau-curve", ISING, "_half_sweep(white, black, 1, beta, words, rng)", "pass", "white spins never move",
           refuses="the chains are correlated over their whole length"),
    Mutant("hmc-plain", CHAPTER, *HEAVY, "m^2 phi^2 in the action, without the 1/2"),
    Mutant("hmc-plain", DYNAMICS, *SHORT, "half of the leapfrog steps"),
    Mutant("hmc-plain", EXACT, "gain * accepted).sum()", "gain).sum()", "an acceptance of one"),
    Mutant("hmc-curve", CHAPTER, *HEAVY, "m^2 phi^2 in the action, without the 1/2"),
    Mutant("hmc-curve", DYNAMICS, *SHORT, "half of the leapfrog steps"),
    Mutant("hmc-fourier", CHAPTER, *INERTIA, "the modes' own mass left out of their inertia"),
    Mutant("hmc-fourier", DYNAMICS, *SHORT, "half of the leapfrog steps"),
    Mutant("hmc-fourier", EXACT, "gain * accepted).sum()", "gain).sum()", "an acceptance of one"),
    Mutant("fourier-curve", CHAPTER, *INERTIA, "the modes' own mass left out of their inertia"),
    Mutant("fourier-curve", DYNAMICS, *SHORT, "half of the leapfrog steps"),
]  # fmt: skip
