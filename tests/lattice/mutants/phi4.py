"""Wrong physics for the chapter on the interacting field."""

from tests.mutation import Mutant

HMC, DYNAMICS = "fieldkit/lattice/hmc.py", "fieldkit/lattice/dynamics.py"
PHI4 = "fieldkit/lattice/phi4.py"
FREE = "fieldkit/lattice/free.py"
CHAPTER = "book/lattice/phi4.md"

ACCEPT = "accepted = uniform < torch.exp(-delta_h)"
WRAP = "density.narrow(axis, last, 1).addcmul_(phi.narrow(axis, last, 1), phi.narrow(axis, 0, 1), value=-1)"

MUTANTS = [
    Mutant("squares", PHI4, "value=-1)\n            density.narrow(axis, last, 1)",
           "value=-0.5)\n            density.narrow(axis, last, 1)", "inner springs of half strength"),
    Mutant("squares", DYNAMICS, "return 0.5 * _sum(pi * velocity", "return _sum(pi * velocity",
           "kinetic without its half"),
    Mutant("square-4", PHI4, "(d + 0.5 * self.mass2)", "(d + self.mass2)", "mass term of the action without its half"),
    Mutant("not-gaussian", PHI4, "+ self.coupling * square)\n        for", "+ self.coupling * square**2)\n        for",
           "phi^6 in the action"),
    Mutant("susceptibility", PHI4, WRAP, "pass", "the lattice is open in the action, a ring in the force"),
    Mutant("order", PHI4, "(d + 0.5 * self.mass2)", "(d + 0.5 * abs(self.mass2))", "the hill read as a valley"),
    Mutant("order", HMC, ACCEPT, "accepted = delta_h < math.inf", "no accept step"),
    Mutant("ring", PHI4, "+ self.coupling * square)\n        for", "+ 0.25 * self.coupling * square)\n        for",
           "the coupling of papers that write lambda/4"),
    Mutant("vertex", FREE, "4 * torch.sin(half).square()", "4 * half.square()", "continuum momentum in the propagator"),
    Mutant("identity-2d", HMC, ACCEPT, "accepted = delta_h < math.inf", "no accept step"),
    Mutant("identity-2d", HMC, "kinetic(new_pi, inverse_mass) + new_potential - before", "new_potential - before",
           "momenta forgotten in the energy of the new state"),
    Mutant("identity-3d", PHI4, "return (2 * d + self.mass2) * phi2", "return (4 + self.mass2) * phi2",
           "four neighbours in every dimension"),
    Mutant("second-order", DYNAMICS, "step if remaining else step / 2)", "step)", "last half kick is a whole one"),
    Mutant("second-order", PHI4, "value=-4 * self.coupling", "value=-2 * self.coupling", "force 2 lambda phi^3"),
    Mutant("creutz", HMC, "kinetic(pi, inverse_mass) + potential", "0.5 * kinetic(pi, inverse_mass) + potential",
           "half of the old kinetic energy"),
    Mutant("acceptance", HMC, ACCEPT, "accepted = uniform < 1 / (1 + torch.exp(delta_h))",
           "heat-bath acceptance: the right law, at another rate"),
    Mutant("cured", CHAPTER, "hmc.run(deep, freed, step_size=step", "hmc.run(deep, hot, step_size=0.2",
           "hot start, step never tuned"),
]  # fmt: skip
