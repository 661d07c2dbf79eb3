"""Wrong physics for the chapter on how deep a signal can see."""

from tests.mutation import Mutant

CHAPTER = "book/propagation/trainability.md"
NETWORKS, FIXED, MAPS, TRAINING, CRITICAL = (
    f"fieldkit/propagation/{name}.py" for name in ("networks", "fixed_points", "maps", "training", "criticality")
)


def untrained(claim: str) -> Mutant:
    step = "return -rate * gradient / (memory.sqrt() + 1e-8), memory"
    return Mutant(claim, TRAINING, step, "return 0 * gradient, memory", "no weight ever moves")


MUTANTS = [
    Mutant(
        "critical", CRITICAL, "return q - square / slope - sb2", "return q - square - sb2", "chi_1 left out of the line"
    ),
    Mutant("depth-scale", FIXED, "chi_1 = sw2 * known[1]", "chi_1 = sw2 * known[1].square()", "a square too many"),
    Mutant(
        "gradient-order",
        TRAINING,
        "gain * hidden",
        "1.05 * gain * hidden",
        "hidden weights a twentieth too large",
    ),
    *(
        Mutant("gradient-order", CHAPTER, "chi_1[1.0] ** 10", f"chi_1[1.0] ** {power}", f"{power} layers for ten")
        for power in (9, 11)
    ),
    *(
        Mutant("gradient-chaos", CHAPTER, "chi_1[3.0] ** 10", f"chi_1[3.0] ** {power}", f"{power} layers for ten")
        for power in (8, 12)
    ),
    Mutant(
        "gradients",
        CHAPTER,
        "for k in range(10, 0, -1)",
        "for k in range(11, 1, -1)",
        "one layer more everywhere",
    ),
    Mutant(
        "gradients",
        TRAINING,
        "h.append(torch.baddbmm(b, activation(h[-1]), W))",
        "h.append(torch.baddbmm(b, activation(h[-1]) + 0.1 * h[-1], W))",
        "a tenth of the signal passes without bending",
    ),
    Mutant(
        "gradient-chaos",
        TRAINING,
        "h.append(torch.baddbmm(b, activation(h[-1]), W))",
        "h.append(torch.baddbmm(b, h[-1], W))",
        "hidden layers forget to bend",
    ),
    *(
        Mutant(
            "two-digits",
            CHAPTER,
            "maps.correlations(start, 0 * start + 2.3, 5,",
            f"maps.correlations(start, 0 * start + 2.3, {depth},",
            f"{depth + 1} layers for six",
        )
        for depth in (4, 6)
    ),
    Mutant(
        "two-digits",
        NETWORKS,
        "math.sqrt(sb2) * draw((1, width), dtype, rng)",
        "math.sqrt(sb2) * draw((len(h), width), dtype, rng)",
        "each picture has biases of its own",
    ),
    Mutant(
        "two-digits",
        MAPS,
        "e = sw2 * ((1 / keep - 1) * square + e * S) / q",
        "e = sw2 * ((1 / keep - 1) * square + e * S) / (q - sb2)",
        "the bias that both share is left out",
    ),
    Mutant(
        "parting",
        NETWORKS,
        "coin = torch.rand(h.shape,",
        "coin = torch.rand((1, h.shape[1]),",
        "both copies meet one mask",
    ),
    Mutant(
        "parting",
        MAPS,
        "e = sw2 * ((1 / keep - 1) * square +",
        "e = sw2 * ((1 - keep) * square +",
        "1 - rho for 1/rho - 1",
    ),
    Mutant("dropout", NETWORKS, "h = h * (coin < keep) / keep", "h = h * (coin < keep)", "the mask is not compensated"),
    Mutant(
        "dropout",
        NETWORKS,
        "coin = torch.rand(h.shape,",
        "coin = torch.rand((1, h.shape[1]),",
        "both copies meet one mask",
        "is not positive definite",
    ),
    Mutant(
        "dropout-scale",
        FIXED,
        "P = S.slope(e) if phi.dual is not None else value - e * slope",
        "P = S.slope(e) if phi.dual is not None else value + e * slope",
        "a sign in the derivative of (1 - e) S",
    ),
    untrained("shallow"),
    untrained("critical-learns"),
    Mutant(
        "critical-learns",
        TRAINING,
        "images[seen], labels[seen])",
        "images[seen], labels[seen.flip(1)])",
        "every picture has the label of another",
    ),
    Mutant(
        "too-deep",
        TRAINING,
        "gain * hidden",
        "1.7 * gain * hidden",
        "hidden weights so large that the ordered networks are critical",
    ),
]
