"""Wrong layers, wrong averages: each must break the claim it stands for."""

from tests.mutation import Mutant

NETWORKS, CURVES, MAPS, POINTS, FINITE, EXACT, PHI = (
    f"fieldkit/propagation/{name}.py"
    for name in ("networks", "curves", "maps", "fixed_points", "finite_width", "finite_width_exact", "closed_forms")
)
RANDOM = "fieldkit/propagation/random_kernels.py"
CHAPTER = "book/propagation/lengths.md"


def flat(claim: str) -> Mutant:
    """The layer itself is wrong: its neurons have the right variance and another law."""
    return Mutant(
        claim,
        FINITE,
        "white = torch.randn(n, m, width, generator=rng, device=rng.device, dtype=dtype)",
        "white = 12**0.5 * (torch.rand(n, m, width, generator=rng, device=rng.device, dtype=dtype) - 0.5)",
        "neurons that are uniform, not Gaussian",
    )


MUTANTS = [
    flat("map"),
    Mutant("map", RANDOM, "(sw2 / width) * (x @", "(sw2 / (width + 1)) * (x @", "the bias counted in the fan-in"),
    Mutant(
        "map",
        RANDOM,
        "(high - low) / (2 * step) * V_l / 2",
        "(low - high) / (2 * step) * V_l / 2",
        "the curvature of the map with the wrong sign",
    ),
    Mutant(
        "fifty",
        NETWORKS,
        "h = math.sqrt(sw2 / h.shape[1]) * h @ W.T",
        "h = sw2 / math.sqrt(h.shape[1]) * h @ W.T",
        "the variance of the weights taken for their standard deviation",
    ),
    Mutant("fifty", NETWORKS, "math.sqrt(sb2) * draw(", "0 * draw(", "no biases"),
    Mutant("approach", POINTS, "sw2 / keep * growth", "sw2 / keep * slope", "chi_1 in place of chi_q"),
    Mutant(
        "approach", CURVES, "torch.stack([phi(h), slope * v,", "torch.stack([phi(h), v,", "the push passes without phi'"
    ),
    Mutant(
        "creep",
        MAPS,
        "activations.moments(activation, q)[0] + sb2",
        "activations.moments(activation, q)[2] * q + sb2",
        "V(q) = q V'(q)",
    ),
    Mutant(
        "gelu",
        PHI,
        "growth = twice + rest / 2 + rest * (2 -",
        "growth = twice + rest / 2 + rest * (1 -",
        "one term of the derivative is lost",
        refuses="has the same sign at both ends",
    ),
    Mutant(
        "recipes",
        PHI,
        "return self.mean * q, torch.full_like(q, self.mean)",
        "return 2 * self.mean * q, torch.full_like(q, self.mean)",
        "the silent half of the neurons forgotten",
    ),
    Mutant("recipes", CHAPTER, "signal = phi(h)", "signal = h", "no activation between the layers"),
    Mutant(
        "recipes",
        CHAPTER,
        "edge = loud.repeat(4).float(), [], math.sqrt(3 * sb2)",
        "edge = loud.repeat(4).float(), [], math.sqrt(sb2)",
        "the edge of a uniform law taken for its standard deviation",
    ),
    Mutant(
        "linear", EXACT, "return _power(2, width", "return _power(1, width", "E g^4 = 2, as if weights were complex"
    ),
    Mutant(
        "linear",
        NETWORKS,
        "W = draw((width, h.shape[1]), dtype, rng)",
        "W = W if layer > 1 else draw((width, h.shape[1]), dtype, rng)",
        "one matrix for all layers",
    ),
    Mutant(
        "relu",
        EXACT,
        "return _power(5, width",
        "return _power(2, width",
        "E relu^4 = (3/2) / 2: the silent half forgotten",
    ),
    flat("relu"),
    Mutant(
        "typical", EXACT, "digamma(k / 2)", "np.log(k / 2)", "the logarithm of the mean in place of the mean logarithm"
    ),
    flat("typical"),
    flat("settles"),
    flat("piles-up"),
    flat("width"),
    Mutant(
        "width",
        FINITE,
        "V = sw2**2 * (fourth - square.square() +",
        "V = sw2**2 * (fourth +",
        "the fourth moment is not connected",
    ),
    Mutant("settles", FINITE, "growth.square() * V)", "growth * V)", "chi_q to the first power"),
    Mutant("settles", FINITE, "(fourth - square.square() +", "(fourth +", "the fourth moment is not connected"),
    Mutant(
        "piles-up", FINITE, "(fourth - square.square() +", "(2 * square.square() +", "phi(h) as if it were Gaussian"
    ),
    Mutant(
        "piles-up",
        FINITE,
        "fourth - square.square() + growth.square() * V",
        "fourth - square.square()",
        "only the noise of the last layer",
    ),
]
