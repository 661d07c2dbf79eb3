"""Wrong physics for the chapter on the walk in latent space."""

from tests.mutation import Mutant
from tests.neuralrg.learning import GAUSSIAN_ONLY, UNTRAINED

DYNAMICS, LATENT, WEIGHING = (
    "fieldkit/lattice/dynamics.py",
    "fieldkit/neuralrg/latent.py",
    "fieldkit/neuralrg/weighing.py",
)

MUTANTS = [
    Mutant(
        "physical-tau",
        DYNAMICS,
        "for remaining in reversed(range(n_leapfrog)):",
        "for remaining in reversed(range(n_leapfrog - 1)):",
        "the leapfrog is one step short",
    ),
    Mutant(
        "latent-tau",
        "fieldkit/neuralrg/spectrum.py",
        "power.flatten().log().to(start))",
        "power.flatten().log().to(start) / 2)",
        "the spectrum is half flattened",
    ),
    Mutant(
        "acceptance",
        WEIGHING,
        "luck[:, t] < log_weight[:, t] - held",
        "luck[:, t] < log_weight[:, t] - log_weight[:, t - 1]",
        "a proposal is judged against the last proposal and not against the present",
    ),
    Mutant("flat", *UNTRAINED),
    Mutant("flat", *GAUSSIAN_ONLY),
    Mutant(
        "force",
        LATENT,
        "        (gradient,) = torch.autograd.grad(self._action(z).sum(), z)",
        "        (gradient,) = torch.autograd.grad(self.target.action(self.flow(z)[0]).sum(), z)",
        "the determinant is forgotten in the force",
    ),
    Mutant(
        "latent-chi",
        LATENT,
        "return self.target.action(x) - log_det",
        "return self.target.action(x)",
        "the determinant is forgotten in the energy",
    ),
    Mutant(
        "creutz",
        DYNAMICS,
        "return white if inverse_mass is None else",
        "return 0.9 * white if inverse_mass is None else",
        "momenta are too cold",
    ),
    Mutant(
        "physical-chi",
        "fieldkit/lattice/phi4.py",
        "(d + 0.5 * self.mass2)",
        "(d + 0.55 * self.mass2)",
        "a mass term that is a tenth too large",
    ),
    Mutant(
        "magnets",
        "fieldkit/neuralrg/ising_dual.py",
        "return self.kernel(device=x.device).reciprocal()",
        "return 1.1 * self.kernel(device=x.device).reciprocal()",
        "the quadratic part ten per cent too stiff",
    ),
    Mutant("gain", *UNTRAINED, refuses="no window among"),
]
