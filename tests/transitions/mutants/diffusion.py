"""Wrong noise, wrong weights and wrong machines for the chapter on diffusion."""

from tests.mutation import Mutant

CHAPTER = "book/transitions/diffusion.md"
SPECIATION = "fieldkit/transitions/speciation.py"
COLLAPSE = "fieldkit/transitions/collapse.py"
DENOISER = "fieldkit/transitions/denoiser.py"
CAPACITY = "fieldkit/transitions/capacity.py"


def own_scale(claim: str) -> Mutant:
    return Mutant(
        claim, SPECIATION, "scale = decay * s2 / (2 * noise)", "scale = s2 / (2 * noise)", "pictures that do not fade"
    )


def scoreless(claim: str) -> Mutant:
    return Mutant(
        claim, DENOISER, "x = x + h * (x + 2 * score(", "x = x + h * (x + score(", "the score once, not twice"
    )


def copier(claim: str) -> Mutant:
    old = "softmax(-_distances(x, decay * data, far).square() / (2 * noise)"
    return Mutant(claim, DENOISER, old, old.replace("(2 * noise)", "noise"), "half the variance of the noise")


def margin(claim: str) -> Mutant:
    return Mutant(
        claim, CAPACITY, "(z @ w).min() / size", "(z @ w).mean() / size", "the mean distance for the smallest"
    )


MUTANTS = [
    Mutant(
        "clones",
        SPECIATION,
        "x = noised\n",
        "x = normal(n, d)\n",
        "clones that do not begin at the noisy picture",
    ),
    Mutant("clones", SPECIATION, "(x + 2 * score(", "(x + score(", "the score once, not twice"),
    Mutant(
        "learnt-score", CHAPTER, "n_steps=6000, step=2e-3", "n_steps=20, step=2e-3", "a network that is not trained"
    ),
    Mutant("learnt-score", DENOISER, "loss = (net(decay * chosen", "loss = (net(chosen", "data that do not fade"),
    Mutant("own-point", COLLAPSE, "square().sum(1) / (2 * noise)", "square().sum(1) / noise", "half the variance"),
    own_scale("own-point"),
    own_scale("half"),
    Mutant("half", SPECIATION, "max(d - 30 * width", "max(d - 14 * width", "a grid that ends before the closest point"),
    Mutant("half", COLLAPSE, "z2 = ((1 + rho) * p2 + (1 - rho) * m2) / 2 + y", "z2 = p2 + m2 + y", "too long a noise"),
    scoreless("same-picture"),
    copier("same-picture"),
    Mutant("same-digit", DENOISER, "noised = math.exp(-t) * original", "noised = original", "data that do not fade"),
    Mutant("sealed-margin", CHAPTER, "line.at([1, 1 / 160])", "line.at([1, 1 / 20])", "continued to the wrong size"),
    Mutant("sealed-margin", CAPACITY, "size = np.linalg.norm(w)", "size = np.abs(w).sum()", "another norm"),
    margin("margin-limit"),
]
