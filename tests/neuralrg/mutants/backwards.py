"""Wrong physics for the chapter on the renormalisation group read backwards."""

from tests.mutation import Mutant

BLOCKS, MERA, POINTWISE, DUAL, WEIGHING = (
    f"fieldkit/neuralrg/{name}.py" for name in ("blocks", "mera", "pointwise", "ising_dual", "weighing")
)

MUTANTS = [
    Mutant("rotation", BLOCKS, "basis / 2 ** (d / 2)", "basis / 2**d", "the Haar matrix is not normalised"),
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
        "log-z",
        MERA,
        "return self._put(x, coarse), log_det\n\n    def inverse",
        "return self._put(x, coarse), 0 * log_det\n\n    def inverse",
        "the volume of every level is lost",
    ),
    Mutant(
        "energy",
        POINTWISE,
        "        y, slope = self._map(x)\n        return y, _per_field(slope.log())\n\n    def inverse",
        "        y, slope = self._map(x)\n        return y, 0 * _per_field(slope.log())\n\n    def inverse",
        "a monotone map without its slope",
    ),
    Mutant(
        "zero-mode",
        "fieldkit/neuralrg/ising_dual_exact.py",
        "return K0 + K0**2 * theory.volume",
        "return K0**2 * theory.volume",
        "the field's own noise is left out of the longest wave",
    ),
    Mutant(
        "finest-noise",
        DUAL,
        "+ acceleration.filtered(white, K.sqrt())",
        "+ 0.5 * acceleration.filtered(white, K.sqrt())",
        "fields are drawn with half their own noise",
    ),
    Mutant(
        "coarsest-noise",
        WEIGHING,
        "return jackknife(lambda m, weighted: weighted / m, *blocked(n_blocks, w, w * values.to(w)))",
        "return jackknife(lambda m, weighted: weighted / m, *blocked(n_blocks, 1 + 0 * w, values.to(w)))",
        "the weights are left out",
    ),
]
