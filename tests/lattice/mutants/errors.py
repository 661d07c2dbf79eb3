"""Wrong statistics for the chapter on error bars."""

from tests.mutation import Mutant

CHAPTER = "book/lattice/errors.md"
GAMMA = "fieldkit/autocorrelation.py"

MUTANTS = [
    Mutant("naive-coverage", CHAPTER, "/ math.sqrt(16000)", "/ math.sqrt(1000)", "the steps of one chain only"),
    Mutant("honest-coverage", GAMMA, "(2 * weights * (1 -", "(1 * weights * (1 -", "each distance counted once"),
    Mutant(
        "tau",
        "fieldkit/lattice/markov.py",
        "return (2 * tau - 1) / (2 * tau + 1)",
        "return (tau - 1) / (tau + 1)",
        "the convention tau = 1 + 2 sum rho",
    ),
    Mutant("own-means", CHAPTER, "run - run.mean(1, keepdim=True), window", "run - run.mean(), window", "one mean"),
    Mutant("common-mean", GAMMA, "x - x.mean(), n=", "x - x.mean(1, keepdim=True), n=", "each chain its own mean"),
    Mutant("trap-coverage", CHAPTER, ".abs() < own", ".abs() < common", "the other bar"),
    Mutant(
        "shape-coverage",
        "fieldkit/estimates.py",
        "(n - 1) / n * spread.T @ spread",
        "spread.T @ spread / (n - 1)",
        "the spread of the left-out values taken for the error",
    ),
    Mutant(
        "strangers",
        CHAPTER,
        "8 / math.pi * mean(",
        "2 * (2 / math.pi) ** 0.5 * mean(",
        "a derivative that is not squared",
    ),
]
