"""Wrong layers and wrong shakes for the chapter on depth."""

from tests.mutation import Mutant

CHAPTER = "book/transitions/depth.md"
LAYERS = "fieldkit/transitions/deep_linear.py"


def shared_decay(claim: str) -> Mutant:
    return Mutant(
        claim, LAYERS, "decay / 2 * sum(", "decay / 2 / len(weights) * sum(", "one decay shared by all layers"
    )


MUTANTS = [
    shared_decay("slide"),
    shared_decay("branches"),
    shared_decay("digits-threshold"),
    Mutant("digits-threshold", LAYERS, "(p @ c * p).sum() / 2 - (p * t)", "(p * p).sum() / 2 - (p @ c * t)", "white"),
    Mutant("depths", CHAPTER, "- (off * m)[..., None] / w", "- off[..., None]", "a sum for a product"),
    Mutant("depths", CHAPTER, "(x * (x + noise)).mean(2) - m", "(x * noise + x).mean(2) - m", "x for its square"),
    shared_decay("critical-decay"),
    Mutant("critical-decay", LAYERS, "+ t.square().sum() / 2", "+ t.square().sum() / 4", "a wrong zero of the loss"),
    shared_decay("what-is-left"),
    Mutant("warning", CHAPTER, "math.sqrt(2 * theta * step)", "math.sqrt(theta * step)", "half the temperature"),
    Mutant("no-warning", CHAPTER, "math.sqrt(2 * theta * step)", "math.sqrt(theta * step)", "half the temperature"),
    Mutant("no-warning", CHAPTER, "shaken(float(d), 3)", "shaken(float(d), 2)", "two layers"),
    Mutant("at-the-point", CHAPTER, "shaken(1.0, 2, theta", "shaken(1.0, 3, theta", "three layers"),
    Mutant("shared", CHAPTER, "drawn * (there < p)", "drawn * (there[..., :1] < p)", "features that come together"),
    Mutant("chosen", CHAPTER, "drawn * (there < p)", "drawn * (there[..., :1] < p)", "features that come together"),
]
