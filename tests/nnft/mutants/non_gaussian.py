"""Wrong physics for the chapter on the distance to a Gaussian."""

from tests.mutation import Mutant
from tests.nnft.networks import TRUNCATED

CHAPTER = "book/nnft/non_gaussian.md"
BEYOND, ENSEMBLES, EXACT, NEURONS, TANGENT = (
    f"fieldkit/nnft/{name}.py" for name in ("beyond", "ensembles", "exact", "neurons", "tangent")
)
FINITE = "fieldkit/propagation/finite_width.py"
CLOSED = "fieldkit/propagation/finite_width_exact.py"
GATE = "p = scale * back * (above > 0)"

MUTANTS = [
    Mutant(
        "atom",
        NEURONS,
        "relu = Neuron(lambda z, q: torch.relu(z)",
        "relu = Neuron(lambda z, q: torch.relu(z + 0.1)",
        "neurons with a threshold",
    ),
    Mutant("atom", CHAPTER, "five, twenty = outputs(5, n)", "five, twenty = outputs(4, n)", "one neuron fewer"),
    Mutant(
        "distance",
        BEYOND,
        "c = scale / math.sqrt(width)",
        "c = scale / math.sqrt(width - 1)",
        "one neuron too few in the variance",
    ),
    Mutant(
        "distance",
        ENSEMBLES,
        "v = law.draw((n, N), rng, h.dtype)",
        "v = law.draw((n, N), rng, h.dtype).sign()",
        "output weights that are not Gaussian",
    ),
    Mutant(
        "tail", BEYOND, "- width * math.log(2)", "- width * math.log(2.1)", "neurons that are on less often than off"
    ),
    Mutant(
        "tail",
        CHAPTER,
        "rare = (2000 * beyond.relu_density(f + far, 20) @ weight).item()",
        "rare = (2000 * beyond.gaussian_density(f + far, 0.5) @ weight).item()",
        "the tail of the Gaussian",
    ),
    Mutant(
        "evidence",
        CHAPTER,
        "entropy = (2 * (p * (p / gaussian).log()) @ weight).item()",
        "entropy = (2 * (gaussian * (gaussian / p).log()) @ weight).item()",
        "the relative entropy the other way round",
    ),
    Mutant(
        "evidence",
        ENSEMBLES,
        "v = law.draw((n, N), rng, h.dtype)",
        "v = law.draw((n, N), rng, h.dtype).sign()",
        "output weights that are not Gaussian",
    ),
    Mutant(
        "first-order",
        BEYOND,
        "total = total + k4 / 24 * hermite(u, 4)",
        "total = total + k4 / 12 * hermite(u, 4)",
        "half of the factorial",
    ),
    Mutant(
        "first-order",
        BEYOND,
        "before, now = now, u * now - k * before",
        "before, now = now, 2 * u * now - 2 * k * before",
        "the Hermite polynomials of the oscillator",
    ),
    Mutant(
        "second-order",
        BEYOND,
        "k4**2 / 1152 * hermite(u, 8)",
        "k4**2 / 576 * hermite(u, 8)",
        "two vertices without the half of the exponential",
    ),
    Mutant("second-order", BEYOND, "k6 / 720 * hermite(u, 6) + ", "", "the six legs are left out"),
    Mutant(
        "both",
        BEYOND,
        "return (hessian * covariance).sum() / 2",
        "return (hessian * covariance).sum()",
        "the loop without its half",
    ),
    Mutant(
        "both",
        CHAPTER,
        "torch.cartesian_prod(torch.arange(3), torch.arange(3))",
        "torch.tensor([[1, 1]] * 9)",
        "only the off-diagonal entry fluctuates",
    ),
    Mutant("tangent-mean", TANGENT, GATE, "p = scale * back", "a gradient that passes through silent neurons"),
    Mutant(
        "tangent-mean",
        TANGENT,
        "total, back = h.square().sum(1), normal(width)",
        "total, back = 0 * h.square().sum(1), normal(width)",
        "the output weights do not learn",
    ),
    Mutant("tangent-one", TANGENT, GATE, "p = scale * back", "a gradient that passes through silent neurons"),
    Mutant(
        "tangent-deep",
        TANGENT,
        GATE,
        "p = scale * back * (torch.rand(above.shape, generator=rng, device=rng.device) < 0.5)",
        "masks of their own on the way back",
    ),
    Mutant("tangent-deep", CLOSED, "C * zS + CB * pS", "C * zS", "layers that are correlated through the signal only"),
    Mutant(
        "layers",
        FINITE,
        "fourth - square.square() + growth.square() * V",
        "fourth - square.square() + growth * V",
        "the slope handed on once, for a variance",
    ),
    Mutant("layers", CHAPTER, "torch.tanh(z).square()", "torch.erf(z).square()", "another function that saturates"),
    Mutant("tail", *TRUNCATED),
    Mutant("evidence", *TRUNCATED),
    Mutant("windows", *TRUNCATED),
    Mutant(
        "windows",
        ENSEMBLES,
        "v = law.draw((n, N), rng, h.dtype)",
        "v = law.draw((n, N), rng, h.dtype).sign()",
        "output weights that are not Gaussian",
    ),
    Mutant(
        "distances",
        ENSEMBLES,
        "v = law.draw((n, N), rng, h.dtype)",
        "v = law.draw((n, N), rng, h.dtype).sign()",
        "output weights that are not Gaussian",
    ),
]
