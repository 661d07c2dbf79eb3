"""Wrong neurons, wrong springs, wrong filters: each must break the claim it stands for."""

from tests.mutation import Mutant

NEURON, LAYERS, FREE = (f"fieldkit/lattice/{name}.py" for name in ("neuron", "layers", "free"))
CHAPTER = "book/lattice/neurons.md"

MUTANTS = [
    Mutant(
        "mass",
        NEURON,
        "return 1 / slope_of(activation, h)",
        "return slope_of(activation, h)",
        "V'' = f' in place of 1/f'",
    ),
    Mutant("mass", NEURON, "math.inf, phi.square() / 2)", "math.inf, phi.square())", "the ReLU parabola lacks its 1/2"),
    Mutant(
        "mass", NEURON, "xlogy(1 - phi, 1 - phi)) / 2)", "xlogy(1 - phi, 1 - phi)))", "the tanh potential lacks its 1/2"
    ),
    Mutant("mass", NEURON, "dilogarithm = -inside", "dilogarithm = inside", "wrong sign of the dilogarithm"),
    Mutant(
        "gelu",
        NEURON,
        "sign = 1 if len(again) else -1",
        "sign = -1 if len(again) else 1",
        "looks for the wrong sign of f'",
    ),
    Mutant("gelu", NEURON, "for _ in range(60):", "for _ in range(2):", "stops at the mesh of the scan"),
    Mutant("wall", NEURON, "math.inf, phi.square() / 2)", "math.inf, phi.square())", "the ReLU parabola lacks its 1/2"),
    Mutant("wall", NEURON, "torch.where(phi < 0, math.inf, phi.square() / 2)", "phi.square() / 2", "no wall"),
    Mutant(
        "wall",
        NEURON,
        "proposed = V(proposal) - h * proposal",
        "proposed = V(proposal) + h * proposal",
        "wrong sign of h",
    ),
    Mutant("wall", NEURON, "accept = dice[1] < torch", "accept = dice[1] < 2 * torch", "accepts too often"),
    Mutant(
        "fluctuation",
        NEURON,
        "torch.exp(-beta * (proposed - energy))",
        "torch.exp(-(proposed - energy))",
        "beta is lost",
    ),
    Mutant(
        "fluctuation",
        CHAPTER,
        "    2.0 * variance,",
        "    variance,",
        "the response is the variance without beta",
    ),
    Mutant(
        "cold", NEURON, "xlogy(1 - phi, 1 - phi)) / 2)", "xlogy(1 - phi, 1 - phi)))", "the tanh potential lacks its 1/2"
    ),
    Mutant(
        "cold",
        NEURON,
        "proposed = V(proposal) - h * proposal",
        "proposed = V(proposal) + h * proposal",
        "wrong sign of h",
    ),
    Mutant(
        "correction",
        NEURON,
        "T = 1 / torch.tensor(betas",
        "T = 2 / torch.tensor(betas",
        "the expansion parameter is doubled",
    ),
    Mutant(
        "correction",
        NEURON,
        "math.log(2) + xlogy(phi, phi) + xlogy(1 - phi, 1 - phi))",
        "2 * phi - 1 + math.log(2) + xlogy(phi, phi) + xlogy(1 - phi, 1 - phi))",
        "a field left over in the potential",
    ),
    Mutant("warm-curve", NEURON, "torch.where(phi < 0, math.inf, phi.square() / 2)", "phi.square() / 2", "no wall"),
    Mutant("warm-curve", NEURON, "accept = dice[1] < torch", "accept = dice[1] < 2 * torch", "accepts too often"),
    Mutant(
        "machine",
        CHAPTER,
        "dice < torch.sigmoid(field)",
        "dice < torch.sigmoid(2 * field)",
        "the rule of spins, whose flip costs twice the field, for bits",
    ),
    Mutant(
        "machine",
        CHAPTER,
        "ring = ring.roll(1, 0) + ring.roll(-1, 0)",
        "ring = 2 * ring.roll(1, 0)",
        "each bit listens to one neighbour: no symmetric weights, no energy",
    ),
    Mutant(
        "machine",
        CHAPTER,
        "bits[:, i] = (dice < torch.sigmoid(field)).to(b.dtype)",
        "bits[:, i] = torch.sigmoid(field)",
        "the mean in place of the bit: the deterministic network",
        refuses="no error can be read off a constant",
    ),
    Mutant("response", FREE, "total = total + 0.5 * step", "total = total + step", "each bond is counted twice"),
    Mutant("response", FREE, "total = 0.5 * mass2 * phi", "total = mass2 * phi", "the mass term lacks its 1/2"),
    Mutant("motion", LAYERS, ".sum() / len(maps)", ".sum()", "sum over the batch in place of its mean"),
    Mutant(
        "modes",
        LAYERS,
        "torch.fft.fft2(-len(images) * force",
        "torch.fft.fft2(-force",
        "the mean loss's source, not one image's",
    ),
    Mutant("modes", FREE, "total = total + 0.5 * step", "total = total + step", "each bond is counted twice"),
    Mutant("driven-curve", FREE, "total = total + 0.5 * step", "total = total + step", "each bond is counted twice"),
    Mutant("driven-curve", CHAPTER, "mass2=m * m) - push", "mass2=m) - push", "the mass for its square"),
    Mutant("driven", FREE, "total = total + 0.5 * step", "total = total + step", "each bond is counted twice"),
    Mutant(
        "driven",
        "fieldkit/lattice/digits.py",
        "return whiten(images, like=images), labels, whiten(new, like=images)",
        "return images, labels, new",
        "the images are not white",
    ),
    Mutant(
        "driven", "fieldkit/lattice/digits.py", "/ power.sqrt()", "/ power", "divided by the power, not by its root"
    ),
    Mutant(
        "motion",
        LAYERS,
        "torch.fft.fft2(-len(images) * force",
        "torch.fft.fft2(-force",
        "the mean loss's source, not one image's",
    ),
    Mutant(
        "motion",
        LAYERS,
        "torch.fft.fft2(-len(images) * force",
        "torch.fft.fft2(len(images) * force",
        "wrong sign of the source",
    ),
    Mutant("motion", FREE, "total = total + 0.5 * step", "total = total + step", "each bond is counted twice"),
    Mutant(
        "spectrum",
        LAYERS,
        "reshape(*maps.shape[:2], 2).sum(1)",
        "reshape(*maps.shape[:2], 2).abs().sqrt().sum(1)",
        "amplitude in place of power",
    ),
    Mutant("covariance", LAYERS, "** (eta / 2 - 1)", "** (eta - 1)", "p^-(2 - 2 eta) in place of p^-(2 - eta)"),
    Mutant(
        "covariance",
        LAYERS,
        'boundary="open", device=rng.device) for side',
        'boundary="periodic", device=rng.device) for side',
        "momenta of the torus in a window with free ends",
    ),
    Mutant(
        "covariance", LAYERS, "white * variance.sqrt()", "white * variance", "coloured by the variance, not by its root"
    ),
    Mutant(
        "wick",
        LAYERS,
        "white = torch.randn(shape, generator=rng, device=rng.device, dtype=torch.float64)",
        "white = torch.randn((*shape[:3], 1), generator=rng, device=rng.device, dtype=torch.float64) * torch.randn("
        "(*shape[:2], 1, l), generator=rng, device=rng.device, dtype=torch.float64)",
        "filters coloured from noise of rank one",
    ),
]
