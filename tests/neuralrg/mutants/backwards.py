"""Wrong physics for the chapter on the renormalisation group read backwards."""

from tests.mutation import Mutant
from tests.neuralrg.learning import GAUSSIAN_ONLY, UNTRAINED

BLOCKS, MERA, DUAL = (f"fieldkit/neuralrg/{name}.py" for name in ("blocks", "mera", "ising_dual"))

MUTANTS = [
    Mutant(
        "block-spin",
        BLOCKS,
        "[[1.0, -1.0], [1.0, 1.0]]",
        "[[1.0, 1.0], [1.0, -1.0]]",
        "differences go on to the next level",
    ),
    Mutant(
        "round-trip",
        MERA,
        "return blocks.lattice(list(amplitudes), shift=1), -self._log_det(y)",
        "return blocks.lattice(list(amplitudes), shift=0), -self._log_det(y)",
        "blocks are not shifted on the way back",
    ),
    Mutant(
        "local",
        MERA,
        "for shift in (1, 0)])",
        "for shift in (1, 1)])",
        "disentanglers on the blocks of the decimators, so that nothing crosses their borders",
    ),
    Mutant("levels", *UNTRAINED),
    Mutant(
        "levels",
        MERA,
        "return (self.scale.sum() * (x[0].numel() / self.scale.numel())).expand(len(x))",
        "return self.scale.sum().expand(len(x))",
        "the scales of a level count once, and not once a block",
    ),
    Mutant("gap", *UNTRAINED),
    Mutant("gap", *GAUSSIAN_ONLY),
    Mutant("finest", *UNTRAINED),
    Mutant("finest", *GAUSSIAN_ONLY),
    Mutant(
        "finest",
        DUAL,
        "+ acceleration.filtered(white, K.sqrt())",
        "+ 0.5 * acceleration.filtered(white, K.sqrt())",
        "fields are drawn with half their own noise",
    ),
    Mutant("critical", *UNTRAINED),
    Mutant("critical", *GAUSSIAN_ONLY),
    Mutant(
        "eta",
        "fieldkit/lattice/ising.py",
        "-math.expm1(-2 * beta)",
        "-math.expm1(-beta)",
        "too few bonds of a cluster",
    ),
    Mutant(
        "eta",
        BLOCKS,
        "[[1.0, -1.0], [1.0, 1.0]]",
        "[[1.0, 1.0], [1.0, -1.0]]",
        "differences go on to the next level",
    ),
    Mutant("temperatures", *UNTRAINED),
]
