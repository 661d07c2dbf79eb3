"""Answers to *Blind critical point* that must get all points, and the errors that must lose theirs."""

ROLLED = """
def energy(s):
    total = 0
    for J, (dx, dy) in ((J1, (0, 1)), (J2, (1, 0)), (J3, (1, 1))):
        total = total - J * (s * torch.roll(s, (dx, dy), (1, 2))).sum((1, 2))
    return total
"""
POLYFIT = """
import numpy
def exponent(L, value, error):
    p, c = numpy.polyfit(numpy.log(L.numpy()), numpy.log(value.numpy()), 1, w=(value / error).numpy(), cov='unscaled')
    return -p[0], c[0, 0]**0.5
"""
CHI_PEAK = """
def find_tc(simulate):
    best, where = 0.0, 1.0
    for i in range(30):
        T = 0.8 * 1.07**i
        m = simulate(T, 8, 1000)
        chi = float((m**2).mean() - m.abs().mean()**2) * 64 / T
        if chi > best:
            best, where = chi, T
    return where, 0.01 * where
"""
RIGHT = {"energy": {"other neighbours": ROLLED}, "exponent": {"polyfit": POLYFIT}}
WRONG = {
    "energy": {
        "the sign": ("old = energy\ndef energy(s):\n    return -old(s)", 0, "the sign"),
        "twice": ("old = energy\ndef energy(s):\n    return 2 * old(s)", 0, "counted twice"),
        "no diagonal": ("J3 = 0.0", 0, "diagonal is missing"),
        "exchanged": ("J1, J2 = J2, J1", 0, "exchanged"),
    },
    "critical": {
        "the mean coupling": (
            "def critical():\n    return 2 * (J1 + J2 + J3) / 3 / math.log(1 + 2**0.5)", 0, "mean coupling"
        ),
        "1 / T": ("old = critical\ndef critical():\n    return 1 / old()", 0, "1 / T_c"),
        "K = 2 J / T": ("old = critical\ndef critical():\n    return 2 * old()", 0, "not 2 J"),
    },
    "exponent": {
        "points alike": (
            "def exponent(L, v, e):\n    x, y = L.log(), v.log()\n    x = x - x.mean()\n"
            "    s = (x * y).sum() / (x**2).sum()\n"
            "    r = y - y.mean() - s * x\n    return -s, (r**2).sum().sqrt() / 2 / (x**2).sum().sqrt()",
            0.9,
            "",
        ),
        "two points": (
            "def exponent(L, v, e):\n    return -(v[-1] / v[0]).log() / (L[-1] / L[0]).log(), 0.01", 0.5, ""
        ),
    },
    "kind": {
        "always second": ("def kind(m):\n    return 1", 0, "you call second order"),
        "first for second": (
            "old = kind\ndef kind(m):\n    k = old(m)\n    return 2 if k == 1 else k", 0.4, "first order"
        ),
    },
    "find_tc": {
        "the peak of chi at one size": (CHI_PEAK, 0.1, "average cost"),
        "always": ("def find_tc(simulate):\n    return 2.269, 0.001", 0, "of your bars off"),
        "never": ("def find_tc(simulate):\n    return 3.0, 30.0", 0, "average cost"),
    },
}  # fmt: skip
