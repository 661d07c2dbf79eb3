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
        "free-matrix",
        "fieldkit/lattice/free.py",
        "amplitude = _positive(mass2, momentum",
        "amplitude = _positive(mass2 / 2, momentum",
        "the mass term of the field lacks its half",
    ),
    Mutant(
        "free-matrix",
        BLOCKS,
        "[[1.0, -1.0], [1.0, 1.0]]",
        "[[1.0, 1.0], [1.0, -1.0]]",
        "differences go on to the next level",
    ),
    Mutant(
        "free-matrix",
        INFORMATION,
        "psi = psi + digamma(within)",
        "psi = psi + digamma(within + 1)",
        "a pair counts itself twice among its neighbours",
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
    Mutant("smooth", *UNTRAINED),
    Mutant(
        "smooth",
        "fieldkit/neuralrg/spectrum.py",
        "y = acceleration.filtered(x, half.exp())",
        "y = acceleration.filtered(x, (-half).exp())",
        "towards the field the waves are divided by their power",
    ),
    Mutant("information", *UNTRAINED),
    Mutant("information", *GAUSSIAN_ONLY),
    Mutant(
        "information",
        MERA,
        "sites = torch.stack(blocks.corners(y, shift=1))\n",
        "sites = torch.stack(blocks.corners(y, shift=0))\n",
        "on the way back the blocks are not those of the way there",
    ),
    Mutant("mean", *UNTRAINED),
    Mutant("mean", *GAUSSIAN_ONLY),
]
