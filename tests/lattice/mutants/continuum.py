"""Wrong physics that the claims of book/lattice/continuum.md must see."""

from tests.mutation import Mutant

CHAPTER = "book/lattice/continuum.md"
FREE = "fieldkit/lattice/free.py"
FREE_EXACT = "fieldkit/lattice/free_exact.py"
OSCILLATOR = "fieldkit/lattice/oscillator.py"
CONTINUUM = "fieldkit/lattice/continuum.py"
INTERPOLATION = "fieldkit/lattice/interpolation.py"

MUTANTS = [
    Mutant(
        claim="free-exponent",
        file=FREE_EXACT,
        old="return 2 * math.asinh(math.sqrt(mass2) / 2)",
        new="return math.log1p(math.sqrt(mass2))",
        why="a derivative to one side: artefacts of first order",
    ),
    Mutant(
        claim="free-exponent",
        file=FREE_EXACT,
        old="return 2 * math.asinh(math.sqrt(mass2) / 2)",
        new="return math.log(1 + math.sqrt(mass2))",
        why="forward difference in time: an artefact of order a",
    ),
    Mutant(
        claim="oscillator-exponent",
        file=OSCILLATOR,
        old="exponent = -((x[:, None] - x) ** 2) / (2 * spacing)",
        new="exponent = -((x[:, None] - x) ** 2) / spacing",
        why="kinetic term without its one half",
    ),
    Mutant(
        claim="oscillator-exponent",
        file=OSCILLATOR,
        old="spacing * (V[:, None] + V - 2 * bottom) / 2",
        new="spacing * (mass2 * (x[:, None] + x) ** 2 / 8 + coupling * (x[:, None] + x) ** 4 / 16 - bottom)",
        why="potential at the midpoint: same continuum, but an artefact of order a",
    ),
    Mutant(
        claim="oscillator-slope",
        file=OSCILLATOR,
        old="V = mass2 * x**2 / 2",
        new="V = (mass2 + spacing**2 / 10) * x**2 / 2",
        why="a mass that runs with a^2: same continuum and same power, but another amplitude",
    ),
    Mutant(
        claim="free-fall",
        file=FREE,
        old="one = 4 * torch.sin(half).square()",
        new="one = torch.minimum(2 * half, 2 * math.pi - 2 * half).square()",
        why="continuum momentum for lattice momentum",
    ),
    Mutant(
        claim="free-fall",
        file=CHAPTER,
        old="mass2=a**2, rng",
        new="mass2=a, rng",
        why="wrong power of a in the rescaled mass",
    ),
    Mutant(
        claim="oscillator-continuum",
        file=OSCILLATOR,
        old="return spacing**2 * mass2, spacing**3 * coupling",
        new="return spacing**2 * mass2, spacing**2 * coupling",
        why="wrong power of a in the rescaled coupling",
    ),
    Mutant(
        claim="oscillator-continuum",
        file=CONTINUUM,
        old="/ (2 * correlator[t])) / step",
        new="/ correlator[t]) / step",
        why="cosh without its one half",
    ),
    Mutant(
        claim="oscillator-continuum",
        file=CHAPTER,
        old="powers=[0, 2, 4, 6]",
        new="powers=[0]",
        why="an average over spacings for an extrapolation",
    ),
    Mutant(
        claim="band-limited",
        file=INTERPOLATION,
        old="        count[-1] = 1.0",
        new="        count[-1] = 2.0",
        why="Nyquist mode counted twice",
    ),
    Mutant(
        claim="ripple",
        file=INTERPOLATION,
        old="/ (math.sqrt(2 * math.pi) * width)",
        new="/ (math.sqrt(math.pi) * width)",
        why="wrong integral of the Gaussian",
    ),
    Mutant(
        claim="linear-error",
        file=INTERPOLATION,
        old="return (1 - _distance(positions, L).abs()).clamp(min=0)",
        new="return (_distance(positions, L).abs() < 0.5).to(positions)",
        why="nearest site for straight line",
    ),
    Mutant(
        claim="band-limited-error",
        file=INTERPOLATION,
        old="count = torch.full_like(k, 2.0)",
        new="count = torch.full_like(k, 1.0)",
        why="modes without their mirror images",
    ),
    Mutant(
        claim="band-limited-error",
        file=INTERPOLATION,
        old="k = torch.arange(L // 2 + 1,",
        new="k = torch.arange(L // 2,",
        why="Nyquist mode dropped",
    ),
    Mutant(
        claim="gaussian-error",
        file=INTERPOLATION,
        old="torch.softmax(_scores(positions, L, width), dim=1)",
        new="(torch.exp(_scores(positions, L, width)) / (math.sqrt(2 * math.pi) * width))",
        why="Gaussian divided by its integral instead of its sum",
    ),
    Mutant(
        claim="free-lies",
        file=FREE,
        old="one = 4 * torch.sin(half).square()",
        new="one = torch.minimum(2 * half, 2 * math.pi - 2 * half).square()",
        why="continuum momentum for lattice momentum",
    ),
    Mutant(
        claim="oscillator-lies",
        file=OSCILLATOR,
        old="return spacing**2 * mass2, spacing**3 * coupling",
        new="return spacing**2 * mass2, spacing**2 * coupling",
        why="wrong power of a in the rescaled coupling",
    ),
    Mutant(
        claim="directions",
        file=FREE,
        old="one = 4 * torch.sin(half).square()",
        new="one = torch.minimum(2 * half, 2 * math.pi - 2 * half).square()",
        why="continuum momentum for lattice momentum",
    ),
    Mutant(
        claim="diagonal",
        file=FREE,
        old="one = 4 * torch.sin(half).square()",
        new="one = torch.minimum(2 * half, 2 * math.pi - 2 * half).square()",
        why="continuum momentum, which turns with the axes and so lies along neither",
    ),
    Mutant(
        claim="rotation",
        file=FREE,
        old="total = total[..., None] + one",
        new="total = 0.8 * total[..., None] + one",
        why="springs of one axis weaker than the other's",
    ),
    Mutant(
        claim="kernels",
        file=INTERPOLATION,
        old="return (1 - _distance(positions, L).abs()).clamp(min=0)",
        new="return (_distance(positions, L).abs() < 0.5).to(positions)",
        why="nearest site for straight line",
    ),
    Mutant(
        claim="widths",
        file=INTERPOLATION,
        old="torch.softmax(_scores(positions, L, width), dim=1)",
        new="(torch.exp(_scores(positions, L, width)) / (math.sqrt(2 * math.pi) * width))",
        why="Gaussian divided by its integral instead of its sum",
    ),
    Mutant(
        claim="plane-blur",
        file=INTERPOLATION,
        old="return (-(distance**2) / (2 * width**2))",
        new="return (-(distance**2) / width**2)",
        why="a Gaussian without its half: another width",
    ),
    Mutant(
        claim="plane",
        file=INTERPOLATION,
        old="return (1 - _distance(positions, L).abs()).clamp(min=0)",
        new="return (_distance(positions, L).abs() < 0.5).to(positions)",
        why="nearest-neighbour upsampling for bilinear",
    ),
]
