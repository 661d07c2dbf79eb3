"""Wrong physics for the chapter on the roads to 0.63."""

from tests.mutation import Mutant

CHAPTER = "book/rg/exponents.md"
FIELD = "fieldkit/lattice/embedded.py"
POTENTIAL = "fieldkit/rg/potential.py"
SERIES = "fieldkit/rg/epsilon_expansion.py"
DYSON = "fieldkit/rg/hierarchical.py"


def squared(claim: str) -> Mutant:
    return Mutant(claim, POTENTIAL, "-1 / float(real[0])", "-2 / float(real[0])", "the length squared for the length")


def lattice(claim: str) -> Mutant:
    return Mutant(claim, DYSON, "float(eigenvalues[0])) / D", "float(eigenvalues[0])) / 2.99", "another dimension")


MUTANTS = [
    Mutant("dice", FIELD, "own = d * step * (new + phi)", "own = 2 * step * (new + phi)", "four neighbours in a cube"),
    Mutant("dice", CHAPTER, "/ 0.3750966**2)", "/ 0.3750966)", "the coupling of another convention"),
    squared("lpa-nu"),
    Mutant("lpa-omega", POTENTIAL, "float(real[1]), eta", "float(real[2]), eta", "the second correction for the first"),
    Mutant("third-order", SERIES, "F(5 * (N + 2), 18)", "F(5 * (N + 2), 36)", "a symmetry factor of two loops"),
    Mutant("third-order-omega", SERIES, "F(3 * N + 14, 3)", "F(3 * N + 14, 6)", "a symmetry factor of two loops"),
    squared("first-order"),
    Mutant("eta-too-large", POTENTIAL, "(3 * u2 + 2 * rho * u3) ** 2", "(2 * u2 + 2 * rho * u3) ** 2",
           "the third derivative by rho for that by the field"),
    squared("spherical"),
    lattice("walk"),
    Mutant("walk", CHAPTER, "(1 - 1e-10, 1 + 1e-10)", "(1 - 1e-3, 1 + 1e-3)", "too far apart to be linear"),
    lattice("dyson-gamma"),
    lattice("fifth-digit"),
    squared("fifth-digit"),
]  # fmt: skip
