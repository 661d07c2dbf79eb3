"""Wrong physics for the chapter on deep convolutions."""

from tests.mutation import Mutant

CHAPTER = "book/propagation/convolutions.md"
CONVOLUTION, FILTERS, WIDTH, KERNELS, CRITICAL = (
    f"fieldkit/propagation/{name}.py"
    for name in ("convolution", "random_filters", "finite_width_exact", "kernels", "criticality")
)

MUTANTS = [
    Mutant("slow-mode", FILTERS, 'mode="circular"', 'mode="constant"', "signals fall off the edge of the picture"),
    Mutant(
        "slow-mode",
        FILTERS,
        "spread = (sw2 / channels * v).sqrt()",
        "spread = (sw2 / channels * v)",
        "a variance in place of a standard deviation",
    ),
    Mutant(
        "diagonal-mode",
        CHAPTER,
        "    slow**6,\n",
        "    slow**3,\n",
        "the filter smears in one direction only",
    ),
    Mutant(
        "diagonal-mode",
        FILTERS,
        "spread = (sw2 / channels * v)",
        "spread = (sw2 / channels + 0 * v)",
        "all taps have the full variance",
    ),
    Mutant(
        "gradient",
        CHAPTER,
        "felt.square().sum(1)",
        "felt.abs().sum(1)",
        "the gradient enters without its square",
    ),
    Mutant("gradient", FILTERS, 'mode="circular"', 'mode="constant"', "gradients fall off the edge of the picture"),
    Mutant(
        "two-digits",
        CONVOLUTION,
        "K.shape), v) + sb2)",
        "K.shape), v))",
        "the bias that all places share is left out",
    ),
    Mutant(
        "two-digits",
        CONVOLUTION,
        "out += v[b] * pairs.roll(shifts * 2, dims=axes)",
        "out += v[b] * pairs.roll(shifts, dims=axes[:d])",
        "one place moves without the other",
        refuses="K is no covariance",
    ),
    Mutant(
        "pooled",
        FILTERS,
        "gaussian.normal((n, 1, channels), rng)",
        "gaussian.normal((n, h.shape[1], channels), rng)",
        "a bias of its own at every place",
    ),
    Mutant(
        "shifts",
        FILTERS,
        "gaussian.normal((n, 1, channels), rng)",
        "gaussian.normal((n, h.shape[1], channels), rng)",
        "a bias of its own at every place",
    ),
    Mutant(
        "shifts",
        CONVOLUTION,
        "out += v[b] * pairs.roll(shifts * 2, dims=axes)",
        "out += v[b] * pairs.roll(shifts, dims=axes[:d])",
        "one place moves without the other",
        refuses="K is no covariance",
    ),
    Mutant(
        "typical-centre",
        WIDTH,
        "return float(digamma(width / 2)) - math.log(width / 2)",
        "return 0.0",
        "the typical network is taken for the mean",
    ),
    Mutant(
        "typical-centre",
        WIDTH,
        "return float(digamma(width / 2)) - math.log(width / 2)",
        "return -1 / width",
        "the approximation for many channels",
    ),
    Mutant(
        "typical-centre",
        FILTERS,
        "spread = (sw2 / channels * v).sqrt()",
        "spread = (sw2 / (channels + 1) * v).sqrt()",
        "the bias counted in the fan-in",
    ),
    Mutant(
        "modes",
        FILTERS,
        "spread = (sw2 / channels * v).sqrt()",
        "spread = (sw2 / (channels + 1) * v).sqrt()",
        "the bias counted in the fan-in",
    ),
    Mutant("modes", FILTERS, 'mode="circular"', 'mode="constant"', "signals fall off the edge of the picture"),
    Mutant(
        "typical-wide",
        WIDTH,
        "return float(digamma(width / 2)) - math.log(width / 2)",
        "return float(digamma(9 * width / 2)) - math.log(9 * width / 2)",
        "nine taps are counted as nine times the channels",
    ),
    Mutant(
        "typical-wide",
        CONVOLUTION,
        "return torch.full((odd(size),) * d, float(size) ** -d",
        "return torch.full((odd(size),) * d, float(size) ** (1 - d)",
        "a profile in two dimensions is normalised in one",
        refuses="v is no profile",
    ),
    Mutant(
        "isometry",
        FILTERS,
        "centre: list[int] = [convolution.odd(k) // 2 for k",
        "centre: list[int] = [convolution.odd(k) // 2 - 1 for k",
        "the orthogonal matrix sits at the wrong tap",
    ),
    Mutant(
        "isometry",
        FILTERS,
        "Q, R = torch.linalg.qr(gaussian.normal((groups, n_each, n_in), rng))",
        "Q, R = gaussian.normal((groups, n_each, n_in), rng) / n_each**0.5, torch.ones(groups, n_in, n_in)",
        "the matrix at the centre is Gaussian",
    ),
]
