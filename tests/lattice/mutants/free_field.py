"""Wrong physics for the chapter on the free field."""

from tests.mutation import Mutant

FREE, EXACT = "fieldkit/lattice/free.py", "fieldkit/lattice/free_exact.py"

DRAW = "((n,) + (L,) * d, generator=rng, device=rng.device, dtype=torch.float64)"

MUTANTS = [
    Mutant("site-variance", FREE, ").rsqrt()", ").reciprocal()", "noise coloured by the propagator, not by its root"),
    Mutant("neighbours", FREE, "4 * torch.sin(half).square()", "4 * half.square()", "continuum momentum"),
    Mutant("stiffness", FREE, "4 * torch.sin(half).square()", "4 * half.square()", "continuum momentum"),
    Mutant("mass-from-waves", FREE, "return p2 + mass2", "return p2 + mass2**0.5", "the mass for its square"),
    Mutant("waves", FREE, "4 * torch.sin(half).square()", "4 * half.square()", "continuum momentum"),
    Mutant("ring", FREE, ").rsqrt()", ").rsqrt() * 2**0.5", "an action without its half"),
    Mutant("cube", FREE, "total = total[..., None] + one", "total = total[..., None] + 0 * one", "springs on one axis"),
    Mutant("correlation-length", FREE, "(4 * math.sin(math.pi / L) ** 2)", "(2 * math.pi / L) ** 2", "continuum p_min"),
    Mutant("light-gap", FREE, "correlator(slices.mean(-1))", "correlator(slices[..., 0])", "a line for a slice"),
    Mutant("mass-gap", EXACT, "return 2 * math.asinh(math.sqrt(mass2) / 2)", "return math.sqrt(mass2)", "E = m"),
    Mutant("mass-gap", FREE, "correlator(slices.mean(-1))", "correlator(slices[..., 0])", "a line for a slice"),
    Mutant("slices", FREE, "correlator(slices.mean(-1))", "correlator(slices[..., 0])", "a line for a slice"),
    Mutant("push", FREE, ").rsqrt()", ").reciprocal()", "noise coloured by the propagator, not by its root"),
    Mutant("pairs", FREE, "torch.randn" + DRAW, f"12**0.5 * (torch.rand{DRAW} - 0.5)", "noise that is no Gaussian"),
    Mutant("corner", FREE, "modes[0] = math.sqrt(1 / L)", "modes[0] = math.sqrt(2 / L)", "constant mode too tall"),
    Mutant("centre", FREE, "k[:, None] * (k + 0.5)", "k[:, None] * k", "standing waves with a crest on the first site"),
    Mutant("equipartition", FREE, "total + 0.5 * step.square()", "total + step.square()", "springs without their half"),
]
