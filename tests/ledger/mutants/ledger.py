"""Wrong physics for the page that weighs the literature: one mutant for each kind of computation behind its rows."""

from tests.mutation import Mutant

PAGE = "book/ledger.md"
EXACT, BULK = "fieldkit/lattice/ising_exact.py", "fieldkit/lattice/onsager_exact.py"
ISING = "fieldkit/lattice/ising.py"
GAUSS = "fieldkit/propagation/gaussian.py"
PHI4 = "fieldkit/lattice/phi4.py"
BATCH = "fieldkit/propagation/batch_norm.py"
CRITICAL = "fieldkit/propagation/criticality.py"

KAUFMAN = ["ising-cold", "ising-critical", "ising-large", "ising-larger", "ising-warm", "ising-hot", "ising-states"]
DENSITY = [
    "gain-relu", "gain-gelu", "gain-silu", "gain-tanh", "gain-sigmoid", "gain-elu", "gain-celu", "gain-selu",
    "rms-silu", "rms-gelu", "selu-mean", "selu-variance", "grid-tanh", "grid-relu-8", "grid-relu-20", "grid-relu-100",
]  # fmt: skip

HALF_STABLE = ["gelu-weights", "gelu-bias", "swish-weights", "swish-bias"]
OSCILLATOR = ["oscillator-weak", "oscillator", "oscillator-strong", "oscillator-second", "oscillator-fourth"]
FIELD = [
    "field-action", "field-size", "field-action-later", "field-size-later", "field-susceptibility", "field-binder",
]  # fmt: skip

MUTANTS = [
    *(Mutant(name, EXACT, "(L * M / 2 - 1) * math.log(2)", "L * M / 2 * math.log(2)", "half a Z forgotten")
      for name in KAUFMAN),
    Mutant("ising-hot", EXACT, "torch.log(torch.tanh(K)))", "torch.log(torch.tanh(K))).abs()",
           "gamma_0 positive at every temperature, as in the program behind the table"),
    Mutant("dual-shift", "fieldkit/neuralrg/ising_dual_exact.py", "+ log_det / 2", "+ log_det",
           "the determinant without its root"),
    *(Mutant(name, BULK, "integral / math.pi)", "integral / (2 * math.pi))", "the mean over twice the quarter turn")
      for name in ("ising-bulk", "ising-bulk-beta", "ising-bulk-digits")),
    Mutant("ising-temperature", ISING, "T_CRITICAL = 2 / math.log", "T_CRITICAL = 1 / math.log", "J of half its size"),
    Mutant("ising-energy", BULK, "return -2 * tanh * (", "return -(", "coth 2K forgotten"),
    Mutant("ising-zero-energy", ISING, "(spins.roll(-1, 1) + spins.roll(-1, 2))",
           "(spins.roll(-1, 1) + spins.roll(1, 1))",
           "two neighbours on one axis"),
    Mutant("binder-torus", "fieldkit/lattice/ising_moments.py", "math.exp(-2 / T)", "math.exp(-1 / T)",
           "a broken bond costs half"),
    Mutant("length-torus", "fieldkit/rg/torus_exact.py", "near = (_slope() / _theta(1, z).abs()) ** 0.25",
           "near = (_slope() / _theta(1, z).abs()) ** 0.5", "eta = 1/2"),
    *(Mutant(name, "fieldkit/lattice/oscillator.py", "coupling * (x @ x @ x @ x)", "coupling * (x @ x @ x @ x) / 4",
             "the coupling of papers that write lambda/4") for name in OSCILLATOR),
    Mutant("watson", "fieldkit/lattice/infinite.py", "    z = 2 * t\n", "    z = t\n", "the walker at half speed"),
    *(Mutant(name, PHI4, "(d + 0.5 * self.mass2)", "(d + self.mass2)", "mass term of the action without its half")
      for name in FIELD if "action" in name),
    *(Mutant(name, PHI4, "return square * (0.5 * self.mass2 + self.coupling",
           "return square * (self.mass2 + self.coupling",
             "mass term of the potential without its half") for name in FIELD if "action" not in name),
    *(Mutant(name, GAUSS, "torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)",
             "torch.exp(-z.square()) / math.sqrt(math.pi)", "the weight of the physicists' Hermite polynomials")
      for name in DENSITY),
    *(Mutant(name, CRITICAL, "return q, 1 / slope, q - square / slope", "return q, 1 / slope**0.5, q - square",
             "sigma_w for its square") for name in HALF_STABLE),
    Mutant("grid-example", PAGE, "sw2=1.79, sb2=0.83\n", "sw2=1.79**0.5, sb2=0.83**0.5\n", "deviations for variances"),
    Mutant("grid-example", "fieldkit/propagation/closed_forms.py", "return self.mean * q,", "return 2 * self.mean * q,",
           "both half lines of ReLU"),
    Mutant("batch-linear", BATCH, "return (_batch(B) - 2)", "return (_batch(B) - 1)",
           "B - 1 directions kept, not B - 2"),
    *(Mutant(name, BATCH, "(B - 3) * (0.5 - K_ij))", "(B - 3) * 0.5)", "a square that is not centred over the batch")
      for name in ("batch-relu", "batch-length")),
    Mutant("batch-relu-large", BATCH, "(activation(x) - mean).square()", "activation(x).square()",
           "mean not subtracted"),
    *(Mutant(name, BATCH, "activation(a).square() - activation(a) * activation(b)", "activation(a).square()",
             "a square that is not centred over the batch") for name in ("batch-tanh-8", "batch-tanh-16")),
    Mutant("kernel-moments", "fieldkit/propagation/finite_width_exact.py", "return _power(5,", "return _power(2,",
           "the fourth moment of a linear layer"),
    Mutant("relu-bias", PAGE, "    None,\n", "    0.0,\n", "the readme taken at its word"),
    Mutant("migdal", "fieldkit/rg/migdal_kadanoff.py",
           "K, moved = given.doubles(K), maps.scale(b) ** (_dimension(d) - 1)",
           "K, moved = given.doubles(K), maps.scale(b) ** _dimension(d)", "b^d bonds moved, as if they were sites"),
    Mutant("flow-magnet", ISING, "-math.expm1(-2 * beta)", "-math.expm1(-beta)", "bonds of half the strength"),
    Mutant("hopfield", "fieldkit/transitions/capacity.py", "- 2 / math.sqrt(math.pi) * math.exp",
           "- 1 / math.sqrt(math.pi) * math.exp", "the slope of erf without its two"),
]  # fmt: skip
