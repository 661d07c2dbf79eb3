"""Wrong spectra and wrong training for the chapter on trained weights."""

from tests.mutation import Mutant

CHAPTER = "book/rg/weights.md"
BLOCKING, SPECTRA, MONITOR, MARCHENKO = (
    f"fieldkit/rg/{name}.py" for name in ("blocking", "spectra", "monitor", "marchenko_pastur")
)
FREE = "fieldkit/lattice/free.py"
TRAINING = "fieldkit/propagation/training.py"

MUTANTS = [
    Mutant(
        "half",
        BLOCKING,
        "return _block_sum(field, b) * b ** (field_dimension - (field.dim() - 1))",
        "return _block_sum(field, b) * b ** (field_dimension - (field.dim() - 2))",
        "weights in a row only",
    ),
    Mutant(
        "half", CHAPTER, "steps = [uniform.double().cpu()]", "steps = [uniform.double().cpu().cumsum(1)]", "a field"
    ),
    Mutant(
        "gauss",
        BLOCKING,
        "return _block_sum(field, b) * b ** (field_dimension - (field.dim() - 1))",
        "return maximum(field, b=b)",
        "the largest of four in place of their mean",
    ),
    Mutant(
        "mass",
        BLOCKING,
        "return _block_sum(field, b) * b ** (field_dimension - (field.dim() - 1))",
        "return _block_sum(field, b) * b ** (field_dimension - (field.dim() - 2))",
        "a dimension of the field that it does not have",
    ),
    Mutant("mass", CHAPTER, "zero_mode = mean(64 *", "zero_mode = mean(256 *", "the old unit of length"),
    Mutant("place", SPECTRA, "theta * n**0.5 * u @ v.mT)", "theta * n**0.4 * u @ v.mT)", "a strength that fades"),
    Mutant(
        "place",
        MARCHENKO,
        "if _square(theta) ** 2 <= beta:",
        "if _square(theta) ** 2 <= 20 * beta:",
        "a threshold too high",
    ),
    Mutant("overlap", SPECTRA, "(U[:, :, :1] * u)", "(U[:, :, 1:2] * u)", "the second vector"),
    Mutant("overlap", SPECTRA, ".sum((1, 2)).square()", ".sum((1, 2)).abs()", "an overlap that is not squared"),
    Mutant(
        "spikes",
        TRAINING,
        "        moves = {name: rule(g, state",
        "        gradient = {name: 0 * g for name, g in gradient.items()}\n        moves = {name: rule(g, state",
        "networks that learn nothing",
    ),
    Mutant("spikes", SPECTRA, "return noise(W) * (root**2", "return 2 * noise(W) * (root**2", "an edge twice too far"),
    Mutant(
        "balance",
        MONITOR,
        'weights[1:] / (weights[:-1] + grown["bias"])',
        "weights[1:] / weights[:-1]",
        "biases are forgotten",
    ),
    Mutant("start", MONITOR, "phi.derivative(z.double()).square()", "phi.derivative(z.double())", "slopes not squared"),
    Mutant(
        "start",
        TRAINING,
        '"bias": spread * normal(depth, n, 1, width),',
        '"bias": 0 * spread * normal(depth, n, 1, width),',
        "no biases",
    ),
    Mutant(
        "index",
        MONITOR,
        "return size.std(0, correction=0) / size.mean(0)",
        "return size.std(0, correction=0)",
        "a spread in the units of the weights",
    ),
    Mutant(
        "nothing",
        MONITOR,
        "return size.std(0, correction=0) / size.mean(0)",
        "return -(size.mean(0) / 0.167).log().abs()",
        "an index that knows how far the gain is from the critical one",
    ),
]
