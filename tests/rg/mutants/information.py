"""Wrong scores, wrong networks and wrong machines for the chapter on information."""

from tests.mutation import Mutant
from tests.rg.magnets import HOT_CLUSTERS

DESCENT = "fieldkit/rg/descent.py"
CHAPTER = "book/rg/information.md"
INFO = "fieldkit/rg/information.py"
NEURAL = "fieldkit/rg/neural_information.py"
MACHINES = "fieldkit/rg/machines.py"
THERMO = "fieldkit/rg/thermometers.py"


def one_sided(claim: str) -> Mutant:
    return Mutant(claim, MACHINES, "torch.sigmoid(2 * field)", "torch.sigmoid(field)", "bits for spins: half the field")


def open_rows(claim: str) -> Mutant:
    return Mutant(
        claim, INFO, "aligned += spin[s] * (spin[right] + spin[down])", "aligned += spin[s] * spin[right]", "no columns"
    )


MUTANTS = [
    open_rows("first-spin"),
    Mutant("first-spin", INFO, "for joint in (up, p_e - up):", "for joint in (up,):", "what h = - tells forgotten"),
    Mutant("best-rule", INFO, "codes = torch.arange(2**15) + 2**15", "codes = torch.arange(2**14) + 2**15", "half"),
    open_rows("best-rule"),
    Mutant("fair-rule", INFO, "(tables + tables.flip(1) == 1)", "(tables == tables.flip(1))", "even rules for odd"),
    open_rows("fair-rule"),
    Mutant("chain", INFO, "far = slope ** (buffer + 1)", "far = slope ** (buffer + 2)", "a bond too far"),
    Mutant("neural-curve", DESCENT, "        optimizer.step()\n", "", "a network that is not trained"),
    Mutant("neural-curve", *HOT_CLUSTERS),
    Mutant(
        "neural-best",
        NEURAL,
        "(guess.log_softmax(1) - frequency.log())",
        "guess.log_softmax(1)",
        "the entropy of the block spin forgotten",
    ),
    Mutant("neural-best", *HOT_CLUSTERS),
    one_sided("flow-curve"),
    Mutant("flow-curve", MACHINES, "v = _draw(_draw(v @ W, rng) @ W.T, rng)", "v = _draw(v @ W @ W.T, rng)", "no h"),
    one_sided("flow-end"),
    Mutant(
        "taught-critical",
        MACHINES,
        "gradient = seen.T @ torch.tanh(seen @ W) / batch - v.T @",
        "gradient = seen.T @ torch.tanh(seen @ W) / batch - 0.95 * v.T @",
        "too weak a dream",
    ),
    Mutant("taught-critical", *HOT_CLUSTERS),
    Mutant("taught-mixture", MACHINES, "rate * min(1.0, 2 * (1 - t / n_steps))", "rate / 30", "training cut short"),
    Mutant("taught-mixture", *HOT_CLUSTERS),
    Mutant(
        "finer-chain",
        THERMO,
        "return K + math.log1p(math.sqrt(-math.expm1(-4 * K))) / 2",
        "return K / 2 + math.log1p(math.sqrt(-math.expm1(-2 * K))) / 2",
        "half the coupling",
    ),
    one_sided("hidden-chain"),
    Mutant("hidden-chain", THERMO, "return W * (one + one.roll(1, 0))", "return W * (one + one.roll(2, 0))", "far"),
]
