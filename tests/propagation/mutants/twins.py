"""Wrong angles, wrong bends, a wrong line: each must break the claim it stands for."""

from tests.mutation import Mutant

CURVES, MAPS, POINTS, FINITE, CRITICAL, GAUSS = (
    f"fieldkit/propagation/{name}.py"
    for name in ("curves", "maps", "fixed_points", "finite_width", "criticality", "gaussian")
)

RANDOM = "fieldkit/propagation/random_kernels.py"

MUTANTS = [
    Mutant("pairs", RANDOM, "(sw2 / width) * (x @ x.mT) + sb2)", "(sw2 / width) * (x @ x.mT))", "no biases"),
    Mutant(
        "pairs",
        MAPS,
        "e = sw2 * ((1 / keep - 1) * square + e * S) / q",
        "e = sw2 * ((1 / keep - 1) * square + e * S) / (q - sb2)",
        "the bias that both share is left out",
    ),
    Mutant(
        "line-and-bends",
        CURVES,
        "phi.second_derivative(h) * v.square() + slope * a",
        "phi.second_derivative(h) * v + slope * a",
        "fresh bends that do not know how fast the curve is run through",
    ),
    Mutant(
        "line-and-bends",
        CRITICAL,
        "return q - square / slope - sb2",
        "return q - square / slope**0.9 - sb2",
        "nearly the right power of the slope",
    ),
    Mutant(
        "depths",
        RANDOM,
        "phi.derivative(u) * push]",
        "phi.derivative(v) * push]",
        "the push of one input through the slope of the other",
    ),
    Mutant("depths", RANDOM, "[0.0, 0.0, 0.0]]", "[0.0, 0.0, 1.0]]", "a derivative that is given biases"),
    Mutant(
        "depths",
        POINTS,
        "return torch.where(chi == 1, torch.inf, -1 / torch.log(chi))",
        "return torch.where(chi == 1, torch.inf, -2 / torch.log(chi))",
        "the depth of a distance, not of its square",
    ),
    Mutant(
        "order-parameter", FINITE, "K = (sw2 / width) * (x @ x.mT) + sb2", "K = (sw2 / width) * (x @ x.mT)", "no biases"
    ),
    Mutant(
        "order-parameter",
        FINITE,
        "2 * K[0, 1] / (K[0, 0] + K[1, 1])",
        "2 * (K[0, 1] - 0.05) / (K[0, 0] + K[1, 1] - 0.1)",
        "the correlation of post-activations",
    ),
    Mutant(
        "beta",
        CRITICAL,
        "return q - square / slope - sb2",
        "return q - square / slope - sb2 - 1e-5",
        "the border in a slightly wrong place",
    ),
    Mutant(
        "nu",
        POINTS,
        "return torch.where(chi == 1, torch.inf, -1 / torch.log(chi))",
        "return torch.where(chi == 1, torch.inf, (-1 / torch.log(chi)).sqrt())",
        "depth as a random walk, the square root of the number of layers",
    ),
    Mutant("strangers", FINITE, "K = (sw2 / width) * (x @ x.mT) + sb2", "K = (sw2 / width) * (x @ x.mT)", "no biases"),
    Mutant(
        "strangers",
        FINITE,
        "K = (sw2 / width) * (x @ x.mT) + sb2",
        "K = (sw2 / width) * (x @ x.mT) + sb2 / 2",
        "biases of half the variance",
    ),
    Mutant(
        "twins",
        POINTS,
        "e, sw2 * slope, sw2 / keep * growth, chi_c",
        "e, sw2 * slope, sw2 / keep * growth, sw2 / keep * growth",
        "chi_q in place of chi_c",
    ),
    Mutant(
        "twins", CURVES, "torch.stack([phi(h), slope * v,", "torch.stack([phi(h), phi(v),", "the tangent is squashed"
    ),
    Mutant(
        "stretch",
        CURVES,
        "torch.stack([phi(h), slope * v,",
        "torch.stack([phi(h), v,",
        "the tangent passes without phi'",
    ),
    Mutant(
        "bends",
        MAPS,
        "3 * chi_2 / chi_1.square()",
        "chi_2 / chi_1.square()",
        "E h'^4 = (E h'^2)^2: Wick's three is lost",
    ),
    Mutant("bends", CURVES, "phi.second_derivative(h) * v.square() + slope * a", "slope * a", "no fresh bends"),
    Mutant(
        "bends", CURVES, "(gg * aa - ga.square()) / gg**3", "(gg * aa - ga.square()) / gg**2", "the power of the metric"
    ),
    Mutant(
        "line",
        CRITICAL,
        "return q - square / slope - sb2",
        "return q - square / slope**0.5 - sb2",
        "chi_1 = sw E phi'^2: a root too many",
    ),
    Mutant("line", CURVES, "curve[0] += sb2**0.5 *", "curve[0] += (sb2 / 2) ** 0.5 *", "half of the biases"),
    Mutant(
        "line",
        CURVES,
        "curve = (sw2 / curve.shape[2]) ** 0.5 *",
        "curve = 1.05 * (sw2 / curve.shape[2]) ** 0.5 *",
        "weights a twentieth too large",
    ),
    Mutant(
        "backwards",
        CRITICAL,
        "return sw2, q[:, None] - sw2 * square[:, None]",
        "return sw2 * c, q[:, None] - sw2 * square[:, None]",
        "one factor c* too many",
    ),
    Mutant(
        "backwards",
        GAUSS,
        "return torch.cat([t[1:], last[None]])",
        "return torch.cat([t[:-1], last[None]])",
        "tails of the series from k = j, not j + 1",
    ),
    Mutant(
        "dropout",
        FINITE,
        "dtype=torch.float64) < keep) / keep",
        "dtype=torch.float64) < keep)",
        "dropped, but not divided by rho",
    ),
    Mutant(
        "dropout",
        FINITE,
        "torch.rand(x.shape, generator",
        "torch.rand((len(x), 1, width), generator",
        "one mask for both passes",
        "f = 1 with all chains",
    ),
    Mutant(
        "power",
        MAPS,
        "e = sw2 * ((1 / keep - 1) * square + e * S) / q",
        "e = sw2 * ((1 / keep - 1) * square + e * S) / (q + 1e-4)",
        "the length drifts",
    ),
    Mutant(
        "relu",
        FINITE,
        "K = (sw2 / width) * (x @ x.mT) + sb2",
        "K = (sw2 / width) * (x @ x.mT) + sb2 + 0.05",
        "a bias creeps in",
    ),
]
