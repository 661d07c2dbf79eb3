"""Wrong physics for the chapter on skip connections and normalisation."""

from tests.mutation import Mutant

RESIDUAL, BATCH = "fieldkit/propagation/residual.py", "fieldkit/propagation/batch_norm.py"
NORMS = "fieldkit/propagation/normalisation.py"

MUTANTS = [
    Mutant(
        "relu-length",
        RESIDUAL,
        "rows = block.skip * skipped + _weigh",
        "rows = _weigh",
        "the wire is cut",
    ),
    Mutant(
        "relu-gradient",
        RESIDUAL,
        "rows = block.skip * skipped + _weigh",
        "skipped[:, 2:] = 0\n        rows = block.skip * skipped + _weigh",
        "the wire is forgotten on the way back",
    ),
    Mutant(
        "tanh-length",
        RESIDUAL,
        "p = kept * p + block.sv2 * square.item()",
        "p = kept * p + block.sv2 * square.sqrt().item()",
        "lengths add without a square",
    ),
    Mutant(
        "tanh-gradient",
        RESIDUAL,
        "block.sv2 * block.sw2 * slope.item()",
        "block.sv2 * block.sw2 * slope.sqrt().item()",
        "the slope enters without its square",
    ),
    Mutant(
        "tanh-length",
        RESIDUAL,
        "rows = block.skip * skipped + _weigh",
        "rows = 0.98 * block.skip * skipped + _weigh",
        "a wire with losses",
    ),
    Mutant(
        "tanh-gradient",
        RESIDUAL,
        "derivative(u[:, :1]) * u[:, 2:]",
        "derivative(u[:, :1]).sqrt() * u[:, 2:]",
        "a push that meets the root of the slope",
    ),
    Mutant(
        "growths",
        RESIDUAL,
        "derivative(u[:, :1]) * u[:, 2:]",
        "derivative(u[:, :1]).sqrt() * u[:, 2:]",
        "a push that meets the root of the slope",
    ),
    Mutant(
        "growths",
        BATCH,
        "v = math.sqrt(B) / length * (v - u * (u * v).sum(1, keepdim=True))",
        "v = math.sqrt(B) / length * v",
        "the spread is treated as a constant",
    ),
    Mutant(
        "linear-batch",
        BATCH,
        "v = math.sqrt(B) / length * (v - u * (u * v).sum(1, keepdim=True))",
        "v = math.sqrt(B) / length * v",
        "the spread is treated as a constant",
    ),
    Mutant(
        "euler",
        RESIDUAL,
        "return torch.log1p(products / 2).cumsum(0)",
        "return torch.log1p(products).cumsum(0)",
        "the silent half of the neurons counts",
    ),
    Mutant(
        "linear-batch",
        BATCH,
        "return (_batch(B) - 2) / (B - 3)",
        "return (_batch(B) - 1) / (B - 3)",
        "one dimension too many",
    ),
    Mutant(
        "relu-batch",
        BATCH,
        "v = math.sqrt(B) / length * (v - u * (u * v).sum(1, keepdim=True))",
        "v = math.sqrt(B) / length * v",
        "the spread is treated as a constant",
    ),
    Mutant(
        "large-batch",
        BATCH,
        "((B - 1) * (B - 3) * (0.5 - K_ij))",
        "((B - 1) * (B - 3) * 0.5)",
        "the mean over the batch is not subtracted from the spread",
    ),
    Mutant(
        "both",
        NORMS,
        "rows = rows + fresh if wire and block > 0 else fresh",
        "rows = fresh",
        "the wire is cut",
    ),
    Mutant(
        "batch-beside",
        NORMS,
        "rows = rows + fresh if wire and block > 0 else fresh",
        "rows = fresh",
        "the wire is cut",
    ),
    Mutant(
        "batch-beside",
        NORMS,
        "return _normalised(h, v, 1)",
        "return _normalised(h, v, 2)",
        "the neurons normalised in place of the batch",
    ),
]
