"""Wrong physics for the chapter on how deep a signal can see."""

from tests.mutation import Mutant

CHAPTER = "book/propagation/trainability.md"
NETWORKS, FIXED, MAPS, TRAINING, CRITICAL = (
    f"fieldkit/propagation/{name}.py" for name in ("networks", "fixed_points", "maps", "training", "criticality")
)

MUTANTS = [
    Mutant(
        "critical", CRITICAL, "return q - square / slope - sb2", "return q - square - sb2", "chi_1 left out of the line"
    ),
    Mutant("depth-scale", FIXED, "chi_1 = sw2 * known[1]", "chi_1 = sw2 * known[1].square()", "a square too many"),
    Mutant(
        "gradient-order",
        TRAINING,
        "gain * hidden",
        "gain.square() * hidden",
        "hidden weights have the standard deviation that is their variance",
    ),
    Mutant(
        "gradient-order",
        CHAPTER,
        "w, **law).chi_1.item() ** 10",
        "w, **law).chi_1.item() ** 5",
        "the root mean square in place of the mean square",
    ),
    Mutant(
        "gradient-chaos",
        CHAPTER,
        "w, **law).chi_1.item() ** 10",
        "w, **law).chi_c.item() ** 10",
        "the slope at c* in place of the slope at one",
    ),
    Mutant(
        "gradient-chaos",
        TRAINING,
        "h.append(torch.baddbmm(b, activation(h[-1]), W))",
        "h.append(torch.baddbmm(b, h[-1], W))",
        "hidden layers forget to bend",
    ),
    Mutant(
        "two-digits",
        MAPS,
        "e = sw2 * ((1 / keep - 1) * square + e * S) / q",
        "e = sw2 * ((1 / keep - 1) * square + e * S) / (q - sb2)",
        "the bias that both share is left out",
    ),
    Mutant("dropout", NETWORKS, "h = h * (coin < keep) / keep", "h = h * (coin < keep)", "the mask is not compensated"),
    Mutant(
        "dropout",
        NETWORKS,
        "coin = torch.rand(h.shape,",
        "coin = torch.rand((1, h.shape[1]),",
        "both copies meet one mask",
    ),
    Mutant(
        "dropout-scale",
        FIXED,
        "P = S.slope(e) if phi.dual is not None else value - e * slope",
        "P = S.slope(e) if phi.dual is not None else value + e * slope",
        "a sign in the derivative of (1 - e) S",
    ),
]
