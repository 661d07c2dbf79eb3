"""Wrong magnets, wrong labels and wrong marks for the chapter on networks that look at magnets."""

from tests.mutation import Mutant
from tests.transitions.wrong_magnets import potts

CHAPTER = "book/transitions/magnets.md"
EXACT = "fieldkit/lattice/ising_exact.py"
MAGNETS = "fieldkit/transitions/magnets.py"
NETWORKS = "fieldkit/transitions/networks.py"


def shifted(claim: str) -> Mutant:
    return Mutant(claim, CHAPTER, "[told > T for T in at]", "[told + 0.1 > T for T in at]", "labels shifted by a tenth")


def unfinished(claim: str) -> Mutant:
    return Mutant(claim, CHAPTER, "max_iter=200", "max_iter=2", "training stopped early")


MUTANTS = [
    unfinished("smallest"),
    Mutant("smallest", CHAPTER, "squares[L][drawn.cpu()]", "squares[L][drawn.cpu()].sqrt()", "|m| shown for m^2"),
    unfinished("far"),
    Mutant(
        "far", CHAPTER, "for at in (temperatures, far)]", "for at in (temperatures, far[1:])]", "one temperature lost"
    ),
    shifted("told"),
    potts("confusion"),
    Mutant("confusion", MAGNETS, "torch.maximum(cold, hot).sum()", "torch.maximum(cold, hot).sum() * 1.02", "optimism"),
    Mutant(
        "never-above",
        CHAPTER,
        "[magnets.accuracy(q, by_state, temperatures) for q in answers]",
        "((answers[:, shown] > 0.5) == (label > 0.5)).double().mean(1).tolist()",
        "marked on its own training pictures",
    ),
    Mutant(
        "never-above",
        MAGNETS,
        "torch.where(answer > 0.5, cold, hot).sum()",
        "torch.maximum(answer * cold, (1 - answer) * hot).sum() + float((answer * cold).sum())",
        "confidence counted for rightness",
    ),
    potts("fresh"),
    unfinished("triangular"),
    shifted("triangular"),
    potts("components"),
    Mutant("components", NETWORKS, "eigvalsh(x.T @ x / len(x))[-1]", "eigvalsh(x.T @ x / len(x))[-2]", "the next one"),
]
