"""Wrong flows for the chapter on depth."""

from tests.mutation import Mutant

CHAPTER = "book/rg/depth.md"
DEPTH, CUTOFF, RIDGE = (f"fieldkit/rg/{name}.py" for name in ("depth", "cutoff", "running_ridge"))
ACTION, EXACT, NEURONS, WICK = (f"fieldkit/nnft/{name}.py" for name in ("action", "exact", "neurons", "wick"))
ENSEMBLES = "fieldkit/nnft/ensembles.py"
FINITE_WIDTH = "fieldkit/propagation/finite_width.py"

MUTANTS = [
    Mutant(
        "two-thirds",
        FINITE_WIDTH,
        "square.square() + growth.square() * V)",
        "square.square() + growth * V)",
        "a fluctuation that grows with the first power of chi",
    ),
    Mutant(
        "two-thirds",
        DEPTH,
        "    return 1 / gain\n",
        "    return 1 / gain - 0.05\n",
        "a kernel that dies exponentially, off the critical point",
    ),
    Mutant(
        "marginal",
        DEPTH,
        "    return 1 / gain\n",
        "    return 1 / gain - 0.05\n",
        "a kernel that dies exponentially, off the critical point",
    ),
    Mutant(
        "marginal", CHAPTER, "slope(1 / K)", "slope(1 / K.sqrt())", "the length of the signal in place of its square"
    ),
    Mutant(
        "vertices",
        FINITE_WIDTH,
        "square.square() + growth.square() * V)",
        "square.square() + V)",
        "fluctuations add and are not carried by chi",
    ),
    Mutant(
        "vertices",
        FINITE_WIDTH,
        "    for width in widths:\n        x = activation(",
        "    for width in widths[1:]:\n        x = activation(",
        "networks that lack a layer",
    ),
    Mutant(
        "vertices",
        DEPTH,
        "width * math.log(kurtosis)",
        "math.sqrt(width) * math.log(kurtosis)",
        "a coupling of order one over the root of the width",
    ),
    Mutant(
        "couplings",
        NEURONS,
        "relu = Neuron(lambda z, q: torch.relu(z)",
        "relu = Neuron(lambda z, q: torch.relu(z) - 0.3 * torch.relu(-z)",
        "a neuron that leaks",
    ),
    Mutant(
        "couplings",
        CHAPTER,
        "unit = action.local(network, points(1.0), action.box(Lambda, 1)).cpu()",
        "unit = 2 * action.local(network, points(1.0), action.box(Lambda, 1)).cpu()",
        "half of the ways to tie four legs",
    ),
    Mutant(
        "minus-five",
        ACTION,
        "ab, place = _pairs(K, index)\n    return -24",
        "ab, place = _pairs(K.abs().sqrt(), index)\n    return -24",
        "two legs in place of four",
    ),
    Mutant(
        "minus-five",
        CHAPTER,
        'networks = {"ReLU": Ensemble(neurons.relu, (20,)),',
        'networks = {"ReLU": Ensemble(neurons.relu, (20,), sb2=0.3),',
        "networks with biases",
    ),
    Mutant(
        "minus-one",
        CUTOFF,
        "for side in (cutoff, -cutoff):",
        "for side in (cutoff,):",
        "one face of the box",
    ),
    Mutant("minus-one", CUTOFF, "-(d + 4 * growth)", "-(d + 1 + 4 * growth)", "one dimension too many"),
    Mutant(
        "six",
        EXACT,
        "total = 15 * M(index)",
        "total = 10 * M(index)",
        "ten pairings of six Gaussian weights",
    ),
    Mutant(
        "six",
        NEURONS,
        "relu = Neuron(lambda z, q: torch.relu(z)",
        "relu = Neuron(lambda z, q: torch.relu(z) - 0.3 * torch.relu(-z)",
        "a neuron that leaks",
    ),
    Mutant(
        "flat",
        CHAPTER,
        "coupling = (unit @ four) / (unit @ unit) if frozen is None else frozen",
        "coupling = -1.6e-3 / 20",
        "a coupling that does not run",
    ),
    Mutant(
        "flat", WICK, "for b in range(a + 1, 6):", "for b in range(a + 1, 5):", "external lines at five of six points"
    ),
    Mutant(
        "across",
        NEURONS,
        "relu = Neuron(lambda z, q: torch.relu(z)",
        "relu = Neuron(lambda z, q: torch.relu(z) - 0.3 * torch.relu(-z)",
        "a neuron that leaks",
    ),
    Mutant("across", CHAPTER, "both.four(0, 0, 1, 1)", "both.four(0, 0, 0, 0)", "all four legs on one side"),
    Mutant(
        "whole",
        RIDGE,
        "(kappa + n * lam) ** 2).sum()) / (1 - gamma)",
        "(kappa + n * lam) ** 2).sum())",
        "the variance of what is learnt is left out",
    ),
    Mutant(
        "whole",
        RIDGE,
        "kernel.diagonal().add_(ridge)",
        "kernel.diagonal().add_(2 * ridge)",
        "a ridge that is counted twice",
    ),
    Mutant(
        "running",
        RIDGE,
        "return _ridge(ridge) + float(lam[cut:].sum())",
        "return _ridge(ridge) + float(lam[:cut].sum())",
        "the modes that are kept turn into noise",
    ),
    Mutant(
        "running",
        RIDGE,
        "ways = ((len(lam), ridge), (cut, ridge), (cut, ridge_at(lam, ridge, cut)))",
        "ways = ((len(lam), ridge), (cut, ridge), (cut, ridge))",
        "a ridge that does not run",
    ),
    Mutant(
        "bare",
        RIDGE,
        "ways = ((len(lam), ridge), (cut, ridge), (cut, ridge_at(lam, ridge, cut)))",
        "ways = ((len(lam), ridge), (cut, ridge_at(lam, ridge, cut)), (cut, ridge))",
        "the two ridges exchanged",
    ),
    Mutant(
        "bare",
        RIDGE,
        "kernel = (features * eigenvalues) @ features.T",
        "kernel = (features * eigenvalues.sqrt()) @ features.T",
        "standard deviations for variances",
    ),
]
