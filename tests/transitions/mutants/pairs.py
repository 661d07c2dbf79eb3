"""Wrong views, wrong training and wrong matrices for the chapter on pairs."""

from tests.mutation import Mutant

CHAPTER = "book/transitions/pairs.md"
PAIRS = "fieldkit/transitions/pairs.py"
SPIKED = "fieldkit/transitions/spiked.py"


def strangers(claim: str) -> Mutant:
    return Mutant(claim, PAIRS, "x[:, 0] += shared", "x[:, 0] += shared.roll(len(views))", "views that share nothing")


def impatient(claim: str) -> Mutant:
    return Mutant(claim, PAIRS, "start: float = 1e-30", "start: float = 1e-2", "stopped before it has turned")


def untrained(claim: str) -> Mutant:
    return Mutant(claim, PAIRS, "n_steps: int = 450", "n_steps: int = 6", "an encoder that is not trained")


def loudness(claim: str) -> Mutant:
    wrong = "x[:, 1] *= math.sqrt(math.sqrt(nuisance))"
    return Mutant(claim, PAIRS, "x[:, 1] *= math.sqrt(nuisance)", wrong, "a deviation for a variance")


MUTANTS = [
    strangers("map"),
    untrained("map"),
    impatient("encoder"),
    untrained("encoder"),
    Mutant(
        "size",
        PAIRS,
        "(1 - (w * mw).sum(1, keepdim=True))",
        "(1 - w.square().sum(1, keepdim=True))",
        "weights held to length one instead of outputs",
    ),
    untrained("size"),
    Mutant("pooled", PAIRS, "(x.T @ x + y.T @ y) / (2", "(x.T @ x + x.T @ x) / (2", "one view counted twice"),
    strangers("mean-view"),
    strangers("loud"),
    impatient("loud"),
    loudness("fooled"),
    impatient("echo"),
    untrained("echo"),
    Mutant(
        "spread",
        SPIKED,
        "chisquare(degrees, size=(n, rows - 1)) / N",
        "chisquare(2 * degrees, size=(n, rows - 1)) / (2 * N)",
        "complex couplings for real ones",
    ),
    Mutant("critical", SPIKED, "int(60 * N ** (1 / 3)) + 50", "25", "a corner too small for the last eigenvector"),
    impatient("needed"),
    strangers("needed"),
]
