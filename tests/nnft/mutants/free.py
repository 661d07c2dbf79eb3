"""Wrong physics for the chapter on free networks."""

from tests.mutation import Mutant
from tests.nnft.networks import TRUNCATED

CHAPTER = "book/nnft/free.md"
ENSEMBLES, EXACT, WICK = (f"fieldkit/nnft/{name}.py" for name in ("ensembles", "exact", "wick"))

MUTANTS = [
    Mutant(
        "one-neuron",
        ENSEMBLES,
        "f[:, a] = (h * v).sum(-1) * math.sqrt(ensemble.sw2 / N)",
        "f[:, a] = (h * v).sum(-1) * math.sqrt(ensemble.sw2 / (N + 1))",
        "the bias counted in the fan-in",
    ),
    Mutant(
        "one-neuron",
        ENSEMBLES,
        "f[:, a] += math.sqrt(ensemble.sb2)",
        "f[:, a] += 0.5 * math.sqrt(ensemble.sb2)",
        "an output bias of another variance",
    ),
    Mutant(
        "kernel-spread",
        EXACT,
        "(M(index) - M(index[:, :2]) * M(index[:, 2:]))",
        "M(index)",
        "the disconnected part is left in the variance",
    ),
    Mutant(
        "kernel-spread",
        ENSEMBLES,
        "(ensemble.sw2 / h.shape[2]) * (by_network @ by_network.mT) + sb2",
        "(ensemble.sw2 / (h.shape[2] - 1)) * (by_network @ by_network.mT) + sb2",
        "divided by N - 1, as for a sample variance",
    ),
    Mutant(
        "excess",
        EXACT,
        "for (a, b), (c, d) in wick.pairings(4):",
        "for (a, b), (c, d) in wick.pairings(4)[:2]:",
        "a pairing is missing",
    ),
    Mutant(
        "excess",
        ENSEMBLES,
        "v = law.draw((n, N), rng, h.dtype)",
        "v = law.draw((n, N), rng, h.dtype).sign()",
        "output weights of the right variance that are not Gaussian",
    ),
    Mutant(
        "two-outputs",
        EXACT,
        "((outputs[:, a] == outputs[:, b]) & (outputs[:, c] == outputs[:, d]))",
        "1",
        "all three pairings join two outputs",
    ),
    Mutant(
        "two-outputs",
        ENSEMBLES,
        "    for a in range(d_out):\n",
        "    for a in range(d_out):\n        h = h[:, torch.randperm(n, generator=rng, device=rng.device)]\n",
        "each output has hidden neurons of its own",
    ),
    Mutant(
        "deep-shift",
        "fieldkit/nnft/beyond.py",
        "return (hessian * covariance).sum() / 2",
        "return (hessian * covariance).sum()",
        "the loop without its half",
    ),
    Mutant(
        "deep-shift",
        CHAPTER,
        "torch.cartesian_prod(torch.arange(3), torch.arange(3))",
        "torch.tensor([[1, 1]] * 9)",
        "only the off-diagonal entry fluctuates",
    ),
    Mutant("deep-relu", CHAPTER, "(4, 4, 4), sw2=2.0)", "(4, 4, 4), sw2=1.0)", "the variance of linear networks"),
    Mutant("floor", *TRUNCATED),
    Mutant(
        "floor",
        WICK,
        "return _entries(four, len(two), 4) - gaussian(two, tuples(len(two), 4, two.device))",
        "return _entries(four, len(two), 4) - gaussian(two, tuples(len(two), 4, two.device)) / 3",
        "one pairing of three is taken away",
    ),
    Mutant(
        "uniform",
        "fieldkit/nnft/laws.py",
        "math.sqrt(12) * (torch.rand(shape, generator=rng, device=rng.device, dtype=dtype) - 0.5)",
        "torch.rand((12, *shape), generator=rng, device=rng.device, dtype=dtype).sub(0.5).sum(0)",
        "twelve uniform numbers, the Gaussian of old programs",
    ),
    Mutant("uniform", EXACT, "(kurtosis - 3) * four * same", "(kurtosis - 3) * four", "one law for all outputs"),
    Mutant(
        "signs",
        ENSEMBLES,
        "    for a in range(d_out):\n",
        "    for a in range(d_out):\n        h = h[:, torch.randperm(n, generator=rng, device=rng.device)]\n",
        "each output has hidden neurons of its own",
    ),
    Mutant("signs", EXACT, "(kurtosis - 3) * four * same", "kurtosis * 0.0", "weights taken for Gaussian"),
    Mutant(
        "deep-relu",
        ENSEMBLES,
        "z = sample_layer(K, N, rng=rng, dtype=dtype).transpose(0, 1)",
        "z = sample_layer(K, N, rng=rng, dtype=dtype).transpose(0, 1) * (N / (N + 1)) ** 0.5",
        "the bias counted in the fan-in of deep layers",
    ),
    Mutant(
        "moved-cosine",
        ENSEMBLES,
        "z + 2 * math.pi * torch.rand(",
        "z + 0 * math.pi * torch.rand(",
        "the phase is forgotten",
    ),
    Mutant(
        "moved-gauss",
        "fieldkit/nnft/neurons.py",
        "return torch.exp(together / 2 - C.double().diagonal()[index].sum(1))",
        "return torch.exp(together / 2)",
        "the neuron is not normalised",
    ),
    Mutant(
        "moved-gauss",
        WICK,
        "named = torch.stack([place(index[:, list(pair)], m) for pair in pairing], -1)",
        "named = torch.stack([place(index[:, list(pair)], m) for pair in pairings(4)[1]], -1)",
        "a crossed pairing three times",
    ),
    Mutant("approach", *TRUNCATED),
    Mutant(
        "kernel",
        ENSEMBLES,
        "f[:, a] = (h * v).sum(-1) * math.sqrt(ensemble.sw2 / N)",
        "f[:, a] = (h * v).sum(-1) * math.sqrt(ensemble.sw2 / (N + 1))",
        "the bias counted in the fan-in",
    ),
]
