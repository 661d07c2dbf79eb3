"""Wrong physics for the chapter on where the flow loses."""

from tests.mutation import Mutant
from tests.neuralrg.learning import GAUSSIAN_ONLY, UNTRAINED

WEIGHING, COLLAPSE, DUAL, WALK = (
    f"fieldkit/neuralrg/{name}.py" for name in ("weighing", "collapse", "ising_dual", "annealing")
)

MUTANTS = [
    Mutant(
        "gap",
        "fieldkit/neuralrg/spectrum.py",
        "y + self.mean), half.sum().expand(len(x))",
        "y + self.mean), 2 * half.sum().expand(len(x))",
        "the volume counts twice",
    ),
    Mutant("worth", WEIGHING, "(m**2 / s).item()", "(m / s**0.5).item()", "ESS without its square"),
    Mutant(
        "half",
        "fieldkit/neuralrg/pointwise.py",
        "        y, slope = self._map(x)\n        return y, _per_field(slope.log())\n\n    def inverse",
        "        y, slope = self._map(x)\n        return y, 0 * _per_field(slope.log())\n\n    def inverse",
        "the scale of every site by itself is not counted",
    ),
    Mutant(
        "both-sides",
        COLLAPSE,
        "lambda w, inverse: 1 / (w * inverse), *size",
        "lambda w, inverse: w / w**2 / inverse**2, *size",
        "the two means are not normalised alike",
    ),
    Mutant(
        "law-affine",
        COLLAPSE,
        "log_w = (-target.action(x) - log_q).double()",
        "log_w = (-target.action(x) - log_q).double() / len(x[0])",
        "the weight of a column for that of a field",
    ),
    Mutant(
        "law-splines",
        COLLAPSE,
        "log_w = (-target.action(x) - log_q).double()",
        "log_w = (-target.action(x) - log_q).double() / len(x[0])",
        "the weight of a column for that of a field",
    ),
    Mutant("hands", *UNTRAINED),
    Mutant(
        "hands",
        "fieldkit/neuralrg/splines.py",
        "    inside = (x > -bound) & (x < bound)\n",
        "    inside = x > x + bound\n",
        "splines that never bend",
    ),
    Mutant(
        "walk",
        WALK,
        "change = dynamics.kinetic(last) - dynamics.kinetic(pi) + (1 - b) * (low - below) + b * (high - above)",
        "change = dynamics.kinetic(last) - dynamics.kinetic(pi) + (high - above)",
        "every move is accepted for the end of the walk",
    ),
    Mutant(
        "walk",
        WALK,
        "Between(start, end, b), x, pi",
        "Between(start, end, 0.0), x, -pi * 0",
        "momenta that are not drawn",
    ),
    Mutant(
        "jarzynski",
        WALK,
        "        b = k / n_steps\n",
        "        b = (k - 1) / n_steps\n",
        "the field moves under the law before the change",
    ),
    Mutant("cure", WALK, "yes = luck < torch.exp(-change)", "yes = luck < -1", "no move is ever accepted"),
    Mutant("pays", WALK, "yes = luck < torch.exp(-change)", "yes = luck < -1", "no move is ever accepted"),
    Mutant("praise", *UNTRAINED),
    Mutant("painter", *UNTRAINED),
    Mutant("painter", *GAUSSIAN_ONLY),
    Mutant("flow-energy", DUAL, "torch.sigmoid(2 * x)).to", "torch.sigmoid(x)).to", "x for 2x in a spin"),
    Mutant("hmc-energy", DUAL, "torch.sigmoid(2 * x)).to", "torch.sigmoid(x)).to", "x for 2x in a spin"),
    Mutant(
        "cluster-energy",
        "fieldkit/lattice/ising.py",
        "-math.expm1(-2 * beta)",
        "-math.expm1(-beta)",
        "too few bonds of a cluster",
    ),
]
