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
        ".query(np.stack([u, v], 1), k + 1, p=np.inf)",
        ".query(np.stack([u, v], 1), k, p=np.inf)",
        "a pair counts as its own neighbour",
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
    Mutant("mean", *UNTRAINED),
    Mutant("mean", *GAUSSIAN_ONLY),
]
