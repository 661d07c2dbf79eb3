"""Wrong physics for the chapter on singular values."""

from tests.mutation import Mutant

JACOBIAN, EXACT = "fieldkit/propagation/jacobian.py", "fieldkit/propagation/jacobian_exact.py"

MUTANTS = [
    Mutant(
        "variance-orthogonal",
        JACOBIAN,
        "J = derivative(h) * (W @ J)",
        "J = W @ J",
        "the slopes are forgotten",
        refuses="no error can be read off a constant",
    ),
    Mutant(
        "variance-orthogonal",
        JACOBIAN,
        "(slopes.weights * (slopes.values / mean - 1).square()).sum().item()",
        "(slopes.weights * slopes.values.square()).sum().item() / mean - 1",
        "the mean is not squared",
    ),
    Mutant(
        "linear-edge",
        JACOBIAN,
        "return -torch.log(1 + m)",
        "return torch.log(1 + m)",
        "the transform of Gaussian weights upside down",
    ),
    Mutant(
        "relu-edge",
        JACOBIAN,
        "return SquaredSlopes(slopes, torch.cat([weights, weights]))",
        "return SquaredSlopes(slopes, torch.cat([weights, weights / 2]))",
        "the negative half counts half",
    ),
    Mutant(
        "universal",
        EXACT,
        "math.sqrt(spread) * math.sqrt(spread + 4)",
        "math.sqrt(spread) * math.sqrt(spread + 2)",
        "a wrong root of the quadratic",
    ),
    Mutant(
        "linear-second",
        EXACT,
        "(1 + 1 / width) * a + b, b + 2 * a / width**2",
        "a + b, b",
        "corrections of finite width left out",
    ),
    Mutant(
        "linear-second",
        JACOBIAN,
        "return averages.normal((n, width, width), rng) / math.sqrt(width)",
        "return averages.normal((n, width, width), rng).sign() / math.sqrt(width)",
        "weights of either sign and one size",
    ),
    Mutant(
        "variance-gaussian",
        JACOBIAN,
        "return averages.normal((n, width, width), rng) / math.sqrt(width)",
        "return averages.normal((n, width, width), rng) * averages.normal((n, width, 1), rng) / math.sqrt(width)",
        "a gain of its own for every neuron",
    ),
    Mutant(
        "variance-gaussian",
        JACOBIAN,
        "return depth * (spread - slope)",
        "return depth * spread",
        "the spread of Gaussian weights is forgotten",
    ),
    Mutant(
        "typical",
        JACOBIAN,
        "return averages.normal((n, width, width), rng) / math.sqrt(width)",
        "return averages.normal((n, width, width), rng) * averages.normal((n, width, 1), rng) / math.sqrt(width)",
        "a gain of its own for every neuron",
    ),
    Mutant(
        "spectra",
        JACOBIAN,
        "h = math.sqrt(q) * averages.normal((n, width, 1), rng)",
        "h = averages.normal((n, width, 1), rng)",
        "inputs of length one, not q",
    ),
    Mutant(
        "spectra",
        JACOBIAN,
        "return averages.normal((n, width, width), rng) / math.sqrt(width)",
        "return averages.normal((n, width, width), rng) * averages.normal((n, width, 1), rng) / math.sqrt(width)",
        "a gain of its own for every neuron",
    ),
]
