"""Wrong tensors, wrong cuts and wrong transfer matrices for the chapter on tensor renormalisation."""

from tests.mutation import Mutant

CHAPTER = "book/rg/tensors.md"
TENSORS = "fieldkit/rg/tensors.py"
CORNER = "fieldkit/rg/corner_exact.py"
RING = "fieldkit/rg/ring_exact.py"


def no_root(claim: str) -> Mutant:
    return Mutant(
        claim,
        TENSORS,
        "[torch.stack([c, s], 1), torch.stack([c, -s], 1)]",
        "[torch.stack([c * c, s * s], 1), torch.stack([c * c, -s * s], 1)]",
        "each site takes the whole bond",
    )


def unsplit(claim: str) -> Mutant:
    return Mutant(
        claim, TENSORS, "return U * size.sqrt(), Y / size.sqrt()", "return U, Y / size.sqrt()", "a root of s forgotten"
    )


MUTANTS = [
    no_root("torus"),
    Mutant("torus", TENSORS, "log + trace.log() / n_sites", "log + trace.log()", "every block counted as one spin"),
    no_root("ring-of-eight"),
    Mutant("ring-of-eight", TENSORS, "width / (2 * math.pi) *", "1 / (2 * math.pi) *", "one block for two"),
    Mutant("charge", TENSORS, "return 12 / math.pi *", "return 6 / math.pi *", "a row for half a ring of rows"),
    Mutant("charge", TENSORS, "2.0 ** (step + 1) *", "2.0**step *", "the bulk of one block for two"),
    no_root("plateau-sigma"),
    Mutant(
        "plateau-sigma", CHAPTER, "{chi: tensors.flow(T_c, chi=chi", "{chi: tensors.flow(1.01 * T_c, chi=chi", "too hot"
    ),
    no_root("plateau-epsilon"),
    unsplit("plateau-epsilon"),
    Mutant(
        "fallen",
        TENSORS,
        "_, vectors = torch.linalg.eigh(M @ M.mT)",
        "_, vectors = torch.linalg.eigh(-M @ M.mT)",
        "the smallest kept",
    ),
    Mutant(
        "fallen", CHAPTER, "{chi: tensors.flow(T_c, chi=chi", "{chi: tensors.flow(T_c, chi=chi + 8", "twice the bond"
    ),
    no_root("crossing"),
    Mutant(
        "crossing",
        RING,
        "-2 * K - math.log(math.tanh(K))",
        "2 * K + math.log(math.tanh(K))",
        "a fermion of the wrong sign",
    ),
    unsplit("thermal"),
    no_root("free-energy"),
    Mutant("free-energy", TENSORS, "step(A, chi), 2 * n_sites", "step(A, chi), 4 * n_sites", "four for two in a step"),
    Mutant(
        "ladder-hot", CORNER, "float(ellipkm1(-math.expm1(2 * log_k)))", "float(ellipkm1(1 - k))", "the modulus itself"
    ),
    unsplit("ladder-hot"),
    Mutant("ladder-cold", CORNER, "else range(0, TOP + 1, 2)", "else range(2, TOP + 1, 2)", "one phase for two"),
    unsplit("ladder-cold"),
]
