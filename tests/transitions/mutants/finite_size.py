"""Wrong counting, wrong magnets and wrong fits for the chapter on finite sizes."""

from tests.mutation import Mutant
from tests.transitions.wrong_magnets import potts

CHAPTER = "book/transitions/finite_size.md"
CAPACITY = "fieldkit/transitions/capacity.py"
CLASSES = "fieldkit/transitions/classes.py"
SCALING = "fieldkit/transitions/scaling.py"


def untrained(claim: str) -> Mutant:
    return Mutant(
        claim,
        CAPACITY,
        "        w = z.T @ weights\n",
        "        w = z.sum(0)\n",
        "Hebb's rule in place of training",
    )


MUTANTS = [
    untrained("cover"),
    Mutant("cover", CAPACITY, "for k in range(1, N):", "for k in range(1, N + 1):", "Cover's sum one term too long"),
    Mutant(
        "capacity",
        CAPACITY,
        "cpu().numpy()\n        # the closest",
        "cpu().numpy()\n        z[: P // 5] = z[P - P // 5 :]\n        # the closest",
        "one point in five is shown twice",
        "do not cross",
    ),
    untrained("half"),
    potts("binder"),
    potts("modulus"),
    Mutant(
        "exponents",
        SCALING,
        "powers = z[:, None] ** np.arange(self.degree + 1)",
        "powers = ((self.place - q[0]) * L ** (q[1] / 2))[:, None] ** np.arange(self.degree + 1)",
        "half the exponent in the scaling variable",
    ),
    Mutant(
        "exponents",
        CHAPTER,
        "torch.stack([m.abs().mean(1), (m**2).mean(1)",
        "torch.stack([(m**2).mean(1), (m**2).mean(1)",
        "the square of the order parameter for its modulus",
    ),
    Mutant("missed", CLASSES, "covariance), len(v))", "covariance), 2 * len(v))", "degrees of freedom counted twice"),
    Mutant("missed", CHAPTER, "white.cpu() @ root.T", "white.cpu() @ root.diag().diag()", "the correlation left out"),
]
