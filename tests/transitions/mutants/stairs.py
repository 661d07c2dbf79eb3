"""Wrong clocks and wrong encoders for the chapter on stairs."""

from tests.mutation import Mutant

CHAPTER = "book/transitions/stairs.md"
STAIRS = "fieldkit/transitions/stairs.py"
ENCODERS = "fieldkit/transitions/encoders.py"
SIAMESE = "fieldkit/transitions/siamese.py"


def own_basis(claim: str) -> Mutant:
    return Mutant(claim, STAIRS, "qr(w @ vectors)[1]", "qr(w)[1]", "pixels taken for eigenvectors")


MUTANTS = [
    Mutant("small-start", STAIRS, "- 1) / (8 * gamma)\n    given", "- 1) / (4 * gamma)\n    given", "half the rate"),
    Mutant("small-start", STAIRS, "return 2 * _half_gradient(", "return _half_gradient(", "one of two equal terms"),
    Mutant("clock", CHAPTER, "stairs.train(start, pairs", "stairs.train(2 * start, pairs", "another start"),
    Mutant("clock", STAIRS, "gamma * (1 - value)).square()", "gamma * (1 - value))", "the row for its square"),
    own_basis("own-start"),
    Mutant("average-clock", STAIRS, "(rows - torch.arange(", "(rows - 0 * torch.arange(", "no direction is used up"),
    Mutant("average-clock", CHAPTER, "randn(n_nets, 4, 64", "rand(n_nets, 4, 64", "all weights of one sign"),
    Mutant("branch", SIAMESE, "slope_w = P.mT @ off", "slope_w = off", "the error is not sent back through P"),
    Mutant("modes-fall", SIAMESE, "slope_w = P.mT @ off", "slope_w = off", "the error is not sent back through P"),
    Mutant("modes-fall", SIAMESE, "(slope_p + eta * P)", "slope_p", "a predictor without decay"),
    Mutant("barrier", SIAMESE, "(slope_p + eta * P)", "(slope_p + 2 * eta * P)", "two decays"),
    Mutant("without-predictor", SIAMESE, "(slope_w + eta * W)", "slope_w", "no decay"),
    Mutant("without-stop", SIAMESE, "slope_w + W - P @ W @ g", "slope_w", "the stop left in"),
    Mutant("vicreg", ENCODERS, "torch.relu(1 - deviation)", "torch.relu(1 - deviation**2)", "variance for spread"),
]
