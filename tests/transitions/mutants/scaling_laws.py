"""Wrong fits and wrong curves for the chapter on scaling laws."""

from tests.mutation import Mutant

CURVES = "fieldkit/transitions/learning_curves.py"
LAWS = "fieldkit/transitions/laws.py"
CHANGES = "fieldkit/transitions/changes.py"


def unfinished(claim: str) -> Mutant:
    return Mutant(claim, CURVES, "found.append((root * weights", "found.append((0.5 * root * weights", "half learnt")


def without_floor(claim: str) -> Mutant:
    return Mutant(claim, LAWS, "return np.stack([1 / y, np.exp", "return np.stack([0 / y, np.exp", "powers, no floor")


MUTANTS = [
    unfinished("curve"),
    Mutant("curve", CURVES, "+ noise) / (1 - gamma)", "+ noise) * (1 - 0 * gamma)", "bias without variance"),
    Mutant("amplitude", CURVES, "(modes + kappa)).square().sum()) / n", "(modes + kappa)).sum()) / n / 2", "gamma"),
    unfinished("plane"),
    Mutant("plane", CURVES, "math.sqrt(noise) * torch", "noise * torch", "a variance for a deviation"),
    Mutant("break", CHANGES, "scan(noise, null, shapes, bars", "scan(noise, null, shapes[:, :1], bars", "no search"),
    Mutant(
        "floor",
        LAWS,
        "np.stack([1 / y, np.exp(-alpha * x) / y], 1)",
        "np.stack([0 / y, np.exp(-alpha * x) / y], 1)",
        "a power law without its floor",
    ),
    without_floor("alpha"),
    without_floor("beta"),
    Mutant("bars", LAWS, "* misfit / max(1, len(y) - 5)", "* (misfit / len(y)) ** 0.5 / 40", "a bar of its own units"),
    Mutant("isoflop", LAWS, "b * d**-beta", "b * d**-alpha", "one exponent for both"),
]
