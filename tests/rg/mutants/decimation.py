"""Wrong decimations, wrong chains and wrong diamonds for the chapter on erased spins."""

from tests.mutation import Mutant

CHAPTER = "book/rg/decimation.md"
CHAIN = "fieldkit/rg/decimation.py"
DIAMOND = "fieldkit/rg/migdal_kadanoff.py"
MAPS = "fieldkit/rg/maps.py"

MUTANTS = [
    Mutant("flow", CHAIN, "[tilt - K, K + h]", "[tilt - K, K + h / 2]", "half of the field at a spin"),
    Mutant("flow", CHAPTER, "pairs(s[:, :: 2**k])", "pairs(s[:, :: 2 * k + 1])", "the wrong spins erased"),
    Mutant("ring", CHAIN, "new_K, 0.5 * (up - down)", "new_K, (up - down)", "the field of a site for that of a bond"),
    Mutant("ring", CHAIN, "across + new_K", "across", "the constant is that of opposite neighbours"),
    Mutant(
        "zero-temperature", CHAIN, "a, c, d = up, across, down\n", "a, c, d = 1, across, 1\n", "a bond without field"
    ),
    Mutant(
        "zero-temperature",
        MAPS,
        "/ math.log(scale(b))\n\n\ndef kind",
        "\n\n\ndef kind",
        "an eigenvalue for an exponent",
    ),
    Mutant(
        "free-energy",
        CHAIN,
        "(gs / float(b) ** (steps[:-1] + 1))",
        "(gs / float(b) ** steps[:-1])",
        "g per erased spin",
    ),
    Mutant(
        "free-energy",
        CHAIN,
        "(-1,) + (1,) * (gs.dim() - 1)\n",
        "(-1,) + (1,) * (gs.dim() - 1)\n    gs = 0 * gs\n",
        "no g",
    ),
    Mutant(
        "missing",
        CHAIN,
        "torch.logaddexp(hs, -hs) / float(b)",
        "0 * torch.logaddexp(hs, -hs) / float(b)",
        "no last spins",
    ),
    Mutant("diamond", DIAMOND, "torch.sigmoid(2 * K *", "torch.sigmoid(K *", "half the coupling in the heat bath"),
    Mutant(
        "diamond",
        DIAMOND,
        "return moved * _series(K, b)",
        "return moved * _series(K, b + 1)",
        "strings one bond too long",
    ),
    Mutant(
        "thermal",
        DIAMOND,
        "torch.sigmoid(2 * K *",
        "torch.sigmoid(1.5 * K *",
        "a heat bath that is a third too hot",
    ),
    Mutant("thermal", CHAPTER, "both - pair * energy", "both", "a moment for a covariance"),
    Mutant(
        "field",
        DIAMOND,
        "torch.sigmoid(2 * K *",
        "torch.sigmoid(1.9 * K *",
        "a heat bath that is five per cent too hot",
    ),
    Mutant(
        "field", CHAPTER, "(one + other).sum(-1) / 2", "(spins[:, 0].float()).sum(-1)", "a field on sites, not bonds"
    ),
    Mutant("states", DIAMOND, "moved * new_h, moved * g", "new_h, moved * g", "fields that stay where they were"),
    Mutant("states", DIAMOND, "float(b) ** (d * left)", "float(b) ** left", "constants counted along a line"),
    Mutant("critical-point", DIAMOND, "0.5 * torch.sinh(2 * K.", "torch.sinh(K.", "sinh at half its argument"),
    Mutant("critical-point", DIAMOND, "return (_dimension(d) - 1) * K", "return (d - 0.9) * K", "too many bonds"),
    Mutant(
        "limit-exponent",
        DIAMOND,
        "float(torch.autograd.grad(beta(K, d=d), K)[0])",
        "float(torch.autograd.grad(beta(K, d=d) / K, K)[0])",
        "the slope of the logarithm",
    ),
]
