"""Wrong kernels, wrong lessons: each must break the claim it stands for."""

from tests.mutation import Mutant

CHAPTER = "book/propagation/kernels.md"
KERNELS, COMMITTEE, NETWORKS, FINITE, TANGENT, ACTIVATIONS = (
    f"fieldkit/propagation/{name}.py"
    for name in ("kernels", "committee", "networks", "finite_width", "tangent", "activations")
)

MUTANTS = [
    Mutant(
        "one-layer", ACTIVATIONS, "sine = 2 * k * inverse", "sine = k * inverse", "erf taken with unit variance 1/2"
    ),
    Mutant(
        "one-layer",
        NETWORKS,
        "math.sqrt(sb2) * normal((1, width), rng)",
        "math.sqrt(sb2) * normal((len(h), width), rng)",
        "biases of its own for every picture",
    ),
    Mutant(
        "deep",
        NETWORKS,
        "            if layer:\n",
        "            if layer > 1:\n",
        "no activation after the first layer",
    ),
    Mutant(
        "deep",
        CHAPTER,
        "rng=rng, **erf)[:, 4, 0, 0]",
        "rng=rng, **erf)[:, 3, 0, 0] - 0.1",
        "activations for pre-activations: the bias left out",
    ),
    Mutant(
        "kernel-noise",
        CHAPTER,
        "((1 + 5 / 64) ** 3 - 1) ** 0.5",
        "((1 + 2 / 64) ** 3 - 1) ** 0.5",
        "linear network for ReLU",
    ),
    Mutant(
        "kernel-noise",
        FINITE,
        "x = activation(sample_layer(K, width, rng=rng))",
        "x = activation(sample_layer(K, 2 * width, rng=rng)) / 2**0.5",
        "positive and negative parts counted as neurons of their own",
    ),
    Mutant(
        "tangent",
        KERNELS,
        "                t = torch.addcmul(k, slope.mul_(sw2), t)",
        "                t = k.clone()",
        "only the last layer learns",
    ),
    Mutant(
        "tangent",
        TANGENT,
        "if not parameter.requires_grad:",
        "if not parameter.requires_grad or parameter.dim() == 1:",
        "biases that do not learn",
    ),
    Mutant(
        "tangent-deep",
        CHAPTER,
        "mean(slopes), 4, source",
        "mean(slopes), 3, source",
        "hidden layers counted, not layers of weights",
    ),
    Mutant(
        "tangent-deep",
        COMMITTEE,
        "x = math.sqrt(self.sw2 / W.shape[1]) * (x @ W.mT)",
        "x = math.sqrt(self.sw2 / W.shape[1]) ** 0.5 * (x @ W.mT)",
        "a root too many in front of the weights",
    ),
    Mutant(
        "answer",
        COMMITTEE,
        "learnt = (1 - (1 - rate * values) ** t) / values",
        "learnt = (1 - (1 - 2 * rate * values) ** t) / values",
        "loss without its half",
    ),
    Mutant(
        "answer",
        COMMITTEE,
        "theta = {name: p - rate * slopes[name]",
        "theta = {name: p - rate / 10 * slopes[name]",
        "a tenth of the rate",
    ),
    Mutant(
        "disagreement",
        COMMITTEE,
        "- 2 * (A * K[k:, :k]).sum(2)",
        "- (A * K[k:, :k]).sum(2)",
        "the cross term counted once",
    ),
    Mutant(
        "disagreement",
        CHAPTER,
        "average, variance = committee.expected(K, T, y,",
        "average, variance = committee.expected(K, K, y,",
        "Bayesian regression with the NNGP kernel",
    ),
    Mutant(
        "accuracy", CHAPTER, "right * average / variance.sqrt()", "right * average / variance", "variance for its root"
    ),
    Mutant(
        "accuracy",
        CHAPTER,
        "torch.special.ndtr(right * average / variance.sqrt()).mean(1)",
        "(right * average > 0).double().mean(1)",
        "the committee's accuracy for that of one network",
    ),
    Mutant("order", CHAPTER, "1 / chi_1, tolerance", "1 / chi_1**0.5, tolerance", "chi taken for the square of chi"),
    Mutant(
        "order",
        KERNELS,
        "k = product.mul_(sw2).add_(sb2)",
        "k = product.mul_(sw2 * 1.01).add_(sb2)",
        "weights one per cent too strong",
    ),
    Mutant("chaos", CHAPTER, "(1 - end.chi_c)", "(1 - end.chi_q)", "the slope of the length map"),
    Mutant(
        "chaos",
        KERNELS,
        "t = torch.addcmul(k, slope.mul_(sw2), t)",
        "t = torch.addcmul(k - sb2, slope.mul_(sw2), t)",
        "a bias of the last layer that does not learn",
    ),
]
