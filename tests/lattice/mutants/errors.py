"""Wrong statistics for the chapter on error bars."""

from tests.mutation import Mutant

CHAPTER = "book/lattice/errors.md"
GAMMA = "fieldkit/autocorrelation.py"
CHAIN = "fieldkit/lattice/markov.py"


def forgetful(claim: str) -> Mutant:
    """The simulated chain itself is wrong, and every truth stays."""
    return Mutant(claim, CHAIN, "x[t] += a * x[t - 1]", "x[t] += a * a * x[t - 1]", "a chain that remembers a^2")


MUTANTS = [
    Mutant("naive-coverage", CHAPTER, "/ math.sqrt(16000)", "/ math.sqrt(1000)", "the steps of one chain only"),
    forgetful("naive-coverage"),
    Mutant("honest-coverage", GAMMA, "(2 * weights * (1 -", "(1 * weights * (1 -", "each distance counted once"),
    Mutant(
        "tau",
        CHAIN,
        "return (2 * tau - 1) / (2 * tau + 1)",
        "return (tau - 1) / (tau + 1)",
        "the convention tau = 1 + 2 sum rho",
    ),
    forgetful("naive-curve"),
    Mutant("honest-curve", GAMMA, "(2 * weights * (1 -", "(1 * weights * (1 -", "each distance counted once"),
    forgetful("blocking"),
    Mutant("blocking", CHAPTER, ".reshape(n_runs, n, b)", ".reshape(n_runs, b, n).mT", "every n-th step in a block"),
    Mutant(
        "own-means", CHAPTER, "own * runs.mean(2, keepdim=True)", "own * runs.mean((1, 2), keepdim=True)", "one mean"
    ),
    forgetful("own-means"),
    Mutant("common-mean", GAMMA, "x - x.mean(), n=", "x - x.mean(1, keepdim=True), n=", "each chain its own mean"),
    Mutant("trap-coverage", CHAPTER, ".square() < own *", ".square() < common *", "the other bar"),
    Mutant("trap-coverage", GAMMA, "(2 * weights * (1 -", "(0 * weights * (1 -", "steps counted as independent"),
    forgetful("own-curve"),
    Mutant("common-curve", GAMMA, "x - x.mean(), n=", "x - x.mean(1, keepdim=True), n=", "each chain its own mean"),
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
        "8 / math.pi * size.error",
        "2 * (2 / math.pi) ** 0.5 * size.error",
        "a derivative that is not squared",
    ),
    forgetful("strangers"),
    forgetful("score"),
    Mutant(
        "score",
        "fieldkit/scores.py",
        "+ math.log(bar) - math.log(honest) - 0.5",
        "+ math.log(honest / bar) - 0.5",
        "the price of a wide bar paid out",
    ),
]
