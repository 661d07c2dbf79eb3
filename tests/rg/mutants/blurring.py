"""Wrong blurs, wrong magnets and wrong classifiers for the chapter on blurring."""

from tests.mutation import Mutant

CHAPTER = "book/rg/blurring.md"
BLUR = "fieldkit/rg/blurring.py"
BLOCK = "fieldkit/rg/blocking.py"
STEP = "fieldkit/rg/step_scaling.py"
PHASES = "fieldkit/rg/phases.py"
ISING = "fieldkit/lattice/ising.py"
EXACT = "fieldkit/lattice/ising_moments.py"


def hot_clusters(claim: str) -> Mutant:
    return Mutant(
        claim,
        ISING,
        "-math.expm1(-2 * beta), len(spins)",
        "-math.expm1(-1.8 * beta), len(spins)",
        "bonds of a hotter magnet",
    )


def half_the_blur(claim: str) -> Mutant:
    return Mutant(
        claim,
        BLUR,
        "(power * torch.exp(-2 * t * _squares(field)))",
        "(power * torch.exp(-t * _squares(field)))",
        "the square of a mode damped like the mode",
    )


def time_like_length(claim: str) -> Mutant:
    return Mutant(claim, BLUR, "return (c * L) ** 2 / 8", "return c * L / 8", "time proportional to the radius")


MUTANTS = [
    half_the_blur("tiny-lattice"),
    hot_clusters("tiny-lattice"),
    time_like_length("dimension"),
    hot_clusters("dimension"),
    time_like_length("dimension-curve"),
    hot_clusters("dimension-curve"),
    half_the_blur("tossed-curve"),
    hot_clusters("step-curve"),
    Mutant("step-curve", STEP, "1 - m4 / (3 * m2**2), m.sq", "1 - m4 / (2 * m2**2), m.sq", "two for three"),
    hot_clusters("step-slope"),
    Mutant(
        "crossing",
        EXACT,
        "weight, math.exp(-2 / T), 1 << j",
        "weight, math.exp(-1.9 / T), 1 << j",
        "columns of a weaker coupling",
    ),
    Mutant(
        "average-curve",
        BLOCK,
        "* b ** (field_dimension - (field.dim() - 1))",
        "* b ** (field_dimension - (field.dim() - 1) / 2)",
        "the square root of the block's size",
    ),
    Mutant(
        "stride-curve",
        BLOCK,
        "field = field.unflatten(axis, (-1, b)).select(axis + 1, 0)",
        "field = field.unflatten(axis, (b, -1)).select(axis, 0)",
        "a corner cut out in place of every second site",
    ),
    Mutant(
        "maximum-mean",
        BLOCK,
        "field = field.unflatten(axis, (-1, b)).amax(axis + 1)",
        "field = field.unflatten(axis, (-1, b)).amin(axis + 1)",
        "the smallest for the largest",
    ),
    hot_clusters("maximum-mean"),
    Mutant("majority-square", BLOCK, "total.mul_(2).add_(coins.to", "total.mul_(2).add_(1 + 0 * coins.to", "ties up"),
    hot_clusters("majority-square"),
    Mutant("ceilings", PHASES, "        optimizer.step()\n", "", "a network that is not trained"),
    hot_clusters("ceilings"),
    Mutant("size-threshold", PHASES, "(laws[0] > laws[1]) & (m >= 0)", "(m >= 0)", "the cut at no magnetisation"),
    hot_clusters("size-threshold"),
]
