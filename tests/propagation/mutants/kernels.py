"""Wrong kernels, wrong lessons: each must break the claim it stands for."""

from tests.mutation import Mutant

CHAPTER = "book/propagation/kernels.md"
KERNELS, REGRESSION, COMMITTEE, NETWORKS, EXACT, FORMS, PAIRS = (
    f"fieldkit/propagation/{name}.py"
    for name in ("kernels", "kernel_regression", "committee", "networks", "finite_width_exact", "closed_forms", "pairs")
)

MUTANTS = [
    Mutant(
        "deep",
        NETWORKS,
        "            if layer:\n",
        "            if layer > 1:\n",
        "no activation after the first layer",
    ),
    Mutant(
        "deep",
        PAIRS,
        "value = torch.addcmul(a * b, value, c)",
        "value = torch.addcmul(a * b, value, c.square())",
        "every Hermite term with twice its power of the correlation",
    ),
    Mutant(
        "deep",
        CHAPTER,
        "truth = kernels.nngp(pair, depth=4, **tanh)[0, 1].item()",
        "truth = kernels.post_activation(kernels.nngp(pair, depth=4, **tanh), sw2=2.0, sb2=0.1)[0, 1].item()",
        "post-activations for pre-activations",
    ),
    Mutant(
        "tangent",
        KERNELS,
        "        t = torch.addcmul(k, slope.mul_(sw2), t)",
        "        t = k.clone()",
        "only the last layer learns",
    ),
    Mutant(
        "tangent",
        COMMITTEE,
        "(z[layer] @ z[layer].mT) + sb2)",
        "(z[layer] @ z[layer].mT))",
        "biases that do not learn",
    ),
    Mutant("tangent", FORMS, "torch.atan2(2 * k, root)", "torch.atan2(k, root)", "erf of x / sqrt 2 for erf of x"),
    Mutant(
        "layers",
        COMMITTEE,
        "h.append(math.sqrt(sw2 / W.shape[2]) *",
        "h.append(math.sqrt(sw2 / W.shape[2]) ** 0.5 *",
        "a root too many in front of the weights",
    ),
    Mutant(
        "spread",
        EXACT,
        "k, k2 = width / 2, width * (width + 1) / 4",
        "k, k2 = width / 2, width**2 / 4",
        "always the same number of neurons switched on",
    ),
    Mutant(
        "spread",
        CHAPTER,
        "    (finite_width_exact.relu_tangent(64, 3) - 1) ** 0.5",
        "    (finite_width_exact.relu_kurtosis(64, 4) - 1) ** 0.5",
        "the spread of K for that of the tangent kernel",
    ),
    Mutant(
        "spread",
        COMMITTEE,
        "normal((b, a), rng) for",
        "normal((b, a), rng).sign() for",
        "weights of either sign and one size",
    ),
    Mutant(
        "tangents",
        COMMITTEE,
        "normal((b, a), rng) for",
        "normal((b, a), rng).sign() for",
        "weights of either sign and one size",
    ),
    Mutant(
        "tangents",
        EXACT,
        "k, k2 = width / 2, width * (width + 1) / 4",
        "k, k2 = width / 2, width**2 / 4",
        "always the same number of neurons switched on",
    ),
    Mutant(
        "accuracy",
        COMMITTEE,
        "(x,))[:, 0] - y).square()",
        "(x,))[:, 0] - y.abs()).square()",
        "every picture is taught as the first class",
    ),
    Mutant(
        "lessons",
        COMMITTEE,
        "theta = {name: p - rate * slopes[name]",
        "theta = {name: p - 2 * rate * slopes[name]",
        "loss without its half",
    ),
    Mutant(
        "lessons",
        REGRESSION,
        "learnt = (1 - (1 - rate * values) ** t) / values",
        "learnt = (1 - (1 - 2 * rate * values) ** t) / values",
        "loss without its half",
    ),
    Mutant("chaos", CHAPTER, "(1 - end.chi_c)", "(1 - end.chi_q)", "the slope of the length map"),
    Mutant(
        "chaos",
        KERNELS,
        "t = torch.addcmul(k, slope.mul_(sw2), t)",
        "t = torch.addcmul(k - sb2, slope.mul_(sw2), t)",
        "a bias of the last layer that does not learn",
    ),
    Mutant(
        "answer",
        REGRESSION,
        "learnt = (1 - (1 - rate * values) ** t) / values",
        "learnt = (1 - (1 - 2 * rate * values) ** t) / values",
        "loss without its half",
    ),
    Mutant(
        "answer",
        COMMITTEE,
        "theta = {name: p - rate * slopes[name]",
        "theta = {name: p - 2 * rate * slopes[name]",
        "loss without its half",
    ),
    Mutant(
        "disagreement",
        REGRESSION,
        "- 2 * (A * K[k:, :k]).sum(2)",
        "- (A * K[k:, :k]).sum(2)",
        "the cross term counted once",
    ),
    Mutant(
        "disagreement",
        CHAPTER,
        "gradient_descent(K, T, y,",
        "gradient_descent(K, K, y,",
        "Bayesian regression with the NNGP kernel",
    ),
    *(
        Mutant(
            claim,
            COMMITTEE,
            "[:, 0] - y).square().sum() / 2",
            "[:, 0] - y).square().sum()",
            "a loss without its half",
        )
        for claim in ("modes", "overshoot")
    ),
    Mutant(
        "modes",
        KERNELS,
        "        t = torch.addcmul(k, slope.mul_(sw2), t)",
        "        t = k.clone()",
        "only the last layer learns",
    ),
    Mutant("moved", CHAPTER, "u, v = u - push * v, v - push * u", "u, v = u, v - push * u", "only one layer learns"),
    Mutant(
        "moved",
        CHAPTER,
        "keepdim=True) / N**0.5 - y) / N**0.5",
        "keepdim=True) / N**0.5 - y) / N",
        "a gradient with the factor of the mean for that of the root",
    ),
    Mutant(
        "accuracy", CHAPTER, "right * average / variance.sqrt()", "right * average / variance", "variance for its root"
    ),
    Mutant(
        "accuracy",
        CHAPTER,
        "torch.special.ndtr(right * average / variance.sqrt()).mean(1)",
        "(right * average > 0).double().mean(1)",
        "the average answer's share for that of one network",
    ),
]
