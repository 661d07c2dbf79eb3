"""Wrong physics for the chapter on the length of a signal."""

from tests.mutation import Mutant

CHAPTER = "book/propagation/lengths.md"
WIDTH, NETWORKS, FIXED, ACTIVATIONS, CRITICAL = (
    f"fieldkit/propagation/{name}.py"
    for name in ("finite_width", "networks", "fixed_points", "activations", "criticality")
)

MUTANTS = [
    Mutant(
        "fixed-point",
        FIXED,
        "values = phi(h).square() * 2 if phi.parity",
        "values = phi(h).square() if phi.parity",
        "half of the Gaussian is forgotten",
    ),
    Mutant(
        "fifty",
        NETWORKS,
        "math.sqrt(sb2) * weights((1, width), rng=rng)",
        "sb2 * weights((1, width), rng=rng)",
        "a bias enters by its variance where its standard deviation belongs",
    ),
    Mutant(
        "fifty",
        NETWORKS,
        "h = activation(h)\n                if keep",
        "h = activation(h) if layer % 2 else h\n                if keep",
        "every second layer forgets to bend",
    ),
    Mutant(
        "approach",
        NETWORKS,
        "math.sqrt(sw2 / h.shape[1])",
        "sw2 / math.sqrt(h.shape[1])",
        "weights have the standard deviation that is their variance",
    ),
    Mutant(
        "relu-keeps",
        CHAPTER,
        'relu = {"activation": torch.relu, "sw2": 2.0',
        'relu = {"activation": torch.relu, "sw2": 1.0',
        "Glorot's variance in a ReLU network",
    ),
    Mutant(
        "linear-kurtosis",
        WIDTH,
        "return _power(2, width, n_layers)",
        "return _power(3, width, n_layers)",
        "the fourth moment of a Gaussian is forgotten to be reduced by the square of its second",
    ),
    Mutant(
        "relu-kurtosis",
        WIDTH,
        "return _power(5, width, n_layers)",
        "return _power(2, width, n_layers)",
        "ReLU treated as linear",
    ),
    Mutant(
        "fluctuation",
        WIDTH,
        "square.square() + growth.square() * V)",
        "square.square() + growth * V)",
        "the variance is passed on by the slope in place of its square",
    ),
    Mutant(
        "critical",
        CRITICAL,
        "return s3 / s1 + 0.75 * (s2 / s1) ** 2",
        "return s3 / (2 * s1) + 0.75 * (s2 / s1) ** 2",
        "a factorial lost in the Taylor series",
    ),
    Mutant(
        "gelu",
        ACTIVATIONS,
        "growth = twice + rest / 2 + rest *",
        "growth = twice + rest + rest *",
        "a product differentiated wrongly",
    ),
]
