"""Wrong physics for the chapter on what each scale has learned."""

from tests.mutation import Mutant
from tests.neuralrg.learning import GAUSSIAN_ONLY, UNTRAINED

BLOCKS, MERA, INFORMATION = (f"fieldkit/neuralrg/{name}.py" for name in ("blocks", "mera", "information"))

MUTANTS = [
    Mutant("orthonormal", BLOCKS, "basis / 2 ** (d / 2)", "basis / 2**d", "wavelets have the wrong length"),
    Mutant(
        "columns",
        MERA,
        "return self._put(x, coarse), log_det\n\n    def inverse",
        "return self._put(x, coarse), log_det / self.stride\n\n    def inverse",
        "the volume of coarse levels counts less",
    ),
    Mutant(
        "gaussian-pair",
        INFORMATION,
        "return estimates.mean(torch.tensor(found, dtype=torch.float64))",
        "return estimates.mean(torch.tensor(found, dtype=torch.float64) / 0.6931)",
        "bits for nats",
    ),
    Mutant(
        "block-pair",
        "book/neuralrg/scales.md",
        "blocks[:, 0, 0], blocks[:, 0, 2])",
        "blocks[:, 0, 1], blocks[:, 0, 3])",
        "differences for block spins",
    ),
    Mutant(
        "block-pair",
        "fieldkit/lattice/free.py",
        "amplitude = _positive(mass2, momentum",
        "amplitude = _positive(mass2 / 2, momentum",
        "the mass term of the field lacks its half",
    ),
    Mutant("painter", *UNTRAINED),
    Mutant("painter", *GAUSSIAN_ONLY),
    Mutant("sizes", *UNTRAINED),
    Mutant("sizes", *GAUSSIAN_ONLY),
    Mutant("information", *UNTRAINED),
    Mutant(
        "information",
        MERA,
        "sites = torch.stack(blocks.corners(y, shift=1))\n",
        "sites = torch.stack(blocks.corners(y, shift=0))\n",
        "on the way back the blocks are not those of the way there",
    ),
]
