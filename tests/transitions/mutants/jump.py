"""Wrong statistics and wrong networks for the chapter on jumps."""

from tests.mutation import Mutant

CHAPTER = "book/transitions/jump.md"
CHANGES = "fieldkit/transitions/changes.py"
RULES = "fieldkit/transitions/rules.py"
LAYERS = "fieldkit/transitions/deep_linear.py"


def two_layers(claim: str) -> Mutant:
    return Mutant(claim, CHAPTER, "layers = [torch.ones(1, 1)] * 3", "layers = [torch.ones(1, 1)] * 2", "two layers")


def shared_decay(claim: str) -> Mutant:
    return Mutant(
        claim, LAYERS, "decay / 2 * sum(", "decay / 2 / len(weights) * sum(", "one decay shared by all layers"
    )


MUTANTS = [
    Mutant("red-dots", RULES, "g[..., 1:-1].abs() < small", "g[..., 1:-1] < small", "a curvature without its modulus"),
    Mutant("red-dots", RULES, "2:] < 0) &", "2:] < 0) |", "either condition instead of both"),
    Mutant("running-sums", RULES, "z = (y - y.mean(-1, keepdim=True))", "z = (y - 0)", "a walk for a bridge"),
    Mutant("size", CHANGES, "scan(noise, null, shapes, bars", "scan(noise, null, shapes[:, :1], bars", "no search"),
    Mutant(
        "size",
        CHAPTER,
        "law = changes.null_law(null, shapes,",
        "law = changes.null_law(null, shapes[:, 17:18],",
        "the law of a known place",
    ),
    Mutant("known-place", CHANGES, "n * torch.log(total /", "(n + 10) * torch.log(total /", "ten points too many"),
    Mutant(
        "lack-of-fit",
        CHANGES,
        "(runs.var(0).mean() / r).sqrt()",
        "runs.var(0).mean().sqrt()",
        "the bar of one run for the mean of twelve",
        refuses="all with one outcome",
    ),
    two_layers("spinodal"),
    shared_decay("spinodal"),
    two_layers("height"),
    shared_decay("height"),
]
