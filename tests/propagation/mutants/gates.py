"""Wrong gates: each must break the claim it stands for."""

from tests.mutation import Mutant

CHAPTER = "book/propagation/gates.md"
GATED, NETWORKS, TIED = (f"fieldkit/propagation/{name}.py" for name in ("gated", "gated_networks", "tied"))

MUTANTS = [
    Mutant(
        "fresh",
        GATED,
        "return gate.R * rest2 / gate.forgotten(Q)",
        "return gate.R * gate.forgotten(Q) / (2 - gate.forgotten(Q))",
        "the gate replaced by its root mean square",
    ),
    Mutant(
        "fresh",
        CHAPTER,
        "steady(gated_networks.minimal_sample, minimal, n, False)[0]",
        "steady(gated_networks.minimal_sample, minimal, 8 * n, True)[0]",
        "weights that are kept",
    ),
    Mutant(
        "fresh-gru",
        GATED,
        "variance = gate.sw2 * r2 * Q + gate.sv2 * gate.R",
        "variance = gate.sw2 * Q + gate.sv2 * gate.R",
        "no reset gate in the candidate's variance",
    ),
    Mutant(
        "gru-push",
        GATED,
        "rest2 * slope2 * gate.sw2 * (r2 + gate.sw2 * dr2 * Q)",
        "rest2 * slope2 * gate.sw2 * (1 + gate.sw2 * dr2 * Q)",
        "a candidate that reads all slips",
    ),
    Mutant(
        "gru-push",
        GATED,
        "torch.cosh(s) ** -4",
        "torch.cosh(s) ** -2",
        "the slope of the candidate without its square",
    ),
    Mutant(
        "fresh-memory",
        GATED,
        "lambda u: (u * (1 - u)).square())",
        "lambda u: u * (1 - u))",
        "the slope of the gate without its square",
    ),
    Mutant("fresh-memory", CHAPTER, "left(uneven, False, n), left", "left(uneven, True, n), left", "kept weights"),
    Mutant("kept", TIED, "row[:, t] += gate.sv2 * gate.R", "row += gate.sv2 * gate.R", "one input for all times"),
    Mutant("kept", TIED, "if t and not fresh:", "if False:", "a field without memory: fresh weights"),
    Mutant("kept-gru", TIED, "if t and not fresh:", "if False:", "a field without memory: fresh weights"),
    Mutant(
        "kept-gru", TIED, "torch.tanh(inner(r * h)[0])", "torch.tanh(inner(h)[0])", "a candidate without reset gate"
    ),
    Mutant("kept-memory", TIED, "if t and not fresh:", "if False:", "a field without memory: fresh weights"),
    Mutant(
        "kept-memory",
        TIED,
        "return Gate(gate.sw2, 0.0, 0.0, 0.0, gate.R)",
        "return Gate(gate.sw2, 0.0, gate.sb2, 0.0, gate.R)",
        "a push that moves the biases",
    ),
    Mutant("bias", CHAPTER, "-2 * math.exp(-8 + 0.5)", "-2 * math.exp(-8)", "gates without scatter"),
    Mutant(
        "bias",
        GATED,
        "return Q, u2 + gate.sw2 * slope2 * (Q + gate.R)",
        "return Q, u2**0.5 + gate.sw2 * slope2 * (Q + gate.R)",
        "the mean gate for its mean square",
    ),
    Mutant(
        "cell-kurtosis",
        GATED,
        "(6 * f2 * c2 * i2 * t2 + i4 * t4)",
        "(2 * f2 * c2 * i2 * t2 + i4 * t4)",
        "pairings counted twice instead of six times",
    ),
    Mutant("cell-kurtosis", GATED, "/ lost4\n", "/ (1 - f2**2)\n", "a forget gate that does not fluctuate"),
    Mutant("kept-cell", TIED, "if t and not fresh:", "if False:", "a field without memory: fresh weights"),
    Mutant(
        "kept-cell",
        NETWORKS,
        "means = (gate.mu, 0.0, 0.0, 0.0)",
        "means = (0.0, gate.mu, 0.0, 0.0)",
        "the bias in the input gate",
    ),
    Mutant(
        "fresh-curve",
        GATED,
        "lambda u: (u * (1 - u)).square())",
        "lambda u: u * (1 - u))",
        "the slope of the gate without its square",
    ),
    Mutant(
        "even-curves",
        GATED,
        "lambda u: (u * (1 - u)).square())",
        "lambda u: u * (1 - u))",
        "the slope of the gate without its square",
    ),
    Mutant(
        "even-curves",
        TIED,
        "dh = u * dh + u * (1 - u) * (h - x) * de(dh)[0]",
        "dh = u * dh",
        "a push that no gate carries on",
    ),
    Mutant("kept-curve", TIED, "if t and not fresh:", "if False:", "a field without memory: fresh weights"),
]
