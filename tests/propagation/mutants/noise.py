"""Wrong fields, wrong loops, wrong halls: each must break the claim it stands for."""

from tests.mutation import Mutant

UNIT, HALL, LOOPS = (f"fieldkit/propagation/{name}.py" for name in ("langevin", "linear_network", "recurrent"))
THEORY, CHAPTER = "fieldkit/propagation/linear_network_exact.py", "book/propagation/noise.md"

MUTANTS = [
    Mutant(
        "no-hats",
        UNIT,
        "torch.cat([0 * eye, A.T], 1)",
        "torch.cat([0.01 * eye, A.T], 1)",
        "an action that does not vanish with the response field: probability is not kept",
    ),
    Mutant(
        "no-hats",
        UNIT,
        "return inverse[:steps, :steps], inverse[:steps, steps:], inverse[steps:, steps:]",
        "return inverse[steps:, steps:], inverse[steps:, :steps], inverse[:steps, :steps]",
        "the lecture notes' reading: two derivatives in the source of the response field called the correlation",
    ),
    Mutant(
        "transient",
        UNIT,
        "math.sqrt(D * h / 2) * gaussian.normal((2, x.shape[1]), rng)",
        "math.sqrt(D * h) * gaussian.normal((2, x.shape[1]), rng)",
        "half a step with the noise of a whole one",
    ),
    Mutant(
        "transient",
        UNIT,
        "torch.exp(-a * (t - s).abs()) * grown",
        "torch.exp(-a * (t - s).abs())",
        "the steady state, as if the unit had not started at rest",
    ),
    Mutant(
        "unpushed",
        UNIT,
        "kicks = kicks + first + second",
        "kicks = kicks + first",
        "only every second kick is noted",
    ),
    Mutant(
        "unpushed",
        UNIT,
        "here = force - (a * x + u * x**3)",
        "here = force - (a * x + 3 * u * x**2)",
        "the curvature of the potential for its force",
    ),
    Mutant("loop", UNIT, "return s - 3 * u * s**2 / a", "return s - u * s**2 / a", "one of the three ways to close"),
    Mutant(
        "loop",
        UNIT,
        "- quartic * z**4)",
        "- quartic / 2 * z**4)",
        "the weight exp(-V / D) for the quartic part",
    ),
    Mutant(
        "sunset",
        UNIT,
        "math.sqrt(6 * u) * math.sqrt(D))",
        "math.sqrt(2 * u) * math.sqrt(D))",
        "one of the three legs in the closed loop",
    ),
    Mutant(
        "sunset",
        UNIT,
        "- quartic * z**4)",
        "- quartic / 2 * z**4)",
        "the weight exp(-V / D) for the quartic part",
    ),
    Mutant(
        "cubic",
        UNIT,
        "here = force - (a * x + u * x**3)",
        "here = force - (a * x + 3 * u * x**2)",
        "the curvature of the potential for its force",
    ),
    Mutant(
        "cubic",
        CHAPTER,
        "exact = langevin.exact_variance(1.0, 1.0, 0.5)",
        "exact = langevin.one_loop_variance(1.0, 1.0, 0.5)",
        "one loop taken for the truth at strong coupling",
    ),
    *(
        Mutant(
            claim,
            UNIT,
            "return x + h / 2 * (here + force - (a * there + u * there**3)) + kick",
            "return there",
            "Euler's step for Heun's",
        )
        for claim in ("cubic", "stiff")
    ),
    Mutant(
        "stiff",
        UNIT,
        "- quartic * z**4)",
        "- 1.1 * quartic * z**4)",
        "a spring that is a tenth too stiff",
    ),
    Mutant(
        "tones",
        HALL,
        "torch.linalg.inv((1 + 1j * omega) * eye - J)",
        "torch.linalg.inv((1 + omega) * eye - J)",
        "no phase between push and answer",
    ),
    Mutant(
        "tones",
        HALL,
        "return g / math.sqrt(N) * gaussian.normal((n, N, N), rng)",
        "return g / math.sqrt(N) * torch.tril(gaussian.normal((n, N, N), rng))",
        "cables that lead one way only",
    ),
    Mutant(
        "noise-or-chaos", LOOPS, "x = x + math.sqrt(D) *", "x = x + D *", "the variance of the noise for its amplitude"
    ),
    Mutant(
        "noise-or-chaos",
        LOOPS,
        "maps.broadcast(g, sb2 + D)",
        "maps.broadcast(g, sb2 + 0.5 * D)",
        "half of the noise in the theory",
    ),
    Mutant("hum", HALL, "E, C = -J @ B, 2 * D * B @ B.mT", "E, C = -J @ B, D * B @ B.mT", "half of the noise"),
    Mutant(
        "hum", THEORY, "return D / (2 * math.sqrt((1 - g) * (1 + g)))", "return D / (2 * (1 - g))", "cables of one sign"
    ),
    Mutant(
        "ring",
        HALL,
        "torch.linalg.matrix_exp(tau * (J - eye))",
        "torch.linalg.matrix_exp(-tau * eye)",
        "every unit forgets alone",
    ),
    Mutant(
        "echo",
        HALL,
        "torch.linalg.inv((1 + 1j * omega) * eye - J)",
        "torch.linalg.inv((1 + omega) * eye - J)",
        "no phase between push and answer",
    ),
    Mutant("border", LOOPS, "x = x + math.sqrt(D) *", "x = x + D *", "the variance of the noise for its amplitude"),
    Mutant(
        "border",
        CHAPTER,
        "activation=tanh)[0].sqrt().item()",
        "activation=tanh)[0].item()",
        "the variance of the weights for the gain",
    ),
    Mutant(
        "calm",
        LOOPS,
        "h, v = (torch.cat([phi(x), phi.derivative(x) * v], 1) @ J.mT).chunk(2, 1)",
        "h, v = (torch.cat([phi(x), v], 1) @ J.mT).chunk(2, 1)",
        "the tangent passes the neurons without their slope",
    ),
    Mutant("calm", LOOPS, "maps.broadcast(g, sb2 + D)", "maps.broadcast(g, sb2 + 0 * D)", "theory without the noise"),
]
