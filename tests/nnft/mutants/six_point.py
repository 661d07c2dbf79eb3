"""Wrong physics for the chapter on the prediction of the six-point function."""

from tests.mutation import Mutant
from tests.nnft.networks import TRUNCATED

CHAPTER = "book/nnft/six_point.md"
ENSEMBLES, EXACT, NEURONS, TAILS, WICK = (
    f"fieldkit/nnft/{name}.py" for name in ("ensembles", "exact", "neurons", "tails", "wick")
)

MUTANTS = [
    Mutant(
        "envelope",
        CHAPTER,
        "envelope = 1 + 3 * (2 * g4)",
        "envelope = 1 - 3 * (2 * g4)",
        "a coupling of the other sign",
    ),
    Mutant(
        "envelope",
        CHAPTER,
        "envelope = 1 + 3 * (2 * g4)",
        "envelope = 1 + 3 * (4 * g4)",
        "a coupling that falls as the square",
    ),
    Mutant(
        "envelope", WICK, "return kappa[entries].sum(0)", "return kappa[entries][:2].sum(0)", "a pairing is dropped"
    ),
    Mutant(
        "opened",
        WICK,
        "return gaussian(two, index) + four_with_two(four, two, index) + six",
        "return gaussian(two, index) - four_with_two(four, two, index) + six",
        "a coupling of the other sign",
    ),
    Mutant(
        "opened",
        WICK,
        "return gaussian(two, index) + four_with_two(four, two, index) + six",
        "return gaussian(two, index) + four_with_two(four, two, index)",
        "the connected part is left out",
    ),
    Mutant(
        "opened", WICK, "for b in range(a + 1, 6):", "for b in range(a + 1, 5):", "external lines at five of six points"
    ),
    Mutant(
        "missing",
        NEURONS,
        "relu = Neuron(lambda z, q: torch.relu(z)",
        "relu = Neuron(lambda z, q: torch.relu(z) - 0.3 * torch.relu(-z)",
        "a neuron that leaks",
    ),
    Mutant(
        "power",
        CHAPTER,
        "return six[0] / units(two)",
        "return (six[0] / units(two)).sqrt()",
        "an amplitude in place of a power",
    ),
    Mutant(
        "power",
        CHAPTER,
        "runs = [correlators.integrated(relu(N), one",
        "runs = [correlators.integrated(relu(N + 1), one",
        "one neuron too many at every width",
    ),
    Mutant(
        "corners",
        WICK,
        "return kappa[entries].sum(0)",
        "return kappa[entries][:12].sum(0)",
        "twelve pairings of six points",
    ),
    Mutant(
        "corners",
        EXACT,
        "total = 15 * M(index)",
        "total = 14 * M(index)",
        "a pairing of six Gaussian weights is missing",
    ),
    Mutant(
        "average",
        EXACT,
        "total = 15 * M(index)",
        "total = 14 * M(index)",
        "a pairing of six Gaussian weights is missing",
    ),
    Mutant(
        "average",
        ENSEMBLES,
        "return (ensemble.sw2 / x.shape[1]) * x @ y.T + ensemble.hidden_sb2",
        "return (ensemble.sw2 / x.shape[1]) * x @ y.T",
        "the hidden bias is forgotten",
    ),
    Mutant(
        "log-normal",
        CHAPTER,
        "n // 10, draw=tails.pushed, rng=rng",
        "n // 10, rng=rng",
        "the tail is not sampled",
        refuses="lies beyond the largest draw",
    ),
    Mutant(
        "log-normal",
        TAILS,
        "p * ratio / (len(k) * len(between))",
        "p * ratio",
        "the law of the pushes is not normalised",
    ),
    Mutant("vertex", CHAPTER, "trees = 10 * four[0] ** 2", "trees = 6 * four[0] ** 2", "six trees in place of ten"),
    Mutant("vertex", WICK, "return kappa[entries].sum(0)", "return kappa[entries][:2].sum(0)", "pairings are dropped"),
    Mutant(
        "deep",
        EXACT,
        "return math.exp(log)",
        "return 1 + depth * (15 / width + 44 / width**2)",
        "layers that add",
    ),
    Mutant(
        "deep",
        ENSEMBLES,
        "for N, q_l in zip(ensemble.widths[1:], q[1:]):",
        "for N, q_l in zip(ensemble.widths[2:], q[1:]):",
        "a layer is skipped",
    ),
    Mutant("envelope", *TRUNCATED),
    Mutant("power", *TRUNCATED),
    Mutant("vertex", *TRUNCATED),
    Mutant("full", *TRUNCATED),
    Mutant(
        "full",
        WICK,
        "return kappa[entries].sum(0)",
        "return kappa[entries][:12].sum(0)",
        "twelve pairings of six points",
    ),
    Mutant(
        "power-erf",
        WICK,
        "return kappa[entries].sum(0)",
        "return kappa[entries][:12].sum(0)",
        "twelve pairings of six points",
    ),
]
