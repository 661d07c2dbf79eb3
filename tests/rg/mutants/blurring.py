"""Wrong blurs, wrong magnets and wrong classifiers for the chapter on blurring."""

from tests.mutation import Mutant
from tests.rg.magnets import HOT_CLUSTERS

DESCENT = "fieldkit/rg/descent.py"
CHAPTER = "book/rg/blurring.md"
BLUR = "fieldkit/rg/blurring.py"
BLOCK = "fieldkit/rg/blocking.py"
STEP = "fieldkit/rg/step_scaling.py"
PHASES = "fieldkit/rg/phases.py"
EXACT = "fieldkit/lattice/ising_moments.py"


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
    Mutant("tiny-lattice", *HOT_CLUSTERS),
    time_like_length("dimension"),
    Mutant("dimension", *HOT_CLUSTERS),
    time_like_length("dimension-curve"),
    Mutant("dimension-curve", *HOT_CLUSTERS),
    Mutant(
        "tossed-curve",
        "fieldkit/lattice/ising.py",
        "torch.randint(0, 2, (n, L, L), generator=rng, device=rng.device, dtype=torch.int8)",
        "(torch.rand(n, L, L, generator=rng, device=rng.device) < 0.52).to(torch.int8)",
        "a coin that falls on one side in 52 tosses of 100",
    ),
    Mutant("step-curve", *HOT_CLUSTERS),
    Mutant("step-curve", STEP, "1 - m4 / (3 * m2**2), m.sq", "1 - m4 / (2 * m2**2), m.sq", "two for three"),
    Mutant("step-slope", *HOT_CLUSTERS),
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
    Mutant("maximum-mean", *HOT_CLUSTERS),
    Mutant("majority-square", BLOCK, "total.mul_(2).add_(coins.to", "total.mul_(2).add_(1 + 0 * coins.to", "ties up"),
    Mutant("majority-square", *HOT_CLUSTERS),
    Mutant("ceilings", DESCENT, "        optimizer.step()\n", "", "a network that is not trained"),
    Mutant("ceilings", *HOT_CLUSTERS),
    Mutant("size-threshold", PHASES, "(laws[0] > laws[1]) & (m >= 0)", "(m >= 0)", "the cut at no magnetisation"),
    Mutant("size-threshold", *HOT_CLUSTERS),
]
