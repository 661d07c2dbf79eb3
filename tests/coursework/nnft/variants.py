"""Answers to *Six points from four* that must get all points, and the errors that must lose theirs."""

from tests.coursework.guesses import always_and_never

JACKKNIFE = """
def measure(f):
    parts = f.reshape(200, -1)
    m2, m4 = (parts**2).mean(1), (parts**4).mean(1)
    n = len(m2)
    a2, a4 = (m2.sum() - m2) / (n - 1), (m4.sum() - m4) / (n - 1)
    k = a4 - 3 * a2**2
    return (f**4).mean() - 3 * (f**2).mean()**2, ((k - k.mean())**2).sum().sqrt() * ((n - 1) / n)**0.5
"""
BOOTSTRAP = """
def measure(f):
    rng = torch.Generator().manual_seed(0)
    again = f[torch.randint(len(f), (200, len(f)), generator=rng)]
    k = (again**4).mean(1) - 3 * (again**2).mean(1)**2
    return (f**4).mean() - 3 * (f**2).mean()**2, k.std()
"""
HERMITE = """
import numpy
z, weight = (torch.from_numpy(x) for x in numpy.polynomial.hermite_e.hermegauss(120))
weight = weight / weight.sum()
"""
RIGHT = {
    "g4": {"Gauss-Hermite": HERMITE},
    "g6": {"Gauss-Hermite": HERMITE},
    "measure": {"jackknife": JACKKNIFE, "bootstrap": BOOTSTRAP},
}
WRONG = {
    "g4": {
        "N - 1": ("width = width - 1", 0.1, "N - 1"),
        "two of three pairings": (
            "old = g4\ndef g4(x, y):\n    return old(x, y) + sw2**2 / width * M_two(1, 1, x, y)**2", 0.2, "pairing"
        ),
        "moments for cumulants": (
            "def g4(x, y):\n    return 3 * sw2**2 / width * M_two(2, 2, x, y)", 0.1, "not the connected part"
        ),
        "the output bias in it": ("old = g4\ndef g4(x, y):\n    return old(x, y) + so2**2", 0.1, "output bias"),
        "one v for all": (
            "def g4(x, y):\n    pairs = M(2, x) * M(2, y) + 2 * M_two(1, 1, x, y)**2\n"
            "    return sw2**2 / width * (M_two(2, 2, x, y) - pairs)",
            0.1,
            "E v^4 = 3",
        ),
    },
    "g6": {
        "moments for cumulants": ("def g6(x):\n    return sw2**3 / width**2 * 15 * M(6, x)", 0.1, "not the connected"),
        "one power of the width": ("old = g6\ndef g6(x):\n    return old(x) * width", 0.1, "square of the width"),
    },
    "measure": {
        "added like strangers'": (
            "def measure(f):\n    m2, m4 = (f**2).mean(), (f**4).mean()\n    n = len(f)**0.5\n"
            "    bar = ((f**4).std()**2 + (6 * m2 * (f**2).std())**2)**0.5 / n\n    return m4 - 3 * m2**2, bar",
            0,
            "rise together",
        ),
        "of the first term only": (
            "def measure(f):\n    return (f**4).mean() - 3 * (f**2).mean()**2, (f**4).std() / len(f)**0.5",
            0,
            "too large",
        ),
        "of a Gaussian of variance one": (
            "def measure(f):\n    m2 = (f**2).mean()\n    return (f**4).mean() - 3 * m2**2, (24 / len(f))**0.5",
            0.5,
            "too",
        ),
    },
    "is_right": {
        **always_and_never("is_right"),
        "the variance only": (
            "def is_right(draw):\n    x = torch.tensor([[1.2, 0.4]], dtype=torch.float64)\n    f = draw(x, 20000)\n"
            "    bar = (f**2).std() / len(f)**0.5\n"
            "    return bool(((f**2).mean() - sw2 * M(2, x[0]) - so2).abs() < 4 * bar)",
            0.81,
            "third of the neurons",
        ),
    },
}  # fmt: skip
