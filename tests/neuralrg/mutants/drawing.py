"""Wrong physics for the chapter on drawing fields."""

from tests.mutation import Mutant
from tests.neuralrg.learning import GAUSSIAN_ONLY, UNTRAINED

DUAL, EXACT = "fieldkit/neuralrg/ising_dual.py", "fieldkit/neuralrg/ising_dual_exact.py"
COUPLINGS, SPECTRUM, WEIGHING = (f"fieldkit/neuralrg/{name}.py" for name in ("couplings", "spectrum", "weighing"))

MUTANTS = [
    Mutant(
        "dual-z",
        EXACT,
        "math.log(2 * math.pi) / 2 - math.log(2)) + log_det / 2",
        "math.log(2 * math.pi) / 2) + log_det / 2",
        "the factor one half of every spin sum is forgotten",
    ),
    Mutant(
        "volume",
        COUPLINGS,
        "            b, log_det = b * s.exp() + t, log_det + _over_blocks(s)\n            x = _whole",
        "            b, log_det = b * s.exp() + t, log_det\n            x = _whole",
        "the volume of one colour is not counted",
    ),
    Mutant(
        "free-field",
        SPECTRUM,
        "y + self.mean), half.sum().expand(len(x))",
        "y + self.mean), 2 * half.sum().expand(len(x))",
        "every wave counts twice, as power and not as amplitude",
    ),
    Mutant(
        "log-z",
        WEIGHING,
        "return Estimate((w.mean().log() + top).item() + r * r / 2, r)",
        "return -free_energy(log_weight)",
        "the bound is taken for ln Z",
    ),
    Mutant("learned", *UNTRAINED),
    Mutant("learned", *GAUSSIAN_ONLY),
    Mutant("critical", *UNTRAINED),
    Mutant("critical", *GAUSSIAN_ONLY),
    Mutant(
        "bound",
        COUPLINGS,
        "            b, log_det = b * s.exp() + t, log_det + _over_blocks(s)\n            x = _whole",
        "            b, log_det = b * s.exp() + t, log_det\n            x = _whole",
        "the volume of one colour is not counted",
    ),
    Mutant(
        "bound",
        EXACT,
        "math.log(2 * math.pi) / 2 - math.log(2)) + log_det / 2",
        "math.log(2 * math.pi) / 2 - math.log(2)) - log_det / 2",
        "the determinant of K on the wrong side of the line",
    ),
    Mutant("free-field", *UNTRAINED),
    Mutant(
        "metropolis",
        DUAL,
        "torch.sigmoid(2 * x)).to(torch.int8)",
        "torch.sigmoid(x)).to(torch.int8)",
        "x for 2x in a spin",
    ),
    Mutant(
        "metropolis",
        WEIGHING,
        "accepted[:, t] = luck[:, t] < log_weight[:, t] - held",
        "accepted[:, t] = luck[:, t] < held - log_weight[:, t]",
        "the ratio is upside down",
    ),
    Mutant(
        "free-energy",
        "fieldkit/neuralrg/flows.py",
        "return self.prior.log_prob(z) + log_det",
        "return self.prior.log_prob(z) - log_det",
        "the way back with the determinant of the way there",
    ),
]
