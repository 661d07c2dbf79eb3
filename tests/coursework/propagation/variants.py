"""Answers to *Commit, then measure* that must get all points, and the errors that must lose theirs."""

from tests.coursework.guesses import always_and_never

HERMITE = """
import numpy
z, weight = (torch.from_numpy(x) for x in numpy.polynomial.hermite_e.hermegauss(200))
weight = weight / weight.sum()
"""
NEWTON = """
def fixed_length(sw2, sb2):
    q = 30.0  # from above: the map is concave there
    for _ in range(60):
        f = lambda q: q - sw2 * average(lambda x: phi(x)**2, q) - sb2
        q = max(1e-12, q - f(q) / ((f(q * 1.0001) - f(q * 0.9999)) / (0.0002 * q)))
    return q
"""
QUAD = """
from scipy.integrate import quad
from scipy.optimize import brentq
def average(f, q):
    g = lambda x: float(f(torch.tensor(math.sqrt(q) * x))) * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return 2 * quad(g, 0, 9, epsabs=1e-9)[0]
def critical(sb2):
    def excess(q):
        return q - average(lambda x: phi(x)**2, q) / average(lambda x: slope(x)**2, q) - sb2
    return 1 / average(lambda x: slope(x)**2, brentq(excess, 1e-9, 50, xtol=1e-7))
"""
BOOTSTRAP = """
def edge(growth):
    rng = torch.Generator().manual_seed(0)
    means = growth.mean(1)
    again = means[torch.randint(len(means), (2000, len(means)), generator=rng)].mean(1)
    return means.mean(), again.std()
"""
RIGHT = {
    "critical": {"Gauss-Hermite, 200 nodes": HERMITE, "quad and brentq": QUAD},
    "depth": {"Newton": NEWTON, "Gauss-Hermite, 200 nodes": HERMITE},
    "edge": {"bootstrap": BOOTSTRAP},
}
WRONG = {
    "critical": {
        "sw for sw2": ("old = critical\ndef critical(sb2):\n    return old(sb2)**0.5", 0, "standard deviation"),
        "sb2 lost in q*": ("old = critical\ndef critical(sb2):\n    return old(1e-9)", 0.1, "lost its sb2"),
        "phi for its slope": (
            "def critical(sb2):\n    return 1 / average(lambda x: phi(x)**2, 1 + sb2)", 0.1, "phi squared"
        ),
        "a numerical slope that is coarse": (
            "def slope(x):\n    return (phi(x + 0.2) - phi(x)) / 0.2", 0.1, "off by"
        ),
        "nine nodes": (HERMITE.replace("200", "9"), 0.9, "off by"),
    },
    "depth": {
        "a growth length": ("old = depth\ndef depth(w, b):\n    return -old(w, b)", 0, "minus sign"),
        "chi_1 in chaos": ("def depth(w, b):\n    return -1 / math.log(chi_1(w, b))", 0.5, "off by"),
        "phi for its slope": ("slope = phi", 0.5, "off by"),
    },
    "edge": {
        "layers as independent": (
            "def edge(g):\n    return g.mean(), g.std() / g.numel()**0.5", 0, "not independent"
        ),
        "layers as copies": ("def edge(g):\n    return g.mean(), g.std() / len(g)**0.5", 0, "too large"),
        "only the last layer": (
            "def edge(g):\n    return g[:, -1].mean(), g[:, -1].std() / len(g)**0.5", 0.1, ""
        ),
    },
    "is_right": {
        **always_and_never("is_right"),
        "at one length only": (
            "def is_right(layer):\n"
            "    x = torch.randn(40, 400, generator=torch.Generator().manual_seed(1)).double() * 20\n"
            "    q = sw2 * (phi(x)**2).mean() + sb2\n    return bool(((layer(x)**2).mean() / q - 1).abs() < 0.4)",
            0.81,
            "",
        ),
    },
}  # fmt: skip
