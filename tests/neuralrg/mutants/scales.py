"""Wrong physics for the chapter on what each scale has learned."""

from tests.mutation import Mutant

BLOCKS, MERA, INFORMATION, EXACT, WEIGHING = (
    f"fieldkit/neuralrg/{name}.py" for name in ("blocks", "mera", "information", "ising_dual_exact", "weighing")
)

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
        "fine-power",
        EXACT,
        "return torch.fft.ifftn(K + K.square() * spins",
        "return torch.fft.ifftn(K.square() * spins",
        "the field's own noise is left out",
    ),
    Mutant(
        "coarse-power",
        WEIGHING,
        "*blocked(n_blocks, w, w * values.to(w)))",
        "*blocked(n_blocks, 1 + 0 * w, values.to(w)))",
        "the weights are left out",
    ),
    Mutant(
        "neighbours",
        "book/neuralrg/scales.md",
        "a, b = z[:, 1::2, 1::2], z[:, 1::2, ::2]",
        "a, b = x[:, 1::2, 1::2], x[:, 1::2, ::2]",
        "the field in place of what it leaves behind",
    ),
    Mutant(
        "squares",
        WEIGHING,
        "*blocked(n_blocks, w, w * values.to(w)))",
        "*blocked(n_blocks, w, values.to(w) / w))",
        "the weight is upside down",
    ),
]
