"""Wrong physics for the chapter on the coupling of a network."""

from tests.mutation import Mutant
from tests.nnft.networks import TRUNCATED

CHAPTER = "book/nnft/coupling.md"
ENSEMBLES, EXACT, WICK, TAILS = (f"fieldkit/nnft/{name}.py" for name in ("ensembles", "exact", "wick", "tails"))

MUTANTS = [
    Mutant(
        "outputs",
        WICK,
        "return _entries(four, len(two), 4) - gaussian(two, tuples(len(two), 4, two.device))",
        "return _entries(four, len(two), 4) - gaussian(two, tuples(len(two), 4, two.device)) / 3",
        "one pairing of three is taken away",
    ),
    Mutant(
        "outputs",
        ENSEMBLES,
        "v = law.draw((n, N), rng, h.dtype)",
        "v = law.draw((n, N), rng, h.dtype).sign()",
        "output weights that are not Gaussian",
    ),
    Mutant("integrated", WICK, "return kappa[entries].sum(0)", "return kappa[entries][0]", "one pairing of three"),
    Mutant(
        "integrated",
        ENSEMBLES,
        "(ensemble.sw2 / h.shape[2])",
        "(ensemble.sw2 / (h.shape[2] + 1))",
        "the bias counted in the fan-in",
    ),
    Mutant(
        "noise",
        EXACT,
        "series[k - j] for j in range(k + 1)) for k in range(5)",
        "series[k - j] for j in range(k + 1)) if k < 4 else power[4] for k in range(5)",
        "the eighth moment is left out",
    ),
    Mutant(
        "noise",
        EXACT,
        "return square - 9 * variance**2, 9 * (2 * variance**2 + kappa4 / width**3)",
        "return square - 9 * variance**2, 3 * (2 * variance**2 + kappa4 / width**3)",
        "one pairing of the kernel in place of three",
    ),
    Mutant(
        "four-places",
        ENSEMBLES,
        "return (ensemble.sw2 / x.shape[1]) * x @ y.T + ensemble.hidden_sb2",
        "return (ensemble.sw2 / x.shape[1]) * x @ y.T",
        "the hidden bias is forgotten",
    ),
    Mutant(
        "four-places",
        WICK,
        "named = torch.stack([place(index[:, list(pair)], m) for pair in pairing], -1)",
        "named = torch.stack([place(index[:, list(pair)], m) for pair in pairings(4)[0]], -1)",
        "the first pairing three times",
    ),
    Mutant(
        "six", WICK, "return kappa[entries].sum(0)", "return kappa[entries][:10].sum(0)", "ten pairings of six points"
    ),
    Mutant("six", CHAPTER, "400 * twenty.jackknife", "20 * twenty.jackknife", "one power of the width"),
    Mutant(
        "cosine-six",
        CHAPTER,
        "cosine = Ensemble(neurons.cosine, (6,))",
        "cosine = Ensemble(neurons.erf, (6,), sb2=1.0)",
        "the coupling of another neuron",
    ),
    Mutant(
        "cosine-six",
        ENSEMBLES,
        "z + 2 * math.pi * torch.rand(",
        "z + torch.rand(",
        "a phase between zero and one, not over the circle",
    ),
    Mutant(
        "tail",
        TAILS,
        "p * ratio / (len(k) * len(between))",
        "p * ratio",
        "the law of the pushes is not normalised",
    ),
    Mutant(
        "tail",
        CHAPTER,
        "correlators.integrated(gauss, origin, n // 20, draw=tails.pushed, rng=rng)",
        "correlators.integrated(gauss, origin, n // 20, rng=rng)",
        "the tail is not sampled",
        refuses="lies beyond the largest draw",
    ),
    Mutant(
        "depth",
        "fieldkit/propagation/finite_width_exact.py",
        "(n_layers - 1) * math.log1p(excess / width)",
        "math.log1p((n_layers - 1) * excess / width)",
        "the old coupling does not grow",
    ),
    Mutant(
        "depth",
        ENSEMBLES,
        "for N, q_l in zip(ensemble.widths[1:], q[1:]):",
        "for N, q_l in zip(ensemble.widths[2:], q[1:]):",
        "a layer is skipped",
    ),
    Mutant("six", *TRUNCATED),
    Mutant("fall-off", *TRUNCATED),
    Mutant(
        "fall-off", WICK, "return kappa[entries].sum(0)", "return kappa[entries][:2].sum(0)", "two pairings of three"
    ),
    Mutant("flow", *TRUNCATED),
    Mutant(
        "flow",
        ENSEMBLES,
        "for N, q_l in zip(ensemble.widths[1:], q[1:]):",
        "for N, q_l in zip(ensemble.widths[2:], q[1:]):",
        "a layer is skipped",
    ),
]
