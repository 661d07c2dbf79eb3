"""Wrong physics for the chapter on drawing fields."""

from tests.mutation import Mutant
from tests.neuralrg.learning import GAUSSIAN_ONLY, UNTRAINED

DUAL, EXACT = "fieldkit/neuralrg/ising_dual.py", "fieldkit/neuralrg/ising_dual_exact.py"
COUPLINGS, SPECTRUM, WEIGHING = (f"fieldkit/neuralrg/{name}.py" for name in ("couplings", "spectrum", "weighing"))
SPLINES, PAGE = "fieldkit/neuralrg/splines.py", "book/neuralrg/drawing.md"
TWICE = (
    SPECTRUM,
    "y + self.mean), half.sum().expand(len(x))",
    "y + self.mean), 2 * half.sum().expand(len(x))",
    "every wave counts twice, as power and not as amplitude",
)

MUTANTS = [
    Mutant(
        "by-hand",
        PAGE,
        "pull = (x - mu) / sigma**2 - z * (-s).exp()",
        "pull = (x - mu) / sigma**2",
        "the score of the flow's own density is left out of the pull",
    ),
    Mutant(
        "by-hand",
        PAGE,
        "- math.log(2 * math.pi) / 2 - s\n",
        "- math.log(2 * math.pi) / 2 + s\n",
        "the stretch makes the density larger",
    ),
    Mutant(
        "dual-z",
        EXACT,
        "math.log(2 * math.pi) / 2 - math.log(2)) + log_det / 2",
        "math.log(2 * math.pi) / 2) + log_det / 2",
        "the factor one half of every spin sum is forgotten",
    ),
    Mutant(
        "dual-z",
        DUAL,
        "return size + torch.log1p(torch.exp(-2 * size)) - math.log(2)",
        "return size + torch.log1p(torch.exp(-2 * size))",
        "cosh without its half",
    ),
    Mutant(
        "volume",
        COUPLINGS,
        "            b, log_det = b * s.exp() + t, log_det + over_blocks(s)\n            x = whole",
        "            b, log_det = b * s.exp() + t, log_det\n            x = whole",
        "the volume of one colour is not counted",
    ),
    Mutant("free-field", *TWICE),
    Mutant("free-field", *UNTRAINED),
    Mutant("learned", *UNTRAINED),
    Mutant("learned", *GAUSSIAN_ONLY),
    Mutant(
        "log-z",
        WEIGHING,
        "return Estimate((w.mean().log() + top).item() + r * r / 2, r)",
        "return -free_energy(log_weight)",
        "the bound is taken for ln Z",
    ),
    Mutant("critical", *UNTRAINED),
    Mutant("critical", *GAUSSIAN_ONLY),
    Mutant("bound", *TWICE),
    Mutant(
        "bound",
        EXACT,
        "math.log(2 * math.pi) / 2 - math.log(2)) + log_det / 2",
        "math.log(2 * math.pi) / 2 - math.log(2)) - log_det / 2",
        "the determinant of K on the wrong side of the line",
    ),
    Mutant(
        "retouched",
        DUAL,
        "return self.kernel(device=x.device).reciprocal()",
        "return 1.1 * self.kernel(device=x.device).reciprocal()",
        "the quadratic part ten per cent too stiff",
    ),
    Mutant(
        "splines",
        SPLINES,
        "    inside = (x > -bound) & (x < bound)\n",
        "    inside = x > x + bound\n",
        "splines that never bend",
    ),
    Mutant("splines", *UNTRAINED),
]
